"""Statements of lesson 12 on futures that no cell shows."""

import multiprocessing
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.pool import AsyncResult

import pytest

from helpers.forking import CAN_FORK
from helpers.observed import get_context
from helpers.script import run_script
from helpers.tasks import doomed_task, fragile_task, nap, square
from tests.support.within import within
from tools.notebooks import NOTEBOOKS, read


def test_map_of_an_executor_keeps_the_order_of_the_arguments():
    with ProcessPoolExecutor(2, mp_context=get_context()) as executor:
        assert list(executor.map(nap, [0.3, 0.2, 0.0])) == [0.3, 0.2, 0.0]


def test_shutdown_can_cancel_what_has_not_begun_and_waits_for_the_rest():
    executor = ProcessPoolExecutor(1, mp_context=get_context())
    futures = [executor.submit(nap, 0.2) for _ in range(8)]
    futures[0].result()
    executor.shutdown(cancel_futures=True)
    assert all(future.done() for future in futures)
    cancelled = [future.cancelled() for future in futures]
    assert cancelled == sorted(cancelled), "the ones behind"
    assert cancelled[:2] == [False, False]
    assert cancelled[-1]


def test_an_executor_sends_a_few_tasks_ahead_and_no_more():
    mp = get_context()
    executor = ProcessPoolExecutor(1, mp_context=mp)
    futures = [executor.submit(nap, 0.2) for _ in range(10)]
    futures[2].result()
    sent = sum(future.running() for future in futures)
    mp.stop()
    executor.shutdown()
    assert 1 <= sent <= 3


def test_what_is_pending_fails_when_all_is_stopped():
    mp = get_context()
    executor = ProcessPoolExecutor(2, mp_context=mp)
    futures = [executor.submit(nap, 60) for _ in range(6)]
    mp.stop()
    errors = [within(30, future.exception) for future in futures]
    assert {type(error) for error in errors} == {BrokenProcessPool}
    within(30, executor.shutdown)


def test_recycling_executors_are_stopped_like_others():
    mp = get_context("spawn")
    executor = ProcessPoolExecutor(1, mp_context=mp, max_tasks_per_child=1)
    first, *others = [executor.submit(nap, seconds) for seconds in (0.0, 60, 60)]
    assert first.result() == 0
    mp.stop()
    for future in others:
        assert isinstance(within(30, future.exception), BrokenProcessPool)
    within(30, executor.shutdown)
    assert mp.timeline().alive == 0


def test_only_python_3_14_and_later_can_end_an_executors_workers_by_name():
    for name in ("terminate_workers", "kill_workers"):
        assert hasattr(ProcessPoolExecutor, name) == (sys.version_info >= (3, 14))


def test_a_pool_has_nothing_to_cancel_a_task_with():
    assert not hasattr(AsyncResult, "cancel")


def test_a_pool_that_recycles_counts_chunks_not_calls():
    mp = get_context()
    with mp.Pool(1, maxtasksperchild=1) as pool:
        pool.map(square, range(6), chunksize=3)
    pids = [task.pid for task in mp.timeline().tasks]
    assert sorted(pids.count(pid) for pid in set(pids)) == [3, 3]


def test_a_new_executor_does_what_a_broken_one_has_left():
    with ProcessPoolExecutor(1, mp_context=get_context()) as executor:
        futures = {executor.submit(doomed_task, i): i for i in (0, 2, 4)}
        missing = [number for future, number in futures.items() if future.exception()]
    assert missing == [2, 4]
    with ProcessPoolExecutor(1, mp_context=get_context()) as executor:
        assert executor.submit(doomed_task, 4).result() == "task 4 is fine"


def test_the_loop_of_the_exercise_comes_to_its_end_although_a_task_fails():
    said = []
    with ProcessPoolExecutor(2, mp_context=get_context()) as executor:
        futures = [executor.submit(fragile_task, i) for i in range(4)]
        for future in as_completed(futures):
            said.append(str(future.exception() or future.result()))
    assert sorted(said) == [
        "task 0 is fine",
        "task 1 is fine",
        "task 2 has failed",
        "task 3 is fine",
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_fresh_worker_for_every_task_never_hangs(workers):
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), max_tasks_per_child=1
    ) as executor:
        assert within(60, list, executor.map(square, range(5))) == [0, 1, 4, 9, 16]


PROGRAMS = [
    text
    for cell in read(NOTEBOOKS / "12_futures.ipynb").cells
    if cell.cell_type == "code"
    for text in re.findall(r"(?s)program = '''\n(.*?)'''", cell.source)
]


@pytest.mark.skipif(not CAN_FORK, reason="on Windows only the parent is interrupted")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_an_interrupt_ends_the_task_at_hand_and_the_next_one_begins(method):
    program = PROGRAMS[1].replace("    begun.set()", "    print('at work')\n    begun.set()")
    chosen = f"import multiprocessing\nmultiprocessing.set_start_method({method!r}, True)\n"
    run = run_script(chosen + program, timeout=0.1, since="Interrupted.\nat work\n")
    assert run.exitcode is None
    assert run.stdout == "at work\nInterrupted.\nat work\n"
