"""How long the parent waits: how often it looks, how patient it is, what no interrupt breaks off.

Standard library only.
"""

import sys
import threading
from collections.abc import Callable

from helpers.child.interrupts import put_off_interrupts

POLL = 0.05
"""Seconds between two looks at what may have changed."""
PATIENCE = 0.2
"""Seconds that a process has between the request to end and its killing."""
LONGEST_DEATH = 5.0
"""Seconds to wait for a killed process: the system may keep it until a disk answers."""
LONGEST_GOODBYE = 2.0
"""Seconds that the children of our children have to notice that their parent was ended."""


def in_spite_of_interrupts(work: Callable[[], None]) -> None:
    """Do a piece of tidying up to its end.

    A second, impatient interrupt of the kernel breaks off the wait for the work, but not the work
    itself: that is done in a thread of its own, which no signal reaches.

    Args:
        work: the function to be called, without arguments.

    Raises:
        BaseException: whatever `work` raises.
    """
    if sys.is_finalizing() or threading.current_thread() is not threading.main_thread():
        return work()  # no thread would begin any more; or no signal reaches this one
    errors = []

    def tidy_up():
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=tidy_up, daemon=True)
    try:
        with put_off_interrupts():  # else the work might never begin
            thread.start()
    except RuntimeError:  # the system has no thread left
        return work()
    thread.join()
    if errors:
        raise errors[0]


def free(lock, patience: float) -> None:
    """Free a lock that may be held for ever.

    A dead process may hold it, or a thread that was interrupted just as it had taken the lock.

    Args:
        lock: any lock.
        patience: in seconds; others hold the lock for less.
    """
    lock.acquire(timeout=patience)
    lock.release()
