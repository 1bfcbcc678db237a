"""What lies in the lanes: start-up, idle time, tasks, and the ghosts of a prediction.

All spans of a kind are one collection of polygons: ten thousand bars of their own would cost a
hundred times as much. Where tasks are narrower than two pixels, every pixel is filled up to the
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
from helpers.chart.letters import one_line
from helpers.chart.sheet import MOST_LETTERS
from helpers.chart.spans import Spans, coverage, within
from helpers.chart.style import ARROW_OUT, CROSS, DAGGER, DPI, LINE_OF_TEXT, MOST_LABELS
from helpers.timeline import Timeline

TASK_KINDS = ("task", "exited", "raised", "lost", "running", "ghost")
LIFE_KINDS = ("idle", "process", "manager", "startup")
STACK = ("core", "task", "running", "ghost", "exited", "raised", "lost", *LIFE_KINDS)
"""The order of the kinds from the bottom of a lane to its top, where several share a pixel."""

FEW_SPANS = 500
"""Up to so many spans all are outlined, and even the shortest is a thin line if there is room."""
ROOM_FOR_A_LINE = 10
"""The pixels of a row that each thin line needs: closer lines would look like one long task."""

LEAST_LETTERS = 4
"""Fewer letters of a longer text than these would say nothing."""

MARK = {"exited": f"{ARROW_OUT} ", "raised": f"{CROSS} ", "lost": f"{DAGGER} "}
DASHES = (0, (4, 2))


def draw_spans(canvas: Canvas, spans: dict[str, Spans]) -> dict[str, Spans]:
    """Draw all that lies in the lanes. Return the spans that got a shape of their own, by kind."""
    wide, narrow = split_by_width(canvas, spans)
    if narrow:
        draw_coverage(canvas, narrow)
    for kind in LIFE_KINDS:
        if len(wide.get(kind, ())):
            draw_strips(canvas, kind, wide[kind], zorder=2)
    for kind in TASK_KINDS:
        if len(wide.get(kind, ())):
            _draw_bars(canvas, kind, wide[kind])
    return wide


def split_by_width(canvas: Canvas, spans: dict[str, Spans]):
    """Return the spans wide enough for a shape of their own, and those to be shown by coverage.

    Where a lane mixes both, its pixels are shared by wide and narrow tasks. So as soon as one task
    is too narrow, the coverage counts all tasks, and the wide ones are drawn on top of it.
    """
    if canvas.layout.together > 1:
        return {}, spans
    broad = {kind: canvas.layout.x(of_kind.length) >= 2 for kind, of_kind in spans.items()}
    if _all_can_be_seen(canvas, spans, broad):
        return spans, {}
    wide = {kind: of_kind.where(broad[kind]) for kind, of_kind in spans.items()}
    narrow = {
        kind: of_kind if kind in TASK_KINDS else of_kind.where(~broad[kind])
        for kind, of_kind in spans.items()
    }
    return wide, {kind: of_kind for kind, of_kind in narrow.items() if len(of_kind)}


def _all_can_be_seen(canvas, spans, broad):
    """Return whether all spans are wide, or so few that even a thin line is seen as what it is."""
    lanes = [np.empty(0, int)] + [spans[kind].lane[~broad[kind]] for kind in spans]
    thin_lines = np.bincount(canvas.layout.row(np.concatenate(lanes))).max(initial=0)
    few = sum(map(len, spans.values())) <= FEW_SPANS
    return thin_lines == 0 or (few and thin_lines * ROOM_FOR_A_LINE <= canvas.layout.width)


# Below a pixel


def draw_coverage(canvas: Canvas, spans: dict[str, Spans]) -> None:
    """Draw a picture behind the bars: each column of a lane filled by what its time went into."""
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
    pixels = colours.view(np.uint32)[which]  # a colour's four parts at once: five times as fast
    extent = (*canvas.axes.get_xlim(), layout.rows, 0)
    picture = Pixels(
        canvas.axes, extent=extent, interpolation="nearest", gid="coverage", zorder=2.5
    )
    picture.set_data(pixels.view(np.uint8).reshape(layout.height, layout.width, 4))
    canvas.axes.add_image(picture)
    for i, kind in enumerate(layers):
        if (which == i).any():
            canvas.show(kind, flat=True)


class Pixels(AxesImage):
    """A picture with exactly the canvas's pixels, so that nothing has to be resampled."""

    def make_image(self, renderer, magnification=1.0, unsampled=False):
        if renderer.dpi != DPI:  # the figure is being saved in another size
            return super().make_image(renderer, magnification, unsampled)
        left, bottom = self.axes.bbox.min.round()
        return self.get_array()[::-1], left, bottom, IdentityTransform()


def covered_shares(canvas: Canvas, spans: Spans) -> list[np.ndarray]:
    """Return which share of every pixel's time spans cover, and which part of it was on a core.

    Both are arrays of rows by columns. Where lanes share a row, it is the share of all their time.
    """
    layout = canvas.layout
    shape = (layout.rows, layout.width)
    lanes_in_row = np.bincount(layout.row(np.arange(len(layout.lanes))), minlength=layout.rows)
    both = coverage(spans, layout.row(spans.lane), shape, layout.begin, layout.scale)
    return [part / lanes_in_row[:, None] for part in both]


