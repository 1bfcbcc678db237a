"""Dask's `Client` with a recorder aboard: the same chart for work on many machines.

    with Client(n_workers=2) as client, client.get_executor() as executor:
        print(list(executor.map(nap, [0.3, 0.2, 0.1])))

    gantt(client.timeline())

It is Dask's own client, and means what that means. A timeline is put together from what Dask tells
anybody who asks: its task stream (which worker did which task, from when to when), its log of
events (who joined, who was lost), and what `cluster_aboard` adds to that log (which task began).

All times are those of the scheduler's clock. Every worker reads its own clock and adds the
difference that it measured when it last spoke with the scheduler.
"""

import contextlib
import logging
import math
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable

import dask
import distributed
import psutil

from helpers.observed import Stopped
from helpers.parent.checks import check_workers
from helpers.programs.dask_worker import MOST_EVENTS, Recorder
from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Process, Tasks, Timeline

QUIET = "CRITICAL"
"""What Dask logs in passing would stand among a lesson's outputs. The charts tell it, too."""

HERE = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": QUIET}
"""How a cluster on this machine is started, unless somebody wants it otherwise."""

LOG_LENGTH = "distributed.admin.low-level-log-length"

LONGEST_NOTICE = 1.0
"""Seconds that a scheduler needs, at most, to notice that its workers are gone."""

NOTHING = Timeline(Tasks.from_columns([]), now=0.0)

for name in ("distributed", "distributed.client"):
    logging.getLogger(name).setLevel(QUIET)


class Client(distributed.Client):
    """Dask's client; `timeline()` tells what its cluster has done since it came.

    Given no cluster to connect to, it starts one on this machine, as Dask's does, with these
    options unless others are given: workers of one thread, so that each is one lane of the chart;
    Dask's web page on a free port that only this machine can reach; files in a temporary folder
    that goes with the client; and nothing logged.
    """

    def __init__(self, address: str | None = None, **options):
        self._last = NOTHING
        self._one_at_a_time = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(prefix="dask-", ignore_cleanup_errors=True)
        self._asked = math.nan
        if self._is_alone(address, options):
            options = HERE | options
            self._asked = distributed.metrics.time()
        with dask.config.set({"temporary-directory": self._folder.name, LOG_LENGTH: MOST_EVENTS}):
            super().__init__(address, **options)
        self._topic = f"plain-sight-{self.id}"
        self.get_task_stream()  # it is kept from the first time on that somebody asks for it
        self.register_plugin(Recorder(self._topic))

    @staticmethod
    def _is_alone(address, options):
        """Is there no cluster to connect to, so that one will be started here?"""
        return address is None and "scheduler_file" not in options

    def timeline(self) -> Timeline:
        """What happened, up to now; of a client that was closed, up to then."""
        with self._one_at_a_time, contextlib.suppress(OSError):  # the scheduler has just gone
            if self.status == "running":
                self._last = self._look()
        return self._last

    def _look(self):
        events = self.get_events()
        told = (message for _, message in events.get(self._topic, ()))
        fates = ((time, fact) for time, fact in events.get("all", ()) if "worker" in fact)
        now = self.run_on_scheduler(distributed.metrics.time)
        return timeline_of(told, fates, self.get_task_stream(), now, self._asked)

    def close(self, *args, **kwargs):
        """Dask's, after a last look."""
        with self._one_at_a_time:  # an experiment may end just when it is stopped and looked at
            self.timeline()
            if math.isnan(self._asked) and self.status == "running":
                with contextlib.suppress(OSError):  # of a connection that has just been lost
                    self.unregister_worker_plugin(self._topic)  # that cluster goes on without us
            super().close(*args, **kwargs)
            self._folder.cleanup()


class Locally:
    """What `explore` gives to an experiment with Dask, in the place of a context: local clusters.

    `client(workers)` is all that an experiment needs of it. Dask starts its workers by spawn.
    """

    methods = ("spawn",)

    def __init__(self, method: str = "spawn"):
        self._client = None
        self._stopped = False
        self._one_at_a_time = threading.Lock()

    def client(self, workers: int) -> Client:
        """Start a cluster of so many workers on this machine, and return a client of it.

        Raises TypeError or ValueError for what is no sensible number of workers, and `Stopped`
        if the experiment has been stopped.
        """
        check_workers(workers)
        with self._one_at_a_time:
            if self._stopped:
                raise Stopped("this experiment has been stopped")
            self._client = Client(n_workers=workers)
        return self._client

    def timeline(self) -> Timeline:
        """What the last client has seen."""
        return NOTHING if self._client is None else self._client.timeline()

    def stop(self) -> None:
        """End the cluster, once it has started; no other one can be started."""
        with self._one_at_a_time:
            self._stopped = True
            if self._client is not None:
                self._kill_workers()
                self._client.close()

    def _kill_workers(self):
        """End the workers now: Dask's own way lets them work on for seconds."""
        for nanny in list(self._client.cluster.workers.values()):
            nanny.close_gracefully()  # that is: start no other worker in its place
            with contextlib.suppress(AttributeError, psutil.Error):  # it has ended just now
                if (pid := nanny.pid) is not None:  # None is no worker, and for psutil it is us
                    psutil.Process(pid).kill()
        deadline = time.monotonic() + LONGEST_NOTICE
        while self._client.status == "running" and _at_work(self._client):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)  # until the scheduler has noticed, and the chart shows what was lost


