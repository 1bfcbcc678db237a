"""Reading the flight recorder's logs and putting them together as a `Timeline`.

The reader takes whatever it finds: a log cut in half, foreign bytes, a record never finished.
It keeps every whole event, counts what it dropped, and never raises. Nothing that is read is
evaluated or unpickled.
"""

import bisect
import math
import os
import struct
import sys
import time
from typing import NamedTuple

import numpy as np

from helpers import flight
from helpers.timeline import (
    LOST,
    RAISED,
    RETURNED,
    RUNNING,
    Access,
    Calls,
    Hold,
    Line,
    Message,
    Process,
    Tasks,
    Timeline,
    Transfer,
)

RECORDS = np.dtype(
    [("kind", "u1"), ("size", "u1"), ("code", "<u2"), ("a", "<u4"), ("time", "<i8")]
    + [("b", "<u4"), ("c", "<u4"), ("text", "S8")]
)
assert RECORDS.itemsize == flight.RECORD.size
NO_RECORDS = np.empty(0, RECORDS)

CPU_TICK = 1 / 64 if sys.platform == "win32" else 1e-6
"""Seconds between two ticks of the clock that measures computing (1/64 s on Windows)."""


class Log(NamedTuple):
    """One process's log: its records in the order in which they were written."""

    pid: int
    records: np.ndarray
    lost_events: int
    lost_text: int
    dropped: int

    def of(self, *kinds: int) -> np.ndarray:
        """The places of the records of these kinds."""
        return np.flatnonzero(np.isin(self.records["kind"], kinds))

    def first(self, kind: int) -> np.void | None:
        """The first record of a kind, None if there is none."""
        places = self.of(kind)
        return self.records[places[0]] if len(places) else None

    def text(self, place: int) -> str:
        """The text of the record at a place, with what goes on in the records behind it."""
        return self.data(place).decode("utf-8", "replace")

    def data(self, place: int) -> bytes:
        """The same as the bytes that were written."""
        raw, size = self.records.data.cast("B"), flight.RECORD.size
        start = place * size + size - flight.INLINE
        pieces = [bytes(raw[start : start + min(raw[place * size + 1], flight.INLINE)])]
        for start in range((place + 1) * size, len(raw), size):
            if raw[start] != flight.TEXT:
                break
            pieces.append(bytes(raw[start + 2 : start + 2 + min(raw[start + 1], flight.MORE)]))
        return b"".join(pieces)


def read_logs(folder: str) -> list[Log]:
    """All logs in a folder, one for each process that wrote one."""
    logs = (_read_log(paths) for paths in flight.log_files(folder).values())
    return [log for log in logs if log is not None]


def _read_log(paths):
    """One process's segments as one log; None if nothing has been written yet.

    What cannot be read is left out and counted.
    """
    pieces, header, dropped, blank = [NO_RECORDS], None, 0, 0
    for path in paths:
        data = _bytes_of(path)
        if not data[: flight.HEADER_BYTES].any():
            blank += 1  # just being made, unless another comes behind it
            continue
        segment = _segment(data)
        dropped += blank + (segment is None)
        blank = 0
        if segment is not None:
            header = header or segment[0]
            whole, lost = _whole(segment[1]["kind"].copy())  # a copy: it is still being written
            dropped += lost + _is_cut(data)
            pieces.append(segment[1][whole])
    if header is None and not dropped:
        return None
    _, pid, _, lost_events, lost_text = header or (b"", 0, 0, 0, 0)
    return Log(pid, np.concatenate(pieces), lost_events, lost_text, dropped)


