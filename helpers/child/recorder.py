"""The flight recorder: each process writes down what it does.

Like the recorder of an aeroplane it has to survive the crash. Every process writes its own
events into its own files, through memory that it shares with the operating system (mmap).
No other process writes there, so there is no lock and no queue between processes: a process that
is killed harms no other, and everything it wrote until then is still in the file.

The first byte of a record, its kind, is written last: as long as it is zero, the record is not
there yet, so a reader never sees half a record. What the bytes mean stands in `child/events`.

Most tasks that come in thousands are over in microseconds, and then the recorder must be quick,
too. So the record of a task that has started is used again if the task was a short one: its
duration is added, and STARTED becomes SHORT_TASK_DONE. Only longer tasks get a second record.

Only the standard library is imported here, because every child imports this file.
"""

import contextlib
import errno
import itertools
import mmap
import os
import threading
import time
import weakref

from helpers.child import events
from helpers.child.streams import send_to_log

SEGMENT_BYTES = 1 << 20
"""The size of one file of a log. A process that fills it continues in a new one."""
OUTPUT_BYTES = 1 << 20
"""How much of what a process prints is kept; the rest is counted."""
LONGEST_TEXT = 16 << 10
"""Bytes of text that one event may have."""

# Bound here, since globals are faster than attributes.
_write_start, _write_numbered_start = events.write_start, events.write_numbered_start
_write_took, _TOOK_AT, _INLINE = events.write_took, events.TOOK_AT, events.INLINE
_STARTED, _SHORT_TASK_DONE = events.STARTED.number, events.SHORT_TASK_DONE.number


class Recorder:
    """Writes the events of this process into files of its own in `folder`.

    A full disk, or a folder that is gone, ends the recording and is counted in `lost_events`;
    it never harms the program that is being recorded.
    """

    def __init__(self, folder: str):
        self.folder = folder
        self.begin()

    def begin(self):
        """Begin an empty log of this process: at first, and again in a process that was forked."""
        self.pid = os.getpid()
        self.lost_events = 0
        self.lost_text = 0
        self._broken = False
        self._names = {}
        self._printed = 0
        self._began = time.perf_counter_ns()
        self._numbers = itertools.count()  # of the segments
        self._first = None
        # The file that we write to, and an iterator over its free places. The threads of a process
        # share its log, so places are given out with a lock held, which costs 0.1 us. A signal
        # handler may record while its own thread holds the lock: an RLock lets it pass. It takes
        # no place that its thread is just taking, since no handler runs within `next` or `list`.
        self._page = None, iter(())
        self._lock = threading.RLock()

    def record(self, kind, /, *, text=b"", at=None, **fields):
        """Write one event.

        Args:
            kind: the kind of event, such as `events.PUT`.
            text: the event's text.
            at: the event's time in ns (`time.perf_counter_ns`); by default now.
            fields: all other fields of this kind, by name.

        Returns:
            The segment and the place where the event stands; None and 0 if there was no room.

        Raises:
            TypeError: if there are more or fewer fields than this kind has.
            KeyError: if a field is missing.
            struct.error: if a value does not fit into its field.
        """
        fields["time"] = time.perf_counter_ns() if at is None else at
        fields["size"], fields["text"] = len(text), text
        if len(text) > events.INLINE:
            return self._record_long(kind, fields)
        segment, place = self._next_place()
        if segment is None:
            return self._lose(lost=1)
        kind.write(segment, place, fields)
        segment[place] = kind.number
        return segment, place

    def _record_long(self, kind, fields):
        """Write an event whose text continues in the records behind it."""
        text = fields["text"]
        starts = range(events.INLINE, len(text), events.MORE)
        segment, place = self._room_for(1 + len(starts))
        if segment is None:
            return self._lose(lost=1)
        kind.write(segment, place, fields | {"size": events.INLINE, "text": text[: events.INLINE]})
        behind = place
        for start in starts:
            behind += events.RECORD_BYTES
            events.write_more_text(segment, behind, text[start : start + events.MORE])
        segment[place] = kind.number
        return segment, place

    def record_start(self, function, job, item, text, at):
        """Write that a task has started: `record(events.STARTED, ...)`, but quicker.

        Args:
            function: the function's number, from `number_of`.
            job, item: the number of the pool's job, and which of its items this is.
            text: the arguments.
            at: the time in ns.

        Returns:
            What `record` returns.
        """
        size = len(text)
        if size > _INLINE:
            fields = {"function": function, "job": job, "item": item}
            return self.record(events.STARTED, text=text, at=at, **fields)
        segment, place = self._next_place()
        if segment is None:
            return self._lose(lost=1)
        _write_start(segment, place, 0, size, function, job, at, item, text)
        segment[place] = _STARTED
        return segment, place

    def record_numbered_start(self, head, item, number, at):
        """Write that a task has started that is called with a number: quicker still.

        Args:
            head: what `events.head_of_starts` has made, once for many tasks.
            item: which of its job's items this is.
            number: what the task is called with, from LEAST_NUMBER to MOST_NUMBER.
            at: the time in ns.

        Returns:
            What `record` returns.
        """
        with self._lock:  # the steps of `_next_place`, without the call
            segment, free = self._page
            place = next(free, 0)
        if not place:
            segment, place = self._room_for(1)
            if segment is None:
                return self._lose(lost=1)
        _write_numbered_start(segment, place, head, at, item, number)
        segment[place] = _STARTED
        return segment, place

    def record_short_end(self, segment, place, took):
        """Turn the record of a task that has started into that of one that took `took` ns.

        Args:
            segment, place: where the record stands, as `record` has returned it.
            took: the duration of the task in ns, less than 2**32.
        """
        if segment is not None:
            _write_took(segment, place + _TOOK_AT, took)
            segment[place] = _SHORT_TASK_DONE

    def number_of(self, name):
        """Return the number that stands for a function's name in this log."""
        number = self._names.get(name)
        if number is None:
            with self._lock:
                number = self._names.setdefault(name, len(self._names) % 0xFFFF)
            text = name.encode(errors="replace")[:LONGEST_TEXT]
            self.record(events.NAME, function=number, text=text)
        return number

    def record_text(self, stream, data):
        """Write what the process prints, up to `OUTPUT_BYTES` of it.

        Args:
            stream: `events.STDOUT` or `events.STDERR`.
            data: the printed text as bytes.
        """
        with self._lock:
            kept = data[: max(0, OUTPUT_BYTES - self._printed)]
            self._printed += len(kept)
        for start in range(0, len(kept), LONGEST_TEXT):
            text = kept[start : start + LONGEST_TEXT]
            self.record(events.WROTE, stream=stream, text=text)
        if len(kept) < len(data):
            self._lose(text=len(data) - len(kept))

    def _next_place(self):
        """Return the segment and the place where the next record goes; None and 0 without room."""
        with self._lock:
            segment, free = self._page
            place = next(free, 0)
        return (segment, place) if place else self._room_for(1)

    def _room_for(self, records):
        """Return where the next records go, in a new segment if need be; None and 0 without room.

        What is left of a segment that is too short for them stays empty.
        """
        with self._lock:
            while not self._broken:
                segment, free = self._page
                places = list(itertools.islice(free, records))
                if len(places) == records:
                    return segment, places[0]
                if not self._new_segment():
                    self._broken = True  # and stays so: a log with a hole would mislead
        return None, 0

    def _new_segment(self):
        """Continue in a new file; return False if none can be made."""
        number = next(self._numbers)
        file = os.path.join(self.folder, f"{self.pid}-{self._began}.{number}.log")
        try:
            segment = map_new_file(file)
        except (OSError, ValueError):  # a ValueError for a name that no file can have
            return False
        events.Header(events.MAGIC, self.pid, number).write(segment)
        if number == 0:
            self._first = segment
        places = range(events.HEADER_BYTES, SEGMENT_BYTES, events.RECORD_BYTES)
        self._page = segment, iter(places)
        return True

    def let_go(self):
        """Record nothing more, so that the files can go: Windows removes none that is mapped."""
        self._broken = True
        self._page = None, iter(())
        self._first = None

    def _lose(self, lost=0, text=0):
        """Count what could not be written, in the header of the log's first file too."""
        with self._lock:
            self.lost_events += lost
            self.lost_text += text
            if self._first is not None:
                header = events.Header(events.MAGIC, self.pid, 0, self.lost_events, self.lost_text)
                header.write(self._first)
        return None, 0


