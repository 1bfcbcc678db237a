"""Fork where it can do no harm: lesson 01.

A notebook's kernel that forks in a cell becomes two kernels, and both answer (`second_kernel`
shows it). So a script that forks runs in a process of its own (`run_script`), and a function that
forks runs in a child of the kernel that never gets back into the kernel's code (`in_a_fork`).

Windows has no `os.fork`. There `in_a_fork` runs nothing and says so.
"""

import contextlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

from helpers.child.interrupts import put_off_interrupts
from helpers.child.streams import refuse_front_end_input

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

LONGEST = 86_400.0
"""Seconds, the longest time limit: the system's own calls refuse to wait for several weeks."""


class Forked(NamedTuple):
    """The outcome of a forked child: its printed lines, its exit code, its pid."""

    lines: list[str]
    exitcode: int | None
    pid: int


def in_a_fork(function: Callable, *args, seconds: float = 10.0) -> Forked:
    """Fork this process, call `function(*args)` in the child, and return what came of the child.

    The child prints into a pipe, so its lines come back instead of getting mixed up with ours. An
    exception in the child is printed there too, and its exit code is 1.

    Args:
        function: what the child calls. It may fork again, and such a grandchild ends where the
            function ends, too.
        seconds: the time limit, a day at most. After it the child and its descendants are killed.

    Returns:
        The lines, the exit code and the pid. Where there is no `os.fork`: one line that says so,
        no exit code, and pid 0.

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
    # Since Python 3.12 a fork with other threads alive, as in any kernel, draws a warning: a thread
    # may hold a lock that nothing in the child will ever release. The time limit is for that.
    pid = None
    try:
        with put_off_interrupts(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
            if pid == 0:
                _be_the_child(writer, function, args)
            os.close(writer)
        deadline = time.monotonic() + min(seconds, LONGEST)
        printed = _read_to_the_end(reader, deadline)
        exitcode = _exit_code(pid, deadline)
    except BaseException:  # the time is over, or the student pressed Stop
        if pid:
            _kill(pid)
        raise
    finally:
        os.close(reader)
    return Forked(printed.decode("utf-8", "replace").splitlines(), exitcode, pid)


def _be_the_child(writer, function, args):
    """Call the function and leave. Nothing here may return: the kernel's own code has called us."""
    exitcode = 1
    try:
        os.environ["PYTHON_COLORS"] = "0"  # a pipe is no terminal, though a kernel says so
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setpgid(0, 0)  # a group of its own, so that all its processes can be killed at once
        # Line by line: what waits in memory at another fork would be printed twice.
        sys.stdout = sys.stderr = os.fdopen(writer, "w", buffering=1, encoding="utf-8")
        refuse_front_end_input()
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
    """Return the exit code that `sys.exit(...)` asks for: 0 for None; 1 for a text, printed."""
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code)
    return 1


def _read_to_the_end(reader, deadline):
    """Return all that is written into the pipe, until every process has closed its end."""
    pieces = []
    while True:
        if not connection.wait([reader], max(0, deadline - time.monotonic())):
            raise TimeoutError("the forked child took too long and was killed")
        piece = os.read(reader, 1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _exit_code(pid, deadline):
    """Return the child's exit code. The child has closed its pipe, so it ends in a moment."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            raise TimeoutError("the forked child took too long and was killed")
        time.sleep(0.001)


def _kill(pid):
    """Kill the child with its whole group, and wait for it, or it would stay a zombie."""
    for kill in (os.killpg, os.kill):  # the child may not have made its own group yet
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