def _whole(kinds):
    """Which records belong to events that were written to their end, and how many others are lost.

    A process that was killed, or a thread that was interrupted, leaves an event without its kind,
    and behind it perhaps some of its text. What other threads wrote behind that is whole. The last
    event without a kind is not lost: it may be about to be finished.
    """
    heads = np.maximum.accumulate(np.where(kinds != flight.TEXT, np.arange(len(kinds)), -1))
    kind = np.where(heads >= 0, kinds[heads], 0)  # of the event that a record belongs to
    unknown = kind > flight.LAST_KIND
    last = int(heads[kind != 0].max(initial=0))
    torn = (kinds[:last] == 0) & (np.append(1, kinds[:last])[:-1] != 0)
    headless = len(kinds) > 0 and kinds[0] == flight.TEXT
    return (kind != 0) & ~unknown, int(unknown.sum() + torn.sum() + headless)


def _bytes_of(path):
    """The bytes of a file; none if it cannot be read."""
    try:
        # Through memory, as it was written: Windows does not keep plain reads in step with maps.
        return np.memmap(path, np.uint8, "r")
    except (OSError, ValueError):
        return np.empty(0, np.uint8)


def _segment(data):
    """The header and the records in the bytes of a file; None if they are no segment of ours."""
    whole = (len(data) - flight.HEADER_BYTES) // RECORDS.itemsize
    if whole < 0:
        return None
    header = flight.HEADER.unpack(data[: flight.HEADER.size].tobytes())
    if header[0] != flight.MAGIC:
        return None
    end = flight.HEADER_BYTES + whole * RECORDS.itemsize
    return header, data[flight.HEADER_BYTES : end].view(RECORDS)


def _is_cut(data):
    """Does a file end in the middle of a record that has been written?"""
    rest = (len(data) - flight.HEADER_BYTES) % RECORDS.itemsize
    return bool(rest and data[-rest:].any())


class _Asked(NamedTuple):
    """A process as its parent knows it."""

    pid: int
    ppid: int
    lane: int
    role: str
    method: str
    name: str
    at: int


def read_timeline(folder: str) -> Timeline:
    """Everything that the logs in `folder` hold, as a `Timeline` (a snapshot taken now)."""
    now = time.perf_counter_ns()
    logs = read_logs(folder)
    asked = _own_lanes(sorted((one for log in logs for one in _asked(log)), key=lambda one: one.at))
    zero = asked[0].at if asked else now

    def seconds(ns):
        return (ns - zero) / 1e9

    log_of = _match(asked, logs)
    ends = _ends(asked, logs)
    processes = [_process(one, log_of.get(i), ends.get(i), seconds) for i, one in enumerate(asked)]
    pairs = [(process, log_of[i]) for i, process in enumerate(processes) if i in log_of]
    born = [process.method for process in processes if process.method]
    return Timeline(
        tasks=_tasks(pairs, logs, zero, seconds(now)),
        processes=processes,
        lines=_lines(logs, seconds),
        messages=_messages(logs, seconds),
        method=born[0] if born else (asked[0].method if asked else ""),
        workers=len({process.lane for process in processes if process.role != "manager"}),
        now=seconds(now),
        lost_events=sum(log.lost_events + log.dropped for log in logs),
        lost_text=sum(log.lost_text for log in logs),
        parent=asked[0].ppid if asked else os.getpid(),
        accesses=_accesses(logs, seconds),
        holds=_holds(logs, seconds),
        transfers=_transfers(pairs, seconds),
        interrupts=sum(len(log.of(flight.INTERRUPTED)) for log in logs),
    )


def _asked(log):
    """The processes that the writer of this log asked for."""
    for place in log.of(flight.ASKED):
        record = log.records[place]
        role = flight.ROLES[int(record["code"]) % len(flight.ROLES)]
        method = flight.METHODS[int(record["c"]) % len(flight.METHODS)]
        pid, lane, at = int(record["a"]), int(record["b"]), int(record["time"])
        yield _Asked(pid, log.pid, lane, role, method, log.text(place), at)


