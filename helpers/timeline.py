"""What happened, as data: the timeline of one experiment.

It says which process did which task, when the task was submitted, started, finished and received,
what was printed, and which message went where. `logs/reader` makes it from the flight recorder's
logs, `schedule` predicts one. Times are seconds since the experiment's start, which is the moment
the first process was asked for. What nobody recorded is `nan` (not a number), never a guess.

Tasks are kept in columns (numpy arrays), so that a million of them fit; `Task` records are made
when somebody looks at them.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

OUTCOMES = ("running", "returned", "raised", "lost", "exited")
"""How a task ended; a task's code in the column `outcome` is its place here."""
RUNNING, RETURNED, RAISED, LOST, EXITED = range(5)

POOL_ROLES = ("worker", "thread")
"""The roles of lanes among which tasks are shared out: the workers of a pool, and threads."""


class Task(NamedTuple):
    """One call of a function in a worker, or the function of a process. Times in seconds."""

    call: str
    pid: int
    lane: int
    submitted: float
    started: float
    finished: float
    received: float
    on_core: float
    outcome: str


class Process(NamedTuple):
    """One process. Times in seconds; `method` is the start method it found itself started by.

    `host` is the machine that it runs on, where there is more than this one; else empty.
    """

    name: str
    pid: int
    ppid: int
    lane: int
    role: str
    method: str
    asked: float
    born: float
    ready: float
    ended: float
    exitcode: int | None
    host: str = ""

    @property
    def up(self) -> float:
        """When its start-up was over, in seconds; nan if that is not known.

        A worker is up when it is ready for tasks, a process of its own when it is born.
        """
        return self.ready if self.role in POOL_ROLES else self.born


class Line(NamedTuple):
    """One line that a process printed, with the time in seconds and the stream's name."""

    time: float
    pid: int
    text: str
    stream: str


class Message(NamedTuple):
    """One message through an observed queue. `got` is nan and `receiver` 0 if nobody took it."""

    queue: str
    put: float
    got: float
    sender: int
    receiver: int
    value: str


class Access(NamedTuple):
    """One process read or wrote an observed value. `action` is 'read' or 'wrote'."""

    name: str
    time: float
    pid: int
    action: str
    value: str


class Hold(NamedTuple):
    """One process wanted an observed lock, got it and gave it back. Times in seconds.

    `got` is nan while it still waits, or if it waited in vain; `released` is the end, if known.
    """

    lock: str
    pid: int
    wanted: float
    got: float
    released: float


class Import(NamedTuple):
    """A worker imported modules, since it could not unpickle a task without them. In seconds."""

    pid: int
    lane: int
    began: float
    ended: float


class Wait(NamedTuple):
    """One process waited until others had done something. Times in seconds.

    `reason` is one of `REASONS`; `name` says which queue, lock and so on it was, or which pid.
    `ended` is nan as long as it waits, and if it was ended while it waited.
    """

    reason: str
    name: str
    pid: int
    began: float
    ended: float


REASONS = (
    "message", "pipe", "room", "reports", "lock",
    "semaphore", "barrier", "event", "condition", "end",
)  # fmt: skip
"""What a process may wait for: a message in a queue or in a pipe, room in a queue or in a pipe,
reports that all messages of a queue are done, a lock or a semaphore that others hold, others at a
barrier, an event or a condition, the end of a process."""


class Transfer(NamedTuple):
    """A worker's handling of a large message: `action` is 'unpickled', 'pickled' or 'sent'.

    A task is unpickled; its result is pickled, then sent. Times in seconds, the size in KiB.
    """

    pid: int
    lane: int
    action: str
    began: float
    ended: float
    kib: int


class Calls(Sequence):
    """The texts of many calls, such as `long_time_task(3)`, in little memory.

    `order` holds the tasks' numbers. `names` are the functions' names, `which` says for each number
    which of them. `short` holds the arguments up to eight bytes, `long` the others by number.
    """

    def __init__(self, names: Sequence[str], which, short, long: dict[int, str], order):
        self._names, self._which, self._short, self._long = names, which, short, long
        self._order = order

    def __len__(self):
        return len(self._order)

    def __getitem__(self, i: int) -> str:
        i = int(self._order[i])
        arguments = self._long.get(i)
        if arguments is None:
            arguments = bytes(self._short[i]).decode("utf-8", "replace")
        return f"{self._names[self._which[i]]}({arguments})"


class NumberedCalls(Sequence):
    """The texts `task(0)`, `task(1)`, …, each made when somebody asks for it."""

    def __init__(self, count: int):
        self._numbers = range(count)

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, i: int) -> str:
        return f"task({self._numbers[i]})"


_UNKNOWN = {
    **dict.fromkeys(("submitted", "started", "finished", "received", "on_core"), np.float64("nan")),
    **dict.fromkeys(("pid", "lane"), np.int64(0)),
    "outcome": np.uint8(RETURNED),
}
"""The columns of `Tasks`, each with the value that it has if it is not given."""


