"""The format of the flight recorder's logs: what is written, and where in a record it stands.

A log is a header and a row of records of 32 bytes. Every record is an event of some kind, and each
kind has a line below that says what its fields are called and in which slot of the record each of
them stands. The writer (`child/recorder`) and the reader (`logs/segments`) both go by these names.

    offset   0     1     2      4      8     16      20     24
             kind  size  SMALL  FIRST  time  SECOND  THIRD  text
                                             ----WIDE-----

`size` says how many bytes of text the record has. A text of more than eight bytes continues in
TEXT records, which stand right behind the record: kind, size, and thirty bytes of text.

Only the standard library is imported here, because every child imports this file.
"""

import struct
from collections import namedtuple
from operator import itemgetter

HEADER_BYTES = 64
"""Where in a file the records begin."""
MAGIC = b"flight1\n"
_HEADER = struct.Struct("<8sIIQQ")


class Header(namedtuple("Header", "magic pid segment lost_events lost_text", defaults=[0, 0])):
    """The beginning of each file of a log.

    `segment` is the number of the file among those of the log. The first one also says how many
    events the process could not write, and how many bytes of what it printed were not kept.
    """

    def write(self, file) -> None:
        """Put the header into the memory of a file."""
        _HEADER.pack_into(file, 0, *self)

    @classmethod
    def read(cls, data: bytes) -> "Header":
        """Return the header at the beginning of these bytes."""
        return cls(*_HEADER.unpack_from(data))


RECORD_BYTES = 32
INLINE, MORE = 8, 30
"""Bytes of text that a record itself has room for, and a TEXT record behind it."""
_TEXT_RECORD = struct.Struct(f"<BB{MORE}s")


Slot = namedtuple("Slot", "offset letter")
"""A place in a record; `letter` is the type of what stands there, as `struct` names it."""

TEXT_AT, MORE_AT = 24, 2
"""Where in a record its text begins, and where in a TEXT record."""
SIZE, TIME, INLINE_TEXT = Slot(1, "B"), Slot(8, "q"), Slot(TEXT_AT, f"{INLINE}s")
SMALL = Slot(2, "H")
FIRST, SECOND, THIRD = Slot(4, "I"), Slot(16, "I"), Slot(20, "I")
WIDE = Slot(16, "Q")  # SECOND and THIRD together


class Kind:
    """A kind of event.

    Args:
        number: what stands in the first byte of such a record.
        slots: the name of each field and the slot in which it stands. Every kind also has `size`
            (of its text, in bytes), `time` (in ns of `time.perf_counter_ns`) and `text`.
    """

    def __init__(self, number: int, /, **slots: Slot):
        self.number = number
        slots |= {"size": SIZE, "time": TIME, "text": INLINE_TEXT}
        self.slots = dict(sorted(slots.items(), key=lambda item: item[1].offset))
        self._values_of = itemgetter(*self.slots)
        self.pack_into = struct.Struct(_layout_of(self.slots.values())).pack_into

    def write(self, segment, place: int, fields: dict) -> None:
        """Put an event into the memory of a file, but for its kind, without which it is not there.

        Args:
            segment: the memory of the file.
            place: where in it the record begins.
            fields: the values of all fields, by name.

        Raises:
            TypeError: if there are more or fewer fields than this kind has.
            KeyError: if a field is missing.
            struct.error: if a value does not fit into its slot.
        """
        if len(fields) != len(self.slots):
            raise TypeError(f"the fields are {', '.join(self.slots)}, not {', '.join(fields)}")
        self.pack_into(segment, place, 0, *self._values_of(fields))


def _layout_of(slots) -> str:
    """Return the format of a record for `struct`: these slots in order, and zeros between them."""
    layout, end = "<B", 1
    for slot in slots:
        layout += f"{slot.offset - end}x{slot.letter}"
        end = slot.offset + struct.calcsize("<" + slot.letter)
    return layout


# The kinds of events, and in brackets what their texts hold.

