"""One process's log: its records in order, turned into what the timeline says of the process.

The tasks of all processes are in one table, to which each log adds its own.
"""

import math
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from helpers.child import events
from helpers.child.events import RECEIVED, SUBMITTED
from helpers.logs.segments import Changed, Log, LogFiles, Segment, dtype_of, short_texts
from helpers.logs.task_table import ANY_ITEM, TaskTable, keys_of
from helpers.timeline import (
    EXITED,
    RAISED,
    RETURNED,
    RUNNING,
    Access,
    Hold,
    Import,
    Line,
    Process,
    Transfer,
    Wait,
)

CPU_TICK = 1 / 64 if sys.platform == "win32" else 1e-6
"""Seconds between two ticks of the clock that measures computing (1/64 s on Windows)."""

OBJECTS = {"message": "queue", "room": "queue", "reports": "queue", "end": "pid"}
"""What a process waits at, if the object has another name than the reason."""

SEVERAL_CORES = 1.2
"""So many times its duration a task must have been on cores, if these were surely several."""

ACTIONS = {events.UNPICKLED: "unpickled", events.PICKLED: "pickled", events.SENT: "sent"}


class Asked(NamedTuple):
    """A process as its parent knows it."""

    pid: int
    ppid: int
    lane: int
    role: str
    method: str
    name: str
    at: int  # in ns


def seconds_since(zero: int) -> Callable:
    """Return a function that turns ns (`time.perf_counter_ns`) into seconds since `zero`."""
    return lambda ns: (ns - zero) / 1e9


