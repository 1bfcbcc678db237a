"""Threads are on the same timeline as processes: a lane each, measured by their own clock."""

import math
import sys
import threading

import pytest
from matplotlib.text import Text

from helpers.gantt import gantt
from helpers.observed import Stopped, get_context
from helpers.tasks import count_primes, fragile_task, square
from helpers.threads import ThreadPoolExecutor
from tests.support.within import within

GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


def test_every_task_of_every_thread_is_there_once():
    mp = get_context()
    with ThreadPoolExecutor(3, mp_context=mp) as executor:
        assert list(executor.map(square, range(20))) == [n * n for n in range(20)]
    timeline = mp.timeline()
    assert sorted(task.call for task in timeline.tasks) == sorted(f"square({n})" for n in range(20))
    assert {task.outcome for task in timeline.tasks} == {"returned"}


def test_a_thread_has_a_lane_and_an_end_and_no_start_method():
    mp = get_context()
    both = threading.Barrier(2)
    with ThreadPoolExecutor(2, mp_context=mp) as executor:
        list(executor.map(lambda _: within(30, both.wait), range(2)))
        assert mp.timeline().alive == 2
    timeline = mp.timeline()
    assert [thread.role for thread in timeline.processes] == ["thread", "thread"]
    assert [thread.lane for thread in timeline.processes] == [1, 2]
    assert len({thread.pid for thread in timeline.processes}) == 2
    assert (timeline.workers, timeline.alive, timeline.method) == (2, 0, "")
    assert all(
        thread.asked <= thread.born <= thread.ready <= thread.ended for thread in timeline.processes
    )
    assert {task.lane for task in timeline.tasks} == {1, 2}


def test_a_task_that_raises_is_told_and_its_error_reaches_the_caller():
    mp = get_context()
    with ThreadPoolExecutor(1, mp_context=mp) as executor:
        future = executor.submit(fragile_task, 2)
        with pytest.raises(ValueError, match="task 2 has failed"):
            future.result(30)
    assert mp.timeline().tasks[0].outcome == "raised ValueError: task 2 has failed"


@pytest.mark.skipif(not GIL, reason="this Python has no GIL")
def test_threads_that_compute_keep_one_core_busy_between_them_at_most():
    mp = get_context()
    with ThreadPoolExecutor(4, mp_context=mp) as executor:
        list(executor.map(count_primes, [60_000] * 4))
    assert 0 < mp.timeline().cores_busy < 1.1


def test_each_thread_is_measured_by_its_own_clock():
    """One thread computes, the other only waits for it: it was on no core meanwhile."""
    mp = get_context()
    done = threading.Event()

    def compute():
        count_primes(100_000)
        done.set()

    with ThreadPoolExecutor(2, mp_context=mp) as executor:
        waiting = executor.submit(done.wait, 60)
        executor.submit(compute)
        assert waiting.result(60)
    shares = {task.call: task.on_core for task in mp.timeline().tasks}
    assert next(share for call, share in shares.items() if "wait" in call) < 0.2


def test_a_stopped_experiment_begins_no_other_task():
    mp = get_context()
    begun, go_on = threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait(60)

    with ThreadPoolExecutor(1, mp_context=mp) as executor:
        first, second = executor.submit(work), executor.submit(work)
        assert begun.wait(30)
        stopping = threading.Thread(target=mp.stop)
        stopping.start()
        while not mp.watcher.stop_mark.is_set():
            pass
        with pytest.raises(Stopped):
            executor.submit(square, 1)
        go_on.set()
        stopping.join()
        first.result(30)
        with pytest.raises(Stopped):
            second.result(30)


def test_threads_and_workers_are_told_apart_on_one_chart():
    mp = get_context()
    with ThreadPoolExecutor(1, mp_context=mp) as executor:
        executor.submit(square, 2).result(30)
    with mp.Pool(1) as pool:
        pool.apply(square, (3,))
    alt = gantt(mp.timeline()).alt
    assert f"1 {mp.get_start_method()} worker and 1 thread, 2 tasks" in alt
    assert "Thread 1 (pid" in alt
    assert "Worker 2 (pid" in alt


def test_cores_busy_is_the_time_on_a_core_over_the_makespan():
    mp = get_context()
    assert math.isnan(mp.timeline().cores_busy)
    with ThreadPoolExecutor(1, mp_context=mp) as executor:
        executor.submit(count_primes, 60_000).result(60)
    timeline = mp.timeline()
    (task,) = timeline.tasks
    assert timeline.cores_busy == pytest.approx(task.on_core)


def test_a_chart_of_threads_alone_speaks_of_no_process():
    def words_of(pool):
        mp = get_context()
        with pool(mp) as executor:
            list(executor.map(square, range(2)))
        return {text.get_text() for text in gantt(mp.timeline()).figure.findobj(Text)}

    threads = words_of(lambda mp: ThreadPoolExecutor(1, mp_context=mp))
    assert {"id", "seconds since the first thread was asked for"} <= threads
    assert "pid" not in threads
    processes = words_of(lambda mp: mp.Pool(1))
    assert {"pid", "seconds since the first process was asked for"} <= processes
