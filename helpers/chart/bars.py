"""What lies in the lanes: start-up, idle time, tasks, and the ghosts of a prediction.

All spans of a kind are one collection of polygons. A bar each would cost a hundred times as much
at ten thousand tasks. Where tasks are narrower than two pixels, every pixel is filled up to the
share of its time that they cover.
"""

import math

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.transforms import IdentityTransform

from helpers.chart import words
from helpers.chart.canvas import Canvas
from helpers.chart.spans import Spans, coverage, within
from helpers.chart.style import CROSS, DAGGER, DPI, LINE_OF_TEXT, MOST_LABELS
from helpers.timeline import Timeline

TASK_KINDS = ("task", "raised", "lost", "running", "ghost")
LIFE_KINDS = ("idle", "process", "manager", "startup")
STACK = ("core", "task", "running", "ghost", "raised", "lost", *LIFE_KINDS)
"""From the bottom of a lane to its top, where several share a pixel's time."""

FEW_SPANS = 500
"""So few are all outlined, and even the shortest shows as a thin line, unless it is crowded."""
ROOM_FOR_A_LINE = 10
"""Pixels of a row for each thin line, at least: more lines would look as if somebody worked."""

MARK = {"raised": f"{CROSS} ", "lost": f"{DAGGER} "}
DASHES = (0, (4, 2))


def draw_spans(canvas: Canvas, spans: dict[str, Spans]) -> dict[str, Spans]:
    """Everything that lies in the lanes. Returns the spans that got a shape of their own."""
    wide, narrow = split_by_width(canvas, spans)
    if narrow:
        draw_coverage(canvas, narrow)
    for kind in LIFE_KINDS:
        if len(wide.get(kind, ())):
            _strips(canvas, kind, wide[kind])
    for kind in TASK_KINDS:
        if len(wide.get(kind, ())):
            _bars(canvas, kind, wide[kind])
    return wide


def split_by_width(canvas: Canvas, spans: dict[str, Spans]):
    """Spans wide enough for a shape of their own, and those to be shown by coverage.

    Where a lane mixes both, its pixels are shared by wide and narrow tasks. So as soon as one task
    is too narrow, the coverage counts all of them, and the wide ones are drawn on top.
    """
    if canvas.layout.together > 1:
        return {}, spans
    broad = {k: canvas.layout.x(some.right - some.left) >= 2 for k, some in spans.items()}
    if _all_can_be_seen(canvas, spans, broad):
        return spans, {}
    wide = {kind: some.where(broad[kind]) for kind, some in spans.items()}
    narrow = {k: some if k in TASK_KINDS else some.where(~broad[k]) for k, some in spans.items()}
    return wide, {kind: some for kind, some in narrow.items() if len(some)}


def _all_can_be_seen(canvas, spans, broad):
    """Are all wide enough, or so few that even a thin line is seen for what it is?"""
    lanes = [np.empty(0, int)] + [some.lane[~broad[kind]] for kind, some in spans.items()]
    thin_lines = np.bincount(canvas.layout.row(np.concatenate(lanes))).max(initial=0)
    few = sum(map(len, spans.values())) <= FEW_SPANS
    return thin_lines == 0 or (few and thin_lines * ROOM_FOR_A_LINE <= canvas.layout.width)


# Below a pixel


def draw_coverage(canvas: Canvas, spans: dict[str, Spans]) -> None:
    """One picture behind the bars: every column of a lane filled by what its time went into."""
    layout = canvas.layout
    shares = _shares(canvas, spans)
    layers = [kind for kind in STACK if kind in shares]
    heap = np.cumsum([shares[kind] for kind in layers], axis=0)
    top, bottom = (round(edge * layout.lane_height) for edge in canvas.bar)
    level = (np.arange(bottom - top)[::-1] + 0.5) / (bottom - top)
    which = np.full((layout.rows, layout.lane_height, layout.width), len(layers), np.uint8)
    full = heap[:, :, None, :] + 1e-9 < level[None, None, :, None]
    which[:, top:bottom] = full.sum(axis=0, dtype=np.uint8)
    styles = [canvas.palette.kinds[kind] for kind in layers]
    colours = [to_rgba(style.flat or style.fill) for style in styles] + [(0, 0, 0, 0)]
    colours = (np.array(colours) * 255).round().astype(np.uint8)
    pixels = colours.view(np.uint32)[which]  # all four parts of a colour at once: five times sooner
    extent = (*canvas.axes.get_xlim(), layout.rows, 0)
    looks = {"interpolation": "nearest", "gid": "coverage", "zorder": 2.5}
    picture = _Pixels(canvas.axes, extent=extent, **looks)
    picture.set_data(pixels.view(np.uint8).reshape(layout.height, layout.width, 4))
    canvas.axes.add_image(picture)
    for i, kind in enumerate(layers):
        if (which == i).any():
            canvas.show(kind, flat=True)


