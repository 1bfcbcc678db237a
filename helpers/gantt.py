"""The chart: who did what, when. One lane a worker, one bar a task, time from left to right.

`gantt(mp.timeline())` draws a measured timeline, `gantt(predict(...))` a predicted one, and
`gantt(mp.timeline(), predict(...))` both. What was measured is filled. What was predicted is
an outline, dashed and in a colour of its own.

Drawing works on batches: all bars of a kind are one collection, so ten thousand cost little more
than ten. A task narrower than two pixels is drawn by how much of each pixel's time it covers.
"""

import base64
import html
import io
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from helpers import chart_words as words
from helpers.chart_data import (
    Lane,
    Spans,
    coverage,
    first_start,
    lanes_of,
    last_moment,
    spans_of,
    task_spans,
)
from helpers.chart_style import (
    AXIS_HEIGHT,
    BOTTOM,
    CROSS,
    DAGGER,
    DARK,
    DPI,
    LANE_FONT,
    LANES_HEIGHT,
    LEGEND_ROW,
    LIGHT,
    LINE_OF_TEXT,
    MOST_ARROWS,
    MOST_HOVER_BOXES,
    MOST_LABELS,
    RULER_HEIGHT,
    SIDE,
    SMALL_FONT,
    SUBTITLE_FONT,
    SUBTITLE_HEIGHT,
    TALLEST_LANE,
    THINNEST_LANE,
    TITLE_FONT,
    TITLE_HEIGHT,
    TOP,
    WIDTH,
    Palette,
    solid,
)
from helpers.timeline import RUNNING, Timeline

TASK_KINDS = ("task", "raised", "lost", "running", "ghost")
LIFE_KINDS = ("idle", "process", "manager")
STACK = (
    "core",
    "task",
    "running",
    "ghost",
    "raised",
    "lost",
    "process",
    "manager",
    "startup",
    "idle",
)
"""From the bottom of a lane to its top, where several share a pixel's time."""


class Chart:
    """A finished picture of a timeline.

    `figure` is matplotlib's, `alt` says the same in words. In a notebook the chart shows itself:
    a picture with that text, and boxes over it that tell more when the mouse rests on them.
    """

    def __init__(self, figure: Figure, alt: str, boxes: list[tuple]):
        self.figure = figure
        self.alt = alt
        self._boxes = boxes

    def __repr__(self):
        return "Chart"  # the same for every run: nbval compares it

    @cached_property
    def png(self) -> bytes:
        """The picture as the content of a PNG file."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()

    def _repr_html_(self):
        picture = base64.b64encode(self.png).decode("ascii")
        boxes = "".join(_hover_box(*box) for box in self._boxes[:MOST_HOVER_BOXES])
        return (
            '<div class="chart"><div style="position:relative;display:inline-block;max-width:100%">'
            f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{picture}" '
            f'style="display:block;max-width:100%;height:auto">{boxes}</div></div><!--/chart-->'
        )


def gantt(timeline: Timeline, predicted: Timeline | None = None, *, dark: bool = False) -> Chart:
    """The chart of a timeline; with `predicted`, that schedule is drawn beside it.

    The prediction knows no start-up, so it is drawn from the first task's start on.

    Args:
        timeline: what to draw, from `mp.timeline()` or `predict(...)`.
        predicted: the schedule to compare it with, from `predict(...)`.
        dark: colours for a dark notebook.

    Raises:
        TypeError: for anything that is not a timeline.
    """
    for one in (timeline,) if predicted is None else (timeline, predicted):
        if not isinstance(one, Timeline):
            raise TypeError(
                "gantt draws a timeline, such as mp.timeline() or predict([1.0], 2), "
                f"not {one!r:.80}"
            )
    painter = Painter(timeline, predicted, DARK if dark else LIGHT)
    painter.paint()
    return Chart(painter.figure, words.alt_text(timeline, predicted), painter.boxes)


@dataclass
class Layout:
    """Where everything lies, in pixels. The size depends on the number of lanes alone."""

    lanes: list[Lane]
    left: float
    end: float  # the last moment shown, in seconds

    def __post_init__(self):
        self.together = math.ceil(len(self.lanes) * THINNEST_LANE / LANES_HEIGHT) or 1
        self.rows = max(1, math.ceil(len(self.lanes) / self.together))
        self.lane_height = min(TALLEST_LANE, LANES_HEIGHT // self.rows)
        self.height = self.rows * self.lane_height
        self.top = TOP + TITLE_HEIGHT + SUBTITLE_HEIGHT + 2 * RULER_HEIGHT
        self.figure_height = self.top + self.height + AXIS_HEIGHT + 2 * LEGEND_ROW + BOTTOM
        self.width = WIDTH - self.left - SIDE
        self.scale = self.width / (self.end * 1.02 or 1.0)  # pixels a second

    def row(self, lane: np.ndarray) -> np.ndarray:
        """The row of each lane; several lanes share one where there are too many."""
        return lane // self.together

    def bar(self, with_ghost: bool) -> tuple[float, float]:
        """Top and bottom of a bar within its row, as parts of the row's height."""
        inset = 0.14 if self.lane_height > 26 else 0.08
        return (inset, 0.70) if with_ghost else (inset, 1 - inset)