def _shares(canvas, spans):
    """Return for each kind the share of every pixel's time, rows by columns."""
    shares = {}
    for kind, of_kind in spans.items():
        shares[kind], core = covered_shares(canvas, of_kind)
        if kind in LIFE_KINDS:  # a process's life contains its tasks, which lie on top
            for tasks in (spans[task_kind] for task_kind in TASK_KINDS if task_kind in spans):
                shares[kind] = shares[kind] - covered_shares(canvas, within(tasks, of_kind))[0]
            shares[kind] = np.maximum(shares[kind], 0)
        if kind == "task" and core.any():
            shares["core"] = core
            shares["task"] = shares["task"] - core
    return shares


# Shapes of their own


def corners_of(canvas: Canvas, spans: Spans, top: float, bottom: float) -> np.ndarray:
    """Return the corners of all spans as an array (spans, 4, 2), from the top left downwards."""
    row = canvas.layout.row(spans.lane)
    x = np.stack([spans.left, spans.left, spans.right, spans.right], axis=1)
    y = np.stack([row + top, row + bottom, row + bottom, row + top], axis=1)
    return np.stack([x, y], axis=2)


def add_shapes(canvas: Canvas, corners: np.ndarray, gid: str, zorder: float, **paint) -> None:
    """Add shapes as one collection; `paint` is what matplotlib's PolyCollection takes."""
    shapes = PolyCollection(corners, gid=gid, zorder=zorder, **paint)
    canvas.axes.add_collection(shapes, autolim=False)


def draw_strips(canvas: Canvas, kind: str, spans: Spans, zorder: float) -> None:
    """Draw spans of one kind that are no tasks, such as the life of processes."""
    style = canvas.palette.kinds[kind]
    corners = corners_of(canvas, spans, *canvas.bar)
    paint = {"facecolor": style.fill, "edgecolor": style.edge, "hatch": style.hatch or None}
    add_shapes(canvas, corners, kind, zorder, linewidth=0.8, **paint)
    if style.hatch:
        canvas.note_hatched(corners)
    canvas.show(kind)


def _draw_bars(canvas, kind, spans):
    """Draw the tasks of one kind: a fill, the part of it that was on a core, and an outline."""
    style = canvas.palette.kinds[kind]
    corners = corners_of(canvas, spans, *canvas.bar)
    if kind == "running":
        corners = _pointed(canvas, corners)
    if kind != "ghost":
        paint = {"facecolor": style.fill, "edgecolor": style.edge, "hatch": style.hatch or None}
        add_shapes(canvas, corners, kind, 3, linewidth=0, **paint)
        if style.hatch:
            canvas.note_hatched(corners)
    if kind == "task":
        _draw_core(canvas, spans)
    # Among many, the outline of a narrow bar would hide what it outlines.
    roomy = canvas.layout.x(spans.length) >= 6
    _draw_outlines(canvas, kind, corners[roomy | (len(spans) <= FEW_SPANS)])
    canvas.show(kind)


def _draw_outlines(canvas, kind, corners):
    style = canvas.palette.kinds[kind]
    line = {"linewidth": 1.4, "linestyle": DASHES} if style.dashed else {"linewidth": 1.0}
    paint = {"facecolor": "none", "edgecolor": style.edge}
    add_shapes(canvas, corners, f"{kind} outline", 5, **paint, **line)


def _pointed(canvas, corners):
    """Return bars with an arrow's tip, for tasks that go on."""
    tip = np.minimum(8 / canvas.layout.scale, corners[:, 3, 0] - corners[:, 0, 0])
    middle = corners[:, 2:].mean(axis=1)
    corners = np.insert(corners, 3, middle, axis=1)
    corners[:, [2, 4], 0] -= tip[:, None]
    return corners


def _draw_core(canvas, spans):
    """Fill each bar from the bottom up to the share of the task that was on a core."""
    known = spans.where(np.nan_to_num(spans.share) > 0)
    if not len(known):
        return
    top, bottom = canvas.bar
    corners = corners_of(canvas, known, top, bottom)
    corners[:, [0, 3], 1] += ((bottom - top) * (1 - np.minimum(known.share, 1)))[:, None]
    fill = canvas.palette.kinds["core"].fill
    add_shapes(canvas, corners, "core", 4, facecolor=fill, linewidth=0)
    several = known.where(known.share > 1)
    if len(several):
        draw_strips(canvas, "cores", several, 4.2)
    if (known.share * canvas.bar_height >= 1).any():  # else it cannot be seen
        canvas.show("core")