class ProcessLog:
    """The content of one process's log, apart from its tasks.

    Args:
        number: the number of this log among those of the experiment.
        zero: the zero of all times, in ns.
    """

    def __init__(self, number: int, zero: int):
        self.number = number
        self.files = LogFiles()
        self.seconds = seconds_since(zero)
        self.first = {}  # the first of its events BORN, READY and LEFT
        self.asked = []
        self.ended = []
        self.interrupts = 0
        self._streams = {events.STDOUT: _Stream("stdout"), events.STDERR: _Stream("stderr")}
        self._reads, self._writes = [], []
        self._ended_holds, self._open_holds = [], {}
        self._ended_waits, self._open_waits = [], {}
        self._carried, self._imported = [], []
        self._functions = {}  # the number of each function in this log, and in the task table
        self._running = None  # the last task and its segment, as long as it may yet finish
        self._waiting = {SUBMITTED: [], RECEIVED: []}  # tasks of which that time is not known
        self._parent = None

    def take_in(self, log: Log) -> list[Asked]:
        """Take in new records of all kinds but tasks. Return the processes that were asked for."""
        for kind in (events.BORN, events.READY, events.LEFT):
            found = log.events_of(kind) if kind not in self.first else ()
            if len(found):
                self.first[kind] = found[0].copy()
        asked = [_asked(log.pid, *event) for event in log.events_with_text(events.ASKED)]
        self.asked += asked
        self.ended += list(log.events_of(events.ENDED))
        self.interrupts += len(log.places_of(events.INTERRUPTED))
        self._carried += list(log.events_of(events.CARRIED))
        self._imported += list(log.events_of(events.IMPORTED))
        self._take_in_lines(log)
        self._reads += self._accesses_in(log, events.READ, "read")
        self._writes += self._accesses_in(log, events.WRITTEN, "wrote")
        self._take_in_holds(log)
        self._take_in_waits(log)
        return asked

    def _take_in_lines(self, log):
        for event, data in log.events_with_data(events.WROTE):
            stream = self._streams.get(int(event["stream"]))
            if stream:
                stream.add(data, self.seconds(int(event["time"])), log.pid)

    def _accesses_in(self, log, kind, action):
        return [
            Access(
                f"value {int(event['number'])}",
                self.seconds(int(event["time"])),
                log.pid,
                action,
                value,
            )
            for event, value in log.events_with_text(kind)
        ]

    def _take_in_holds(self, log):
        """Follow what each thread does with each lock."""
        places = log.places_of(events.WANTED, events.ACQUIRED, events.RELEASED)
        for event in log.events_at(places, events.ACQUIRED):
            key = int(event["lock"]), int(event["thread"])
            holds = self._open_holds.setdefault(key, [])  # the innermost last: RLocks can nest
            now = self.seconds(int(event["time"]))
            self._ended_holds += _ended_by(event, holds, log.pid, now)

    def _take_in_waits(self, log):
        """Follow what each thread waits for, apart from locks."""
        places = log.places_of(events.WAIT_BEGUN, events.WAIT_OVER)
        for event in log.events_at(places, events.WAIT_BEGUN):
            reason, number = int(event["reason"]), int(event["number"])
            key, now = (reason, number, int(event["thread"])), self.seconds(int(event["time"]))
            if event["kind"] == events.WAIT_BEGUN.number and reason < len(events.REASONS):
                name = f"{OBJECTS.get(events.REASONS[reason], events.REASONS[reason])} {number}"
                wait = Wait(events.REASONS[reason], name, log.pid, now, math.nan)
                self._open_waits[key] = wait
            elif key in self._open_waits:
                self._ended_waits.append(self._open_waits.pop(key)._replace(ended=now))

    @property
    def lines(self) -> list[Line]:
        """Everything printed, stream by stream."""
        return [
            line for stream in self._streams.values() for line in stream.lines_of(self.files.pid)
        ]

    @property
    def accesses(self) -> list[Access]:
        """All reads, then all writes."""
        return self._reads + self._writes

    @property
    def holds(self) -> list[Hold]:
        """Everything that was done with locks: what has ended, then what has not."""
        return self._ended_holds + [hold for holds in self._open_holds.values() for hold in holds]

    @property
    def waits(self) -> list[Wait]:
        """All waits but those for locks: what is over, then what is not."""
        return self._ended_waits + list(self._open_waits.values())

    def transfers_of(self, process: Process) -> list[Transfer]:
        """Return what this process did with large messages."""
        found = []
        for event in self._carried:
            ended = int(event["time"])
            times = self.seconds(ended - int(event["took"])), self.seconds(ended)
            action = ACTIONS.get(int(event["action"]), "?")
            found.append(Transfer(process.pid, process.lane, action, *times, int(event["kib"])))
        return found

    def imports_of(self, process: Process) -> list[Import]:
        """Return when this process imported modules before it could begin a task."""
        found = []
        for event in self._imported:
            ended = int(event["time"])
            times = self.seconds(ended - int(event["took"])), self.seconds(ended)
            found.append(Import(process.pid, process.lane, *times))
        return found

    # Tasks

    def take_in_tasks(self, table: TaskTable, segment: Segment, log: Log) -> None:
        """Take in new tasks, and the end of one that was running.

        A task's finish is the first FINISHED behind its start, before the next start.
        """
        starts = log.places_of(events.STARTED, events.SHORT_TASK_DONE)
        finishes = log.places_of(events.FINISHED)
        if len(finishes) and self._running and not (len(starts) and starts[0] < finishes[0]):
            end = log.events_at(finishes[:1], events.FINISHED)
            self._finish_running(table, end, log.text(finishes[0]))
        which = self._function_numbers(table.names, log, starts)
        if not len(starts):
            return
        after = np.searchsorted(finishes, starts)
        limits = np.append(starts[1:], len(log.records))
        has_end = np.append(finishes, len(log.records))[after] < limits
        begun = log.events_at(starts, events.SHORT_TASK_DONE)
        ends = log.events_at(finishes[after[has_end]], events.FINISHED)

        columns = self._columns_of(begun, has_end, ends)
        tasks = table.append(len(starts), log=self.number, which=which, **columns)
        outcome = columns["outcome"]
        for i in np.flatnonzero(log.continues(starts)):
            table.long[int(tasks[i])] = log.text(starts[i])
        for i in np.flatnonzero((outcome == RAISED) | (outcome == EXITED)):
            table.errors[int(tasks[i])] = log.text(finishes[after[i]])
        for i in np.flatnonzero(outcome == RUNNING):
            segment.watch(int(tasks[i]), int(segment.places[starts[i]]))
        self._running = None if has_end[-1] else (int(tasks[-1]), segment)
        pooled = begun["job"] != events.NO_JOB
        if pooled.any():
            for waiting in self._waiting.values():
                waiting.append((tasks[pooled], keys_of(begun[pooled])))

    def _columns_of(self, begun, has_end, ends):
        """Return the columns of tasks that have begun.

        Args:
            begun: their starts; those that were short have their durations with them.
            has_end: which of them have an end of their own.
            ends: these ends.
        """
        was_short = begun["kind"] == events.SHORT_TASK_DONE.number
        started = self.seconds(begun["time"])
        finished = np.full(len(begun), math.nan)
        finished[has_end] = self.seconds(ends["time"])
        finished[was_short] = self.seconds(begun["time"][was_short] + begun["took"][was_short])
        outcome = np.where(was_short, RETURNED, RUNNING).astype(np.uint8)
        outcome[has_end] = _outcomes_of(ends)
        on_core = np.full(len(begun), math.nan)
        on_core[has_end] = _share_on_core(ends, finished[has_end] - started[has_end])
        return {
            "started": started,
            "finished": finished,
            "submitted": math.nan,
            "received": math.nan,
            "on_core": on_core,
            "outcome": outcome,
            "short": short_texts(begun),
        }

    def end_short_task(self, table: TaskTable, task: int, record: np.ndarray) -> None:
        """Take in that a task has returned, so soon that the record of its start tells of both.

        Raises:
            Changed: if the record has become anything else.
        """
        (event,) = record.view(dtype_of(events.SHORT_TASK_DONE))
        if event["kind"] != events.SHORT_TASK_DONE.number:
            raise Changed
        table.column("finished")[task] = self.seconds(event["time"] + event["took"])
        table.column("outcome")[task] = RETURNED

    def _finish_running(self, table, end, text):
        """Take in the end of the task that was running: an array of that one record."""
        (task, segment), self._running = self._running, None
        segment.unwatch(task)
        row = slice(task, task + 1)
        started, finished = table.column("started")[row], table.column("finished")[row]
        if math.isnan(finished[0]):
            finished[:] = self.seconds(end["time"])
        table.column("outcome")[row] = outcome = _outcomes_of(end)
        table.column("on_core")[row] = _share_on_core(end, finished - started)
        if outcome[0] != RETURNED:
            table.errors[task] = text

    def _function_numbers(self, names, log, starts):
        """Return for each task the number of its function in `names`, which all logs share."""
        functions = log.events_at(starts, events.STARTED)["function"].astype(np.int64)
        number_of = np.full(int(functions.max(initial=0)) + 1, -1)
        for function, number in self._functions.items():
            if function < len(number_of):
                number_of[function] = number
        found = number_of[functions]
        places = log.places_of(events.NAME)
        for place, event in zip(places, log.events_at(places, events.NAME), strict=True):
            function = int(event["function"])
            number = self._functions[function] = names.setdefault(log.text(place), len(names))
            found[(starts > place) & (functions == function)] = number
        if (found < 0).any():  # its name was lost
            found[found < 0] = names.setdefault("?", len(names))
        return found

    def find_moments(self, table: TaskTable, parent: int, jobs: dict) -> None:
        """Fill in when tasks were submitted and received, as far as their parent has told by now.

        Args:
            table: the table of all tasks.
            parent: the pid of the parent.
            jobs: the `Moments` of the items, by the parent's pid and SUBMITTED or RECEIVED.

        Raises:
            Changed: if this process has had another parent before.
        """
        if self._parent not in (None, parent):
            raise Changed
        self._parent = parent
        for kind, column in ((SUBMITTED, "submitted"), (RECEIVED, "received")):
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


