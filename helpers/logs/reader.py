"""Read the flight recorder's logs, and put them together as a `Timeline`.

A `Reader` reads what has come since it read last, so that a look at a run costs what is new in it,
however long the run has been going on. If something that it has read already changes, it
forgets everything and begins again: it always returns what a fresh reader would return.
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

import numpy as np

from helpers.child import events
from helpers.logs.messages import Messages
from helpers.logs.process_log import ProcessLog, seconds_since
from helpers.logs.segments import Changed, LogFiles, log_files
from helpers.logs.task_table import ANY_ITEM, Moments, TaskTable, keys_of
from helpers.timeline import Process, Timeline


def read_timeline(folder: str) -> Timeline:
    """Return everything that the logs in `folder` hold, as a `Timeline` (a snapshot taken now)."""
    return Reader(folder).timeline(last=True)


class Reader:
    """Reads the logs in a folder, again and again while they are being written."""

    def __init__(self, folder: str):
        self.folder = folder
        self._forget()

    def _forget(self):
        self._zero = None
        self._parent_logs = {}  # when each asked for its first process; they are read first
        self._parents = defaultdict(set)  # by their children's pids
        self._logs = {}  # a ProcessLog for each name of a log
        self._tasks = TaskTable()
        self._jobs = defaultdict(Moments)  # by the parent's pid and what happened to the items
        self._messages = Messages()

    @property
    def unwritten(self) -> int:
        """How many events the processes say that they could not write down."""
        return sum(log.files.unwritten[0] for log in self._logs.values())

    def timeline(self, last: bool = False) -> Timeline:
        """Return everything that the logs hold now.

        Args:
            last: this is the last call, so the reader need not keep what another would need.
        """
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
        """Take in what is new. Return the processes that were asked for, in that order.

        The moment of the first is the zero of all times, so it is found before anything else.
        """
        files = log_files(self.folder)
        if self._logs.keys() - files.keys():
            raise Changed
        if self._zero is None:
            self._parent_logs = _parent_logs(files)
            self._zero = min(self._parent_logs.values(), default=now)
        for name in sorted(files, key=lambda name: name not in self._parent_logs):
            log = self._logs.get(name)
            if log is None:
                log = self._logs[name] = ProcessLog(len(self._logs), self._zero)
            for segment, news in log.files.news(files[name]):
                self._take_in(log, segment, news)
            parents = self._parents.get(log.files.pid, ())
            # All parents have been read before all other processes. So it cannot change any more
            # whose child this is, and what its tasks wait for need not be kept.
            if len(parents) == 1 and name not in self._parent_logs:
                log.find_moments(self._tasks, *parents, self._jobs)
        asked = [process for log in self._in_order() for process in log.asked]
        asked = _own_lanes(sorted(asked, key=attrgetter("at")))
        if self._zero != (asked[0].at if asked else now):
            raise Changed
        return asked

    def _in_order(self):
        """Return all logs in the order of their names."""
        return [self._logs[name] for name in sorted(self._logs)]

    def _take_in(self, log, segment, news):
        """Take in what is new in one segment of one log."""
        for task, record in segment.changed.items():
            log.end_short_task(self._tasks, task, record)
        for process in log.take_in(news):
            self._parents[process.pid].add(process.ppid)
        log.take_in_tasks(self._tasks, segment, news)
        self._messages.take_in(news, log.seconds)
        submitted, received = news.events_of(events.SUBMITTED), news.events_of(events.RECEIVED)
        if len(submitted):
            keys = keys_of(submitted)
            keys = np.where(submitted["single"] == 0, keys | ANY_ITEM, keys)
            self._jobs[news.pid, events.SUBMITTED].add(keys, log.seconds(submitted["time"]))
        if len(received):
            times = log.seconds(received["time"])
            self._jobs[news.pid, events.RECEIVED].add(keys_of(received), times)

    def _put_together(self, asked, now, last):
        """Return the timeline of what has been taken in."""
        logs = [log for log in self._in_order() if log.files.known]
        log_of = _match(asked, logs)
        ends = _ends(asked, logs)
        seconds = seconds_since(self._zero)
        processes = [
            _process(process, log_of.get(i), ends.get(i), seconds)
            for i, process in enumerate(asked)
        ]
        pairs = [(process, log_of[i]) for i, process in enumerate(processes) if i in log_of]
        for process, log in pairs:
            log.find_moments(self._tasks, process.ppid, self._jobs)
        if last:
            self._jobs.clear()
        self._tasks.sort(np.array([log.files.pid for log in self._logs.values()]))
        known = {log.number: process for process, log in pairs}
        born = [process.method for process in processes if process.method]
        lost = [log.files.unwritten for log in logs]
        return Timeline(
            tasks=self._tasks.snapshot(known, last),
            processes=processes,
            lines=_in_time((log.lines for log in logs), "time"),
            messages=self._messages.sorted(),
            method=born[0] if born else (asked[0].method if asked else ""),
            workers=len({process.lane for process in processes if process.role != "manager"}),
            now=seconds(now),
            lost_events=sum(count for count, _ in lost) + sum(log.files.dropped for log in logs),
            lost_text=sum(text for _, text in lost),
            parent=asked[0].ppid if asked else os.getpid(),
            accesses=_in_time((log.accesses for log in logs), "time"),
            holds=_in_time((log.holds for log in logs), "wanted"),
            transfers=_in_time((log.transfers_of(process) for process, log in pairs), "began"),
            imports=_in_time((log.imports_of(process) for process, log in pairs), "began"),
            waits=_in_time((log.waits for log in logs), "began"),
            interrupts=sum(log.interrupts for log in logs),
        )


def _parent_logs(files):
    """Return the logs of processes that asked for others, and when each asked first, in ns."""
    found = {}
    for name, paths in files.items():
        for _, log in LogFiles().news(paths):
            times = log.events_of(events.ASKED)["time"]
            if len(times):
                found[name] = min(int(times.min()), found.get(name, sys.maxsize))
    return found


def _in_time(lists, field):
    """Return what several logs tell in the order of time."""
    return sorted((item for items in lists for item in items), key=attrgetter(field))


# Processes


def _own_lanes(asked):
    """Return the processes with a lane for each parent's: in their logs all begin with lane 1.

    The lanes of the first parent stay; those of children that are parents come after.
    """
    lanes, highest = {}, {}
    first = asked[0].ppid if asked else 0
    for process in asked:
        manager = process.role == "manager"
        if process.ppid == first:
            highest[manager] = max(highest.get(manager, 0), process.lane)
    for process in asked:
        manager = process.role == "manager"
        key = (manager, process.ppid, process.lane)
        if key not in lanes:
            if process.ppid != first:
                highest[manager] = highest.get(manager, 0) + 1
            lanes[key] = process.lane if process.ppid == first else highest[manager]
    return [
        process._replace(lane=lanes[process.role == "manager", process.ppid, process.lane])
        for process in asked
    ]


def _match(asked, logs):
    """Return which log belongs to which process, by the process's place in `asked`."""
    found, process_at = {}, _finder(asked)
    for log in logs:
        born = log.first.get(events.BORN)
        place = None if born is None else process_at(log.files.pid, born["time"])
        if place is not None:
            found[place] = log
    return found