def draw_ghosts(canvas: Canvas, spans: Spans) -> None:
    """Draw a prediction beside a measurement: dashed outlines below the bars, never filled."""
    if not canvas.ghosts or not len(spans):
        return
    if canvas.layout.x(spans.length).min() < 4:
        spans = _envelopes(spans)
    _draw_outlines(canvas, "ghost", corners_of(canvas, spans, 0.75, 0.93))
    canvas.show("ghost")


def _envelopes(spans):
    """Return one span a lane, from its first start to its last finish, for very narrow tasks."""
    lanes, place = np.unique(spans.lane, return_inverse=True)
    left, right = np.full(len(lanes), math.inf), np.full(len(lanes), -math.inf)
    np.minimum.at(left, place, spans.left)
    np.maximum.at(right, place, spans.right)
    return Spans(lanes, left, right, np.full(len(lanes), math.nan), lanes)


FRAME = 0.05
"""How far the frame of a chunk stands out above and below its tasks, as part of a row."""


def draw_chunks(canvas: Canvas, chunks: Spans) -> None:
    """Draw a frame around the tasks of each chunk that is long enough for it: it is one message."""
    if canvas.layout.together > 1:
        return
    chunks = chunks.where(canvas.layout.x(chunks.length) >= 6)
    if len(chunks):
        top, bottom = canvas.bar
        corners = corners_of(canvas, chunks, top - FRAME, bottom + FRAME)
        paint = {"facecolor": "none", "edgecolor": canvas.palette.kinds["chunk"].edge}
        add_shapes(canvas, corners, "chunk", 5.5, linewidth=2.2, **paint)
        canvas.show("chunk")


# Labels in the bars


def draw_labels(
    canvas: Canvas, timeline: Timeline, wide: dict[str, Spans], *, short: bool = False
) -> None:
    """Write in each bar what it is, if there is room inside it; `short`: only the arguments."""
    if canvas.bar_height < LINE_OF_TEXT - 2:
        return
    bars = [
        (kind, wide[kind], i)
        for kind in TASK_KINDS
        if kind in wide
        for i in np.flatnonzero(canvas.layout.x(wide[kind].length) > 16)
    ]
    if not bars or len(bars) > 4 * MOST_LABELS:
        return
    calls = [timeline.tasks.call(int(spans.item[i])) for _, spans, i in bars]
    for (kind, spans, i), text in zip(bars, _fitting(canvas, bars, calls, short), strict=True):
        if text:
            colour = canvas.palette.predicted if kind == "ghost" else ""
            canvas.label(*_middle(canvas, spans, i), text, colour)


def _middle(canvas, spans, i):
    """Return the middle of a bar: its time and its height in rows."""
    row = canvas.layout.row(spans.lane[i])
    return (spans.left[i] + spans.right[i]) / 2, row + sum(canvas.bar) / 2


def _fitting(canvas, bars, calls, short):
    """Return the whole calls if every one fits, else of each call's arguments as much as fits."""
    rooms = [canvas.layout.x(spans.length[i]) - 10 for _, spans, i in bars]
    marks = [MARK.get(kind, "") for kind, _, _ in bars]
    labels = [one_line(mark + call[:MOST_LETTERS]) for mark, call in zip(marks, calls, strict=True)]
    if not short and all(map(canvas.fits, labels, rooms)):
        return labels
    arguments, function = words.short_labels(calls)
    labels = [mark + text for mark, text in zip(marks, arguments, strict=True)]
    labels = [_cut(canvas, text, room) for text, room in zip(labels, rooms, strict=True)]
    if not 0 < sum(map(bool, labels)) <= MOST_LABELS:
        return [""] * len(labels)
    canvas.function = one_line(function[:MOST_LETTERS])
    return labels


def _cut(canvas, text, room):
    """Return as much of a text as fits, or nothing if that would be less than four letters."""
    shown = canvas.cut(text, room)
    whole = shown == one_line(text[:MOST_LETTERS])
    return shown if whole or len(shown) > LEAST_LETTERS else ""


def draw_marks(canvas: Canvas, spans: dict[str, Spans]) -> None:
    """Mark every task that failed and has no label of its own, as long as there is room."""
    for kind, mark in MARK.items():
        if kind in spans and canvas.bar_height >= LINE_OF_TEXT / 2:
            for i in range(min(len(spans[kind]), MOST_LABELS)):
                middle = _middle(canvas, spans[kind], i)
                canvas.label_at_first_free([middle], mark.strip())


def draw_exit_codes(canvas: Canvas, timeline: Timeline, wide: dict[str, Spans]) -> None:
    """Write exit codes other than 0 of processes of their own, behind their end or before it."""
    if "process" not in wide or canvas.bar_height < LINE_OF_TEXT - 2:
        return
    lives = wide["process"]
    for i, item in enumerate(lives.item):
        code, end = timeline.processes[item].exitcode, lives.right[i]
        if code:
            text = f"exit code {code}".replace("-", "\N{MINUS SIGN}")
            away = (canvas.text_width(text) / 2 + 6) / canvas.layout.scale
            _, y = _middle(canvas, lives, i)
            canvas.label_at_first_free([(end + away, y), (end - away, y)], text)
