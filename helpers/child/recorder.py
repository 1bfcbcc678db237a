"""The flight recorder: what a process did, written by that process itself.

Like the recorder of an aeroplane it has to survive the crash. Every process writes its own
events into its own files, through memory that it shares with the operating system (mmap).
Nobody else writes there, so there is no lock and no queue between processes: a process that is
killed harms nobody, and everything it wrote until then is still in the file.

A log is a row of records of 32 bytes. A text too long for one record goes on in the TEXT records
behind it. The first byte of a record, its kind, is written last: as long as it is zero, the
record is not there yet, so a reader never sees half a record.

Most tasks that come in thousands are over in microseconds, and then the recorder must be quick,
too. So the record of a task that has started is used again when the task was a short one: how
long it took is added, and the kind becomes DID. Only longer tasks get a second record.

Only the standard library is imported here, because every child imports this file.
"""

import contextlib
import errno
import io
import itertools
import mmap
import os
import re
import struct
import sys
import threading
import time
import weakref

SEGMENT_BYTES = 1 << 20
"""The size of one file of a log. A process that fills it goes on in a new one."""

MAGIC = b"flight1\n"
HEADER = struct.Struct("<8sIIQQ")
"""Magic, pid, number of the segment, events lost, bytes of printed text lost."""
HEADER_BYTES = 64

RECORD = struct.Struct("<BBHIqII8s")
"""Kind, bytes of text, code, a, time in ns, b, c, text. The kind says what code, a, b, c mean."""
TEXT_RECORD = struct.Struct("<BB30s")
C = struct.Struct("<I")
C_AT = 20
"""Where in a record c is."""
INLINE = 8
MORE = 30
NUMBER = 0xFF
"""So many bytes no text has: where the text would stand is a whole number, not yet written out."""
HEAD, NUMBER_RECORD = struct.Struct("<BBHI"), struct.Struct("<8sqqq")
"""Such a record in the same places: kind, NUMBER, code, a; that head, time, b (with c), number."""
LEAST_NUMBER, MOST_NUMBER = -(10**7) + 1, 10**8 - 1
"""Between these, a number written out is no longer than INLINE."""
_write, _write_number, _write_c = RECORD.pack_into, NUMBER_RECORD.pack_into, C.pack_into

# The kinds of records. In brackets: what code, a, b, c and the text hold.
TEXT = 1  # more text of the record before it
ASKED = 2  # the parent asked for a process [role, pid, lane, method; its name]
BORN = 3  # the child's first moment [method it finds it was started by, parent's pid; its name]
READY = 4  # a worker asks for its first task
DONE = 5  # the function of the process has returned
LEFT = 6  # the child's last moment [-, exit code]
ENDED = 7  # the parent noticed the end [-, pid, exit code]
NAME = 8  # a function's name [its number in this log; the name]
STARTED = 9  # a task [function's number, job, item; its arguments]
FINISHED = 10  # the task before it [outcome, job, on a core in us: low, high; the exception]
SUBMITTED = 11  # the parent submitted a job, or one item of it [1 for an item, job, item]
RECEIVED = 12  # the parent received the result [-, job, item]
WROTE = 13  # a print [1 stdout, 2 stderr; the text]
PUT = 14  # a message into a queue [-, its number, queue's number; the value]
GOT = 15  # a message out of a queue [-, its number, queue's number, sender's pid]
READ = 16  # a shared value was read [-, -, value's number; the value]
WRITTEN = 17  # a shared value was written [the same]
WANTED = 18  # a lock was held by another, the process waits for it [-, -, lock's number, thread]
ACQUIRED = 19  # it has come [1; 0 if it waited in vain, -, lock's number, thread]
RELEASED = 20  # the lock was given back [-, -, lock's number, thread]
DID = 21  # a task that started and soon returned [as STARTED, but c is how long it took in ns]
CARRIED = 22  # a large message [what was done with it, its KiB, how long in ns: low, high]
INTERRUPTED = 23  # SIGINT, as when somebody interrupts the kernel
LAST_KIND = INTERRUPTED

NO_JOB = 0xFFFFFFFF
"""The job of a task that came from no pool: the function of an ordinary process."""

METHODS = ("", "spawn", "fork", "forkserver")
ROLES = ("process", "worker", "manager", "thread")
RETURNED, RAISED = 1, 2
SHORT_TASK = 10_000
"""ns; of a task that took less, no clock can tell what share of it was on a core."""
STDOUT, STDERR = 1, 2
UNPICKLED, PICKLED, SENT = 1, 2, 3