def _asked(parent, event, name):
    """Return a process that `parent` asked for."""
    role = events.ROLES[int(event["role"]) % len(events.ROLES)]
    method = events.METHODS[int(event["method"]) % len(events.METHODS)]
    pid, lane, at = int(event["pid"]), int(event["lane"]), int(event["time"])
    return Asked(pid, parent, lane, role, method, name, at)


def _outcomes_of(ends):
    """Return how tasks ended, as the timeline says it."""
    told = ends["outcome"]
    chosen = [told == events.RAISED, told == events.EXITED]
    return np.select(chosen, [RAISED, EXITED], RETURNED).astype(np.uint8)


def _share_on_core(ends, durations):
    """Return what share of its time each task was on a core; nan if it was too short to tell.

    It is more than 1 if threads of the task's own kept several cores busy, for long enough to be
    sure of it.
    """
    computed = ends["computed"] / 1e6
    long_enough = durations >= 10 * CPU_TICK
    unknown = np.full(len(ends), math.nan)
    share = np.divide(computed, durations, out=unknown, where=long_enough)
    several = (share >= SEVERAL_CORES) & (durations >= max(0.05, 20 * CPU_TICK))
    return np.where(several, share, np.minimum(share, 1))


def _ended_by(event, holds, pid, now):
    """Return the holds of a lock that end with this event: one or none.

    Args:
        event: what a thread does with a lock.
        holds: the thread's open holds of that lock; what begins is added here.
        pid: the process.
        now: the time of the event, in seconds.
    """
    waits = holds and math.isnan(holds[-1].got)
    lock, kind = f"lock {int(event['lock'])}", event["kind"]
    if kind == events.WANTED.number:
        holds.append(Hold(lock, pid, now, math.nan, math.nan))
    elif kind == events.ACQUIRED.number and not waits:
        holds.append(Hold(lock, pid, now, now, math.nan))
    elif kind == events.ACQUIRED.number and event["obtained"]:
        holds[-1] = holds[-1]._replace(got=now)
    elif holds:
        return [holds.pop()._replace(released=now)]
    return []


class _Stream:
    """One stream of a process, cut into lines."""

    def __init__(self, name):
        self._name = name
        self._lines = []
        self._rest, self._time = b"", 0.0

    def add(self, data, time_, pid):
        """Add a print. A line has the time of the print that ended it."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._time = time_
        self._lines += [self._line(text, pid) for text in whole]

    def _line(self, text, pid):
        return Line(self._time, pid, text.decode("utf-8", "replace"), self._name)

    def lines_of(self, pid):
        """Return all lines, with the one that has no end yet."""
        return self._lines + ([self._line(self._rest, pid)] if self._rest else [])
