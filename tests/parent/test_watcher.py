"""The watcher: it owns the processes, and notices their starts and ends."""

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess

import pytest

from helpers.observed import get_context
from helpers.parent import checks, folders, pools
from helpers.tasks import square
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.within import until, within


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# Starts


@pytest.mark.parametrize("method", METHODS)
def test_processes_beyond_the_most_are_refused_and_an_executors_ended(
    monkeypatch, method: str
) -> None:
    monkeypatch.setattr(checks, "MOST_PROCESSES", 2)
    mp = get_context(method)

    def submit() -> None:
        with ProcessPoolExecutor(5, mp_context=mp) as executor:
            for _ in range(5):
                executor.submit(time.sleep, 60)

    with pytest.raises(ValueError, match="2 processes of this experiment are alive"):
        within(30, submit)
    assert mp.timeline().alive == 0
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_process_whose_start_was_interrupted_can_be_joined(method, monkeypatch) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.double, args=(1,))

    monkeypatch.setattr(mp.watcher, "_note_start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        process.start()
    monkeypatch.undo()
    within(20, process.join)
    assert process.exitcode == 0


def test_no_start_of_a_pools_worker_waits_for_a_thread_of_ours_or_for_a_sweep(monkeypatch) -> None:
    """Both took a tenth or more of the time until the first result (`bench spawn_startup`)."""
    steps = []

    def noting(step, function):
        def noted(*args):
            steps.append(step)
            return function(*args)

        return noted

    mp = get_context("spawn")
    monkeypatch.setattr(mp.watcher, "_note_start", noting("process", mp.watcher._note_start))
    monkeypatch.setattr(mp.watcher, "_watch", noting("watch", mp.watcher._watch))
    monkeypatch.setattr(folders, "sweep", noting("sweep", folders.sweep))
    with mp.Pool(3):
        until(lambda: "sweep" in steps)
    assert steps == ["process"] * 3 + ["watch", "sweep"]


@pytest.mark.parametrize("method", METHODS)
def test_a_process_whose_start_was_interrupted_before_it_was_noted_is_ended_by_stop(
    method: str, monkeypatch
) -> None:
    mp = get_context(method)
    process = mp.Process(target=time.sleep, args=(60,))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(mp.watcher, "_note_start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            process.start()
    within(30, mp.stop)
    assert process.exitcode not in (None, 0)


@pytest.mark.parametrize("method", METHODS)
def test_the_start_of_a_process_is_noted_although_an_interrupt_came(
    method: str, monkeypatch
) -> None:
    start = BaseProcess.start

    def start_and_interrupt(process: BaseProcess) -> None:
        start(process)
        interrupt()

    mp = get_context(method)
    process = mp.Process(target=workers.double, args=(1,))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(BaseProcess, "start", start_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            process.start()
    within(30, process.join)
    until(lambda: mp.watcher._thread is None)
    (noted,) = mp.timeline().processes
    assert (noted.pid, noted.exitcode) == (process.pid, 0)


def test_a_process_that_cannot_be_started_is_not_owned() -> None:
    mp = get_context("spawn")
    with pytest.raises(TypeError, match="pickle"):
        mp.Process(target=workers.double, args=(threading.Lock(),)).start()
    assert mp.watcher.all_have_ended()
    assert mp.timeline().processes == []
    assert not mp.watcher._watched


# Ends


def test_an_end_is_noticed_while_a_sweep_goes_on(monkeypatch) -> None:
    """There may be much to remove. Meanwhile a pool would replace workers that fail, and fail."""
    swept = threading.Event()
    monkeypatch.setattr(folders, "sweep", swept.wait)
    mp = get_context()
    with mp.Pool(1) as pool:
        result = pool.apply_async(time.sleep, (60,))
        os.kill(pool._pool[0].pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        with pytest.raises(pools.WorkerDied):
            result.get(timeout=30)
    swept.set()


def have_a_child(mp):
    mp.Process(target=square, args=(1,)).start()  # Python joins it when we leave


@pytest.mark.parametrize("method", METHODS)
def test_the_end_of_a_grandchild_is_known_whoever_has_noticed_it(method: str) -> None:
    """Python may fetch the end of a child behind our back, when the child's parent leaves."""
    for _ in range(5):
        mp = get_context(method)
        child = mp.Process(target=have_a_child, args=(mp,))
        child.start()
        child.join()
        assert [process.exitcode for process in mp.timeline().processes] == [0, 0]