TEXT = 1  # the number of a record that is no event of its own: more text of the one before it
ASKED = Kind(2, role=SMALL, pid=FIRST, lane=SECOND, method=THIRD)
"""The parent asked for a process [the process's name]."""
BORN = Kind(3, method=SMALL, ppid=FIRST)
"""The first moment of a child, with the start method that it found itself started by."""
READY = Kind(4)
"""A worker asks for its first task."""
DONE = Kind(5)
"""The function of the process has returned."""
LEFT = Kind(6, exitcode=SECOND)
"""The last moment of a child."""
ENDED = Kind(7, pid=FIRST, exitcode=SECOND)
"""The parent noticed that a process has ended."""
NAME = Kind(8, function=SMALL)
"""The number that stands for a function in this log [the function's name]."""
STARTED = Kind(9, function=SMALL, job=FIRST, item=SECOND)
"""A task has started [its arguments]."""
FINISHED = Kind(10, outcome=SMALL, job=FIRST, computed=WIDE)
"""The task before it has finished; `computed` is its time on a core in us [how it ended]."""
SUBMITTED = Kind(11, single=SMALL, job=FIRST, item=SECOND)
"""The parent submitted a job as a whole, or if `single` is 1 this item of it."""
RECEIVED = Kind(12, job=FIRST, item=SECOND)
"""The parent received a result."""
WROTE = Kind(13, stream=SMALL)
"""The process printed something [the text]."""
PUT = Kind(14, number=FIRST, queue=SECOND)
"""A message was put into a queue [the value]."""
GOT = Kind(15, number=FIRST, queue=SECOND, sender=THIRD)
"""A message was taken out of a queue; `sender` is the pid of the process that put it there."""
READ = Kind(16, number=SECOND)
"""The shared value of this number was read [the value]."""
WRITTEN = Kind(17, number=SECOND)
"""The shared value of this number was written [the value]."""
WANTED = Kind(18, lock=SECOND, thread=THIRD)
"""A lock is held by another process or thread, and this thread waits for it."""
ACQUIRED = Kind(19, obtained=SMALL, lock=SECOND, thread=THIRD)
"""A lock was obtained; or if `obtained` is 0, the wait for it was in vain."""
RELEASED = Kind(20, lock=SECOND, thread=THIRD)
"""A lock was given back."""
SHORT_TASK_DONE = Kind(21, function=SMALL, job=FIRST, item=SECOND, took=THIRD)
"""A task has started and soon returned; `took` is its duration in ns [its arguments]."""
CARRIED = Kind(22, action=SMALL, kib=FIRST, took=WIDE)
"""A large message was pickled, sent or unpickled, which took so many ns until now."""
INTERRUPTED = Kind(23)
"""SIGINT has come, as when somebody interrupts the kernel."""
WAIT_BEGUN = Kind(24, reason=SMALL, number=SECOND, thread=THIRD)
"""This thread waits until others have done something; `number` says which queue, barrier and so on,
or is the pid of the process whose end it waits for. Waits for a lock begin with WANTED."""
WAIT_OVER = Kind(25, reason=SMALL, number=SECOND, thread=THIRD)
"""That wait is over, or was given up."""
IMPORTED = Kind(26, took=WIDE)
"""To unpickle a task, modules were imported, which took so many ns until now."""
LAST_KIND = IMPORTED.number

# What the numbers in some of the fields stand for.

METHODS = ("", "spawn", "fork", "forkserver")
ROLES = ("process", "worker", "manager", "thread")
RETURNED, RAISED, EXITED = 1, 2, 3
"""Outcomes; a task has EXITED if it raised a `SystemExit`, as `sys.exit` does."""
STDOUT, STDERR = 1, 2
"""Streams."""
UNPICKLED, PICKLED, SENT = 1, 2, 3
"""Actions."""
REASONS = (
    "message", "room", "barrier", "event", "condition", "semaphore", "end", "pipe", "reports",
)  # fmt: skip
"""Reasons to wait: for a message or for room in a queue, for others at one of the four objects that
they are named after, for the end of a process, for a message in a pipe, and for reports that all
messages of a queue are done."""
NO_JOB = 0xFFFFFFFF
"""The job of a task that came from no pool: the function of an ordinary process."""


def write_more_text(segment, place: int, text: bytes) -> None:
    """Put a TEXT record into the memory of a file; `text` has at most `MORE` bytes."""
    _TEXT_RECORD.pack_into(segment, place, TEXT, len(text), text)


# Tasks come in thousands, and are often over in a microsecond. So there are quick ways to write the
# start of a task, that of one which is called with a whole number, and the end of a short task.

NUMBER = 0xFF
"""A `size` that no text has: where the text would stand is a whole number, not yet written out."""
LEAST_NUMBER, MOST_NUMBER = -(10**7) + 1, 10**8 - 1
"""Between these, a number that is written out is no longer than INLINE."""
_HEAD = struct.Struct("<BBHI")  # as the beginning of STARTED: kind, size, function, job

write_start = STARTED.pack_into
"""As `STARTED.write`: segment, place, 0, size, function, job, time, item, text."""
write_numbered_start = struct.Struct("<8sqqq").pack_into
"""The same for a number: segment, place, what `head_of_starts` has made, time, item, number."""
write_took = struct.Struct("<I").pack_into
"""Put the duration of a short task into its record: segment, place + `TOOK_AT`, nanoseconds."""
TOOK_AT = SHORT_TASK_DONE.slots["took"].offset


def head_of_starts(function: int, job: int) -> bytes:
    """Return what the starts of all tasks of a job have in common that are called with a number.

    Args:
        function: the function's number in this log.
        job: the number of the pool's job.

    Returns:
        The first eight bytes of their records, for `write_numbered_start`.

    Raises:
        struct.error: if the function's number needs more than 16 bits, or the job's more than 32.
    """
    return _HEAD.pack(0, NUMBER, function, job)
