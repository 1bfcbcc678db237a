"""Waits for others, drawn over the tasks: who waits does not work, so the bar is open there."""

import numpy as np
from matplotlib.colors import to_rgba

from helpers.chart.bars import TASK_KINDS, Pixels, covered_shares, draw_strips
from helpers.chart.canvas import Canvas
from helpers.chart.scene import Scene
from helpers.chart.spans import Spans

OVER_TASKS = 4.5
"""The height of waits and transfers in matplotlib's order: over the tasks, under their outlines."""

BROAD = 4
"""Pixels from which on a wait has an outline and a hatch: of a shorter one, they would be all."""

KIND_OF = {
    **dict.fromkeys(("message", "pipe"), "waits message"),
    "room": "waits room",
    **dict.fromkeys(("lock", "semaphore"), "waits lock"),
    **dict.fromkeys(("barrier", "event", "condition", "reports", "end"), "waits others"),
}
"""The kind as which a wait is drawn, by its reason."""
WAIT_KINDS = tuple(dict.fromkeys(KIND_OF.values()))


def wait_spans(scene: Scene, lane_of_pid: dict[int, int]) -> dict[str, Spans]:
    """Return the waits of all processes that have a lane, by kind.

    A wait that began before the first process was asked for is shown from zero on.
    """
    rows = {}
    for item, wait in enumerate(scene.timeline.waits):
        if wait.pid in lane_of_pid and wait.reason in KIND_OF:
            left, right = max(0.0, wait.began), max(0.0, scene.end_of(wait))
            row = lane_of_pid[wait.pid], left, right, item
            rows.setdefault(KIND_OF[wait.reason], []).append(row)
    return {kind: Spans.of_rows(found) for kind, found in rows.items()}


def draw_waits(canvas: Canvas, waits: dict[str, Spans], tasks: dict[str, Spans]) -> dict:
    """Draw waits over the tasks. Return those that got a shape of their own, by kind.

    Args:
        canvas: where to draw.
        waits: from `wait_spans`.
        tasks: all other spans of the chart, by kind.
    """
    wide, narrow = {}, {}
    for kind, spans in waits.items():
        broad = (canvas.layout.x(spans.length) >= BROAD) & (canvas.layout.together == 1)
        wide[kind], narrow[kind] = spans.where(broad), spans.where(~broad)
    narrow = {kind: spans for kind, spans in narrow.items() if _seen(canvas, spans)}
    _draw_narrow(canvas, narrow, tasks)
    wide = {kind: spans for kind, spans in wide.items() if len(spans)}
    for kind, spans in wide.items():
        draw_strips(canvas, kind, spans, OVER_TASKS)
    return wide


def _seen(canvas, spans):
    """Return whether spans are long enough together to be seen."""
    return canvas.layout.x(spans.length.sum()) >= 1


def _draw_narrow(canvas, waits, tasks):
    """Leave bars open where waits are short: as much of each column of pixels as they cover.

    They were off the core, so they stand at the top of what the tasks fill.
    """
    if not waits:
        return
    layout = canvas.layout
    waited = sum(covered_shares(canvas, spans)[0] for spans in waits.values())
    filled = sum(covered_shares(canvas, tasks[kind])[0] for kind in TASK_KINDS if kind in tasks)
    top, bottom = (round(edge * layout.lane_height) for edge in canvas.bar)
    level = (np.arange(bottom - top)[::-1] + 0.5) / (bottom - top)
    high = np.clip(np.maximum(filled, waited), 0, 1)[:, None, :]
    low = high - np.minimum(waited, 1)[:, None, :]
    is_open = np.zeros((layout.rows, layout.lane_height, layout.width), bool)
    is_open[:, top:bottom] = (low <= level[None, :, None]) & (level[None, :, None] < high)
    if not is_open.any():
        return
    colours = np.array([(0, 0, 0, 0), to_rgba(canvas.palette.card)])
    colours = (colours * 255).round().astype(np.uint8)
    pixels = colours[is_open.reshape(layout.height, layout.width).astype(np.uint8)]
    extent = (*canvas.axes.get_xlim(), layout.rows, 0)
    picture = Pixels(canvas.axes, extent=extent, interpolation="nearest", gid="short waits")
    picture.set_zorder(OVER_TASKS)
    picture.set_data(pixels)
    canvas.axes.add_image(picture)
    for kind in waits:
        canvas.show(kind, flat=True)
