"""The parent's side of an observed process: its start and its end.

The watcher owns a process from before its start, and records its start and its end. The process
itself records what it does in between, see `helpers/child/process.py`.

This file leans on private names of the standard library's `BaseProcess` (a test holds that they
are there). Standard library only.
"""

import contextlib
import errno
import importlib
import os
import sys
import threading
import time
import weakref
from multiprocessing import connection

from helpers.child import events
from helpers.child.interrupts import (
    BlockInterrupts,
    block_interrupts,
    put_off_interrupts,
    signal_mask_kept,
)
from helpers.child.process import ChildProcess, PutOffInterrupts, rebuild
from helpers.child.registration import recorded_wait
from helpers.child.workers import role_of
from helpers.parent import family, tracker
from helpers.parent.checks import check_not_importing, check_reaches_child
from helpers.parent.sockets import socket_folder
from helpers.parent.waits import LONGEST_DEATH, PATIENCE, POLL


def process_class(standard: type, watcher) -> type:
    """Return the `Process` of one observed context.

    Args:
        standard: the class of the standard library, such as `SpawnProcess`, or a student's own
            that derives from it.
        watcher: the `Watcher` of the context.
    """
    return type(standard.__name__, (ObservedProcess, standard), {"_watcher": watcher})


def watcher_of(process: type):
    """Return the watcher of the context from which a class of processes comes; None without one."""
    return getattr(process, "_watcher", None)


