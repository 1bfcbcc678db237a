"""Earlier runs beside each other: speed-ups, a chart, a table, and files to keep.

A panel keeps its runs as results. All that is asked of a result here is a `setting` with the start
`method` and the `numbers` of the sliders, a `timeline`, and `trouble`: a text, empty if the run
ended well.

Speed-up is measured on the total, from the first call to the last result, because that is what a
person waits for. The makespan leaves out start-up, which is just where start methods differ.
"""

import csv
import html
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from helpers import chart_compare
from helpers import chart_words as words
from helpers.chart_compare import Point, medians, methods_of
from helpers.chart_data import first_start
from helpers.chart_sheet import Sheet
from helpers.chart_style import DARK, LIGHT, MOST_HOVER_BOXES
from helpers.gantt import Chart, gantt
from helpers.timeline import OUTCOMES, Timeline

WORKERS = "workers"
"""The slider that a speed-up is about."""

NOTE_LENGTH = 110
"""So many letters fit into one line below the chart."""
FEW_SETTINGS = 12
"""Up to here the text for those who cannot see the chart tells every number on it."""


class Setting(Protocol):
    method: str
    numbers: dict[str, int]


class Result(Protocol):
    """What is asked of a run."""

    setting: Setting
    timeline: Timeline
    trouble: str


# Speed-up


def speed_ups(results: Sequence[Result]) -> dict[str, list[tuple[int, float]]]:
    """For each start method the runs that have a speed-up, as pairs (workers, speed-up).

    A speed-up is the total with one worker over the total of the run. Where several runs with one
    worker were measured, their median counts. They must be runs of the same experiment: the same
    start method, the same numbers apart from the workers, as many tasks that ended alike. Without
    such a run there is no speed-up. Runs with trouble are left out.
    """
    found = {}
    for result, speed_up in zip(results, _speed_ups(results), strict=True):
        if not math.isnan(speed_up):
            point = (result.setting.numbers[WORKERS], speed_up)
            found.setdefault(result.setting.method, []).append(point)
    return found


def _speed_ups(results):
    """The speed-up of each run, nan where there is none."""
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
    """Whether a run has no trouble and a total."""
    return not result.trouble and result.timeline.total > 0


def _experiment(result):
    """What two runs must share to be the same experiment with more or fewer workers."""
    outcomes = np.bincount(result.timeline.tasks.outcome, minlength=len(OUTCOMES))
    return result.setting.method, _others(result, WORKERS), tuple(outcomes.tolist())


def _others(result, name):
    """All numbers of a run but one."""
    return tuple(sorted((n, v) for n, v in result.setting.numbers.items() if n != name))


# The chart


