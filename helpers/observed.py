"""`get_context`: multiprocessing as you know it, with the flight recorder aboard.

    from helpers.observed import get_context

    mp = get_context()              # one context = one experiment
    with mp.Pool(4) as pool:
        pool.map(long_time_task, range(5))
    mp.timeline()                   # what happened, as data

What you get is a context of the standard library whose `Process`, `Pool` and `Queue` are the
real ones. The differences, all of them: without a name the start method is the course's default;
a worker that ends unasked fails the pending results with `WorkerDied` instead of leaving them
pending for ever; `stop()` ends everything that the context started; what children print goes
into their logs, and from there to `output()`.

Only the standard library is imported here, because every child imports this file.
"""

import contextlib
import functools
import importlib
import itertools
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref
from math import ceil, isnan
from multiprocessing import connection, queues, spawn, util
from multiprocessing import pool as standard_pool

from helpers import aboard, flight, folders, tracker

MOST_WORKERS = 60 if sys.platform == "win32" else 1000
"""More workers than this, or more processes alive in one experiment, are refused.

Windows can wait for about sixty processes at once.
"""

POLL = 0.05
"""Seconds between two looks at what may have changed."""
PATIENCE = 0.2
"""Seconds that a process has between the request to end and its killing."""
LONGEST_GOODBYE = 2.0
"""Seconds that the children of our children have to notice that their parent was ended."""
LONGEST_HOLD = 1.0
"""Seconds that a thread holds a result's lock, at most, even if it has to wait for a core."""
LONGEST_DEATH = 5.0
"""Seconds that we wait for a killed process: the system may keep it, until a disk answers."""


class WorkerDied(RuntimeError):
    """A worker ended although nobody asked it to; its pool is broken."""


class Stopped(RuntimeError):
    """The experiment was stopped by `stop()`."""


def _stopped_by_request():
    return Stopped("the experiment was stopped")


def get_context(method: str | None = None) -> "ObservedContext":
    """A multiprocessing context that records what its processes do.

    method: 'spawn', 'fork' or 'forkserver'. Without it, the course's default: what the
    environment variable START_METHOD names, else 'spawn', the one that every system has.

    Raises ValueError for a start method that does not exist on this system.
    """
    wanted = os.environ.get("START_METHOD") or "spawn" if method is None else method
    available = sorted(multiprocessing.get_all_start_methods())
    if wanted not in available:
        source = " (from the environment variable START_METHOD)" if method is None else ""
        raise ValueError(
            f"there is no start method {wanted!r}{source} here; "
            f"choose one of {', '.join(available)}"
        )
    _say_what_was_edited()
    if wanted != "fork":
        tracker.start_apart()
    return _CONTEXTS[wanted]()


