"""Running experiments in the background: the latest wins, Stop stops, nothing is left behind."""

import _thread
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from time import sleep

import psutil
import pytest

from helpers.observed import get_context
from helpers.runs.runner import (
    INTERRUPTED,
    LEFT_BEHIND,
    OWN_CONTEXT,
    STOPPED,
    Attempt,
    Job,
    Runner,
    Setting,
    is_inside_a_run,
)
from tests.support.within import until

SECONDS = 30


def sleep_long(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(sleep, [60] * workers, chunksize=1)


def sleep_briefly(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(sleep, [0.05] * workers, chunksize=1)


class Watch:
    """A job and what it tells."""

    def __init__(self, run, workers=2):
        self.attempt = Attempt(run, Setting("spawn", {"workers": workers}))
        self.result, self.dropped = None, False
        self.told = threading.Event()
        self.under_way = threading.Event()
        self.job = Job(self.attempt, self._look, self._finish, self._drop)

    def _look(self, timeline):
        if len(timeline.tasks):
            self.under_way.set()

    def _finish(self, result):
        self.result = result
        self.told.set()

    def _drop(self):
        self.dropped = True
        self.told.set()

    def children(self):
        pids = [process.pid for process in self.attempt.context.timeline().processes]
        return [pid for pid in pids if psutil.pid_exists(pid)]


@pytest.fixture
def runner():
    runner = Runner()
    yield runner
    runner.stop()


def test_a_run_is_looked_at_while_it_goes_on_and_told_when_it_is_over(runner):
    def until_looked_at(mp, workers):
        sleep_briefly(mp, workers)
        assert watch.under_way.wait(SECONDS)

    watch = Watch(until_looked_at)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == ""
    assert len(watch.result.timeline.tasks) == 2


def test_a_request_that_nothing_will_follow_starts_at_once(runner, monkeypatch):
    monkeypatch.setattr("helpers.runs.runner.DEBOUNCE", 600.0)
    watch = Watch(sleep_briefly)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == ""


def test_a_request_that_others_may_follow_waits_for_them(runner, monkeypatch):
    monkeypatch.setattr("helpers.runs.runner.DEBOUNCE", 600.0)
    one, other, pressed = Watch(sleep_briefly), Watch(sleep_briefly), Watch(sleep_briefly)
    runner.request(one.job, settle=True)
    runner.request(other.job, settle=True)
    runner.request(pressed.job)
    assert pressed.told.wait(SECONDS)
    assert one.told.wait(SECONDS)
    assert other.told.wait(SECONDS)
    assert (one.dropped, other.dropped, pressed.result.trouble) == (True, True, "")


def test_the_first_process_and_the_first_task_are_looked_at_as_soon_as_they_are_there(
    runner, monkeypatch
):
    """And then no more than one look in each FRAME, however much happens."""
    monkeypatch.setattr("helpers.runs.runner.FRAME", 600.0)

    def until_looked_at(mp, workers):
        sleep_briefly(mp, workers)
        assert watch.under_way.wait(SECONDS)
        sleep_briefly(mp, workers)

    watch = Watch(until_looked_at)
    snapshots = []
    seen = watch.job._replace(
        look=lambda timeline: (snapshots.append(timeline), watch.job.look(timeline))
    )
    runner.request(seen)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == ""
    assert len(watch.result.timeline.tasks) == 4
    first, last = snapshots[0], snapshots[-1]
    assert len(snapshots) <= 2
    assert first.processes
    assert len(last.tasks)


def test_stop_ends_the_run_and_all_its_processes(runner):
    watch = Watch(sleep_long)
    runner.request(watch.job)
    assert watch.under_way.wait(SECONDS)
    runner.stop()
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == STOPPED
    assert watch.children() == []
    assert {task.outcome for task in watch.result.timeline.tasks} == {"lost"}


def test_stop_ends_the_processes_of_a_context_that_the_run_made_itself(runner):
    made, begun = [], threading.Event()

    def run(mp, workers):
        mp = get_context("spawn")
        made.append(mp)
        with mp.Pool(workers) as pool:
            begun.set()
            pool.map(sleep, [60] * workers, chunksize=1)

    watch = Watch(run)
    runner.request(watch.job)
    assert begun.wait(SECONDS)
    runner.stop()
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == STOPPED
    pids = [process.pid for process in made[0].timeline().processes]
    assert len(pids) == 2
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_run_that_makes_a_context_of_its_own_is_told_why_nothing_is_shown():
    def run(mp, workers):
        process = get_context("spawn").Process(target=sleep, args=(0,))
        process.start()
        process.join()

    result = Attempt(run, Setting("spawn", {"workers": 1})).make()
    assert result.trouble == OWN_CONTEXT
    assert get_context("spawn").timeline().processes == [], "no longer adopted"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal of this kind reaches a child there")
@pytest.mark.parametrize("ignored", [False, True], ids=["as in a busy kernel", "as in an idle one"])
def test_an_interrupt_of_one_child_ends_the_run_and_all_its_processes(runner, ignored):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    try:
        watch = Watch(sleep_long)
        runner.request(watch.job)
        assert watch.under_way.wait(SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
    os.kill(watch.attempt.context.timeline().tasks.pid[0], signal.SIGINT)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == INTERRUPTED
    assert watch.result.timeline.interrupts == 1
    assert watch.children() == []


def test_a_keyboard_interrupt_inside_a_run_does_not_leave_its_panel_waiting(runner):
    def broken_off(mp, workers):
        raise KeyboardInterrupt  # as an executor hands it on from a worker

    watch = Watch(broken_off)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == INTERRUPTED


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_is_not_raised_while_the_first_ones_way_out_goes_on(runner):
    """What it may do to a lock there is done here: another error than the KeyboardInterrupt."""

    def interrupted(mp, workers):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            went_on.append(True)
            raise RuntimeError("release unlocked lock") from None

    went_on = []
    attempt = Attempt(interrupted, Setting("spawn", {"workers": 2}))
    result = runner.make_here(attempt)
    assert went_on, "the second interrupt was raised"
    assert (result.trouble, attempt.broken_off) == (INTERRUPTED, True)


@pytest.mark.usefixtures("interruptible")
def test_who_makes_nothing_of_an_interrupt_can_be_interrupted_again(runner, monkeypatch):
    def stubborn(mp, workers):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        went_on.append(True)

    monkeypatch.setattr("helpers.runs.runner.BETWEEN_INTERRUPTS", 0.0)

    went_on = []
    attempt = Attempt(stubborn, Setting("spawn", {"workers": 2}))
    assert runner.make_here(attempt).trouble == INTERRUPTED
    assert not went_on, "the second interrupt was not raised"


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_run_here_also_where_it_wakes_nobody_who_waits(runner, monkeypatch):
    """As on Windows, where ipykernel only leaves word for the main thread."""
    monkeypatch.setattr("helpers.runs.runner.WAKES", False)
    attempt = Attempt(sleep_long, Setting("spawn", {"workers": 2}))

    def interrupt():
        until(lambda: len(attempt.context.timeline().tasks) == 2)
        _thread.interrupt_main()

    threading.Thread(target=interrupt, daemon=True).start()
    result = runner.make_here(attempt)
    assert (result.trouble, attempt.broken_off) == (INTERRUPTED, True)
    assert {task.outcome for task in result.timeline.tasks} == {"lost"}


@pytest.mark.usefixtures("interruptible")
def test_a_run_here_that_is_stuck_is_left_behind_where_nothing_wakes_it(runner, monkeypatch):
    monkeypatch.setattr("helpers.runs.runner.WAKES", False)
    free = threading.Event()

    def stuck(mp, workers):
        _thread.interrupt_main()
        free.wait(SECONDS)

    result = runner.make_here(Attempt(stuck, Setting("spawn", {"workers": 2})))
    free.set()
    assert result.trouble == LEFT_BEHIND


def start_plain(child):
    child.start()
    return child.pid


def fork_a_sleeper():
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    return pid


def start_program():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process.returncode = 0  # nobody waits for it: so no warning about that
    return process


OUTSIDE = {
    "plain": lambda: start_plain(multiprocessing.Process(target=sleep, args=(600,))),
    "ours": lambda: start_plain(get_context("spawn").Process(target=sleep, args=(600,))),
    "subprocess": lambda: start_program().pid,
    "fork": fork_a_sleeper,
}


@pytest.mark.parametrize("how", [name for name in OUTSIDE if name != "fork" or hasattr(os, "fork")])
def test_processes_that_the_run_has_not_started_by_its_context_are_told(runner, how):
    """A stop does not end them: nobody can tell them from those of another cell."""
    before = start_program()
    started, free = [], threading.Event()
    elsewhere = ThreadPoolExecutor(1)  # a context made in the run's own thread would be the run's

    def run(mp, workers):
        started.append(elsewhere.submit(OUTSIDE[how]).result())
        mp.Process(target=sleep, args=(600,)).start()  # which the stop ends
        free.wait(SECONDS)

    watch = Watch(run)
    runner.request(watch.job)
    until(lambda: started and watch.attempt.context.timeline().processes)
    runner.stop()
    assert watch.told.wait(SECONDS)
    assert (watch.result.trouble, watch.result.others) == (LEFT_BEHIND, tuple(started))
    for process in map(psutil.Process, (before.pid, *started)):
        process.kill()
        process.wait(SECONDS)
    free.set()
    elsewhere.shutdown()


def test_the_latest_request_wins_and_earlier_ones_are_given_up(runner):
    running, waiting, latest = Watch(sleep_long), Watch(sleep_long), Watch(sleep_briefly)
    runner.request(running.job)
    assert running.under_way.wait(SECONDS)
    runner.request(waiting.job)
    runner.request(latest.job)
    assert latest.told.wait(SECONDS)
    assert (running.result.trouble, waiting.dropped, latest.result.trouble) == (STOPPED, True, "")
    assert running.children() == []


def test_a_run_that_is_stuck_elsewhere_is_left_behind_and_the_next_one_is_right(runner):
    free = threading.Event()
    started = threading.Event()

    def stuck(mp, workers):
        started.set()
        free.wait(SECONDS)  # nothing of ours: nobody can interrupt it

    watch, after = Watch(stuck), Watch(sleep_briefly)
    runner.request(watch.job)
    assert started.wait(SECONDS)
    runner.stop()
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == LEFT_BEHIND
    assert not watch.attempt.over.is_set()
    runner.request(after.job)
    assert after.told.wait(SECONDS)
    assert after.result.trouble == ""
    free.set()
    assert watch.attempt.over.wait(SECONDS)


def test_what_a_run_left_behind_starts_later_is_refused(runner):
    free, started, refused = threading.Event(), threading.Event(), []

    def late(mp, workers):
        started.set()
        free.wait(SECONDS)
        try:
            mp.Process(target=sleep, args=(60,)).start()
        except Exception as error:
            refused.append(type(error).__name__)

    watch = Watch(late)
    runner.request(watch.job)
    assert started.wait(SECONDS)
    runner.stop()
    assert watch.told.wait(SECONDS)
    free.set()
    assert watch.attempt.over.wait(SECONDS)
    assert refused == ["Stopped"]


def test_a_run_here_stops_the_one_in_the_background_first(runner):
    background = Watch(sleep_long)
    runner.request(background.job)
    assert background.under_way.wait(SECONDS)
    result = runner.make_here(Attempt(sleep_briefly, Setting("spawn", {"workers": 2})))
    assert background.told.wait(SECONDS)
    assert (background.result.trouble, result.trouble) == (STOPPED, "")
    ended = max(process.ended for process in background.result.timeline.processes)
    assert ended <= background.result.timeline.now


def test_an_error_in_the_run_becomes_its_first_line(runner):
    def fails(mp, workers):
        raise ValueError("no such thing\nand more")

    watch = Watch(fails)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == "ValueError: no such thing"


def test_only_one_idle_thread_stays(runner):
    others = threads()  # of other tests' runners; they may end meanwhile
    for _ in range(3):
        watch = Watch(sleep_briefly)
        runner.request(watch.job)
        assert watch.told.wait(SECONDS)
    deadline = time.monotonic() + SECONDS
    while len(threads() - others) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [thread.name for thread in threads() - others] == ["panel runner"]


def threads():
    """Return the threads that runs have left."""
    names = ("experiment", "process watcher", "panel runner")
    return {thread for thread in threading.enumerate() if thread.name in names}


def test_a_stopped_run_whose_joins_come_back_is_told_as_stopped(runner):
    def joins(mp, workers):
        children = [mp.Process(target=sleep, args=(60,)) for _ in range(workers)]
        for child in children:
            child.start()
        for child in children:
            child.join()

    watch = Watch(joins)
    runner.request(watch.job)
    assert watch.under_way.wait(SECONDS)
    runner.stop()
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == STOPPED


def test_an_error_in_what_is_told_does_not_end_the_thread_that_serves_all(runner, capsys):
    watch, after = Watch(sleep_briefly), Watch(sleep_briefly)
    runner.request(watch.job._replace(finish=lambda result: watch.told.set() or 1 / 0))
    assert watch.told.wait(SECONDS)
    runner.request(after.job)
    assert after.told.wait(SECONDS)
    assert after.result.trouble == ""
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_timeline_that_cannot_be_read_becomes_trouble(runner, monkeypatch):
    watch = Watch(sleep_briefly)
    monkeypatch.setattr(watch.attempt, "make", lambda: 1 / 0)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert "ZeroDivisionError" in watch.result.trouble


def test_a_request_that_must_wait_for_the_run_of_a_cell_is_told_so(runner):
    free, waits = threading.Event(), []

    def hangs(mp, workers):
        begun.set()
        free.wait(SECONDS)

    begun = threading.Event()
    attempt = Attempt(hangs, Setting("spawn", {"workers": 1}))
    cell = threading.Thread(target=runner.make_here, args=(attempt,), daemon=True)
    cell.start()
    assert begun.wait(SECONDS)
    watch = Watch(sleep_briefly)
    runner.request(watch.job._replace(wait=waits.append))
    until(lambda: waits == [True], "it was told that it waits")
    free.set()
    assert watch.told.wait(SECONDS)
    cell.join()
    assert waits == [True, False]
    assert watch.result.trouble == ""


# Over must always come


class Own(BaseException):
    """An error that no `except Exception` catches."""


@pytest.mark.parametrize("error", [GeneratorExit("enough"), Own("enough"), MemoryError("enough")])
def test_whatever_a_run_raises_is_its_trouble(runner, error):
    def fails(mp, workers):
        raise error

    said = f"{type(error).__name__}: enough"
    watch = Watch(fails)
    runner.request(watch.job)
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == said
    here = runner.make_here(Attempt(fails, Setting("spawn", {"workers": 2})))
    assert here.trouble == said


async def asynchronous(mp, workers):
    """Such a call runs nothing."""


async def asynchronous_generator(mp, workers):
    yield


@pytest.mark.parametrize("function", [asynchronous, asynchronous_generator])
@pytest.mark.filterwarnings("error")
def test_a_run_that_only_returns_what_could_run_is_told(runner, function):
    attempt = Attempt(lambda mp, workers: function(mp, workers), Setting("spawn", {"workers": 2}))
    trouble = runner.make_here(attempt).trouble
    assert trouble.startswith("TypeError: nothing has run: the call returned a")
    assert trouble.endswith("write a plain function, without async")


def test_a_run_may_return_the_results_of_an_executor(runner):
    def returns_results(mp, workers):
        with ProcessPoolExecutor(workers, mp_context=mp) as executor:
            return executor.map(sleep, [0.01] * workers)

    result = runner.make_here(Attempt(returns_results, Setting("spawn", {"workers": 2})))
    assert (result.trouble, len(result.timeline.tasks)) == ("", 2)


def fail_to_start(monkeypatch, name):
    """Let no thread of this name start, as at a seat's limit of threads."""
    start = threading.Thread.start

    def no_more(thread):
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", no_more)


def test_without_a_thread_for_the_attempt_its_end_is_told(runner, monkeypatch):
    watch, after = Watch(sleep_briefly), Watch(sleep_briefly)
    with monkeypatch.context() as patched:
        fail_to_start(patched, "experiment")
        runner.request(watch.job)
        assert watch.told.wait(SECONDS)
    assert watch.result.trouble == "RuntimeError: can't start new thread"
    runner.request(after.job)
    assert after.told.wait(SECONDS)
    assert after.result.trouble == ""


def test_a_runner_whose_own_thread_could_not_start_can_be_asked_again(runner, monkeypatch):
    watch, after = Watch(sleep_briefly), Watch(sleep_briefly)
    with monkeypatch.context() as patched:
        fail_to_start(patched, "panel runner")
        with pytest.raises(RuntimeError, match="can't start new thread"):
            runner.request(watch.job)
    runner.request(after.job)
    assert after.told.wait(SECONDS)
    assert (after.result.trouble, watch.result, watch.dropped) == ("", None, False)


def test_without_a_thread_to_stop_it_a_run_is_stopped_all_the_same(runner, monkeypatch):
    watch = Watch(sleep_long)
    runner.request(watch.job)
    assert watch.under_way.wait(SECONDS)
    with monkeypatch.context() as patched:
        fail_to_start(patched, "giving up")
        runner.stop()
    assert watch.told.wait(SECONDS)
    assert watch.result.trouble == STOPPED
    assert watch.children() == []


def test_without_a_thread_to_watch_for_interrupts_a_cell_runs_all_the_same(runner, monkeypatch):
    fail_to_start(monkeypatch, "interrupt watcher")
    attempt = Attempt(sleep_briefly, Setting("spawn", {"workers": 2}))
    assert runner.make_here(attempt).trouble == ""


def test_a_run_that_can_no_longer_be_read_is_ended_and_told(runner, monkeypatch):
    watch = Watch(sleep_long)
    runner.request(watch.job)
    assert watch.under_way.wait(SECONDS)
    children = watch.children()
    with monkeypatch.context() as patched:
        patched.setattr(watch.attempt.context, "timeline", no_memory)
        assert watch.told.wait(SECONDS)
    assert watch.result.trouble.startswith("MemoryError")
    assert children
    until(lambda: not any(psutil.pid_exists(pid) for pid in children), "the children had gone")


def no_memory():
    raise MemoryError


def test_a_run_can_be_told_from_what_is_none(runner):
    found = []
    runner.make_here(
        Attempt(
            lambda mp, workers: found.append(is_inside_a_run()), Setting("spawn", {"workers": 1})
        )
    )
    assert found == [True]
    assert not is_inside_a_run()
