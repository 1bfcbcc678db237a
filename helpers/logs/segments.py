"""The flight recorder's files: from bytes to whole records, each of them once.

The reader takes whatever it finds: a log cut in half, foreign bytes, a record never finished.
It keeps every whole event and counts what it dropped. Nothing that is read is evaluated or
unpickled.

A log is read while it is written. `Segment.news` returns what has come since the last time, and
raises `Changed` if something that was read already has changed: then the caller must forget what
it made of the records, and begin again.
"""

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from helpers.child import events
from helpers.child.events import HEADER_BYTES, MAGIC, RECORD_BYTES, TEXT, Header, Kind


@functools.cache
def dtype_of(kind: Kind) -> np.dtype:
    """Return what a record of this kind looks like to numpy: its fields under their names."""
    slots = kind.slots.values()
    fields = {
        "names": ["kind", *kind.slots],
        "offsets": [0, *(slot.offset for slot in slots)],
        "formats": ["u1", *(_format_of(slot.letter) for slot in slots)],
    }
    return np.dtype(fields | {"itemsize": RECORD_BYTES})


def _format_of(letter):
    """Return numpy's name for a type of `struct`, such as S8 for 8s."""
    return f"S{letter[:-1]}" if letter.endswith("s") else f"<{letter}"


ANY_KIND = np.dtype(
    [("kind", "u1"), ("size", "u1"), ("slots", "V6"), ("time", "<i8"), ("more slots", "V8")]
    + [("text", f"S{events.INLINE}")]
)
"""A record of whatever kind. It has no gaps: numpy may leave out of a copy what lies in a gap."""
NO_RECORDS = np.empty(0, ANY_KIND)
NO_PLACES = np.empty(0, np.int64)
BLANK, FOREIGN, OURS = "blank", "foreign", "ours"


class Changed(Exception):
    """An error: what was read before is no longer what the files say."""


class Log(NamedTuple):
    """Records of one process in the order in which they were written: a whole log or a piece.

    A record is found by its place, which counts from 0. `lost_events` and `lost_text` say how much
    the process could not write, `dropped` how much could not be read.
    """

    pid: int
    records: np.ndarray
    lost_events: int = 0
    lost_text: int = 0
    dropped: int = 0

    def places_of(self, *kinds: Kind) -> np.ndarray:
        """Return the places of the records of these kinds."""
        there = self.records["kind"]
        chosen = there == kinds[0].number
        for kind in kinds[1:]:
            chosen |= there == kind.number
        return np.flatnonzero(chosen)

    def events_of(self, kind: Kind) -> np.ndarray:
        """Return the records of a kind; each of its fields is a column."""
        return self.events_at(self.places_of(kind), kind)

    def events_at(self, places: np.ndarray, kind: Kind) -> np.ndarray:
        """Return the records at these places with the fields of `kind`."""
        return self.records[places].view(dtype_of(kind))

    def events_with_text(self, kind: Kind) -> Iterator[tuple[np.void, str]]:
        """Yield each record of a kind together with its text."""
        for event, data in self.events_with_data(kind):
            yield event, data.decode("utf-8", "replace")

    def events_with_data(self, kind: Kind) -> Iterator[tuple[np.void, bytes]]:
        """Yield each record of a kind together with its text as bytes."""
        places = self.places_of(kind)
        for place, event in zip(places, self.events_at(places, kind), strict=True):
            yield event, self.data(place)

    def continues(self, places: np.ndarray) -> np.ndarray:
        """Return for each of these places whether its text continues in the record behind it."""
        return np.append(self.records["kind"], 0)[places + 1] == TEXT

    def text(self, place: int) -> str:
        """Return the text of the event at a place, with the TEXT records behind it."""
        return self.data(place).decode("utf-8", "replace")

    def data(self, place: int) -> bytes:
        """Return the same text as bytes; a number that was recorded as such is written out."""
        raw, size_at, text_at = self.records.data.cast("B"), events.SIZE.offset, events.TEXT_AT
        record = place * RECORD_BYTES
        size, text = raw[record + size_at], record + text_at
        if size == events.NUMBER:
            number = raw[text : text + events.INLINE]
            return b"%d" % int.from_bytes(number, "little", signed=True)
        pieces = [bytes(raw[text : text + min(size, events.INLINE)])]
        for behind in range(record + RECORD_BYTES, len(raw), RECORD_BYTES):
            if raw[behind] != TEXT:
                break
            size, text = raw[behind + size_at], behind + events.MORE_AT
            pieces.append(bytes(raw[text : text + min(size, events.MORE)]))
        return b"".join(pieces)


