"""The child's side of an observed process, from its first moment to its last.

The function of the process is recorded as a task. In a worker of a pool or of an executor, every
task that the worker takes is recorded instead. Nothing is wrapped in the parent.

Every child imports this file, and waits for it. So it imports only what a child of the standard
library has loaded anyway; a module that a function comes from has been loaded with it.
"""

import functools
import os
import sys
from multiprocessing import util

from helpers.child import events
from helpers.child.calls import RecordedCall
from helpers.child.interrupts import put_off_until_recorded, record_interrupts
from helpers.child.orphan_guard import leave_with_parent
from helpers.child.recorder import start_recording
from helpers.child.workers import record_worker_tasks, role_of

_imported_in = os.getpid()


class ChildProcess:
    """The child's side of an observed process, mixed into a class of the standard library."""

    _folder = None  # where the logs of the experiment are; the parent says so before the start

    def _bootstrap(self, parent_sentinel=None):
        """Live the whole life of the child. The standard library calls this in a new process."""
        recorder = start_recording(self._folder)
        method = events.METHODS.index(start_method_of(self._parent_pid))
        recorder.record(events.BORN, method=method, ppid=self._parent_pid)
        leave_with_parent(self._parent_pid, parent_sentinel, recorder)
        record_interrupts(recorder)
        self.run = functools.partial(run, self, recorder, self.run)
        code = super()._bootstrap(parent_sentinel)
        # Let queues send what they still hold. Before Python 3.13 that has been done by now.
        if hasattr(util, "_exit_function"):
            util._exit_function()
        recorder.record(events.LEFT, exitcode=code & 0xFFFFFFFF)
        return code


class PutOffInterrupts:
    """The first thing that a new child unpickles: from then on it puts interrupts off."""

    def __reduce__(self):
        return put_off_until_recorded, ()


def rebuild(_, standard: type, state: dict):
    """Return the process object in a spawned child. It needs nothing of what its parent's can do.

    Args:
        _: a `PutOffInterrupts`, which has done its work by now.
        standard: the class of the process without us, such as `SpawnProcess`.
        state: the attributes of the process object.
    """
    child_class = type(standard.__name__, (ChildProcess, standard), {})
    child = child_class.__new__(child_class)
    vars(child).update(state)
    return child


def start_method_of(parent: int) -> str:
    """Return the start method by which this process was started, as its circumstances show.

    Args:
        parent: the pid of the process that asked for this one.
    """
    if sys.platform != "win32" and os.getppid() != parent:
        return "forkserver"  # the server stands between this process and the one that asked for it
    return "spawn" if _imported_in == os.getpid() else "fork"


def run(process, recorder, standard_run) -> None:
    """Run the function of an observed process, and record it.

    Args:
        process: the process object.
        recorder: the recorder of this process.
        standard_run: what the process object's `run` would be without us.
    """
    role = role_of(process._target)
    if role == "worker":
        record_worker_tasks(process._target, *process._args[:2], recorder)
        standard_run()
    elif role == "manager":
        standard_run()
    elif process._target is not None:
        process._target = RecordedCall(process._target, recorder)
        standard_run()
    else:  # a subclass with a run of its own
        RecordedCall(standard_run, recorder, name=f"{type(process).__name__}.run")()
    recorder.record(events.DONE)
