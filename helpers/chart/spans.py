"""What lies in the lanes of a chart, as numbers: from when to when, and which part on a core.

Nothing is drawn here. Everything is kept in arrays, because a chart may hold a million tasks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.chart.lanes import TASK_ROLES, Lane, place_of
from helpers.chart.scene import Scene
from helpers.timeline import EXITED, LOST, POOL_ROLES, RAISED, RETURNED, RUNNING, Timeline


@dataclass
class Spans:
    """Many stretches of time of one kind.

    `lane` counts from 0, in the chart's order of lanes. `left` and `right` are seconds. `share` is
    which part of each span was on a core (nan if unknown, more than 1 on several cores), `item` its
    place in the timeline's tasks or processes.
    """

    lane: np.ndarray
    left: np.ndarray
    right: np.ndarray
    share: np.ndarray
    item: np.ndarray

    @classmethod
    def of_rows(cls, rows: Sequence[tuple]) -> "Spans":
        """Return spans from rows (lane, left, right, item), at least one; no share is known."""
        lane, left, right, item = np.array(rows).T
        unknown = np.full(len(rows), math.nan)
        return cls(lane.astype(np.int64), left, right, unknown, item.astype(np.int64))

    def __len__(self):
        return len(self.lane)

    @property
    def length(self) -> np.ndarray:
        """How long each span is, in seconds."""
        return self.right - self.left

    def where(self, chosen: np.ndarray) -> "Spans":
        """Return only the chosen spans."""
        columns = (self.lane, self.left, self.right, self.share, self.item)
        return Spans(*(column[chosen] for column in columns))

    def between(self, begin: float, end: float) -> "Spans":
        """Return the parts of the spans that lie between two moments, in seconds."""
        left, right = np.maximum(self.left, begin), np.minimum(self.right, end)
        return Spans(self.lane, left, right, self.share, self.item).where(left <= right)

    def joined(self, others: "Spans") -> "Spans":
        """Return these spans and the others."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Spans(*(np.concatenate(pair) for pair in pairs))


def spans_of(scene: Scene) -> dict[str, Spans]:
    """Return all that lies in a chart's lanes, by kind.

    A process that has not ended reaches to the end of the scene, a running task to the snapshot.
    """
    timeline = scene.timeline
    spans = _process_spans(timeline, scene.lanes, scene.end)
    tasks = task_spans(timeline, scene.lanes)
    if timeline.predicted:
        return spans | {"ghost": tasks}
    outcome = timeline.tasks.outcome
    kinds = {"running": RUNNING, "exited": EXITED, "raised": RAISED, "lost": LOST}
    chosen = {kind: outcome == code for kind, code in kinds.items()}
    chosen["task"] = outcome == RETURNED
    return spans | {kind: tasks.where(which) for kind, which in chosen.items() if which.any()}


def ghost_spans(predicted: Timeline, scene: Scene, lanes: Sequence[Lane]) -> Spans:
    """Return a prediction's tasks as spans beside those that were measured.

    A prediction knows no start-up, so it begins with the first task's start.
    """
    alike = lanes_alike(predicted, scene.timeline)
    return task_spans(predicted, lanes, scene.first_start, alike[predicted.tasks.lane])


def task_spans(
    timeline: Timeline, lanes: Sequence[Lane], shift: float = 0.0, number: np.ndarray | None = None
) -> Spans:
    """Return all tasks as spans, moved by `shift` seconds; running ones end with the snapshot.

    `number` replaces the tasks' own lane numbers.
    """
    tasks = timeline.tasks
    numbers = {lane.number: place for place, lane in enumerate(lanes) if lane.role in TASK_ROLES}
    place = np.zeros(max(numbers, default=0) + 1, np.int64)
    place[list(numbers)] = list(numbers.values())
    return Spans(
        place[tasks.lane if number is None else number],
        tasks.started + shift,
        timeline.ends + shift,
        tasks.on_core,
        np.arange(len(tasks)),
    )


