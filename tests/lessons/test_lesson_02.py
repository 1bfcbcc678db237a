"""Statements of lesson 2 that none of its cells shows, and the helpers that were made for it."""

import math
import multiprocessing
import os
import signal
import sys
import time

import psutil
import pytest

from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.script import run_script
from helpers.tasks import exit_with, long_time_task
from helpers.timeline import Process, Tasks, Timeline, start_ups

posix = pytest.mark.skipif(sys.platform == "win32", reason="there is only spawn on Windows")


def experiment(*methods: str, now: float = 1.0) -> Timeline:
    """Return an experiment with a process by each of these start methods."""
    processes = [
        Process(f"by {method}", 100 + lane, 1, lane, "process", method, 0, 0.2, math.nan, 0.5, 0)
        for lane, method in enumerate(methods, 1)
    ]
    tasks = Tasks.from_columns(["f()"], started=[0.2], finished=[0.5], lane=[1])
    return Timeline(tasks, processes, method=methods[0], workers=len(methods), now=now)


def test_start_ups_give_every_process_a_lane_of_its_own_in_the_order_given():
    together = start_ups(experiment("spawn", "spawn"), experiment("fork"))
    assert [process.lane for process in together.processes] == [1, 2, 3]
    assert [process.name for process in together.processes] == ["by spawn", "by spawn", "by fork"]
    assert together.workers == 3


def test_start_ups_all_begin_at_their_own_zero():
    together = start_ups(experiment("spawn"), experiment("fork", now=9.0))
    assert [(process.asked, process.born, process.ended) for process in together.processes] == [
        (0, 0.2, 0.5)
    ] * 2
    assert together.now == 9.0


def test_start_ups_leave_out_the_tasks_and_so_claim_no_makespan():
    together = start_ups(experiment("spawn"), experiment("spawn"))
    assert len(together.tasks) == 0
    assert "makespan" not in gantt(together).alt


def test_start_ups_name_the_method_only_if_there_is_one():
    assert start_ups(experiment("spawn"), experiment("spawn")).method == "spawn"
    assert start_ups(experiment("spawn"), experiment("fork")).method == ""
    assert "2 processes (fork, spawn)" in gantt(start_ups(experiment("fork", "spawn"))).alt


def test_a_chart_of_start_ups_says_that_each_has_a_zero_of_its_own():
    chart = gantt(start_ups(experiment("spawn"), experiment("fork")))
    assert "2 processes (spawn, fork): each begins at zero" in chart.alt
    assert chart.figure.axes[0].get_xlabel() == "seconds since each process was asked for"
    chart = gantt(experiment("spawn"))
    assert chart.figure.axes[0].get_xlabel() == "seconds since the first process was asked for"


def test_start_ups_of_nothing_are_an_empty_timeline():
    assert start_ups().processes == []


def test_a_script_returns_what_it_printed_and_its_exit_code():
    program = "import sys; print('out', *sys.argv[1:]); print('err', file=sys.stderr); sys.exit(3)"
    assert run_script(program, "a", "b c") == ("out a b c\n", "err\n", 3)


def is_over(pid: int) -> bool:
    """Return whether a killed process ends, which takes the system a moment."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


FOR_EVER = """
import multiprocessing
import os
import time

def sleep():
    print('pid', os.getpid())
    time.sleep(1000)

if __name__ == '__main__':
    p = multiprocessing.get_context({method!r}).Process(target=sleep)
    p.start()
    p.join()
"""


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, marks=() if method == "spawn" else pytest.mark.slow)
        for method in multiprocessing.get_all_start_methods()
    ],
)
def test_a_script_at_its_time_limit_is_killed_with_its_children_and_keeps_its_lines(
    method, monkeypatch
):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    run = run_script(FOR_EVER.format(method=method), timeout=0.5, since="pid")
    assert run.exitcode is None
    assert is_over(int(run.stdout.removeprefix("pid ")))


CHATTER = """
import multiprocessing

