"""The worker's side of a recorded Dask cluster, as `child/process` is the child's side of a pool.

Dask's own task stream tells when a task was done, by which worker, from when to when. A task whose
worker died is not in it. So each worker also says when it begins a task, by Dask's event log: what
has been said survives whoever said it.
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
"""In the environment, the name that a worker gives its host, in place of the machine's own."""

MOST_EVENTS = 100_000
"""So many events of a kind the scheduler's log is to keep; else it is 1,000."""

LONGEST_LIFE = 3600.0
"""Seconds after which a process that `hosts` has started ends itself, whatever happens."""


class Recorder(WorkerPlugin):
    """Says who a worker is, and when it begins which task, to all who read `topic`."""

    def __init__(self, topic: str):
        self.name = self.topic = topic

    def setup(self, worker) -> None:
        """Say who this worker is. Dask calls it on every worker, also on those that come later."""
        self.worker = worker
        if multiprocessing.parent_process() is not None:  # it is for its nanny to end this process
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        host = os.environ.get(HOST) or platform.node()
        self._say(event="here", name=str(worker.name), pid=os.getpid(), host=host)

    def transition(self, key, start, finish, **_) -> None:
        """Say that a task begins. Dask calls this whenever a task here changes its state."""
        if finish == "executing":
            call = text_of_call(self.worker.state.tasks[key].run_spec)
            self._say(event="began", key=str(key), call=call)

    def _say(self, **facts):
        # As Dask does it: the clock of this machine, put right by how far it is from the
        # scheduler's. That difference was measured when they last spoke.
        now = time() + self.worker.scheduler_delay
        self.worker.log_event(self.topic, {"time": now, "worker": self.worker.address, **facts})


def text_of_call(task) -> str:
    """A task as one would write the call, such as `nap(0.5)`."""
    function = getattr(task, "func", None)
    if function is None:
        return "data()"
    return f"{name_of(function)}({text_of_arguments(task.args, task.kwargs).decode()})"


def dask_setup(_server) -> None:
    """End this process when the one that has started it is no more, or after an hour.

    `dask scheduler` and `dask worker` call this if they are told to `--preload` this module.
    Whoever starts them holds the other end of their standard input: it is closed when he ends.
    """

    def leave():
        os._exit(0)

    def wait_for_the_end():
        sys.stdin.buffer.read()
        leave()

    for target in (wait_for_the_end, threading.Timer(LONGEST_LIFE, leave).run):
        threading.Thread(target=target, daemon=True).start()
