"""Two laws about how fast several workers can be, and a chart of them beside what was measured.

Both laws split a job into a serial part, which one worker has to do alone, and a rest that can be
shared out. They differ in what they hold fixed: Amdahl the job, Gustafson the time.
"""

import math
from collections.abc import Mapping
from functools import partial

from helpers.chart import curves, style
from helpers.chart.curves import Plot, Point
from helpers.chart.picture import Chart
from helpers.chart.settings import own_settings
from helpers.chart.sheet import Sheet
from helpers.chart.words import count, percent

PLOT_WIDTH, SECOND_LEFT = 340, 540
"""The width of each of the two plots, and where the second one begins, in pixels."""

MOST_WORKERS = 1_000_000_000
"""More workers than any machine has; a number too large for a float would have no answer."""


def amdahl(serial: float, workers: float) -> float:
    """Return the speed-up of a job of which the share `serial` cannot be shared out.

    Args:
        serial: that share, from 0 to 1.
        workers: how many workers do the rest.

    Source: G. M. Amdahl, Validity of the single processor approach to achieving large scale
    computing capabilities, AFIPS 1967, pages 483 to 485. (The formula is how it is quoted today.)

    Raises:
        ValueError: for a share that is not from 0 to 1, and for fewer than one worker or more
            than `MOST_WORKERS`.
    """
    _check(serial, workers)
    return 1 / (serial + (1 - serial) / workers)


def gustafson(serial: float, workers: float) -> float:
    """Return the speed-up of a job that grows with the workers, so that it always takes as long.

    Args:
        serial: the share of that time in which one worker works alone, from 0 to 1.
        workers: how many workers do the rest.

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


@own_settings()
def law_chart(
    fixed: Mapping[int, float],
    grown: Mapping[int, float],
    serial: float,
    cores: int,
    *,
    dark: bool = False,
) -> Chart:
    """Return a chart of measured speed-ups beside the two laws.

    Args:
        fixed: for each number of workers the speed-up that was measured with the same job.
        grown: the same with a job whose parallel part grew with the number of workers.
        serial: the serial share of the job, measured with one worker.
        cores: how many cores this seat has, from `machine.usable_cores().count`.
        dark: colours for a dark notebook.

    Raises:
        ValueError: if nothing was measured, or `serial` is no share from 0 to 1.
    """
    if not fixed or not grown:
        raise ValueError("there is nothing to draw: no speed-up was measured")
    sheet = Sheet(style.DARK if dark else style.LIGHT)
    sheet.set_height(curves.height(1) - curves.LEGEND_HEIGHT)
    title = f"Speed-up, measured and as the laws say for a serial part of {percent(serial)}"
    sheet.headings(
        title,
        ["diamonds: measured", "plain line: the law", "dashed line: the ceiling of this machine"],
    )
    first = _plot(sheet, curves.LEFT, "the same job for all", fixed)
    _draw(first, fixed, partial(amdahl, serial), "Amdahl", cores)
    second = _plot(sheet, SECOND_LEFT, "a job that grows with the workers", grown)
    _draw(second, grown, partial(gustafson, serial), "Gustafson", cores)
    note = f"Both laws give every worker a core of its own; here there are {cores}."
    sheet.text_at(style.SIDE, style.BOTTOM + 10, note, color=sheet.palette.muted)
    return Chart(sheet.figure, f"{title}. {_told(fixed, grown, serial)} {note}", [])


def _plot(sheet, left, heading, speed_ups):
    """Return an empty plot for speed-ups by the number of workers."""
    points = [
        Point(run, "measured", workers, math.nan, math.nan, speed_up)
        for run, (workers, speed_up) in enumerate(sorted(speed_ups.items()), start=1)
    ]
    return Plot(sheet, (left, PLOT_WIDTH), heading, "workers", points)


def _draw(plot, speed_ups, law, name, cores):
    """Draw one law, and what was measured."""
    muted = plot.sheet.palette.muted
    plot.axes.set_ylim(0, 1.15 * max(law(plot.last), *speed_ups.values()))
    plot.axes.set_ylabel("times as fast", fontsize=style.SMALL_FONT, color=muted)
    curves.draw_ceiling(plot, cores)
    curves.draw_law(plot, law, name)
    plot.draw("speed_up")


def _told(fixed, grown, serial):
    """Return what was measured and what the laws say there, as sentences."""
    texts = []
    for job, speed_ups, law, name in (
        ("The same job", fixed, amdahl, "Amdahl"),
        ("The grown job", grown, gustafson, "Gustafson"),
    ):
        told = [
            f"{count(n, 'worker')}: measured {speed_up:.2f}, {name} {law(serial, n):.2f}"
            for n, speed_up in sorted(speed_ups.items())
        ]
        texts.append(f"{job}: {'; '.join(told)}.")
    return " ".join(texts)
