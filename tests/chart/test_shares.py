"""Where a chart shows shares of time and no bars, every cell shows the true shares.

A cell is what one column of pixels shows of one row of lanes. The truth is found here in another
way than the chart finds it: lane by lane and stretch by stretch, from the timeline alone.
"""

import math
import random
from collections import defaultdict

import numpy as np
import pytest

from helpers.chart.bars import LIFE_KINDS, STACK, TASK_KINDS
from helpers.chart.style import LIGHT
from helpers.gantt import gantt
from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Process, Tasks, Timeline

SPAN = 10.0
"""Seconds that a made-up run takes."""


def a_run(seed: int, lanes: int, tasks_a_lane: int) -> Timeline:
    """Lanes with no, one or several processes, each with tasks and pauses and a share on a core."""
    rng = random.Random(seed)
    tasks, processes = [], []
    for lane in range(1, lanes + 1):
        lives = rng.choice((0, 1, 1, 2, 4))
        moments = sorted(rng.uniform(0, SPAN) for _ in range(3 * lives))
        for n in range(lives):
            asked, ready, ended = moments[3 * n : 3 * n + 3]
            pid, over = 1000 * lane + n, ended
            if n == lives - 1 and rng.random() < 0.5:
                ended, over = math.nan, SPAN
            role = "process" if lane % 7 == 0 else "worker"
            known = rng.random() < 0.9  # of some nobody recorded when they were ready
            up = ready if known else math.nan
            processes.append(Process("w", pid, 1, lane, role, "spawn", asked, up, up, ended, None))
            tasks += some_tasks(rng, lane, pid, ready, over, tasks_a_lane)
        if not lives:  # tasks whose process nobody recorded
            tasks += some_tasks(rng, lane, 1000 * lane, 0, SPAN, tasks_a_lane)
    tasks.sort(key=lambda task: task["started"])
    columns = {name: [task[name] for task in tasks] for name in tasks[0]} if tasks else {}
    calls = ["f()"] * len(tasks)
    return Timeline(
        Tasks.from_columns(calls, **columns), processes, method="spawn", workers=lanes, now=SPAN
    )


def some_tasks(rng, lane, pid, begin, end, most):
    """Tasks with pauses between them, one after the other."""
    moments = sorted(rng.uniform(begin, end) for _ in range(2 * rng.randint(0, most)))
    found = []
    for started, finished in zip(moments[::2], moments[1::2], strict=True):
        outcome = rng.choice((RETURNED, RETURNED, RETURNED, RAISED, LOST))
        if finished == moments[-1] and end == SPAN:
            finished, outcome = math.nan, RUNNING
        on_core = rng.choice((math.nan, rng.random()))
        place = {"lane": lane, "pid": pid, "started": started, "finished": finished}
        found.append(place | {"outcome": outcome, "on_core": on_core})
    return found


def stretches(timeline: Timeline) -> dict[int, list[tuple[str, float, float, float]]]:
    """What each lane shows from when to when: kind, begin, end and share. Tasks lie on top."""
    tasks, found = defaultdict(list), defaultdict(list)
    for task in timeline.tasks:
        end = timeline.now if math.isnan(task.finished) else task.finished
        tasks[task.lane].append((task.started, end))
        kind = "task" if task.outcome == "returned" else task.outcome
        on_core = task.on_core if kind == "task" and task.on_core > 0 else 0
        found[task.lane].append((kind, task.started, end, 1 - on_core))
        found[task.lane].append(("core", task.started, end, on_core))
    for process in timeline.processes:
        over = timeline.now if math.isnan(process.ended) else process.ended
        ready = process.ready if process.role == "worker" else process.born
        up = over if math.isnan(ready) else ready
        life = "idle" if process.role == "worker" else "process"
        for kind, begin, end in (("startup", process.asked, up), (life, up, over)):
            free = without(begin, end, tasks[process.lane])
            found[process.lane] += [(kind, *stretch, 1) for stretch in free]
    return found


def without(begin, end, tasks):
    """What is left of a stretch where no task is."""
    for started, finished in sorted(tasks):
        if started < end and finished > begin:
            if started > begin:
                yield begin, started
            begin = max(begin, finished)
    if begin < end:
        yield begin, end


