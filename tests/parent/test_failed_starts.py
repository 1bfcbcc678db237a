"""A start that ends in an error leaves nothing: no worker, no thread, no name in a list."""

import contextlib
import errno
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import process as futures_process
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, util
from multiprocessing.process import BaseProcess

import psutil
import pytest

from helpers.observed import ObservedContext, Stopped, get_context
from helpers.parent.stop_mark import StopMark
from tests.support import workers
from tests.support.methods import AVAILABLE, METHODS
from tests.support.within import until, within

WORKERS = 3
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


def living() -> set[psutil.Process]:
    """Return all our children, and theirs, but for the helpers of the standard library."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            serves = any(helper in " ".join(process.cmdline()) for helper in HELPERS)
            is_server = serves and process.ppid() == os.getpid()
            if not is_server and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture
def nothing_is_left(method: str) -> Iterator[ObservedContext]:
    """Yield a context, and check that nothing of what was started with it is left."""
    with get_context(method).Pool(1) as pool:  # the fork server has its thread by now
        pool.apply(workers.double, (1,))
    pool = None
    gc.collect()
    until(lambda: not living(), "nothing is left of the tests before")
    before = set(threading.enumerate())
    mp = get_context(method)
    yield mp
    until(lambda: not living(), "no process is left")
    until(lambda: not mp.watcher._watched, "none is watched")
    until(lambda: set(threading.enumerate()) <= before, "no thread is left")
    with mp.Pool(1) as pool:
        assert pool.apply(workers.double, (4,)) == 8
    until(lambda: not living(), "no process is left of the next pool")


class Fails:
    """Replaces a function by one whose n-th call, counted from 1, raises an error instead."""

    def __init__(self, function: Callable, n: int, error: BaseException) -> None:
        self.function, self.n, self.error = function, n, error
        self.calls = 0

    def __get__(self, instance, owner=None):
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.n:
            raise self.error
        return self.function(*args, **kwargs)


def no_thread(n: int) -> Fails:
    return Fails(threading.Thread.start, n, RuntimeError("can't start new thread"))


def a_pool(mp: ObservedContext) -> None:
    with mp.Pool(WORKERS) as pool:
        assert pool.map(workers.double, range(4)) == [0, 2, 4, 6]


def a_stubborn_pool(mp: ObservedContext) -> None:
    mp.Pool(WORKERS, workers.ignore_sigterm).terminate()


def an_executor(mp: ObservedContext) -> None:
    with ProcessPoolExecutor(WORKERS, mp_context=mp) as executor:
        assert list(executor.map(workers.double, range(4))) == [0, 2, 4, 6]


def processes(mp: ObservedContext) -> None:
    for _ in range(WORKERS):
        process = mp.Process(target=time.sleep, args=(0.1,))
        process.start()
        process.join()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("method", METHODS)
def test_a_pool_for_which_no_thread_is_left_leaves_nothing(
    nothing_is_left: ObservedContext, monkeypatch, n: int
) -> None:
    """Its three threads, and ours that keeps watch. The fifth sweeps, and is not needed."""
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", no_thread(n))
        if n == 5:
            return a_pool(nothing_is_left)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            a_pool(nothing_is_left)


def is_own_thread_of_an_executor(thread: threading.Thread) -> bool:
    return isinstance(thread, futures_process._ExecutorManagerThread)


def is_sender_of_a_queue(thread: threading.Thread) -> bool:
    return thread.name == "QueueFeederThread"


@pytest.fixture
def no_thread_for(nothing_is_left, monkeypatch) -> Iterator[Callable]:
    """Yield a function that has certain threads refused from now on."""
    start = threading.Thread.start

    def refuse(refused: Callable) -> None:
        def start_unless_refused(thread: threading.Thread) -> None:
            if refused(thread):
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_unless_refused)

    yield refuse
    monkeypatch.undo()


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_whose_own_thread_cannot_start_leaves_nothing(
    nothing_is_left: ObservedContext, no_thread_for: Callable
) -> None:
    no_thread_for(is_own_thread_of_an_executor)
    with pytest.raises(RuntimeError, match="can't start new thread") as caught:
        an_executor(nothing_is_left)
    assert caught.value.__context__ is None, "nobody reads of a second error"


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_whose_own_thread_could_not_start_is_broken(
    nothing_is_left: ObservedContext, no_thread_for: Callable
) -> None:
    no_thread_for(is_own_thread_of_an_executor)
    executor = ProcessPoolExecutor(WORKERS, mp_context=nothing_is_left)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        executor.submit(workers.double, 1)
    until(lambda: not living(), "no process is left, though the executor is there")
    with pytest.raises(BrokenProcessPool, match="could not be submitted"):
        executor.submit(workers.double, 1)
    within(60, executor.shutdown)


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_whose_queue_has_no_thread_fails_what_is_pending(
    nothing_is_left: ObservedContext, no_thread_for: Callable
) -> None:
    no_thread_for(is_sender_of_a_queue)
    with pytest.raises(BrokenProcessPool):
        within(60, an_executor, nothing_is_left)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("method", METHODS)
def test_the_nth_thread_that_the_system_refuses_an_executor_leaves_nothing(
    nothing_is_left: ObservedContext, monkeypatch, n: int
) -> None:
    """Those that are not needed watch and sweep; in which order they all start is open."""
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", no_thread(n))
        with contextlib.suppress(BrokenProcessPool, RuntimeError):
            within(60, an_executor, nothing_is_left)


@pytest.mark.parametrize("method", METHODS)
def test_a_stop_while_a_pools_own_thread_replaces_a_first_worker_ends_no_thread_by_an_error(
    nothing_is_left: ObservedContext, monkeypatch
) -> None:
    """The pool is still being made, and its thread may start workers already."""
    watcher, printed, replaced = nothing_is_left.watcher, [], threading.Event()
    keep_watch, check_may_start = watcher.keep_watch, watcher.check_may_start

    def stop_and_wait() -> None:
        watcher.stop_mark.set()
        next(iter(watcher._watched.values())).process.kill()
        assert replaced.wait(60)
        keep_watch()

    def check(role: str, tasks: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            replaced.set()
        check_may_start(role, tasks)

    monkeypatch.setattr(threading, "excepthook", printed.append)
    with monkeypatch.context() as broken:
        broken.setattr(watcher, "keep_watch", stop_and_wait)
        broken.setattr(watcher, "check_may_start", check)
        with pytest.raises(Stopped):
            nothing_is_left.Pool(1)
    watcher.stop_mark = StopMark()  # for the checks that follow
    assert printed == []


@pytest.mark.parametrize("method", METHODS)
def test_processes_that_nobody_can_watch_are_joined_all_the_same(
    nothing_is_left: ObservedContext, monkeypatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", no_thread(1))
        processes(nothing_is_left)


@pytest.mark.parametrize("use", [a_pool, a_stubborn_pool, an_executor, processes])
@pytest.mark.parametrize("n", range(1, WORKERS + 1))
@pytest.mark.parametrize("method", METHODS)
def test_the_nth_process_that_the_system_refuses_leaves_nothing(
    nothing_is_left: ObservedContext, monkeypatch, n: int, use: Callable
) -> None:
    """As at a limit of processes."""
    refused = OSError(errno.EAGAIN, "no process is left")
    with monkeypatch.context() as broken:
        for owner, name in places_of_a_start(nothing_is_left):
            broken.setattr(owner, name, Fails(getattr(owner, name), n, refused))
        with pytest.raises(BlockingIOError, match=r"no process is left: .* as your account"):
            within(60, use, nothing_is_left)


@pytest.mark.skipif("forkserver" not in AVAILABLE, reason="there is no forkserver")
@pytest.mark.parametrize("method", ["forkserver"])
def test_a_fork_server_that_ends_at_a_limit_is_told_and_leaves_nothing(
    nothing_is_left: ObservedContext, monkeypatch
) -> None:
    from multiprocessing import forkserver

    with monkeypatch.context() as broken:
        broken.setattr(forkserver, "read_signed", Fails(forkserver.read_signed, 1, EOFError()))
        with pytest.raises(BlockingIOError, match=r"the fork server has ended .* your account"):
            nothing_is_left.Process(target=workers.double, args=(1,)).start()


def places_of_a_start(mp: ObservedContext) -> list[tuple[object, str]]:
    """Return where the system is asked for a process."""
    if sys.platform == "win32":
        import _winapi

        return [(_winapi, "CreateProcess")]
    from multiprocessing import forkserver

    return {
        "fork": [(os, "fork")],
        "spawn": [(util, "spawnv_passfds")],
        "forkserver": [(forkserver, "connect_to_new_process")],
    }[mp.get_start_method()]


# Interrupts


@pytest.fixture
def interrupted(monkeypatch, interruptible) -> Callable:
    """Return a function that has SIGINT come when the n-th call of a function begins or ends."""

    def interrupt_at(owner: object, name: str, n: int, *, end: bool = False) -> None:
        function, calls = getattr(owner, name), []

        def call(*args, **kwargs):
            calls.append(args)
            come = len(calls) == n and threading.current_thread() is threading.main_thread()
            if come and not end:
                signal.raise_signal(signal.SIGINT)
            result = function(*args, **kwargs)
            if come and end:
                signal.raise_signal(signal.SIGINT)
            return result

        monkeypatch.setattr(owner, name, call)

    return interrupt_at


MOMENTS = {
    "before it is owned": lambda mp: (mp.watcher, "check_may_start"),
    "in its start": lambda mp: (BaseProcess, "start"),
    "before it is noted": lambda mp: (mp.watcher, "_note_start"),
    "before it is watched": lambda mp: (mp.watcher, "keep_watch"),
}
LASTING = {
    "pool": lambda mp: mp.Pool(WORKERS),
    "executor": lambda mp: an_executor(mp),
    "process": lambda mp: mp.Process(target=time.sleep, args=(600,)).start(),
    "manager": lambda mp: mp.Manager(),
}


@pytest.mark.parametrize("use", LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("end", [False, True], ids=["begins", "ends"])
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_of_a_start_leaves_nothing(
    nothing_is_left: ObservedContext, interrupted, moment: Callable, end: bool, use: Callable
) -> None:
    """It reaches only us: a child that was not there yet when the signal came has not got it."""
    interrupted(*moment(nothing_is_left), n=1, end=end)
    with pytest.raises(KeyboardInterrupt) as caught:
        use(nothing_is_left)
    assert caught.value.__suppress_context__, "nobody reads of two errors"


def test_an_interrupt_before_a_pool_has_anything_prints_nothing(monkeypatch) -> None:
    def interrupted(_) -> None:
        raise KeyboardInterrupt

    mp, ignored = get_context("spawn"), []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    monkeypatch.setattr(type(mp.watcher), "recorder", property(interrupted))
    with pytest.raises(KeyboardInterrupt):
        mp.Pool(1)
    gc.collect()
    assert ignored == []


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_while_a_pools_threads_start_leaves_nothing(
    nothing_is_left: ObservedContext, interrupted, n: int
) -> None:
    interrupted(threading.Thread, "start", n)
    with pytest.raises(KeyboardInterrupt):
        nothing_is_left.Pool(WORKERS)


@pytest.mark.parametrize("end", [False, True], ids=["begins", "ends"])
@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_while_an_executors_own_thread_starts_leaves_nothing(
    nothing_is_left: ObservedContext, interruptible, monkeypatch, end: bool
) -> None:
    """A thread that is known and has not started cannot be joined at the end of a `with`."""
    start = threading.Thread.start

    def interrupted_start(thread: threading.Thread) -> None:
        is_it = is_own_thread_of_an_executor(thread)
        if is_it and not end:
            signal.raise_signal(signal.SIGINT)
        start(thread)
        if is_it and end:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(threading.Thread, "start", interrupted_start)
    with pytest.raises(KeyboardInterrupt):
        an_executor(nothing_is_left)


@pytest.mark.parametrize("end", [False, True], ids=["begins", "ends"])
@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_while_a_manager_waits_for_its_server_leaves_nothing(
    nothing_is_left: ObservedContext, interrupted, end: bool
) -> None:
    """The server ignores SIGINT, so that it can serve until the manager has ended it."""
    interrupted(connection.Connection, "recv", 1, end=end)
    with pytest.raises(KeyboardInterrupt):
        nothing_is_left.Manager()


@pytest.mark.parametrize("method", METHODS[:1])
def test_an_interrupt_is_not_put_off_until_all_workers_of_a_pool_have_started(
    nothing_is_left: ObservedContext, interrupted
) -> None:
    interrupted(nothing_is_left.watcher, "_note_start", 2)
    with pytest.raises(KeyboardInterrupt):
        nothing_is_left.Pool(WORKERS)
    assert len(nothing_is_left.timeline().processes) == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_handler_that_raises_nothing_ends_nothing(
    nothing_is_left: ObservedContext, interrupted
) -> None:
    came = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    interrupted(nothing_is_left.watcher, "_note_start", 2)
    a_pool(nothing_is_left)
    assert came == [signal.SIGINT]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("method", ["fork"])
@pytest.mark.parametrize("moment", ["before", "after_in_parent"])
def test_an_interrupt_in_a_callback_of_a_fork_is_not_lost(
    nothing_is_left: ObservedContext, interruptible, moment: str
) -> None:
    """Python swallows what such a callback raises, and goes on with half of it done."""
    mp, done = nothing_is_left, []

    def callback() -> None:
        if mp.armed:
            mp.armed = False
            signal.raise_signal(signal.SIGINT)
            done.append(moment)

    mp.armed = False
    os.register_at_fork(**{moment: callback})
    mp.armed = True
    with pytest.raises(KeyboardInterrupt):
        mp.Process(target=time.sleep, args=(600,)).start()
    assert done == [moment], "the callback went to its end"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("method", ["fork"])
def test_an_interrupt_in_a_childs_first_moment_is_not_lost(
    nothing_is_left: ObservedContext, interruptible
) -> None:
    """The callbacks after a fork run before anything of ours does."""
    mp = nothing_is_left
    mp.armed = False

    def callback() -> None:
        if mp.armed:
            signal.raise_signal(signal.SIGINT)

    os.register_at_fork(after_in_child=callback)
    mp.armed = True
    child = mp.Process(target=time.sleep, args=(600,))
    child.start()
    mp.armed = False
    within(30, child.join)
    assert mp.timeline().interrupts == 1


class Endless:
    """Takes for ever to be pickled."""

    def __reduce__(self):
        signal.raise_signal(signal.SIGINT)
        reader, _writer = connection.Pipe()
        reader.recv()


@pytest.mark.parametrize("method", METHODS[:1])
def test_a_start_that_hangs_can_be_interrupted(
    nothing_is_left: ObservedContext, interruptible
) -> None:
    beside = (
        threading.Event()
    )  # with another thread, children's interrupts are blocked as they start
    threading.Thread(target=beside.wait, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        nothing_is_left.Process(target=workers.double, args=(Endless(),)).start()
    beside.set()


def test_the_handler_is_the_old_one_after_a_start(interruptible) -> None:
    before = signal.getsignal(signal.SIGINT)
    with get_context("spawn").Pool(1):
        assert signal.getsignal(signal.SIGINT) is before
