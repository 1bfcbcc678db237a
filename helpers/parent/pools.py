"""The pool of an observed context: the real one, which does not wait for what cannot come.

A worker of the standard library's pool may die and leave its results pending for ever, and the
pool's end waiting for a lock that the dead one held. Here, who ends unasked fails what is pending.

Names of the standard library are leaned on that are not public: of `multiprocessing.pool.Pool`
the queues, the three threads and what is pending; a test holds that they are there. Standard
library only, until somebody dies: the obituary is read from the logs.
"""

import contextlib
import functools
import pickle
import signal
import threading
import time
import traceback
import weakref
from math import ceil
from multiprocessing import pool as standard_pool

from helpers.child import events
from helpers.parent.checks import check_reaches_child
from helpers.parent.processes import (
    PATIENCE,
    POLL,
    Stopped,
    end,
    in_spite_of_interrupts,
)

LONGEST_HOLD = 1.0
"""Seconds that a thread holds a result's lock, at most, even if it has to wait for a core."""


class WorkerDied(RuntimeError):
    """A worker ended although nobody asked it to; its pool is broken."""


class ObservedPool(standard_pool.Pool):
    """The standard pool, which does not wait for what a dead worker can no longer give."""

    def __init__(self, processes, initializer, initargs, maxtasksperchild, context):
        self._error = None
        self._submitted = set()
        self._complete = threading.Event()
        self._recorder = context._recorder
        self.Process = functools.partial(_worker_of, weakref.ref(self))
        context._pools.add(self)
        try:
            super().__init__(processes, initializer, initargs, maxtasksperchild, context)
        finally:
            self._complete.set()
            context._keep_watch()  # only now, so that no worker's start has to wait for a thread's

    # When tasks were submitted and their results received

    def _setup_queues(self):
        super()._setup_queues()
        put, get = self._quick_put, self._quick_get
        record, submitted = self._recorder.record, self._submitted
        pool = weakref.ref(self)  # for what runs in the pool's threads: it may be forgotten

        def quick_put(task):
            if task is not None and task[0] not in submitted:  # one of imap's: its time is now
                record(events.SUBMITTED, single=1, job=task[0], item=task[1])
            put(task)

        def quick_get():
            try:
                task = get()
            except Exception as error:
                _cannot_be_rebuilt(pool(), error)
                raise EOFError from None  # which ends the thread that receives
            if task is not None:
                record(events.RECEIVED, job=task[0], item=task[1])
            return task

        self._quick_put, self._quick_get = quick_put, quick_get

    def apply_async(self, func, *args, **kwargs):
        return self._submit(super().apply_async, func, *args, **kwargs)

    def _map_async(self, func, iterable, mapper, chunksize=None, *callbacks):
        if chunksize is None:
            # The standard library's rule, with the pool's size where it counts the workers alive:
            # in a moment when all have died there are none to divide by.
            iterable = list(iterable)
            chunksize = ceil(len(iterable) / (self._processes * 4))
        return self._submit(super()._map_async, func, iterable, mapper, chunksize, *callbacks)

    def _submit(self, submit, func, *args, **kwargs):
        check_reaches_child(func, self._ctx._name)
        now = time.perf_counter_ns()
        result = submit(func, *args, **kwargs)
        self._submitted.add(result._job)
        self._recorder.record(events.SUBMITTED, single=0, job=result._job, item=0, at=now)
        if self._error is not None:  # in the meantime
            self._fail_pending()
        return result

    def imap(self, func, *args, **kwargs):
        check_reaches_child(func, self._ctx._name)
        return super().imap(func, *args, **kwargs)

    def imap_unordered(self, func, *args, **kwargs):
        check_reaches_child(func, self._ctx._name)
        return super().imap_unordered(func, *args, **kwargs)

    # When a worker ends unasked

    def _check_running(self):
        if self._error is not None:
            raise self._error
        self._ctx._check_running()
        super()._check_running()

    def _worker_ended(self, worker):
        """A worker has ended: break the pool unless it was meant to."""
        self._complete.wait()
        if self._state in (standard_pool.RUN, standard_pool.CLOSE) and not self._was_meant_to_end(
            worker
        ):
            obituary = WorkerDied(_obituary(worker, self._recorder.folder))
            self._break(Stopped() if self._ctx._stopped else obituary)

    def _was_meant_to_end(self, worker):
        if self._worker_handler._state == standard_pool.TERMINATE:
            return True
        from helpers.logs.segments import read_log_of

        log = read_log_of(self._recorder.folder, worker.pid)
        if log is None or log.lost_events:  # nothing was recorded: the exit code has to do
            return worker.exitcode == 0
        return len(log.places_of(events.DONE)) > 0

    def _break(self, error):
        """Fail everything pending, now and for ever, and end the pool.

        A pool that is still being made is let be: it asks before each start whether all was
        stopped, and whoever stops it ends its workers.
        """
        made = self._complete.wait(PATIENCE)
        if not made or self._error is not None or self._state == standard_pool.INIT:
            return
        self._error = error
        self._fail_pending()
        super().terminate()
        self._fail_pending()  # what was submitted in the meantime

    def _fail_pending(self):
        for result in list(self._cache.values()):
            if isinstance(result, standard_pool.IMapIterator):
                _fail_iterator(result, self._error)
            else:
                _fail_result(result, self._error)
            self._cache.pop(result._job, None)

    def join(self):
        if self._error is None:
            super().join()

    def terminate(self):
        in_spite_of_interrupts(super().terminate)

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

        The standard library asks the workers first, and waits for ever for one that died holding
        a lock or in the middle of a message. Here they are ended first; then whatever they held
        is free, and the threads that wait at the pipes are cut off.
        """
        for thread in (worker_handler, task_handler, result_handler):
            thread._state = standard_pool.TERMINATE
        change_notifier.put(None)
        _join(worker_handler)  # so that nobody is replaced
        end(list(pool), PATIENCE)
        for lock in (inqueue._rlock, outqueue._wlock):
            if lock is not None:
                _free(lock, POLL)
        with contextlib.suppress(OSError):
            outqueue.put(None)
        inqueue._reader.close()
        outqueue._writer.close()
        _join(task_handler)
        _join(result_handler)
        end(list(pool), PATIENCE)  # workers that were still being started


def _worker_of(pool, context, *args, **kwargs):
    """A new worker that knows its pool, but does not keep it alive: it may be forgotten."""
    worker = context.Process(*args, **kwargs)
    worker._pool = pool
    return worker


def _cannot_be_rebuilt(pool, error):
    """A result came whose pickle is whole and cannot be undone, or there will be no more results.

    Whose result it was is in that pickle, too. So everything pending fails: the standard library
    would leave it pending for ever.
    """
    if pool is not None and threading.current_thread()._state != standard_pool.TERMINATE:
        pool._break(
            pickle.UnpicklingError(
                f"what a worker sent back cannot be rebuilt here: {type(error).__name__}: {error}"
            )
        )


def _fail_result(result, error):
    """Set the error, whatever the pool's own thread is doing to the same result just now."""
    _free(result._event._cond, LONGEST_HOLD)
    result._number_left = 1  # a map has failed when its last chunk has
    try:
        result._set(0, (False, error))
    except KeyError:
        pass  # the pool's own thread has just taken it off its list of what is pending
    except Exception:
        traceback.print_exc()  # from the user's own error_callback
    result._event.set()


