"""Barriers, events, conditions and semaphores, observed: who waits for the others.

They are the standard library's own. A wait is recorded when it begins and when it is over; what
does not wait is not recorded. Standard library only: a child that is given one imports this file.
"""

from multiprocessing import synchronize

from helpers.child.registration import is_over


class _Observed:
    """The observed part, mixed into a class of the standard library."""

    kind = ""
    """What the timeline calls such an object, without its number; also the reason to wait."""

    def __init__(self, *args, ctx, registration):
        super().__init__(*args, ctx=ctx)
        self._registration = registration

    @property
    def label(self):
        """What the timeline calls this object."""
        return self._registration.label

    def __reduce__(self):
        return rebuild, (type(self), self.__getstate__(), self._registration)

    def restore(self, state, registration):
        """Become in a child what the standard library and we say of the object."""
        if hasattr(self, "__setstate__"):
            self.__setstate__(state)
        else:
            vars(self).update(state)
        self._registration = registration


def rebuild(kind: type, state, registration) -> _Observed:
    """Return the object in a child."""
    rebuilt = kind.__new__(kind)
    rebuilt.restore(state, registration)
    return rebuilt


class Barrier(_Observed, synchronize.Barrier):
    """`multiprocessing.Barrier`, observed."""

    kind = "barrier"

    def wait(self, timeout=None):
        with self._registration.waiting(self.kind):
            return super().wait(timeout)


class Event(_Observed, synchronize.Event):
    """`multiprocessing.Event`, observed."""

    kind = "event"

    def wait(self, timeout=None):
        if is_over(timeout) or self.is_set():
            return super().wait(timeout)
        with self._registration.waiting(self.kind):
            return super().wait(timeout)


class Condition(_Observed, synchronize.Condition):
    """`multiprocessing.Condition`, observed."""

    kind = "condition"

    def wait(self, timeout=None):
        with self._registration.waiting(self.kind):
            return super().wait(timeout)


class _ObservedSemaphore(_Observed):
    """The observed part of a semaphore."""

    kind = "semaphore"

    def _make_methods(self):
        """Let only `release` be the semaphore's own: the standard library does so with both."""
        self.release = self._semlock.release

    def acquire(self, block=True, timeout=None):
        if self._semlock.acquire(False):
            return True
        if not block or is_over(timeout):
            return False
        with self._registration.waiting(self.kind):
            return self._semlock.acquire(True, timeout)

    def __enter__(self):
        return self.acquire()


class Semaphore(_ObservedSemaphore, synchronize.Semaphore):
    """`multiprocessing.Semaphore`, observed."""


class BoundedSemaphore(_ObservedSemaphore, synchronize.BoundedSemaphore):
    """`multiprocessing.BoundedSemaphore`, observed."""