class Tasks(Sequence):
    """All tasks of a timeline, in the order in which they started.

    Indexing and iterating give `Task` records. The columns are numpy arrays of one entry a task:
    `pid`, `lane` (whole numbers), `submitted`, `started`, `finished`, `received` (seconds),
    `on_core` (a share from 0 to 1, more where threads of its own kept several cores busy) and
    `outcome` (see `OUTCOMES`).
    """

    def __init__(
        self, calls, pid, lane, submitted, started, finished, received, on_core, outcome, errors
    ):
        self.calls = calls
        self.pid, self.lane = pid, lane
        self.submitted, self.started = submitted, started
        self.finished, self.received = finished, received
        self.on_core, self.outcome = on_core, outcome
        self.errors = errors

    @classmethod
    def from_columns(cls, calls: Sequence[str], **columns) -> "Tasks":
        """Return tasks made from columns of equal length.

        Args:
            calls: the texts of the calls.
            columns: arrays by the names of the columns. A column that is not given is unknown: nan
                or 0 for all tasks, and not to be written to. Without outcomes, all have returned.

        Raises:
            ValueError: if a column has another length than `calls`.
            TypeError: if there is no column of such a name.
        """
        n = len(calls)
        errors = columns.pop("errors", {})
        if unknown := columns.keys() - _UNKNOWN.keys():
            raise TypeError(
                f"no such column: {', '.join(sorted(unknown))}; there are {', '.join(_UNKNOWN)}"
            )
        complete = {}
        for name, blank in _UNKNOWN.items():
            values = np.asarray(columns.get(name, np.broadcast_to(blank, n)), blank.dtype)
            if values.shape != (n,):
                raise ValueError(f"column {name} has the shape {values.shape}, there are {n} tasks")
            complete[name] = values
        return cls(calls, **complete, errors=errors)

    def __len__(self):
        return len(self.started)

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Task:
        i = range(len(self))[i]
        outcome = OUTCOMES[self.outcome[i]]
        if i in self.errors:
            outcome += " " + self.errors[i]
        times = (
            float(column[i])
            for column in (self.submitted, self.started, self.finished, self.received)
        )
        return Task(
            self.calls[i],
            int(self.pid[i]),
            int(self.lane[i]),
            *times,
            float(self.on_core[i]),
            outcome,
        )

    def call(self, i: int) -> str:
        """Return the text of task i's call."""
        return self.calls[i]


class Timeline:
    """The events of one experiment, or those that `predict` expects.

    The figures are floats, in seconds where they are times, and nan where there is nothing to
    measure yet. A task that has not finished counts up to `now`, the moment of the snapshot.
    """

    def __init__(
        self,
        tasks,
        processes=(),
        lines=(),
        messages=(),
        method="",
        workers=0,
        now=math.nan,
        predicted=False,
        lost_events=0,
        lost_text=0,
        parent=0,
        accesses=(),
        holds=(),
        transfers=(),
        imports=(),
        waits=(),
        interrupts=0,
        own_zeros=False,
        commands=False,
    ):
        self.tasks = tasks
        self.processes = list(processes)
        self.lines = list(lines)
        self.messages = list(messages)
        self.method = method
        self.workers = workers
        self.now = now
        self.predicted = predicted
        self.lost_events = lost_events
        self.lost_text = lost_text
        self.parent = parent
        self.accesses = list(accesses)
        self.holds = list(holds)
        self.transfers = list(transfers)
        self.imports = list(imports)
        # Those for locks are read off the holds, so that nothing is told twice.
        self.waits = sorted([*waits, *_waits_for_locks(holds)], key=attrgetter("began"))
        self.interrupts = interrupts  # how often SIGINT reached one of the processes
        self.own_zeros = own_zeros  # every process's moments count from when it was asked for
        self.commands = commands  # nobody observes what the processes do inside, nor their start-up

    @property
    def ends(self) -> np.ndarray:
        """When each task finished; for a task that still runs, the moment of the snapshot."""
        finished = self.tasks.finished
        return np.where(np.isnan(finished), self.now, finished)

    @property
    def alive(self) -> int:
        """The number of processes whose end is not known."""
        return sum(math.isnan(process.ended) for process in self.processes)

    @property
    def makespan(self) -> float:
        """First task's start to last task's finish."""
        if not len(self.tasks):
            return math.nan
        return float(self.ends.max() - self.tasks.started.min())

    @property
    def total(self) -> float:
        """First call to last result: what a person waits."""
        if not len(self.tasks):
            return math.nan
        return float(_max(np.array([self.ends.max(), _max(self.tasks.received)])))

    @property
    def busy(self) -> float:
        """The sum of the durations of all tasks."""
        return float((self.ends - self.tasks.started).sum()) if len(self.tasks) else math.nan

    @property
    def utilisation(self) -> float:
        """Task time over workers times makespan, from 0 to 1."""
        space = self.workers * self.makespan
        return self.busy / space if space > 0 else math.nan

    @property
    def tasks_in_flight(self) -> float:
        """How many tasks were under way on average. Not a speed-up: some may only have waited."""
        return self.busy / self.makespan if self.makespan > 0 else math.nan

    @property
    def cores_busy(self) -> float:
        """How many cores the tasks kept busy on average: their time on a core over the makespan.

        Tasks too short to tell count as if they had been on none.
        """
        if not self.makespan > 0:
            return math.nan
        on_core = (self.ends - self.tasks.started) * np.nan_to_num(self.tasks.on_core)
        return float(on_core.sum() / self.makespan)

    def waits_at(self, moment: float) -> list[Wait]:
        """Return the waits that went on at a moment, in seconds; of ended processes, none."""
        ended = {p.pid: p.ended for p in self.processes if not math.isnan(p.ended)}
        return [
            wait
            for wait in self.waits
            if wait.began <= moment
            and not wait.ended <= moment
            and not ended.get(wait.pid, math.inf) <= moment
        ]

    def holders_of(self, lock: str, moment: float) -> list[int]:
        """Return the pids of the processes that held a lock at a moment, in seconds.

        A process that has ended without giving its lock back holds it for ever.
        """
        return list(
            dict.fromkeys(
                hold.pid
                for hold in self.holds
                if hold.lock == lock and hold.got <= moment and not hold.released <= moment
            )
        )

    def waited(self) -> np.ndarray:
        """Return how long each task waited for others, in seconds.

        If several threads of its process waited at once, that time counts once.
        """
        waited, ends = np.zeros(len(self.tasks)), self.ends
        ended = {process.pid: process.ended for process in self.processes}
        waits = defaultdict(list)
        for wait in self.waits:
            over = next(t for t in (wait.ended, ended.get(wait.pid), self.now) if _is_known(t))
            waits[wait.pid].append((wait.began, over))
        for pid, spans in waits.items():
            mine, covered = self.tasks.pid == pid, _covered_until(spans)
            waited[mine] = covered(ends[mine]) - covered(self.tasks.started[mine])
        return waited

    def table(self) -> str:
        """Return the tasks as a table of text: one line each, times in seconds.

        Where anybody waited, a column says how long each task waited for others.
        """
        head = (
            "task",
            "lane",
            "pid",
            "submitted",
            "started",
            "finished",
            "received",
            "on core",
            "outcome",
        )
        rows = [head, *(_row(task) for task in self.tasks)]
        if self.waits:
            waited = ["waited", *(f"{time:.3f}" for time in self.waited())]
            rows = [(*row[:-1], time, row[-1]) for row, time in zip(rows, waited, strict=True)]
            head = rows[0]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        return "\n".join(_aligned(row, widths) for row in rows)