class ObservedContext:
    """What an observed context has beyond the standard one; `get_context` makes it."""

    label = "mp"  # what a chart calls it where it is an argument of a call

    def __init__(self):
        standard = type(self).Process
        self.Process = type(standard.__name__, (ObservedProcess, standard), {"_context": self})
        self._recorder_here = None
        self._stopped = False
        self._last_timeline = None
        self._told_incomplete = False
        self._queue_numbers = itertools.count(1)
        self._lock_numbers = itertools.count(1)
        self._value_numbers = itertools.count(1)
        self._start_afresh()
        util.register_after_fork(self, ObservedContext._start_afresh)

    def _start_afresh(self):
        """No process of ours yet. After a fork too: the parent's processes are not ours."""
        self._lock = threading.RLock()
        self._watched = []
        self._watcher = None
        self._lanes = []  # for each lane the group of the worker that has ended there, or None
        self._managers = 0
        self._pools = weakref.WeakSet()
        self._reader = None
        self._reading = threading.Lock()

    def __reduce__(self):
        return get_context, (self._name,)

    @property
    def _recorder(self):
        """This process's recorder. The experiment's folder is made when it is first needed."""
        with self._lock:
            if self._recorder_here is None:
                above = flight.here()  # in a child, we add to the experiment of our parent
                folder = above.folder if above else folders.make_folder(owner=self)
                self._recorder_here = flight.recorder_for(folder)
        return self._recorder_here

    def get_context(self, method=None):
        """This context, or an observed one for another start method."""
        return self if method is None else get_context(method)

    def Pool(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None):
        """A real pool, see `multiprocessing.Pool`."""
        self._check_running()
        if processes is not None:
            check_workers(processes)
        if initializer is not None and self._name != "fork":
            check_reaches_child(initializer, self._name)
        return ObservedPool(processes, initializer, initargs, maxtasksperchild, context=self)

    def Queue(self, maxsize=0):
        """A real queue, see `multiprocessing.Queue`; its messages are in the timeline."""
        return Queue(maxsize, ctx=self)

    def JoinableQueue(self, maxsize=0):
        """A real queue, see `multiprocessing.JoinableQueue`; its messages are in the timeline."""
        return JoinableQueue(maxsize, ctx=self)

    def Lock(self):
        """A real lock, see `multiprocessing.Lock`; who waits for it is in the timeline."""
        if _asked_by_the_library():
            return super().Lock()
        from helpers import sharing  # here, since most experiments need none

        return sharing.Lock(ctx=self)

    def RLock(self):
        """A real lock, see `multiprocessing.RLock`; who waits for it is in the timeline."""
        if _asked_by_the_library():
            return super().RLock()
        from helpers import sharing

        return sharing.RLock(ctx=self)

    def Value(self, typecode_or_type, *args, lock=True):
        """A real shared value, see `multiprocessing.Value`; reads and writes of a number are in
        the timeline."""
        from helpers import sharing

        return sharing.value_of(typecode_or_type, *args, lock=lock, ctx=self)

    def timeline(self):
        """What has happened so far, as a `Timeline`. It may be asked for while it happens."""
        from helpers.logs import Reader  # here, since children need neither it nor numpy

        if self._last_timeline is not None:
            return self._last_timeline
        for child in list(self._watched):
            child._notice()
        with self._reading:  # what was read for the last snapshot is not read again
            reader = self._reader = self._reader or Reader(self._recorder.folder)
            timeline, unwritten = reader.timeline(), reader.unwritten
        self._say_if_incomplete(timeline, unwritten)
        return timeline

    def _say_if_incomplete(self, timeline, unwritten):
        """Warn, once, if the recorder could not write down everything."""
        recorder = self._recorder
        if self._told_incomplete or recorder.folder.startswith(os.devnull):  # that was told, too
            return
        silent = [one for one in timeline.processes if one.exitcode == 0 and isnan(one.born)]
        gone = not os.path.isdir(recorder.folder)
        if recorder.lost_events or gone or silent or unwritten:
            self._told_incomplete = True
            warnings.warn(
                "the timeline is incomplete, since the logs could not be written: "
                "the disk is full, or their folder is gone",
                stacklevel=3,
            )

    def output(self, by: str = "process", stream: str = "stdout") -> str:
        """What the children have printed so far.

        by: 'process', one after the other in the order in which they were started (the same
        text at every run), or 'time', as it happened. stream: 'stdout' or 'stderr'.

        Raises ValueError for anything else.
        """
        for given, allowed in ((by, ("process", "time")), (stream, ("stdout", "stderr"))):
            if given not in allowed:
                raise ValueError(f"{given!r} is not known here; choose one of {', '.join(allowed)}")
        timeline = self.timeline()
        lines = [line for line in timeline.lines if line.stream == stream]
        if by == "process":
            order = {child.pid: place for place, child in enumerate(timeline.processes)}
            lines.sort(key=lambda line: order.get(line.pid, len(order)))
        texts = [line.text for line in lines]
        if timeline.lost_text:
            texts.append(f"({timeline.lost_text:,} more bytes were printed and not kept)")
        return "\n".join(texts)

    def stop(self) -> None:
        """End everything that this context started. What is pending fails with `Stopped`."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        _in_spite_of_interrupts(self._end_everything)

    def _end_everything(self):
        for pool in list(self._pools):
            pool._break(_stopped_by_request())
        end(list(self._watched), PATIENCE)
        deadline = time.monotonic() + LONGEST_GOODBYE
        timeline = self.timeline()
        while timeline.alive and time.monotonic() < deadline:  # the children of our children
            time.sleep(POLL)
            timeline = self.timeline()
        self._last_timeline, self._reader = timeline, None

    def _check_running(self):
        if self._stopped:
            raise Stopped("this experiment was stopped; begin a new one with get_context()")

    def _check_room_for(self, child):
        """Raise ValueError rather than start one process too many, such as of a million."""
        alive = [one for one in self._watched if not one._noticed]
        if len(alive) < MOST_WORKERS:
            return
        if child._role == "worker" and child._pool is None:  # an executor would leave them behind
            end([one for one in alive if one._group == child._group], PATIENCE)
        raise ValueError(
            f"{len(alive)} processes of this experiment are alive, and no more are started"
        )

    def _note_start(self, child, asked):
        """Record a process that has just been started, and watch over it from now on."""
        with self._lock:
            child._lane = self._lane_for(child)
            role = flight.ROLES.index(child._role)
            method = flight.METHODS.index(self._name)
            name = child.name.encode("utf-8", "replace")[: flight.LONGEST_TEXT]
            self._recorder.record(
                flight.ASKED, role, child.pid, child._lane, method, name, at=asked
            )
            self._watched.append(child)
            if self._watcher is None:
                watcher = threading.Thread(target=self._watch, name="process watcher", daemon=True)
                watcher.start()  # it waits for our lock
                self._watcher = watcher
        if self._stopped and (child._pool is None or child._is_first_of_pool()):  # meanwhile
            end([child], PATIENCE)
            if child._role != "worker":  # an executor's own thread must not end by our error
                self._check_running()

    def _note_thread(self, name, number, asked):
        """Record a thread of ours that has just begun; `number` is the system's name for it."""
        with self._lock:
            self._lanes.append(None)
            role, lane = flight.ROLES.index("thread"), len(self._lanes)
            self._recorder.record(
                flight.ASKED, role, number, lane, text=name.encode("utf-8", "replace"), at=asked
            )

    def _lane_for(self, child):
        """The lane of a worker that has ended and that this one replaces, else the next one."""
        if child._role == "manager":
            self._managers += 1
            return self._managers
        for lane, freed_by in enumerate(self._lanes, 1):
            if child._group is not None and freed_by == child._group:
                self._lanes[lane - 1] = None
                return lane
        self._lanes.append(None)
        return len(self._lanes)

    def _free_lane(self, child):
        """The lane of a worker that has ended goes on with the one that replaces it."""
        if child._role == "worker" and child._lane:
            self._lanes[child._lane - 1] = child._group

    def _watch(self):
        """In a thread of its own: notice the end of every process as soon as it comes."""
        while True:
            with self._lock:
                self._watched = [child for child in self._watched if not child._seen_off]
                children = list(self._watched)
                if not children:
                    self._watcher = None
                    return
            try:
                connection.wait([child.sentinel for child in children], POLL)
            except (OSError, ValueError):  # one was closed in between, or Windows has too many
                time.sleep(POLL)
            ended = [child for child in children if child._notice() is not None]
            if not ended:
                time.sleep(POLL / 5)  # a sentinel may be ready long before its process has ended
            for child in ended:
                child._seen_off = True
                with contextlib.suppress(ValueError):  # closed already
                    child.join(0)  # else the standard library keeps it, and so us and our logs
                try:
                    child._tell_pool()
                except Exception:  # of the others we still want to know
                    traceback.print_exc()