OUTPUT_BYTES = 1 << 20
"""How much of what a process prints is kept; the rest is counted."""
LONGEST_TEXT = 16 << 10


def head_of_starts(function: int, job: int) -> bytes:
    """What the records of tasks have in common that are called with a number each.

    Args:
        function: the function's number, from `Recorder.number_of`.
        job: the number of the pool's job.

    Returns:
        The first eight bytes of their records, for `Recorder.record_start`.

    Raises:
        struct.error: if the function's number needs more than 16 bits, or the job's more than 32.
    """
    return HEAD.pack(0, NUMBER, function, job)


class Recorder:
    """Writes the events of this process into files of its own in `folder`.

    A full disk, or a folder that is gone, ends the recording and is counted in `lost_events`;
    it never harms the program that is being recorded.
    """

    def __init__(self, folder: str):
        self.folder = folder
        self._begin()

    def _begin(self):
        self.pid = os.getpid()
        self.lost_events = 0
        self.lost_text = 0
        self._broken = False
        self._names = {}
        self._printed = 0
        self._first = None
        self._segments = 0
        # Where we write, and an iterator over the places there that are free. Threads of one
        # process share its log, and a signal handler may record while its own thread is in the
        # middle of a record. Nobody comes between the steps of `next` and `islice`, which are
        # written in C, so nobody gets a place that is another's; and that is quicker than a lock.
        self._page = None, iter(())
        self._lock = threading.RLock()  # for turning the page

    def record(self, kind, code=0, a=0, b=0, c=0, text=b"", at=None):
        """Write one event; `at` is its time in ns (`time.perf_counter_ns`), now if not given.

        Returns the segment and the place where it stands; None and 0 if there was no room.
        """
        if at is None:
            at = time.perf_counter_ns()
        if len(text) > INLINE:
            return self._record_long(kind, code, a, at, b, c, text)
        segment, free = self._page
        place = next(free, 0)
        if not place:
            segment, place = self._room_for(1)
            if segment is None:
                return self._lose(events=1)
        _write(segment, place, 0, len(text), code, a, at, b, c, text)
        segment[place] = kind
        return segment, place

    def _record_long(self, kind, code, a, at, b, c, text):
        """An event whose text goes on in the records behind it."""
        more = -(-(len(text) - INLINE) // MORE)
        segment, place = self._room_for(1 + more)
        if segment is None:
            return self._lose(events=1)
        _write(segment, place, 0, INLINE, code, a, at, b, c, text[:INLINE])
        for n in range(more):
            piece = text[INLINE + n * MORE : INLINE + (n + 1) * MORE]
            behind = place + RECORD.size * (n + 1)
            TEXT_RECORD.pack_into(segment, behind, TEXT, len(piece), piece)
        segment[place] = kind
        return segment, place

    def record_start(self, head, item, number, at):
        """Write that a task has started that is called with a number: `record`, but quicker.

        Args:
            head: what `head_of_starts` has made, once for many tasks.
            item: which of its job's items this is.
            number: what it is called with, from LEAST_NUMBER to MOST_NUMBER.
            at: the time in ns.

        Returns what `record` returns.
        """
        segment, free = self._page
        place = next(free, 0)
        if not place:  # the page is full
            _, _, function, job = HEAD.unpack(head)
            return self.record(STARTED, function, job, item, 0, b"%d" % number, at)
        _write_number(segment, place, head, at, item, number)
        segment[place] = STARTED
        return segment, place

    def record_end(self, segment, place, took):
        """Turn the record of a task that has started into that of one that took `took` ns."""
        if segment is not None:
            _write_c(segment, place + C_AT, took)
            segment[place] = DID

    def number_of(self, name):
        """The number that stands for a function's name in this log."""
        number = self._names.get(name)
        if number is None:
            with self._lock:
                number = self._names[name] = len(self._names) % 0xFFFF
            self.record(NAME, number, text=name.encode(errors="replace")[:LONGEST_TEXT])
        return number

    def record_text(self, stream, data):
        """Write what the process prints, up to `OUTPUT_BYTES` of it."""
        kept = data[: max(0, OUTPUT_BYTES - self._printed)]
        self._printed += len(kept)
        for start in range(0, len(kept), LONGEST_TEXT):
            self.record(WROTE, stream, text=kept[start : start + LONGEST_TEXT])
        if len(kept) < len(data):
            self._lose(text=len(data) - len(kept))

    def _room_for(self, records):
        """Where the next records go, in a new segment if need be; None and 0 if there is no room.

        What is left of a segment that is too short for them stays empty.
        """
        while not self._broken:
            segment, free = page = self._page
            places = list(itertools.islice(free, records))
            if len(places) == records:
                return segment, places[0]
            with self._lock:
                if self._page is page and not self._new_segment():
                    self._broken = True  # for ever: a log with a hole would mislead
        return None, 0

    def _new_segment(self):
        number, self._segments = self._segments, self._segments + 1
        if number == 0:
            self._name = f"{self.pid}-{time.perf_counter_ns()}"
        try:
            segment = _map_new_file(os.path.join(self.folder, f"{self._name}.{number}.log"))
        except (OSError, ValueError):  # the second for a name that no file can have
            return False
        HEADER.pack_into(segment, 0, MAGIC, self.pid, number, 0, 0)
        self._first = self._first or segment
        self._page = segment, iter(range(HEADER_BYTES, SEGMENT_BYTES, RECORD.size))
        return True

    def let_go(self):
        """Record nothing more, so that the files can go: Windows removes none that is mapped."""
        self._broken = True
        self._page = None, iter(())
        self._first = None

    def _lose(self, events=0, text=0):
        self.lost_events += events
        self.lost_text += text
        if self._first is not None:
            HEADER.pack_into(self._first, 0, MAGIC, self.pid, 0, self.lost_events, self.lost_text)
        return None, 0


def _map_new_file(path):
    """Create a file of `SEGMENT_BYTES`, its space reserved, and map it into memory.

    Without the reservation, writing to the map would kill the process when the disk is full.
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
    """Reserve the space of a segment; written out where the system or the disk has no other way."""
    try:
        os.posix_fallocate(file.fileno(), 0, SEGMENT_BYTES)
    except (AttributeError, OSError) as error:
        if getattr(error, "errno", None) in NO_ROOM:
            raise
        file.write(bytes(SEGMENT_BYTES))
        file.flush()


NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))

_recorders = weakref.WeakValueDictionary()
_here = None


def recorder_for(folder: str) -> Recorder:
    """The recorder of this process for an experiment's folder, made at the first call."""
    recorder = _recorders.get(folder)
    if recorder is None:
        recorder = _recorders[folder] = Recorder(folder)
    return recorder


def _begin_again():
    """After a fork the child must not write into its parent's log: it begins one of its own."""
    for recorder in list(_recorders.values()):
        recorder._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)


