"""The orphan guard: a thread in every child, which ends the child when its parent has ended.

A parent that was killed can end nobody. So each child notices by itself, has a moment in which its
own code goes on, and leaves. It takes with it what it has started, observed or not: nobody else
would know of that any more.

Standard library only.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable

from helpers.child import events

GRACE = 1.0
"""Seconds between the parent's end and ours: `finally` and whoever joins the parent go on."""

LOOK = 0.5
"""Seconds between two looks at who our parent is, where its sentinel says nothing."""

TRACKER = b"multiprocessing.resource_tracker"
"""A process with this in its command line is spared: it tidies up and then ends by itself."""


def leave_with_parent(parent: int, sentinel: int, recorder) -> None:
    """End this process, and what it has started, a moment after its parent has ended.

    Args:
        parent: the pid of the process that asked for this one.
        sentinel: what becomes ready when that process has ended.
        recorder: the recorder of this process.
    """
    has_ended = _question(parent, sentinel)

    def watch():
        while not has_ended():
            pass
        time.sleep(GRACE)
        recorder.record(events.LEFT, exitcode=1)
        try:
            if sys.platform == "linux":
                kill_descendants(os.getpid())
        finally:
            os._exit(1)

    with contextlib.suppress(RuntimeError):  # no thread can be had on this machine: then without
        threading.Thread(target=watch, name="orphan guard", daemon=True).start()


def _question(parent, sentinel) -> Callable[[], bool]:
    """Return a function that waits for the parent's end a while, and tells whether it has come."""
    if sys.platform == "win32":
        from multiprocessing import connection

        return lambda: bool(connection.wait([sentinel], LOOK))
    pipe = _identity(sentinel)
    # Under forkserver, the server stands between the parent and us, and its end is not our concern.
    through_server = os.getppid() != parent

    def has_ended():
        if _identity(sentinel) != pipe:  # our code has closed it, and perhaps opened another file
            time.sleep(LOOK)
        elif _is_ready(sentinel) and _identity(sentinel) == pipe:
            return True
        # Under fork, a sibling may hold the other end of the pipe open.
        return not _exists(parent) if through_server else os.getppid() != parent

    return has_ended


def _identity(descriptor):
    """Return what tells the file behind a descriptor from all others; None if it is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_ready(sentinel):
    poll = select.poll()
    poll.register(sentinel, select.POLLIN)
    return any(not event & select.POLLNVAL for _, event in poll.poll(1000 * LOOK))


def _exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists, and belongs to somebody else
        pass
    return True


def kill_descendants(pid: int) -> None:
    """Kill all that a process has started, and what these have started, and so on. Linux only.

    Whoever is found is halted first, until no more are found: so nobody starts others unseen.

    Args:
        pid: the process, which is left alone itself.
    """
    found = []
    while new := _descendants(pid, known=found):
        found += new
        _signal_all(new, signal.SIGSTOP)
    _signal_all(found, signal.SIGKILL)


def _descendants(pid, known):
    """Return the pids of those descendants that are not known yet."""
    parents = _parents()
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sorted(family - {pid, *known})


def _parents():
    """Return the parent of each process that may be ended, by their pids."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, parent = _read(f"/proc/{name}/stat").rpartition(b")")[2].split()[:2]
            if state != b"Z" and TRACKER not in _read(f"/proc/{name}/cmdline"):
                found[int(name)] = int(parent)
    return found


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _signal_all(pids, number):
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            os.kill(pid, number)
