"""The flight recorder's files: from bytes to whole records, each of them once.

The reader takes whatever it finds: a log cut in half, foreign bytes, a record never finished.
It keeps every whole event and counts what it dropped. Nothing that is read is evaluated or
unpickled.

A log is read while it is written. `Segment.news` gives what has come since the last time, and
raises `Changed` where something that was read already has changed: whoever keeps what it made of
the records must then forget it, and begin again.
"""

from typing import NamedTuple

import numpy as np

from helpers.child import recorder as flight

RECORDS = np.dtype(
    [("kind", "u1"), ("size", "u1"), ("code", "<u2"), ("a", "<u4"), ("time", "<i8")]
    + [("b", "<u4"), ("c", "<u4"), ("text", "S8")]
)
assert RECORDS.itemsize == flight.RECORD.size
NO_RECORDS = np.empty(0, RECORDS)
NO_PLACES = np.empty(0, np.int64)
BLANK, FOREIGN, OURS = "blank", "foreign", "ours"


class Changed(Exception):
    """What was read before is no longer what the files say."""


class Log(NamedTuple):
    """Records of one process in the order in which they were written: a whole log or a piece."""

    pid: int
    records: np.ndarray
    lost_events: int = 0
    lost_text: int = 0
    dropped: int = 0

    def of(self, *kinds: int) -> np.ndarray:
        """The places of the records of these kinds."""
        there = self.records["kind"]
        chosen = there == kinds[0]
        for kind in kinds[1:]:
            chosen |= there == kind
        return np.flatnonzero(chosen)

    def text(self, place: int) -> str:
        """The text of the record at a place, with what goes on in the records behind it."""
        return self.data(place).decode("utf-8", "replace")

    def data(self, place: int) -> bytes:
        """The same as bytes. A number that was recorded as it is, is written out here."""
        raw, size = self.records.data.cast("B"), flight.RECORD.size
        start = place * size + size - flight.INLINE
        if raw[place * size + 1] == flight.NUMBER:
            return b"%d" % int.from_bytes(raw[start : start + flight.INLINE], "little", signed=True)
        pieces = [bytes(raw[start : start + min(raw[place * size + 1], flight.INLINE)])]
        for start in range((place + 1) * size, len(raw), size):
            if raw[start] != flight.TEXT:
                break
            pieces.append(bytes(raw[start + 2 : start + 2 + min(raw[start + 1], flight.MORE)]))
        return b"".join(pieces)


class Segment:
    """One file of a log, and how far it has been read.

    `state` is BLANK for one that is just being made, FOREIGN for one that is none of ours.
    `places` says where the records that came last stand in the file.

    The record of a short task changes when the task returns. So whoever keeps a task that has only
    started has its record watched, by the task's number; `changed` is what has come of those.
    """

    def __init__(self, path: str, number: int):
        self.path = path
        self.number = number
        self.state = BLANK
        self.header = (b"", 0, 0, 0, 0)
        self.places = NO_PLACES
        self.changed = {}
        self._watched = {}
        self._read = 0  # so many records have been read, all of them whole events
        self._torn = NO_PLACES  # among them, places that never got a kind
        self._size = 0
        self._dropped = 0
        self._headless = False
        self._is_cut = False
        self._full = False

    @property
    def begun(self) -> bool:
        """Has anything been read?"""
        return self._read > 0

    @property
    def dropped(self) -> int:
        """How many events are known to be lost here."""
        return self._dropped + self._headless + self._is_cut

    def news(self) -> np.ndarray:
        """The records that have been written since the last time.

        Raises Changed if what was read before has changed.
        """
        self.changed = {}
        if self._full and not self._watched and self.number:
            return NO_RECORDS  # the first one's header tells what all of them lost
        data = _bytes_of(self.path)
        if self._read and len(data) != self._size:
            raise Changed
        self._size = len(data)
        records = self._records_in(data)
        kinds = records["kind"]
        if (kinds[self._torn] != 0).any():
            raise Changed
        for task, place in list(self._watched.items()):
            if kinds[place] != flight.STARTED:
                self.changed[task] = records[place].copy()
                del self._watched[task]
        return self._whole(records)

    def _records_in(self, data):
        """The records in the bytes of the file, after a look at its header."""
        if not data[: flight.HEADER_BYTES].any():
            state, header = BLANK, self.header
        elif len(data) < flight.HEADER_BYTES or data[:8].tobytes() != flight.MAGIC:
            state, header = FOREIGN, self.header
        else:
            state, header = OURS, flight.HEADER.unpack(data[: flight.HEADER.size].tobytes())
        if self._read and (state, header[1]) != (OURS, self.header[1]):
            raise Changed
        self.state, self.header = state, header
        if state != OURS:
            return NO_RECORDS
        end = len(data) - (len(data) - flight.HEADER_BYTES) % RECORDS.itemsize
        self._is_cut = bool(data[end:].any())  # does it end in the middle of a record?
        return data[flight.HEADER_BYTES : end].view(RECORDS)

    def _whole(self, records):
        """The whole events behind those that were read before; what is lost is counted.

        A process that was killed, or a thread that was interrupted, leaves an event without its
        kind, and behind it perhaps some of its text. What other threads wrote behind that is
        whole. The last event without a kind is not lost: it may be about to be finished.
        """
        if self._full:
            return NO_RECORDS
        begin = self._read
        kinds = records["kind"][begin:].copy()  # a copy: it is still being written
        is_head = (kinds != 0) & (kinds != flight.TEXT)
        text_first = len(kinds) > 0 and bool(kinds[0] == flight.TEXT)
        if begin and text_first:
            raise Changed  # an event that was read goes on
        self._headless |= text_first
        if not is_head.any():
            return NO_RECORDS
        last = int(np.flatnonzero(is_head)[-1])
        behind = kinds[last + 1 :]
        end = last + 1 + int(np.append(behind != flight.TEXT, True).argmax())
        kinds = kinds[:end]
        heads = np.maximum.accumulate(np.where(kinds != flight.TEXT, np.arange(end), -1))
        kind = np.where(heads >= 0, kinds[heads], 0)  # of the event that a record belongs to
        unknown = kind > flight.LAST_KIND
        torn = kinds == 0
        self._dropped += int(unknown.sum() + (torn[1:] & ~torn[:-1]).sum() + torn[0])
        self._torn = np.append(self._torn, begin + np.flatnonzero(torn))
        self._read = begin + end
        self._full = self._read == len(records) and not len(self._torn) and not self._is_cut
        self.places = begin + np.flatnonzero((kind != 0) & ~unknown)
        return records[self.places]

    def watch(self, task: int, place: int) -> None:
        """Look, from now on, whether the record at a place changes: it is that task's."""
        self._watched[task] = place

    def unwatch(self, task: int) -> None:
        """Look no more: what has come of the task is known."""
        self._watched.pop(task, None)


