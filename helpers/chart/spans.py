"""What a chart shows, as numbers: which lanes there are and what lies in them from when to when.

No drawing here. Everything is kept in arrays, because a chart may hold a million tasks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.timeline import LOST, RAISED, RUNNING, Timeline

SHARING_ROLES = ("worker", "thread")
"""Those who share out tasks: workers of a pool and threads."""
TASK_ROLES = (*SHARING_ROLES, "process")


@dataclass
class Lane:
    """One line of the chart: a worker, a process, a manager or the parent, with all its pids.

    Lanes of the same `host` that lie together are drawn as a group; an empty one says nothing.
    """

    name: str
    role: str
    number: int
    pids: list[int]
    host: str = ""


def only_threads(lanes: Sequence[Lane]) -> bool:
    """Whether all lanes are threads, which have an id of their own but no pid."""
    return {lane.role for lane in lanes} == {"thread"}


@dataclass
class Spans:
    """Many stretches of time of one kind. `lane` counts from 0, in the chart's order of lanes.

    `share` is what part of each was on a core (nan if unknown), `item` its place in the timeline's
    tasks or processes.
    """

    lane: np.ndarray
    left: np.ndarray
    right: np.ndarray
    share: np.ndarray
    item: np.ndarray

    def __len__(self):
        return len(self.lane)

    def where(self, chosen: np.ndarray) -> "Spans":
        """Only the chosen ones."""
        columns = (self.lane, self.left, self.right, self.share, self.item)
        return Spans(*(column[chosen] for column in columns))


def lanes_of(timeline: Timeline, predicted: Timeline | None = None) -> list[Lane]:
    """The lanes of a chart from top to bottom: the parent if it took part, workers, managers."""
    found = {}
    for process in timeline.processes:
        key = (process.role == "manager", process.lane)
        if key not in found:
            name = _lane_name(process)
            found[key] = Lane(name, process.role, process.lane, [], process.host)
        found[key].pids.append(process.pid)
    for lane in _lanes_without_process(timeline, predicted):
        if (False, lane) not in found:
            found[False, lane] = Lane(f"worker {lane}", "worker", lane, [])
    lanes = [found[key] for key in sorted(found)]
    if _parent_took_part(timeline):
        lanes.insert(0, Lane("parent", "parent", 0, [timeline.parent]))
    return lanes


def hosts_of(lanes: Sequence[Lane]) -> list[tuple[str, int, int]]:
    """The groups of lanes that lie together on one host: its name, the first and the last place."""
    groups = []
    for place, lane in enumerate(lanes):
        if lane.host and groups and groups[-1][0] == lane.host and groups[-1][2] == place - 1:
            groups[-1] = (lane.host, groups[-1][1], place)
        elif lane.host:
            groups.append((lane.host, place, place))
    return groups


def _lane_name(process):
    if process.role in SHARING_ROLES:
        return f"{process.role} {process.lane}"
    return process.name if process.role == "process" else "manager"


def _lanes_without_process(timeline, predicted):
    """Lanes of a prediction; and of tasks whose process nobody recorded."""
    lanes = set(np.flatnonzero(np.bincount(timeline.tasks.lane)).tolist())
    for one in (timeline, predicted):
        if one is not None and one.predicted:
            lanes |= set(range(1, one.workers + 1))
    return lanes


def _parent_took_part(timeline):
    """Whether a message came from the parent or went to it."""
    return any(timeline.parent in (m.sender, m.receiver) for m in timeline.messages)


def last_moment(timeline: Timeline) -> float:
    """Where the time axis ends, in seconds.

    A pool that is left open with nothing to do would stretch the axis to the moment of the
    snapshot and squeeze all that happened. So its idle time counts only while something runs.
    """
    moments = [timeline.tasks.finished, timeline.tasks.started]
    moments += [np.array([(p.asked, p.born, p.ready, p.ended) for p in timeline.processes])]
    moments += [np.array([(m.put, m.got) for m in timeline.messages])]
    known = [float(np.nanmax(times)) for times in moments if np.isfinite(times).any()]
    if _something_runs(timeline):
        known.append(timeline.now)
    return max(known, default=0.0)


def _something_runs(timeline):
    """Whether a task, a process of its own or a start-up was still under way."""
    return bool((timeline.tasks.outcome == RUNNING).any()) or any(
        math.isnan(p.ended)
        and (p.role == "process" or (p.role in SHARING_ROLES and math.isnan(p.ready)))
        for p in timeline.processes
    )


def first_start(timeline: Timeline) -> float:
    """When the first task started; 0 if there is none."""
    return float(timeline.tasks.started.min()) if len(timeline.tasks) else 0.0


def spans_of(timeline: Timeline, lanes: Sequence[Lane], end: float) -> dict[str, Spans]:
    """All that lies in the lanes, by kind. What has not ended reaches to `end`, in seconds."""
    spans = _process_spans(timeline, lanes, end)
    tasks = task_spans(timeline, lanes)
    if timeline.predicted:
        return spans | {"ghost": tasks}
    outcome = timeline.tasks.outcome
    kinds = {"running": RUNNING, "raised": RAISED, "lost": LOST}
    chosen = {kind: outcome == code for kind, code in kinds.items()}
    chosen["task"] = ~(chosen["running"] | chosen["raised"] | chosen["lost"])
    return spans | {kind: tasks.where(which) for kind, which in chosen.items() if which.any()}


def ghost_spans(predicted: Timeline, timeline: Timeline, lanes: Sequence[Lane]) -> Spans:
    """A prediction's tasks as spans beside those of a measured timeline.

    A prediction knows no start-up, so it begins with the first task's start.
    """
    shift, alike = first_start(timeline), lanes_alike(predicted, timeline)
    return task_spans(predicted, lanes, shift, alike[predicted.tasks.lane])


def task_spans(
    timeline: Timeline, lanes: Sequence[Lane], shift: float = 0.0, number: np.ndarray | None = None
) -> Spans:
    """All tasks as spans, moved by `shift` seconds; running ones up to the snapshot.

    `number` replaces the tasks' own lane numbers.
    """
    tasks = timeline.tasks
    numbers = {lane.number: place for place, lane in enumerate(lanes) if lane.role in TASK_ROLES}
    place = np.zeros(max(numbers, default=0) + 1, np.int64)
    place[list(numbers)] = list(numbers.values())
    right = np.where(np.isnan(tasks.finished), timeline.now, tasks.finished)
    return Spans(
        place[tasks.lane if number is None else number],
        tasks.started + shift,
        right + shift,
        tasks.on_core,
        np.arange(len(tasks)),
    )


def lanes_alike(predicted: Timeline, timeline: Timeline) -> np.ndarray:
    """For each lane number of a prediction the measured lane to lay it beside.

    Which worker takes which task first is chance. So once all is done the lanes are paired by how
    much they worked, the least busy with the least busy and so on, as long as there are equally
    many. While tasks still run they are paired by who began first.
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
    """The highest number of a lane. Of a table's tasks, some lanes may be missing."""
    return max(timeline.workers, int(timeline.tasks.lane.max(initial=0)))