def _own_lanes(asked):
    """Every parent numbers its lanes from 1; those of children that are parents come after."""
    lanes, highest = {}, {}
    first = asked[0].ppid if asked else 0
    for one in asked:
        manager = one.role == "manager"
        if one.ppid == first:
            highest[manager] = max(highest.get(manager, 0), one.lane)
    for one in asked:
        manager = one.role == "manager"
        key = (manager, one.ppid, one.lane)
        if key not in lanes:
            if one.ppid != first:
                highest[manager] = highest.get(manager, 0) + 1
            lanes[key] = one.lane if one.ppid == first else highest[manager]
    return [one._replace(lane=lanes[one.role == "manager", one.ppid, one.lane]) for one in asked]


def _match(asked, logs):
    """Which log belongs to which process."""
    found, process_at = {}, _finder(asked)
    for log in logs:
        born = log.first(flight.BORN)
        place = None if born is None else process_at(log.pid, born["time"])
        if place is not None:
            found[place] = log
    return found


def _ends(asked, logs):
    """The record with which each process's parent noticed its end."""
    found, process_at = {}, _finder(asked)
    for log in logs:
        for record in log.records[log.of(flight.ENDED)]:
            place = process_at(int(record["a"]), record["time"])
            if place is not None:
                found[place] = record
    return found


def _finder(asked):
    """A function: which process had a pid at a time. The system may use a pid twice."""
    places = {}
    for place, one in enumerate(asked):
        places.setdefault(one.pid, []).append(place)

    def process_at(pid, time):
        mine = places.get(pid, ())
        later = bisect.bisect_right(mine, time, key=lambda place: asked[place].at)
        return mine[later - 1] if later else None

    return process_at


def _process(one, log, end, seconds):
    """What parent and child know of a process, as one."""

    def moment(kind):
        record = log.first(kind) if log else None
        return math.nan if record is None else seconds(int(record["time"]))

    born = log.first(flight.BORN) if log else None
    method = flight.METHODS[int(born["code"]) % len(flight.METHODS)] if born is not None else ""
    ended, exitcode = moment(flight.LEFT), None
    if end is not None:
        ended = seconds(int(end["time"])) if math.isnan(ended) else ended
        exitcode = struct.unpack("<i", struct.pack("<I", int(end["b"])))[0]
    moments = (seconds(one.at), moment(flight.BORN), moment(flight.READY), ended)
    return Process(one.name, one.pid, one.ppid, one.lane, one.role, method, *moments, exitcode)


