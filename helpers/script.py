"""Run a whole program in a Python of its own.

Some programs should not run in a notebook's kernel: one that forks, one that shows how Python
ends, or one that never ends. Here they run as a file, as at home, and can be thrown away.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from helpers.parent import sockets

LONGEST_START = 60.0
"""Seconds that a program may take to print the text from which its time limit counts."""

LINE_BY_LINE = """
import sys
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(line_buffering=True, write_through=False)
"""
"""Print each line at once, as into a terminal: so it is not lost if its process is killed, and not
copied by a fork. It is also written as a whole: Python unbuffered would write its end apart, and
another process's line might come between.
"""

WAIT_FOR_FORKS = """
import atexit, contextlib, os
def wait_for_forks():
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
atexit.register(wait_for_forks)
"""
"""End after the forked children, which may have something to print when their parent has not."""


class Run(NamedTuple):
    """The outcome of a program: its output, and its exit code; None if its time was over."""

    stdout: str
    stderr: str
    exitcode: int | None


def run_script(
    source: str,
    *arguments: str,
    timeout: float = 60.0,
    since: str | None = None,
    wait_for_forks: bool = False,
) -> Run:
    """Run a program until it ends, or for `timeout` seconds, and return what came of it.

    The program prints line by line, as into a terminal.

    Args:
        source: the text of the program.
        arguments: what stands behind its name on the command line.
        timeout: after so many seconds it is killed, with all the processes that it has started.
        since: text that the program will print; the time limit counts from then on. So the limit
            of a program that hangs can be short, however slow the machine is to come that far.
        wait_for_forks: whether the program ends only after all the children that it has forked.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        program, stdout, stderr = (Path(folder, name) for name in ("program.py", "out", "err"))
        program.write_text(source, encoding="utf-8")
        path = _path_to(folder, LINE_BY_LINE + WAIT_FOR_FORKS * wait_for_forks)
        # A kernel tells its children to write in colours, which Python does since 3.13.
        settings = {"PYTHONPATH": path, "PYTHON_COLORS": "0"}
        exitcode = None
        # Into files, not pipes: a pipe must be read until the last grandchild has closed it.
        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            process = subprocess.Popen(
                [sys.executable, str(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **_short_temporary_folder(), **settings},
            )
            try:
                if since is not None:
                    _wait_for(since, stdout, process)
                exitcode = process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
            finally:  # after an interrupt too, nothing is left behind
                if exitcode is None:
                    kill_family(process.pid)
                    process.wait()
        return Run(_text(stdout), _text(stderr), exitcode)


def _short_temporary_folder():
    """Return the setting that names another temporary folder, where ours is too long for sockets.

    The program may use plain multiprocessing, which does not look after that itself.
    """
    if not sockets.is_too_long(tempfile.gettempdir()):
        return {}
    return {"TMPDIR": os.path.dirname(sockets.socket_folder())}


def _path_to(folder, first_lines):
    """Return a path for modules on which Python finds lines that it runs at its start."""
    place = Path(folder, "start")
    place.mkdir()
    (place / "sitecustomize.py").write_text(first_lines, encoding="utf-8")
    return os.pathsep.join(filter(None, [str(place), os.environ.get("PYTHONPATH")]))


def _wait_for(text, stdout, process):
    """Wait until a program has printed a text, or has ended."""
    deadline = time.monotonic() + LONGEST_START
    while text not in _text(stdout) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def _text(path):
    """Return what was printed into a file."""
    return path.read_text(encoding="utf-8", errors="replace")


def kill_family(pid: int) -> None:
    """Kill a process, its children, their children, and so on."""
    with contextlib.suppress(psutil.NoSuchProcess):
        oldest = psutil.Process(pid)
        oldest.suspend()  # so that it starts no others while we look
        for process in [*oldest.children(recursive=True), oldest]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