def start_ups(*timelines: Timeline) -> Timeline:
    """Return the processes of several experiments in one timeline, so that a chart compares them.

    It is meant for experiments in which one process was started. Every experiment keeps its own
    zero: on the chart all of them begin at the left edge, each in lanes of its own, in the order
    given. Tasks, lines and messages are left out, since a makespan over several experiments would
    mean nothing.
    """
    processes, lanes = [], 0
    for timeline in timelines:
        processes += [process._replace(lane=lanes + process.lane) for process in timeline.processes]
        lanes = max((process.lane for process in processes), default=0)
    methods = {process.method for process in processes}
    return Timeline(
        Tasks.from_columns([]),
        processes,
        method=methods.pop() if len(methods) == 1 else "",
        workers=sum(timeline.workers for timeline in timelines),
        now=max((timeline.now for timeline in timelines), default=math.nan),
        own_zeros=True,
        commands=bool(timelines) and all(timeline.commands for timeline in timelines),
    )


def _row(task):
    """Return a task's cells in the table."""
    times = (task.submitted, task.started, task.finished, task.received)
    seconds = ("" if math.isnan(time) else f"{time:.3f}" for time in times)
    on_core = "" if math.isnan(task.on_core) else f"{task.on_core:.0%}"
    return (task.call, str(task.lane), str(task.pid), *seconds, on_core, task.outcome)


def _aligned(row, widths):
    """Return a line of the table: text to the left, numbers to the right, as in any good table."""
    cells = [
        cell.ljust(width) if i in (0, len(row) - 1) else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _waits_for_locks(holds):
    """Return the waits that precede holds, or were in vain; most locks are free at once."""
    for hold in holds:
        ended = hold.released if math.isnan(hold.got) else hold.got
        if not ended <= hold.wanted:
            yield Wait("lock", hold.lock, hold.pid, hold.wanted, ended)


def _covered_until(spans):
    """Return a function: how much of the time until some moments is covered by at least one span.

    Args:
        spans: pairs of a beginning and an end, in the order of their beginnings.
    """
    apart = []
    for began, ended in spans:
        began = max(began, apart[-1][1]) if apart else began
        apart.append((began, max(began, ended)))
    left, right = np.array(apart).T
    before = np.append(0, np.cumsum(right - left))

    def covered(moments):
        last = np.searchsorted(left, moments, "right") - 1
        within = np.minimum(moments, right[last]) - left[last]
        return np.where(last >= 0, before[last] + within, 0)

    return covered


def _is_known(time):
    return time is not None and not math.isnan(time)


def _max(values):
    """Return the largest number that is known; nan if none is."""
    known = values[~np.isnan(values)]
    return known.max() if len(known) else math.nan
