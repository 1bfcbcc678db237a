"""Turn what Dask and its workers have noted down into a timeline. Dask itself is not needed here.

Each worker logs two kinds of events with the `Recorder` of `programs/dask_worker`: `here` when it
joins, `began` when it begins a task. How a task ended is told by Dask's task stream, and the loss
of a worker by Dask's own log of events.
"""

import math
from collections import defaultdict, deque
from collections.abc import Iterable

import numpy as np

from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Process, Tasks, Timeline

EMPTY = Timeline(Tasks.from_columns([]), now=0.0)
"""The timeline of a cluster that has no workers yet."""


def timeline_of(
    told: Iterable[dict], fates: Iterable[tuple], stream: list, now: float, asked: float = math.nan
) -> Timeline:
    """Return the timeline of what a cluster has done. All times are the scheduler's, in seconds.

    Args:
        told: the events that the workers logged with the `Recorder`, in order.
        fates: pairs of a time and an event of a worker in Dask's own log, such as its removal.
        stream: Dask's task stream, as `client.get_task_stream()` returns it.
        now: when all this was read.
        asked: when the cluster was asked for, if that is known; else the timeline begins with the
            first worker.
    """
    told = list(told)
    here = [event for event in told if event["event"] == "here"]
    if not here:
        return EMPTY
    zero = asked if math.isfinite(asked) else min(event["time"] for event in here)
    ended = {fact["worker"]: time for time, fact in fates if fact["action"] == "remove-worker"}
    lanes = _lanes(here)
    attempts = _attempts([event for event in told if event["event"] == "began"], stream)
    rows = sorted((_row(*attempt, ended) for attempt in attempts), key=lambda row: row[2])
    tasks = _tasks(rows, lanes, {event["worker"]: event["pid"] for event in here}, zero)
    return Timeline(
        tasks,
        list(_processes(here, lanes, ended, asked, zero)),
        workers=len(set(lanes.values())),
        # Dask estimates how far a worker's clock is from the scheduler's, and a task that has just
        # finished may seem to do so some milliseconds from now.
        now=float(np.nanmax(tasks.finished, initial=now - zero)),
    )


def _lanes(here):
    """Return the lane of each worker, by its address.

    The lanes of one host are neighbours. A worker that a nanny has started in the place of a lost
    one has that one's name, and so its lane.
    """
    hosts = list(dict.fromkeys(event["host"] for event in here))
    names = list(dict.fromkeys((event["host"], event["name"]) for event in here))
    names.sort(key=lambda name: (hosts.index(name[0]), len(name[1]), name[1]))
    return {event["worker"]: 1 + names.index((event["host"], event["name"])) for event in here}


def _attempts(began, stream):
    """Yield each start of a task with its record in the task stream, or None if it has none yet.

    A task may start twice, even on the same worker: if its result was lost with another worker.
    """
    done = defaultdict(deque)
    for record in stream:
        done[str(record["key"]), record["worker"]].append(record)
    for event in began:
        records = done[event["key"], event["worker"]]
        yield event, records.popleft() if records else None


def _row(event, record, ended):
    """Return a task's call, its worker, when it started and finished, and how it ended."""
    call, worker = event["call"], event["worker"]
    if record is not None:
        took = next(part for part in record["startstops"] if part["action"] == "compute")
        outcome = RETURNED if record["status"] == "OK" else RAISED
        return call, worker, took["start"], took["stop"], outcome
    if worker in ended:
        return call, worker, event["time"], ended[worker], LOST
    return call, worker, event["time"], math.nan, RUNNING


def _tasks(rows, lanes, pids, zero):
    """Return the rows as a table of tasks, with times counted from `zero`."""
    calls, workers, started, finished, outcome = zip(*rows, strict=True) if rows else [()] * 5
    return Tasks.from_columns(
        calls,
        pid=[pids[worker] for worker in workers],
        lane=[lanes[worker] for worker in workers],
        started=[time - zero for time in started],
        finished=[time - zero for time in finished],
        outcome=outcome,
    )


def _processes(here, lanes, ended, asked, zero):
    """Yield the workers. Of a cluster that we did not start, the time of the request is unknown."""
    several = len({event["host"] for event in here}) > 1
    seen = set()
    for event in here:
        worker, lane, came = event["worker"], lanes[event["worker"]], event["time"] - zero
        yield Process(
            name=event["name"],
            pid=event["pid"],
            ppid=0,
            lane=lane,
            role="worker",
            method="",
            asked=math.nan if lane in seen else asked - zero,  # its nanny asked for a later one
            born=came,
            ready=came,
            ended=ended.get(worker, math.nan) - zero,
            exitcode=None,
            host=event["host"] if several else "",
        )
        seen.add(lane)
