"""Reading the flight recorder's logs and putting them together as a `Timeline`.

A `Reader` reads what has come since it read last, so that a look at a run costs what is new in it,
however long the run has been going on. Where something that it has read already changes, it
forgets everything and begins again: the result is always that of a reader who comes now.
"""

import bisect
import math
import os
import signal
import struct
import sys
import time
from collections import defaultdict
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from helpers.child import recorder as flight
from helpers.logs.segments import Changed, Log, LogFiles, Segment
from helpers.logs.task_table import Moments, TaskTable
from helpers.timeline import (
    RAISED,
    RETURNED,
    RUNNING,
    Access,
    Hold,
    Line,
    Message,
    Process,
    Timeline,
    Transfer,
)

CPU_TICK = 1 / 64 if sys.platform == "win32" else 1e-6
"""Seconds between two ticks of the clock that measures computing (1/64 s on Windows)."""

ANY_ITEM = 0xFFFFFFFF
"""Stands for all items of a job, where they were submitted together."""


def read_timeline(folder: str) -> Timeline:
    """Everything that the logs in `folder` hold, as a `Timeline` (a snapshot taken now)."""
    return Reader(folder).timeline(last=True)


class Reader:
    """Reads the logs in a folder, again and again while they are being written."""

    def __init__(self, folder: str):
        self.folder = folder
        self._forget()

    def _forget(self):
        self._zero = None
        self._askers = {}  # logs of parents: those are read first, since they say what others need
        self._parents = defaultdict(set)  # by their children's pids
        self._stories = {}
        self._tasks = TaskTable()
        self._jobs = defaultdict(Moments)  # by the parent's pid and what happened to the items
        self._messages = _Messages()

    @property
    def unwritten(self) -> int:
        """How many events the processes say that they could not write down."""
        return sum(story.files.unwritten[0] for story in self._stories.values())

    def timeline(self, last: bool = False) -> Timeline:
        """Everything that the logs hold now. After the `last` one there can be no other."""
        now = time.perf_counter_ns()
        while True:
            try:
                asked = self._read(now)
                return self._put_together(asked, now, last)
            except Changed:
                self._forget()
            except BaseException:  # an interrupt: nobody knows how far we had come
                self._forget()
                raise

    def _read(self, now):
        """Take in what is new. Returns the processes that were asked for, in that order.

        The moment of the first is the zero of all times, so it is found before anything else.
        """
        files = flight.log_files(self.folder)
        if self._stories.keys() - files.keys():
            raise Changed
        if self._zero is None:
            self._askers = _askers(files)
            self._zero = min(self._askers.values(), default=now)
        for name in sorted(files, key=lambda name: name not in self._askers):
            story = self._stories.get(name)
            if story is None:
                story = self._stories[name] = _Story(len(self._stories), self._zero)
            for segment, news in story.files.news(files[name]):
                self._take_in(story, segment, news)
            parents = self._parents.get(story.files.pid, ())
            # All who ask have been read before those who do not, and so whose child this is
            # cannot change any more: what its tasks wait for need not be kept.
            if len(parents) == 1 and name not in self._askers:
                story.find_moments(self._tasks, *parents, self._jobs)
        asked = [one for story in self._in_order() for one in story.asked]
        asked = _own_lanes(sorted(asked, key=lambda one: one.at))
        if self._zero != (asked[0].at if asked else now):
            raise Changed
        return asked

    def _in_order(self):
        """What all logs tell, in the order of their names."""
        return [self._stories[name] for name in sorted(self._stories)]

    def _take_in(self, story, segment, news):
        """What is new in one segment of one log."""
        for task, record in segment.changed.items():
            story.task_was_short(self._tasks, task, record)
        for one in story.take_in(news):
            self._parents[one.pid].add(one.ppid)
        story.take_in_tasks(self._tasks, segment, news)
        self._messages.take_in(news, story.seconds)
        for kind in (flight.SUBMITTED, flight.RECEIVED):
            records = news.records[news.of(kind)]
            if len(records):
                keys = _keys_of(records)
                if kind == flight.SUBMITTED:
                    keys = np.where(records["code"] == 0, keys | ANY_ITEM, keys)
                self._jobs[news.pid, kind].add(keys, story.seconds(records["time"]))

    def _put_together(self, asked, now, last):
        """The timeline of what has been taken in."""
        stories = [story for story in self._in_order() if story.files.known]
        story_of = _match(asked, stories)
        ends = _ends(asked, stories)
        seconds = _seconds_since(self._zero)
        processes = [
            _process(one, story_of.get(i), ends.get(i), seconds) for i, one in enumerate(asked)
        ]
        pairs = [(process, story_of[i]) for i, process in enumerate(processes) if i in story_of]
        for process, story in pairs:
            story.find_moments(self._tasks, process.ppid, self._jobs)
        if last:
            self._jobs.clear()
        self._tasks.sort(np.array([story.files.pid for story in self._stories.values()]))
        known = {story.number: process for process, story in pairs}
        born = [process.method for process in processes if process.method]
        lost = [story.files.unwritten for story in stories]
        return Timeline(
            tasks=self._tasks.snapshot(known, last),
            processes=processes,
            lines=_in_time((story.lines for story in stories), "time"),
            messages=self._messages.sorted(),
            method=born[0] if born else (asked[0].method if asked else ""),
            workers=len({process.lane for process in processes if process.role != "manager"}),
            now=seconds(now),
            lost_events=sum(events for events, _ in lost) + sum(s.files.dropped for s in stories),
            lost_text=sum(text for _, text in lost),
            parent=asked[0].ppid if asked else os.getpid(),
            accesses=_in_time((story.accesses for story in stories), "time"),
            holds=_in_time((story.all_holds for story in stories), "wanted"),
            transfers=_in_time((story.transfers_of(one) for one, story in pairs), "began"),
            interrupts=sum(story.interrupts for story in stories),
        )


