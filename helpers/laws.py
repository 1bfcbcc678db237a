"""Two laws about how fast several workers can be, and a chart of them beside what was measured.

Both split a job into a serial part, which one worker has to do alone, and a rest that can be
shared out. They differ in what they hold fixed: Amdahl the job, Gustafson the time.
"""

from collections.abc import Mapping

from helpers.chart import curves as chart_compare
from helpers.chart import style
from helpers.chart.curves import Plot, Point, draw_ceiling, draw_law
from helpers.chart.sheet import Sheet
from helpers.chart.style import DARK, LIGHT
from helpers.chart.words import count, percent
from helpers.gantt import Chart

PLOT_WIDTH, SECOND_LEFT = 340, 540


MOST_WORKERS = 1_000_000_000
"""No machine has more; and beyond what a float can hold, no law has an answer."""


def amdahl(serial: float, workers: float) -> float:
    """The speed-up of a job of which the share `serial` (0 to 1) cannot be shared out.

    Source: G. M. Amdahl, Validity of the single processor approach to achieving large scale
    computing capabilities, AFIPS 1967, pages 483 to 485. (The formula is how it is quoted today.)

    Raises:
        ValueError: for a share that is not from 0 to 1, and for fewer than one worker or more
            than `MOST_WORKERS`.
    """
    _check(serial, workers)
    return 1 / (serial + (1 - serial) / workers)


def gustafson(serial: float, workers: float) -> float:
    """The speed-up of a job that grows with the workers, so that they need equally long for it.

    `serial` is the share (0 to 1) of that time in which one worker works alone.

    Source: J. L. Gustafson, Reevaluating Amdahl's law, Communications of the ACM 31 (5), 1988,
    pages 532 and 533.

    Raises:
        ValueError: for a share that is not from 0 to 1, and for fewer than one worker or more
            than `MOST_WORKERS`.
    """
    _check(serial, workers)
    return serial + (1 - serial) * workers


def _check(serial, workers):
    if not 0 <= serial <= 1:
        raise ValueError(f"the serial part is a share from 0 to 1, not {serial!r}")
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(
            f"there must be at least one worker, and at most {MOST_WORKERS:,}, not {workers!r:.80}"
        )


def law_chart(
    fixed: Mapping[int, float],
    grown: Mapping[int, float],
    serial: float,
    cores: int,
    *,
    dark: bool = False,
) -> Chart:
    """Measured speed-ups beside the two laws.

    Args:
        fixed: for each number of workers the speed-up that was measured with the same job.
        grown: the same with a job whose parallel part grew with the number of workers.
        serial: the serial share of the job, measured with one worker.
        cores: how many cores this seat has, from `machine.usable_cores().count`.
        dark: colours for a dark notebook.

    Raises:
        ValueError: where nothing was measured, and for a `serial` that is no share.
    """
    if not fixed or not grown:
        raise ValueError("there is nothing to draw: no speed-up was measured")
    sheet = Sheet(DARK if dark else LIGHT)
    sheet.set_height(chart_compare.height(1) - chart_compare.LEGEND_HEIGHT)
    title = f"Speed-up, measured and as the laws say for a serial part of {percent(serial)}"
    sheet.headings(
        title,
        ["diamonds: measured", "plain line: the law", "dashed line: the ceiling of this machine"],
    )
    for left, heading, points, law, name in (
        (chart_compare.LEFT, "the same job for all", fixed, amdahl, "Amdahl"),
        (SECOND_LEFT, "a job that grows with the workers", grown, gustafson, "Gustafson"),
    ):
        _draw(
            sheet, left, heading, points, lambda workers, law=law: law(serial, workers), name, cores
        )
    note = f"Both laws give every worker a core of its own; here there are {cores}."
    sheet.text_at(style.SIDE, style.BOTTOM + 10, note, color=sheet.palette.muted)
    return Chart(sheet.figure, f"{title}. {_told(fixed, grown, serial)} {note}", [])


def _draw(sheet, left, heading, points, law, name, cores):
    """One law with its points."""
    nan = float("nan")
    marks = [
        Point(run, "measured", workers, nan, nan, speed_up)
        for run, (workers, speed_up) in enumerate(sorted(points.items()), start=1)
    ]
    plot = Plot(sheet, (left, PLOT_WIDTH), heading, "workers", marks)
    plot.axes.set_ylim(0, 1.15 * max(law(plot.last), *points.values()))
    plot.axes.set_ylabel("times as fast", fontsize=style.SMALL_FONT, color=sheet.palette.muted)
    draw_ceiling(plot, cores)
    draw_law(plot, law, name)
    plot.draw("speed_up")


def _told(fixed, grown, serial):
    """The points and what the laws say there, as sentences."""
    texts = []
    for what, points, law, name in (
        ("The same job", fixed, amdahl, "Amdahl"),
        ("The grown job", grown, gustafson, "Gustafson"),
    ):
        told = [
            f"{count(n, 'worker')}: measured {speed_up:.2f}, {name} {law(serial, n):.2f}"
            for n, speed_up in sorted(points.items())
        ]
        texts.append(f"{what}: {'; '.join(told)}.")
    return " ".join(texts)
