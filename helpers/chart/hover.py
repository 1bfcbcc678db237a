"""Boxes that tell more of a process or a task when the mouse rests on it."""

from collections.abc import Sequence

import numpy as np

from helpers.chart import words
from helpers.chart.arrows import Spot
from helpers.chart.bars import TASK_KINDS
from helpers.chart.canvas import Canvas
from helpers.chart.lanes import task_lanes
from helpers.chart.scene import Scene
from helpers.chart.spans import Spans
from helpers.chart.style import MOST_HOVER_BOXES, WIDTH
from helpers.chart.waits import WAIT_KINDS


def hover_boxes(
    canvas: Canvas, scene: Scene, wide: dict[str, Spans], spots: Sequence[Spot]
) -> list[tuple]:
    """Return the boxes of a chart: of all start-ups and idle times, if they are few, of the
    longest tasks and of the longest waits.

    Args:
        canvas: where the chart was drawn.
        scene: what it shows.
        wide: the spans that have a shape of their own, by kind.
        spots: where messages leave and arrive, and where those are that nobody took.

    Returns:
        For each box its text, and left, top, width and height in percent of the picture.
    """
    boxes = []
    starts = wide.get("startup")
    if starts is not None and len(starts) <= MOST_HOVER_BOXES // 3:
        for i, item in enumerate(starts.item):
            text = words.hover_process(scene.timeline.processes[item])
            boxes.append((text, *_place(canvas, starts, i)))
    idle = wide.get("idle")
    if idle is not None and len(idle) <= MOST_HOVER_BOXES // 10:
        for i, item in enumerate(idle.item):  # under the boxes of the tasks
            text = words.hover_idle(scene.timeline.processes[item])
            boxes.append((text, *_place(canvas, idle, i)))
    lanes = task_lanes(scene.lanes)
    waits = _longest(wide, WAIT_KINDS, MOST_HOVER_BOXES // 3)
    for spans, i in _longest(wide, TASK_KINDS, MOST_HOVER_BOXES - len(boxes) - len(waits)):
        task = scene.timeline.tasks[int(spans.item[i])]
        text = words.hover_task(task, lanes[task.lane].name, spans.right[i])
        boxes.append((text, *_place(canvas, spans, i)))
    for spans, i in waits:  # they lie on the tasks, so their boxes come later
        wait = scene.timeline.waits[int(spans.item[i])]
        name = scene.lanes[int(spans.lane[i])].name
        text = words.hover_wait(scene.timeline, wait, name, spans.right[i])
        boxes.append((text, *_place(canvas, spans, i)))
    if len(spots) <= MOST_HOVER_BOXES // 3:
        for spot in spots:
            boxes.append(
                (words.hover_messages(scene.timeline, spot.messages), *_around(canvas, spot))
            )
    return boxes


def _around(canvas, spot):
    """Return left, top, width and height of a small box around a spot, in percent."""
    layout, half = canvas.layout, 8
    x, y = layout.pixels(np.array([spot.time, spot.row])) + (layout.left, layout.top)
    wide, tall = 100 / WIDTH, 100 / layout.figure_height
    return (x - half) * wide, (y - half) * tall, 2 * half * wide, 2 * half * tall


def _longest(wide, kinds, most):
    """Return the longest spans of these kinds, as pairs (spans, place in them)."""
    found = []
    for kind in kinds:
        if kind in wide:
            length = wide[kind].length
            places = np.argsort(-length, kind="stable")[:most]
            found += [(float(length[i]), wide[kind], i) for i in places]
    found.sort(key=lambda span: span[0], reverse=True)
    return [(spans, i) for _, spans, i in found[:most]]


def _place(canvas, spans, i):
    """Return left, top, width and height of a bar, in percent of the picture."""
    layout = canvas.layout
    y = layout.top + (layout.row(spans.lane[i]) + canvas.bar[0]) * layout.lane_height
    return (
        100 * (layout.left + layout.x(spans.left[i] - layout.begin)) / WIDTH,
        100 * y / layout.figure_height,
        max(0.4, 100 * layout.x(spans.length[i]) / WIDTH),
        100 * canvas.bar_height / layout.figure_height,
    )
