"""No text stands over another, at any size, and the size depends on the lanes alone."""

import math
import random

import numpy as np
import pytest

from helpers.chart.style import LANES_HEIGHT, SMALL_FONT, TALLEST_LANE
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import LOST, RAISED, REASONS, RETURNED, RUNNING, Message, Timeline, Wait
from tests.support.charts import (
    FIVE,
    NAN,
    failing_pool,
    pool,
    queue_lesson,
    running_pool,
    shapes,
    tasks_of,
    texts,
    words_on,
    worker,
)


def worst_names():
    """All kinds of things at once, with long names."""
    timeline = queue_lesson("ABCDEFGH", parent_sends=True)
    long_names = [p._replace(name=p.name * 5) for p in timeline.processes]
    timeline.processes[:] = [
        *long_names,
        worker(3, pid=4194304),
        worker(1, role="manager", pid=4194303),
    ]
    timeline.messages.append(Message("q", 0.8, NAN, 501, 0, "x" * 50))
    timeline.tasks = tasks_of(
        ["a_function_with_a_rather_long_name(1)"] * 5,
        pid=[501, 502, 4194304, 4194304, 4194304],
        lane=[1, 2, 3, 3, 3],
        started=[0.2, 0.21, 0.3, 0.6, 0.9],
        finished=[1.9, 2.0, 0.6, 0.9, NAN],
        on_core=[0.2, NAN, 0.9, NAN, NAN],
        outcome=[RETURNED, LOST, RETURNED, RAISED, RUNNING],
    )
    return timeline


def worst_waits():
    """The same, and everybody waits for everything."""
    timeline = worst_names()
    timeline.waits = [
        Wait(reason, "lock 1", pid, 0.3 + n / 5, 0.4 + n / 5)
        for n, reason in enumerate(REASONS)
        for pid in (501, 502)
    ]
    return timeline


def several(number):
    rng = random.Random(0)
    return [rng.random() + 0.05 for _ in range(number)]


def matrix(workers, tasks, with_prediction):
    durations = several(tasks)
    return pool(workers, durations), predict(durations, workers) if with_prediction else None


CASES = {
    f"{workers} lanes, {tasks} tasks, {'with' if both else 'without'} prediction": (
        lambda workers=workers, tasks=tasks, both=both: matrix(workers, tasks, both)
    )
    for workers in (1, 4, 16, 60)
    for tasks in (1, 5, 5000)
    for both in (False, True)
} | {
    "prediction much shorter": lambda: (pool(4, FIVE), predict([0.1], 4)),
    "prediction shorter": lambda: (pool(4, FIVE), predict([0.9], 4)),
    "prediction much longer": lambda: (pool(4, FIVE), predict([50.0], 4)),
    "1000 lanes": lambda: matrix(1000, 3000, True),
    "running": lambda: (running_pool(), predict(FIVE, 4)),
    "failing": lambda: (failing_pool(), None),
    "queue": lambda: (queue_lesson(), None),
    "queue, many messages": lambda: (queue_lesson("x" * 40, parent_sends=True), None),
    "worst names": lambda: (worst_names(), predict([0.3] * 9, 3)),
    "worst waits": lambda: (worst_waits(), None),
    "empty": lambda: (Timeline(tasks_of([])), None),
}


@pytest.mark.parametrize("case", CASES)
def test_texts_are_large_enough_inside_the_picture_and_clear_of_each_other(case):
    chart = gantt(*CASES[case]())
    shown = texts(chart)
    assert min(t.get_fontsize() for t in shown) >= SMALL_FONT >= 11
    renderer = chart.figure.canvas.get_renderer()
    boxes = np.array([t.get_window_extent(renderer).extents for t in shown])
    left, bottom, right, top = boxes.T
    picture = chart.figure.bbox
    outside = (left < 0) | (bottom < 0) | (right > picture.x1) | (top > picture.y1)
    assert not outside.any(), [t.get_text() for t, out in zip(shown, outside, strict=True) if out]
    touch = (left[:, None] < right) & (left < right[:, None])
    touch &= (bottom[:, None] < top - 1) & (bottom < top[:, None] - 1)
    pairs = np.argwhere(np.triu(touch, 1))
    assert not len(pairs), [(shown[a].get_text(), shown[b].get_text()) for a, b in pairs]


def size(chart):
    return tuple(chart.figure.get_size_inches())


def test_the_size_depends_on_the_number_of_lanes_alone():
    finished = size(gantt(pool(4, FIVE)))
    assert size(gantt(running_pool(), predict(FIVE, 4))) == finished
    assert size(gantt(failing_pool())) == finished
    assert size(gantt(predict([9] * 500, 4))) == finished


def test_more_lanes_make_a_taller_picture_up_to_a_limit():
    heights = [size(gantt(predict([1], workers)))[1] for workers in (1, 4, 13, 60, 1000, 10_000)]
    assert heights[:3] == sorted(heights[:3])
    assert max(heights) <= (LANES_HEIGHT + 250) / 100
    assert heights[0] * 100 > 3 * TALLEST_LANE


@pytest.mark.parametrize("workers", [101, 1000, 1024])
def test_lanes_that_do_not_fit_share_rows_and_every_lane_is_in_one(workers):
    chart = gantt(pool(workers, [1.0] * workers))
    rows = int(chart.figure.axes[0].get_ylim()[0])
    assert rows <= 100
    together = math.ceil(workers / rows)
    assert f"workers 1–{together}" in words_on(chart)
    assert not shapes(chart, "task")  # all by coverage
    assert f"{workers:,} spawn workers, {workers:,} tasks: makespan 1.00 s" in words_on(chart)


def test_an_open_pool_with_nothing_to_do_does_not_stretch_the_axis():
    timeline = pool(4, FIVE)
    timeline.processes[:] = [worker(lane) for lane in range(1, 5)]
    timeline.now = 600.0
    assert gantt(timeline).figure.axes[0].get_xlim()[1] < 4
