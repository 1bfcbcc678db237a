"""Timelines as files: the trace-event format of Chrome, and tables of comma-separated values.

A trace file is JSON. https://ui.perfetto.dev opens it, and so does VizTracer's viewer. What such
a viewer draws stands in each event's own fields, in microseconds; everything that we know of it
stands in its `args`, in seconds, so that nothing is lost when the file is read back.

Source: the Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

FORMAT = "Processes in Plain Sight, trace 1"
FACTS = (
    *("method", "workers", "now", "predicted", "parent"),
    *("lost_events", "lost_text", "interrupts", "own_zeros"),
)
KINDS = ("tasks", "processes", "lines", "messages", "accesses", "holds", "transfers")


# Traces


def write_trace(path: str | Path, timeline) -> None:
    """Write a timeline to a trace file, one event a line."""
    facts = {"format": FORMAT} | {name: getattr(timeline, name) for name in FACTS}
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"otherData": ' + json.dumps(_known(facts)))
        file.write(',\n"displayTimeUnit": "ms",\n"traceEvents": [')
        for n, event in enumerate(_events(timeline)):
            file.write((",\n" if n else "\n") + json.dumps(event))
        file.write("\n]}\n")


def read_trace(path: str | Path) -> dict:
    """What `write_trace` has written: the facts by name, and for each of KINDS a list of fields.

    Raises ValueError for a file that `write_trace` has not written.
    """
    try:
        trace = json.loads(Path(path).read_text("utf-8"))
        facts, events = trace["otherData"], trace["traceEvents"]
        ours = facts["format"] == FORMAT
        found = {name: facts[name] for name in FACTS if name in facts}
        records = [(event["cat"], event["args"]) for event in events if _is_record(event)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        ours = False
    if not ours:
        raise ValueError(f"{path} is no trace that Timeline.to_trace has written")
    found |= {kind: [] for kind in KINDS}
    for kind, fields in records:
        found[kind].append(fields)
    return found


def _is_record(event):
    """Does an event hold all that we know of something? The others are for a viewer only."""
    return "args" in event and event.get("cat") in KINDS


def _known(fields):
    """Only what is known: JSON has no word for nan, and a field that is absent says the same."""
    return {name: value for name, value in fields.items() if value is not None and value == value}


def _events(timeline) -> Iterator[dict]:
    """All events of a trace."""
    place = _Places(timeline)
    for number, process in enumerate(timeline.processes):
        yield _named(process, place, number)
        yield _process(process, place, timeline.now)
        yield from _start_up(process, place)
    for task in timeline.tasks:
        yield _span(task, "tasks", task.call, task.started, task.finished, place, timeline.now)
    for one in timeline.transfers:
        name = f"{one.action}: {one.kib:,} KiB"
        yield _span(one, "transfers", name, one.began, one.ended, place, timeline.now)
    for line in timeline.lines:
        yield _moment(line, "lines", line.text, place)
    for access in timeline.accesses:
        yield _moment(access, "accesses", f"{access.action} {access.name}: {access.value}", place)
    for number, message in enumerate(timeline.messages):
        yield from _arrow(message, number, place)
    for number, hold in enumerate(timeline.holds):
        yield from _hold(hold, number, place, timeline.now)


class _Places:
    """Where a viewer shows something: its track is named by a pid and a tid.

    A thread is shown in the process that it belongs to, a predicted task in a track of its lane.
    """

    def __init__(self, timeline):
        self._parent = timeline.parent
        self._threads = {one.pid for one in timeline.processes if one.role == "thread"}

    def __call__(self, pid, lane=0):
        if pid in self._threads:
            return {"pid": self._parent, "tid": pid}
        return {"pid": pid or lane, "tid": pid or lane}


def _microseconds(seconds):
    return round(1e6 * seconds, 3)


def _named(process, place, number):
    """The name of a track."""
    kind = "thread_name" if process.role == "thread" else "process_name"
    name = process.name if process.role == "process" else f"{process.role} {process.lane}"
    return {"ph": "M", "name": kind, **place(process.pid), "args": {"name": name}}


def _process(process, place, now):
    """The life of a process; its tasks lie within."""
    return _span(process, "processes", process.name, process.asked, process.ended, place, now)


def _start_up(process, place):
    """How long it took until the process could work, where that is known."""
    ready = process.ready if math.isfinite(process.ready) else process.born
    if ready - process.asked >= 0:
        ts, dur = _microseconds(process.asked), _microseconds(ready - process.asked)
        yield {"ph": "X", "name": "start-up", "ts": ts, "dur": dur, **place(process.pid)}


def _span(record, kind, name, begin, end, place, now):
    """Something that took a while, up to now if it goes on."""
    end = now if math.isnan(end) else end
    begin = end if math.isnan(begin) else begin
    times = {
        "ts": _finite(_microseconds(begin)),
        "dur": max(0, _finite(_microseconds(end - begin))),
    }
    where = place(record.pid, record.lane)
    return {
        "ph": "X",
        "cat": kind,
        "name": name,
        **times,
        **where,
        "args": _known(record._asdict()),
    }


def _finite(number):
    return number if math.isfinite(number) else 0


def _moment(record, kind, name, place):
    """Something that took no time."""
    ts, where, args = _microseconds(record.time), place(record.pid), _known(record._asdict())
    return {"ph": "i", "s": "t", "cat": kind, "name": name, "ts": ts, **where, "args": args}


def _arrow(message, number, place):
    """A message on its way, from the sender's task to the receiver's."""
    args = {"args": _known(message._asdict())}
    both = {"cat": "messages", "name": f"{message.queue}: {message.value}", "id": number}
    yield {"ph": "s", **both, "ts": _microseconds(message.put), **place(message.sender), **args}
    if math.isfinite(message.got):
        where = place(message.receiver)
        yield {"ph": "f", "bp": "e", **both, "ts": _microseconds(message.got), **where}


def _hold(hold, number, place, now):
    """A lock, from the moment it was wanted to its release. Threads may hold several at once."""
    both = {"cat": "holds", "name": hold.lock, "id": number, **place(hold.pid)}
    end = now if math.isnan(hold.released) else hold.released
    yield {"ph": "b", **both, "ts": _microseconds(hold.wanted), "args": _known(hold._asdict())}
    yield {"ph": "e", **both, "ts": _finite(_microseconds(end))}


# Tables


def write_csv(path: str | Path, fields: Iterable[str], records: Iterable[tuple]) -> None:
    """Write records to a table with one line each below the names of the fields."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(fields)
        table.writerows([_cell(value) for value in record] for record in records)


def _cell(value):
    """What is unknown stays empty; a float is written in full."""
    return "" if value != value else repr(value) if isinstance(value, float) else value


def read_csv(path: str | Path, fields: Iterable[str]) -> list[dict[str, str]]:
    """The lines of such a table, without the cells that are empty.

    Raises ValueError for a table with other fields.
    """
    fields = list(fields)
    with open(path, encoding="utf-8", newline="") as file:
        try:
            head, *rows = csv.reader(file)
        except (ValueError, csv.Error):  # empty, or no text, or a cell without an end
            head, rows = [], []
    if head != fields or any(len(row) != len(fields) for row in rows):
        raise ValueError(f"{path} is no table that Timeline.to_csv has written")
    return [{name: text for name, text in zip(fields, row, strict=True) if text} for row in rows]