def _order_of_starts(timeline):
    """When each lane began its first task, by lane number; before all for lane 0."""
    first = np.full(_most_lanes(timeline) + 1, math.inf)
    np.minimum.at(first, timeline.tasks.lane, timeline.tasks.started)
    first[0] = -1
    return first


def _work(timeline):
    """The seconds of work of each lane, by lane number; less than none for lane 0."""
    tasks = timeline.tasks
    work = np.bincount(
        tasks.lane, tasks.finished - tasks.started, minlength=_most_lanes(timeline) + 1
    )
    work[0] = -1
    return work


def _process_spans(timeline, lanes, end):
    """Start-up and life of every process. A worker's life is called idle: tasks lie on top."""
    place = {(lane.role == "manager", lane.number): i for i, lane in enumerate(lanes)}
    rows = {"startup": [], "idle": [], "process": [], "manager": []}
    for item, process in enumerate(timeline.processes):
        lane = place[process.role == "manager", process.lane]
        over = process.ended if math.isfinite(process.ended) else end
        ready = process.ready if process.role in SHARING_ROLES else process.born
        up = min(ready, over) if math.isfinite(ready) else over
        if math.isfinite(process.asked):
            rows["startup"].append((lane, process.asked, up, item))
        life = "idle" if process.role in SHARING_ROLES else process.role
        rows[life].append((lane, up, over, item))
    return {kind: _as_spans(found) for kind, found in rows.items() if found}


def _as_spans(rows):
    lane, left, right, item = np.array(rows).T
    return Spans(lane.astype(np.int64), left, right, np.full(len(rows), math.nan), item.astype(int))


def within(spans: Spans, lives: Spans) -> Spans:
    """The parts of the spans that lie in the lives of their lanes' processes.

    A lane's processes follow each other, so a span belongs to the last one that began before the
    span's end. Looking that up in pairs (lane, when) in order does it for all spans at once.
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
    """How much of each pixel's time the spans cover, as an array of `shape` (rows, columns).

    `rows` is the row of each span, `left` the time at the first pixel's left edge in seconds,
    `scale` pixels a second. Every span adds the part of each pixel that it covers; the sum of
    ramps at both ends does that in one pass, however long the spans are. The second array is the
    same for the part that was on a core.
    """
    known = np.nan_to_num(spans.share)
    everything = _ramps(spans, rows, shape, left, scale, None)
    if not known.any():
        return everything, np.zeros(shape)
    return everything, _ramps(spans, rows, shape, left, scale, known)


def _ramps(spans, rows, shape, left, scale, weight):
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
