"""Interrupts: put off while a process is started, and recorded in a child.

Python calls the handler of SIGINT in the main thread, between any two of its steps, and a
KeyboardInterrupt may come out of it there. In the middle of a start this does harm. During a fork
the error is lost, and a lock that a callback was to free stays held for ever. A little later,
there is a process that nobody knows. So an interrupt waits until a start is over.

In a child that is just starting, nobody is there yet to record an interrupt, and the student would
read where in its imports it was interrupted. So there, too, an interrupt waits: it is blocked until
code of ours runs, and put off until it can be recorded.

Every child imports this file. Standard library only.
"""

import _thread
import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from helpers.child import events

LONGEST_DELAY = 1.0
"""Seconds that an interrupt is put off: a start may hang, and then nothing else would end it."""


class Delay:
    """Stands in for the handler of SIGINT while interrupts are put off.

    Args:
        usual: the handler that an interrupt waits for.
    """

    def __init__(self, usual):
        self.usual = usual
        self._came_at = None  # when the interrupt came that waits, if one does

    def __call__(self, number, frame):
        now = time.monotonic()
        if self._came_at is None:
            self._came_at = now
            unblock_interrupts()  # so that we can interrupt this thread again
            # Not by `threading`: we may have interrupted that, with one of its locks held.
            with contextlib.suppress(RuntimeError):  # no thread is left: a second interrupt helps
                _thread.start_new_thread(self._interrupt_again, ())
        elif now - self._came_at >= LONGEST_DELAY:
            self.deliver()

    def deliver(self) -> None:
        """Hand the interrupt that waits, if one does, to the usual handler.

        Raises:
            KeyboardInterrupt: as a rule.
        """
        if self._came_at is None:
            return
        self._came_at = None
        try:
            self.usual(signal.SIGINT, None)
        except KeyboardInterrupt as interrupt:
            raise interrupt from None  # nobody wants to read of two errors

    def _interrupt_again(self):
        """In a thread: interrupt a start that hangs, a system call included."""
        time.sleep(LONGEST_DELAY)
        if self._came_at is None or signal.getsignal(signal.SIGINT) is not self:
            return  # it was delivered
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        else:
            _thread.interrupt_main()


@contextlib.contextmanager
def put_off_interrupts() -> Iterator[Delay]:
    """Let interrupts wait until a `with` block is over, or until it asks for them.

    Within another such block, they wait until the inner one is over: a pool that starts a thousand
    workers can be interrupted between two of them.

    Yields:
        A `Delay`. Its `deliver()` raises the KeyboardInterrupt that waits, if one does.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield Delay(usual)  # no interrupt is raised here, and so none is put off
    elif isinstance(usual, Delay):
        yield usual
        usual.deliver()
    else:
        delay = Delay(usual)
        signal.signal(signal.SIGINT, delay)
        try:
            yield delay
        finally:
            signal.signal(signal.SIGINT, usual)
            delay.deliver()


@contextlib.contextmanager
def signal_mask_kept() -> Iterator[None]:
    """Receive after a `with` block the signals that this thread has received before it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def block_interrupts() -> None:
    """Block SIGINT in this thread, and so in a child that it starts.

    The system keeps an interrupt of the child until the child unblocks it. An interrupt of this
    process is received by another thread; without one, nothing is blocked. On Windows children
    receive no interrupts.
    """
    if hasattr(signal, "pthread_sigmask") and threading.active_count() > 1:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


class BlockInterrupts:
    """The last thing that a parent pickles for a spawned child: then it blocks interrupts.

    Not before: what is pickled may take for ever, and must remain interruptible. The child has None
    in its place.
    """

    def __reduce__(self):
        block_interrupts()
        return type(None), ()


def unblock_interrupts() -> None:
    """Receive SIGINT in this thread from now on, and one that was kept back."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def put_off_until_recorded() -> None:
    """Let interrupts wait for `record_interrupts`: a new child has modules to import before that.

    They do not remain blocked, since one of those modules may take for ever.
    """
    usual = signal.getsignal(signal.SIGINT)
    if callable(usual) and not isinstance(usual, Delay):
        signal.signal(signal.SIGINT, Delay(usual))
        unblock_interrupts()


def record_interrupts(recorder) -> None:
    """Record every SIGINT, before it does what it would have done anyway.

    A kernel that is not busy with a cell ignores SIGINT, and so do the children that it starts
    meanwhile. From their records the parent learns that somebody wants their run to end.

    An interrupt that has waited for this is handled now.

    Args:
        recorder: the recorder of this process.
    """
    usual = signal.getsignal(signal.SIGINT)
    delay = usual if isinstance(usual, Delay) else Delay(usual)
    ignored = delay.usual == signal.SIG_IGN

    def handle(number, frame):
        recorder.record(events.INTERRUPTED)
        if not ignored:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)
    unblock_interrupts()
    delay.usual = handle
    delay.deliver()
