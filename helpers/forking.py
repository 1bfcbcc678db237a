"""Fork where it can do no harm: lesson 01.

A notebook's kernel that forks in a cell becomes two kernels, and both answer (`second_kernel`
shows it). So a script that forks runs in a process of its own, `run_as_in_a_terminal`, and a
function that forks runs in a child of the kernel that never gets back into the kernel's code,
`in_a_fork`.

Windows has no `os.fork`. There `in_a_fork` runs nothing and says so.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

CAN_FORK = hasattr(os, "fork")
NO_FORK = "There is no os.fork on this system. The text below says what you would see on Linux."

DO_FORK = Path(__file__).parent / "programs" / "do_fork.py"
"""The tutorial's fork program, a script."""

DO_FORK_RECORDED = """\
Process (876) start...
I (876) just created a child process (877).
I am child process (877) and my parent is 876.
"""
"""What the tutorial shows of that program, for systems that have no fork."""

LINE_BY_LINE = """
import runpy, sys
sys.stdout.reconfigure(line_buffering=True)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run_as_in_a_terminal(script: Path, seconds: float = 10.0) -> str:
    """Run a Python script in a process of its own and return what it prints.

    Python hands each line on at once when it prints to a terminal, and keeps lines in memory when
    it prints to a file or a pipe. Here it prints to a pipe, and is told to do it line by line.

    Raises subprocess.TimeoutExpired if the script takes longer than `seconds`, and
    subprocess.CalledProcessError if it fails.
    """
    return subprocess.run(
        [sys.executable, "-c", LINE_BY_LINE, script],
        # Unbuffered it would hand on even half a line; and no colours, which are for a terminal.
        env={**os.environ, "PYTHONUNBUFFERED": "", "PYTHON_COLORS": "0"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=True,
    ).stdout


LONGEST = 86_400.0
"""Seconds. The system's own calls refuse to wait for some weeks or more."""


class Forked(NamedTuple):
    """What came of a forked child: its printed lines, its exit code, its pid."""

    lines: list[str]
    exitcode: int | None
    pid: int


def in_a_fork(function: Callable, *args, seconds: float = 10.0) -> Forked:
    """Fork this process, call `function(*args)` in the child, wait for it, say what came of it.

    The child prints into a pipe, so its lines come back instead of getting mixed up with ours. An
    exception in the child is printed there too, and its exit code is 1.

    Args:
        function: what the child runs. It may fork again, and whatever comes out of such a fork
            ends here as well.
        seconds: after so long, and a day at most, the child and all that came from it are killed.

    Returns:
        The lines, the exit code and the pid. Where there is no fork: one line that says so, no
        exit code, and pid 0.

    Raises:
        TypeError: for a `function` that cannot be called.
        ValueError: for a time limit that is no positive number.
        TimeoutError: if the child had to be killed.
    """
    if not callable(function):
        raise TypeError(f"in_a_fork needs a function to call in the child, not {function!r}")
    if not seconds > 0:
        raise ValueError(f"seconds={seconds!r} leaves the child no time; give more than 0")
    if not CAN_FORK:
        return Forked([NO_FORK], None, 0)
    reader, writer = os.pipe()
    # Since Python 3.12 a fork with other threads alive, as in any kernel, is warned of: a thread
    # may hold a lock that nobody in the child will ever release. The time limit is for that.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _be_the_child(writer, function, args)
    os.close(writer)
    try:
        deadline = time.monotonic() + min(seconds, LONGEST)
        printed = _read_to_the_end(reader, deadline)
        exitcode = _exit_code(pid, deadline)
    except BaseException:  # the time is over, or somebody pressed Stop
        _kill(pid)
        raise
    finally:
        os.close(reader)
    return Forked(printed.decode("utf-8", "replace").splitlines(), exitcode, pid)


def _be_the_child(writer, function, args):
    """Run the function and leave. Nothing here may return: above us lies the kernel's own code."""
    exitcode = 1
    try:
        os.environ["PYTHON_COLORS"] = "0"  # a pipe is no terminal, though a kernel says so
        os.setpgid(0, 0)  # a group of our own, so that all that comes from us can be ended at once
        # Line by line: what waits in memory when we fork again would be printed twice.
        sys.stdout = sys.stderr = os.fdopen(writer, "w", buffering=1, encoding="utf-8")
        function(*args)
        exitcode = 0
    except SystemExit as end:
        exitcode = _code_of(end)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(exitcode)


def _code_of(end):
    """The exit code that `sys.exit(...)` asks for: none is 0, and a text is printed and is 1."""
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code)
    return 1


def _read_to_the_end(reader, deadline):
    """Everything written into the pipe, until nobody is left who could write."""
    pieces = []
    while True:
        if not connection.wait([reader], max(0, deadline - time.monotonic())):
            raise TimeoutError("the forked child took too long and was killed")
        piece = os.read(reader, 1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _exit_code(pid, deadline):
    """The child's exit code. It has closed its pipe, so its end is a matter of moments."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            raise TimeoutError("the forked child took too long and was killed")
        time.sleep(0.001)


def _kill(pid):
    """Kill the child with its whole group, and take its exit code, or it would stay a zombie."""
    for kill in (os.killpg, os.kill):  # the child may not have come to its own group yet
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
