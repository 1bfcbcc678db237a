"""Every task of a pool or an executor is recorded in its worker, and none is invented."""

import math
import sys
import types
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from helpers.child import workers as child_workers
from helpers.observed import get_context
from tests.support import workers
from tests.support.calls import assert_in_order, calls, expected
from tests.support.methods import AVAILABLE, METHODS

POOL_METHODS = {
    "apply": lambda pool: [pool.apply(workers.double, (n,)) for n in range(6)],
    "apply_async": lambda pool: [
        result.get() for result in [pool.apply_async(workers.double, (n,)) for n in range(6)]
    ],
    "map": lambda pool: pool.map(workers.double, range(6)),
    "map in chunks": lambda pool: pool.map(workers.double, range(6), chunksize=4),
    "map_async": lambda pool: pool.map_async(workers.double, range(6), chunksize=1).get(),
    "imap": lambda pool: list(pool.imap(workers.double, range(6))),
    "imap in chunks": lambda pool: list(pool.imap(workers.double, range(6), chunksize=4)),
    "imap_unordered": lambda pool: list(pool.imap_unordered(workers.double, range(6))),
    "imap_unordered in chunks": lambda pool: list(
        pool.imap_unordered(workers.double, range(6), chunksize=4)
    ),
    "starmap": lambda pool: pool.starmap(workers.double, [(n,) for n in range(6)]),
    "starmap_async": lambda pool: pool.starmap_async(
        workers.double, [(n,) for n in range(6)], chunksize=4
    ).get(),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_task_of_every_pool_method_is_there_once(method: str) -> None:
    for use in POOL_METHODS.values():
        mp = get_context(method)
        with mp.Pool(2) as pool:
            use(pool)
            timeline = mp.timeline()
        assert calls(timeline) == expected(*range(6))
        assert {task.outcome for task in timeline.tasks} == {"returned"}
        for task in timeline.tasks:
            assert not math.isnan(task.submitted + task.started + task.finished + task.received)
        assert_in_order(timeline)
        assert (timeline.method, timeline.workers) == (method, 2)


@pytest.mark.parametrize("method", METHODS)
def test_every_task_of_an_executor_is_there_once(method: str) -> None:
    mp = get_context(method)
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        executor.submit(workers.double, 0).result()
        list(executor.map(workers.double, range(1, 4)))
        list(executor.map(workers.double, range(4, 9), chunksize=3))
        failed = executor.submit(workers.raise_oops, 9).exception()
    assert failed is not None
    timeline = mp.timeline()
    assert calls(timeline) == expected(*range(9)) + ["raise_oops(9)"]
    assert_in_order(timeline)
    assert np.isnan(timeline.tasks.submitted).all(), "nobody recorded that, so nobody knows"


def test_tasks_of_a_pool_and_of_an_executor_are_not_taken_for_each_other() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool, ProcessPoolExecutor(1, mp_context=mp) as executor:
        for n in range(3):
            first = pool.apply_async(workers.double, (n,))
            first.get()
        for n in range(first._job + 3):  # so that each pool's job has a namesake
            executor.submit(workers.own_pid, n).result()
    for task in mp.timeline().tasks:
        assert math.isnan(task.submitted) == (task.call.startswith("own_pid"))


def test_an_executor_that_replaces_its_worker_loses_no_task() -> None:
    mp = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=mp, max_tasks_per_child=1) as executor:
        for n in range(3):
            executor.submit(workers.double, n).result()
    timeline = mp.timeline()
    assert len(set(timeline.tasks.pid)) == 3
    assert calls(timeline) == expected(0, 1, 2)


# What the standard library must still have


def test_the_names_that_are_leaned_on_are_still_there() -> None:
    import inspect
    from concurrent.futures import process as futures_process
    from multiprocessing import managers, pool, popen_fork, process, util

    for module, name in (
        (pool, "worker"),
        (pool, "mapstar"),
        (pool, "starmapstar"),
        (pool, "_helper_reraises_exception"),
        (pool.Pool, "_setup_queues"),
        (pool.Pool, "_map_async"),
        (pool.Pool, "_check_running"),
        (pool.IMapIterator, "_set_length"),
        (futures_process, "_process_worker"),
        (futures_process, "_process_chunk"),
        (managers.BaseManager, "_run_server"),
        (process.BaseProcess, "_bootstrap"),
        (util, "_exit_function"),
        (popen_fork.Popen if sys.platform != "win32" else process.BaseProcess, "__init__"),
    ):
        assert callable(getattr(module, name)), f"{module.__name__} has no {name} any more"
    assert list(inspect.signature(pool.worker).parameters)[:2] == ["inqueue", "outqueue"]
    assert next(iter(inspect.signature(futures_process._process_worker).parameters)) == "call_queue"
    assert list(inspect.signature(pool.Pool._terminate_pool).parameters) == [
        "taskqueue", "inqueue", "outqueue", "pool", "change_notifier", "worker_handler",
        "task_handler", "result_handler", "cache",
    ]  # fmt: skip
    assert {"_target", "_args", "_kwargs", "_popen", "_parent_pid", "_closed"} <= set(
        vars(process.BaseProcess())
    )


FORK_ONLY = pytest.mark.skipif("fork" not in AVAILABLE, reason="the change must reach the workers")


def without(module, missing: str) -> types.SimpleNamespace:
    """A module as a later Python might have it: one of its functions is gone."""
    return types.SimpleNamespace(**{n: v for n, v in vars(module).items() if n != missing})


@FORK_ONLY
@pytest.mark.parametrize(
    ("missing", "seen"),
    [
        ("worker", [4, 5]),
        ("mapstar", [0, 3, 4, 5]),
        ("starmapstar", [0, 1, 2, 4, 5]),
        ("_process_worker", [0, 1, 2, 3]),
        ("_process_chunk", [0, 1, 2, 3, 4]),
    ],
)
def test_without_a_name_tasks_are_absent_and_none_is_invented(monkeypatch, missing, seen) -> None:
    monkeypatch.setattr(child_workers, "_loaded", lambda name: without(sys.modules[name], missing))
    mp = get_context("fork")
    with mp.Pool(1) as pool:
        results = [pool.apply(workers.double, (0,)), *pool.map(workers.double, [1, 2], 2)]
        results += pool.starmap(workers.double, [(3,)])
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        results.append(executor.submit(workers.double, 4).result())
        results += executor.map(workers.double, [5], chunksize=2)
    assert results == [0, 2, 4, 6, 8, 10]
    timeline = mp.timeline()
    assert calls(timeline) == expected(*seen)
    assert [process.role for process in timeline.processes] == ["worker", "worker"]
