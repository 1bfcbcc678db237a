"""The empty chart: its sizes, its axes, and everything that stands around the lanes.

What lies in the lanes is drawn by `chart_bars` and `chart_arrows`. The size of a chart depends on
the number of its lanes alone, so that a page does not jump while a run goes on.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from helpers.chart import style
from helpers.chart.letters import Haloed
from helpers.chart.sheet import Sheet
from helpers.chart.spans import Lane, hosts_of, only_threads
from helpers.chart.words import one_line, plural

LEGEND = {
    "task": "task",
    "core": "on a core",
    "running": "still running",
    "raised": f"{style.CROSS} raised an error",
    "lost": f"{style.DAGGER} lost: its process ended",
    "ghost": "predicted",
    "startup": "start-up",
    "idle": "idle",
    "process": "process alive",
    "manager": "manager",
    "waiting": "waits for a lock",
    "pickling": "pickles or unpickles",
    "sending": "sends a result",
    "read": "value read",
    "wrote": "value written",
    "message": "message",
    "not taken": "never taken",
}
GLYPHS = {"message": "→", "not taken": "○", "read": "△", "wrote": "▼"}
"""What stands in the legend for kinds that are no bars."""


class Layout:
    """Where everything lies, in pixels from the picture's top left corner.

    Args:
        lanes: the chart's lanes from top to bottom.
        names, pids: the widths of the two columns of text beside the lanes, in pixels.
        end: the last moment shown, in seconds.
        least: how far from the left the lanes begin at least, in pixels.
        rulers: how many rulers there is room for above the lanes.
    """

    def __init__(
        self,
        lanes: list[Lane],
        names: float,
        pids: float,
        end: float,
        least: float = 0,
        rulers: int = 2,
    ):
        self.lanes = lanes
        self.together = lanes_together(len(lanes))
        self.rows = max(1, math.ceil(len(lanes) / self.together))
        self.lane_height = min(style.TALLEST_LANE, style.LANES_HEIGHT // self.rows)
        self.height = self.rows * self.lane_height
        above = style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT + rulers * style.RULER_HEIGHT
        self.top = style.TOP + above
        below = style.AXIS_HEIGHT + 2 * style.LEGEND_ROW + style.BOTTOM
        self.figure_height = self.top + self.height + below
        self.pids = pids
        self.left = max(margin(names, pids), least)
        self.width = style.WIDTH - self.left - style.SIDE
        self.scale = self.width / (end * 1.02 or 1.0)  # pixels a second

    def row(self, lane: np.ndarray) -> np.ndarray:
        """The row of each lane; several lanes share one where there are too many."""
        return lane // self.together

    def x(self, time: np.ndarray) -> np.ndarray:
        """How many pixels a stretch of time is long."""
        return time * self.scale


def margin(names: float, pids: float) -> int:
    """The room left of the lanes that both columns of text need, in pixels."""
    return math.ceil(style.SIDE + names + pids + (24 if pids else 12))


def lanes_together(lanes: int) -> int:
    """How many lanes share a row, so that no row gets thinner than can be seen."""
    return max(1, math.ceil(lanes * style.THINNEST_LANE / style.LANES_HEIGHT))


class Canvas(Sheet):
    """A sheet with one pair of axes: seconds to the right, rows downwards.

    `bar` is the top and the bottom of a bar within its row, as parts of the row's height.
    `shown` collects the kinds that were drawn, for the legend. `others` are the lanes of charts
    that this one is compared with: its lanes begin as far right as theirs.
    """

    def __init__(
        self,
        lanes: list[Lane],
        end: float,
        palette: style.Palette,
        ghosts: bool = False,
        arrows: bool = False,
        others: Sequence[list[Lane]] = (),
        rulers: int = 2,
    ):
        super().__init__(palette)
        least = max((margin(*self._columns(some)) for some in others), default=0)
        self.layout = Layout(lanes, *self._columns(lanes), end, least, rulers)
        self.axes = self._axes()
        self.ghosts = ghosts and self.layout.lane_height >= 16
        self.bar = self._bar(arrows)
        self.shown = {}
        self.function = ""  # what the labels in the bars are arguments of
        self._texts = np.empty((0, 4))  # boxes of the texts among the lanes, in pixels

    def _columns(self, lanes):
        """The widths of the names and of the pids beside the lanes."""
        together = lanes_together(len(lanes))
        if together > 1:
            return self._widest([group_name(lanes[-together:])], style.LANE_FONT), 0
        names = self._widest([short_name(lane) for lane in lanes], style.LANE_FONT)
        names += style.HOST_COLUMN if any(lane.host for lane in lanes) else 0
        return names, self._widest([pids_of(lane) for lane in lanes], style.SMALL_FONT)

    def _widest(self, texts, size):
        """The width of the widest text; it is among the longest, so only those are measured."""
        longest = sorted(set(texts), key=len)[-8:]
        return max((self.text_width(text, size) for text in longest), default=0)

    def _axes(self):
        layout = self.layout
        self.set_height(layout.figure_height)
        axes = self.axes_at(layout.left, layout.top, layout.width, layout.height)
        axes.set_xlim(0, layout.width / layout.scale)
        axes.set_ylim(layout.rows, 0)
        axes.set_autoscale_on(False)
        return axes

    def _bar(self, arrows):
        inset = 0.14 if self.layout.lane_height > 26 else 0.08
        if self.ghosts:
            return inset, 0.70
        if arrows and self.layout.lane_height > 36:
            inset = 0.27  # arrows are read in the gap between the bars
        return inset, 1 - inset

    @property
    def bar_height(self) -> float:
        """How tall a bar is, in pixels."""
        return (self.bar[1] - self.bar[0]) * self.layout.lane_height

    def show(self, kind: str, flat: bool = False) -> None:
        """Note for the legend that a kind is on the chart; `flat` if only without its hatch."""
        self.shown[kind] = flat and self.shown.get(kind, True)

    # Texts among the lanes, none of them over another

    def label(self, x: float, y: float, text: str, colour: str = "", halo: float = 3) -> None:
        """A text at time `x` in row `y`, with a halo, so that it can be read on any fill."""
        looks = {
            "fontsize": style.SMALL_FONT,
            "color": colour or self.palette.ink,
            "ha": "center",
            "va": "center_baseline",
            "parse_math": False,
            "zorder": 9,
            "gid": "label",
            "clip_on": False,
        }
        self.axes.add_artist(Haloed(x, y, text, halo, self.palette.card, **looks))
        self._texts = np.vstack([self._texts, self._text_box(x, y, text)])

    def label_if_free(self, x: float, y: float, text: str, halo: float = 3) -> bool:
        """The same, but only where it stands clear of all other texts and within the picture."""
        left, top, right, bottom = self._text_box(x, y, text)
        if left < 0 or right > self.layout.width + style.SIDE:
            return False
        lefts, tops, rights, bottoms = self._texts.T
        if ((left < rights) & (lefts < right) & (top < bottoms) & (tops < bottom)).any():
            return False
        self.label(x, y, text, halo=halo)
        return True

    def is_crossed(
        self, x: float, y: float, text: str, start: np.ndarray, stop: np.ndarray
    ) -> bool:
        """Would a line run through this text? Of each its two ends are given, as time and row."""
        left, top, right, bottom = self._text_box(x, y, text)
        unit = np.array([self.layout.scale, self.layout.lane_height])
        (x0, y0), (x1, y1) = (start * unit).T, (stop * unit).T
        down = np.where(y1 == y0, 1.0, y1 - y0)
        # The part of each line that is as high up as the text: from where to where it goes.
        above, below = (np.clip((edge - y0) / down, 0, 1) for edge in (top, bottom))
        begin, end = x0 + above * (x1 - x0), x0 + below * (x1 - x0)
        beside = (np.minimum(y0, y1) < bottom) & (np.maximum(y0, y1) > top)
        across = (np.minimum(begin, end) < right) & (np.maximum(begin, end) > left)
        return bool((beside & across).any())

    def forget_texts(self) -> None:
        """Let new texts stand where others have stood."""
        self._texts = np.empty((0, 4))

    def _text_box(self, x, y, text):
        half, tall = self.text_width(text) / 2 + 2, style.LINE_OF_TEXT / 2
        x, y = self.layout.x(x), y * self.layout.lane_height
        return x - half, y - tall, x + half, y + tall

    # Around the lanes

    def lane_names(self) -> None:
        """The lanes' names and pids; where lanes are thin, only some of them."""
        layout, lanes = self.layout, self.layout.lanes
        step = math.ceil(style.LINE_OF_TEXT / layout.lane_height)
        step *= 2 if layout.together > 1 else 1  # `workers 1–10` need not stand line by line
        stacked = layout.lane_height >= 2 * style.LINE_OF_TEXT
        for row in range(0, layout.rows if lanes else 0, step):
            y = 1 - (row + 0.5) / layout.rows
            some = lanes[row * layout.together : (row + 1) * layout.together]
            name = group_name(some) if layout.together > 1 else short_name(some[0])
            self._beside(y, layout.pids and layout.pids + 12, name, style.LANE_FONT)
            if layout.together == 1:
                self._beside(y, 0, pids_of(some[0], stacked), muted=True)
        if layout.pids:
            y = 1 + 0.5 * style.RULER_HEIGHT / layout.height
            self._beside(y, 0, "id" if only_threads(lanes) else "pid", muted=True)
        if layout.together == 1:
            for host, first, last in hosts_of(lanes):
                self._host(host, first, last)

    def _host(self, name, first, last):
        """A bracket beside the lanes of one host, its name along it, and a line between hosts."""
        layout, axes = self.layout, self.axes
        x = (2 * style.SIDE - layout.left) / layout.width
        looks = {"color": self.palette.muted, "clip_on": False}
        ends, across = [first + 0.08, last + 0.92], axes.get_yaxis_transform()
        axes.plot([x, x], ends, transform=across, linewidth=2, gid="host", **looks)
        if first:
            axes.plot([x, 1], [first, first], transform=across, linewidth=0.8, **looks)
        axes.text(
            x - 0.6 * style.SIDE / layout.width,
            (first + last + 1) / 2,
            self._cut_to(one_line(name), (last + 1 - first) * layout.lane_height),
            transform=across,
            fontsize=style.SMALL_FONT,
            color=self.palette.ink,
            rotation=90,
            ha="center",
            va="center",
            parse_math=False,
        )

    def _cut_to(self, text, room):
        """As much of a text as so many pixels hold."""
        if self.text_width(text) <= room:
            return text
        while text and self.text_width(text + "…") > room:
            text = text[:-1]
        return text + "…"

    def _beside(self, y, away, text, size=style.SMALL_FONT, muted=False):
        """A text left of the axes, at the height `y` in parts of theirs, `away` in pixels."""
        self.axes.text(
            -(away + style.SIDE / 2) / self.layout.width,
            y,
            text,
            transform=self.axes.transAxes,
            fontsize=size,
            color=self.palette.muted if muted else self.palette.ink,
            ha="right",
            va="center" if "\n" in text else "center_baseline",  # one line with the other column
            linespacing=1.05,
            parse_math=False,
        )

    def time_axis(self, zero: str) -> None:
        """Ticks, grid and what is counted: seconds since `zero`."""
        axes, palette = self.axes, self.palette
        axes.tick_params(
            axis="x", labelsize=style.SMALL_FONT, labelcolor=palette.ink, color=palette.muted
        )
        axes.yaxis.set_visible(False)
        axes.xaxis.get_major_formatter().set_useOffset(False)
        axes.grid(axis="x", color=palette.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.spines["bottom"].set_color(palette.muted)
        axes.set_xlabel(f"seconds since {zero}", fontsize=style.SMALL_FONT, color=palette.muted)
        # Told where, matplotlib need not lay out all ticks once more to find a place below them.
        axes.xaxis.set_label_coords(0.5, -style.AXIS_LABEL / self.layout.height)

    # Rulers

    def ruler(
        self, row: int, left: float, length: float, text: str, colour: str, dashed: bool
    ) -> None:
        """A measure above the lanes: a line, its words, and a line down through the lanes.

        Each ruler has a row of its own, counted upwards from 0. The longer one must be above, so
        that neither crosses the other's words.
        """
        right = left + length
        y, up = (1 + (row + part) * style.RULER_HEIGHT / self.layout.height for part in (0.5, 0.85))
        looks = {
            "color": colour,
            "linewidth": 2,
            "linestyle": (0, (4, 2)) if dashed else "solid",
            "clip_on": False,
            "transform": self.axes.get_xaxis_transform(),
            "zorder": 6,
        }
        self.axes.plot([left, right], [y, y], **looks)
        self.axes.plot([left, left], [1, up], **(looks | {"linewidth": 1}))
        self.axes.plot([right, right], [0, up], gid=f"{text} end", **looks)
        self.axes.text(
            self._ruler_words(left, right, text),
            y,
            text,
            transform=self.axes.get_xaxis_transform(),
            fontsize=style.SUBTITLE_FONT,
            fontweight="bold",
            color=colour,
            ha="center",
            va="center",
            parse_math=False,
            zorder=8,
            bbox={"facecolor": self.palette.card, "edgecolor": "none", "pad": 2},
        )

    def _ruler_words(self, left, right, text):
        """Where a ruler's words stand: in its middle if they fit, else beside its end."""
        half = (self.text_width(text, style.SUBTITLE_FONT, "bold") / 2 + 8) / self.layout.scale
        if right - left > 2 * half:
            return (left + right) / 2
        beside = right + half
        return beside if beside + half < self.axes.get_xlim()[1] else left - half

    # Legend

    def legend(self, names: dict[str, str]) -> None:
        """What the kinds on this chart mean, in at most two lines. `names` replaces the usual."""
        x, y = style.SIDE, style.BOTTOM + 1.5 * style.LEGEND_ROW
        entries = LEGEND | names
        for kind in (kind for kind in LEGEND if kind in self.shown):
            width = 34 + self.text_width(entries[kind])
            if x + width > style.WIDTH - style.SIDE:
                x, y = style.SIDE, y - style.LEGEND_ROW
            self._swatch(kind, x, y)
            self.text_at(x + 34, y, entries[kind], gid="legend")
            x += width + 20

    def _swatch(self, kind, x, y):
        """A small sample of a kind, drawn as on the chart."""
        if kind in GLYPHS:
            self.text_at(x + 4, y, GLYPHS[kind], fontsize=style.TITLE_FONT)
            return
        tall = self.layout.figure_height
        looks = self.palette.kinds[kind]
        flat = self.shown[kind]
        fill = (looks.flat or looks.fill) if flat else looks.fill
        sample = Rectangle(
            (x / style.WIDTH, (y - 7) / tall),
            28 / style.WIDTH,
            14 / tall,
            facecolor="none" if kind == "ghost" and not flat else fill,
            edgecolor=looks.edge,
            hatch=None if flat else looks.hatch or None,
            linestyle=(0, (3, 1.5)) if looks.dashed else "solid",
            linewidth=1.2,
            gid=f"swatch {kind}",
        )
        self.figure.add_artist(sample)


# Names beside the lanes


def short_name(lane: Lane) -> str:
    """A lane's name, cut where it would take the picture's room."""
    name = one_line(lane.name)
    return name if len(name) <= 24 else name[:23] + "…"


def group_name(lanes: list[Lane]) -> str:
    """`workers 1–10`: what one row stands for."""
    first, last = lanes[0], lanes[-1]
    if first is last or first.role != last.role:
        return short_name(first) + ("" if first is last else " …")
    return f"{plural(first.role)} {first.number}–{last.number}"


def pids_of(lane: Lane, stacked: bool = True) -> str:
    """A lane's pid; of several the first and the last, or their number."""
    pids = [pid for pid in lane.pids if pid]
    if len(pids) < 2:
        return "".join(map(str, pids))
    if not stacked:
        return f"{len(pids)} pids"
    return f"{pids[0]}\n{pids[-1]}" if len(pids) == 2 else f"{pids[0]}\n… {pids[-1]}"
