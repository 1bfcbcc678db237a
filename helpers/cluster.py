"""Dask's `Client` with a recorder: the same chart for work on many machines.

    with Client(n_workers=2) as client, client.get_executor() as executor:
        print(list(executor.map(nap, [0.3, 0.2, 0.1])))

    gantt(client.timeline())

It is Dask's own client, with one habit of its own: the workers that it starts have one thread each,
where Dask may start fewer workers with several threads. `timeline()` is made from what Dask tells
every client: its task stream (which worker did which task, from when to when), its log of events
(which workers were lost), and what `programs/dask_worker` adds to that log (which workers joined,
which tasks began).

All times are those of the scheduler's clock. Every worker reads its own clock and adds the
difference that it measured in its last exchange with the scheduler.
"""

import contextlib
import logging
import math
import tempfile
import threading
import time

import dask
import distributed
import psutil

from helpers.logs.dask_events import EMPTY, timeline_of
from helpers.observed import Stopped
from helpers.parent.checks import check_workers
from helpers.programs.dask_worker import MOST_EVENTS, Recorder
from helpers.timeline import Timeline

QUIET = "CRITICAL"
"""The level of Dask's logging: its messages would stand among a lesson's outputs."""

LOCAL_OPTIONS = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": QUIET}
"""How a cluster on this machine is started, unless other options are given."""

LOG_LENGTH = "distributed.admin.low-level-log-length"
"""The name of a setting of Dask: how many events of a kind the scheduler keeps."""

LONGEST_NOTICE = 1.0
"""Seconds that we wait at most for a scheduler to notice that its workers are gone."""

for name in ("distributed", "distributed.client"):
    logging.getLogger(name).setLevel(QUIET)


class Client(distributed.Client):
    """Dask's client; `timeline()` tells what its cluster has done since this client joined.

    Without a cluster to connect to, it starts one on this machine, as Dask's client does, with
    these options unless others are given: workers of one thread, so that each is one lane of the
    chart and tasks in plain Python do not share a GIL; Dask's web page on a free port that only
    this machine can reach; files in a temporary folder that is removed with the client; and nothing
    logged.
    """

    def __init__(self, address: str | None = None, **options):
        self._last = EMPTY
        self._one_at_a_time = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(prefix="dask-", ignore_cleanup_errors=True)
        self._asked = math.nan
        if self._is_alone(address, options):
            options = LOCAL_OPTIONS | options
            self._asked = distributed.metrics.time()
        with dask.config.set({"temporary-directory": self._folder.name, LOG_LENGTH: MOST_EVENTS}):
            super().__init__(address, **options)
        self._topic = f"plain-sight-{self.id}"
        self.get_task_stream()  # Dask begins to keep it when it is asked for it
        self.register_plugin(Recorder(self._topic))

    @staticmethod
    def _is_alone(address, options):
        """Return whether there is no cluster to connect to, so that one will be started here."""
        return address is None and "scheduler_file" not in options

    def timeline(self) -> Timeline:
        """Return what has happened up to now, or up to the moment when the client was closed."""
        with self._one_at_a_time, contextlib.suppress(OSError):  # the scheduler has just gone
            if self.status == "running":
                self._last = self._look()
        return self._last

    def _look(self):
        """Read what Dask has noted down. The clock is read last: nothing may lie in its future."""
        events = self.get_events()
        told = (message for _, message in events.get(self._topic, ()))
        fates = ((time, fact) for time, fact in events.get("all", ()) if "worker" in fact)
        stream = self.get_task_stream()
        now = self.run_on_scheduler(distributed.metrics.time)
        return timeline_of(told, fates, stream, now, self._asked)

    def close(self, *args, **kwargs):
        """Close the client as Dask does, after a last look."""
        with self._one_at_a_time:  # another thread may look at the experiment just now
            self.timeline()
            if math.isnan(self._asked) and self.status == "running":
                with contextlib.suppress(OSError):  # of a connection that has just been lost
                    self.unregister_worker_plugin(self._topic)  # we did not start that cluster
            super().close(*args, **kwargs)
            self._folder.cleanup()


class LocalClusters:
    """The context that `explore` gives to an experiment with Dask.

    The experiment calls `client(workers)`. Dask starts its workers by spawn.
    """

    methods = ("spawn",)

    def __init__(self, method: str = "spawn"):
        self._client = None
        self._stopped = False
        self._one_at_a_time = threading.Lock()

    def client(self, workers: int) -> Client:
        """Start a cluster of so many workers on this machine, and return a client of it.

        Raises TypeError or ValueError for a number of workers that makes no sense, and `Stopped` if
        the experiment has been stopped.
        """
        check_workers(workers)
        with self._one_at_a_time:
            if self._stopped:
                raise Stopped("this experiment has been stopped")
            self._client = Client(n_workers=workers)
        return self._client

    def timeline(self) -> Timeline:
        """Return what the cluster has done so far."""
        return EMPTY if self._client is None else self._client.timeline()

    def stop(self) -> None:
        """End the cluster, or the one that is just being started; refuse to start another."""
        with self._one_at_a_time:
            self._stopped = True
            if self._client is not None:
                self._kill_workers()
                self._client.close()

    def _kill_workers(self):
        """Kill the workers at once: Dask would let them work on for seconds."""
        for nanny in list(self._client.cluster.workers.values()):
            nanny.close_gracefully()  # so that it starts no other worker in its place
            with contextlib.suppress(AttributeError, psutil.Error):  # it has ended just now
                if (pid := nanny.pid) is not None:  # psutil takes None for this process
                    psutil.Process(pid).kill()
        deadline = time.monotonic() + LONGEST_NOTICE
        while self._client.status == "running" and _at_work(self._client):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)  # until the scheduler has noticed, so that the chart shows the loss


def kill_at_work(client: Client, pid: int = 0) -> int:
    """Kill a worker of this machine in the middle of a task, and return its pid.

    Args:
        client: a client of the worker's cluster, which has submitted tasks.
        pid: the worker's pid; 0 stands for the first worker that is seen at work.

    Raises:
        RuntimeError: if all tasks of the client are done before the worker is seen at work.
        Stopped: if the client is closed meanwhile.
    """
    while client.status == "running":
        time.sleep(0.02)
        futures = list(client.futures.values())
        pending = any(future.status in ("pending", "lost") for future in futures)  # lost: once more
        busy = [worker for worker in _at_work(client) if pid in (0, worker)]
        if not busy and not pending:
            raise RuntimeError("all tasks are done, so nobody is at work: submit longer ones")
        if not busy:
            continue
        with contextlib.suppress(psutil.Error):  # it is gone, but the scheduler has yet to notice
            worker = psutil.Process(busy[0])
            worker.suspend()  # so that its task cannot end while we look whether it has
            time.sleep(0.3)
            if worker.pid in _at_work(client):
                worker.kill()
                return worker.pid
            worker.resume()
    raise Stopped("the client was closed before a worker was seen at work")


def _at_work(client):
    """Return the pids of the workers that have a task just now."""
    return [task.pid for task in client.timeline().tasks if task.outcome == "running"]