def _asked_by_the_library():
    """Does the standard library want a lock for itself, in a queue or an event? That is its own."""
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return caller.partition(".")[0] in ("multiprocessing", "concurrent")


class ObservedProcess(aboard.ChildProcess):
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
        self._role = aboard.role_of(self._target)
        if self._role == "worker":
            self._group = weakref.ref(self._args[0])  # the queue that one pool's workers share

    def __reduce_ex__(self, protocol):
        if type(self) is not self._context.Process:
            return super().__reduce_ex__(protocol)  # a subclass can be found by its name
        state = {name: value for name, value in vars(self).items() if name not in self._IN_PARENT}
        return aboard.rebuild, (self._context._name, state)

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
            importlib.import_module("helpers.logs")
        self._folder = context._recorder.folder
        asked = time.perf_counter_ns()
        super().start()
        if context._name == "forkserver":
            tracker.see_off_fork_server()
        _one_poll_at_a_time(self._popen)
        context._note_start(self, asked)

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
                if _reaped_by_others(self.pid):
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
                    self._context._recorder.record(flight.ENDED, a=self.pid, b=code & 0xFFFFFFFF)
        return code

    def _tell_pool(self):
        pool = self._pool and self._pool()
        if pool is not None:
            pool._worker_ended(self)


def _reaped_by_others(pid):
    """Has somebody else waited for this child of ours? Then nobody will ever know its exit code."""
    if sys.platform == "win32":
        return False
    try:
        os.getpgid(pid)
    except ProcessLookupError:
        return True
    return False