def comparison(results: Sequence[Result], cores: int, *, dark: bool = False) -> Chart:
    """The chart of all runs: their total and makespan, and their speed-up where it is known.

    One number goes to the right, that which was varied most (the workers, if in doubt); only runs
    that agree with the newest in all other numbers are shown. Runs with trouble are left out. What
    is left out is said.

    Args:
        results: the runs, the newest last.
        cores: how many cores this seat has, from `machine.usable_cores().count`.
        dark: colours for a dark notebook.

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
    alt = _alt_text(points, counted, [title, *facts], notes)
    return Chart(sheet.figure, alt, boxes)


def _draw(sheet, points, fast, counted, newest, cores, said):
    """Draw all parts. Returns texts and places for the mouse to rest on."""
    title, facts, notes = said
    lines = [line for note in notes for line in textwrap.wrap(note, NOTE_LENGTH)]
    sheet.set_height(chart_compare.height(len(lines)))
    sheet.headings(title, facts)
    plot = chart_compare.draw_times(sheet, points, counted, newest, wide=counted != WORKERS)
    places = plot.boxes("total")
    if fast:
        plot = chart_compare.draw_speed_ups(sheet, fast, counted, newest, cores)
        places += plot.boxes("speed_up")
    elif counted == WORKERS:
        chart_compare.draw_sentence(sheet, textwrap.wrap(NO_SPEED_UP, 36))
    chart_compare.draw_legend(sheet, points, newest, lines)
    latest_first = sorted(places, key=lambda place: -place[0].run)[:MOST_HOVER_BOXES]
    return [(_hover(point, counted), *place) for point, place in latest_first]


def _nothing_to_compare(sheet, results):
    facts = [f"none of {words.count(len(results), 'run')} ended well"] if results else []
    sheet.set_height(chart_compare.HEADINGS_HEIGHT)
    title = "There is no run to compare yet"
    sheet.headings(title, facts)
    return Chart(sheet.figure, ": ".join([title, *facts]) + ".", [])


def _points(results):
    """What is counted to the right, and a point for each run that is shown."""
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
            result.timeline.makespan if words.shares_tasks(result.timeline) else math.nan,
            speed_up if counted == WORKERS else math.nan,
        )
        for run, (result, speed_up) in enumerate(
            zip(results, _speed_ups(results), strict=True), start=1
        )
        if _ended_well(result) and _others(result, counted) == shown
    ]
    return counted, points


def _most_varied(results):
    """The number that took most values while all others were as in the newest run."""

    def values(name):
        shown = _others(results[-1], name)
        return len({r.setting.numbers[name] for r in results if _others(r, name) == shown})

    return max(results[-1].setting.numbers, key=lambda name: (values(name), name == WORKERS))


# The chart in words

NO_SPEED_UP = (
    "No speed-up: it is said only against a run with 1 worker, started the same way, and none "
    "was measured."
)


def _title(points, counted):
    best = min(points, key=lambda point: point.total)
    runs = words.count(len(points), "run")
    fastest = f"total {words.seconds(best.total)} ({_who(best, counted)})"
    return f"{runs}: fastest {fastest}" if len(points) > 1 else f"{runs}: {fastest}"


def _who(point, counted):
    return f"{_number(point.number, counted)}, {point.method}"


def _number(number, counted):
    """`4 workers`, `1 worker`."""
    return f"{number:,} {counted if number != 1 else counted.removesuffix('s')}"


def _facts(points, counted, results):
    """Below the title: the newest run, unless it is the only one or left out."""
    newest = points[-1]
    if newest.run < len(results) or len(points) == 1:
        return [_measures(points[-1])] if len(points) == 1 else []
    return [f"newest, run {newest.run}: {_who(newest, counted)}, {_measures(newest)}"]


def _measures(point):
    """Total, makespan and speed-up of a run, as far as they are known."""
    told = [f"total {words.seconds(point.total)}"]
    if math.isfinite(point.makespan):
        told.append(f"makespan {words.seconds(point.makespan)}")
    if math.isfinite(point.speed_up):
        told.append(f"speed-up {point.speed_up:.2f}")
    return ", ".join(told)


def _notes(results, points, fast, counted, cores):
    """What has to be known to read the chart, and which runs are not on it."""
    notes = []
    if fast:
        notes.append(
            "Speed-up: the total with 1 worker, started the same way, over the total of the run. "
            f"The ceiling of {words.count(cores, 'core')} holds for tasks that compute; tasks that "
            "sleep may lie above it."
        )
        missing = [m for m in methods_of(points) if m not in methods_of(fast)]
        if missing:
            notes.append(f"No speed-up for {' and '.join(missing)}: no run with 1 worker to match.")
    troubled = sum(not _ended_well(result) for result in results)
    others = len(results) - troubled - len(points)
    if troubled:
        notes.append(f"Left out because they did not end well: {words.count(troubled, 'run')}.")
    if others:
        names = [name for name in results[-1].setting.numbers if name != counted]
        notes.append(
            f"Left out because of other numbers of {' and '.join(names)} than in the newest: "
            f"{words.count(others, 'run')}."
        )
    return notes


def _hover(point, counted):
    return f"run {point.run}: {_who(point, counted)}\n" + _measures(point).replace(", ", "\n")


def _alt_text(points, counted, headings, notes):
    """The chart's facts as sentences; of many runs only the range, since the table has them all."""
    facts = [*headings]
    settings = Counter((point.method, point.number) for point in points)
    if len(settings) <= FEW_SETTINGS:
        facts += [_setting_story(points, counted, *key) for key in sorted(settings)]
    else:
        facts += [_method_story(points, counted, method) for method in methods_of(points)]
    told = " ".join(f"{fact[:1].upper()}{fact[1:]}." for fact in facts)
    return " ".join([f"Chart that compares runs by their {counted}. {told}", *notes])


def _setting_story(points, counted, method, number):
    """One setting's numbers; of several runs the medians."""
    runs = [point for point in points if (point.method, point.number) == (method, number)]
    middle = runs[0]._replace(
        **{name: float(np.median([getattr(run, name) for run in runs])) for name in MEASURED}
    )
    several = f" (median of {len(runs)} runs)" if len(runs) > 1 else ""
    return f"{_who(middle, counted)}{several}: {_measures(middle)}"


MEASURED = ("total", "makespan", "speed_up")


def _method_story(points, counted, method):
    """The range of one start method's runs."""
    runs = [point for point in points if point.method == method]
    fast, slow = (pick(runs, key=lambda run: run.total) for pick in (min, max))
    story = (
        f"{method}, {words.count(len(runs), 'run')}: "
        f"fastest {_number(fast.number, counted)}, {_measures(fast)}; "
        f"slowest {_number(slow.number, counted)}, {_measures(slow)}"
    )
    return story


# Charts one below the other


def charts_together(results: Sequence[Result], *, dark: bool = False) -> list[Chart]:
    """Each run's own chart, all on the same time axis: a second is equally long on all of them."""
    timelines = [result.timeline for result in results]
    return [gantt(timeline, dark=dark, alongside=timelines) for timeline in timelines]


