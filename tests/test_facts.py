"""Facts: questions to timelines made by hand, each with an answer of both kinds."""

import math

import numpy as np

from helpers import facts
from helpers.timeline import Access, Hold, Message, Process, Tasks, Timeline

PARENT = 1


def process(pid: int, born: float, ended: float = math.nan, ppid: int = PARENT) -> Process:
    code = None if math.isnan(ended) else 0
    return Process(f"P{pid}", pid, ppid, pid, "process", "", 0.0, born, born, ended, code)


def timeline(processes=(), **records) -> Timeline:
    return Timeline(Tasks.from_columns([]), processes, parent=PARENT, **records)


def test_alive_at_once() -> None:
    assert facts.alive_at_once([process(2, 0, 5), process(3, 1, 2), process(4, 1.5)])
    assert not facts.alive_at_once([process(2, 0, 1), process(3, 2, 3)])
    assert not facts.alive_at_once([])


def test_exit_codes_of_the_living_are_none() -> None:
    assert facts.exit_codes(timeline([process(2, 0, 1), process(3, 0)])) == [0, None]


def test_children_of() -> None:
    t = timeline([process(2, 0), process(3, 0, ppid=2)])
    assert [child.pid for child in facts.children_of(t, 2)] == [3]


def test_tasks_that_are_received_at_once_were_one_message() -> None:
    tasks = Tasks.from_columns(
        ["a", "b", "c", "d"], started=[2, 0, 1, 3], received=[5, 5, 6, math.nan], pid=[7, 7, 8, 8]
    )
    t = Timeline(tasks)
    assert facts.most_tasks_in_a_message(t) == 2
    assert facts.calls_in_order(t) == ["b", "c", "a", "d"]
    assert facts.processes_at_work(t) == {7, 8}
    assert facts.most_tasks_in_a_message(timeline()) == 0


def test_messages_in_a_queue() -> None:
    late = Message("q", 2.0, 3.0, 4, 5, "b")
    early = Message("q", 1.0, 3.0, 4, 5, "a")
    other = Message("r", 1.0, 3.0, 4, 5, "c")
    assert facts.messages_in(timeline(messages=[late, other, early]), "q") == [early, late]


def access(pid: int, time: float, name: str = "v", action: str = "wrote") -> Access:
    return Access(name, time, pid, action, "0")


def hold(lock: str, pid: int, got: float, released: float, wanted: float | None = None) -> Hold:
    return Hold(lock, pid, got if wanted is None else wanted, got, released)


TWO = [process(2, 0, 9), process(3, 0, 9)]


def test_the_lockset_is_what_was_held_at_every_access() -> None:
    holds = [hold("A", 2, 1, 3), hold("B", 2, 1, 3), hold("A", 3, 4, math.nan)]
    t = timeline(TWO, accesses=[access(2, 2), access(3, 5)], holds=holds)
    assert facts.locks_at_every_access(t, "v") == {"A"}
    bare = timeline(TWO, accesses=[access(2, 2), access(3, 3.5)], holds=holds)
    assert facts.locks_at_every_access(bare, "v") == set()


def test_a_lock_of_ones_own_protects_nothing() -> None:
    holds = [hold("A", 2, 1, 3), hold("B", 3, 1, 3)]
    t = timeline(TWO, accesses=[access(2, 2), access(3, 2)], holds=holds)
    assert facts.locks_at_every_access(t, "v") == set()


def test_the_parent_may_look_when_nobody_else_is_there() -> None:
    t = timeline(TWO, accesses=[access(PARENT, 10), access(PARENT, 5), access(2, 5)])
    assert [a.time for a in facts.shared_accesses(t)] == [5, 5]


def test_a_circle_of_locks_is_found_although_nobody_hung() -> None:
    one_after_the_other = [
        hold("A", 2, 1, 3),
        hold("B", 2, 2, 3),
        hold("B", 3, 5, 8),
        hold("A", 3, 6, 8),
    ]
    t = timeline(TWO, holds=one_after_the_other)
    assert facts.orders_of_locks(t) == {("A", "B"), ("B", "A")}
    assert facts.circle_of_locks(t) == ["A", "B"]
    assert facts.circle_of_locks(timeline(TWO, holds=one_after_the_other[:2])) == []


def test_a_circle_of_three_is_found_beside_a_dead_end() -> None:
    holds = []
    for pid, (first, second) in enumerate(["AB", "BD", "BC", "CA"], 2):
        start = 10 * pid
        holds += [hold(first, pid, start, start + 5), hold(second, pid, start + 1, start + 5)]
    assert facts.circle_of_locks(timeline(holds=holds)) == ["A", "B", "C"]


def test_a_lock_that_was_wanted_in_vain_counts() -> None:
    holds = [
        hold("A", 2, 1, math.nan),
        hold("B", 2, math.nan, math.nan, wanted=2),
        hold("B", 3, 1, math.nan),
        hold("A", 3, math.nan, math.nan, wanted=2),
    ]
    assert facts.circle_of_locks(timeline(TWO, holds=holds)) == ["A", "B"]


def test_the_middle_of_nothing_is_unknown() -> None:
    assert np.isnan(facts.middle([]))
    assert facts.middle([1, 100, 2]) == 2