def _one_poll_at_a_time(popen):
    """Let two threads ask for an exit code without one of them reading it away from the other.

    Through a weak reference, so that the pipes of a process are closed as soon as it is forgotten.
    """
    lock, poll, known = threading.Lock(), type(popen).poll, weakref.ref(popen)

    def locked_poll(*args, **kwargs):
        with lock:
            popen = known()
            return None if popen is None else poll(popen, *args, **kwargs)

    popen.poll = locked_poll


def _in_spite_of_interrupts(work) -> None:
    """Do a piece of tidying up to its end.

    An impatient second interrupt of the kernel breaks off our waiting, but not what we wait for:
    that is done in a thread of its own, which no signal reaches.
    """
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # there are no more threads to be had, or the interpreter is ending
        return work()
    thread.join()


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

    # When tasks were submitted and their results received

    def _setup_queues(self):
        super()._setup_queues()
        put, get = self._quick_put, self._quick_get
        record, submitted = self._recorder.record, self._submitted
        pool = weakref.ref(self)  # for what runs in the pool's threads: it may be forgotten

        def quick_put(task):
            if task is not None and task[0] not in submitted:  # one of imap's: its time is now
                record(flight.SUBMITTED, 1, task[0], task[1])
            put(task)

        def quick_get():
            try:
                task = get()
            except Exception as error:
                _cannot_be_rebuilt(pool(), error)
                raise EOFError from None  # which ends the thread that receives
            if task is not None:
                record(flight.RECEIVED, 0, task[0], task[1])
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
        self._recorder.record(flight.SUBMITTED, 0, result._job, at=now)
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
            self._break(_stopped_by_request() if self._ctx._stopped else obituary)

    def _was_meant_to_end(self, worker):
        if self._worker_handler._state == standard_pool.TERMINATE:
            return True
        from helpers.segments import read_log_of

        log = read_log_of(self._recorder.folder, worker.pid)
        if log is None or log.lost_events:  # nothing was recorded: the exit code has to do
            return worker.exitcode == 0
        return len(log.of(flight.DONE)) > 0

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
        _in_spite_of_interrupts(super().terminate)

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
    from helpers.logs import read_timeline

    timeline = read_timeline(folder)
    code = worker.exitcode
    how = (
        f"was killed by signal {-code} ({_signal_name(-code)})"
        if code < 0
        else f"ended with exit code {code}"
    )
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
    last_words = f"; its last words: {words[-1].strip()}" if words and code >= 0 else ""
    return f"worker {worker._lane} (pid {worker.pid}) {how} {doing}{last_words}"


def _signal_name(number):
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return "unknown here"


