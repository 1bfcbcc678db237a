"""Questions to a timeline about order and number, never about seconds.

A lesson uses them to look closer, and the exercises' checks to judge an answer. On a busy machine
everything takes longer, but nothing changes its order. And what happened to go well once is no
proof: `locks_at_every_access` and `circle_of_locks` find what could go wrong with other timing.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from helpers.timeline import RAISED, Access, Hold, Message, Process, Timeline


def processes_at_work(timeline: Timeline) -> set[int]:
    """Return the pids of the processes that have done a task."""
    return {int(pid) for pid in timeline.tasks.pid}


def exit_codes(timeline: Timeline) -> list[int | None]:
    """Return the processes' exit codes in the order of their start; None while one lives."""
    return [process.exitcode for process in timeline.processes]


def error_of_a_process(timeline: Timeline) -> str:
    """Return the error that ended the function of a process, as text; empty if there is none.

    An error of a pool's task ends no process, and is not looked at.
    """
    own = {process.pid for process in timeline.processes if process.role == "process"}
    for i in np.flatnonzero(timeline.tasks.outcome == RAISED):
        if int(timeline.tasks.pid[i]) in own:
            return timeline.tasks[int(i)].outcome.removeprefix("raised ")
    return ""


def alive_at_once(processes: Sequence[Process]) -> bool:
    """Tell whether there was a moment at which all of these processes were alive."""
    born = [process.born for process in processes]
    ended = [math.inf if math.isnan(p.ended) else p.ended for p in processes]
    return bool(processes) and max(born) < min(ended)


def calls_in_order(timeline: Timeline) -> list[str]:
    """Return the texts of the tasks' calls in the order in which the tasks began."""
    return [timeline.tasks.call(i) for i in np.argsort(timeline.tasks.started, kind="stable")]


def most_tasks_in_a_message(timeline: Timeline) -> int:
    """Return the number of tasks in the largest chunk: their results were received at once."""
    received = timeline.tasks.received
    together = Counter(received[~np.isnan(received)].tolist())
    return max(together.values(), default=0)


def children_of(timeline: Timeline, pid: int) -> list[Process]:
    """Return the processes that a process has started."""
    return [process for process in timeline.processes if process.ppid == pid]


def messages_in(timeline: Timeline, queue: str) -> list[Message]:
    """Return a queue's messages in the order in which they were put."""
    return sorted((m for m in timeline.messages if m.queue == queue), key=lambda m: m.put)


def shared_accesses(timeline: Timeline) -> list[Access]:
    """Return the accesses to values that others could disturb.

    Nobody disturbs the parent before its first child is born, or when all of them have ended.
    """
    return [
        access
        for access in timeline.accesses
        if access.pid != timeline.parent
        or any(p.born <= access.time and not p.ended <= access.time for p in timeline.processes)
    ]


def locks_held(timeline: Timeline, access: Access) -> set[str]:
    """Return the locks that a process held when it made an access."""
    return {hold.lock for hold in timeline.holds if _covers(hold, access.pid, access.time)}


def locks_at_every_access(timeline: Timeline, value: str) -> set[str]:
    """Return the locks that were held at each shared access to a value, whoever made it.

    If there is none, nothing but luck has protected the value. This set is the *lockset* of
    Savage, Burrows, Nelson, Sobalvarro and Anderson, "Eraser: a dynamic data race detector for
    multithreaded programs", ACM Transactions on Computer Systems 15 (1997).

    Args:
        timeline: of an experiment with observed locks and values.
        value: the name of the value, as in `timeline.accesses`.
    """
    accesses = [access for access in shared_accesses(timeline) if access.name == value]
    held = [locks_held(timeline, access) for access in accesses]
    return set.intersection(*held) if held else set()


def orders_of_locks(timeline: Timeline) -> set[tuple[str, str]]:
    """Return each pair of locks of which a process wanted the second while it held the first."""
    return orders_of(timeline.holds)


def orders_of(holds: Sequence[Hold]) -> set[tuple[str, str]]:
    """Return the same for some holds, such as those of one process."""
    return {
        (first.lock, second.lock)
        for first in holds
        for second in holds
        if first.lock != second.lock and _covers(first, second.pid, second.wanted)
    }


def circle_of_locks(timeline: Timeline) -> list[str]:
    """Return locks that were taken in a circle; an empty list if there is no such circle.

    If one process takes A and then B, and another one B and then A, they can wait for each other
    for ever, although it may have gone well this time. Coffman, Elphick and Shoshani, "System
    deadlocks", Computing Surveys 3 (1971), name the circle as one of four conditions of a deadlock.
    """
    following = defaultdict(set)
    for first, second in sorted(orders_of_locks(timeline)):
        following[first].add(second)
    for lock in sorted(following):
        if path := _way_back(following, [lock]):
            return path
    return []


def _way_back(following, path):
    """Return a path that begins with this one and can go on to its own beginning; else []."""
    for lock in sorted(following[path[-1]]):
        if lock == path[0]:
            return path
        if lock not in path and (longer := _way_back(following, [*path, lock])):
            return longer
    return []


def _covers(hold: Hold, pid: int, moment: float) -> bool:
    """Tell whether a process held this lock at a moment. A hold without an end never ended."""
    return hold.pid == pid and hold.got <= moment and not hold.released <= moment


def middle(numbers: Iterable[float]) -> float:
    """Return the median, which one late process does not move; nan for no numbers."""
    numbers = list(numbers)
    return float(np.median(numbers)) if numbers else math.nan
