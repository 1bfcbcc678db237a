"""Earlier runs beside each other: their speed-ups, and charts that compare them.

A panel keeps its runs as results, see `runner.Result`. A result with `trouble` did not end well.

Speed-up is measured on the total, from the first call to the last result, because that is what a
person waits for. The makespan leaves out start-up, and start methods differ just in start-up.
"""

import math
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from helpers.chart import curves, words
from helpers.chart.curves import Point, medians, methods_of
from helpers.chart.picture import Chart
from helpers.chart.scene import Scene
from helpers.chart.settings import own_settings
from helpers.chart.sheet import Sheet
from helpers.chart.style import DARK, LIGHT, MOST_HOVER_BOXES
from helpers.gantt import gantt
from helpers.runs.runner import Result
from helpers.timeline import OUTCOMES

WORKERS = "workers"
"""The slider that a speed-up is about."""

NOTE_LENGTH = 120
"""How many letters fit into one line below the chart."""
FEW_SETTINGS = 12
"""Up to this many settings, the text for those who cannot see the chart tells every number."""


# Speed-up


def speed_up_of_each(results: Sequence[Result]) -> list[float]:
    """Return the speed-up of each run, in the order of the runs; nan where there is none.

    A speed-up is the total with one worker over the total of the run. Where several runs with one
    worker were measured, their median counts. They must be runs of the same experiment: the same
    start method, the same numbers apart from the workers, as many tasks that ended alike. Without
    such a run there is no speed-up. A run with trouble has none either.
    """
    alone = medians(
        (_experiment(result), result.timeline.total)
        for result in results
        if _ended_well(result) and result.setting.numbers.get(WORKERS) == 1
    )
    return [
        alone.get(_experiment(result), math.nan) / result.timeline.total
        if _ended_well(result)
        else math.nan
        for result in results
    ]


def _ended_well(result):
    """Tell whether a run has no trouble, and a total."""
    return not result.trouble and result.timeline.total > 0


def _experiment(result):
    """Return what two runs must share to be one experiment with more or fewer workers."""
    outcomes = np.bincount(result.timeline.tasks.outcome, minlength=len(OUTCOMES))
    return result.setting.method, _others(result, WORKERS), tuple(outcomes.tolist())


def _others(result, name):
    """Return all numbers of a run but the one of this name."""
    return tuple(sorted((n, v) for n, v in result.setting.numbers.items() if n != name))


# The chart


@own_settings()
def comparison(results: Sequence[Result], cores: int, *, dark: bool = False) -> Chart:
    """Draw the chart of all runs: total and makespan, and the speed-up where it is known.

    One number goes to the right: the one that was varied most (the workers, if in doubt). Only runs
    that agree with the newest in all other numbers are shown. Runs with trouble are left out. The
    chart says what is left out.

    Args:
        results: the runs, the newest last.
        cores: how many cores this seat has, from `machine.usable_cores().count`.
        dark: whether to use the colours for a dark notebook.

    Returns:
        The chart; with one sentence, if there is no run to compare.

    Raises:
        ValueError: for cores that are not a whole number of at least 1.
    """
    if isinstance(cores, bool) or not isinstance(cores, int) or cores < 1:
        raise ValueError(
            "cores must be a whole number from 1, such as machine.usable_cores().count, "
            f"not {cores!r}"
        )
    counted, points = _points(results)
    sheet = Sheet(DARK if dark else LIGHT)
    if not points:
        return _nothing_to_compare(sheet, results)
    fast = [point for point in points if not math.isnan(point.speed_up)]
    title, facts = _title(points, counted), _facts(points, counted, results)
    notes = _notes(results, points, fast, counted, cores)
    boxes = _draw(sheet, points, fast, counted, len(results), cores, (title, facts, notes))
    alone = [NO_SPEED_UP] if counted == WORKERS and not fast else []  # stands at the right
    alt = _alt_text(points, counted, [title, ", ".join(facts)], alone + notes)
    return Chart(sheet.figure, alt, boxes)


def _draw(sheet, points, fast, counted, newest, cores, said):
    """Draw all parts. Return texts, and the places where the mouse may rest to read them."""
    title, facts, notes = said
    lines = [line for note in notes for line in textwrap.wrap(note, NOTE_LENGTH)]
    sheet.set_height(curves.height(len(lines)))
    sheet.headings(title, facts)
    plot = curves.draw_times(sheet, points, counted, newest, wide=counted != WORKERS)
    places = plot.boxes("total")
    if fast:
        plot = curves.draw_speed_ups(sheet, fast, counted, newest, cores)
        places += plot.boxes("speed_up")
    elif counted == WORKERS:
        curves.draw_sentence(sheet, textwrap.wrap(NO_SPEED_UP, 36))
    curves.draw_legend(sheet, points, newest, lines)
    latest_first = sorted(places, key=lambda place: -place[0].run)[:MOST_HOVER_BOXES]
    return [(_hover(point, counted), *place) for point, place in latest_first]


def _nothing_to_compare(sheet, results):
    facts = [f"{words.count(len(results), 'run')} {UNFIT}"] if results else []
    sheet.set_height(curves.HEADINGS_HEIGHT)
    title = "There is no run to compare yet"
    sheet.headings(title, facts)
    return Chart(sheet.figure, ": ".join([title, *facts]) + ".", [])