def _askers(files):
    """The logs of those who asked for processes, and when each asked for the first, in ns."""
    found = {}
    for name, paths in files.items():
        for _, log in LogFiles().news(paths):
            times = log.records["time"][log.of(flight.ASKED)]
            if len(times):
                found[name] = min(int(times.min()), found.get(name, sys.maxsize))
    return found


def _seconds_since(zero):
    return lambda ns: (ns - zero) / 1e9


def _keys_of(records):
    """A number for each job's item."""
    return (records["a"].astype(np.int64) << 32) | records["b"].astype(np.int64)


def _arguments(begun):
    """The arguments of tasks that have started, as far as they stand in these records."""
    texts = begun["text"].copy()
    numbers = begun["size"] == flight.NUMBER
    texts[numbers] = texts[numbers].view("<i8").astype(texts.dtype)
    return texts


def _in_time(lists, field):
    """Records of several logs in the order of time."""
    return sorted((one for some in lists for one in some), key=attrgetter(field))


# Processes


class _Asked(NamedTuple):
    """A process as its parent knows it."""

    pid: int
    ppid: int
    lane: int
    role: str
    method: str
    name: str
    at: int


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


def _match(asked, stories):
    """Which log belongs to which process."""
    found, process_at = {}, _finder(asked)
    for story in stories:
        born = story.first.get(flight.BORN)
        place = None if born is None else process_at(story.files.pid, born["time"])
        if place is not None:
            found[place] = story
    return found


def _ends(asked, stories):
    """The record with which each process's parent noticed its end."""
    found, process_at = {}, _finder(asked)
    for story in stories:
        for record in story.ended:
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


