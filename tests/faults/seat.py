"""A student's seat: a real kernel, driven as JupyterLab drives it, and all that it has started.

A process of the kernel is found again by a mark in its environment, which every child inherits, and
by the pid and the start time under which it was once seen. Semaphores are found by their names.
"""

import contextlib
import os
import queue
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from jupyter_client import KernelManager

from helpers.parent import folders
from tests.support.methods import AVAILABLE
from tests.support.within import until

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "PLAIN_SIGHT_SEAT"
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Helpers of the standard library: they live as long as the process that they serve."""

QUICK = pytest.mark.parametrize(
    "method",
    ["spawn", *(pytest.param(m, marks=pytest.mark.slow) for m in AVAILABLE if m != "spawn")],
    scope="module",
)
"""An event that is tried under spawn by default, and under every method with CI=true."""
WHOLE = pytest.mark.parametrize(
    "method",
    [pytest.param(m, marks=pytest.mark.slow) for m in sorted(AVAILABLE, key="spawn".__ne__)],
    scope="module",
)
"""An event that is tried with CI=true only."""

LIMIT = 60
"""Seconds after which a test speaks of a hang: far beyond what a slow machine needs."""

GONE = 3
"""Seconds after which no child may be left: our promise."""

FORGOTTEN = 10
"""Seconds for an object to go after its last name has gone: far beyond what it takes."""

SHARED_MEMORY = Path("/dev/shm")

PREAMBLE = """
import gc, os, signal, sys, time
import multiprocessing.process, multiprocessing.shared_memory
multiprocessing.process.current_process()._config["semprefix"] = {prefix!r}
multiprocessing.shared_memory._SHM_NAME_PREFIX = {prefix!r}
from helpers.observed import get_context
from tests.support import workers
"""

NEXT_RUN = """
def next_run():
    mp = get_context()
    with mp.Pool(2) as pool:
        results = pool.map(workers.double, range(5), chunksize=1)
    timeline = mp.timeline()
    calls = sorted((task.call, task.outcome) for task in timeline.tasks)
    whole = all(task.submitted <= task.started <= task.finished for task in timeline.tasks)
    codes = [process.exitcode for process in timeline.processes]
    print(results, calls, whole, codes.count(None), timeline.lost_events, timeline.alive)
