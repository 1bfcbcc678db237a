"""Locks and shared values, observed: who waits for a lock, who holds it, who reads and writes.

`mp.Lock()`, `mp.RLock()` and `mp.Value(...)` of an observed context come from here. They are the
standard library's own; what they do is recorded by the process that does it. The moment of an
acquisition is taken after it, that of a release before it, and that of a read or a write while
the value's own lock is held: so the order in the timeline is the true one.

A child imports this file when it is given such an object. Standard library only.
"""

import ctypes
import os
import threading
import time
from multiprocessing import sharedctypes, synchronize

from helpers.child import events
from helpers.child.labels import label_of
from helpers.child.recorder import Recorder, recorder_for

POLL = 0.05
"""Seconds between two looks whether the experiment was stopped."""


def recorder_of(source) -> Recorder:
    """The recorder of this process. `source` is a context, or in a child its folder's path.

    It is asked for at the first use: a context that does nothing makes no folder.
    """
    return recorder_for(source) if isinstance(source, str) else source._recorder


class _Observed:
    """What an observed lock has beyond the standard one."""

    def __init__(self, *, ctx):
        super().__init__(ctx=ctx)
        self._number = next(ctx._lock_numbers)
        self._source, self._home = ctx, os.getpid()

    @property
    def label(self):
        """What the timeline calls this lock."""
        return f"lock {self._number}"

    def _make_methods(self):
        """The standard library would put the semaphore's own methods in place of ours."""

    def __getstate__(self):
        return super().__getstate__(), self._number, recorder_of(self._source).folder

    def __setstate__(self, state):
        standard, self._number, self._source = state
        super().__setstate__(standard)
        self._home = None

    def acquire(self, block=True, timeout=None):
        if self._semlock.acquire(False):
            self._record(events.ACQUIRED, obtained=1)
            return True
        if not block:
            return False
        self._record(events.WANTED)
        done = False
        try:
            done = self._wait(timeout)
        finally:  # also if we were interrupted or stopped meanwhile
            self._record(events.ACQUIRED, obtained=int(done))
        return done

    def release(self):
        now = time.perf_counter_ns()
        self._semlock.release()
        self._record(events.RELEASED, at=now)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *args):
        self.release()

    def _record(self, kind, **fields):
        thread = threading.get_native_id() & 0xFFFFFFFF
        recorder_of(self._source).record(kind, lock=self._number, thread=thread, **fields)

    def _wait(self, timeout):
        """Wait for the lock; in the parent, look again and again whether all was stopped."""
        if self._home != os.getpid():
            return self._semlock.acquire(True, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._source._check_running()
            wait = POLL if deadline is None else min(POLL, max(0, deadline - time.monotonic()))
            if self._semlock.acquire(True, wait):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False


class Lock(_Observed, synchronize.Lock):
    """`multiprocessing.Lock`, observed."""


class RLock(_Observed, synchronize.RLock):
    """`multiprocessing.RLock`, observed."""


class Synchronized(sharedctypes.Synchronized):
    """A number in shared memory, as `multiprocessing.Value` makes it, observed."""

    def __init__(self, obj, lock, number, source):
        super().__init__(obj, lock)
        self._number = number
        self._source = source
        self._quiet = getattr(lock, "_semlock", lock)  # nobody wants to see it at every access

    @property
    def label(self):
        """What the timeline calls this value."""
        return f"value {self._number}"

    def __reduce__(self):
        standard = super().__reduce__()  # which says so if nobody is being started
        return Synchronized, (*standard[1], self._number, recorder_of(self._source).folder)

    @property
    def value(self):
        with self._quiet:
            value, now = self._obj.value, time.perf_counter_ns()
        self._record(events.READ, value, now)
        return value

    @value.setter
    def value(self, value):
        with self._quiet:
            self._obj.value, now = value, time.perf_counter_ns()
        self._record(events.WRITTEN, value, now)

    def _record(self, kind, value, now):
        recorder_of(self._source).record(kind, number=self._number, text=label_of(value), at=now)


def value_of(typecode_or_type, *args, lock, ctx):
    """What `mp.Value` returns: numbers are observed, all else is the standard library's."""
    obj = sharedctypes.RawValue(typecode_or_type, *args)
    if lock is False:
        return obj
    if lock in (True, None):
        lock = RLock(ctx=ctx)
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    if not isinstance(obj, ctypes._SimpleCData):
        return sharedctypes.synchronized(obj, lock, ctx=ctx)
    return Synchronized(obj, lock, next(ctx._value_numbers), ctx)
