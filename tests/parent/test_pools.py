"""Observed pools: how they begin, fail and end."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import psutil
import pytest

from helpers.observed import Stopped, get_context
from helpers.parent import pools, results
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.within import until, within

OUR_CHILDREN = METHODS[:2]
"""Those methods by which a process becomes a child of ours, not of the fork server."""


# Tasks


def test_a_task_may_have_an_argument_called_self():
    with get_context().Pool(1) as pool:
        assert pool.apply(workers.takes_self, kwds={"self": 3}) == 3


@pytest.mark.parametrize("tasks", [0, 1, 7, 8, 9])
def test_a_map_in_the_moment_when_all_workers_have_just_died_is_cut_as_usual(
    tasks: int, monkeypatch
) -> None:
    mp = get_context("spawn")
    with mp.Pool(2) as pool:
        usual = pool.map_async(workers.double, range(tasks))
        monkeypatch.setattr(pool, "_pool", [])  # what the standard library counts
        result = pool.map_async(workers.double, range(tasks))
        assert result.get(60) == [2 * n for n in range(tasks)]
        monkeypatch.undo()
    assert result._chunksize == usual._chunksize


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_workers_can_import_while_others_are_replaced(tmp_path):
    """In a Python of its own, where numpy is not imported yet when the first worker ends."""
    program = tmp_path / "program.py"
    program.write_text(
        "from helpers.observed import get_context\n"
        "from tests.support.workers import import_numpy\n"
        "with get_context('fork').Pool(2, maxtasksperchild=1) as pool:\n"
        "    print(pool.map_async(import_numpy, range(6), chunksize=1).get(60))\n"
    )
    ran = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.stdout.strip() == "[0, 1, 4, 9, 16, 25]", ran.stderr


# A worker dies


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", OUR_CHILDREN)
def test_a_worker_whose_exit_code_somebody_else_took_is_told(method, tmp_path) -> None:
    begun = tmp_path / "begun"
    with get_context(method).Pool(1) as pool:
        result = pool.map_async(workers.touch_and_sleep, [str(begun)])
        until(begun.exists)
        (worker,) = pool._pool
        with worker._popen.exit_code_lock:  # nobody else can take it
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
        with pytest.raises(
            pools.WorkerDied, match=r"worker 1 \(pid \d+\) ended, unknown how, while doing"
        ):
            result.get(20)


@pytest.mark.parametrize("name", ["CancelledError", "GeneratorExit", "KeyboardInterrupt", "Stray"])
@pytest.mark.parametrize("call", ["apply", "map"])
def test_a_worker_that_an_exception_has_ended_is_told_with_its_task(name, call) -> None:
    arguments = {"apply": ((name,),), "map": ([name], 1)}[call]
    said = rf"code 1 while doing raise_stray\('{name}'\);"
    with get_context("spawn").Pool(1) as pool, pytest.raises(pools.WorkerDied, match=said):
        getattr(pool, call)(workers.raise_stray, *arguments)


def test_a_worker_that_dies_after_a_task_that_raised_was_idle() -> None:
    with get_context("spawn").Pool(1) as pool:
        with pytest.raises(workers.Oops):
            pool.apply(workers.raise_oops, (1,))
        pool._pool[0].kill()
        with pytest.raises(pools.WorkerDied, match="while idle"):
            pool.apply(workers.double, (1,))


# A pool's end


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach no certain thread there")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("tidy_up", ["pool", "context"])
def test_an_interrupt_breaks_off_the_wait_for_an_end_and_not_the_end(monkeypatch, tidy_up) -> None:
    """Interrupted on its way, the standard pool would go on replacing its workers for ever."""
    mp = get_context("spawn")
    pool = mp.Pool(2)
    begun, interrupted, go_on = threading.Event(), threading.Event(), threading.Event()
    terminate = pool._terminate

    def interrupt() -> None:
        assert begun.wait(30)
        while not interrupted.is_set():  # what comes just before a wait is noticed at its end only
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            interrupted.wait(0.05)

    def once(number: int, frame: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def slowly() -> None:
        begun.set()
        assert go_on.wait(30)
        terminate()

    monkeypatch.setattr(pool, "_terminate", slowly)
    signal.signal(signal.SIGINT, once)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        pool.terminate() if tidy_up == "pool" else mp.stop()
    go_on.set()
    pids = [process.pid for process in mp.timeline().processes]
    until(lambda: not any(map(psutil.pid_exists, pids)))
    until(lambda: not pool._worker_handler.is_alive())
    assert len(mp.timeline().processes) == 2, "nobody was replaced"


@pytest.mark.parametrize("again", ["terminate", "join", "__exit__", "stop"])
def test_who_ends_a_pool_that_is_just_ending_comes_back_when_it_has_ended(
    monkeypatch, again: str
) -> None:
    """As in a `with` block in which a worker dies: the watcher's thread ends the pool, too."""
    mp = get_context("spawn")
    pool = mp.Pool(1)
    order, begun, go_on = [], threading.Event(), threading.Event()
    terminate = pool._terminate

    def slowly() -> None:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(30)
            terminate()
            order.append("has ended")

    def end_again() -> None:
        {
            "terminate": pool.terminate,
            "join": pool.join,
            "__exit__": lambda: pool.__exit__(None, None, None),
            "stop": mp.stop,
        }[again]()
        order.append("back")

    monkeypatch.setattr(pool, "_terminate", slowly)
    ending = [threading.Thread(target=pool.fail, args=(pools.WorkerDied(),), daemon=True)]
    ending[0].start()
    assert begun.wait(30)
    ending.append(threading.Thread(target=end_again, daemon=True))
    ending[1].start()
    ending[1].join(0.2)  # it would be back by now
    go_on.set()
    for thread in ending:
        thread.join(30)
    assert order == ["has ended", "back"]
    assert mp.timeline().alive == 0


