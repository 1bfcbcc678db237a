"""Statements of lesson 1 that none of its cells can show."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from nbformat.v4 import new_code_cell

from helpers.forking import CAN_FORK, DO_FORK_RECORDED, NO_FORK, in_a_fork
from helpers.parent import folders
from tools import notebooks

LESSON = notebooks.NOTEBOOKS / "01_fork.ipynb"
forks = pytest.mark.skipif(not CAN_FORK, reason="there is no os.fork here")


def run(program: str, *options: str) -> subprocess.CompletedProcess:
    """Run a Python program and return how it ended."""
    return subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=60
    )


@forks
def test_an_orphan_gets_another_parent() -> None:
    def family():
        parent = os.getpid()
        if os.fork():
            os._exit(0)  # the parent ends first
        while os.getppid() == parent:
            time.sleep(0.01)
        print("adopted")

    assert in_a_fork(family).lines == ["adopted"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it on Linux alone")
def test_a_zombie_needs_no_memory() -> None:
    def family():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        print("Vm" in Path(f"/proc/{pid}/status").read_text())  # the lines on its memory
        os.waitpid(pid, 0)

    assert in_a_fork(family).lines == ["False"]


@forks
def test_a_fork_copies_one_thread_and_a_lock_of_another_is_never_released() -> None:
    lock, done = threading.Lock(), threading.Event()

    def hold():
        with lock:
            holding.set()
            done.wait()

    holding = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()

    def child():
        print(psutil.Process().num_threads(), lock.acquire(timeout=0.2))

    try:
        assert in_a_fork(child).lines == ["1 False"]
    finally:
        done.set()
        thread.join()


@forks
def test_a_fork_beside_other_threads_is_warned_of_since_python_3_12() -> None:
    program = """if True:
        import os, threading
        done = threading.Event()
        threading.Thread(target=done.wait).start()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        done.set()
    """
    warned = "DeprecationWarning" in run(program, "-W", "always").stderr
    assert warned == (sys.version_info >= (3, 12))


def test_the_table_of_first_choices_is_right() -> None:
    if sys.platform in ("darwin", "win32"):
        expected = "spawn"
    else:
        expected = "fork" if sys.version_info < (3, 14) else "forkserver"
    said = run("import multiprocessing; print(multiprocessing.get_start_method())").stdout
    assert said.strip() == expected == multiprocessing.get_all_start_methods()[0]


@forks
def test_the_numbers_of_the_signals_are_the_ones_in_the_exit_codes() -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        assert in_a_fork(lambda number=number: os.kill(os.getpid(), number)).exitcode == -number


def test_without_fork_every_cell_says_so_and_none_fails() -> None:
    lesson = notebooks.read(LESSON)
    lesson.cells.insert(0, new_code_cell("import os\nif hasattr(os, 'fork'):\n    del os.fork"))
    outputs = [out for cell in notebooks.executed(lesson).cells for out in cell.get("outputs", [])]
    folders.sweep()  # the logs of that kernel, as the next experiment would do
    printed = "".join(output.get("text", "") for output in outputs)

    assert "this system can fork: False" in printed
    assert "RECORDED, not run" in printed
    assert DO_FORK_RECORDED in printed
    in_forks = sum(cell.source.count("in_a_fork(") for cell in lesson.cells)
    assert printed.count(NO_FORK) == in_forks - 1 > 4  # the one on open files says it in its words
    assert printed.count("There is no os.fork here. On Linux") == 3
    assert "spawned colour: red" in printed
    assert "child, pid " in printed


@forks
def test_a_list_of_objects_is_copied_by_looking_at_it() -> None:
    def private():
        return psutil.Process().memory_full_info().uss

    texts = [str(number) * 20 for number in range(100_000, 200_000)]

    def look():
        before = private()
        held = list(texts)  # one reference more for each, which is counted in the object
        print(private() - before - sys.getsizeof(held) > 5_000_000)

    assert in_a_fork(look).lines == ["True"]