def _process(one, story, end, seconds):
    """What parent and child know of a process, as one."""
    first = story.first if story else {}

    def moment(kind):
        return seconds(int(first[kind]["time"])) if kind in first else math.nan

    born = first.get(flight.BORN)
    method = flight.METHODS[int(born["code"]) % len(flight.METHODS)] if born is not None else ""
    ended, exitcode = moment(flight.LEFT), None
    if end is not None:
        ended = seconds(int(end["time"])) if math.isnan(ended) else ended
        exitcode = _exitcode(int(end["b"]))
    moments = (seconds(one.at), moment(flight.BORN), moment(flight.READY), ended)
    return Process(one.name, one.pid, one.ppid, one.lane, one.role, method, *moments, exitcode)


def _exitcode(number):
    """An exit code as multiprocessing tells it, from the four bytes that a log has for it.

    On Windows only a process that was terminated has a negative one; others go up to 2**32 - 1.
    """
    signed = struct.unpack("<i", struct.pack("<I", number))[0]
    return number if sys.platform == "win32" and signed != -signal.SIGTERM else signed


# What one log tells


class _Story:
    """What one process's log tells, apart from its tasks, which are all in one table."""

    def __init__(self, number: int, zero: int):
        self.number = number
        self.files = LogFiles()
        self.seconds = _seconds_since(zero)
        self.first = {}  # the first records of some kinds
        self.asked = []
        self.ended = []
        self.printed = {flight.STDOUT: _Stream("stdout"), flight.STDERR: _Stream("stderr")}
        self.looked_at = {flight.READ: [], flight.WRITTEN: []}
        self.holds, self._open_holds = [], {}
        self.carried = []
        self.interrupts = 0
        self._functions = {}
        self._task = None  # the last task and its segment, as long as it may yet finish
        self._waiting = {flight.SUBMITTED: [], flight.RECEIVED: []}
        self._parent = None

    def take_in(self, log: Log) -> list[_Asked]:
        """New records of all kinds but tasks. Returns the processes that were asked for."""
        seconds, records = self.seconds, log.records
        for kind in (flight.BORN, flight.READY, flight.LEFT):
            places = log.of(kind) if kind not in self.first else ()
            if len(places):
                self.first[kind] = records[places[0]].copy()
        asked = [_asked(log, place) for place in log.of(flight.ASKED)]
        self.asked += asked
        self.ended += list(records[log.of(flight.ENDED)])
        for place in log.of(flight.WROTE):
            stream = self.printed.get(int(records["code"][place]))
            if stream:
                stream.add(log.data(place), seconds(int(records["time"][place])), log.pid)
        for kind, action in ((flight.READ, "read"), (flight.WRITTEN, "wrote")):
            for place in log.of(kind):
                name = f"value {int(records['b'][place])}"
                time_ = seconds(int(records["time"][place]))
                access = Access(name, time_, log.pid, action, log.text(place))
                self.looked_at[kind].append(access)
        for record in records[log.of(*LOCK_KINDS)]:
            key = int(record["b"]), int(record["c"])  # by lock and thread
            held = self._open_holds.setdefault(key, [])  # the innermost last: RLocks can nest
            _follow(held, record, log.pid, seconds(int(record["time"])), self.holds)
        self.carried += list(records[log.of(flight.CARRIED)])
        self.interrupts += len(log.of(flight.INTERRUPTED))
        return asked

    @property
    def lines(self) -> list[Line]:
        """Everything printed, stream by stream."""
        return [line for one in self.printed.values() for line in one.lines_of(self.files.pid)]

    @property
    def accesses(self) -> list[Access]:
        return self.looked_at[flight.READ] + self.looked_at[flight.WRITTEN]

    @property
    def all_holds(self) -> list[Hold]:
        return self.holds + [hold for held in self._open_holds.values() for hold in held]

    def transfers_of(self, process: Process) -> list[Transfer]:
        """What this process did with large messages."""
        found = []
        for record in self.carried:
            ended = int(record["time"])
            began = ended - (int(record["b"]) | int(record["c"]) << 32)
            action = ACTIONS.get(int(record["code"]), "?")
            times = self.seconds(began), self.seconds(ended)
            found.append(Transfer(process.pid, process.lane, action, *times, int(record["a"])))
        return found

    # Tasks

    def take_in_tasks(self, table: TaskTable, segment: Segment, log: Log) -> None:
        """New tasks, and the end of one that was under way."""
        records = log.records
        starts, finishes = log.of(flight.STARTED, flight.DID), log.of(flight.FINISHED)
        if len(finishes) and self._task and not (len(starts) and starts[0] < finishes[0]):
            self._finish(table, records[finishes[0]], log.text(finishes[0]))
        which = self._which(table.names, log, starts)
        if not len(starts):
            return
        begun, n = records[starts], len(starts)
        soon = begun["kind"] == flight.DID
        # A task's finish is the first FINISHED behind its STARTED, before the next one starts.
        after = np.searchsorted(finishes, starts)
        limits = np.append(starts[1:], len(records))
        ended = np.append(finishes, len(records))[after] < limits
        end = records[finishes[after[ended]]]

        started = self.seconds(begun["time"])
        finished = np.full(n, math.nan)
        finished[ended] = self.seconds(end["time"])
        finished[soon] = self.seconds(begun["time"][soon] + begun["c"][soon])
        outcome = np.where(soon, RETURNED, RUNNING).astype(np.uint8)
        outcome[ended] = np.where(end["code"] == flight.RAISED, RAISED, RETURNED)
        on_core = np.full(n, math.nan)
        on_core[ended] = _share(end, finished[ended] - started[ended])
        tasks = table.append(
            n,
            started=started,
            finished=finished,
            submitted=math.nan,
            received=math.nan,
            on_core=on_core,
            outcome=outcome,
            log=self.number,
            which=which,
            short=_arguments(begun),
        )
        kinds = np.append(records["kind"], 0)
        for i in np.flatnonzero(kinds[starts + 1] == flight.TEXT):
            table.long[int(tasks[i])] = log.text(starts[i])
        for i in np.flatnonzero(outcome == RAISED):
            table.errors[int(tasks[i])] = log.text(finishes[after[i]])
        for i in np.flatnonzero(outcome == RUNNING):
            segment.watch(int(tasks[i]), int(segment.places[starts[i]]))
        self._task = None if ended[-1] else (int(tasks[-1]), segment)
        pooled = begun["a"] != flight.NO_JOB
        if pooled.any():
            for waiting in self._waiting.values():
                waiting.append((tasks[pooled], _keys_of(begun[pooled])))

    def task_was_short(self, table: TaskTable, task: int, record: np.void) -> None:
        """A task that had started has returned, so soon that its record tells of both."""
        if record["kind"] != flight.DID:
            raise Changed
        table.column("finished")[task] = self.seconds(record["time"] + record["c"])
        table.column("outcome")[task] = RETURNED

    def _finish(self, table, end, text):
        """The end of the task that was under way."""
        (task, segment), self._task = self._task, None
        segment.unwatch(task)
        finished, raised = table.column("finished"), end["code"] == flight.RAISED
        if math.isnan(finished[task]):
            finished[task] = self.seconds(int(end["time"]))
        table.column("outcome")[task] = RAISED if raised else RETURNED
        duration = finished[task : task + 1] - table.column("started")[task : task + 1]
        table.column("on_core")[task] = _share(np.array([end]), duration)[0]
        if raised:
            table.errors[task] = text

    def _which(self, names, log, starts):
        """For each task the number of its function in `names`, which holds all logs' functions."""
        codes = log.records["code"][starts].astype(np.int64)
        number = np.full(int(codes.max(initial=0)) + 1, -1)
        for code, function in self._functions.items():
            if code < len(number):
                number[code] = function
        found = number[codes]
        for place in log.of(flight.NAME):
            code = int(log.records["code"][place])
            self._functions[code] = names.setdefault(log.text(place), len(names))
            found[(starts > place) & (codes == code)] = self._functions[code]
        if (found < 0).any():  # its name was lost
            found[found < 0] = names.setdefault("?", len(names))
        return found

    def find_moments(self, table: TaskTable, parent: int, jobs: dict) -> None:
        """Fill in when tasks were submitted and received, where their parent has told by now."""
        if self._parent not in (None, parent):
            raise Changed
        self._parent = parent
        for kind, column in ((flight.SUBMITTED, "submitted"), (flight.RECEIVED, "received")):
            if (parent, kind) not in jobs:
                continue
            left = []
            for tasks, keys in self._waiting[kind]:
                times = jobs[parent, kind].of(keys | ANY_ITEM)
                alone = np.isnan(times)
                times[alone] = jobs[parent, kind].of(keys[alone])
                known = ~np.isnan(times)
                table.column(column)[tasks[known]] = times[known]
                if not known.all():
                    left.append((tasks[~known], keys[~known]))
            pieces = zip(*left, strict=True)
            self._waiting[kind] = [tuple(map(np.concatenate, pieces))] if left else []