def _tasks(pairs, logs, zero, now):
    """The tasks of all processes, in the order in which they started."""
    names, columns = {}, {}
    submitted, received = _jobs(logs, flight.SUBMITTED), _jobs(logs, flight.RECEIVED)
    long, errors, count = {}, {}, 0
    for process, log in pairs:
        piece = _tasks_of(process, log, names, submitted, received, zero)
        long.update((count + i, text) for i, text in piece.pop("long").items())
        errors.update((count + i, text) for i, text in piece.pop("errors").items())
        count += len(piece["started"])
        for name, values in piece.items():
            columns.setdefault(name, []).append(values)
    if not count:
        return Tasks.from_columns([])
    columns = {name: np.concatenate(values) for name, values in columns.items()}
    order = np.argsort(columns["started"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    long = {int(place[i]): text for i, text in long.items()}
    errors = {int(place[i]): text for i, text in errors.items()}
    calls = Calls(list(names), columns.pop("which"), columns.pop("short"), long)
    return Tasks(calls, errors=errors, **columns)


def _tasks_of(process, log, names, submitted, received, zero):
    """The columns of the tasks that one process did."""
    records = log.records
    starts, finishes = log.of(flight.STARTED, flight.DID), log.of(flight.FINISHED)
    begun, n = records[starts], len(starts)
    soon = begun["kind"] == flight.DID
    # A task's finish is the first FINISHED behind its STARTED, before the next one starts.
    after = np.searchsorted(finishes, starts)
    limits = np.append(starts[1:], len(records))
    ended = np.append(finishes, len(records))[after] < limits
    end = records[finishes[after[ended]]]

    started = (begun["time"] - zero) / 1e9
    finished = np.full(n, math.nan)
    finished[ended] = (end["time"] - zero) / 1e9
    finished[soon] = (begun["time"][soon] - zero + begun["c"][soon]) / 1e9
    outcome = np.where(soon, RETURNED, RUNNING).astype(np.uint8)
    outcome[ended] = np.where(end["code"] == flight.RAISED, RAISED, RETURNED)
    if not math.isnan(process.ended):
        lost = outcome == RUNNING
        outcome[lost] = LOST
        finished[lost] = process.ended
    on_core = np.full(n, math.nan)
    on_core[ended] = _share(end, finished[ended] - started[ended])
    kinds = np.append(records["kind"], 0)
    raised = np.flatnonzero(outcome == RAISED)
    return {
        "which": _functions(log, begun["code"], names),
        "short": begun["text"],
        "long": {
            int(i): log.text(starts[i]) for i in np.flatnonzero(kinds[starts + 1] == flight.TEXT)
        },
        "errors": {int(i): log.text(finishes[after[i]]) for i in raised},
        "pid": np.full(n, process.pid),
        "lane": np.full(n, process.lane),
        "submitted": _when(submitted, process.ppid, begun, zero),
        "started": started,
        "finished": finished,
        "received": _when(received, process.ppid, begun, zero),
        "on_core": on_core,
        "outcome": outcome,
    }


def _functions(log, codes, names):
    """For each task the number of its function in `names`, which holds all logs' functions."""
    number = np.full(int(codes.max(initial=0)) + 1, -1)
    for place in log.of(flight.NAME):
        code = int(log.records[place]["code"])
        if code < len(number):
            number[code] = names.setdefault(log.text(place), len(names))
    if (number[codes] < 0).any():  # its name was lost
        number[number < 0] = names.setdefault("?", len(names))
    return number[codes].astype(np.uint32)


def _share(end, duration):
    """The share of each task's time that it was on a core; nan for tasks too short to tell."""
    computing = (end["b"] + (end["c"].astype(np.uint64) << np.uint64(32))) / 1e6
    long_enough = duration >= 10 * CPU_TICK
    share = np.divide(computing, duration, out=np.full(len(end), math.nan), where=long_enough)
    return np.minimum(share, 1)


ANY_ITEM = 0xFFFFFFFF
"""Stands for all items of a job, where they were submitted together."""


def _jobs(logs, kind):
    """For each parent's pid: the keys of its jobs' items, sorted, and the time of each."""
    found = {}
    for log in logs:
        records = log.records[log.of(kind)]
        items = records["b"].astype(np.int64)
        if kind == flight.SUBMITTED:
            items[records["code"] == 0] = ANY_ITEM
        keys = (records["a"].astype(np.int64) << 32) | items
        keys, places = np.unique(keys, return_index=True)
        if len(keys):
            found[log.pid] = keys, records["time"][places]
    return found


def _when(jobs, parent, begun, zero):
    """The time in seconds that `jobs` has for each task, nan where it has none."""
    times = np.full(len(begun), math.nan)
    if parent not in jobs:
        return times
    keys, moments = jobs[parent]
    job = begun["a"].astype(np.int64) << 32
    for wanted in (job | begun["b"].astype(np.int64), job | ANY_ITEM):
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        known = (keys[place] == wanted) & (begun["a"] != flight.NO_JOB)
        times[known] = (moments[place[known]] - zero) / 1e9
    return times


def _lines(logs, seconds):
    """Everything printed, line by line, in the order of time."""
    lines = []
    for log in logs:
        for stream, name in ((flight.STDOUT, "stdout"), (flight.STDERR, "stderr")):
            places = [i for i in log.of(flight.WROTE) if log.records[i]["code"] == stream]
            lines += _split(log, places, name, seconds)
    return sorted(lines, key=lambda line: line.time)


def _split(log, places, stream, seconds):
    """The lines of one stream of one process. A line has the time of the print that ended it."""
    rest, time_of_rest = b"", 0.0
    for place in places:
        time_of_rest = seconds(int(log.records[place]["time"]))
        *whole, rest = (rest + log.data(place)).split(b"\n")
        for text in whole:
            yield Line(time_of_rest, log.pid, text.decode("utf-8", "replace"), stream)
    if rest:
        yield Line(time_of_rest, log.pid, rest.decode("utf-8", "replace"), stream)


def _messages(logs, seconds):
    """Every message put into an observed queue, with the moment at which it was taken."""
    taken = {}
    for log in logs:
        for record in log.records[log.of(flight.GOT)]:
            key = int(record["b"]), int(record["c"]), int(record["a"])
            taken[key] = seconds(int(record["time"])), log.pid
    messages = []
    for log in logs:
        for place in log.of(flight.PUT):
            record = log.records[place]
            queue, number = int(record["b"]), int(record["a"])
            got, receiver = taken.get((queue, log.pid, number), (math.nan, 0))
            put = seconds(int(record["time"]))
            messages.append(Message(f"queue {queue}", put, got, log.pid, receiver, log.text(place)))
    return sorted(messages)


ACTIONS = {flight.UNPICKLED: "unpickled", flight.PICKLED: "pickled", flight.SENT: "sent"}


def _transfers(pairs, seconds):
    """What workers did with large messages, in the order of time."""
    found = []
    for process, log in pairs:
        for record in log.records[log.of(flight.CARRIED)]:
            ended = int(record["time"])
            began = ended - (int(record["b"]) | int(record["c"]) << 32)
            action = ACTIONS.get(int(record["code"]), "?")
            times = seconds(began), seconds(ended)
            found.append(Transfer(process.pid, process.lane, action, *times, int(record["a"])))
    return sorted(found, key=lambda transfer: transfer.began)


def _accesses(logs, seconds):
    """Every read and every write of an observed value, in the order of time."""
    found = []
    for log in logs:
        for kind, action in ((flight.READ, "read"), (flight.WRITTEN, "wrote")):
            for place in log.of(kind):
                record = log.records[place]
                name, time_ = f"value {int(record['b'])}", seconds(int(record["time"]))
                found.append(Access(name, time_, log.pid, action, log.text(place)))
    return sorted(found, key=lambda access: access.time)


LOCK_KINDS = (flight.WANTED, flight.ACQUIRED, flight.RELEASED)


def _holds(logs, seconds):
    """Every time that somebody wanted an observed lock, in the order of time."""
    found = []
    for log in logs:
        open_holds = {}  # by lock and thread, the innermost last: an RLock can be taken twice
        for record in log.records[np.isin(log.records["kind"], LOCK_KINDS)]:
            held = open_holds.setdefault((int(record["b"]), int(record["c"])), [])
            _follow(held, record, log.pid, seconds(int(record["time"])), found)
        found += [hold for held in open_holds.values() for hold in held]
    return sorted(found, key=lambda hold: hold.wanted)


def _follow(held, record, pid, now, found):
    """One event of a lock: `held` are this thread's open holds of it, `found` those that ended."""
    waits = held and math.isnan(held[-1].got)
    if record["kind"] == flight.WANTED:
        held.append(Hold(f"lock {int(record['b'])}", pid, now, math.nan, math.nan))
    elif record["kind"] == flight.ACQUIRED and not waits:
        held.append(Hold(f"lock {int(record['b'])}", pid, now, now, math.nan))
    elif record["kind"] == flight.ACQUIRED and record["code"]:
        held[-1] = held[-1]._replace(got=now)
    elif held:
        found.append(held.pop()._replace(released=now))


def read_log_of(folder: str, pid: int) -> Log | None:
    """The log of the process that has this pid; None if it wrote none that can be read."""
    files = flight.log_files(folder)
    names = [name for name in files if name.startswith(f"{pid}-")]
    log = _read_log(files[names[-1]]) if names else None
    return log if log is not None and log.pid == pid else None


def count_unwritten(folder: str) -> int:
    """How many events the processes in `folder` say that they could not write down."""
    return sum(log.lost_events for log in read_logs(folder))
