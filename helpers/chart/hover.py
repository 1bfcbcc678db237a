"""Boxes that tell more of a process or a task when the mouse rests on it."""

import numpy as np

from helpers.chart import words
from helpers.chart.bars import TASK_KINDS
from helpers.chart.canvas import Canvas
from helpers.chart.lanes import task_lanes
from helpers.chart.scene import Scene
from helpers.chart.spans import Spans
from helpers.chart.style import MOST_HOVER_BOXES, WIDTH


def hover_boxes(canvas: Canvas, scene: Scene, wide: dict[str, Spans]) -> list[tuple]:
    """Return the boxes of a chart: of all start-ups, if they are few, and of the longest tasks.

    Args:
        canvas: where the chart was drawn.
        scene: what it shows.
        wide: the spans that have a shape of their own, by kind.

    Returns:
        For each box its text, and left, top, width and height in percent of the picture.
    """
    boxes = []
    starts = wide.get("startup")
    if starts is not None and len(starts) <= MOST_HOVER_BOXES // 3:
        for i, item in enumerate(starts.item):
            text = words.hover_process(scene.timeline.processes[item])
            boxes.append((text, *_place(canvas, starts, i)))
    lanes = task_lanes(scene.lanes)
    for spans, i in _longest(wide, MOST_HOVER_BOXES - len(boxes)):
        task = scene.timeline.tasks[int(spans.item[i])]
        text = words.hover_task(task, lanes[task.lane].name, spans.right[i])
        boxes.append((text, *_place(canvas, spans, i)))
    return boxes


def _longest(wide, most):
    """Return the longest tasks of all kinds, as pairs (spans, place in them)."""
    found = []
    for kind in TASK_KINDS:
        if kind in wide:
            length = wide[kind].length
            places = np.argsort(-length, kind="stable")[:most]
            found += [(float(length[i]), wide[kind], i) for i in places]
    found.sort(key=lambda task: task[0], reverse=True)
    return [(spans, i) for _, spans, i in found[:most]]


def _place(canvas, spans, i):
    """Return left, top, width and height of a bar, in percent of the picture."""
    layout = canvas.layout
    y = layout.top + (layout.row(spans.lane[i]) + canvas.bar[0]) * layout.lane_height
    return (
        100 * (layout.left + layout.x(spans.left[i])) / WIDTH,
        100 * y / layout.figure_height,
        max(0.4, 100 * layout.x(spans.length[i]) / WIDTH),
        100 * canvas.bar_height / layout.figure_height,
    )
