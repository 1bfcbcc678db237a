"""The watcher of an experiment: it owns the processes, notes their starts and ends, and stops them.

One context has one watcher, and hands it to everything that it makes: processes, pools, queues,
locks and threads know the watcher, and not the context or each other. What they ask of it:

    recorder                the recorder of this process
    stop_mark               whether all was stopped, and waits that a stop can end
    register(kind)          a number for a queue, a lock, a value and so on
    check_may_start(...)    before a process is started
    starting(...)           owns a process while it starts, and notes its start
    start_has_failed(...)   ends those that a failed start would leave behind
    note_end(...)           notes its end
    note_thread(...)        notes the start of a thread
    add_pool(...)           a pool that is told of its workers' ends
    keep_watch()            has a thread notice every end as soon as it comes
    end_workers(...)        ends and forgets the workers of one pool
    all_have_ended()        whether all processes have
    stop()                  ends them

Standard library only.
"""

import contextlib
import itertools
import multiprocessing
import threading
import time
import traceback
import weakref
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing import connection, util

from helpers.child import events
from helpers.child.recorder import LONGEST_TEXT, Recorder, current_recorder, recorder_for
from helpers.child.registration import Registration
from helpers.parent import checks, folders
from helpers.parent.lanes import Lanes
from helpers.parent.processes import end, has_ended, was_reaped_by_others
from helpers.parent.stop_mark import StopMark, Stopped
from helpers.parent.waits import PATIENCE, POLL


class Watched:
    """A process that the watcher owns, with what is known of it beyond the process itself."""

    def __init__(self, process, role, tasks, pool):
        self.process = process
        self.role = role  # one of `ROLES`
        # Weak references, since a pool may be forgotten: to the queue that its workers share, and
        # to the pool itself.
        self.tasks = None if tasks is None else weakref.ref(tasks)
        self.pool = _no_pool if pool is None else weakref.ref(pool)
        self.lane = 0
        self.start_is_noted = False
        self.end_is_noted = False


def _no_pool():
    """Stand for the weak reference of a process that belongs to no observed pool."""


