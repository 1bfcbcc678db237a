"""The two ends of a pipe, observed: who waits for a message.

They are the standard library's own. A wait is recorded if there is nothing to receive yet; what can
be received at once is not recorded. Standard library only: a child that is given an end of a pipe
imports this file.
"""

import contextlib
import functools
import sys
from multiprocessing import connection

_REDUCERS = {connection.Connection: connection.reduce_connection}
"""How the standard library sends an end of a pipe to a child."""
if sys.platform == "win32":
    _REDUCERS[connection.PipeConnection] = connection.reduce_pipe_connection


class _ObservedConnection:
    """The observed part of one end, mixed into a class of the standard library."""

    def register(self, registration):
        """Belong to an experiment from now on."""
        self._registration = registration

    @property
    def label(self):
        """What the timeline calls the pipe."""
        return self._registration.label

    def recv(self):
        with self._recorded_wait():
            return super().recv()

    def recv_bytes(self, maxlength=None):
        with self._recorded_wait():
            return super().recv_bytes(maxlength)

    def _recorded_wait(self):
        """Record that this thread waits, within a `with` block, if there is nothing to receive."""
        return contextlib.nullcontext() if self.poll() else self._registration.waiting("pipe")

    def __reduce__(self):
        _, standard = type(self).__bases__
        return rebuild, (_REDUCERS[standard](self), self._registration)


@functools.cache
def _observed_class(standard):
    return type(standard.__name__, (_ObservedConnection, standard), {})


def observe(end: connection.Connection, registration) -> connection.Connection:
    """Return an end of a pipe, observed from now on.

    It stays the same object and becomes one of our class: two objects would both close the pipe.
    """
    end.__class__ = _observed_class(type(end))
    end.register(registration)
    return end


def rebuild(reduced: tuple, registration) -> connection.Connection:
    """Return an end of a pipe in a child, from what the standard library and we say of it."""
    rebuild_standard, arguments = reduced
    return observe(rebuild_standard(*arguments), registration)
