"""Run a cell in a throw-away kernel: so lesson 01 shows what a fork does to a kernel.

The code runs in a fresh kernel, which is a process of its own and no part of the notebook. That
kernel may double, hang or die; after a time limit it is killed with all its descendants.
"""

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

LONGEST_START = 60.0
"""Seconds that a kernel may take to start, before the time limit begins to count."""

WAIT_FOR_MESSAGE = 0.1
"""Seconds, after which we look again whether every kernel has finished the cell."""


class Seen(NamedTuple):
    """A notebook's view of a cell: the kernels alive before and after it, and what they sent."""

    kernels_before: int
    kernels_after: int
    times_done: int
    printed: str


def in_a_throwaway_kernel(code: str, seconds: float = 20.0) -> Seen:
    """Run the code of one cell in a kernel of its own, and return what a notebook sees of it.

    Args:
        code: the cell's text.
        seconds: the longest time that the cell may take. We stop earlier when every kernel there
            has said that the cell is done.

    Returns:
        The number of kernels before the cell and after it, how often the notebook is told that the
        cell is done, and what is printed, in the order in which it arrives.

    Raises:
        RuntimeError: if the kernel does not even start.
    """
    with tempfile.TemporaryDirectory() as folder, _kernel(folder) as (process, client):
        _wait_for_ready(client, process, time.monotonic() + LONGEST_START)
        before = len(_alive(process))
        cell = client.execute(code)
        done, printed = _listen(client, cell, process, time.monotonic() + seconds)
        return Seen(before, len(_alive(process)), done, printed)


@contextlib.contextmanager
def _kernel(folder):
    """Provide a fresh kernel and a client connected to it; kill the kernel in the end."""
    file, _ = write_connection_file(str(Path(folder) / "kernel.json"))
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    process = psutil.Popen(
        [sys.executable, "-m", "ipykernel_launcher", "-f", file],
        env={
            **os.environ,
            "IPYTHONDIR": folder,  # without the student's own start-up files
            "JPY_PARENT_PID": str(os.getpid()) if os.name == "posix" else "",  # ends with us
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client.start_channels()
        yield process, client
    finally:
        client.stop_channels()
        _end(process)


def _wait_for_ready(client, process, deadline):
    """Wait for a kernel to start. A client may take one for dead that is only slow to start."""
    while True:
        try:
            return client.wait_for_ready(timeout=max(0.1, deadline - time.monotonic()))
        except RuntimeError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the throw-away kernel did not start: {error}") from None


def _alive(process):
    """Return the kernel and its descendants, without those that have ended."""
    family = [process, *process.children(recursive=True)]
    return [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _listen(client, cell, process, deadline):
    """Return how many kernels have finished a cell, and what they have printed by then."""
    done, printed = 0, []
    while time.monotonic() < deadline and done < len(_alive(process)):
        try:
            message = client.get_iopub_msg(timeout=WAIT_FOR_MESSAGE)
        except queue.Empty:
            continue
        if message["parent_header"].get("msg_id") == cell:
            done += message["content"].get("execution_state") == "idle"
            printed.append(message["content"].get("text", ""))
    return done, "".join(printed)


def _end(process):
    """Kill the kernel and its descendants. The kernel comes first: then it starts no others."""
    family = [process, *process.children(recursive=True)] if process.is_running() else [process]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=5)