def map_new_file(path):
    """Create a file of `SEGMENT_BYTES`, reserve its space, and map it into memory.

    Without the reservation, writing to the map would kill the process when the disk is full.

    Raises:
        OSError: if the file exists already, or there is no room for it.
    """
    with open(path, "x+b") as file:
        try:
            _reserve(file)
            return mmap.mmap(file.fileno(), SEGMENT_BYTES)
        except OSError:
            with contextlib.suppress(OSError):
                os.remove(path)
            raise


def _reserve(file):
    """Reserve the space of a segment, by writing it out where the system knows no other way."""
    try:
        os.posix_fallocate(file.fileno(), 0, SEGMENT_BYTES)
    except (AttributeError, OSError) as error:
        if getattr(error, "errno", None) in NO_ROOM:
            raise
        file.write(bytes(SEGMENT_BYTES))
        file.flush()


NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
"""The errors of a system that has no room for a file."""

_recorders = weakref.WeakValueDictionary()
_current = None


def recorder_for(folder: str) -> Recorder:
    """Return the recorder of this process for an experiment's folder; the first call makes it."""
    recorder = _recorders.get(folder)
    if recorder is None:
        recorder = _recorders[folder] = Recorder(folder)
    return recorder


def _begin_again():
    """Begin new logs in a forked child, which must not write into its parent's."""
    for recorder in list(_recorders.values()):
        recorder.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def current_recorder() -> Recorder | None:
    """Return the recorder of the observed process that we are in; None outside of one."""
    return _current


def start_recording(folder: str) -> Recorder:
    """Record from now on, in a child, and send what it prints to the log; return the recorder."""
    global _current
    _current = recorder_for(folder)
    os.environ["PYTHON_COLORS"] = "0"  # a log is no terminal, though a kernel says so (3.13)
    send_to_log(_current)
    return _current
