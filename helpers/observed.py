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

Standard library only: a child that is given a context imports this file.
"""

import contextlib
import itertools
import multiprocessing
import os
import sys
import threading
import time
import traceback
import warnings
import weakref
from math import isnan
from multiprocessing import connection, util

from helpers.child import events
from helpers.child.queues import JoinableQueue, Queue
from helpers.child.recorder import LONGEST_TEXT, current_recorder, recorder_for
from helpers.parent import checks, folders, tracker
from helpers.parent.checks import check_reaches_child, check_workers, say_what_was_edited
from helpers.parent.pools import ObservedPool, WorkerDied
from helpers.parent.processes import (
    PATIENCE,
    POLL,
    ObservedProcess,
    Stopped,
    end,
    in_spite_of_interrupts,
)

__all__ = ["ObservedContext", "Stopped", "WorkerDied", "get_context"]

LONGEST_GOODBYE = 2.0
"""Seconds that the children of our children have to notice that their parent was ended."""


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
    say_what_was_edited()
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
        self._sweep_is_due = False
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
                above = current_recorder()  # in a child, we add to the experiment of our parent
                folder = above.folder if above else folders.make_folder(owner=self)
                self._recorder_here = recorder = recorder_for(folder)
                if not above:
                    # What is registered later is called first, and so before the folder goes.
                    weakref.finalize(self, recorder.let_go)
                    self._sweep_is_due = True
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
        from helpers.child import locks as sharing  # here, since most experiments need none

        return sharing.Lock(ctx=self)

    def RLock(self):
        """A real lock, see `multiprocessing.RLock`; who waits for it is in the timeline."""
        if _asked_by_the_library():
            return super().RLock()
        from helpers.child import locks as sharing

        return sharing.RLock(ctx=self)

    def Value(self, typecode_or_type, *args, lock=True):
        """A real shared value, see `multiprocessing.Value`; reads and writes of a number are in
        the timeline."""
        from helpers.child import locks as sharing

        return sharing.value_of(typecode_or_type, *args, lock=lock, ctx=self)

    def timeline(self):
        """What has happened so far, as a `Timeline`. It may be asked for while it happens."""
        from helpers.logs.reader import (
            Reader,  # here, since children need neither it nor numpy
        )

        if self._last_timeline is not None:
            return self._last_timeline
        over = not [child for child in list(self._watched) if child._notice() is None]
        with self._reading:  # what was read for the last snapshot is not read again
            reader = self._reader or Reader(self._recorder.folder)
            self._reader = None if over else reader  # of a run that is over, nothing need be kept
            timeline, unwritten = reader.timeline(last=over), reader.unwritten
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
        in_spite_of_interrupts(self._end_everything)

    def _end_everything(self):
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        for pool in list(self._pools):
            pool._break(Stopped())
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
        if len(alive) < checks.MOST_WORKERS:
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
            role = events.ROLES.index(child._role)
            method = events.METHODS.index(self._name)
            name = child.name.encode("utf-8", "replace")[:LONGEST_TEXT]
            self._recorder.record(
                events.ASKED,
                role=role,
                pid=child.pid,
                lane=child._lane,
                method=method,
                text=name,
                at=asked,
            )
            self._watched.append(child)
        if not child._is_first_of_pool():  # else its pool asks for it, once all have been started
            self._keep_watch()
        if self._stopped and (child._pool is None or child._is_first_of_pool()):  # meanwhile
            end([child], PATIENCE)
            if child._role != "worker":  # an executor's own thread must not end by our error
                self._check_running()

    def _keep_watch(self):
        """Have a thread watch over all processes that we have started, unless one does."""
        with self._lock:
            if self._watched and self._watcher is None:
                watcher = threading.Thread(target=self._watch, name="process watcher", daemon=True)
                watcher.start()  # it waits for our lock
                self._watcher = watcher

    def _note_thread(self, name, number, asked):
        """Record a thread of ours that has just begun; `number` is the system's name for it."""
        with self._lock:
            self._lanes.append(None)
            role, lane = events.ROLES.index("thread"), len(self._lanes)
            self._recorder.record(
                events.ASKED,
                role=role,
                pid=number,
                lane=lane,
                method=0,
                text=name.encode("utf-8", "replace"),
                at=asked,
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
        if self._sweep_is_due:  # here, where no start has to wait for it
            self._sweep_is_due = False
            with contextlib.suppress(RuntimeError):  # no thread left: the next experiment sweeps
                threading.Thread(target=folders.sweep, name="folder sweeper", daemon=True).start()
        while True:
            with self._lock:
                self._watched = [child for child in self._watched if not child._seen_off]
                children = list(self._watched)
                if not children:
                    self._watcher = None
                    return
            try:
                ready = connection.wait([child.sentinel for child in children], POLL)
            except (OSError, ValueError):  # one was closed in between, or Windows has too many
                time.sleep(POLL)
                ready = []
            ended = [child for child in children if child._has_ended(ready)]
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


_CONTEXTS = {}
for _method in multiprocessing.get_all_start_methods():
    _standard = type(multiprocessing.get_context(_method))
    _CONTEXTS[_method] = type(f"Observed{_standard.__name__}", (ObservedContext, _standard), {})