class _Pixels(AxesImage):
    """A picture that has a pixel for each of the canvas, so that nothing need be computed."""

    def make_image(self, renderer, magnification=1.0, unsampled=False):
        if renderer.dpi != DPI:  # somebody saves the figure larger
            return super().make_image(renderer, magnification, unsampled)
        left, bottom = self.axes.bbox.min.round()
        return self.get_array()[::-1], left, bottom, IdentityTransform()


def _shares(canvas, spans):
    """For each kind the share of every pixel's time, rows by columns."""
    layout = canvas.layout
    shape = (layout.rows, layout.width)
    lanes_in_row = np.bincount(layout.row(np.arange(len(layout.lanes))), minlength=layout.rows)

    def covered(some):
        both = coverage(some, layout.row(some.lane), shape, 0.0, layout.scale)
        return [part / lanes_in_row[:, None] for part in both]

    shares = {}
    for kind, some in spans.items():
        shares[kind], core = covered(some)
        if kind in LIFE_KINDS:  # a process's life contains its tasks, which lie on top
            for tasks in (spans[one] for one in TASK_KINDS if one in spans):
                shares[kind] = shares[kind] - covered(within(tasks, some))[0]
            shares[kind] = np.maximum(shares[kind], 0)
        if kind == "task" and core.any():
            shares["core"] = core
            shares["task"] = shares["task"] - core
    return shares


# Shapes of their own


def corners_of(canvas: Canvas, spans: Spans, top: float, bottom: float) -> np.ndarray:
    """The corners of all spans as an array (spans, 4, 2), from the top left downwards."""
    row = canvas.layout.row(spans.lane)
    x = np.stack([spans.left, spans.left, spans.right, spans.right], axis=1)
    y = np.stack([row + top, row + bottom, row + bottom, row + top], axis=1)
    return np.stack([x, y], axis=2)


def _add(canvas, corners, gid, zorder, **looks):
    """All these shapes as one collection."""
    shapes = PolyCollection(corners, gid=gid, zorder=zorder, **looks)
    canvas.axes.add_collection(shapes, autolim=False)


def _strips(canvas, kind, spans):
    """Start-up and life of processes: what lies behind the tasks."""
    style = canvas.palette.kinds[kind]
    corners = corners_of(canvas, spans, *canvas.bar)
    looks = {"facecolor": style.fill, "edgecolor": style.edge, "hatch": style.hatch or None}
    _add(canvas, corners, kind, 2, linewidth=0.8, **looks)
    canvas.show(kind)


def _bars(canvas, kind, spans):
    """The tasks of one kind: a fill, the part of it that was on a core, and an outline."""
    style = canvas.palette.kinds[kind]
    corners = corners_of(canvas, spans, *canvas.bar)
    if kind == "running":
        corners = _pointed(canvas, corners)
    if kind != "ghost":
        looks = {"facecolor": style.fill, "edgecolor": style.edge, "hatch": style.hatch or None}
        _add(canvas, corners, kind, 3, linewidth=0, **looks)
    if kind == "task":
        _core(canvas, spans)
    # Among many, the outline of a narrow bar would hide what it outlines.
    roomy = canvas.layout.x(spans.right - spans.left) >= 6
    _outlines(canvas, kind, corners[roomy | (len(spans) <= FEW_SPANS)])
    canvas.show(kind)


def _outlines(canvas, kind, corners):
    style = canvas.palette.kinds[kind]
    looks = {"linewidth": 1.4, "linestyle": DASHES} if style.dashed else {"linewidth": 1.0}
    _add(canvas, corners, f"{kind} outline", 5, facecolor="none", edgecolor=style.edge, **looks)


def _pointed(canvas, corners):
    """Bars with an arrow's tip: these tasks go on."""
    tip = np.minimum(8 / canvas.layout.scale, corners[:, 3, 0] - corners[:, 0, 0])
    middle = corners[:, 2:].mean(axis=1)
    corners = np.insert(corners, 3, middle, axis=1)
    corners[:, [2, 4], 0] -= tip[:, None]
    return corners


def _core(canvas, spans):
    """The part of each task that its process spent on a core, filled from the bottom up."""
    known = spans.where(np.nan_to_num(spans.share) > 0)
    if not len(known):
        return
    top, bottom = canvas.bar
    corners = corners_of(canvas, known, top, bottom)
    corners[:, [0, 3], 1] += ((bottom - top) * (1 - known.share))[:, None]
    _add(canvas, corners, "core", 4, facecolor=canvas.palette.kinds["core"].fill, linewidth=0)
    if (known.share * canvas.bar_height >= 1).any():  # else it cannot be seen
        canvas.show("core")


