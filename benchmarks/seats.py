"""Measure a whole class on one machine: many kernels at once, each running lesson 3 to its end.

All of them share one temporary folder, as on a hub's machine, so each sees the others' log folders
when it sweeps, and none may take another's children or logs for somebody's who is dead.
"""

import contextlib
import functools
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from nbclient import NotebookClient
from traitlets.config import Config

from benchmarks.measure import NotHere, figure

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "03_pool.ipynb"
SEATS = 30
PATIENCE = 600
"""Seconds that a kernel may take to start, and a cell to end: thirty of them share the cores."""

MEMORY_OF_A_SEAT = 250e6
"""Bytes that must be free for each seat: on a machine that swaps, the figures mean nothing."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the memory: looks have a cost, too."""


class Class(NamedTuple):
    """The result: how long all took, what went wrong, and each seat's peak memory in bytes."""

    seconds: float
    errors: list[str]
    peaks: list[int]


def hold_class(seats: int) -> Class:
    """Run the lesson in that many kernels at once."""
    with tempfile.TemporaryDirectory(prefix="s-") as folder:  # names of sockets must be short
        return _hold_class(seats, Path(folder))


def _hold_class(seats, folder):
    notebook = nbformat.read(LESSON, as_version=4)
    clients = [_client(notebook, folder / str(seat)) for seat in range(seats)]
    peaks, over = [0] * seats, threading.Event()
    watch = threading.Thread(target=_watch, args=(clients, peaks, over))
    began = time.perf_counter()
    watch.start()
    try:
        with ThreadPoolExecutor(seats) as everybody:
            errors = list(everybody.map(_run, clients))
        return Class(time.perf_counter() - began, list(filter(None, errors)), peaks)
    finally:
        over.set()
        watch.join()


def _client(notebook, sockets):
    """Return what runs the lesson, in a kernel that is reached through files where they can do it.

    A port is chosen before the kernel opens it. With 150 ports for kernels that take long to
    start, now and then one is in other hands by then, and its client waits for ever.
    """
    config = Config()
    if os.name == "posix":
        config.KernelManager.transport, config.KernelManager.ip = "ipc", str(sockets)
    return NotebookClient(
        nbformat.from_dict(notebook),
        timeout=PATIENCE,
        startup_timeout=PATIENCE,
        config=config,
        resources={"metadata": {"path": str(LESSON.parent)}},
    )


def _run(client):
    """Run the lesson; return what went wrong, or nothing."""
    try:
        client.execute(stderr=subprocess.DEVNULL)  # where kernels print how they are reached
    except Exception as error:  # of this seat: the others go on
        return f"{type(error).__name__}: {error}"
    return ""


def _watch(clients, peaks, over):
    """Note the peak memory of each kernel with all its children, until the run is over."""
    while not over.wait(LOOK_EVERY):
        for seat, client in enumerate(clients):
            peaks[seat] = max(peaks[seat], _memory_of(client))


def _memory_of(client):
    """Return the bytes that a kernel and its children hold; shared memory counts for each."""
    total = 0
    with contextlib.suppress(psutil.Error, AttributeError):  # it has not begun, or has ended
        kernel = psutil.Process(client.km.provisioner.pid)
        for process in (kernel, *kernel.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def seats_with_room() -> int:
    """Return for how many seats the free memory is enough, at most `SEATS`."""
    return min(SEATS, int(psutil.virtual_memory().available // MEMORY_OF_A_SEAT))


@functools.cache
def _thirty():
    if seats_with_room() < SEATS:
        raise NotHere(f"{SEATS} seats need {SEATS * MEMORY_OF_A_SEAT / 1e9:.0f} GB of free memory")
    held = hold_class(SEATS)
    if held.errors:
        raise RuntimeError(f"{len(held.errors)} of {SEATS} seats failed: {held.errors[0]}")
    return held


@figure(f"{SEATS} kernels at once run lesson 3, until the last is done", "s")
def seats() -> list[float]:
    """Measure the time from the first kernel's start to the last one's end."""
    return [_thirty().seconds]


@figure("the most memory that one of these seats held", "MB")
def seats_memory() -> list[float]:
    """Measure each seat: its kernel and all the processes that this has started."""
    return [peak / 1e6 for peak in _thirty().peaks]