class ObservedProcess(ChildProcess):
    """The parent's side of an observed process, mixed into a class of the standard library."""

    _watcher = None  # the class that `process_class` makes has one

    def __reduce_ex__(self, protocol):
        if ObservedProcess not in type(self).__bases__:
            return super().__reduce_ex__(protocol)  # a subclass, which a child finds by its name
        _, standard = type(self).__bases__
        return rebuild, (PutOffInterrupts(), standard, vars(self))

    def start(self):
        if self._popen is not None or self._closed:
            return super().start()  # which says what is wrong
        role = role_of(self._target)
        tasks = self._args[0] if role == "worker" else None
        with put_off_interrupts() as interrupts:
            try:
                self._start_watched(role, tasks)
                self._end_if_due(interrupts)
            except BaseException as error:
                self._watcher.start_has_failed(tasks, error)
                raise

    def _start_watched(self, role, tasks):
        method = self._watcher.method
        if role in ("worker", "manager"):
            check_not_importing()
        if role == "manager" or method == "forkserver":
            self._config["tempdir"] = socket_folder()
        self._watcher.check_may_start(role, tasks)
        if method == "fork":
            # What reads the logs is imported now: were another of our threads in the middle of
            # that import at the fork, the child would inherit its lock, and never get it.
            importlib.import_module("helpers.logs.reader")
        else:
            check_reaches_child((self._target or type(self), self._args, self._kwargs), method)
            if method == "forkserver":
                tracker.prepare_fork_server()
        self._folder = self._watcher.recorder.folder
        with self._watcher.starting(self, role, tasks), _naming_the_limit(method):
            super().start()
            if method == "forkserver":
                tracker.reap_fork_server()

    def _end_if_due(self, interrupts):
        """Handle an interrupt that came during the start. If it raises, the process ends first.

        A child that was made after the signal came has not received it.
        """
        try:
            interrupts.deliver()
        except BaseException:
            end([self], PATIENCE)
            raise

    def _Popen(self, process):  # by this name `start` asks for what stands for the running process
        with signal_mask_kept():
            if self._may_block_interrupts():
                if self._watcher.method == "fork":
                    block_interrupts()
                else:
                    self._last_attribute = BlockInterrupts()
            popen = super()._Popen(process)
        _poll_one_at_a_time(popen)
        return popen

    def _may_block_interrupts(self):
        """Tell whether an interrupt of the child may wait until the child unblocks it.

        A spawned child of a script runs that script before any code of ours: it may take for ever.
        A fork server would block interrupts as long as it lives, and in everybody's children, too.
        """
        method = self._watcher.method
        is_script = hasattr(sys.modules["__main__"], "__file__")
        return method == "fork" or (method == "spawn" and not is_script)

    def join(self, timeout=None):
        if self._popen is None or self._parent_pid != os.getpid():
            return super().join(timeout)  # which says what is wrong
        if timeout == 0:
            return super().join(0)
        # Of a process that has ended, too: that somebody has made sure of it is worth knowing.
        with recorded_wait(self._watcher.recorder, "end", self.pid):
            return self._wait_for_end(timeout)

    def _wait_for_end(self, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.exitcode is None:
            wait = POLL if deadline is None else min(POLL, deadline - time.monotonic())
            if wait <= 0:
                return None
            if connection.wait([self.sentinel], wait):
                if was_reaped_by_others(self):
                    break
                time.sleep(min(wait, 0.001))  # it is ending, or has only closed its pipe
        return super().join(0)

    @property
    def exitcode(self):
        code = super().exitcode
        self._note_end(code)
        return code

    def close(self):
        if self._popen is not None:
            self._note_end(self._popen.poll())  # once it is closed, nobody can ask any more
        super().close()
        self._watcher.forget(self)

    def note_ends_of_descendants(self, codes: dict[int, int]) -> None:
        """Record ends that nobody else can record: the parents were ended, too.

        Args:
            codes: the exit code of each descendant, by its pid.
        """
        for pid, code in codes.items():
            self._watcher.recorder.record(events.ENDED, pid=pid, exitcode=code & 0xFFFFFFFF)

    def _note_end(self, code):
        if code is not None and self._parent_pid == os.getpid():
            self._watcher.note_end(self, code)


@contextlib.contextmanager
def _naming_the_limit(method):
    """Say what is meant where the system refuses to start a process: its own words do not."""
    try:
        yield
    except BlockingIOError as error:
        raise BlockingIOError(error.errno, f"{error.strerror}: {_limit()}") from None
    except EOFError:
        if method != "forkserver":
            raise
        # The server ends when it cannot fork.
        words = f"the fork server has ended while it started a process: {_limit()}"
        raise BlockingIOError(errno.EAGAIN, words) from None


def _limit():
    import resource  # here: Windows has none, and no such errors

    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    account = "your account" if most == resource.RLIM_INFINITY else f"your account ({most})"
    return (
        f"there may be as many processes and threads as {account} or your container may have; "
        "end some, or use fewer workers"
    )


def has_ended(process: ObservedProcess) -> bool:
    """Tell whether the exit code of a process is there; if so, the watcher records the end."""
    try:
        return process.exitcode is not None
    except ValueError:  # it was closed, as only a process that has ended can be
        return True


def was_reaped_by_others(process: ObservedProcess) -> bool:
    """Tell whether somebody else has waited for a child. Then its exit code is lost to us.

    We ask by waiting for it. On macOS a process that is just ending cannot be found by its pid.
    """
    popen = process._popen
    if popen is None or sys.platform == "win32":
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


def _poll_one_at_a_time(popen):
    """Let two threads ask for an exit code without one of them reading it away from the other.

    Whoever asks in another way takes the same lock, `popen.exit_code_lock`. The function knows
    `popen` by a weak reference, so that the pipes of a process are closed as soon as it is
    forgotten.
    """
    popen.exit_code_lock = lock = threading.Lock()
    poll, known = type(popen).poll, weakref.ref(popen)

    def locked_poll(*args, **kwargs):
        with lock:
            popen = known()
            return None if popen is None else poll(popen, *args, **kwargs)

    popen.poll = locked_poll


def end(processes: list[ObservedProcess], patience: float) -> None:
    """Ask processes to end, and kill those that have not ended after `patience` seconds.

    Args:
        processes: those that have ended or were never started are left alone.
        patience: in seconds.
    """
    running = [process for process in processes if not has_ended(process) and process.pid]
    if not running:
        return
    deadline = time.monotonic() + patience
    descendants = family.descendants_of({process.pid for process in running})
    for process in running:
        process.terminate()
    family.ask_to_end(descendants)
    _join_all(running, patience)
    for process in running:
        if not has_ended(process):
            process.kill()
    codes = family.kill(descendants, deadline)
    _join_all(running, LONGEST_DEATH)
    running[0].note_ends_of_descendants(codes)


def _join_all(processes, patience):
    deadline = time.monotonic() + patience
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
