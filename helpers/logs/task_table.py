"""The tasks of all logs in columns that grow while the logs are read.

A row is never moved, so what becomes known later (when the task finished, when it was submitted,
when its result arrived) finds its row by the task's number. The order in which the tasks started
is kept beside the columns. A snapshot copies what may still change, column by column.
"""

import bisect
import math

import numpy as np

from helpers.timeline import LOST, RUNNING, Calls, Tasks

COLUMNS = {
    "started": float,
    "finished": float,
    "submitted": float,
    "received": float,
    "on_core": float,
    "outcome": np.uint8,
    "log": np.uint32,  # the number of the log in which it stands
    "which": np.uint32,  # the number of its function
    "short": "S8",  # its arguments, if they are no longer than that
}


ANY_ITEM = 0xFFFFFFFF
"""Stands for all items of a job, if they were submitted together."""


def keys_of(records: np.ndarray) -> np.ndarray:
    """Return a number for each job's item, for `Moments`; `records` have a job and an item."""
    return (records["job"].astype(np.int64) << 32) | records["item"].astype(np.int64)


class TaskTable:
    """All tasks in the order in which they were read."""

    def __init__(self):
        self._columns = {name: np.empty(0, kind) for name, kind in COLUMNS.items()}
        self._count = 0
        self._order = np.empty(0, np.uint32)
        self.names = {}  # the numbers of the functions, by name
        self.long = {}  # longer arguments, by the task's number
        self.errors = {}  # what was raised, by the task's number

    def __len__(self):
        return self._count

    def column(self, name: str) -> np.ndarray:
        """Return a column as far as it is filled; what is written into it stays."""
        return self._columns[name][: self._count]

    def append(self, count: int, **columns) -> np.ndarray:
        """Add tasks, and return their numbers.

        Args:
            count: how many.
            columns: for each of `COLUMNS` an array of that length, or one value for all tasks.
        """
        begin, end = self._count, self._count + count
        for name, old in self._columns.items():
            if end > len(old):  # an eighth more than needed, so that most additions copy nothing
                self._columns[name] = np.empty(end + end // 8, old.dtype)
                self._columns[name][:begin] = old[:begin]
            self._columns[name][begin:end] = columns[name]
        self._count = end
        return np.arange(begin, end)

    def sort(self, pids: np.ndarray) -> None:
        """Put new tasks into the order of starts; of two that start at once, the lower pid's first.

        Only the tasks that started after the first new one have to be sorted.

        Args:
            pids: the pid of each log's process, by the log's number.
        """
        new = np.arange(len(self._order), self._count, dtype=np.uint32)
        if not len(new):
            return
        started = self.column("started")
        earliest = started[len(self._order) :].min()
        first = bisect.bisect_left(self._order, earliest, key=lambda i: started[i])
        late = np.concatenate([self._order[first:], new])
        late = late[np.argsort(started[late], kind="stable")]
        moments = started[late]
        if (moments[1:] == moments[:-1]).any():
            late = late[np.lexsort((pids[self.column("log")[late]], moments))]
        self._order = np.concatenate([self._order[:first], late])

    def snapshot(self, processes: dict, last: bool = False) -> Tasks:
        """Return the tasks of the logs whose process is known, as they are now.

        Args:
            processes: the process of each log, by the log's number.
            last: this is the last snapshot, so the table need not keep what another would need.
        """
        pid, lane, ended = (np.zeros(1 + max(processes, default=0), kind) for kind in "qqd")
        known = np.zeros(len(pid), bool)
        for log, process in processes.items():
            known[log] = True
            pid[log], lane[log], ended[log] = process.pid, process.lane, process.ended
        log, order = self.column("log"), self._order
        if not known.all() or len(known) <= log.max(initial=0):
            known = np.append(known, np.zeros(int(log.max(initial=0)) + 1, bool))
            order = order[known[log[order]]]
        calls = Calls(
            list(self.names), self.column("which"), self.column("short"), self.long, order
        )
        found = {"errors": self._errors(order)}
        log = log[order]
        for name in ("submitted", "started", "finished", "received", "on_core", "outcome"):
            found[name] = self.column(name)[order]
            if last:
                del self._columns[name]
        found["pid"], found["lane"] = pid[log], lane[log]
        running = np.flatnonzero(found["outcome"] == RUNNING)
        ends = ended[log[running]]
        lost, ends = running[~np.isnan(ends)], ends[~np.isnan(ends)]
        found["outcome"][lost], found["finished"][lost] = LOST, ends
        return Tasks(calls, **found)

    def _errors(self, order):
        if not self.errors:
            return {}
        place = np.full(self._count, -1)
        place[order] = np.arange(len(order))
        return {int(place[i]): text for i, text in self.errors.items() if place[i] >= 0}


class Moments:
    """The moments at which items of jobs were submitted, or their results received, by number.

    The numbers are kept in a few sorted pieces. Two pieces of about the same size are made one,
    so there are never many, and no number is moved often.
    """

    def __init__(self):
        self._pieces = []

    def add(self, keys: np.ndarray, times: np.ndarray) -> None:
        """Add moments; if a number has several, the first one counts."""
        self._pieces.append(_first_of_each(keys, times))
        while len(self._pieces) > 1 and 2 * len(self._pieces[-1][0]) > len(self._pieces[-2][0]):
            pieces = zip(self._pieces[-2], self._pieces[-1], strict=True)
            self._pieces[-2:] = [_first_of_each(*(np.concatenate(pair) for pair in pieces))]

    def of(self, wanted: np.ndarray) -> np.ndarray:
        """Return the moments of these numbers, nan where none is known."""
        found = np.full(len(wanted), math.nan)
        for keys, times in reversed(self._pieces):  # so the oldest piece counts
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            known = keys[place] == wanted
            found[known] = times[place[known]]
        return found


def _first_of_each(keys, times):
    """Return the keys without repetition, in order, and the first time of each."""
    keys, places = np.unique(keys, return_index=True)
    return keys, times[places]