class Watcher:
    """The owner of one context's processes, known to its pools, queues, locks and threads.

    Args:
        method: the start method of the context, such as 'spawn'.
    """

    def __init__(self, method: str):
        self.method = method
        self.stop_mark = StopMark()
        self._own_recorder = None
        self._sweep_is_due = False
        self._numbers = defaultdict(lambda: itertools.count(1))  # of each kind of object
        self._start_afresh()
        util.register_after_fork(self, Watcher._start_afresh)

    def _start_afresh(self):
        """Begin without a process; also after a fork, since the parent's processes are not ours."""
        self._lock = threading.RLock()
        self._watched = {}  # by the process's id: a student's class may compare as it likes
        self._thread = None
        self._notes_ends_at_exit = False
        self._lanes = Lanes()
        self._pools = weakref.WeakValueDictionary()  # by the id of the queue with their tasks

    # The log

    @property
    def recorder(self) -> Recorder:
        """The recorder of this process. The experiment's folder is made when it is first needed."""
        with self._lock:
            if self._own_recorder is None:
                self._own_recorder = self._begin_recording()
            return self._own_recorder

    def _begin_recording(self):
        above = current_recorder()
        if above:  # in a child, we add to the experiment of our parent
            return recorder_for(above.folder)
        recorder = recorder_for(folders.make_folder(owner=self))
        # What is registered later is called first, and so before the folder goes.
        weakref.finalize(self, recorder.let_go)
        self._sweep_is_due = True
        return recorder

    def register(self, kind: str) -> Registration:
        """Return the registration of a new object, such as a 'queue', with this experiment."""
        number = next(self._numbers[kind])
        return Registration(kind, number, lambda: self.recorder, self.stop_mark.slices)

    # Processes

    def check_may_start(self, role: str, tasks) -> None:
        """Refuse to start a process after a stop, or one too many, such as of a million.

        Args:
            role: what the process is there for, one of `ROLES`.
            tasks: of a worker, the queue out of which it takes its tasks.

        Raises:
            Stopped: if the experiment was stopped. Not for a worker that a thread of the standard
                library asks for: the thread must not end by our error.
            ValueError: if too many processes are alive.
        """
        pool = self._pools.get(id(tasks))
        if role != "worker" or (pool is not None and pool.is_being_made_here()):
            self.stop_mark.check()
        alive = [watched for watched in self._all_watched() if not watched.end_is_noted]
        if len(alive) >= checks.MOST_PROCESSES:
            raise ValueError(
                f"{len(alive)} processes of this experiment are alive, and no more are started"
            )

    @contextlib.contextmanager
    def starting(self, process, role: str, tasks) -> Iterator[None]:
        """Own a process while it is started, and note its start; to be used in a `with`.

        The process is owned before it exists. So a stop ends it even if an interrupt comes before
        its start is noted.

        Args:
            process: the process that the `with` block starts.
            role: what it is there for, one of `ROLES`.
            tasks: of a worker, the queue out of which it takes its tasks.

        Raises:
            Stopped: if the experiment was stopped meanwhile. The process has ended then.
        """
        watched = Watched(process, role, tasks, self._pools.get(id(tasks)))
        if role == "worker" and watched.pool() is None:
            from helpers.parent import executors  # here, since most experiments need none

            executors.observe(tasks, watcher=self)
        with self._lock:
            self._watched[id(process)] = watched
            self._note_ends_at_exit()
        asked = time.perf_counter_ns()
        try:
            yield
        finally:
            if process.pid is None:  # its start has failed
                self._forget(watched)
            else:
                self._note_start(watched, asked)
                if not _is_being_made(watched.pool()):  # else its pool asks for it when it is made
                    with contextlib.suppress(RuntimeError):  # no thread is left: it goes unwatched
                        self.keep_watch()
        pool = watched.pool()
        if self.stop_mark.is_set() and (pool is None or _is_being_made(pool)):
            end([process], PATIENCE)
            if role != "worker":  # a thread of an executor must not end by our error
                self.stop_mark.check()

    def _note_start(self, watched, asked):
        process = watched.process
        role, method = events.ROLES.index(watched.role), events.METHODS.index(self.method)
        name = process.name.encode("utf-8", "replace")[:LONGEST_TEXT]
        with self._lock:
            self._watched[id(process)] = watched  # again: it may have ended and been forgotten
            if watched.role == "manager":
                watched.lane = self._lanes.for_manager()
            else:
                watched.lane = self._lanes.take(team=watched.tasks)
            self.recorder.record(
                events.ASKED,
                role=role,
                pid=process.pid,
                lane=watched.lane,
                method=method,
                text=name,
                at=asked,
            )
            watched.start_is_noted = True

    def start_has_failed(self, tasks, error: BaseException) -> None:
        """End the workers that the failed start of another one would leave behind.

        Neither a pool that is still being made nor an executor would end them. A pool that has been
        made would wait for the replacement for ever, and so it fails.

        Args:
            tasks: of a worker, the queue out of which it would have taken its tasks, else None.
            error: why the start has failed.
        """
        if tasks is None:
            return
        pool = self._pools.get(id(tasks))
        if pool is None or _is_being_made(pool):
            self.end_workers(tasks)
        else:
            reason = f"{type(error).__name__}: {error}"
            pool.fail(RuntimeError(f"a worker could not be replaced by a new one: {reason}"))

    def end_workers(self, tasks) -> None:
        """End all workers that take their tasks out of one queue, and forget them."""
        workers = [watched for watched in self._all_watched() if _shares(watched, tasks)]
        end([watched.process for watched in workers], PATIENCE)
        for watched in workers:
            if has_ended(watched.process):
                self._forget(watched)

    def note_end(self, process, code: int) -> None:
        """Record the end of a process, the first time that anybody notices it.

        Args:
            process: any process. Those that this watcher does not own are left alone.
            code: its exit code.
        """
        with self._lock:
            watched = self._watched.get(id(process))
            if watched is None or watched.end_is_noted or not watched.start_is_noted:
                return
            watched.end_is_noted = True
            if watched.role == "worker":  # its lane goes on with the worker that replaces it
                self._lanes.free(watched.lane, team=watched.tasks)
            self.recorder.record(events.ENDED, pid=process.pid, exitcode=code & 0xFFFFFFFF)

    def forget(self, process) -> None:
        """Own a process no longer, which was closed; that of a pool is still told to its pool."""
        with self._lock:
            watched = self._watched.get(id(process))
            if watched is not None and watched.pool() is None:
                del self._watched[id(process)]

    def all_have_ended(self) -> bool:
        """Tell whether every process has ended that was ever started here; each end is noted."""
        ended = [has_ended(watched.process) for watched in self._all_watched()]
        return all(ended)

    def note_thread(self, name: str, number: int, asked: int) -> None:
        """Record a thread that has just begun, and give it a lane.

        Args:
            name: what the chart calls it.
            number: the system's name for it, which stands where a process has its pid.
            asked: when it was asked for, in ns.
        """
        with self._lock:
            self.recorder.record(
                events.ASKED,
                role=events.ROLES.index("thread"),
                pid=number,
                lane=self._lanes.take(),
                method=0,
                text=name.encode("utf-8", "replace"),
                at=asked,
            )

    def _note_ends_at_exit(self):
        """Let a child note its own children's ends when it leaves: afterwards nobody can.

        By then, Python has waited for them.
        """
        if not self._notes_ends_at_exit and multiprocessing.parent_process() is not None:
            self._notes_ends_at_exit = True
            util.Finalize(None, self.all_have_ended, exitpriority=-1)

    def _all_watched(self):
        with self._lock:
            return list(self._watched.values())

    def _forget(self, watched):
        with self._lock:
            self._watched.pop(id(watched.process), None)

    def stop(self) -> bool:
        """End all processes and fail what is pending in pools; False if that was done before."""
        with self._lock:
            if self.stop_mark.is_set():
                return False
            self.stop_mark.set()
        for pool in list(self._pools.values()):
            pool.fail(Stopped())
        end([watched.process for watched in self._all_watched()], PATIENCE)
        return True

    # Pools, and the thread that keeps watch

    def add_pool(self, pool, tasks) -> None:
        """Tell a pool, from now on, when one of its workers has ended or all is stopped.

        Args:
            pool: has the methods `is_complete()`, `is_being_made_here()`, `fail(error)` and
                `worker_ended(worker, lane)`. It may be forgotten: the watcher does not keep it.
            tasks: the queue out of which its workers take their tasks.
        """
        self._pools[id(tasks)] = pool

    def keep_watch(self) -> None:
        """Have a thread watch over all processes that were started, unless one does.

        Raises:
            RuntimeError: if the system has no thread left.
        """
        with self._lock:
            if self._watched and self._thread is None:
                thread = threading.Thread(target=self._watch, name="process watcher", daemon=True)
                thread.start()  # it waits for our lock
                self._thread = thread

    def _watch(self):
        """Forget every process as soon as it ends, and tell its pool; the thread calls this."""
        if self._sweep_is_due:  # here, where no start has to wait for it
            self._sweep_is_due = False
            with contextlib.suppress(RuntimeError):  # no thread left: the next experiment sweeps
                threading.Thread(target=folders.sweep, name="folder sweeper", daemon=True).start()
        while True:
            with self._lock:
                if not self._watched:
                    self._thread = None
                    return
            if not self._forget_all_ended():
                time.sleep(POLL / 5)  # a sentinel may be ready long before its process has ended

    def _forget_all_ended(self):
        """Wait a moment, forget the processes that have ended, and tell how many these were."""
        ended = self._wait_for_ends()
        for watched in ended:
            self._forget_ended(watched)
        return len(ended)

    def _wait_for_ends(self):
        """Wait a moment, and return the processes that have ended.

        While we wait, we hold no process: one that is closed and deleted meanwhile has to go.
        """
        sentinels = self._sentinels()
        try:
            ready = connection.wait(list(sentinels.values()), POLL)
        except (OSError, ValueError):  # one was closed in between, or Windows has too many
            time.sleep(POLL)
            ready = []
        return [
            watched
            for key, watched in self._items()
            if has_ended(watched.process)
            or (sentinels.get(key) in ready and was_reaped_by_others(watched.process))
        ]

    def _sentinels(self):
        """Return the sentinel of each process that runs, by the key of `_watched`."""
        found = {}
        for key, watched in self._items():
            with contextlib.suppress(ValueError):  # not started yet, or closed already
                found[key] = watched.process.sentinel
        return found

    def _items(self):
        with self._lock:
            return list(self._watched.items())

    def _forget_ended(self, watched):
        """Forget a process that has ended, and tell its pool."""
        self._forget(watched)
        with contextlib.suppress(ValueError):  # closed already
            watched.process.join(0)  # else the standard library keeps it, and so us and our logs
        pool = watched.pool()
        if pool is not None:
            try:
                pool.worker_ended(watched.process, watched.lane)
            except Exception:  # the thread must go on to watch the other processes
                traceback.print_exc()


def _is_being_made(pool):
    """Tell whether a process with this pool is one of its first workers."""
    return pool is not None and not pool.is_complete()


def _shares(watched, tasks):
    """Tell whether a process takes its tasks out of this queue."""
    return watched.tasks is not None and watched.tasks() is tasks
