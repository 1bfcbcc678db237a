"""The pool of an observed context: the real one, which does not wait for what cannot come.

A worker of the standard library's pool may die and leave its results pending for ever, and the
pool's end waiting for a lock that the dead worker held. Here, a worker that dies unexpectedly
fails all pending results.

This file leans on private names of `multiprocessing.pool.Pool`: the queues, the three threads and
the cache of pending results; a test holds that they are there. Standard library only, until a
worker dies: what it was doing is read from the logs.
"""

import contextlib
import pickle
import select
import signal
import sys
import threading
import time
import weakref
from math import ceil, isnan
from multiprocessing import pool as standard_pool

from helpers.child import events
from helpers.child.interrupts import put_off_interrupts
from helpers.parent.checks import check_reaches_child
from helpers.parent.processes import end
from helpers.parent.results import (
    check_may_wait,
    fail_all,
    guarded,
    refuse_endless_wait,
    with_ordinary_error,
    with_ordinary_errors,
)
from helpers.parent.stop_mark import Stopped
from helpers.parent.waits import PATIENCE, POLL, free, in_spite_of_interrupts

_HANDLERS = "_worker_handler", "_task_handler", "_result_handler"
"""The names of a pool's three threads."""


class WorkerDied(RuntimeError):
    """A worker ended although nobody asked it to; its pool is broken."""


