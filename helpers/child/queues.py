"""The queues of an observed context: the real ones, whose messages can be told apart.

With several writers, the order alone matches no message with its sending. So each message carries
the pid of its sender and a number. Standard library only: a child that is given a queue imports
this file.
"""

import contextlib
import itertools
import os
import queue
import time
import weakref
from multiprocessing import queues, util

from helpers.child import events
from helpers.child.labels import label_of
from helpers.child.registration import is_over


class _ObservedQueue:
    """The observed part of a queue, mixed into a class of the standard library."""

    _numbers = itertools.count(1)  # of the messages that this process sends

    def __init__(self, maxsize=0, *, ctx, registration):
        super().__init__(maxsize, ctx=ctx)
        self._registration = registration
        self._recorder = registration.recorder

    @property
    def label(self):
        """What the timeline calls this queue."""
        return self._registration.label

    def __getstate__(self):
        return super().__getstate__(), self._registration

    def __setstate__(self, state):
        standard, self._registration = state
        super().__setstate__(standard)
        self._recorder = self._registration.recorder

    def put(self, obj, block=True, timeout=None):
        number, now = next(self._numbers), time.perf_counter_ns()
        self._wait("room", super().put, block, timeout, queue.Full, (os.getpid(), number, obj))
        queue_number, text = self._registration.number, label_of(obj)
        self._recorder.record(events.PUT, number=number, queue=queue_number, text=text, at=now)

    def get(self, block=True, timeout=None):
        sender, number, obj = self._wait("message", super().get, block, timeout, queue.Empty)
        queue_number = self._registration.number
        self._recorder.record(events.GOT, number=number, queue=queue_number, sender=sender)
        return obj

    def _wait(self, reason, method, block, timeout, not_yet, *args):
        """Call the standard `put` or `get`; if it has to wait, that is recorded.

        While it waits, a stop is noticed. It fails with the exception `not_yet`.
        """
        try:
            return method(*args, False)
        except not_yet:
            if not block or is_over(timeout):
                raise
        with self._registration.waiting(reason):
            for seconds in self._registration.slices(timeout):
                with contextlib.suppress(not_yet):
                    return method(*args, True, seconds)
        raise not_yet

    def _start_thread(self):
        """Start the thread that writes the messages into the pipe, and record who waits for it.

        The standard library waits for it at the end of a process, unless it was told not to.
        """
        super()._start_thread()
        if self._jointhread:
            self._jointhread.cancel()
            arguments = weakref.ref(self._thread), self._registration
            self._jointhread = util.Finalize(self._thread, _join_sender, arguments, exitpriority=-5)


def _join_sender(thread, registration):
    """Wait until all messages are in the pipe, and record it.

    Args:
        thread: a weak reference to the thread that writes them.
        registration: that of their queue.
    """
    thread = thread()
    if thread is not None and thread.is_alive():
        with registration.waiting("room"):
            thread.join()


class Queue(_ObservedQueue, queues.Queue):
    """`multiprocessing.Queue`, observed."""


class JoinableQueue(_ObservedQueue, queues.JoinableQueue):
    """`multiprocessing.JoinableQueue`, observed."""

    def join(self):
        with self._registration.waiting("reports"):
            super().join()