def _asked(log, place):
    """A process that the writer of this log asked for."""
    record = log.records[place]
    role = flight.ROLES[int(record["code"]) % len(flight.ROLES)]
    method = flight.METHODS[int(record["c"]) % len(flight.METHODS)]
    pid, lane, at = int(record["a"]), int(record["b"]), int(record["time"])
    return _Asked(pid, log.pid, lane, role, method, log.text(place), at)


def _share(end, duration):
    """The share of each task's time that it was on a core; nan for tasks too short to tell."""
    computing = (end["b"] + (end["c"].astype(np.uint64) << np.uint64(32))) / 1e6
    long_enough = duration >= 10 * CPU_TICK
    share = np.divide(computing, duration, out=np.full(len(end), math.nan), where=long_enough)
    return np.minimum(share, 1)


class _Stream:
    """What a process printed to one stream, cut into lines."""

    def __init__(self, name):
        self._name = name
        self._lines = []
        self._rest, self._time = b"", 0.0

    def add(self, data, time_, pid):
        """One print. A line has the time of the print that ended it."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._time = time_
        self._lines += [self._line(text, pid) for text in whole]

    def _line(self, text, pid):
        return Line(self._time, pid, text.decode("utf-8", "replace"), self._name)

    def lines_of(self, pid):
        """All lines, with the one that has no end yet."""
        return self._lines + ([self._line(self._rest, pid)] if self._rest else [])


class _Messages:
    """Every message put into an observed queue, with the moment at which it was taken."""

    def __init__(self):
        self._messages = []
        self._places = defaultdict(list)
        self._taken = {}

    def take_in(self, log: Log, seconds) -> None:
        """New messages, and what has come of older ones."""
        records = log.records
        for place in log.of(flight.PUT):
            queue, number = int(records["b"][place]), int(records["a"][place])
            put, value = seconds(int(records["time"][place])), log.text(place)
            key = queue, log.pid, number
            got, receiver = self._taken.get(key, (math.nan, 0))
            self._places[key].append(len(self._messages))
            message = Message(f"queue {queue}", put, got, log.pid, receiver, value)
            self._messages.append(message)
        for record in records[log.of(flight.GOT)]:
            key = int(record["b"]), int(record["c"]), int(record["a"])
            got, receiver = self._taken[key] = seconds(int(record["time"])), log.pid
            for place in self._places.get(key, ()):
                message = self._messages[place]._replace(got=got, receiver=receiver)
                self._messages[place] = message

    def sorted(self) -> list[Message]:
        return sorted(self._messages, key=attrgetter("queue", "put", "sender"))


ACTIONS = {flight.UNPICKLED: "unpickled", flight.PICKLED: "pickled", flight.SENT: "sent"}
LOCK_KINDS = (flight.WANTED, flight.ACQUIRED, flight.RELEASED)


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
