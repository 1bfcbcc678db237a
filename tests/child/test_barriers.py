"""Who waits for others is in the timeline: for what, from when to when, and whether in vain."""

import math
import os
from queue import Empty, Full

import pytest

from helpers.observed import get_context
from helpers.timeline import Hold, Tasks, Timeline, Wait
from tests.support.charts import process
from tests.support.methods import METHODS
from tests.support.within import until


def wait_for_everything(queue, full, lock, barrier, event, condition, semaphore) -> None:
    queue.get()
    full.put(1)
    with lock:
        pass
    barrier.wait(30)
    event.wait(30)
    with condition:
        condition.wait(30)
    semaphore.acquire()


def waits_of(mp, pid: int) -> list[Wait]:
    return [wait for wait in mp.timeline().waits if wait.pid == pid]


@pytest.mark.parametrize("method", METHODS)
def test_each_wait_of_a_child_is_told_with_its_reason(method: str) -> None:
    mp = get_context(method)
    queue, full, lock, barrier = mp.Queue(), mp.Queue(1), mp.Lock(), mp.Barrier(2)
    event, condition, semaphore = mp.Event(), mp.Condition(), mp.Semaphore(0)
    full.put(0)
    things = queue, full, lock, barrier, event, condition, semaphore
    child = mp.Process(target=wait_for_everything, args=things)

    def notify():
        with condition:
            condition.notify()

    steps = [
        lambda: queue.put("go"), full.get, lock.release, barrier.wait, event.set, notify,
        semaphore.release,
    ]  # fmt: skip
    lock.acquire()
    child.start()
    for number, step in enumerate(steps, start=1):
        until(lambda number=number: len(waits_of(mp, child.pid)) == number)
        assert math.isnan(waits_of(mp, child.pid)[-1].ended), "it waits still"
        step()
    child.join()
    waits = waits_of(mp, child.pid)[:7]  # at its end, the thread of its queue may take a moment
    assert [(wait.reason, wait.name) for wait in waits] == [
        ("message", "queue 1"),
        ("room", "queue 2"),
        ("lock", "lock 1"),
        ("barrier", "barrier 1"),
        ("event", "event 1"),
        ("condition", "condition 1"),
        ("semaphore", "semaphore 1"),
    ]
    assert all(wait.began < wait.ended for wait in waits)
    parents = [wait for wait in waits_of(mp, os.getpid()) if wait.reason == "end"]
    assert [wait.name for wait in parents] == [f"pid {child.pid}"]


def use_at_once(queue, lock, event, semaphore) -> None:
    for _ in range(50):
        until(lambda: not queue.empty())
        with lock:
            queue.get()
        event.wait()
        semaphore.acquire()


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_wait_is_not_told(method: str) -> None:
    mp = get_context(method)
    queue, lock, event, semaphore = mp.Queue(), mp.Lock(), mp.Event(), mp.Semaphore(50)
    event.set()
    for number in range(50):
        queue.put(number)
    child = mp.Process(target=use_at_once, args=(queue, lock, event, semaphore))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert waits_of(mp, child.pid) == []


def test_who_only_asks_does_not_wait() -> None:
    mp = get_context("spawn")
    mp.Process(target=len, args=("",)).start()
    queue, full, event, semaphore = mp.Queue(), mp.Queue(1), mp.Event(), mp.Semaphore(0)
    full.put(1)
    for nothing in ({"block": False}, {"timeout": 0}, {"timeout": -1}):
        with pytest.raises(Empty):
            queue.get(**nothing)
        with pytest.raises(Full):
            full.put(2, **nothing)
        assert not semaphore.acquire(**nothing)
    assert not event.wait(0)
    assert full.get() == 1
    event.set()
    assert event.wait(0)
    assert event.wait()
    told = {wait.name for wait in mp.timeline().waits}
    assert told <= {"queue 2"}, "its message may have been on its way"


def put_large(queue) -> None:
    queue.put("x" * 10_000_000)


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_cannot_end_waits_for_room(method: str) -> None:
    mp = get_context(method)
    queue = mp.Queue()
    child = mp.Process(target=put_large, args=(queue,))
    child.start()
    until(lambda: waits_of(mp, child.pid))
    (wait,) = waits_of(mp, child.pid)
    assert (wait.reason, wait.name) == ("room", "queue 1")
    assert math.isnan(wait.ended)
    queue.get()
    child.join()
    (wait,) = waits_of(mp, child.pid)
    assert wait.began < wait.ended


def put_and_give_up(queue) -> None:
    queue.put("x" * 10_000_000)
    queue.cancel_join_thread()


def test_a_child_that_was_told_not_to_wait_for_room_ends() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    child = mp.Process(target=put_and_give_up, args=(queue,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert waits_of(mp, child.pid) == []


def test_a_wait_in_which_a_process_was_ended_has_no_end() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    child = mp.Process(target=queue.get)
    child.start()
    until(lambda: waits_of(mp, child.pid))
    child.terminate()
    child.join()
    (wait,) = waits_of(mp, child.pid)
    assert math.isnan(wait.ended)
    timeline = mp.timeline()
    assert wait in timeline.waits_at(timeline.processes[0].ended - 1e-6)
    assert wait not in timeline.waits_at(timeline.processes[0].ended)


# The timeline's answers


def deadlock() -> Timeline:
    """Two processes, of which each holds the lock that the other waits for, until 2.0 s."""
    holds = [
        Hold("lock 1", 4101, 0.2, 0.2, math.nan),
        Hold("lock 2", 4102, 0.3, 0.3, math.nan),
        Hold("lock 2", 4101, 0.5, math.nan, math.nan),
        Hold("lock 1", 4102, 0.6, math.nan, math.nan),
        Hold("lock 3", 4101, 0.1, 0.4, 0.5),
    ]
    processes = [process(lane, 0.1, ended=2.0) for lane in (1, 2)]
    return Timeline(Tasks.from_columns([]), processes, holds=holds, now=9.0)


def test_who_waits_for_which_lock_and_who_holds_it_make_a_circle() -> None:
    timeline = deadlock()
    graph = {
        wait.pid: timeline.holders_of(wait.name, 1.0)
        for wait in timeline.waits_at(1.0)
        if wait.reason == "lock"
    }
    assert graph == {4101: [4102], 4102: [4101]}
    assert [wait.name for wait in timeline.waits_at(0.2)] == ["lock 3"]
    assert timeline.holders_of("lock 3", 0.3) == []
    assert timeline.holders_of("lock 3", 0.45) == [4101]
    assert timeline.holders_of("lock 3", 0.5) == []


def test_a_task_waited_as_long_as_any_of_its_threads_did() -> None:
    tasks = Tasks.from_columns(
        ["f(1)", "f(2)", "g()"],
        pid=[4101, 4101, 4102],
        lane=[1, 1, 2],
        started=[0.2, 1.0, 0.2],
        finished=[1.0, 2.0, 2.0],
    )
    waits = [
        Wait("message", "queue 1", 4101, 0.0, 0.4),
        Wait("message", "queue 1", 4101, 0.3, 0.5),
        Wait("barrier", "barrier 1", 4101, 0.9, 1.1),
        Wait("message", "queue 1", 4101, 1.7, math.nan),
        Wait("message", "queue 1", 1, 0.2, 0.9),
    ]
    processes = [process(lane, 0.1, ended=1.9) for lane in (1, 2)]
    timeline = Timeline(tasks, processes, waits=waits, now=9.0)
    assert timeline.waited() == pytest.approx([0.4, 0.3, 0.0])
    assert "waited" in timeline.table().splitlines()[0]
