"""The mark that a stop leaves: whatever would start or wait in the parent asks for it.

Standard library only.
"""

import math
import os
import time
from collections.abc import Iterator

from helpers.parent.waits import POLL


class Stopped(RuntimeError):
    """The experiment was stopped by `stop()`."""

    def __init__(self, words="the experiment was stopped"):
        super().__init__(words)


class StopMark:
    """The mark of one experiment."""

    def __init__(self):
        self._is_set = False
        self._home = os.getpid()

    def set(self) -> None:
        """Leave the mark; it stays for ever."""
        self._is_set = True

    def is_set(self) -> bool:
        """Tell whether the experiment was stopped."""
        return self._is_set

    def check(self) -> None:
        """Raise `Stopped` if the experiment was stopped."""
        if self._is_set:
            raise Stopped("this experiment was stopped; begin a new one with get_context()")

    def slices(self, timeout: float | None) -> Iterator[float | None]:
        """Divide a wait into short ones, between which a stop is noticed.

        Args:
            timeout: the seconds that the whole wait may take; None if it may last for ever.

        Yields:
            The seconds of the next short wait; at least once. In a fork nobody stops the
            experiment, and the wait is not divided.

        Raises:
            Stopped: if the experiment was stopped.
        """
        if os.getpid() != self._home:
            yield timeout
            return
        over = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self.check()
            yield min(POLL, max(0, over - time.monotonic()))
            if time.monotonic() >= over:
                return