def draw_ghosts(canvas: Canvas, spans: Spans) -> None:
    """A prediction beside a measurement: dashed outlines below the bars, never filled."""
    if not canvas.ghosts or not len(spans):
        return
    if canvas.layout.x(spans.right - spans.left).min() < 4:
        spans = _envelopes(spans)
    _outlines(canvas, "ghost", corners_of(canvas, spans, 0.75, 0.93))
    canvas.show("ghost")


def _envelopes(spans):
    """One span a lane, from the first start to the last finish, for tasks too narrow to tell."""
    lanes, place = np.unique(spans.lane, return_inverse=True)
    left, right = np.full(len(lanes), math.inf), np.full(len(lanes), -math.inf)
    np.minimum.at(left, place, spans.left)
    np.maximum.at(right, place, spans.right)
    return Spans(lanes, left, right, np.full(len(lanes), math.nan), lanes)


# Labels in the bars


def draw_labels(
    canvas: Canvas, timeline: Timeline, wide: dict[str, Spans], *, short: bool = False
) -> None:
    """What each bar is, where there is room for it inside; `short`: only the arguments."""
    if canvas.bar_height < LINE_OF_TEXT - 2:
        return
    bars = [
        (kind, wide[kind], i)
        for kind in TASK_KINDS
        if kind in wide
        for i in np.flatnonzero(canvas.layout.x(wide[kind].right - wide[kind].left) > 16)
    ]
    if not bars or len(bars) > 4 * MOST_LABELS:
        return
    calls = [words.one_line(timeline.tasks.call(int(spans.item[i]))) for _, spans, i in bars]
    for (kind, spans, i), text in zip(bars, _fitting(canvas, bars, calls, short), strict=True):
        if text:
            colour = canvas.palette.predicted if kind == "ghost" else ""
            canvas.label(*_middle(canvas, spans, i), text, colour, _halo(kind))


def _middle(canvas, spans, i):
    """The middle of a bar: its time and its height in rows."""
    return (spans.left[i] + spans.right[i]) / 2, canvas.layout.row(spans.lane[i]) + sum(
        canvas.bar
    ) / 2


def _halo(kind):
    """How far the light around letters reaches; a hatch would run right up to them."""
    return 8 if kind in MARK else 3


def _fitting(canvas, bars, calls, short):
    """The whole calls if every one fits, else their arguments, else as much as fits."""
    room = [canvas.layout.x(spans.right[i] - spans.left[i]) - 10 for _, spans, i in bars]
    marks = [MARK.get(kind, "") for kind, _, _ in bars]
    labels = [mark + call for mark, call in zip(marks, calls, strict=True)]
    fits = (canvas.text_width(text) <= space for text, space in zip(labels, room, strict=True))
    if not short and all(fits):
        return labels
    arguments, function = words.short_labels(calls)
    labels = [mark + text for mark, text in zip(marks, arguments, strict=True)]
    labels = [_cut(canvas, text, space) for text, space in zip(labels, room, strict=True)]
    if not 0 < sum(map(bool, labels)) <= MOST_LABELS:
        return [""] * len(labels)
    canvas.function = function
    return labels


def _cut(canvas, text, room):
    """As much of a text as fits, or nothing if that would say nothing."""
    if canvas.text_width(text[:200]) <= room and len(text) <= 200:
        return text
    for length in range(min(len(text) - 1, int(room / 5)), 3, -1):
        if canvas.text_width(text[:length] + "…") <= room:
            return text[:length] + "…"
    return ""


def draw_marks(canvas: Canvas, spans: dict[str, Spans]) -> None:
    """A mark on every task that failed and has no label of its own, as long as there is room."""
    for kind, mark in MARK.items():
        if kind in spans and canvas.bar_height >= LINE_OF_TEXT / 2:
            for i in range(min(len(spans[kind]), MOST_LABELS)):
                x, y = _middle(canvas, spans[kind], i)
                canvas.label_if_free(x, y, mark.strip(), _halo(kind))


def draw_exit_codes(canvas: Canvas, timeline: Timeline, wide: dict[str, Spans]) -> None:
    """Exit codes other than 0 of processes of their own, behind their end or just before it."""
    lives = wide.get("process")
    for i, item in enumerate(() if lives is None else lives.item):
        code = timeline.processes[item].exitcode
        if code and canvas.bar_height >= LINE_OF_TEXT - 2:
            text = f"exit code {code}".replace("-", "\N{MINUS SIGN}")
            away = (canvas.text_width(text) / 2 + 6) / canvas.layout.scale
            y = _middle(canvas, lives, i)[1]
            any(
                canvas.label_if_free(lives.right[i] + side * away, y, text, halo=6)
                for side in (1, -1)
            )