def _points(results):
    """Return what is counted to the right, and a point for each run that is shown."""
    good = [result for result in results if _ended_well(result)]
    if not good:
        return "", []
    counted = _most_varied(good)
    shown = _others(good[-1], counted)
    points = [
        Point(
            run,
            result.setting.method,
            result.setting.numbers[counted],
            result.timeline.total,
            result.timeline.makespan if Scene(result.timeline).shares_tasks else math.nan,
            speed_up if counted == WORKERS else math.nan,
        )
        for run, (result, speed_up) in enumerate(
            zip(results, speed_up_of_each(results), strict=True), start=1
        )
        if _ended_well(result) and _others(result, counted) == shown
    ]
    return counted, points


def _most_varied(results):
    """Return the number that had most values while all others were as in the newest run."""

    def values(name):
        shown = _others(results[-1], name)
        return len({r.setting.numbers[name] for r in results if _others(r, name) == shown})

    return max(results[-1].setting.numbers, key=lambda name: (values(name), name == WORKERS))


def compared(results: Sequence[Result]) -> int:
    """Return how many of the runs the chart shows."""
    return len(_points(results)[1])


# The chart in words

UNFIT = "did not end well, or had no task"
NO_SPEED_UP = (
    "No speed-up: it is said only against a run with 1 worker, started the same way, and none "
    "was measured."
)


def _title(points, counted):
    best = min(points, key=lambda point: point.total)
    runs = words.count(len(points), "run")
    fastest = f"total {words.seconds(best.total)} ({_setting(best, counted)})"
    return f"{runs}: fastest {fastest}" if len(points) > 1 else f"{runs}: {fastest}"


def _setting(point, counted):
    return f"{_number(point.number, counted)}, {point.method}"


def _number(number, counted):
    """Return `4 workers` or `1 worker`."""
    return f"{number:,} {counted if number != 1 else counted.removesuffix('s')}"


def _facts(points, counted, results):
    """Return what stands below the title: the newest run, if it is on the chart."""
    newest = points[-1]
    if len(points) == 1:  # the title has said the total
        return _measures(newest)[1:]
    if newest.run < len(results):
        return []
    return [f"newest, run {newest.run}: {_setting(newest, counted)}", *_measures(newest)]


def _measures(point):
    """Return total, makespan and speed-up of a run, as far as they are known."""
    told = [f"total {words.seconds(point.total)}"]
    if math.isfinite(point.makespan):
        told.append(f"makespan {words.seconds(point.makespan)}")
    if math.isfinite(point.speed_up):
        told.append(f"speed-up {point.speed_up:.2f}")
    return told


def _notes(results, points, fast, counted, cores):
    """Return what a reader of the chart has to know, and which runs are not on it."""
    notes = []
    if fast:
        notes += [
            "Speed-up: the total with 1 worker, started the same way, over the total of the run.",
            f"The ceiling of {words.count(cores, 'core')} holds for tasks that compute; "
            "tasks that sleep may lie above it.",
        ]
        missing = [m for m in methods_of(points) if m not in methods_of(fast)]
        if missing:
            notes.append(f"No speed-up for {' and '.join(missing)}: no run with 1 worker to match.")
    troubled = sum(not _ended_well(result) for result in results)
    others = len(results) - troubled - len(points)
    if troubled:
        notes.append(f"Left out: {words.count(troubled, 'run')} that {UNFIT}.")
    if others:
        names = [name for name in results[-1].setting.numbers if name != counted]
        runs = words.count(others, "run")
        notes.append(f"Left out: {runs} with other numbers of {' and '.join(names)}.")
    return notes


def _hover(point, counted):
    return "\n".join([f"run {point.run}: {_setting(point, counted)}", *_measures(point)])


def _alt_text(points, counted, headings, notes):
    """Tell the chart's facts as sentences; many runs by their range, since the table has all."""
    facts = [heading for heading in headings if heading] + _settings_told(points, counted)
    told = " ".join(f"{fact[:1].upper()}{fact[1:]}." for fact in facts)
    return " ".join([f"Chart that compares runs by their {counted}. {told}", *notes])


def _settings_told(points, counted):
    if len(points) == 1:
        return []  # the headings have told everything
    settings = {(point.method, point.number) for point in points}
    if len(settings) <= FEW_SETTINGS:
        return [_setting_told(points, counted, *key) for key in sorted(settings)]
    return [_method_told(points, counted, method) for method in methods_of(points)]


def _setting_told(points, counted, method, number):
    """Tell one setting's numbers; the medians if it has several runs."""
    runs = [point for point in points if (point.method, point.number) == (method, number)]
    middle = runs[0]._replace(
        **{name: float(np.median([getattr(run, name) for run in runs])) for name in MEASURED}
    )
    several = f" (median of {len(runs)} runs)" if len(runs) > 1 else ""
    return f"{_setting(middle, counted)}{several}: {', '.join(_measures(middle))}"


MEASURED = ("total", "makespan", "speed_up")


def _method_told(points, counted, method):
    """Tell the range of the runs by one start method."""
    runs = [point for point in points if point.method == method]
    fast, slow = (pick(runs, key=lambda run: run.total) for pick in (min, max))
    ends = (
        f"{which} {', '.join([_number(run.number, counted), *_measures(run)])}"
        for which, run in (("fastest", fast), ("slowest", slow))
    )
    return f"{method}, {words.count(len(runs), 'run')}: {'; '.join(ends)}"


# Charts one below the other


def charts_together(results: Sequence[Result], *, dark: bool = False) -> Iterator[Chart]:
    """Draw each run's own chart, one after the other; a second is equally long on all of them."""
    timelines = [result.timeline for result in results]
    for timeline in timelines:
        yield gantt(timeline, dark=dark, alongside=timelines)