def here() -> Recorder | None:
    """The recorder of the observed process that we are in; None outside of one."""
    return _here


def take_off(folder: str) -> Recorder:
    """In a child: record from now on, and send what is printed to the log."""
    global _here
    _here = recorder_for(folder)
    os.environ["PYTHON_COLORS"] = "0"  # a log is no terminal, though a kernel says so (3.13)
    sys.stdout = _log_stream(_here, STDOUT)
    sys.stderr = _log_stream(_here, STDERR)
    return _here


class _LogOutput(io.RawIOBase):
    """The end of a text stream at which bytes become events."""

    def __init__(self, recorder, stream):
        self._recorder = recorder
        self._stream = stream

    def writable(self):
        return True

    def fileno(self):
        """The file descriptor that goes with the stream: `subprocess` may hand it on."""
        return self._stream

    def write(self, data):
        data = bytes(data)
        self._recorder.record_text(self._stream, data)
        return len(data)


def _log_stream(recorder, stream):
    output = _LogOutput(recorder, stream)
    return io.TextIOWrapper(output, "utf-8", "backslashreplace", newline="\n", line_buffering=True)


LOG_NAME = r"(\d+-\d+)\.(\d+)\.log"  # compiled when it is needed: children do not read logs


def log_files(folder: str) -> dict[str, list[str]]:
    """The logs in a folder: for each process, the paths of its segments in order."""
    found = {}
    with contextlib.suppress(OSError, ValueError), os.scandir(folder) as entries:
        for entry in entries:
            match = re.fullmatch(LOG_NAME, entry.name)
            if match and entry.is_file(follow_symlinks=False):
                found.setdefault(match[1], []).append((int(match[2]), entry.path))
    return {name: [path for _, path in sorted(paths)] for name, paths in sorted(found.items())}
