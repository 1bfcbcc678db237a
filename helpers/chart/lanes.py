"""The lanes of a chart: one line for each worker, process or manager, and one for the parent."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.timeline import POOL_ROLES, Process, Timeline

TASK_ROLES = (*POOL_ROLES, "process")
"""The roles of the lanes that may hold tasks."""


@dataclass
class Lane:
    """One line of the chart: a worker, a process, a manager or the parent, with all its pids.

    Lanes of the same `host` that lie together are drawn as a group; no group is drawn for an empty
    host.
    """

    name: str
    role: str
    number: int
    pids: list[int]
    host: str = ""


def lanes_of(timeline: Timeline) -> list[Lane]:
    """Return the lanes of a timeline from top to bottom: parent, workers, managers.

    The parent has a lane only if it sent or received a message, or waited for anything else than
    the end of a process.
    """
    found = {}
    for process in timeline.processes:
        key = (process.role == "manager", process.lane)
        if key not in found:
            name = _lane_name(process)
            found[key] = Lane(name, process.role, process.lane, [], process.host)
        found[key].pids.append(process.pid)
    lanes = [found[key] for key in sorted(found)]
    if _parent_takes_part(timeline):
        lanes.insert(0, Lane("parent", "parent", 0, [timeline.parent]))
    # Of some tasks nobody recorded the process, and a prediction has no processes at all.
    numbers = set(np.flatnonzero(np.bincount(timeline.tasks.lane)).tolist())
    if timeline.predicted:
        numbers |= set(range(1, timeline.workers + 1))
    return with_workers(lanes, numbers)


def _parent_takes_part(timeline):
    """Return whether the parent sent or received a message, or waited as others do."""
    waits = (wait.pid for wait in timeline.waits if wait.reason != "end")
    pids = (pid for message in timeline.messages for pid in (message.sender, message.receiver))
    return timeline.parent in itertools.chain(waits, pids)


def _lane_name(process):
    if process.role in POOL_ROLES:
        return f"{process.role} {process.lane}"
    return process.name if process.role == "process" else "manager"


def with_workers(lanes: list[Lane], numbers: set[int]) -> list[Lane]:
    """Return the lanes, and a worker's lane for each number that none of them has."""
    numbers = numbers - {lane.number for lane in lanes if lane.role in TASK_ROLES}
    lanes = lanes + [worker_lane(number) for number in numbers]
    return sorted(lanes, key=lambda lane: (LANE_ORDER.get(lane.role, 1), lane.number))


LANE_ORDER = {"parent": 0, "manager": 2}
"""The parent is at the top and managers are at the bottom; all others lie between, by number."""


def worker_lane(number: int) -> Lane:
    """Return the lane of a worker of which no process is known."""
    return Lane(f"worker {number}", "worker", number, [])


def task_lanes(lanes: Sequence[Lane]) -> dict[int, Lane]:
    """Return those lanes of a chart that may hold tasks, by their numbers."""
    return {lane.number: lane for lane in lanes if lane.role in TASK_ROLES}


def in_lane(process: Process, lane: Lane) -> bool:
    """Return whether a process belongs to a lane. A manager and a worker may share a number."""
    same_kind = (process.role == "manager") == (lane.role == "manager")
    return process.lane == lane.number and same_kind


def only_threads(lanes: Sequence[Lane]) -> bool:
    """Return whether all lanes are threads, which have an id of their own but no pid."""
    return {lane.role for lane in lanes} == {"thread"}


def hosts_of(lanes: Sequence[Lane]) -> list[tuple[str, int, int]]:
    """Return the groups of lanes that lie together on one host: its name, first and last place."""
    groups = []
    for place, lane in enumerate(lanes):
        if lane.host and groups and groups[-1][0] == lane.host and groups[-1][2] == place - 1:
            groups[-1] = (lane.host, groups[-1][1], place)
        elif lane.host:
            groups.append((lane.host, place, place))
    return groups


def place_of(lanes: Sequence[Lane]) -> dict[tuple[bool, int], int]:
    """Return each lane's place in the chart by its key: whether it is a manager's, its number."""
    return {(lane.role == "manager", lane.number): place for place, lane in enumerate(lanes)}