def _ends(asked, logs):
    """Return the event with which each process's parent noticed its end, by place."""
    found, process_at = {}, _finder(asked)
    for log in logs:
        for event in log.ended:
            place = process_at(int(event["pid"]), event["time"])
            if place is not None:
                found[place] = event
    return found


def _finder(asked):
    """Return a function that finds the process of a pid: the system may use a pid twice."""
    places = {}
    for place, process in enumerate(asked):
        places.setdefault(process.pid, []).append(place)

    def process_at(pid, time):
        same_pid = places.get(pid, ())
        later = bisect.bisect_right(same_pid, time, key=lambda place: asked[place].at)
        return same_pid[later - 1] if later else None

    return process_at


def _process(asked, log, end, seconds):
    """Return what parent and child know of a process, as one."""
    first = log.first if log else {}

    def moment(kind):
        return seconds(int(first[kind]["time"])) if kind in first else math.nan

    born = first.get(events.BORN)
    method = events.METHODS[int(born["method"]) % len(events.METHODS)] if born is not None else ""
    ended, exitcode = moment(events.LEFT), None
    if end is not None:
        ended = seconds(int(end["time"])) if math.isnan(ended) else ended
        exitcode = exitcode_of(int(end["exitcode"]))
    moments = (seconds(asked.at), moment(events.BORN), moment(events.READY), ended)
    return Process(
        asked.name, asked.pid, asked.ppid, asked.lane, asked.role, method, *moments, exitcode
    )


def exitcode_of(number: int) -> int:
    """Return an exit code as multiprocessing tells it, from the four bytes that a log has for it.

    On Windows only a process that was terminated has a negative one; others go up to 2**32 - 1.
    """
    signed = struct.unpack("<i", struct.pack("<I", number))[0]
    return number if sys.platform == "win32" and signed != -signal.SIGTERM else signed
