"""A kernel that can be thrown away: what a fork in a cell does to it, for lesson 01.

The code runs in a fresh kernel, which is a process of its own and no part of the notebook. Its
kernel may double, hang or die; after a time limit it is killed with everything that came from it.
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

PATIENCE = 0.1
"""Seconds between two looks at whether the kernel has come to rest."""


class Seen(NamedTuple):
    """What a notebook sees of a cell: kernels alive before and after it, and what they sent."""

    kernels_before: int
    kernels_after: int
    times_done: int
    printed: str


def in_a_throwaway_kernel(code: str, seconds: float = 20.0) -> Seen:
    """Run the code of one cell in a kernel of its own, and say what a notebook sees of it.

    Args:
        code: the cell's text.
        seconds: how long we look at most. We stop earlier when every kernel there has said that
            the cell is done.

    Returns:
        How many processes are that kernel, before the cell and after it; how often the notebook is
        told that the cell is done; and what is printed, in the order in which it arrives.

    Raises:
        RuntimeError: if the kernel does not even start in that time.
    """
    with tempfile.TemporaryDirectory() as folder, _kernel(folder) as (process, client):
        _wait_for_ready(client, process, time.monotonic() + seconds)
        before = len(_alive(process))
        cell = client.execute(code)
        done, printed = _listen(client, cell, process, time.monotonic() + seconds)
        return Seen(before, len(_alive(process)), done, printed)


@contextlib.contextmanager
def _kernel(folder):
    """A fresh kernel and a client that is connected to it; in the end nothing of it is left."""
    file, _ = write_connection_file(str(Path(folder) / "kernel.json"))
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    process = psutil.Popen(
        [sys.executable, "-m", "ipykernel_launcher", "-f", file],
        env={
            **os.environ,
            "IPYTHONDIR": folder,  # nothing of the student's own start-up files
            "JPY_PARENT_PID": str(os.getpid()) if os.name == "posix" else "",  # it ends with us
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
    """Wait for a kernel to start. One on a busy machine may be taken for dead before it begins."""
    while True:
        try:
            return client.wait_for_ready(timeout=max(0.1, deadline - time.monotonic()))
        except RuntimeError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the throw-away kernel did not start: {error}") from None


def _alive(process):
    """The process and all that came from it, without those that have ended."""
    family = [process, *process.children(recursive=True)]
    return [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _listen(client, cell, process, deadline):
    """Collect what is sent about a cell until every kernel there has said that it is done."""
    done, printed = 0, []
    while time.monotonic() < deadline and done < len(_alive(process)):
        try:
            message = client.get_iopub_msg(timeout=PATIENCE)
        except queue.Empty:
            continue
        if message["parent_header"].get("msg_id") == cell:
            done += message["content"].get("execution_state") == "idle"
            printed.append(message["content"].get("text", ""))
    return done, "".join(printed)


def _end(process):
    """Kill the kernel and what came from it. The eldest first: then it starts no others."""
    family = [process, *process.children(recursive=True)] if process.is_running() else [process]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(family, timeout=5)
