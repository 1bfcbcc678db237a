"""Observed contexts: which one there is, what `stop` ends, what is kept."""

import threading

import psutil
import pytest

from helpers.observed import Stopped, get_context
from tests.support import workers
from tests.support.methods import AVAILABLE, METHODS
from tests.support.within import within

# Which context


def test_without_a_name_the_method_is_spawn(monkeypatch) -> None:
    monkeypatch.delenv("START_METHOD", raising=False)
    assert get_context().get_start_method() == "spawn"
    monkeypatch.setenv("START_METHOD", "")
    assert get_context().get_start_method() == "spawn"


@pytest.mark.parametrize("method", AVAILABLE)
def test_the_environment_names_the_default(monkeypatch, method: str) -> None:
    monkeypatch.setenv("START_METHOD", method)
    assert get_context().get_start_method() == method
    assert get_context("spawn").get_start_method() == "spawn"


@pytest.mark.parametrize("wrong", ["teleport", "", "Spawn", 5, True, []])
def test_an_unknown_method_is_refused_with_the_list_of_those_there_are(wrong) -> None:
    with pytest.raises(ValueError, match="choose one of ") as caught:
        get_context(wrong)
    assert repr(wrong) in str(caught.value)
    assert all(method in str(caught.value) for method in AVAILABLE)


def test_an_unknown_method_in_the_environment_is_said_to_be_there(monkeypatch) -> None:
    monkeypatch.setenv("START_METHOD", "teleport")
    with pytest.raises(ValueError, match="environment variable START_METHOD"):
        get_context()


@pytest.mark.parametrize("method", AVAILABLE)
def test_the_child_says_itself_how_it_was_started(method: str) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    assert mp.timeline().processes[0].method == method


# Stop


@pytest.mark.parametrize("method", METHODS)
def test_stop_ends_everything_and_fails_what_is_pending(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun, ends = tmp_path / "begun", []

    def run() -> None:
        with mp.Pool(2) as pool:
            results = [pool.apply_async(workers.touch_and_sleep, (str(begun),)) for _ in range(5)]
            for use in (results[-1].get, lambda: pool.map(workers.double, [1]), mp.Queue().get):
                try:
                    use()
                except BaseException as error:
                    ends.append(error)

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    workers.wait_for(begun)
    within(30, mp.stop)
    within(30, runner.join)
    assert [type(error) for error in ends] == [Stopped] * 3
    timeline = mp.timeline()
    assert not any(psutil.pid_exists(process.pid) for process in timeline.processes)
    assert {task.outcome for task in timeline.tasks} == {"lost"}
    assert mp.timeline() is timeline, "what happened before the stop stays as it was"
    within(30, mp.stop)


def test_after_stop_nothing_starts() -> None:
    mp = get_context("spawn")
    mp.stop()
    for use in (lambda: mp.Pool(1), mp.Process(target=workers.double, args=(1,)).start):
        with pytest.raises(Stopped, match="get_context"):
            use()


def test_stop_frees_who_waits_for_a_queue() -> None:
    mp = get_context("spawn")
    full, empty = mp.Queue(1), mp.Queue()
    full.put(1)
    ends = []

    def wait(use, *args) -> None:
        try:
            use(*args)
        except BaseException as error:
            ends.append(type(error))

    waiting = [
        threading.Thread(target=wait, args=args, daemon=True)
        for args in ((full.put, 2), (empty.get,))
    ]
    for thread in waiting:
        thread.start()
    mp.stop()
    for thread in waiting:
        within(30, thread.join)
    assert ends == [Stopped] * 2


def outer(mp, begun) -> None:
    with mp.Pool(2) as pool:
        pool.apply(workers.touch_and_sleep, (begun,))


@pytest.mark.parametrize("method", METHODS)
def test_stop_ends_the_children_of_children(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun = str(tmp_path / "begun")
    mp.Process(target=outer, args=(mp, begun)).start()
    workers.wait_for(begun)
    mp.stop()
    timeline = mp.timeline()
    assert len(timeline.processes) == 3
    assert timeline.alive == 0
    assert {task.outcome for task in timeline.tasks} == {"lost"}


# What is kept


def test_of_a_run_that_is_over_nothing_but_the_timeline_is_kept():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.apply(abs, (-1,))
        mp.timeline()
        assert mp._history._reader is not None  # while it goes on, only what is new is read
    mp.timeline()
    assert mp._history._reader is None
    process = mp.Process(target=abs, args=(-2,))
    process.start()
    process.join()
    assert list(mp.timeline().tasks.calls) == ["abs(-1)", "abs(-2)"]
