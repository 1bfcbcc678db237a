"""The descendants of processes that are to be ended: whatever these have started, observed or not.

A task may start others by plain multiprocessing, by `subprocess` or by `os.fork`. No list of ours
has them; the system knows whose children they are, as long as their parents live. So a family is
asked for before its eldest are ended.
"""

import contextlib
import signal
import time

from helpers.parent.waits import PATIENCE

TRACKER = "multiprocessing.resource_tracker"
"""A process with this in its command line is spared: it tidies up and then ends by itself."""

HELPERS = TRACKER, "multiprocessing.forkserver"
"""Processes that the standard library starts for itself, and that live as long as this one."""


def descendants_of(pids: set[int]) -> list:
    """Return the living descendants of some children of ours, as processes of psutil.

    psutil recognises a process by its start time, too. So another one that has the same pid later
    on is never ended in its place.
    """
    import psutil  # here, since children should not wait for it

    family, found = set(pids), []
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process().children(recursive=True):  # parents before their children
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                if process.ppid() in family and process.pid not in family:
                    family.add(process.pid)
                    found.append(process)
    return [process for process in found if not _is_one_of([TRACKER], process)]


def all_descendants() -> set:
    """Return the living descendants of this process, however they were started, as of psutil.

    The standard library's own helpers are none of them.
    """
    import psutil

    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            is_over = process.status() == psutil.STATUS_ZOMBIE  # but for its exit code
            if not is_over and not _is_one_of(HELPERS, process):
                found.add(process)
    return found


def _is_one_of(helpers, process):
    """Tell whether the command line of a process has one of these words in it."""
    import psutil

    with contextlib.suppress(psutil.Error):
        command = " ".join(process.cmdline())
        return any(helper in command for helper in helpers)
    return False


def ask_to_end(family: list) -> None:
    """Send SIGTERM to those that are alive."""
    import psutil

    for process in family:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile, or is not ours to end
            process.terminate()


def kill(family: list, deadline: float) -> dict[int, int]:
    """Wait until processes that were asked to end have done so, and kill the others.

    Args:
        family: processes of psutil.
        deadline: until when to wait, as a time of `time.monotonic()`.

    Returns:
        By the pid of each process, the exit code that it has, as far as one can know: the system
        tells it to nobody but the parent.
    """
    if not family:
        return {}
    import psutil

    _, alive = psutil.wait_procs(family, max(0, deadline - time.monotonic()))
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, PATIENCE)
    asked = {process.pid: -signal.SIGTERM for process in family}
    return asked | {process.pid: -getattr(signal, "SIGKILL", signal.SIGTERM) for process in alive}
