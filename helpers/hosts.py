"""Start a Dask cluster whose scheduler and workers are programs of their own, as on other machines.

Here they all run on this machine and reach each other by 127.0.0.1. The commands are the ones that
you would type on each of several machines, with one thread for each worker; only the names of the
hosts are invented.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path

from helpers.programs import dask_worker

ON_LOOPBACK = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
"""Options of both programs: only this machine can reach them, and the system chooses the ports."""

SECONDS_TO_JOIN = 60.0
"""A worker or a client that has not found the scheduler by then gives up."""


class Hosts:
    """A scheduler and the workers that join it.

    They end with `close()`, with this object, or after an hour.

    Args:
        allowed_failures: how many workers may be lost with the same task before Dask gives it up.
    """

    def __init__(self, allowed_failures: int = 3):
        self._folder = tempfile.TemporaryDirectory(prefix="dask-", ignore_cleanup_errors=True)
        self._contact = Path(self._folder.name, "scheduler.json")
        self._programs: list[subprocess.Popen] = []
        self._end = weakref.finalize(self, _end_all, self._programs, self._folder)
        settings = {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
            "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": str(dask_worker.MOST_EVENTS),
        }
        self._start("scheduler", "--port", "0", environment=settings)

    @property
    def address(self) -> str:
        """The address of the scheduler, such as `tcp://127.0.0.1:8786`."""
        deadline = time.monotonic() + SECONDS_TO_JOIN
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):  # not there yet, or not complete
                return json.loads(self._contact.read_text(encoding="utf-8"))["address"]
            time.sleep(0.02)
        raise TimeoutError(f"the scheduler has not said its address within {SECONDS_TO_JOIN:.0f} s")

    def add_worker(self, host: str) -> subprocess.Popen:
        """Start a worker that gives `host` as the name of its host, and return its program."""
        name = f"{host}-{len(self._programs)}"
        options = ["--name", name, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
        options += ["--death-timeout", str(SECONDS_TO_JOIN)]
        return self._start("worker", *options, environment={dask_worker.HOST: host})

    def _start(self, command, *options, environment):
        """Start `dask scheduler` or `dask worker`, and return the program."""
        python, environment_of_python = _this_python()
        program = subprocess.Popen(
            [
                *(python, "-m", f"distributed.cli.dask_{command}", *options, *ON_LOOPBACK),
                *("--scheduler-file", str(self._contact)),
                *("--preload", dask_worker.__name__),
            ],
            stdin=subprocess.PIPE,  # the program ends when our end is closed
            start_new_session=True,  # an interrupt of the kernel must not reach other hosts
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={
                **os.environ,
                **environment_of_python,
                "DASK_TEMPORARY_DIRECTORY": self._folder.name,
                **environment,
            },
        )
        self._programs.append(program)
        return program

    def close(self) -> None:
        """End the programs that still run, and remove the temporary folder."""
        self._end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _this_python():
    """Return the Python to start, and the variables that it needs in its environment.

    In a virtual environment on Windows `sys.executable` only starts another Python, under another
    pid, and waits for it. So that other Python is started directly, as multiprocessing does.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    if sys.platform == "win32" and base != sys.executable:
        return base, {"__PYVENV_LAUNCHER__": sys.executable}
    return sys.executable, {}


def _end_all(programs, folder):
    """Kill the programs, the scheduler last, and remove the folder."""
    for program in reversed(programs):
        with contextlib.suppress(OSError):
            program.kill()
        program.stdin.close()
        program.wait()
    folder.cleanup()