def kill_at_work(client: Client, pid: int = 0) -> int:
    """Kill a worker of this machine in the middle of a task, and return its pid.

    Args:
        client: of the cluster that the worker belongs to, with tasks that it has submitted.
        pid: which worker; if none is given, the first that is seen at work.

    Raises:
        RuntimeError: if all tasks of the client are done before the worker was seen at work.
        Stopped: if the client is closed meanwhile.
    """
    while client.status == "running":
        time.sleep(0.02)
        futures = list(client.futures.values())
        pending = any(one.status in ("pending", "lost") for one in futures)  # lost: done once more
        busy = [one for one in _at_work(client) if pid in (0, one)]
        if not busy and not pending:
            raise RuntimeError("all tasks are done, so nobody is at work: submit longer ones")
        if not busy:
            continue
        with contextlib.suppress(psutil.Error):  # it was lost, and the scheduler has yet to notice
            worker = psutil.Process(busy[0])
            worker.suspend()  # so that its task cannot end while we make sure that it has not yet
            time.sleep(0.3)
            if worker.pid in _at_work(client):
                worker.kill()
                return worker.pid
            worker.resume()
    raise Stopped("the client was closed before a worker was seen at work")


def _at_work(client):
    """The pids of the workers that have a task just now."""
    return [task.pid for task in client.timeline().tasks if task.outcome == "running"]


# Putting it together


def timeline_of(
    told: Iterable[dict], fates: Iterable[tuple], stream: list, now: float, asked: float = math.nan
) -> Timeline:
    """A timeline from what Dask has noted down. All times are the scheduler's, in seconds.

    Args:
        told: what the workers said by way of the `Recorder`, in order.
        fates: pairs of a time and what Dask's log says of a worker then: that it was lost.
        stream: Dask's task stream, as `client.get_task_stream()` returns it.
        now: when all this was asked for.
        asked: when the cluster was asked for, if that is known; else the first worker's word is
            where the timeline begins.
    """
    told = list(told)
    here = [one for one in told if one["event"] == "here"]
    if not here:
        return NOTHING
    zero = asked if math.isfinite(asked) else min(one["time"] for one in here)
    ended = {fact["worker"]: time for time, fact in fates if fact["action"] == "remove-worker"}
    lanes = _lanes(here)
    attempts = _attempts([one for one in told if one["event"] == "began"], stream)
    rows = sorted((_row(*attempt, ended) for attempt in attempts), key=lambda row: row[2])
    return Timeline(
        _tasks(rows, lanes, {one["worker"]: one["pid"] for one in here}, zero),
        list(_processes(here, lanes, ended, asked, zero)),
        workers=len(set(lanes.values())),
        now=now - zero,
    )


def _lanes(here):
    """The lane of each worker, by its address.

    Those of a host lie together. A worker that a nanny has started in the place of one that was
    lost has the name of that one, and so its lane.
    """
    hosts = list(dict.fromkeys(one["host"] for one in here))
    names = list(dict.fromkeys((one["host"], one["name"]) for one in here))
    names.sort(key=lambda name: (hosts.index(name[0]), len(name[1]), name[1]))
    return {one["worker"]: 1 + names.index((one["host"], one["name"])) for one in here}


def _attempts(began, stream):
    """Each beginning of a task, with what the task stream says of its end, or None.

    A task may begin twice, even on the same worker: if its result was lost with another one.
    """
    done = defaultdict(deque)
    for record in stream:
        done[str(record["key"]), record["worker"]].append(record)
    for one in began:
        records = done[one["key"], one["worker"]]
        yield one, records.popleft() if records else None


def _row(one, record, ended):
    """A task: its call, its worker, when it started and finished, and how it ended."""
    call, worker = one["call"], one["worker"]
    if record is not None:
        took = next(part for part in record["startstops"] if part["action"] == "compute")
        outcome = RETURNED if record["status"] == "OK" else RAISED
        return call, worker, took["start"], took["stop"], outcome
    if worker in ended:
        return call, worker, one["time"], ended[worker], LOST
    return call, worker, one["time"], math.nan, RUNNING


def _tasks(rows, lanes, pids, zero):
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
    """The workers. Where nobody knows when they were asked for, it is only known when they came."""
    several = len({one["host"] for one in here}) > 1
    seen = set()
    for one in here:
        worker, lane, came = one["worker"], lanes[one["worker"]], one["time"] - zero
        yield Process(
            name=one["name"],
            pid=one["pid"],
            ppid=0,
            lane=lane,
            role="worker",
            method="",
            asked=math.nan if lane in seen else asked - zero,  # a later one came unasked
            born=came,
            ready=came,
            ended=ended.get(worker, math.nan) - zero,
            exitcode=None,
            host=one["host"] if several else "",
        )
        seen.add(lane)