def true_shares(timeline: Timeline, rows: int, columns: int, end: float) -> dict[str, np.ndarray]:
    """For each kind the share of every cell, rows by columns."""
    edges = np.linspace(0, end, columns + 1)
    lanes = stretches(timeline)
    together = math.ceil(len(lanes) / rows)
    shares = {kind: np.zeros((rows, columns)) for kind in STACK}
    for place, lane in enumerate(sorted(lanes)):
        row = place // together
        in_row = min(together, len(lanes) - row * together)
        for kind, begin, over, share in lanes[lane]:
            overlap = np.minimum(over, edges[1:]) - np.maximum(begin, edges[:-1])
            shares[kind][row] += share * np.maximum(overlap, 0) / (end / columns) / in_row
    return shares


def painted(chart) -> tuple[dict[str, np.ndarray], int]:
    """How many pixels of every cell have a kind's colour, and how many pixels a bar is tall."""
    axes = chart.figure.axes[0]
    (picture,) = (image for image in axes.images if image.get_gid() == "coverage")
    rows = int(axes.get_ylim()[0])
    height, width, _ = picture.get_array().shape
    pixels = np.asarray(picture.get_array()).reshape(rows, height // rows, width, 4)
    found = {}
    for kind in STACK:
        colour = LIGHT.kinds[kind].flat or LIGHT.kinds[kind].fill
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        same = (pixels[..., :3] == wanted).all(axis=-1) & (pixels[..., 3] > 0)
        found[kind] = same.sum(axis=1)
    # `running` has the colour of `task` where there is no room for its tip.
    found["running"][:] = 0
    return found, height // rows


def compared(timeline: Timeline):
    """Painted and true shares of every cell, both heaped up kind by kind, in pixels of a bar."""
    chart = gantt(timeline)
    pixels, row = painted(chart)
    end = chart.figure.axes[0].get_xlim()[1]
    shape = pixels["task"].shape
    truth = true_shares(timeline, *shape, end)
    truth["task"] = truth["task"] + truth.pop("running")
    inset = 0.14 if row > 26 else 0.08
    bar = round((1 - inset) * row) - round(inset * row)
    stack = [kind for kind in STACK if kind != "running"]
    heaps = (np.cumsum([shares[kind] for kind in stack], axis=0) for shares in (pixels, truth))
    painted_heap, true_heap = heaps
    return stack, painted_heap, true_heap * bar


@pytest.mark.parametrize(("lanes", "tasks_a_lane"), [(150, 1), (170, 30), (260, 3), (1024, 5)])
def test_grouped_rows_show_the_true_share_of_every_cell(lanes, tasks_a_lane):
    """Pixels are whole, so each border between two kinds may be half a pixel off, but no more."""
    _, shown, true = compared(a_run(lanes, lanes, tasks_a_lane))
    assert np.abs(shown - true).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("lanes", [1, 4, 90])
def test_below_two_pixels_tasks_show_the_true_share_of_every_cell(lanes):
    """The life of a process is drawn behind; only where it is too short is it among the shares."""
    kinds, shown, true = compared(a_run(lanes, lanes, 5000 // lanes + 30))
    tasks = [kinds.index(kind) for kind in kinds if kind in (*TASK_KINDS, "core")]
    assert np.abs(shown - true)[tasks].max() <= 0.5 + 1e-6
    lives = [kinds.index(kind) for kind in kinds if kind in LIFE_KINDS]
    assert (shown - true)[lives].max() <= 0.5 + 1e-6


def short_tasks(tasks: int) -> Timeline:
    """One worker that does so many tasks of a millisecond, evenly over ten seconds."""
    started = np.linspace(0.2, SPAN - 0.2, tasks)
    found = Tasks.from_columns(
        ["f()"] * tasks,
        lane=np.ones(tasks, int),
        pid=np.full(tasks, 1000),
        started=started,
        finished=started + 0.001,
        outcome=np.full(tasks, RETURNED),
    )
    worker = Process("w", 1000, 1, 1, "worker", "spawn", 0.0, 0.1, 0.1, math.nan, None)
    return Timeline(found, [worker], method="spawn", workers=1, now=SPAN)


@pytest.mark.parametrize("tasks", [100, 450])
def test_short_tasks_in_a_row_show_their_true_share_even_if_they_are_few(tasks):
    """As thin lines, 450 tasks that take a twentieth of the time would fill their lane."""
    kinds, shown, true = compared(short_tasks(tasks))
    assert np.abs(shown - true)[kinds.index("task")].max() <= 0.5 + 1e-6


def test_a_short_task_that_stands_alone_shows_as_a_thin_line():
    axes = gantt(short_tasks(50)).figure.axes[0]
    assert not [image for image in axes.images if image.get_gid() == "coverage"]
    (bars,) = (collection for collection in axes.collections if collection.get_gid() == "task")
    assert len(bars.get_paths()) == 50