next_run()
"""
RIGHT = f"{[2 * n for n in range(5)]} {[(f'double({n})', 'returned') for n in range(5)]} True 0 0 0"

FORGET = """
sys.last_value = sys.last_traceback = sys.last_exc = get_ipython().InteractiveTB.tb = None
gc.collect();
"""
"""Code that drops the last error, whose frames keep alive what was made in them."""


class Said(NamedTuple):
    """What a student reads below a cell: printed text and an error."""

    printed: str
    warned: str
    error: str
    traceback: str


class Seat:
    """A kernel with a temporary folder of its own; `method` is its default start method."""

    def __init__(self, method: str, folder: Path | None = None) -> None:
        self.method = method
        self.folder = Path(folder or tempfile.mkdtemp(prefix="s-"))  # sockets need short names
        self.mark = f"{os.getpid()}-{time.time_ns()}"
        self.prefix = f"/fault{time.time_ns() % 10**10}"
        self.seen: set[psutil.Process] = set()
        self._log = (self.folder / "kernel.log").open("a")
        self.start()

    def start(self) -> None:
        """Start a kernel, or another one in the same place after the first was shut down."""
        self.manager = KernelManager(connection_file=str(self.folder / "kernel.json"))
        self.manager.start_kernel(
            env={
                **os.environ,
                MARK: self.mark,
                "START_METHOD": self.method,
                "IPYTHONDIR": str(self.folder / "ipython"),
                "PYTHONPATH": str(ROOT),
                **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.folder)),
            },
            stdout=self._log,
            stderr=self._log,
        )
        self._connect()

    def _connect(self):
        self.kernel = psutil.Process(self.manager.provisioner.pid)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)
        assert self.run(PREAMBLE.format(prefix=self.prefix)).error == ""

    # Cells

    def run(self, code: str) -> Said:
        """Run a cell to its end."""
        return self.read(self.send(code))

    def send(self, code: str) -> str:
        """Begin to run a cell; `read` returns what it says."""
        return self.client.execute(code)

    def read(self, cell: str) -> Said:
        """Return what a cell has said when it is over; fail if it does not end."""
        said = {"stdout": [], "stderr": []}
        error, traceback = "", ""
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                self.restart(now=True)  # for the following tests
                raise AssertionError(f"no end of the cell after {LIMIT} seconds") from None
            content, kind = message["content"], message["msg_type"]
            if message["parent_header"].get("msg_id") != cell:
                continue
            if kind == "stream":
                said[content["name"]].append(content["text"])
            elif kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
                traceback = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                return Said("".join(said["stdout"]), "".join(said["stderr"]), error, traceback)

    def value(self, expression: str) -> str:
        """Return the value of an expression as text."""
        said = self.run(f"print({expression})")
        assert said.error == "", said
        return said.printed.strip()

    def click(self, button: str) -> None:
        """Press a button of the panel, named by an expression, as the page does."""
        self._tell(button, {"method": "custom", "content": {"event": "click"}})

    def move(self, control: str, value: object) -> None:
        """Give a control of the panel a value, as the page does."""
        self._tell(control, {"method": "update", "state": {"value": value}, "buffer_paths": []})

    def _tell(self, widget, data):
        model = self.value(f"{widget}.model_id")
        message = self.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        self.client.shell_channel.send(message)

    # The kernel's life

    def interrupt(self) -> None:
        """Interrupt the kernel, as JupyterLab's button with the square does."""
        self.manager.interrupt_kernel()

    def restart(self, now: bool = False) -> None:
        """Restart the kernel, as the button with the circle does; `now` if it does not answer."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=now)
        self._connect()

    def shut_down(self) -> None:
        """Shut the kernel down as JupyterLab does: ask it, and kill it if it does not end."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    def kill(self) -> None:
        """Kill the kernel alone, as the system does when memory runs out."""
        self.kernel.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self.kernel.wait(LIMIT)

    def close(self) -> None:
        """End everything."""
        self.client.stop_channels()
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)
        for process in self.children(self.family()):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What came of it

    def family(self) -> set[psutil.Process]:
        """Return every living process that came from this seat's kernels, and remember them."""
        self.seen |= {process for process in psutil.process_iter() if self._is_ours(process)}
        return {process for process in self.seen if _is_alive(process)}

    def children(self, family: set[psutil.Process]) -> list[psutil.Process]:
        """Return the processes of a family that must end: all but the kernel and its helpers."""
        return [
            process for process in family if process != self.kernel and not self._serves(process)
        ]

    def _is_ours(self, process):
        with contextlib.suppress(psutil.Error, OSError):
            return process.environ().get(MARK) == self.mark
        return False

    def _serves(self, process):
        with contextlib.suppress(psutil.Error, OSError):
            command = " ".join(process.cmdline())
            helps = any(helper in command for helper in HELPERS)
            return helps and process.ppid() == self.kernel.pid and _is_alive(self.kernel)
        return False

    def shared_memory(self) -> list[str]:
        """Return the semaphores and blocks of shared memory that came from this seat."""
        if not SHARED_MEMORY.is_dir():
            return []
        names = [entry.name for entry in SHARED_MEMORY.iterdir()]
        pids = "|".join(str(process.pid) for process in self.seen) or "none"
        ours = re.compile(rf"(sem\.)?{self.prefix[1:]}.*|pym-({pids})-.*")
        return [name for name in names if ours.fullmatch(name)]

    def log_folders(self) -> list[str]:
        """Return the log folders in this seat's temporary folder."""
        return [path.name for path in self.folder.glob(f"{folders.PREFIX}*")]

    def errors(self) -> str:
        """Return the kernel's own standard error, which the server's terminal shows."""
        lines = (self.folder / "kernel.log").read_text().splitlines()
        return "\n".join(line for line in lines if line and "running over TCP" not in line)


def nobody_is_left(seat: Seat) -> None:
    """Check that no child is alive after the promised time."""
    deadline = time.monotonic() + GONE
    while left := seat.children(seat.family()):
        names = [f"{process.pid} {_command(process)}" for process in left]
        assert time.monotonic() < deadline, f"alive after {GONE} seconds: {names}"
        time.sleep(0.05)


def all_is_well(seat: Seat) -> None:
    """Check what holds after every event, when there is a kernel (again)."""
    nobody_is_left(seat)
    assert seat.run("print(6 * 7)").printed == "42\n", "the kernel does not answer"
    assert seat.run(NEXT_RUN) == Said(RIGHT + "\n", "", "", ""), "the next run"
    nobody_is_left(seat)
    deadline = time.monotonic() + FORGOTTEN
    while left := forgotten(seat):
        assert time.monotonic() < deadline, f"left after {FORGOTTEN} seconds: {left}"


def forgotten(seat: Seat) -> list[str]:
    """Return what is left of objects that have no name in the kernel any more."""
    assert seat.run(FORGET) == Said("", "", "", "")
    return seat.shared_memory() + seat.log_folders()


def nothing_is_left_at_all(seat: Seat) -> None:
    """Check that nothing is left after the kernel's end, not even its helpers."""
    deadline = time.monotonic() + GONE
    while left := seat.family():
        assert time.monotonic() < deadline, f"alive after {GONE} seconds: {left}"
        time.sleep(0.05)
    until(lambda: not seat.shared_memory(), "no shared memory is left", GONE)


def reads_one_sentence(said: Said, error: str) -> None:
    """Check that a student reads one error, whose text matches, and no flood around it."""
    assert re.fullmatch(error, said.error), said
    assert said.warned == "", said.warned
    assert said.traceback.count("Traceback (most recent call last)") <= 1, said.traceback


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "?"


def _is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
