"""What a queue, a lock or a value knows of the experiment that it belongs to.

Standard library only: a child that is given such an object imports this file.
"""

import functools
from collections.abc import Callable, Iterator

from helpers.child.recorder import Recorder, recorder_for


def undivided(timeout: float | None) -> Iterator[float | None]:
    """Wait in one piece, as a child does: there, nobody stops the experiment."""
    yield timeout


class Registration:
    """The number of an object in its experiment, the recorder to use, and how to wait.

    Args:
        kind: 'queue', 'lock' or 'value'.
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

    def __reduce__(self):
        return register_in_child, (self.kind, self.number, self.recorder.folder)


def register_in_child(kind: str, number: int, folder: str) -> Registration:
    """Return the registration of an object that this process was given by its parent."""
    return Registration(kind, number, functools.partial(recorder_for, folder))
