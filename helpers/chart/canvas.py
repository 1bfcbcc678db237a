"""The canvas of a chart: its sizes, its axes, and texts that keep clear of each other.

What lies in the lanes is drawn by `bars`, `arrows` and `marks`, what stands around them by `frame`
and `rulers`. The size of a chart depends on the number of its lanes alone, so that a page does not
jump while a run goes on.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from helpers.chart import style
from helpers.chart.lanes import Lane
from helpers.chart.letters import Haloed
from helpers.chart.names import group_name, pids_of, short_name
from helpers.chart.sheet import Sheet


class Layout:
    """The places of everything, in pixels from the picture's top left corner.

    Args:
        lanes: the chart's lanes from top to bottom.
        names, pids: the widths of the two columns of text beside the lanes, in pixels.
        end: the last moment shown, in seconds.
        least: how far from the left the lanes begin at least, in pixels.
        rulers: how many rulers there is room for above the lanes.
        begin: the first moment shown, in seconds.
        beyond: how many times as long as what is shown the time axis is.
    """

    def __init__(
        self,
        lanes: list[Lane],
        names: float,
        pids: float,
        end: float,
        least: float = 0,
        rulers: int = 2,
        begin: float = 0.0,
        beyond: float = 1.02,
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
        self.begin = begin
        self.scale = self.width / ((end - begin) * beyond or 1.0)  # pixels a second

    @cached_property
    def lane_of_pid(self) -> dict[int, int]:
        """The place of the lane in which a process is drawn, by its pid."""
        return {pid: place for place, lane in enumerate(self.lanes) for pid in lane.pids}

    def row(self, lane: np.ndarray) -> np.ndarray:
        """Return the row of each lane; several lanes share one where there are too many."""
        return lane // self.together

    def x(self, time: np.ndarray) -> np.ndarray:
        """Return how many pixels a stretch of time is long."""
        return time * self.scale

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Return places, each a time and a row, in pixels from the lanes' top left corner."""
        return (places - (self.begin, 0)) * (self.scale, self.lane_height)


def margin(names: float, pids: float) -> int:
    """Return the room left of the lanes that both columns of text need, in pixels."""
    return math.ceil(style.SIDE + names + pids + (24 if pids else 12))


def lanes_together(lanes: int) -> int:
    """Return how many lanes share a row, so that no row gets thinner than can be seen."""
    return max(1, math.ceil(lanes * style.THINNEST_LANE / style.LANES_HEIGHT))