def short_texts(records: np.ndarray) -> np.ndarray:
    """Return the texts of these records as far as the records themselves hold them."""
    texts = records["text"].copy()
    are_numbers = records["size"] == events.NUMBER
    texts[are_numbers] = texts[are_numbers].view("<i8").astype(texts.dtype)
    return texts


class Segment:
    """One file of a log, and how far it has been read.

    `state` is BLANK for a file that is just being made, FOREIGN for one that is no log of ours.
    `places` says where the records that came last stand in the file.

    The record of a short task changes when the task returns. So the record of a task that has only
    started is watched, by the task's number; `changed` holds those that have changed, each as an
    array of one record.
    """

    def __init__(self, path: str, number: int):
        self.path = path
        self.number = number
        self.state = BLANK
        self.header = Header(b"", 0, 0)
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
        """Whether anything has been read."""
        return self._read > 0

    @property
    def dropped(self) -> int:
        """How many events are known to be lost here."""
        return self._dropped + self._headless + self._is_cut

    def news(self) -> np.ndarray:
        """Return the records that have been written since the last time.

        Raises:
            Changed: if what was read before has changed.
        """
        self.changed = {}
        if self._full and not self._watched and self.number:
            return NO_RECORDS  # nothing can come; losses stand in the first file's header
        data = _bytes_of(self.path)
        if self._read and len(data) != self._size:
            raise Changed
        self._size = len(data)
        records = self._records_in(data)
        kinds = records["kind"]
        if (kinds[self._torn] != 0).any():
            raise Changed
        for task, place in list(self._watched.items()):
            if kinds[place] != events.STARTED.number:
                self.changed[task] = records[place : place + 1].copy()
                del self._watched[task]
        return self._whole(records)

    def _records_in(self, data):
        """Read the header of the file, and return the records in its bytes."""
        state, header = FOREIGN, self.header
        if not data[:HEADER_BYTES].any():
            state = BLANK
        elif len(data) >= HEADER_BYTES and data[: len(MAGIC)].tobytes() == MAGIC:
            state, header = OURS, Header.read(data[:HEADER_BYTES].tobytes())
        if self._read and (state, header.pid) != (OURS, self.header.pid):
            raise Changed
        self.state, self.header = state, header
        if state != OURS:
            return NO_RECORDS
        end = len(data) - (len(data) - HEADER_BYTES) % RECORD_BYTES
        self._is_cut = bool(data[end:].any())  # does it end in the middle of a record?
        return data[HEADER_BYTES:end].view(ANY_KIND)

    def _whole(self, records):
        """Return the whole events behind those that were read before, and count what is lost.

        A process that was killed, or a thread that was interrupted, leaves an event without its
        kind, and behind it perhaps some of its text. What other threads wrote behind that is
        whole. If the last event has no kind, it is not lost: it may be about to be finished.
        """
        if self._full:
            return NO_RECORDS
        begin = self._read
        kinds = records["kind"][begin:].copy()  # a copy: it is still being written
        is_head = (kinds != 0) & (kinds != TEXT)
        text_first = len(kinds) > 0 and bool(kinds[0] == TEXT)
        if begin and text_first:
            raise Changed  # an event that was read has got more text
        self._headless |= text_first
        if not is_head.any():
            return NO_RECORDS
        last = int(np.flatnonzero(is_head)[-1])
        behind = kinds[last + 1 :]
        end = last + 1 + int(np.append(behind != TEXT, True).argmax())
        kinds = kinds[:end]
        heads = np.maximum.accumulate(np.where(kinds != TEXT, np.arange(end), -1))
        kind = np.where(heads >= 0, kinds[heads], 0)  # of the event that a record belongs to
        unknown = kind > events.LAST_KIND
        torn = kinds == 0
        self._dropped += int(unknown.sum() + (torn[1:] & ~torn[:-1]).sum() + torn[0])
        self._torn = np.append(self._torn, begin + np.flatnonzero(torn))
        self._read = begin + end
        self._full = self._read == len(records) and not len(self._torn) and not self._is_cut
        self.places = begin + np.flatnonzero((kind != 0) & ~unknown)
        return records[self.places]

    def watch(self, task: int, place: int) -> None:
        """Watch from now on whether the record of a task changes, which stands at a place."""
        self._watched[task] = place

    def unwatch(self, task: int) -> None:
        """Watch the task's record no longer: how the task has ended is known."""
        self._watched.pop(task, None)


