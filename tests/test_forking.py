"""A fork in a notebook does no harm: the child comes to an end, and its lines come home."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings

import psutil
import pytest

from helpers import forking
from helpers.forking import DO_FORK, DO_FORK_RECORDED, in_a_fork
from helpers.script import run_script
from tests.support.within import is_gone

forks = pytest.mark.skipif(not forking.CAN_FORK, reason="there is no os.fork here")


@forks
def test_what_the_child_prints_comes_back_line_by_line() -> None:
    def child():
        print("first")
        print("second", file=sys.stderr)
        print("third, no end of line", end="")

    came = in_a_fork(child)
    assert came.lines == ["first", "second", "third, no end of line"]
    assert came.exitcode == 0


@forks
def test_the_child_is_another_process_with_a_memory_of_its_own() -> None:
    numbers = [1]

    def child(value):
        numbers.append(value)
        print(os.getpid(), os.getppid(), numbers)

    came = in_a_fork(child, 2)
    assert came.lines == [f"{came.pid} {os.getpid()} [1, 2]"]
    assert numbers == [1]


@forks
def test_an_exception_in_the_child_comes_back_as_text() -> None:
    came = in_a_fork(lambda: 1 / 0)
    assert came.lines[-1] == "ZeroDivisionError: division by zero"
    assert came.exitcode == 1


@forks
@pytest.mark.parametrize(
    ("leave", "exitcode"),
    [
        (lambda: os._exit(7), 7),
        (lambda: sys.exit(3), 3),
        (lambda: sys.exit(), 0),
        (lambda: sys.exit("no"), 1),
        (lambda: sys.exit(259), 3),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -9),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -15),
    ],
)
def test_the_exit_code_is_the_childs(leave, exitcode: int) -> None:
    def child():
        print("a line that was printed before")
        leave()

    came = in_a_fork(child)
    assert came.exitcode == exitcode
    assert came.lines[0] == "a line that was printed before"


PROGRAM = """
import os, sys
from helpers.forking import in_a_fork

def greet():
    os.fork()
    os.fork()
    print("hello")
    {leave}

try:
    print("lines:", in_a_fork(greet).lines.count("hello"), flush=True)
finally:
    print("here lies the caller's own code", flush=True)
"""


@forks
@pytest.mark.parametrize("leave", ["return", "sys.exit(5)", "raise ValueError('boom')", "os.abort"])
def test_nobody_but_the_caller_gets_back_into_the_callers_code(leave: str) -> None:
    program = PROGRAM.format(leave=leave)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "lines: 4\nhere lies the caller's own code\n"


@forks
def test_what_takes_too_long_is_killed_with_all_that_came_from_it(tmp_path) -> None:
    def child():
        os.fork()
        (tmp_path / str(os.getpid())).touch()
        time.sleep(30)

    with pytest.raises(TimeoutError, match="was killed"):
        in_a_fork(child, seconds=1)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert pids
    assert all(is_gone(pid) for pid in pids)


@forks
def test_a_child_that_lets_go_of_its_pipe_and_lives_on_is_killed_too() -> None:
    def child():
        os.closerange(3, 256)
        time.sleep(30)

    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(TimeoutError, match="was killed"):
        in_a_fork(child, seconds=0.2)
    assert {child.pid for child in psutil.Process().children()} <= before  # killed, and reaped


@forks
def test_stop_ends_the_child(tmp_path) -> None:
    def child():
        (tmp_path / str(os.getpid())).touch()
        parent = psutil.Process(os.getppid())
        for _ in range(100):  # until it waits for us
            if parent.status() == psutil.STATUS_SLEEPING:
                break
            time.sleep(0.01)
        parent.send_signal(signal.SIGUSR1)
        time.sleep(30)

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_a_fork(child, seconds=60)
    finally:
        signal.signal(signal.SIGUSR1, before)
    (path,) = tmp_path.iterdir()
    assert is_gone(int(path.name))


@forks
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("moment", ["before", "after_in_parent"])
def test_an_interrupt_in_the_moment_of_the_fork_ends_the_child(tmp_path, moment: str) -> None:
    """Python swallows what a callback of `os.fork` raises, and goes on with half of it done."""
    armed, done, path = [True], [], tmp_path / "done"

    def callback() -> None:
        if armed:
            armed.clear()
            signal.raise_signal(signal.SIGINT)
            done.append(moment)

    def write_late() -> None:
        time.sleep(1)
        path.touch()

    before = psutil.Process().children()
    os.register_at_fork(**{moment: callback})
    with pytest.raises(KeyboardInterrupt):
        in_a_fork(write_late)
    assert done == [moment], "the callback went to its end"
    assert psutil.Process().children() == before
    assert not path.exists()


@forks
def test_no_file_stays_open_and_no_zombie_stays() -> None:
    me = psutil.Process()
    before = me.num_fds()
    for function in (print, lambda: 1 / 0, lambda: os._exit(1)):
        in_a_fork(function)
    assert me.num_fds() == before
    assert psutil.STATUS_ZOMBIE not in [child.status() for child in me.children()]


@forks
def test_a_fork_beside_other_threads_is_not_warned_of() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert in_a_fork(print, "fine").lines == ["fine"]
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("function", [None, 3, "print"])
def test_what_cannot_be_called_is_refused(function) -> None:
    with pytest.raises(TypeError, match="needs a function"):
        in_a_fork(function)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_limit_that_leaves_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="give more than 0"):
        in_a_fork(print, seconds=seconds)


def test_without_fork_nothing_runs_and_one_line_says_so(monkeypatch) -> None:
    monkeypatch.setattr(forking, "CAN_FORK", False)
    assert in_a_fork(pytest.fail, "it ran") == ([forking.NO_FORK], None, 0)


# Scripts


def without_pids(text: str) -> list[str]:
    """Return the lines, sorted, without pids."""
    return sorted(re.sub(r"\d+", "PID", text).splitlines())


@forks
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_tutorials_program_prints_what_the_tutorial_shows(monkeypatch, unbuffered: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    printed = run_script(DO_FORK.read_text("utf-8"), wait_for_forks=True).stdout
    assert printed.startswith("Process (")
    assert without_pids(printed) == without_pids(DO_FORK_RECORDED)


@forks
def test_a_forked_child_that_prints_late_is_waited_for() -> None:
    late = "import os, time\nif os.fork() == 0: time.sleep(0.5)\nprint('done')\n"
    assert run_script(late, wait_for_forks=True) == ("done\ndone\n", "", 0)


def test_a_script_that_fails_or_takes_too_long_tells_so() -> None:
    failed = run_script("1 / 0", wait_for_forks=True)
    assert failed.exitcode == 1
    assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")
    endless = "import time; print('so far'); time.sleep(600)"
    stopped = run_script(endless, timeout=0.5, since="so far", wait_for_forks=True)
    assert stopped == ("so far\n", "", None)