class Canvas(Sheet):
    """A sheet with one pair of axes: seconds to the right, rows downwards.

    `bar` is the top and the bottom of a bar within its row, as parts of the row's height.
    `shown` collects the kinds that were drawn, for the legend.

    Args:
        lanes: the chart's lanes from top to bottom.
        end: the last moment shown, in seconds.
        palette: the colours.
        ghosts: whether a prediction is drawn below the bars.
        arrows: whether messages are drawn between the bars.
        others: the lanes of charts that this one is compared with; all charts with the same others
            have their lanes begin equally far to the right.
        rulers: how many rulers there is room for above the lanes.
        begin: the first moment shown, in seconds.
        beyond: how many times as long as what is shown the time axis is.
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
        begin: float = 0.0,
        beyond: float = 1.02,
    ):
        super().__init__(palette)
        least = max((margin(*self._columns(other)) for other in others), default=0)
        self.layout = Layout(lanes, *self._columns(lanes), end, least, rulers, begin, beyond)
        self.axes = self._axes()
        self.ghosts = ghosts and self.layout.lane_height >= 16
        self.bar = self._bar(arrows)
        self.shown = {}
        self.function = ""  # what the labels in the bars are arguments of
        self._texts = np.empty((0, 4))  # boxes of the labels, in pixels
        self._hatched = np.empty((0, 4))  # boxes of what is hatched

    def _columns(self, lanes):
        """Return the widths of the names and of the pids beside the lanes, in pixels."""
        together = lanes_together(len(lanes))
        if together > 1:
            return self._widest([group_name(lanes[-together:])], style.LANE_FONT), 0
        names = self._widest([short_name(lane) for lane in lanes], style.LANE_FONT)
        names += style.HOST_COLUMN if any(lane.host for lane in lanes) else 0
        return names, self._widest([pids_of(lane) for lane in lanes], style.SMALL_FONT)

    def _widest(self, texts, size):
        """Return the widest text's width. It is among the longest, so only those are measured."""
        longest = sorted(set(texts), key=len)[-8:]
        return max((self.text_width(text, size) for text in longest), default=0)

    def _axes(self):
        """Add the axes to a figure of the right height."""
        layout = self.layout
        self.set_height(layout.figure_height)
        axes = self.axes_at(layout.left, layout.top, layout.width, layout.height)
        axes.set_xlim(layout.begin, layout.begin + layout.width / layout.scale)
        axes.set_ylim(layout.rows, 0)
        axes.set_autoscale_on(False)
        return axes

    def _bar(self, arrows):
        """Return the top and the bottom of a bar, as parts of its row's height."""
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
        """Note for the legend that a kind is on the chart; `flat`: only without its hatch."""
        self.shown[kind] = flat and self.shown.get(kind, True)

    # Labels: texts among the lanes, none of them over another

    def note_hatched(self, corners: np.ndarray) -> None:
        """Note that shapes are hatched. Each has its corners, given as times and rows."""
        corners = self.layout.pixels(corners)
        boxes = np.hstack([corners.min(axis=1), corners.max(axis=1)])
        self._hatched = np.vstack([self._hatched, boxes])

    def label(self, x: float, y: float, text: str, colour: str = "") -> None:
        """Write a text around time `x` and row `y`.

        A halo makes it legible on any fill. A hatch would run right up to the letters, so there the
        text stands on a plate.
        """
        font = {
            "fontsize": style.SMALL_FONT,
            "color": colour or self.palette.ink,
            "ha": "center",
            "va": "center_baseline",
            "parse_math": False,
            "zorder": 9,
            "gid": "label",
            "clip_on": False,
        }
        box = self._text_box(x, y, text)
        if _overlaps(box, self._hatched):
            font["bbox"] = {"facecolor": self.palette.card, "edgecolor": "none", "pad": 0.5}
        self.axes.add_artist(Haloed(x, y, text, 3, self.palette.card, **font))
        self._texts = np.vstack([self._texts, box])

    def label_at_first_free(self, places: Sequence[tuple[float, float]], text: str) -> None:
        """Write a label at the first place that is free; nowhere if none is.

        A place is a time and a row. It is free if the text stands clear of all other labels there,
        and within the picture.
        """
        for x, y in places:
            if self._is_free(x, y, text):
                self.label(x, y, text)
                return

    def _is_free(self, x, y, text):
        box = left, _, right, _ = self._text_box(x, y, text)
        if left < 0 or right > self.layout.width + style.SIDE:
            return False
        return not _overlaps(box, self._texts)

    def is_crossed(
        self, x: float, y: float, text: str, start: np.ndarray, stop: np.ndarray
    ) -> bool:
        """Return whether a line runs through this text. Each end of a line is a time and a row."""
        left, top, right, bottom = self._text_box(x, y, text)
        (x0, y0), (x1, y1) = self.layout.pixels(start).T, self.layout.pixels(stop).T
        down = np.where(y1 == y0, 1.0, y1 - y0)
        # The part of each line that is as high up as the text: from where to where it goes.
        above, below = (np.clip((edge - y0) / down, 0, 1) for edge in (top, bottom))
        begin, end = x0 + above * (x1 - x0), x0 + below * (x1 - x0)
        beside = (np.minimum(y0, y1) < bottom) & (np.maximum(y0, y1) > top)
        across = (np.minimum(begin, end) < right) & (np.maximum(begin, end) > left)
        return bool((beside & across).any())

    def forget_labels(self) -> None:
        """Let new labels stand where others have stood."""
        self._texts = np.empty((0, 4))

    def _text_box(self, x, y, text):
        """Return left, top, right and bottom of a label, in pixels from the axes' corner."""
        half, tall = self.text_width(text) / 2 + 2, style.LINE_OF_TEXT / 2
        x, y = self.layout.pixels(np.array([x, y])).tolist()
        return x - half, y - tall, x + half, y + tall


def _overlaps(box, others):
    """Return whether a box overlaps any of the others: each has left, top, right and bottom."""
    left, top, right, bottom = box
    lefts, tops, rights, bottoms = others.T
    return bool(((left < rights) & (lefts < right) & (top < bottoms) & (tops < bottom)).any())