class _Messages:
    """What makes a queue observed: every message carries the pid and number of its sending."""

    _numbers = itertools.count(1)

    def __init__(self, maxsize=0, *, ctx):
        super().__init__(maxsize, ctx=ctx)
        self._number = next(ctx._queue_numbers)
        self._recorder = ctx._recorder
        self._watch_context(weakref.ref(ctx))

    @property
    def label(self):
        """What the timeline calls this queue."""
        return f"queue {self._number}"

    def _watch_context(self, context):
        self._context, self._home = context, os.getpid()

    def __getstate__(self):
        return super().__getstate__(), self._number, self._recorder.folder

    def __setstate__(self, state):
        standard, self._number, folder = state
        super().__setstate__(standard)
        self._recorder = flight.recorder_for(folder)
        self._watch_context(lambda: None)

    def put(self, obj, block=True, timeout=None):
        number, now = next(self._numbers), time.perf_counter_ns()
        self._wait(super().put, block, timeout, queue.Full, (os.getpid(), number, obj))
        self._recorder.record(
            flight.PUT, 0, number, self._number, text=aboard.message_text(obj), at=now
        )

    def get(self, block=True, timeout=None):
        sender, number, obj = self._wait(super().get, block, timeout, queue.Empty)
        self._recorder.record(flight.GOT, 0, number, self._number, sender)
        return obj

    def _wait(self, method, block, timeout, not_yet, *args):
        """Call `put` or `get`; in the parent, look again and again whether all was stopped."""
        context = self._context()
        if not block or context is None or self._home != os.getpid():
            return method(*args, block, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            context._check_running()
            wait = POLL if deadline is None else min(POLL, max(0, deadline - time.monotonic()))
            try:
                return method(*args, True, wait)
            except not_yet:
                if deadline is not None and time.monotonic() >= deadline:
                    raise


class Queue(_Messages, queues.Queue):
    """`multiprocessing.Queue`, observed."""


class JoinableQueue(_Messages, queues.JoinableQueue):
    """`multiprocessing.JoinableQueue`, observed."""


# Bad input is refused before anything starts


def check_workers(workers) -> None:
    """Refuse what is no sensible number of workers.

    Raises TypeError for what is no whole number, ValueError for too few or too many.
    """
    if isinstance(workers, bool) or not hasattr(type(workers), "__index__"):
        raise TypeError(f"the number of workers must be a whole number, not {workers!r}")
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"the number of workers must be from 1 to {MOST_WORKERS}, not {workers}")


def check_reaches_child(function, method: str) -> None:
    """Refuse a function that another process could not find by its name: raises PicklingError.

    Functions travel between processes as the name of their module and their own. A lambda and a
    function inside a function have no name to be found by; a function from a notebook cell has
    one in this process only.
    """
    function = getattr(function, "func", function)  # inside a functools.partial
    name = str(getattr(function, "__qualname__", ""))
    if "<lambda>" in name or "<locals>" in name:
        where = "is a lambda" if "<lambda>" in name else "is defined inside another function"
    elif (
        method != "fork"
        and getattr(function, "__module__", "") == "__main__"
        and not _main_is_a_file()
    ):
        where = "is defined in this notebook"
    else:
        return
    raise pickle.PicklingError(
        f"{name} {where}, where a child process cannot find it; "
        "move it to helpers/mine.py (or helpers/tasks.py) and import it from there"
    )


def _main_is_a_file():
    """Can a spawned child import our `__main__`? A script, yes; a notebook, no."""
    return any(key.startswith("init_main") for key in spawn.get_preparation_data("check"))


_seen = {}


def _say_what_was_edited():
    """Warn if a file of worker functions has changed since this process imported it."""
    for name in ("helpers.tasks", "helpers.mine"):
        module = sys.modules.get(name)
        if module is None:
            continue
        with contextlib.suppress(OSError):
            edited = os.stat(module.__file__).st_mtime_ns
            spec, imported = _seen.get(name, (None, 0))
            if spec is not module.__spec__:  # imported, or reloaded, since we last looked
                _seen[name] = module.__spec__, edited
            elif edited != imported:
                warnings.warn(
                    f"{name.replace('.', '/')}.py was edited after this kernel imported it: "
                    "fork would run the old code, spawn the new. "
                    f"Restart the kernel, or run importlib.reload({name}).",
                    stacklevel=3,
                )


_CONTEXTS = {}
for _method in multiprocessing.get_all_start_methods():
    _standard = type(multiprocessing.get_context(_method))
    _CONTEXTS[_method] = type(f"Observed{_standard.__name__}", (ObservedContext, _standard), {})