class ObservedPool(standard_pool.Pool):
    """The standard pool, which does not wait for what a dead worker can no longer give."""

    _state = standard_pool.INIT  # its end asks for this, though an interrupt came before all else

    def __init__(self, *args, context, watcher):
        self._watcher = watcher
        self._recorder = watcher.recorder
        self._error = None
        self._submitted = set()
        self._complete = threading.Event()
        self._maker = threading.get_ident()
        self._ending = threading.RLock()  # held until the end is complete
        with put_off_interrupts() as interrupts:
            try:
                super().__init__(*args, context=context)
                watcher.keep_watch()  # only now, so that no worker's start waits for a thread's
                watcher.stop_mark.check()
                interrupts.deliver()
            except BaseException:
                self._abandon()
                raise
            finally:
                self._complete.set()

    def _abandon(self):
        """End what there is of a pool whose making has failed. The standard library would not."""
        if self._state == standard_pool.RUN:
            self._end()
        elif hasattr(self, "_cache"):  # the last of what a first worker needs
            self._terminate_pool(
                self._taskqueue,
                self._inqueue,
                self._outqueue,
                self._pool,
                self._change_notifier,
                *(getattr(self, name, threading.Thread()) for name in _HANDLERS),
                self._cache,
            )
        if hasattr(self, "_inqueue"):
            self._watcher.end_workers(self._inqueue)

    # When tasks were submitted and their results received

    def _setup_queues(self):
        super()._setup_queues()
        self._watcher.add_pool(self, tasks=self._inqueue)
        put, get = self._quick_put, self._quick_get
        record, submitted = self._recorder.record, self._submitted
        pool = weakref.ref(self)  # the pool's threads keep what follows, but must not keep the pool

        def quick_put(task):
            if task is not None and task[0] not in submitted:  # from imap, which submits now
                record(events.SUBMITTED, single=1, job=task[0], item=task[1])
            with_ordinary_error(put, task)

        def quick_get():
            try:
                task = get()
            except BaseException as error:
                _fail_unless_ending(pool(), error)
                raise EOFError from None  # which ends the thread that receives
            if task is not None:
                record(events.RECEIVED, job=task[0], item=task[1])
            return task

        self._quick_put, self._quick_get = quick_put, quick_get

    def apply_async(self, func, args=(), kwds=None, callback=None, error_callback=None):
        callbacks = self._guarded(callback, error_callback)
        return self._submit(super().apply_async, func, args, kwds or {}, *callbacks)

    def _map_async(self, func, iterable, mapper, chunksize=None, *callbacks, **named_callbacks):
        iterable = list(iterable)  # here, where an error of it is raised
        if chunksize is None:
            # The standard library's rule, except that it counts the workers that are alive: in a
            # moment when all have died, it would divide by zero.
            chunksize = ceil(len(iterable) / (self._processes * 4))
        callbacks = self._guarded(*callbacks, **named_callbacks)
        return self._submit(super()._map_async, func, iterable, mapper, chunksize, *callbacks)

    def _guarded(self, callback=None, error_callback=None):
        return guarded(callback, self._cache), guarded(error_callback, self._cache)

    def _submit(self, submit, func, *args):
        check_reaches_child(func, self._watcher.method)
        now = time.perf_counter_ns()
        result = submit(func, *args)
        refuse_endless_wait(result)
        self._submitted.add(result._job)
        self._recorder.record(events.SUBMITTED, single=0, job=result._job, item=0, at=now)
        if self._is_ending():  # meanwhile
            self._fail_pending()
        return result

    def imap(self, func, *args, **kwargs):
        return self._iterate(super().imap, func, *args, **kwargs)

    def imap_unordered(self, func, *args, **kwargs):
        return self._iterate(super().imap_unordered, func, *args, **kwargs)

    def _iterate(self, submit, func, *args, **kwargs):
        check_reaches_child(func, self._watcher.method)
        check_may_wait(self._cache)
        results = submit(func, *args, **kwargs)
        if self._is_ending():
            self._fail_pending()
        return results

    def _guarded_task_generation(self, job, func, iterable):
        return super()._guarded_task_generation(job, func, with_ordinary_errors(iterable))

    # When a worker dies

    def _check_running(self):
        if self._error is not None:
            raise self._error
        self._watcher.stop_mark.check()
        super()._check_running()

    def is_complete(self) -> bool:
        """Tell whether the pool has been made: all its first workers were started."""
        return self._complete.is_set()

    def is_being_made_here(self) -> bool:
        """Tell whether the pool is being made, and by this thread: an error would be raised there.

        The pool's own thread may replace a first worker meanwhile, and must not end by an error.
        """
        return not self._complete.is_set() and threading.get_ident() == self._maker

    def worker_ended(self, worker, lane: int) -> None:
        """Fail the pool unless this worker was meant to end. The watcher calls this.

        Args:
            worker: the process, which has ended.
            lane: its number on the chart.
        """
        self._complete.wait()
        is_at_work = self._state in (standard_pool.RUN, standard_pool.CLOSE)
        if is_at_work and not self._was_meant_to_end(worker):
            error = WorkerDied(_account_of(worker, lane, self._recorder.folder))
            self.fail(Stopped() if self._watcher.stop_mark.is_set() else error)

    def _was_meant_to_end(self, worker):
        if self._worker_handler._state == standard_pool.TERMINATE:
            return True
        from helpers.logs.segments import read_log_of

        log = read_log_of(self._recorder.folder, worker.pid)
        if log is None or log.lost_events:  # then what we know here has to do
            return worker.exitcode == 0 and self._may_have_told_a_worker_to_end()
        return len(log.places_of(events.DONE)) > 0

    def _may_have_told_a_worker_to_end(self):
        told_all = self._state == standard_pool.CLOSE and not self._cache
        return told_all or self._maxtasksperchild is not None

    def fail(self, error: Exception) -> None:
        """Fail everything that is pending, now and for ever, and end the pool.

        A pool that is still being made is left alone: it asks before each start whether all was
        stopped, and the stop ends its workers.

        Args:
            error: what every pending result will raise.
        """
        made = self._complete.wait(PATIENCE)
        if not made or self._state == standard_pool.INIT:
            return
        if self._error is None:
            self._error = error
            self._fail_pending()
        self._end()

    def _fail_pending(self):
        pending = [self._cache.pop(job, None) for job in list(self._cache)]
        terminated = RuntimeError("the pool was terminated before this result was there")
        fail_all(
            [result for result in pending if result is not None],
            self._error or terminated,
            call_back=self._error is not None,
        )

    def _is_ending(self):
        return self._error is not None or self._state == standard_pool.TERMINATE

    def join(self):
        check_may_wait(self._cache)
        if self._state == standard_pool.CLOSE:
            for thread in (self._worker_handler, self._task_handler, self._result_handler):
                while thread.is_alive() and not self._is_ending():
                    thread.join(POLL)  # not for ever: a callback may keep the thread
        if self._is_ending():
            self.terminate()
        else:
            super().join()

    def terminate(self):
        in_spite_of_interrupts(self._end)

    def _end(self):
        """End the pool. Return only when it has ended, even if another thread is ending it."""
        with self._ending:
            super().terminate()
        self._fail_pending()

    @classmethod
    def _terminate_pool(
        cls,
        taskqueue,
        inqueue,
        outqueue,
        pool,
        change_notifier,
        worker_handler,
        task_handler,
        result_handler,
        cache,
    ):
        """End the workers, then the pool's three threads.

        The standard library sends the workers a last message, and waits for ever if one of them
        died holding a lock or in the middle of a message. Here the workers are ended first. Then
        whatever they held is freed, and the threads that wait at the pipes are cut off.
        """
        for thread in (worker_handler, task_handler, result_handler):
            thread._state = standard_pool.TERMINATE
        change_notifier.put(None)
        _join(worker_handler)  # so that no worker is replaced
        end(list(pool), PATIENCE)
        for lock in (inqueue._rlock, outqueue._wlock):
            if lock is not None:
                free(lock, POLL)
        _put_if_there_is_room(outqueue)
        inqueue._reader.close()
        outqueue._writer.close()
        _join(task_handler)
        _join(result_handler)
        end(list(pool), PATIENCE)  # workers that were still being started


