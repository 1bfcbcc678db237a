"""Processes that a task starts without the course: plain multiprocessing, subprocess, os.fork."""

import os
from pathlib import Path

import psutil

from tests.support.within import until

IN_A_POOL = ["program", *(["fork"] if hasattr(os, "fork") else [])]
"""Workers of a pool are daemonic, and cannot start a plain `Process`."""
ANYWHERE = ["child", "grandchild", *IN_A_POOL]


def plain_ones(folder: Path, names: list[str] = ANYWHERE) -> list[psutil.Process]:
    """Wait until `workers.start_plain_ones(folder)` has started all of them, and return them."""
    until(lambda: all((folder / name).exists() for name in names), "all have begun")
    return [psutil.Process(int((folder / name).read_text())) for name in names]


def all_have_ended(processes: list[psutil.Process], seconds: float = 3) -> None:
    """Fail if some of these processes are alive after so many seconds."""
    _, alive = psutil.wait_procs(processes, seconds)
    alive = [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert not alive