def _fail_iterator(iterator, error):
    """Make the error the last item of what `imap` or `imap_unordered` returned."""
    _free(iterator._cond, LONGEST_HOLD)
    with iterator._cond:
        iterator._items.append((False, error))
        iterator._index += 1
        iterator._length = iterator._index
        iterator._cond.notify_all()


def _join(thread):
    if threading.current_thread() is not thread:
        thread.join(1.0)


def _free(lock, patience):
    """Free a lock that somebody may hold for ever: a dead process, or a thread that was interrupted
    just as it had taken it. Those who hold it rightly do so for less than `patience` seconds."""
    lock.acquire(timeout=patience)
    lock.release()


_LAST_OUTCOMES = "lost", "running", "raised SystemExit", "raised KeyboardInterrupt"
"""How a task ended with which its worker ended, too."""


def _obituary(worker, folder):
    """One sentence: which worker ended, how, and what it was doing."""
    from helpers.logs.reader import read_timeline

    timeline = read_timeline(folder)
    code = worker.exitcode
    calls = [
        task.call
        for task in timeline.tasks
        if task.pid == worker.pid and task.outcome.partition(":")[0] in _LAST_OUTCOMES
    ]
    known = [child for child in timeline.processes if child.pid == worker.pid]
    ready = known and known[-1].ready == known[-1].ready  # nan is not equal to itself
    doing = f"while doing {calls[-1]}" if calls else "while idle" if ready else "while starting"
    words = [
        line.text for line in timeline.lines if line.pid == worker.pid and line.stream == "stderr"
    ]
    last_words = f"; its last words: {words[-1].strip()}" if words and (code or 0) >= 0 else ""
    return f"worker {worker._lane} (pid {worker.pid}) {_how_it_ended(code)} {doing}{last_words}"


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
