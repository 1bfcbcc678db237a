"""Watching an answer: what it returned, that it hangs, that it never ends."""

import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from helpers.exercises import watching
from helpers.timeline import Tasks, Timeline
from tests.support import workers
from tests.support.methods import METHODS


def test_what_an_answer_returns_is_seen() -> None:
    def run(mp):
        print("hello")
        with mp.Pool(2) as pool:
            return pool.map(workers.double, range(3))

    seen = watching.watch(run)
    assert (seen.returned, seen.error, seen.hung, seen.endless) == ([0, 2, 4], None, False, False)
    assert len(seen.timeline.tasks) == 3
    assert "hello" in seen.printed.as_html()


def test_an_error_is_seen_and_not_raised() -> None:
    def run(mp):
        raise SystemExit(3)

    assert isinstance(watching.watch(run).error, SystemExit)


@pytest.mark.parametrize("method", METHODS)
def test_what_nobody_waited_for_is_alive_in_the_timeline(method: str) -> None:
    kept = []

    def run(mp):
        kept.append(mp.Process(target=workers.keep_a_core_busy))
        kept[0].start()

    (process,) = watching.watch(run, method=method).timeline.processes
    assert process.exitcode is None
    kept[0].join()
    assert not kept[0].is_alive(), "the watch ends what the answer has left"


@pytest.mark.parametrize("method", METHODS)
def test_a_hang_is_told_as_it_was_before_anything_was_ended(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "QUIET", 2.0)

    def run(mp):
        event = mp.Event()
        child = mp.Process(target=event.wait)
        child.start()
        child.join()

    seen = watching.watch(run, method=method)
    assert seen.hung
    assert not seen.endless
    assert [process.exitcode for process in seen.timeline.processes] == [None]


def test_a_hang_without_any_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET", 0.5)
    over = threading.Event()
    assert watching.watch(lambda mp: over.wait()).hung
    over.set()


def test_who_computes_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET", 1.0)
    monkeypatch.setattr(watching, "LONGEST", 4.0)

    def run(mp):
        child = mp.Process(target=workers.keep_a_core_busy)
        child.start()
        child.join()

    seen = watching.watch(run)
    assert seen.endless
    assert not seen.hung


def test_an_answer_is_stopped_once_it_is_enough() -> None:
    def run(mp):
        mp.Process(target=workers.keep_a_core_busy).start()
        threading.Event().wait()

    assert watching.watch(run, is_enough=lambda timeline: len(timeline.processes) > 0).endless


def test_an_answer_that_starts_something_for_ever_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "LONGEST", 2.0)

    def run(mp):
        while True:
            child = mp.Process(target=workers.double, args=(1,))
            child.start()
            child.join()

    seen = watching.watch(run, method="fork" if "fork" in METHODS else None)
    assert seen.endless
    assert not seen.hung


def test_each_kind_of_event_counts() -> None:
    nothing = Timeline(Tasks.from_columns([]))
    assert watching.count_events(nothing) == 0
    began = Tasks.from_columns(["f()"], started=[1.0], outcome=[0])
    ended = Tasks.from_columns(["f()"], started=[1.0], finished=[2.0])
    counts = [watching.count_events(Timeline(tasks)) for tasks in (began, ended)]
    assert counts == [1, 2]


def test_an_interrupt_ends_everything(interruptible: None) -> None:
    import signal

    begun = threading.Event()

    def run(mp):
        child = mp.Process(target=workers.keep_a_core_busy)
        child.start()
        run.child = child
        begun.set()
        child.join()

    def interrupt():
        begun.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        watching.watch(run)
    run.child.join()
    assert not run.child.is_alive()


def test_an_answer_that_makes_one_executor_after_another_comes_to_its_end_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def run(mp):
        try:
            while True:
                try:
                    with ProcessPoolExecutor(1, mp_context=mp) as executor:
                        executor.submit(workers.double, 1).result()
                except BrokenProcessPool:
                    continue
        finally:
            over.set()

    seen = watching.watch(run, is_enough=lambda timeline: len(timeline.tasks) > 2)
    assert seen.endless
    assert over.wait(20), "it went on after the stop"