def chunk_spans(timeline: Timeline, lanes: Sequence[Lane]) -> Spans:
    """Return chunks of several tasks, from the start of their first task to the end of their last.

    The results of a chunk come back in one message, so tasks of the same process that were received
    at the same moment are a chunk. As long as nothing was received, no chunk is known.
    """
    known = np.isfinite(timeline.tasks.received)
    tasks = task_spans(timeline, lanes).where(known)
    pid, received = timeline.tasks.pid[known], timeline.tasks.received[known]
    order = np.lexsort((tasks.left, pid))
    tasks, pid, received = tasks.where(order), pid[order], received[order]
    begins = np.ones(len(tasks), bool)
    begins[1:] = (pid[1:] != pid[:-1]) | (received[1:] != received[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(tasks)) - 1 if len(first) else first
    chunks = tasks.where(first)
    chunks.right = tasks.right[last]
    return chunks.where(last > first)


def lanes_alike(predicted: Timeline, timeline: Timeline) -> np.ndarray:
    """Return for each lane number of a prediction the measured lane to lay it beside.

    It is chance which worker takes which task first. So once all tasks are done, the lanes are
    paired by how much they worked, the least busy lane with the least busy and so on, if both sides
    have equally many lanes. While tasks still run, the lanes are paired by when they began.
    """
    alike = np.arange(int(predicted.tasks.lane.max(initial=0)) + 1)
    if timeline.workers != predicted.workers:
        return alike
    if not np.isfinite(timeline.tasks.finished).all():
        mine, theirs = _order_of_starts(timeline), _order_of_starts(predicted)
    else:
        mine, theirs = _work(timeline), _work(predicted)
    if len(mine) == len(theirs):
        alike = np.zeros(len(theirs), np.int64)
        alike[np.argsort(theirs, kind="stable")] = np.argsort(mine, kind="stable")
    return alike


def _most_lanes(timeline):
    """Return the highest number of a lane; some numbers below it may have no tasks."""
    return max(timeline.workers, int(timeline.tasks.lane.max(initial=0)))


def _order_of_starts(timeline):
    """Return when each lane began its first task, by lane number; lane 0 comes before all."""
    first = np.full(_most_lanes(timeline) + 1, math.inf)
    np.minimum.at(first, timeline.tasks.lane, timeline.tasks.started)
    first[0] = -1
    return first


def _work(timeline):
    """Return the seconds of work of each lane, by lane number; lane 0 comes before all."""
    tasks = timeline.tasks
    work = np.bincount(
        tasks.lane, tasks.finished - tasks.started, minlength=_most_lanes(timeline) + 1
    )
    work[0] = -1
    return work


def _process_spans(timeline, lanes, end):
    """Return start-up and life of every process. Tasks will lie on top of a worker's idle life."""
    place = place_of(lanes)
    rows = {"startup": [], "idle": [], "process": [], "manager": []}
    for item, process in enumerate(timeline.processes):
        lane = place[process.role == "manager", process.lane]
        over = process.ended if math.isfinite(process.ended) else end
        up = min(process.up, over) if math.isfinite(process.up) else over
        if math.isfinite(process.asked):
            rows["startup"].append((lane, process.asked, up, item))
        life = "idle" if process.role in POOL_ROLES else process.role
        rows[life].append((lane, up, over, item))
    return {kind: Spans.of_rows(found) for kind, found in rows.items() if found}


def within(spans: Spans, lives: Spans) -> Spans:
    """Return the parts of the spans that lie in the lives of their lanes' processes.

    The processes of a lane follow each other, so a span belongs to the last process that began
    before the span's end. All of these are found at once by a search in pairs (lane, time).
    """
    lives = lives.where(np.lexsort((lives.left, lives.lane)))
    moments = np.unique(lives.left)
    begins = lives.lane * (len(moments) + 1) + np.searchsorted(moments, lives.left, "right")
    ends = spans.lane * (len(moments) + 1) + np.searchsorted(moments, spans.right, "left")
    life = np.maximum(np.searchsorted(begins, ends, "right") - 1, 0)
    left = np.maximum(spans.left, lives.left[life])
    right = np.minimum(spans.right, lives.right[life])
    parts = Spans(spans.lane, left, right, spans.share, spans.item)
    return parts.where((lives.lane[life] == spans.lane) & (left < right))


def coverage(spans: Spans, rows: np.ndarray, shape: tuple[int, int], left: float, scale: float):
    """Return how much of each pixel's time the spans cover, and which part of it was on a core.

    Every span adds the part of each pixel that it covers. The running sum of a ramp at each end of
    a span does that in one pass, however long the spans are.

    Args:
        spans: what covers the pixels.
        rows: the row of each span.
        shape: rows and columns of pixels.
        left: the time at the left edge of the first column, in seconds.
        scale: pixels a second.

    Returns:
        Two arrays of `shape`: the share of each pixel that is covered, from 0 on (spans that
        overlap are added), and the same for the part that was on a core.
    """
    known = np.minimum(np.nan_to_num(spans.share), 1)
    everything = _ramps(spans, rows, shape, left, scale, None)
    if not known.any():
        return everything, np.zeros(shape)
    return everything, _ramps(spans, rows, shape, left, scale, known)


def _ramps(spans, rows, shape, left, scale, weight):
    """Return what the spans cover of each pixel, each span times its weight if weights are given.

    A span adds a step at its left end and takes it away at its right end. An end within a pixel is
    split between that pixel and the next, by how far into the pixel it lies.
    """
    height, width = shape
    steps = np.zeros(height * (width + 2))
    for edge, sign in ((spans.left, 1.0), (spans.right, -1.0)):
        x = np.clip((edge - left) * scale, 0, width)
        pixel = x.astype(np.int64)
        place = rows * (width + 2) + pixel
        past = (x - pixel) if weight is None else (x - pixel) * weight
        steps += sign * np.bincount(place, weight, minlength=len(steps))
        past = sign * np.bincount(place, past, minlength=len(steps))
        steps -= past
        steps[1:] += past[:-1]
    return np.cumsum(steps.reshape(height, width + 2), axis=1)[:, :width]