class Painter:
    """Draws one chart; each method draws one layer of it."""

    def __init__(self, timeline: Timeline, predicted: Timeline | None, palette: Palette):
        self.timeline, self.predicted, self.palette = timeline, predicted, palette
        self.figure = Figure(dpi=DPI, facecolor=palette.card)
        self.renderer = FigureCanvasAgg(self.figure).get_renderer()
        self.boxes = []
        self.shown = {}  # kinds that are on the chart, for the legend: kind -> words
        self.function = ""  # what the short labels are arguments of
        self.labels = []  # boxes of the texts among the lanes: left, top, right, bottom
        self.layout = self._layout()
        self.axes = self._axes()

    def paint(self):
        """Everything, from the back to the front."""
        spans = spans_of(self.timeline, self.layout.lanes, last_moment(self.timeline))
        wide, narrow = self._by_width(spans)
        self._lane_names()
        self._coverage(narrow)
        for kind in (*LIFE_KINDS, "startup"):
            self._strips(kind, wide.get(kind))
        for kind in TASK_KINDS:
            self._bars(kind, wide.get(kind))
        if self.predicted is not None:
            self._ghosts()
        self._rulers()
        self._bar_labels(wide)
        self._marks(wide, narrow)
        self._messages()
        self._time_axis()
        self._words()
        self._legend()
        self._hover(wide)

    # Sizes

    def _layout(self):
        lanes = lanes_of(self.timeline, self.predicted)
        end = last_moment(self.timeline)
        if self.predicted is not None:
            end = max(end, first_start(self.timeline) + last_moment(self.predicted))
        names = max((self.text_width(_short(lane.name), LANE_FONT) for lane in lanes), default=60)
        pids = max((self.text_width(_pids(lane), SMALL_FONT) for lane in lanes), default=0)
        self.pid_width = pids
        return Layout(lanes, math.ceil(SIDE + names + pids + (24 if pids else 12)), end)

    def _axes(self):
        layout = self.layout
        tall = layout.figure_height
        self.figure.set_size_inches(WIDTH / DPI, tall / DPI)
        bottom = tall - layout.top - layout.height
        box = (layout.left / WIDTH, bottom / tall, layout.width / WIDTH, layout.height / tall)
        axes = self.figure.add_axes(box, facecolor=self.palette.card)
        axes.set_xlim(0, layout.width / layout.scale)
        axes.set_ylim(layout.rows, 0)
        axes.set_autoscale_on(False)
        return axes

    def text_width(self, text: str, size: float, weight: str = "normal") -> float:
        """How wide a text is, in pixels."""
        font = FontProperties(size=size, weight=weight)
        lines = text.split("\n")
        return max(self.renderer.get_text_width_height_descent(t, font, False)[0] for t in lines)

    def _x(self, time):
        """Pixels from the axes' left edge."""
        return time * self.layout.scale

    # What lies in the lanes

    def _by_width(self, spans):
        """Spans wide enough for a shape of their own, and those to be shown by coverage."""
        if self.layout.together > 1:
            return {}, spans
        wide, narrow = {}, {}
        for kind, some in spans.items():
            broad = self._x(some.right - some.left) >= 2
            if kind == "running" or broad.all():
                wide[kind] = some
            else:
                narrow[kind] = some.where(~broad)
                wide[kind] = some.where(broad)
        return wide, narrow

    def _coverage(self, narrow):
        """Below two pixels: every pixel column filled up to the share of its time."""
        narrow = {kind: some for kind, some in narrow.items() if len(some)}
        if not narrow:
            return
        shares = self._shares(narrow)
        layers = [kind for kind in STACK if kind in shares]
        heap = np.cumsum([shares[kind] for kind in layers], axis=0)
        top, bottom = self._bar()
        pixels = max(1, round((bottom - top) * self.layout.lane_height))
        level = (np.arange(pixels)[::-1] + 0.5) / pixels
        which = (heap[:, :, None, :] <= level[None, None, :, None] - 1e-9).sum(axis=0)
        colours = [to_rgba(solid(self.palette.kinds[kind])) for kind in layers] + [(0, 0, 0, 0)]
        picture = (np.array(colours) * 255).round().astype(np.uint8)[which]
        for row in range(self.layout.rows):
            if which[row].min() < len(layers):
                box = (0, self.axes.get_xlim()[1], row + bottom, row + top)
                self.axes.imshow(picture[row], extent=box, aspect="auto", interpolation="nearest")
        for kind in layers:
            self._show(kind)

    def _shares(self, narrow):
        """For each kind the share of every pixel's time, rows by columns."""
        layout = self.layout
        shape = (layout.rows, int(layout.width))
        members = np.bincount(layout.row(np.arange(len(layout.lanes))), minlength=layout.rows)
        shares = {}
        for kind, some in narrow.items():
            covered, core = coverage(some, layout.row(some.lane), shape, 0.0, layout.scale)
            shares[kind] = covered / members[:, None]
            if kind == "task" and core.any():
                shares["core"] = core / members[:, None]
                shares[kind] = shares[kind] - shares["core"]
        work = sum(shares[kind] for kind in (*TASK_KINDS, "core") if kind in shares)
        for kind in ("idle", "process"):  # a life contains its tasks
            if kind in shares:
                shares[kind] = np.clip(shares[kind] - work, 0, 1)
                work = work + shares[kind]
        return shares

    def _bar(self):
        ghosts = self.predicted is not None and self.layout.lane_height >= 16
        return self.layout.bar(ghosts)

    def _boxes(self, spans, top, bottom):
        """The corners of all spans, as one array (spans, 4, 2)."""
        y = self.layout.row(spans.lane)
        x = np.stack([spans.left, spans.left, spans.right, spans.right], axis=1)
        return np.stack([x, np.stack([y + top, y + bottom, y + bottom, y + top], axis=1)], axis=2)

    def _strips(self, kind, spans):
        """Start-up and life of processes: what lies behind the tasks."""
        if spans is None or not len(spans):
            return
        style = self.palette.kinds[kind]
        strip = PolyCollection(
            self._boxes(spans, *self._bar()),
            facecolor=style.fill,
            edgecolor=style.edge,
            linewidth=0.8,
            hatch=style.hatch or None,
            gid=kind,
            zorder=2,
        )
        self.axes.add_collection(strip, autolim=False)
        self._show(kind)

    def _bars(self, kind, spans):
        """The tasks of one kind: a fill, the part of it that was on a core, and an outline."""
        if spans is None or not len(spans):
            return
        style = self.palette.kinds[kind]
        corners = self._boxes(spans, *self._bar())
        if kind == "running":
            corners = self._pointed(corners)
        filled = kind != "ghost"
        common = {"zorder": 3, "hatch": style.hatch or None, "linewidth": 0}
        if filled:
            bars = PolyCollection(
                corners, facecolor=style.fill, edgecolor=style.edge, gid=kind, **common
            )
            self.axes.add_collection(bars, autolim=False)
            if kind == "task":
                self._core(spans)
        outline = PolyCollection(
            corners,
            facecolor="none",
            edgecolor=style.edge,
            linewidth=1.4 if style.dashed else 1.0,
            linestyle=(0, (4, 2)) if style.dashed else "solid",
            gid=f"{kind} outline",
            zorder=5,
        )
        self.axes.add_collection(outline, autolim=False)
        self._show(kind)

    def _pointed(self, corners):
        """Bars with an arrow's tip: these tasks go on."""
        tip = np.minimum(8 / self.layout.scale, corners[:, 3, 0] - corners[:, 0, 0])
        middle = corners[:, 3] + np.stack([0 * tip, corners[:, 2, 1] - corners[:, 3, 1]], 1) / 2
        corners[:, 2:, 0] -= tip[:, None]
        return np.insert(corners, 3, middle, axis=1)

    def _core(self, spans):
        """The part of each task that its process spent on a core, filled from the bottom up."""
        known = spans.where(np.nan_to_num(spans.share) > 0)
        if not len(known):
            return
        top, bottom = self._bar()
        corners = self._boxes(known, top, bottom)
        corners[:, [0, 3], 1] += ((bottom - top) * (1 - known.share))[:, None]
        style = self.palette.kinds["core"]
        core = PolyCollection(corners, facecolor=style.fill, linewidth=0, gid="core", zorder=4)
        self.axes.add_collection(core, autolim=False)
        self._show("core")

    def _ghosts(self):
        """The prediction: dashed outlines below the measured bars, never filled."""
        spans = task_spans(self.predicted, self.layout.lanes, first_start(self.timeline))
        if self.layout.lane_height < 16 or not len(spans):
            return
        if self._x(spans.right - spans.left).min() < 4:
            spans = _envelopes(spans)
        style = self.palette.kinds["ghost"]
        ghosts = PolyCollection(
            self._boxes(spans, 0.75, 0.93),
            facecolor="none",
            edgecolor=style.edge,
            linewidth=1.4,
            linestyle=(0, (4, 2)),
            gid="ghost outline",
            zorder=5,
        )
        self.axes.add_collection(ghosts, autolim=False)
        self._show("ghost")

    def _show(self, kind):
        self.shown[kind] = True

    # Lines across all lanes

    def _rulers(self):
        """Makespan and prediction: from the first task's start to the end of each.

        Each has a line of its own above the lanes, the longer one on top, so that neither can
        cross the other's words.
        """
        if not len(self.timeline.tasks):
            return
        running = words.how_many(self.timeline, RUNNING)
        own = self.timeline.makespan
        text = f"{words.seconds(own)} so far" if running else f"makespan {words.seconds(own)}"
        colour = self.palette.predicted if self.timeline.predicted else self.palette.ink
        rulers = [(own, text, colour, self.timeline.predicted)]
        if self.predicted is not None and len(self.predicted.tasks):
            own = self.predicted.makespan
            text = f"predicted {words.seconds(own)}"
            rulers.append((own, text, self.palette.predicted, True))
        for row, ruler in enumerate(sorted(rulers, key=lambda ruler: ruler[0])):
            self._ruler(row, *ruler)

    def _ruler(self, row, length, text, colour, dashed):
        """One measure: a line with an end stroke, its words, and a line down through the lanes."""
        left = first_start(self.timeline)
        right = left + length
        y = 1 + (row + 0.5) * RULER_HEIGHT / self.layout.height  # in parts of the axes' height
        up = 1 + (row + 0.85) * RULER_HEIGHT / self.layout.height
        style = {
            "color": colour,
            "linewidth": 2,
            "linestyle": (0, (4, 2)) if dashed else "solid",
            "clip_on": False,
            "transform": self.axes.get_xaxis_transform(),
        }
        self.axes.plot([left, right], [y, y], zorder=6, **style)
        self.axes.plot([left, left], [1, up], zorder=6, **(style | {"linewidth": 1}))
        self.axes.plot([right, right], [0, up], zorder=6, gid=text.split()[0], **style)
        self.axes.text(
            *self._ruler_words(left, right, y, text),
            text,
            transform=self.axes.get_xaxis_transform(),
            fontsize=SUBTITLE_FONT,
            fontweight="bold",
            color=colour,
            ha="center",
            va="center",
            parse_math=False,
            zorder=8,
            bbox={"facecolor": self.palette.card, "edgecolor": "none", "pad": 2},
        )

    def _ruler_words(self, left, right, y, text):
        """Where a ruler's words stand: in its middle if they fit, else beside it."""
        half = (self.text_width(text, SUBTITLE_FONT, "bold") / 2 + 8) / self.layout.scale
        if right - left > 2 * half:
            return (left + right) / 2, y
        beside = right + half
        return (beside, y) if beside + half < self.axes.get_xlim()[1] else (left - half, y)

    # Texts among the lanes

    def _bar_labels(self, wide):
        """What each bar is, where there is room for it inside."""
        top, bottom = self._bar()
        if (bottom - top) * self.layout.lane_height < LINE_OF_TEXT - 2:
            return
        bars = [(k, i, wide[k]) for k in TASK_KINDS if k in wide for i in range(len(wide[k]))]
        room = 12 / self.layout.scale
        bars = [(k, i, s) for k, i, s in bars if s.right[i] - s.left[i] > room]
        if not bars or len(bars) > 4 * MOST_LABELS:
            return
        calls = [words.one_line(self.timeline.tasks.call(int(s.item[i]))) for _, i, s in bars]
        for (kind, i, spans), label in zip(bars, self._fitting(bars, calls), strict=True):
            if label:
                lane = self.layout.row(spans.lane[i]) + (top + bottom) / 2
                self._label((spans.left[i] + spans.right[i]) / 2, lane, label, kind)

    def _fitting(self, bars, calls):
        """The whole calls if every one fits, else their arguments, else as much as fits."""
        space = [self._x(spans.right[i] - spans.left[i]) - 10 for _, i, spans in bars]
        marks = [MARK.get(kind, "") for kind, _, _ in bars]
        calls = [mark + call for mark, call in zip(marks, calls, strict=True)]
        widths = [self.text_width(call, SMALL_FONT) for call in calls]
        if all(width <= room for width, room in zip(widths, space, strict=True)):
            return calls
        bare = [call.removeprefix(mark) for mark, call in zip(marks, calls, strict=True)]
        short, self.function = words.short_labels(bare)
        short = [mark + text for mark, text in zip(marks, short, strict=True)]
        labels = [self._cut(text, room) for text, room in zip(short, space, strict=True)]
        return labels if sum(map(bool, labels)) <= MOST_LABELS else [""] * len(labels)

    def _cut(self, text, room):
        """As much of a text as fits, or nothing if that would say nothing."""
        if self.text_width(text, SMALL_FONT) <= room:
            return text
        for length in range(min(len(text) - 1, int(room / 5)), 3, -1):
            if self.text_width(text[:length] + "…", SMALL_FONT) <= room:
                return text[:length] + "…"
        return ""

    def _label(self, x, y, text, kind=""):
        """A text with a halo, so that it can be read on any fill; its box is remembered."""
        colour = self.palette.predicted if kind == "ghost" else self.palette.ink
        halo = 6 if kind in MARK else 3  # a hatch runs right up to the letters
        self.axes.text(
            x,
            y,
            text,
            fontsize=SMALL_FONT,
            color=colour,
            ha="center",
            va="center_baseline",
            parse_math=False,
            zorder=9,
            gid="label",
            path_effects=[withStroke(linewidth=halo, foreground=self.palette.card)],
        )
        self.labels.append(self._text_box(x, y, text))

    def _text_box(self, x, y, text):
        half, tall = self.text_width(text, SMALL_FONT) / 2 + 2, LINE_OF_TEXT / 2
        x, y = self._x(x), y * self.layout.lane_height
        return x - half, y - tall, x + half, y + tall

    def _free(self, box):
        """Whether a text would stand clear of all others and inside the lanes."""
        left, top, right, bottom = box
        inside = left >= 0 and right <= self.layout.width
        return inside and not any(
            left < one[2] and one[0] < right and top < one[3] and one[1] < bottom
            for one in self.labels
        )

    def _marks(self, wide, narrow):
        """A mark on every task that failed and is too narrow for a label of its own."""
        top, bottom = self._bar()
        for kind, mark in MARK.items():
            for spans in (some[kind] for some in (wide, narrow) if kind in some):
                for i in range(min(len(spans), MOST_LABELS)):
                    x = (spans.left[i] + spans.right[i]) / 2
                    y = self.layout.row(spans.lane[i]) + (top + bottom) / 2
                    if self._free(self._text_box(x, y, mark.strip())):
                        self._label(x, y, mark.strip(), kind)

    # Messages

    def _messages(self):
        """An arrow from the lane that put a message to the lane that got it."""
        lane = {pid: i for i, one in enumerate(self.layout.lanes) for pid in one.pids}
        known = [m for m in self.timeline.messages if m.sender in lane]
        taken = [m for m in known if m.receiver in lane and math.isfinite(m.got)][:MOST_ARROWS]
        waiting = [m for m in known if not math.isfinite(m.got)][:MOST_ARROWS]
        if taken:
            self._arrows(taken, lane)
        if waiting:
            x = [m.put for m in waiting]
            y = [self.layout.row(lane[m.sender]) + 0.5 for m in waiting]
            style = {"mec": self.palette.message, "mfc": self.palette.card, "ms": 8}
            self.axes.plot(x, y, "o", zorder=8, gid="not taken", **style)
            self._show("not taken")

    def _arrows(self, messages, lane):
        rows = np.array([[lane[m.sender], lane[m.receiver]] for m in messages])
        rows = self.layout.row(rows)
        down = np.sign(rows[:, 1] - rows[:, 0])
        top, bottom = self._bar()
        tail = np.where(down > 0, bottom, np.where(down < 0, top, 0.5)) + rows[:, 0]
        head = np.where(down > 0, top, np.where(down < 0, bottom, 0.5)) + rows[:, 1]
        start = np.stack([[m.put for m in messages], tail], axis=1)
        stop = np.stack([[m.got for m in messages], head], axis=1)
        few = len(messages) <= 200
        colour = self.palette.message
        style = {"color": colour, "linewidth": 1.6 if few else 0.6, "zorder": 7}
        lines = LineCollection(np.stack([start, stop], axis=1), gid="message", **style)
        self.axes.add_collection(lines, autolim=False)
        heads = PolyCollection(
            self._heads(start, stop, 9 if few else 5), facecolor=colour, zorder=7
        )
        self.axes.add_collection(heads, autolim=False)
        self._show("message")
        if few:
            for message, a, b in zip(messages, start, stop, strict=True):
                self._message_value(words.one_line(message.value), a, b)

    def _heads(self, start, stop, size):
        """The triangles of the arrows' heads: turned in pixels, given in the axes' units."""
        unit = np.array([self.layout.scale, self.layout.lane_height])
        along = (stop - start) * unit
        along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
        across = along[:, ::-1] * (-1, 1)
        back = -along * size
        corners = [0 * back, back + across * size * 0.45, back - across * size * 0.45]
        return np.stack([stop + corner / unit for corner in corners], axis=1)

    def _message_value(self, value, start, stop):
        """The value beside its arrow, at the first place where nothing else stands."""
        value = value if len(value) <= 12 else value[:11] + "…"
        shift = (self.text_width(value, SMALL_FONT) / 2 + 7) / self.layout.scale
        up = 0.5 * LINE_OF_TEXT / self.layout.lane_height
        middle = (start + stop) / 2
        tail_side = start + (0, up if start[1] > stop[1] else -up)
        head_side = stop + (0, -up if start[1] > stop[1] else up)
        for x, y in (tail_side, middle, head_side):
            for side in (shift, -shift):
                if self._free(self._text_box(x + side, y, value)):
                    return self._label(x + side, y, value)
        return None

    # Around the lanes

    def _lane_names(self):
        """The lanes' names and pids; where lanes are thin, only some of them."""
        layout = self.layout
        step = math.ceil(LINE_OF_TEXT / layout.lane_height)
        stacked = layout.lane_height >= 2 * LINE_OF_TEXT
        for row in range(0, layout.rows if layout.lanes else 0, step):
            lanes = layout.lanes[row * layout.together : (row + 1) * layout.together]
            name = _short(lanes[0].name) if len(lanes) == 1 else _group_name(lanes)
            self._beside(row, SIDE / 2 + (self.pid_width and self.pid_width + 12), name, LANE_FONT)
            if len(lanes) == 1:
                pids = _pids(lanes[0], stacked)
                self._beside(row, SIDE / 2, pids, SMALL_FONT, self.palette.muted)
        if self.pid_width:
            y = 1 + 0.5 * RULER_HEIGHT / layout.height
            self._beside(None, SIDE / 2, "pid", SMALL_FONT, self.palette.muted, y)

    def _beside(self, row, right, text, size, colour=None, y=None):
        """A text left of the axes, `right` pixels away from them."""
        if row is not None:
            y = 1 - (row + 0.5) / self.layout.rows
        self.axes.text(
            -right / self.layout.width,
            y,
            text,
            transform=self.axes.transAxes,
            fontsize=size,
            color=colour or self.palette.ink,
            ha="right",
            va="center",
            linespacing=1.05,
            parse_math=False,
        )

    def _time_axis(self):
        axes, palette = self.axes, self.palette
        axes.tick_params(
            axis="x", labelsize=SMALL_FONT, labelcolor=palette.ink, color=palette.muted
        )
        axes.tick_params(axis="y", left=False, labelleft=False)
        axes.xaxis.get_major_formatter().set_useOffset(False)
        axes.grid(axis="x", color=palette.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.spines["bottom"].set_color(palette.muted)
        start = "predicted start" if self.timeline.predicted else "first process was asked for"
        axes.set_xlabel(f"seconds since the {start}", fontsize=SMALL_FONT, color=palette.muted)

    def _words(self):
        """Title and subtitle, at most as wide as the picture."""
        room = WIDTH - 2 * SIDE
        title = words.title(self.timeline)
        size = TITLE_FONT
        while size > SMALL_FONT and self.text_width(title, size, "bold") > room:
            size -= 1
        facts = words.subtitle(self.timeline, self.predicted)
        while len(facts) > 1 and self.text_width(" · ".join(facts), SUBTITLE_FONT) > room:
            facts.pop()
        middle = TOP + TITLE_HEIGHT / 2
        self._heading(middle, title, size, self.palette.ink, "bold")
        middle = TOP + TITLE_HEIGHT + SUBTITLE_HEIGHT / 2 - 3
        self._heading(middle, " · ".join(facts), SUBTITLE_FONT, self.palette.muted, "normal")

    def _heading(self, y, text, size, colour, weight):
        self.figure.text(
            SIDE / WIDTH,
            1 - y / self.layout.figure_height,
            text,
            fontsize=size,
            color=colour,
            fontweight=weight,
            va="center",
            parse_math=False,
        )

    def _legend(self):
        """What the kinds on this chart mean, in at most two lines."""
        tall = self.layout.figure_height
        x, y = SIDE, BOTTOM + 1.5 * LEGEND_ROW
        for kind, text in self._legend_entries():
            width = 34 + self.text_width(text, SMALL_FONT)
            if x + width > WIDTH - SIDE:
                x, y = SIDE, y - LEGEND_ROW
            self._swatch(kind, x, y)
            self.figure.text(
                (x + 34) / WIDTH,
                y / tall,
                text,
                fontsize=SMALL_FONT,
                color=self.palette.ink,
                va="center",
                parse_math=False,
                gid="legend",
            )
            x += width + 22

    def _legend_entries(self):
        task = f"task {self.function}" if len(self.function) in range(1, 40) else "task"
        entries = LEGEND | {"task": task + (", off the core" if "core" in self.shown else "")}
        if self.timeline.predicted:
            entries["ghost"] = f"predicted {task}"
        return [(kind, text) for kind, text in entries.items() if kind in self.shown]

    def _swatch(self, kind, x, y):
        """A small sample of a kind, drawn as on the chart."""
        tall = self.layout.figure_height
        if kind in ("message", "not taken"):
            sign = "→" if kind == "message" else "○"
            style = {"fontsize": TITLE_FONT, "color": self.palette.message, "va": "center"}
            self.figure.text((x + 4) / WIDTH, y / tall, sign, **style)
            return
        style = self.palette.kinds[kind]
        sample = Rectangle(
            (x / WIDTH, (y - 7) / tall),
            28 / WIDTH,
            14 / tall,
            facecolor="none" if kind == "ghost" else style.fill,
            edgecolor=style.edge,
            hatch=style.hatch or None,
            linestyle=(0, (3, 1.5)) if style.dashed else "solid",
            linewidth=1.2,
        )
        self.figure.add_artist(sample)

    # Boxes that tell more when the mouse rests on them

    def _hover(self, wide):
        """The widest tasks and all processes, in percent of the picture, as many as are allowed."""
        found = []
        for kind in TASK_KINDS:
            if kind in wide:
                found += [(wide[kind], i) for i in range(len(wide[kind]))]
        found.sort(key=lambda one: one[0].left[one[1]] - one[0].right[one[1]])
        for spans, i in found[:MOST_HOVER_BOXES]:
            text = words.hover_task(self.timeline.tasks[int(spans.item[i])], self.timeline.now)
            self._box(spans, i, text)
        spans = wide.get("startup")
        for i in range(0 if spans is None else len(spans)):
            self._box(spans, i, words.hover_process(self.timeline.processes[spans.item[i]]))

    def _box(self, spans, i, text):
        layout = self.layout
        top, bottom = self._bar()
        y = layout.top + (layout.row(spans.lane[i]) + top) * layout.lane_height
        self.boxes.append(
            (
                text,
                100 * (layout.left + self._x(spans.left[i])) / WIDTH,
                100 * y / layout.figure_height,
                100 * self._x(spans.right[i] - spans.left[i]) / WIDTH,
                100 * (bottom - top) * layout.lane_height / layout.figure_height,
            )
        )


MARK = {"raised": f"{CROSS} ", "lost": f"{DAGGER} "}

LEGEND = {
    "task": "task",
    "core": "on a core",
    "running": "still running",
    "raised": f"{CROSS} raised an error",
    "lost": f"{DAGGER} lost: its process ended",
    "ghost": "predicted",
    "startup": "start-up",
    "idle": "idle",
    "process": "process alive",
    "manager": "manager",
    "message": "message",
    "not taken": "never taken",
}


def _short(name):
    """A lane's name, cut where it would take the picture's room."""
    name = words.one_line(name)
    return name if len(name) <= 18 else name[:17] + "…"


def _pids(lane, stacked=True):
    """A lane's pid; of several the first and the last, or their number."""
    pids = [pid for pid in lane.pids if pid]
    if len(pids) < 2:
        return "".join(map(str, pids))
    if not stacked:
        return f"{len(pids)} pids"
    return f"{pids[0]}\n{pids[-1]}" if len(pids) == 2 else f"{pids[0]}\n… {pids[-1]}"


def _group_name(lanes):
    return f"{lanes[0].number}–{lanes[-1].number}"


def _envelopes(spans):
    """One span a lane, from the first start to the last finish, for tasks too narrow to tell."""
    lanes = np.unique(spans.lane)
    left = np.array([spans.left[spans.lane == lane].min() for lane in lanes])
    right = np.array([spans.right[spans.lane == lane].max() for lane in lanes])
    return Spans(lanes, left, right, np.full(len(lanes), math.nan), lanes)


def _hover_box(text, left, top, width, height):
    return (
        f'<div title="{html.escape(text)}" style="position:absolute;left:{left:.2f}%;'
        f'top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"></div>'
    )
