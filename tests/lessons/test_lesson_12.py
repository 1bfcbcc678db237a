"""Statements of lesson 12 on futures that no cell shows."""

import asyncio
import inspect
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
from tests.support.within import until, within
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


CELLS = [cell for cell in read(NOTEBOOKS / "12_futures.ipynb").cells if cell.cell_type == "code"]
PROGRAMS = [
    text for cell in CELLS for text in re.findall(r"(?s)program = '''\n(.*?)'''", cell.source)
]


@pytest.mark.skipif(not CAN_FORK, reason="on Windows only the parent is interrupted")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_an_interrupt_ends_the_task_at_hand_and_the_next_one_begins(method):
    program = PROGRAMS[1].replace("    begun.set()", "    print('at work')\n    begun.set()")
    chosen = f"import multiprocessing\nmultiprocessing.set_start_method({method!r}, True)\n"
    run = run_script(chosen + program, timeout=0.1, since="Interrupted.\nat work\n")
    assert run.exitcode is None
    assert run.stdout == "at work\nInterrupted.\nat work\n"


# What only the deeper sections say


def test_map_takes_its_whole_input_before_the_first_result():
    with ProcessPoolExecutor(1, mp_context=get_context()) as executor:
        arguments = iter([0.0] * 500)
        executor.map(nap, arguments)
        assert list(arguments) == [], "nothing was left"
        executor.shutdown(cancel_futures=True)


def test_imap_follows_its_workers_whether_or_not_somebody_takes_the_results():
    arguments = iter([0.0] * 5000)
    with get_context().Pool(1) as pool:
        results = pool.imap(nap, arguments)
        until(lambda: next(arguments, None) is None, "the pool had taken what we did not")
        assert next(results) == 0.0


def test_only_python_3_14_and_later_can_map_with_a_buffer_of_some_size():
    parameters = inspect.signature(ProcessPoolExecutor.map).parameters
    assert ("buffersize" in parameters) == (sys.version_info >= (3, 14))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="buffersize is new in Python 3.14")
def test_a_buffer_of_four_takes_four_arguments_and_then_one_for_each_result():
    arguments = iter([0.0] * 20)
    with ProcessPoolExecutor(1, mp_context=get_context()) as executor:
        results = executor.map(nap, arguments, buffersize=4)
        assert arguments.__length_hint__() == 16
        next(results)
        assert arguments.__length_hint__() == 15


def test_the_window_of_the_lesson_takes_nothing_while_nobody_takes_results():
    (source,) = [cell.source for cell in CELLS if "def in_a_window" in cell.source]
    names = {}
    exec(source.partition("\n\n\nahead")[0], names)
    arguments = iter([0.0] * 10)
    with ProcessPoolExecutor(2, mp_context=get_context()) as executor:
        pairs = names["in_a_window"](executor, nap, arguments, 3)
        assert next(pairs) == (0.0, 0.0)
        assert arguments.__length_hint__() == 7, "three were taken, and no other in their place"
        assert len(list(pairs)) == 9


def test_an_event_loop_goes_on_while_it_awaits_an_executor_and_stands_still_for_a_result():
    async def rounds_meanwhile(wait_for):
        rounds = 0

        async def go_round():
            nonlocal rounds
            while True:
                await asyncio.sleep(0.01)
                rounds += 1

        runner = asyncio.create_task(go_round())
        await asyncio.sleep(0)
        await wait_for(asyncio.get_running_loop())
        runner.cancel()
        return rounds

    with ProcessPoolExecutor(1, mp_context=get_context()) as executor:
        executor.submit(nap, 0.0).result()

        async def awaited(loop):
            assert await loop.run_in_executor(executor, nap, 0.5) == 0.5

        async def asked(loop):
            assert executor.submit(nap, 0.5).result() == 0.5

        assert asyncio.run(rounds_meanwhile(awaited)) > 1
        assert asyncio.run(rounds_meanwhile(asked)) == 0
