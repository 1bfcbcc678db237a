"""Locks and shared values, observed: who waits for a lock, who holds it, who reads and writes.

`mp.Lock()`, `mp.RLock()` and `mp.Value(...)` of an observed context come from here. They are the
standard library's own; what they do is recorded by the process that does it. The moment of an
acquisition is taken after it, that of a release before it, and that of a read or a write while
the value's own lock is held: so the order in the timeline is the true one.

This file leans on private names of the standard library: a lock's semaphore, a value's memory. A
child imports it when it is given such an object. Standard library only.
"""

import ctypes
import time
from multiprocessing import sharedctypes, synchronize

from helpers.child import events
from helpers.child.labels import label_of
from helpers.child.registration import this_thread


class _ObservedLock:
    """The observed part of a lock, mixed into a class of the standard library."""

    def __init__(self, *, ctx, registration):
        super().__init__(ctx=ctx)
        self._registration = registration

    @property
    def label(self):
        """What the timeline calls this lock."""
        return self._registration.label

    def _make_methods(self):
        """Do nothing: the standard library would put the semaphore's methods in place of ours."""

    def __getstate__(self):
        return super().__getstate__(), self._registration

    def __setstate__(self, state):
        standard, self._registration = state
        super().__setstate__(standard)

    def acquire(self, block=True, timeout=None):
        if self._semlock.acquire(False):
            self._record(events.ACQUIRED, obtained=1)
            return True
        if not block:
            return False
        self._record(events.WANTED)
        acquired = False
        try:
            for seconds in self._registration.slices(timeout):
                acquired = self._semlock.acquire(True, seconds)
                if acquired:
                    break
        finally:  # also if we were interrupted or stopped meanwhile
            self._record(events.ACQUIRED, obtained=int(acquired))
        return acquired

    def release(self):
        now = time.perf_counter_ns()
        self._semlock.release()
        self._record(events.RELEASED, at=now)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *args):
        self.release()

    def _record(self, kind, **fields):
        number, recorder = self._registration.number, self._registration.recorder
        recorder.record(kind, lock=number, thread=this_thread(), **fields)


class Lock(_ObservedLock, synchronize.Lock):
    """`multiprocessing.Lock`, observed."""


class RLock(_ObservedLock, synchronize.RLock):
    """`multiprocessing.RLock`, observed."""


class Synchronized(sharedctypes.Synchronized):
    """A number in shared memory, as `multiprocessing.Value` makes it, observed."""

    def __init__(self, obj, lock, registration):
        super().__init__(obj, lock)
        self._registration = registration
        # An observed lock would record every access; its semaphore does the same in silence.
        self._silent_lock = getattr(lock, "_semlock", lock)

    @property
    def label(self):
        """What the timeline calls this value."""
        return self._registration.label

    def __reduce__(self):
        _, of_standard = super().__reduce__()  # which says so if no process is being started
        return Synchronized, (*of_standard, self._registration)

    @property
    def value(self):
        with self._silent_lock:
            value, now = self._obj.value, time.perf_counter_ns()
        self._record(events.READ, value, now)
        return value

    @value.setter
    def value(self, value):
        with self._silent_lock:
            self._obj.value, now = value, time.perf_counter_ns()
        self._record(events.WRITTEN, value, now)

    def _record(self, kind, value, now):
        registration, text = self._registration, label_of(value)
        registration.recorder.record(kind, number=registration.number, text=text, at=now)


def value_of(typecode_or_type, *args, lock, ctx, register):
    """Return what `mp.Value` returns: numbers are observed, all else is the standard library's.

    Args:
        typecode_or_type: as in `multiprocessing.Value`.
        args: as there.
        lock: as there.
        ctx: the observed context.
        register: returns the `Registration` of a new 'lock' or 'value'.

    Raises:
        AttributeError: if `lock` is no lock.
    """
    obj = sharedctypes.RawValue(typecode_or_type, *args)
    if lock is False:
        return obj
    if lock in (True, None):
        lock = RLock(ctx=ctx, registration=register("lock"))
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    if not isinstance(obj, ctypes._SimpleCData):
        return sharedctypes.synchronized(obj, lock, ctx=ctx)
    return Synchronized(obj, lock, register("value"))
