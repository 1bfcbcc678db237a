"""The parent's side of an observed process: its start and its end, noticed and recorded.

What the process does in between it records itself, see `child/process`. Standard library only.
"""

import importlib
import os
import sys
import threading
import time
import weakref
from multiprocessing import connection

from helpers.child import events
from helpers.child.process import ChildProcess, rebuild
from helpers.child.workers import role_of
from helpers.parent import tracker
from helpers.parent.checks import check_reaches_child

POLL = 0.05
"""Seconds between two looks at what may have changed."""
PATIENCE = 0.2
"""Seconds that a process has between the request to end and its killing."""
LONGEST_DEATH = 5.0
"""Seconds that we wait for a killed process: the system may keep it, until a disk answers."""


class Stopped(RuntimeError):
    """The experiment was stopped by `stop()`."""

    def __init__(self, words="the experiment was stopped"):
        super().__init__(words)


class ObservedProcess(ChildProcess):
    """What an observed process has beyond the standard one."""

    _context = None
    _pool = None
    _group = None
    _lane = 0
    _noticed = False
    _seen_off = False
    _IN_PARENT = ("_pool", "_group")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._role = role_of(self._target)
        if self._role == "worker":
            self._group = weakref.ref(self._args[0])  # the queue that one pool's workers share

    def __reduce_ex__(self, protocol):
        if type(self) is not self._context.Process:
            return super().__reduce_ex__(protocol)  # a subclass can be found by its name
        state = {name: value for name, value in vars(self).items() if name not in self._IN_PARENT}
        return rebuild, (self._context._name, state)

    def start(self):
        context = self._context
        if self._role != "worker" or self._is_first_of_pool():
            context._check_running()  # a pool that replaces a worker is stopped as a whole
        context._check_room_for(self)
        if context._name != "fork" and self._popen is None:
            check_reaches_child(self._target or type(self), context._name)
        if context._name == "fork":
            # What reads the logs is imported now: were another of our threads in the middle of
            # that import at the fork, the child would inherit its lock, and never get it.
            importlib.import_module("helpers.logs.reader")
        self._folder = context._recorder.folder
        asked = time.perf_counter_ns()
        super().start()
        if context._name == "forkserver":
            tracker.see_off_fork_server()
        context._note_start(self, asked)

    def _Popen(self, process):  # by this name `start` asks for what stands for the running process
        popen = super()._Popen(process)
        _one_poll_at_a_time(popen)
        return popen

    def _is_first_of_pool(self):
        """A worker of a pool that is still being made."""
        pool = self._pool and self._pool()
        return pool is not None and not pool._complete.is_set()

    def join(self, timeout=None):
        if self._popen is None or self._parent_pid != os.getpid():
            return super().join(timeout)  # which says what is wrong
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.exitcode is None:
            wait = POLL if deadline is None else min(POLL, deadline - time.monotonic())
            if wait <= 0:
                return None
            if connection.wait([self.sentinel], wait):
                if _reaped_by_others(self._popen):
                    break
                time.sleep(min(wait, 0.001))  # it is ending, or has only closed its pipe
        return super().join(0)

    @property
    def exitcode(self):
        code = super().exitcode
        if code is not None:
            self._notice()
        return code

    def close(self):
        self._notice()
        super().close()

    def _notice(self):
        """The exit code if the process has ended, None otherwise; the first notice is recorded."""
        popen = self._popen
        if popen is None or self._parent_pid != os.getpid():
            return 0 if self._closed else None
        code = popen.poll()
        if code is not None:
            with self._context._lock:
                if not self._noticed:
                    self._noticed = True
                    self._context._free_lane(self)
                    self._context._recorder.record(
                        events.ENDED, pid=self.pid, exitcode=code & 0xFFFFFFFF
                    )
        return code

    def _has_ended(self, ready):
        """Has it ended, even if somebody else has its exit code? `ready` are sentinels that are."""
        popen = self._popen  # it may be closed in between
        if self._notice() is not None:
            return True
        return popen.sentinel in ready and _reaped_by_others(popen)

    def _tell_pool(self):
        pool = self._pool and self._pool()
        if pool is not None:
            pool._worker_ended(self)


def _reaped_by_others(popen):
    """Has somebody else waited for this child? Then nobody here will ever know its exit code.

    We ask by waiting for it. On macOS a process that is just ending cannot be found by its pid.
    """
    if sys.platform == "win32":
        return False
    with popen.exit_code_lock:
        if popen.returncode is not None:
            return False
        try:
            pid, status = os.waitpid(popen.pid, os.WNOHANG)
        except ChildProcessError:  # or it is the fork server's child: its exit code comes by a pipe
            return True
        if pid == popen.pid:
            popen.returncode = os.waitstatus_to_exitcode(status)
        return False


def _one_poll_at_a_time(popen):
    """Let two threads ask for an exit code without one of them reading it away from the other.

    Whoever asks in another way takes the same lock, `popen.exit_code_lock`. Through a weak
    reference, so that the pipes of a process are closed as soon as it is forgotten.
    """
    popen.exit_code_lock = lock = threading.Lock()
    poll, known = type(popen).poll, weakref.ref(popen)

    def locked_poll(*args, **kwargs):
        with lock:
            popen = known()
            return None if popen is None else poll(popen, *args, **kwargs)

    popen.poll = locked_poll


def in_spite_of_interrupts(work) -> None:
    """Do a piece of tidying up to its end.

    An impatient second interrupt of the kernel breaks off our waiting, but not what we wait for:
    that is done in a thread of its own, which no signal reaches. What it raises is raised here.
    """
    if sys.is_finalizing() or threading.current_thread() is not threading.main_thread():
        return work()  # no thread would begin any more; or no signal reaches us
    errors = []

    def tidy_up():
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=tidy_up, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # there are no more threads to be had
        return work()
    thread.join()
    if errors:
        raise errors[0]


def end(children: list, patience: float) -> None:
    """Ask processes to end, and kill those that have not after `patience` seconds."""
    children = [child for child in children if child._notice() is None]
    for child in children:
        child.terminate()
    deadline = time.monotonic() + patience
    for child in children:
        child.join(max(0, deadline - time.monotonic()))
    for child in children:
        if child._notice() is None:
            child.kill()
    deadline = time.monotonic() + LONGEST_DEATH
    for child in children:
        child.join(max(0, deadline - time.monotonic()))