def _bytes_of(path):
    """The bytes of a file; none if it cannot be read."""
    try:
        # Through memory, as it was written: Windows does not keep plain reads in step with maps.
        return np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return np.empty(0, np.uint8)


class LogFiles:
    """The segments of one process's log."""

    def __init__(self):
        self.pid = 0
        self.segments = []

    @property
    def known(self) -> bool:
        """Has anything been written, or lost?"""
        return self.dropped > 0 or any(one.state == OURS for one in self.segments)

    @property
    def dropped(self) -> int:
        """How many events, or files of them, could not be read."""
        states = [one.state for one in self.segments]
        while states and states[-1] == BLANK:
            states.pop()  # just being made: another one behind it would make it a loss
        lost_files = sum(state != OURS for state in states)
        return lost_files + sum(one.dropped for one in self.segments)

    @property
    def unwritten(self) -> tuple[int, int]:
        """How many events, and bytes of text, the process itself could not write down."""
        first = next((one for one in self.segments if one.state == OURS), None)
        return first.header[3:] if first else (0, 0)

    def news(self, paths: list[str]):
        """What has come since the last time: pairs of a segment and a Log with its new records.

        Raises Changed if what was read before has changed.
        """
        for number, path in enumerate(paths):
            if number == len(self.segments):
                self.segments.append(Segment(path, number))
            segment = self.segments[number]
            if segment.path != path:
                raise Changed
            records = segment.news()
            if len(records) and any(one.begun for one in self.segments[number + 1 :]):
                raise Changed  # an event that was begun long ago, before others that we know
            if segment.state == OURS:
                self.pid = self.pid or segment.header[1]
            if len(records) or segment.changed:
                yield segment, Log(self.pid, records)
                segment.places = NO_PLACES  # they take room, and are asked for now or never
        if len(paths) < len(self.segments):
            raise Changed


def read_logs(folder: str) -> list[Log]:
    """All logs in a folder, one for each process that wrote one."""
    logs = (_read_log(paths) for paths in flight.log_files(folder).values())
    return [log for log in logs if log is not None]


def _read_log(paths):
    """One process's log as it is now; None if nothing has been written yet."""
    files = LogFiles()
    pieces = [piece.records for _, piece in files.news(paths)]
    if not files.known:
        return None
    records = np.concatenate([NO_RECORDS, *pieces])
    return Log(files.pid, records, *files.unwritten, files.dropped)


def read_log_of(folder: str, pid: int) -> Log | None:
    """The log of the process that has this pid; None if it wrote none that can be read."""
    files = flight.log_files(folder)
    names = [name for name in files if name.startswith(f"{pid}-")]
    log = _read_log(files[names[-1]]) if names else None
    return log if log is not None and log.pid == pid else None
