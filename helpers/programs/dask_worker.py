"""The worker's side of a recorded Dask cluster, as `child/process` is the child's side of a pool.

Dask's own task stream tells by which worker a task was done, and from when to when. A task whose
worker died is not in it. So each worker also reports when it begins a task, by Dask's event log:
what a worker has reported survives the worker.

`helpers/hosts` starts Dask's scheduler and workers with this module preloaded; it is imported in
their processes.
"""

import multiprocessing
import os
import platform
import signal
import sys
import threading

from distributed.diagnostics.plugin import WorkerPlugin
from distributed.metrics import time

from helpers.child.labels import name_of, text_of_arguments

HOST = "PLAIN_SIGHT_HOST"
"""The environment variable with the name that a worker gives its host, if not the machine's."""

MOST_EVENTS = 100_000
"""How many events of a kind the scheduler's log keeps; Dask's own default is 1,000."""

LONGEST_LIFE = 3600.0
"""Seconds after which a process that `hosts` has started ends itself, whatever happens."""


class Recorder(WorkerPlugin):
    """A worker's plugin: it reports to `topic` who the worker is, and when it begins which task."""

    def __init__(self, topic: str):
        self.name = self.topic = topic

    def setup(self, worker) -> None:
        """Report who this worker is. Dask calls this on every worker, also on later ones."""
        self.worker = worker
        if multiprocessing.parent_process() is not None:  # its nanny ends this process
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        host = os.environ.get(HOST) or platform.node()
        self._report(event="here", name=str(worker.name), pid=os.getpid(), host=host)

    def transition(self, key, start, finish, **_) -> None:
        """Report that a task begins. Dask calls this whenever a task here changes its state."""
        if finish == "executing":
            call = text_of_call(self.worker.state.tasks[key].run_spec)
            self._report(event="began", key=str(key), call=call)

    def _report(self, **facts):
        # As Dask does it: the clock of this machine, corrected by its difference from the
        # scheduler's, which was measured when the two last spoke.
        now = time() + self.worker.scheduler_delay
        self.worker.log_event(self.topic, {"time": now, "worker": self.worker.address, **facts})


def text_of_call(task) -> str:
    """Return a task as one would write the call, such as `nap(0.5)`."""
    function = getattr(task, "func", None)
    if function is None:
        return "data()"
    return f"{name_of(function)}({text_of_arguments(task.args, task.kwargs).decode()})"


def dask_setup(_server) -> None:
    """End this process when the process that has started it has ended, or after an hour.

    `dask scheduler` and `dask worker` call this if they are told to `--preload` this module.
    The process that starts them holds the other end of their standard input, which the system
    closes when that process ends.
    """

    def end():
        os._exit(0)

    def end_with_the_input():
        sys.stdin.buffer.read()
        end()

    threading.Thread(target=end_with_the_input, daemon=True).start()
    timer = threading.Timer(LONGEST_LIFE, end)
    timer.daemon = True
    timer.start()
