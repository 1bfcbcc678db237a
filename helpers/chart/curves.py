"""How runs are compared on a chart: time on the left, speed-up on the right, a mark for each run.

This file only draws. The caller decides which runs are shown and what is said of them.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple

from matplotlib.lines import Line2D

from helpers.chart import style
from helpers.chart.sheet import Sheet
from helpers.chart.words import count

PLOT_TOP = style.TOP + style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT + 44
PLOT_HEIGHT = 280
LEFT, RIGHT = 76, 84
"""Pixels for the numbers at the left edge, and for the ceiling's name at the right."""
SPEED_UP_LEFT = 600
NOTE_HEIGHT, LEGEND_HEIGHT = 20, 34
HEADINGS_HEIGHT = style.TOP + style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT + style.BOTTOM
MARK, RING = 8, 18
"""The sizes of a run's mark and of the ring around the newest, in points."""
EDGE, APART = 26, 18
"""Pixels beside the first and the last number, and between start methods."""
TENFOLD_FROM, TENFOLD_EDGE = 200, 1.4
"""Beyond so many, the axis goes tenfold from mark to mark, and reaches so many times further."""
CEILING_DASHES = (0, (5, 3))


class Point(NamedTuple):
    """One run on the chart. Times are in seconds, nan where there is no makespan or speed-up.

    `run` is which run it was, from 1; `number` what is counted to the right, such as the workers.
    """

    run: int
    method: str
    number: int
    total: float
    makespan: float
    speed_up: float