# The numbers as a table

CAPTION = (
    "All runs. Start-up: until the first task started. Total: from the first call to the last "
    "result. Speed-up: the total with one worker, started the same way, over the total of the run."
)


def table(results: Sequence[Result]) -> str:
    """The numbers of all runs as text, one line a run. Empty where nothing was measured."""
    rows = _rows(results)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def table_html(results: Sequence[Result]) -> str:
    """The same as an HTML table that a screen reader can walk through."""
    head, *rows = [[html.escape(cell) for cell in row] for row in _rows(results)]
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f"<table><caption>{html.escape(CAPTION)}</caption>"
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    )


def _rows(results):
    """The table's head and its rows, all of them texts."""
    names = _number_names(results)
    measures = ("tasks", "makespan", "total", "start-up", "utilisation", "speed-up", "trouble")
    rows = [("run", "start method", *names, *measures)]
    for run, (result, speed_up) in enumerate(
        zip(results, _speed_ups(results), strict=True), start=1
    ):
        numbers = [str(result.setting.numbers.get(name, "")) for name in names]
        known = _known(result.timeline, speed_up)
        rows.append((str(run), result.setting.method, *numbers, *known, result.trouble))
    return rows


def _known(timeline, speed_up):
    """What was measured of one run, in words; empty where there is nothing to measure."""
    shares = words.shares_tasks(timeline)
    start_up = first_start(timeline) if len(timeline.tasks) else math.nan
    return (
        f"{len(timeline.tasks):,}",
        _or_empty(timeline.makespan if shares else math.nan, words.seconds),
        _or_empty(timeline.total, words.seconds),
        _or_empty(start_up, words.seconds),
        _or_empty(timeline.utilisation if shares else math.nan, words.percent),
        _or_empty(speed_up, "{:.2f}".format),
    )


def _or_empty(number, in_words):
    return in_words(number) if math.isfinite(number) else ""


def _number_names(results):
    """The names of all numbers that any run has, in the order in which they first occur."""
    return list(dict.fromkeys(name for result in results for name in result.setting.numbers))


# Files


def to_csv(results: Sequence[Result], path: str | Path) -> None:
    """Save every task of every run: one row a task, times in seconds, empty where not known.

    After the run's number and its start method there is a column for each slider. All cells are
    as they were recorded: a call begins with a function's name, an outcome with a known word, so
    none begins with the sign that makes a spreadsheet calculate.

    Raises:
        FileExistsError: if there is such a file already. It is never overwritten.
        ValueError: if there is no run to save.
    """
    _check_some(results)
    path = Path(path)
    _check_free(path)
    names = _number_names(results)
    with path.open("x", encoding="utf-8", newline="") as file:  # csv ends the lines itself
        writer = csv.writer(file)
        writer.writerow(["run", "method", *names, *TASK_COLUMNS])
        for run, result in enumerate(results, start=1):
            setting = result.setting
            numbers = [setting.numbers.get(name, "") for name in names]
            for task in result.timeline.tasks:
                writer.writerow([run, setting.method, *numbers, *map(_cell, _columns(task))])


TASK_COLUMNS = (
    "call",
    "lane",
    "pid",
    "submitted",
    "started",
    "finished",
    "received",
    "on_core",
    "outcome",
)


def _columns(task):
    return (getattr(task, name) for name in TASK_COLUMNS)


def _cell(value):
    """A value as it stands in the file: times to the microsecond, nothing where nan."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return value


def to_png(
    results: Sequence[Result],
    cores: int,
    path: str | Path,
    *,
    predicted: Timeline | None = None,
    dark: bool = False,
) -> list[Path]:
    """Save the newest run's chart and the comparison as two pictures.

    Args:
        results: the runs, the newest last.
        cores: how many cores this seat has.
        path: `runs.png` gives `runs_newest.png` and `runs_comparison.png`.
        predicted: the schedule to draw beside the newest run.
        dark: colours for a dark notebook.

    Returns:
        The paths of both files.

    Raises:
        FileExistsError: if there is such a file already. Then neither is written.
        ValueError: if there is no run to save.
    """
    _check_some(results)
    path = Path(path)
    paths = [path.with_name(f"{path.stem}_{what}.png") for what in ("newest", "comparison")]
    for one in paths:
        _check_free(one)
    newest = gantt(results[-1].timeline, predicted, dark=dark)
    for one, chart in zip(paths, (newest, comparison(results, cores, dark=dark)), strict=True):
        with one.open("xb") as file:
            file.write(chart.png)
    return paths


def _check_some(results):
    if not results:
        raise ValueError("there is no run to save yet: press Run first")


def _check_free(path):
    if path.exists():
        raise FileExistsError(f"{path} exists already: give another name, or move that file away")