def test_what_goes_wrong_at_a_pools_end_is_raised_where_it_was_asked_for(monkeypatch) -> None:
    pool = get_context("spawn").Pool(1)
    with monkeypatch.context() as broken:
        broken.setattr(pool, "_terminate", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pool.terminate()
    pool.terminate()


AT_THE_END = """
from helpers.observed import get_context
from tests.support.workers import double

def doubled(mp):
    with mp.Pool(1) as pool:
        yield from pool.imap(double, range(3))

if __name__ == "__main__":
    left_open = doubled(get_context("spawn"))
    print(next(left_open))
"""


def test_a_pool_that_python_ends_as_it_ends_itself_does_not_hang(tmp_path) -> None:
    program = tmp_path / "program.py"
    program.write_text(AT_THE_END)
    command = [sys.executable, program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=True)
    assert ended.stdout.strip() == b"0"


def test_stop_frees_the_lock_of_a_result_whose_waiting_thread_was_interrupted(monkeypatch) -> None:
    monkeypatch.setattr(results, "LONGEST_HOLD", 0.1)
    mp = get_context("spawn")
    pool = mp.Pool(1)
    result, items = pool.apply_async(time.sleep, (60,)), pool.imap(time.sleep, [60])
    until(lambda: items._length is not None)  # the pool's own thread has let go of it
    result._event._cond.acquire()
    items._cond.acquire()
    within(30, mp.stop)
    with pytest.raises(Stopped):
        within(30, result.get)
    with pytest.raises(Stopped):
        within(30, items.next)


def test_stop_while_workers_are_being_replaced_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(3):
        mp = get_context("spawn")
        pool = mp.Pool(2, maxtasksperchild=1)
        results = [pool.apply_async(workers.double, (n,)) for n in range(20)]
        results[2].get(30)
        within(30, mp.stop)
    until(lambda: threading.active_count() <= before)


def test_a_forgotten_pool_ends_its_workers() -> None:
    mp = get_context("spawn")
    pool = mp.Pool(1)
    pool.apply(workers.double, (1,))
    known, pids = weakref.ref(pool), [worker.pid for worker in pool._pool]
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        pool = gc.collect()
    assert known() is None
    until(lambda: not any(map(psutil.pid_exists, pids)))


# What the standard library must still have


def test_a_pool_has_what_is_leaned_on() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        assert {"_quick_put", "_quick_get", "_cache", "_pool"} <= set(vars(pool))
        assert {"_worker_handler", "_task_handler", "_result_handler"} <= set(vars(pool))
        result, iterator = pool.map_async(workers.double, [1]), pool.imap(workers.double, [1])
        assert {"_job", "_event", "_number_left", "_success"} <= set(vars(result))
        assert {"_cond", "_items", "_index", "_length", "_job"} <= set(vars(iterator))
        result.get()
        next(iterator)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe is filled as POSIX systems do it")
def test_the_end_of_a_pool_whose_pipe_is_full_of_results_that_nobody_reads_is_no_hang() -> None:
    """So it is when a worker is killed in the middle of a large result, and its reader has left."""
    pool = get_context().Pool(1)
    pool._result_handler._state = "TERMINATE"  # it leaves after its next message
    pool.apply_async(workers.double, (1,))
    until(lambda: not pool._result_handler.is_alive(), "the thread that reads results has left")
    writer = pool._outqueue._writer.fileno()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(512))
    os.set_blocking(writer, True)
    within(20, pool.terminate)
    within(20, pool.join)
