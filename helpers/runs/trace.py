"""A timeline as a trace file, for viewers such as Perfetto.

The file is JSON in Chrome's trace-event format. https://ui.perfetto.dev and chrome://tracing open
it, and so does VizTracer's viewer. What such a viewer draws stands in each event's own fields, with
times in microseconds. Everything that was recorded stands in the event's `args`, with times in
seconds: a click on a bar shows it.

Source: the Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from helpers.chart import words
from helpers.timeline import Timeline

FACTS = (
    *("method", "workers", "now", "predicted", "parent"),
    *("lost_events", "lost_text", "interrupts", "own_zeros", "commands"),
)
"""What the file tells of the timeline as a whole: attributes of `Timeline`."""


def to_trace(timeline: Timeline, path: str | Path) -> None:
    """Write a timeline to a trace file, one event a line.

    Args:
        timeline: a measured timeline or a predicted one.
        path: the new file, such as `runs.json`.

    Raises:
        FileExistsError: if there is such a file already. It is never overwritten.
    """
    facts = {name: getattr(timeline, name) for name in FACTS}
    with open(path, "x", encoding="utf-8") as file:
        file.write('{"otherData": ' + json.dumps(_known(facts)))
        file.write(',\n"displayTimeUnit": "ms",\n"traceEvents": [')
        for number, event in enumerate(_events(timeline)):
            file.write((",\n" if number else "\n") + json.dumps(event))
        file.write("\n]}\n")


def _known(fields):
    """Leave out what is not known: JSON has no word for nan, and an absent field says the same."""
    return {name: value for name, value in fields.items() if not _is_unknown(value)}


def _is_unknown(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


def _events(timeline) -> Iterator[dict]:
    """Yield all events of a trace."""
    place, now = _Places(timeline), timeline.now
    if timeline.parent in {wait.pid for wait in timeline.waits}:
        yield _track("process_name", "parent", {"pid": timeline.parent, "tid": timeline.parent})
    for process in timeline.processes:
        yield _track_name(process, place)
        yield _span(process, "processes", process.name, process.asked, process.ended, place, now)
        yield from _start_up(process, place)
    for task in timeline.tasks:
        yield _span(task, "tasks", task.call, task.started, task.finished, place, now)
    for transfer in timeline.transfers:
        name = f"{transfer.action}: {transfer.kib:,} KiB"
        yield _span(transfer, "transfers", name, transfer.began, transfer.ended, place, now)
    for done in timeline.imports:
        yield _span(done, "imports", "imports modules", done.began, done.ended, place, now)
    for wait in timeline.waits:
        name = f"waits for {words.awaited(timeline, wait)}"
        yield _span(wait, "waits", name, wait.began, wait.ended, place, now)
    for line in timeline.lines:
        yield _moment(line, "lines", line.text, place)
    for access in timeline.accesses:
        yield _moment(access, "accesses", f"{access.action} {access.name}: {access.value}", place)
    for number, message in enumerate(timeline.messages):
        yield from _arrow(message, number, place)
    for number, hold in enumerate(timeline.holds):
        yield from _hold(hold, number, place, now)


class _Places:
    """The tracks on which a viewer shows events: each is named by a pid and a tid.

    A thread is shown in the process that it belongs to, a predicted task on a track of its lane.
    """

    def __init__(self, timeline):
        self._parent = timeline.parent
        self._threads = {p.pid for p in timeline.processes if p.role == "thread"}

    def __call__(self, pid, lane=0):
        if pid in self._threads:
            return {"pid": self._parent, "tid": pid}
        return {"pid": pid or lane, "tid": pid or lane}


def _microseconds(seconds):
    """Turn seconds into the format's unit; what is not known becomes 0."""
    return round(1e6 * seconds, 3) if math.isfinite(seconds) else 0


def _track_name(process, place):
    kind = "thread_name" if process.role == "thread" else "process_name"
    name = process.name if process.role == "process" else f"{process.role} {process.lane}"
    return _track(kind, name, place(process.pid))


def _track(kind, name, where):
    return {"ph": "M", "name": kind, **where, "args": {"name": name}}


def _start_up(process, place):
    """Yield how long it took until the process could work, where that is known."""
    if process.up - process.asked >= 0:  # not, if one of them is nan
        ts, dur = _microseconds(process.asked), _microseconds(process.up - process.asked)
        yield {"ph": "X", "name": "start-up", "ts": ts, "dur": dur, **place(process.pid)}


def _span(item, kind, name, begin, end, place, now):
    """Make the event of something that took a while; up to now if it goes on."""
    end = now if math.isnan(end) else end
    begin = end if math.isnan(begin) else begin
    times = {"ts": _microseconds(begin), "dur": max(0, _microseconds(end - begin))}
    where, args = place(item.pid, getattr(item, "lane", 0)), _known(item._asdict())
    return {"ph": "X", "cat": kind, "name": name, **times, **where, "args": args}


def _moment(item, kind, name, place):
    """Make the event of something that took no time."""
    ts, where, args = _microseconds(item.time), place(item.pid), _known(item._asdict())
    return {"ph": "i", "s": "t", "cat": kind, "name": name, "ts": ts, **where, "args": args}


def _arrow(message, number, place):
    """Yield a message's two ends: it left the sender's track, and reached the receiver's."""
    both = {"cat": "messages", "name": f"{message.queue}: {message.value}", "id": number}
    args = _known(message._asdict())
    ts, where = _microseconds(message.put), place(message.sender)
    yield {"ph": "s", **both, "ts": ts, **where, "args": args}
    if math.isfinite(message.got):
        ts, where = _microseconds(message.got), place(message.receiver)
        yield {"ph": "f", "bp": "e", **both, "ts": ts, **where}


def _hold(hold, number, place, now):
    """Yield when a lock was wanted and when it was released. Threads may hold several at once."""
    both = {"cat": "holds", "name": hold.lock, "id": number, **place(hold.pid)}
    released = now if math.isnan(hold.released) else hold.released
    yield {"ph": "b", **both, "ts": _microseconds(hold.wanted), "args": _known(hold._asdict())}
    yield {"ph": "e", **both, "ts": _microseconds(released)}
