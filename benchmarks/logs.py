"""Measure the cost of reading logs: a million tasks at once, and a few new ones behind many."""

import json
import shutil
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.measure import cpu, figure, ratios
from benchmarks.workers import compute_1ms
from helpers.child import events
from helpers.child.recorder import Recorder
from helpers.logs.reader import Reader, read_timeline
from helpers.logs.segments import dtype_of, read_logs
from helpers.observed import get_context

WORKERS = 4
MILLION = 1_000_000
NUMBER, TEXT = b"%d", b"'page %09d'"
"""The argument of a task. A text of more than eight bytes takes a second record."""


class MadeUpLogs:
    """The logs of a pool that maps an empty function, one task a chunk; no process is needed.

    The recorder itself writes them, event by event, as it does in the pool and in its workers.
    """

    def __init__(self, folder: str, argument: bytes = NUMBER):
        self.folder = folder
        self._argument = argument
        self._parent, self._workers = Recorder(folder), []
        for lane in range(1, WORKERS + 1):
            name = b"SpawnPoolWorker-%d" % lane
            self._parent.record(
                events.ASKED, role=1, pid=1000 + lane, lane=lane, method=1, text=name
            )
        for lane in range(1, WORKERS + 1):
            worker = Recorder(folder)
            worker.pid = 1000 + lane  # before its first event, which makes its file
            self._workers.append(worker)
            worker.record(events.BORN, method=1, ppid=self._parent.pid)
            worker.record(events.READY)
            worker.number_of("nothing")
        self._parent.record(events.SUBMITTED, single=0, job=0, item=0)
        self.tasks = 0

    def add(self, tasks: int) -> None:
        """Add so many more tasks that are done, and whose results are received."""
        for item in range(self.tasks, self.tasks + tasks):
            worker = self._workers[item % WORKERS]
            text, now = self._argument % item, time.perf_counter_ns()
            record = worker.record_start(function=0, job=0, item=item, text=text, at=now)
            worker.record_short_end(*record, took=2000)
            self._parent.record(events.RECEIVED, job=0, item=item)
        self.tasks += tasks


@contextmanager
def made_up_logs(tasks: int, argument: bytes = NUMBER) -> Iterator[MadeUpLogs]:
    """Provide such logs in a temporary folder."""
    folder = tempfile.mkdtemp()
    try:
        logs = MadeUpLogs(folder, argument)
        logs.add(tasks)
        yield logs
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def as_json_lines(folder: str) -> list[str]:
    """Return every event of the logs as a line of JSON, with the fields of a task."""
    lines, names = [], dtype_of(events.SHORT_TASK_DONE).names
    for log in read_logs(folder):
        for event in log.records.view(dtype_of(events.SHORT_TASK_DONE)).tolist():
            fields = dict(zip(names, event, strict=True))
            fields["pid"], fields["text"] = log.pid, fields["text"].decode()
            del fields["size"]  # a text in JSON has none
            lines.append(json.dumps(fields))
    return lines


def parse(lines: list[str]) -> None:
    for line in lines:
        json.loads(line)


def reading(argument: bytes) -> list[float]:
    """Compare reading a million tasks with json.loads of their events."""
    with made_up_logs(MILLION, argument) as logs:
        lines = as_json_lines(logs.folder)
        return ratios(lambda: cpu(read_timeline, logs.folder), lambda: cpu(parse, lines), 3)


@figure("reading the logs of 1,000,000 tasks over json.loads of their events", "ratio", bar=0.5)
def timeline_1m():
    return reading(NUMBER)


@figure("the same where each task was called with a text of 16 letters", "ratio")
def timeline_1m_texts():
    return reading(TEXT)


def peak_memory(argument: bytes) -> list[float]:
    """Return the peak memory, in bytes a task, of reading a million; without the mapped log files.

    They are read as a context reads them once its run is over.
    """
    mp = get_context("spawn")
    MadeUpLogs(mp.watcher.recorder.folder, argument).add(MILLION)
    tracemalloc.start()
    timeline = mp.timeline()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return [peak / len(timeline.tasks)]


@figure(
    "peak memory while `timeline()` reads a run of 1,000,000 tasks, beside its files", "B/task", 100
)
def memory_1m():
    return peak_memory(NUMBER)


@figure("the same where each task was called with a text of 16 letters", "B/task")
def memory_1m_texts():
    return peak_memory(TEXT)


@figure("a look at 100 new tasks behind 100,000, over a look at 100 in all", "ratio", bar=2)
def timeline_live():
    with made_up_logs(100_000) as many:
        reader = Reader(many.folder)
        reader.timeline()

        def behind_many() -> float:
            many.add(100)
            return cpu(reader.timeline)

        def alone() -> float:
            with made_up_logs(0) as few:
                other = Reader(few.folder)
                other.timeline()
                few.add(100)
                return cpu(other.timeline)

        return ratios(behind_many, alone, 41)


@figure("bytes logged for each task of 1 ms, submitted one by one", "B/task", bar=150)
def log_bytes():
    mp = get_context("spawn")
    with mp.Pool(2) as pool:
        for result in [pool.apply_async(compute_1ms, (n,)) for n in range(1000)]:
            result.get()
        logs = read_logs(mp.watcher.recorder.folder)
    return [sum(len(log.records) for log in logs) * events.RECORD_BYTES / 1000]