class Plot:
    """One pair of axes of the comparison, with a number such as the workers to the right.

    Args:
        sheet: what to draw on.
        place: the left edge and the width of the axes, in pixels.
        heading: what is measured upwards.
        counted: what is counted to the right, from 1.
        points: the runs.
    """

    def __init__(
        self,
        sheet: Sheet,
        place: tuple[float, float],
        heading: str,
        counted: str,
        points: list[Point],
    ):
        left, width = place
        self.sheet, self.points = sheet, points
        self.last = max(2, *(point.number for point in points))
        self.axes = sheet.axes_at(left, PLOT_TOP, width, PLOT_HEIGHT)
        unit = width / (self.last + 1)  # pixels from one number to the next, about
        if self.last > TENFOLD_FROM:
            self.axes.set_xscale("log")
            self.axes.set_xlim(1 / TENFOLD_EDGE, self.last * TENFOLD_EDGE)
            self.axes.xaxis.set_major_formatter("{x:,.0f}")
        else:
            edge = max(0.5, EDGE / unit)
            self.axes.set_xlim(1 - edge, self.last + edge)
            self.axes.set_xticks(ticks(self.last))
        sheet.text_at(left, sheet.height - PLOT_TOP + 32, heading, fontsize=style.SUBTITLE_FONT)
        self._dress(counted)
        self._methods = methods_of(points)
        self._apart = min(APART / unit, 0.22)

    def _dress(self, counted):
        """Draw grid, ticks and edges as on every chart."""
        axes, palette = self.axes, self.sheet.palette
        axes.tick_params(labelsize=style.SMALL_FONT, labelcolor=palette.ink, color=palette.muted)
        axes.yaxis.get_major_formatter().set_useOffset(False)
        axes.grid(axis="y", color=palette.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["right", "top"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(palette.muted)
        axes.set_xlabel(counted, fontsize=style.SMALL_FONT, color=palette.muted)

    def x(self, point: Point) -> float:
        """Return where a run stands: start methods with the same number stand side by side."""
        shift = self._methods.index(point.method) - (len(self._methods) - 1) / 2
        return point.number + shift * self._apart

    def draw(self, value: str) -> None:
        """Draw a mark for each run at `value`, the name of a field, and a line through medians."""
        for method in self._methods:
            points = [point for point in self.points if point.method == method]
            colour, marker = colour_and_marker(self.sheet.palette, method)
            x = [self.x(point) for point in points]
            y = [getattr(point, value) for point in points]
            line = sorted(medians(zip(x, y, strict=True)).items())
            self.axes.plot(*zip(*line, strict=True), color=colour, gid=f"{method} line", zorder=3)
            mark = {"color": colour, "mec": self.sheet.palette.card, "ms": MARK, "clip_on": False}
            self.axes.plot(x, y, marker, gid=f"{method} {value}", zorder=5, **mark)

    def draw_makespans(self) -> None:
        """Draw a stem from each run's mark down to its makespan, where that is known."""
        for point in self.points:
            if math.isfinite(point.makespan):
                colour, _ = colour_and_marker(self.sheet.palette, point.method)
                x = self.x(point)
                self.axes.plot([x, x], [point.makespan, point.total], color=colour, zorder=4)
                dash = {"color": colour, "ms": MARK + 3, "mew": 2, "zorder": 4, "clip_on": False}
                self.axes.plot([x], [point.makespan], "_", gid="makespan", **dash)

    def ring(self, run: int, value: str) -> None:
        """Draw a ring around the mark of one run, if it is on these axes."""
        for point in self.points:
            if point.run == run:
                ring = {"mfc": "none", "mec": self.sheet.palette.ink, "mew": 2, "ms": RING}
                ring |= {"gid": "newest", "zorder": 6, "clip_on": False}
                self.axes.plot([self.x(point)], [getattr(point, value)], "o", **ring)

    def boxes(self, value: str) -> list[tuple[Point, tuple[float, ...]]]:
        """Return each run with the place of its mark: left, top, width and height in percent."""
        wide, tall = style.WIDTH, self.sheet.height
        found = []
        for point in self.points:
            x, y = self.axes.transData.transform((self.x(point), getattr(point, value)))
            place = ((x - 8) / wide, 1 - (y + 8) / tall, 16 / wide, 16 / tall)
            found.append((point, tuple(100 * part for part in place)))
        return found


def height(notes: int) -> int:
    """Return how tall the picture is with so many lines of notes, in pixels."""
    below = style.AXIS_HEIGHT + LEGEND_HEIGHT + notes * NOTE_HEIGHT + style.BOTTOM
    return PLOT_TOP + PLOT_HEIGHT + below


def draw_times(sheet: Sheet, points: list[Point], counted: str, newest: int, wide: bool) -> Plot:
    """Draw the total of every run, and below it its makespan."""
    right = style.WIDTH - style.SIDE if wide else SPEED_UP_LEFT - 70
    plot = Plot(sheet, (LEFT, right - LEFT), "seconds", counted, points)
    plot.axes.set_ylim(0, 1.1 * max(point.total for point in points))
    plot.draw_makespans()
    plot.draw("total")
    plot.ring(newest, "total")
    return plot


def draw_speed_ups(
    sheet: Sheet, points: list[Point], counted: str, newest: int, cores: int
) -> Plot:
    """Draw the speed-up of every run that has one, and what this machine's cores allow."""
    place = SPEED_UP_LEFT, style.WIDTH - RIGHT - SPEED_UP_LEFT
    plot = Plot(sheet, place, "speed-up", counted, points)
    best, ceiling = max(point.speed_up for point in points), min(cores, plot.last)
    plot.axes.set_ylim(0, 1.12 * max(best, 1, min(ceiling, 2 * best)))
    draw_ceiling(plot, cores)
    plot.draw("speed_up")
    plot.ring(newest, "speed_up")
    return plot


def draw_ceiling(plot: Plot, cores: int) -> None:
    """Draw the line min(workers, cores), with its name where no mark can be."""
    axes, colour = plot.axes, plot.sheet.palette.ink
    (low, edge), corner = axes.get_xlim(), min(cores, plot.last)
    x, y = [1, corner, edge], [1, corner, min(cores, edge)]
    axes.plot(x, y, color=colour, linestyle=CEILING_DASHES, gid="ceiling", zorder=2)
    top = axes.get_ylim()[1]
    if y[-1] <= top:
        place, offset = (1, y[-1] / top), (6, 0)
        align = {"ha": "left", "va": "center"}
    else:  # it leaves through the top
        place, offset = ((top - low) / (edge - low), 1), (0, 2)
        align = {"ha": "center", "va": "bottom"}
    axes.annotate(
        count(cores, "core"),
        place,
        xycoords="axes fraction",
        xytext=offset,
        textcoords="offset points",
        fontsize=style.SMALL_FONT,
        color=colour,
        **align,
    )


def draw_law(plot: Plot, law: Callable[[float], float], name: str) -> None:
    """Draw what a law says for every number of workers: a plain line, its name at its end."""
    x = [1 + (plot.last - 1) * step / 100 for step in range(101)]
    colour = plot.sheet.palette.predicted
    speed_ups = [law(workers) for workers in x]
    plot.axes.plot(x, speed_ups, gid="law", color=colour, linewidth=2, zorder=2)
    plot.axes.annotate(
        name,
        (plot.last, law(plot.last)),
        xytext=(-4, 8),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=style.SUBTITLE_FONT,
        color=colour,
        bbox={"facecolor": plot.sheet.palette.card, "edgecolor": "none", "pad": 1},
    )


def draw_sentence(sheet: Sheet, lines: list[str]) -> None:
    """Write lines of text in the place of the speed-up, where there is none."""
    for row, line in enumerate(lines):
        y = sheet.height - PLOT_TOP - PLOT_HEIGHT / 3 - row * NOTE_HEIGHT
        sheet.text_at(SPEED_UP_LEFT, y, line, color=sheet.palette.muted)


def draw_legend(sheet: Sheet, points: list[Point], newest: int, notes: list[str]) -> None:
    """Write in one line what the marks mean, and below it the notes."""
    x, y = style.SIDE, style.BOTTOM + NOTE_HEIGHT * len(notes) + LEGEND_HEIGHT / 2
    for text, *samples in _entries(sheet.palette, points, newest):
        for xs, ys, line in samples:
            _draw_sample(sheet, [x + step for step in xs], [y + step for step in ys], line)
        sheet.text_at(x + 34, y, text, gid="legend")
        x += 54 + sheet.text_width(text)
    for row, note in enumerate(reversed(notes)):
        y = style.BOTTOM + (row + 0.5) * NOTE_HEIGHT
        sheet.text_at(style.SIDE, y, note, color=sheet.palette.muted)


def _entries(palette, points, newest):
    """Yield the legend's entries: a text, and samples as x and y in pixels and a line's style."""
    for method in methods_of(points):
        colour, marker = colour_and_marker(palette, method)
        dot = {"marker": marker, "ms": MARK, "color": colour, "mec": palette.card}
        yield method, ([0, 28], [0, 0], {"color": colour}), ([14], [0], dot)
    dash = {"marker": "_", "ms": MARK + 3, "mew": 2, "color": palette.ink}
    dot = {"marker": "D", "ms": MARK - 2, "color": palette.ink}
    stem = ([14, 14], [-7, 6], {"color": palette.ink})
    if any(math.isfinite(point.makespan) for point in points):
        yield "total, and below it the makespan", stem, ([14], [-7], dash), ([14], [6], dot)
    else:
        yield "total", ([14], [0], dot)
    if any(point.run == newest for point in points):
        ring = {"marker": "o", "ms": RING - 2, "mew": 2, "mfc": "none", "color": palette.ink}
        yield "newest run", ([14], [0], ring)
    if len({(point.method, point.number) for point in points}) < len(points):
        yield "medians", ([0, 28], [0, 0], {"color": palette.ink})


def _draw_sample(sheet, x, y, line):
    """Draw a small piece of a line, at pixels from the picture's bottom left corner."""
    x = [pixels / style.WIDTH for pixels in x]
    y = [pixels / sheet.height for pixels in y]
    sheet.figure.add_artist(Line2D(x, y, transform=sheet.figure.transFigure, **line))


def medians(pairs: Iterable[tuple]) -> dict:
    """Return for each key of the pairs (key, value) the median of its values."""
    values = defaultdict(list)
    for key, value in pairs:
        values[key].append(value)
    return {key: median(found) for key, found in values.items()}


def methods_of(points: list[Point]) -> list[str]:
    """Return the start methods that occur, always in the same order."""
    found = {point.method for point in points}
    known = [method for method in style.MARKERS if method in found]
    return known + sorted(found - set(known))


def colour_and_marker(palette: style.Palette, method: str) -> tuple[str, str]:
    """Return a start method's colour and shape."""
    return palette.methods.get(method, palette.muted), style.MARKERS.get(method, "D")


def ticks(last: int) -> list[int]:
    """Return 1 and then round numbers up to `last`, about eight of them."""
    step, sizes = 1, (size * 10**zeros for zeros in range(9) for size in (1, 2, 5))
    while last / step > 8:
        step = next(sizes)
    return sorted({1, *range(step, last + 1, step)})