def _bytes_of(path):
    """Return the bytes of a file; none if it cannot be read."""
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
        """Whether anything has been written, or lost."""
        return self.dropped > 0 or any(segment.state == OURS for segment in self.segments)

    @property
    def dropped(self) -> int:
        """How many events, or files of them, could not be read."""
        states = [segment.state for segment in self.segments]
        while states and states[-1] == BLANK:
            states.pop()  # it is just being made; only a file behind it would make it a loss
        lost_files = sum(state != OURS for state in states)
        return lost_files + sum(segment.dropped for segment in self.segments)

    @property
    def unwritten(self) -> tuple[int, int]:
        """How many events, and bytes of text, the process itself could not write down."""
        for segment in self.segments:
            if segment.state == OURS:
                return segment.header.lost_events, segment.header.lost_text
        return 0, 0

    def news(self, paths: list[str]) -> Iterator[tuple[Segment, Log]]:
        """Yield each segment in which something has come since the last time, and the new records.

        Args:
            paths: the files of the log, in order.

        Raises:
            Changed: if what was read before has changed.
        """
        for number, path in enumerate(paths):
            if number == len(self.segments):
                self.segments.append(Segment(path, number))
            segment = self.segments[number]
            if segment.path != path:
                raise Changed
            records = segment.news()
            if len(records) and any(later.begun for later in self.segments[number + 1 :]):
                raise Changed  # an event was begun long ago, before others that were read already
            if segment.state == OURS:
                self.pid = self.pid or segment.header.pid
            if len(records) or segment.changed:
                yield segment, Log(self.pid, records)
                segment.places = NO_PLACES  # they take memory, and nobody asks for them later
        if len(paths) < len(self.segments):
            raise Changed


LOG_NAME = re.compile(r"(\d+-\d+)\.(\d+)\.log")


def log_files(folder: str) -> dict[str, list[str]]:
    """Return the logs in a folder: for each process, the paths of its segments in order."""
    found = {}
    with contextlib.suppress(OSError, ValueError), os.scandir(folder) as entries:
        for entry in entries:
            match = LOG_NAME.fullmatch(entry.name)
            if match and entry.is_file(follow_symlinks=False):
                found.setdefault(match[1], []).append((int(match[2]), entry.path))
    return {name: [path for _, path in sorted(paths)] for name, paths in sorted(found.items())}


def read_logs(folder: str) -> list[Log]:
    """Return all logs in a folder, one for each process that wrote one."""
    logs = (_read_log(paths) for paths in log_files(folder).values())
    return [log for log in logs if log is not None]


def _read_log(paths):
    """Return one process's log as it is now; None if nothing has been written yet."""
    files = LogFiles()
    pieces = [piece.records for _, piece in files.news(paths)]
    if not files.known:
        return None
    records = np.concatenate([NO_RECORDS, *pieces])
    return Log(files.pid, records, *files.unwritten, files.dropped)


def read_log_of(folder: str, pid: int) -> Log | None:
    """Return the log of the process with this pid; None if it wrote none that can be read."""
    files = log_files(folder)
    names = [name for name in files if name.startswith(f"{pid}-")]
    log = _read_log(files[names[-1]]) if names else None
    return log if log is not None and log.pid == pid else None
