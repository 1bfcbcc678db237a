"""What a queue, a lock or a value knows of the experiment that it belongs to.

Standard library only: a child that is given such an object imports this file.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator

from helpers.child import events
from helpers.child.recorder import Recorder, recorder_for


def undivided(timeout: float | None) -> Iterator[float | None]:
    """Wait in one piece, as a child does: there, nobody stops the experiment."""
    yield timeout


class Registration:
    """The number of an object in its experiment, the recorder to use, and how to wait.

    Args:
        kind: 'queue', 'pipe', 'lock', 'value', 'barrier', 'event', 'condition' or 'semaphore'.
        number: counts the objects of this kind from 1.
        find_recorder: returns the recorder of this process. It is not called before the object
            has something to record: an experiment that does nothing makes no folder.
        slices: divides a wait of so many seconds (None: for ever) into those of short ones, so
            that a stop can end it.
    """

    def __init__(
        self,
        kind: str,
        number: int,
        find_recorder: Callable[[], Recorder],
        slices: Callable[[float | None], Iterator[float | None]] = undivided,
    ):
        self.kind = kind
        self.number = number
        self.slices = slices
        self._find_recorder = find_recorder

    @property
    def label(self) -> str:
        """What the timeline calls the object."""
        return f"{self.kind} {self.number}"

    @property
    def recorder(self) -> Recorder:
        """The recorder of this process."""
        return self._find_recorder()

    def waiting(self, reason: str):
        """Record, within a `with` block, that this thread waits at this object."""
        return recorded_wait(self.recorder, reason, self.number)

    def __reduce__(self):
        return register_in_child, (self.kind, self.number, self.recorder.folder)


@contextlib.contextmanager
def recorded_wait(recorder: Recorder, reason: str, number: int) -> Iterator[None]:
    """Record that this thread waits for others as long as the `with` block lasts.

    Use it only where there is something to wait for: it writes two records.

    Args:
        recorder: the recorder of this process.
        reason: one of `events.REASONS`.
        number: which queue, barrier and so on; for the reason 'end', the pid of the process.
    """
    fields = {"reason": events.REASONS.index(reason), "number": number, "thread": this_thread()}
    recorder.record(events.WAIT_BEGUN, **fields)
    try:
        yield
    finally:  # also if we were interrupted or stopped meanwhile
        recorder.record(events.WAIT_OVER, **fields)


def is_over(timeout: float | None) -> bool:
    """Tell whether a wait of so many seconds (None: for ever) is over at once: it only asks."""
    return timeout is not None and timeout <= 0


def this_thread() -> int:
    """Return the system's number for this thread, as it stands in a record."""
    return threading.get_native_id() & 0xFFFFFFFF


def register_in_child(kind: str, number: int, folder: str) -> Registration:
    """Return the registration of an object that this process was given by its parent."""
    return Registration(kind, number, functools.partial(recorder_for, folder))