def _fail_unless_ending(pool, error):
    """Fail a pool that has received a result which cannot be unpickled.

    Whose result it was is in that pickle, too, so everything pending fails. The standard library
    would leave all of it pending for ever.
    """
    if pool is not None and threading.current_thread()._state != standard_pool.TERMINATE:
        pool.fail(
            pickle.UnpicklingError(
                f"what a worker sent back cannot be rebuilt here: {type(error).__name__}: {error}"
            )
        )


def _put_if_there_is_room(queue):
    """Put a last message for the thread that reads the results, if that can be done at once.

    Where the pipe is full, the thread is not waiting: it has left, or has something to read before
    it finds the pipe closed. A put would wait for ever.
    """
    if sys.platform != "win32":
        room = select.poll()
        room.register(queue._writer, select.POLLOUT)
        if not room.poll(0):
            return
    with contextlib.suppress(OSError):
        queue.put(None)


def _join(thread):
    if thread.is_alive() and threading.current_thread() is not thread:
        thread.join(1.0)


def _account_of(worker, lane, folder):
    """Say in one sentence which worker ended, how, and what it was doing."""
    from helpers.logs.reader import read_timeline

    timeline = read_timeline(folder)
    code = worker.exitcode
    last_words = _last_words(timeline, worker.pid) if (code or 0) >= 0 else ""
    return (
        f"worker {lane} (pid {worker.pid}) {_how_it_ended(code)} "
        f"{_what_it_was_doing(timeline, worker.pid)}{last_words}"
    )


def _what_it_was_doing(timeline, pid):
    tasks = [task for task in timeline.tasks if task.pid == pid]
    if tasks and _ended_its_worker(tasks[-1]):
        return f"while doing {tasks[-1].call}"
    known = [process for process in timeline.processes if process.pid == pid]
    return "while idle" if known and not isnan(known[-1].ready) else "while starting"


def _ended_its_worker(task):
    """Tell whether the last task of a worker that has died was its end.

    A worker sends back any `Exception` that a task raises. What is none, such as `SystemExit` or
    `asyncio.CancelledError`, ends the worker, and nothing is received.
    """
    raised = task.outcome.startswith(("raised", "exited"))
    return task.outcome in ("lost", "running") or (raised and isnan(task.received))


def _last_words(timeline, pid):
    lines = [line.text for line in timeline.lines if line.pid == pid and line.stream == "stderr"]
    return f"; its last words: {lines[-1].strip()}" if lines else ""


def _how_it_ended(code):
    if code is None:
        return "ended, unknown how,"  # somebody else has waited for it
    if code < 0:
        return f"was killed by signal {-code} ({_signal_name(-code)})"
    return f"ended with exit code {code}"


def _signal_name(number):
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return "unknown here"
