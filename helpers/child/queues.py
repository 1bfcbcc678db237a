"""The queues of an observed context: the real ones, whose messages can be told apart.

With several writers the order alone matches no message with its sending. So each carries the pid
of its sender and a number. Standard library only: a child that is given a queue imports this file.
"""

import itertools
import os
import queue
import time
import weakref
from multiprocessing import queues

from helpers.child import events
from helpers.child.labels import label_of
from helpers.child.recorder import recorder_for
from helpers.parent.processes import POLL


class _Messages:
    """What makes a queue observed: every message carries the pid and number of its sending."""

    _numbers = itertools.count(1)

    def __init__(self, maxsize=0, *, ctx):
        super().__init__(maxsize, ctx=ctx)
        self._number = next(ctx._queue_numbers)
        self._recorder = ctx._recorder
        self._watch_context(weakref.ref(ctx))

    @property
    def label(self):
        """What the timeline calls this queue."""
        return f"queue {self._number}"

    def _watch_context(self, context):
        self._context, self._home = context, os.getpid()

    def __getstate__(self):
        return super().__getstate__(), self._number, self._recorder.folder

    def __setstate__(self, state):
        standard, self._number, folder = state
        super().__setstate__(standard)
        self._recorder = recorder_for(folder)
        self._watch_context(lambda: None)

    def put(self, obj, block=True, timeout=None):
        number, now = next(self._numbers), time.perf_counter_ns()
        self._wait(super().put, block, timeout, queue.Full, (os.getpid(), number, obj))
        self._recorder.record(
            events.PUT, number=number, queue=self._number, text=label_of(obj), at=now
        )

    def get(self, block=True, timeout=None):
        sender, number, obj = self._wait(super().get, block, timeout, queue.Empty)
        self._recorder.record(events.GOT, number=number, queue=self._number, sender=sender)
        return obj

    def _wait(self, method, block, timeout, not_yet, *args):
        """Call `put` or `get`; in the parent, look again and again whether all was stopped."""
        context = self._context()
        if not block or context is None or self._home != os.getpid():
            return method(*args, block, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            context._check_running()
            wait = POLL if deadline is None else min(POLL, max(0, deadline - time.monotonic()))
            try:
                return method(*args, True, wait)
            except not_yet:
                if deadline is not None and time.monotonic() >= deadline:
                    raise


class Queue(_Messages, queues.Queue):
    """`multiprocessing.Queue`, observed."""


class JoinableQueue(_Messages, queues.JoinableQueue):
    """`multiprocessing.JoinableQueue`, observed."""
