"""Interrupts of the kernel, told to a run in the background.

The children of a run tell of an interrupt, unless a worker's initializer makes them ignore it. So
the kernel itself is asked to tell, too. IPython's kernel ignores SIGINT while it is idle, and
raises KeyboardInterrupt while it is busy with a cell: both handlers are replaced by one that tells
first. Outside of a kernel nothing is done.
"""

import signal
import threading
from collections.abc import Callable

from IPython import get_ipython


class _Telling:
    """A handler of SIGINT that calls `tell()`, and then does what the usual one does."""

    def __init__(self, tell, usual):
        self._tell = tell
        self._usual = usual

    def __call__(self, number, frame):
        self._tell()
        if callable(self._usual):  # an idle kernel's is not: it ignores the signal
            self._usual(number, frame)


def tell_of_interrupts(tell: Callable[[], None]) -> None:
    """Have every later interrupt of this kernel told, from the cell on that calls this.

    The first caller in a kernel is the one who is told.

    Args:
        tell: called in the main thread, at any moment; so it must not wait for a lock.
    """
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    when_idle = getattr(kernel, "saved_sigint_handler", None)
    if when_idle is None or isinstance(when_idle, _Telling):
        return  # this is no kernel, or it tells already

    def tell_while_busy(*_):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _Telling(tell, signal.getsignal(signal.SIGINT)))

    kernel.saved_sigint_handler = _Telling(tell, when_idle)  # which is set when a cell is over
    shell.events.register("pre_run_cell", tell_while_busy)
    tell_while_busy()