def chat(name, together):
    together.wait()
    for _ in range(20000):
        print('I', 'am', name)

if __name__ == '__main__':
    mp = multiprocessing.get_context('spawn')
    together = mp.Barrier(2)
    children = [mp.Process(target=chat, args=(name, together)) for name in 'AB']
    for child in children:
        child.start()
    for child in children:
        child.join()
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_lines_of_two_processes_of_a_script_are_whole(monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    lines = run_script(CHATTER).stdout.splitlines()
    assert (lines.count("I am A"), lines.count("I am B"), len(lines)) == (20000, 20000, 40000)


def test_a_script_does_not_wait_for_a_grandchild_that_holds_its_output_open():
    program = """
import subprocess, sys
p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
print(p.pid)
import os; os._exit(0)
"""
    assert run_script(program).exitcode == 0


def test_a_terminated_child_has_the_exit_code_of_sigterm_on_every_system():
    child = multiprocessing.get_context("spawn").Process(target=long_time_task, args=(4,))
    child.start()
    child.terminate()
    child.join()
    assert child.exitcode == -signal.SIGTERM == -15


@posix
@pytest.mark.parametrize(("asked_for", "kept"), [(3, 3), (255, 255), (256, 0), (300, 44)])
def test_an_exit_code_beyond_255_arrives_as_another(asked_for, kept):
    child = multiprocessing.get_context("spawn").Process(target=exit_with, args=(asked_for,))
    child.start()
    child.join()
    assert child.exitcode == kept


def crash():
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # leave no file behind
    os.abort()


@posix
def test_a_crash_from_inside_shows_up_as_a_signal():
    child = multiprocessing.get_context("spawn").Process(target=crash)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGABRT


@posix
def test_under_forkserver_the_system_names_another_parent():
    program = """
import multiprocessing, os

def tell():
    print(os.getppid(), multiprocessing.parent_process().pid)

if __name__ == '__main__':
    p = multiprocessing.get_context('forkserver').Process(target=tell)
    p.start()
    p.join()
    print(os.getpid())
"""
    server, asked, here = run_script(program).stdout.split()
    assert asked == here != server


@posix
def test_a_forked_child_has_none_of_its_parents_other_threads():
    program = """
import threading
from multiprocessing import get_context

def count():
    print(threading.active_count())

if __name__ == '__main__':
    stop = threading.Event()
    threading.Thread(target=stop.wait).start()
    count()
    p = get_context('fork').Process(target=count)
    p.start()
    p.join()
    stop.set()
"""
    assert run_script(program).stdout.split() == ["2", "1"]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="it is so since Python 3.14")
def test_no_system_forks_by_default():
    assert multiprocessing.get_context().get_start_method() != "fork"


def test_a_plain_pool_replaces_a_worker_that_cannot_find_its_function_and_answers_never():
    program = """
import multiprocessing
import os
import time

del __file__

def greet():
    pass

if __name__ == '__main__':
    pool = multiprocessing.get_context('spawn').Pool(1)
    (first,) = pool._pool
    result = pool.apply_async(greet)
    while first in pool._pool:
        time.sleep(0.01)
    print(result.ready())
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    os._exit(0)
"""
    run = run_script(program)
    assert (run.stdout, run.exitcode) == ("False\n", 0)
    assert "AttributeError" in run.stderr


def test_the_brackets_call_the_function_in_the_parent() -> None:
    mp = get_context()
    called_in = []
    process = mp.Process(target=called_in.append(os.getpid()))
    process.start()
    process.join()
    assert called_in == [os.getpid()]
    assert process.exitcode == 0


def test_run_starts_no_process() -> None:
    mp = get_context()
    called_in = []
    process = mp.Process(target=lambda: called_in.append(os.getpid()))
    process.run()
    assert called_in == [os.getpid()]
    assert process.pid is None
    assert mp.timeline().processes == []
