"""`get_context`: multiprocessing as you know it, with a flight recorder in every process.

    from helpers.observed import get_context

    mp = get_context()              # one context = one experiment
    with mp.Pool(4) as pool:
        pool.map(long_time_task, range(5))
    mp.timeline()                   # what happened, as data

What you get is a context of the standard library whose `Process`, `Pool` and `Queue` are the
real ones. The differences, all of them: without a name, the start method is the course's default;
a worker that dies unexpectedly fails all pending results with `WorkerDied` instead of leaving them
pending for ever; a task that a worker cannot unpickle fails alone and says why, and does not end
the worker; `stop()` ends everything that the context started; what children print goes into their
logs, and from there to `output()`.

Standard library only: a child that is given a context imports this file.
"""

import contextlib
import inspect
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator

from helpers import in_the_way
from helpers.child.interrupts import put_off_interrupts
from helpers.child.queues import JoinableQueue, Queue
from helpers.parent import tracker
from helpers.parent.checks import (
    check_reaches_child,
    check_workers,
    naming_shared_memory,
    warn_of_edited_modules,
)
from helpers.parent.history import History
from helpers.parent.pools import ObservedPool, WorkerDied
from helpers.parent.processes import end, process_class, watcher_of
from helpers.parent.stop_mark import Stopped
from helpers.parent.waits import PATIENCE, in_spite_of_interrupts
from helpers.parent.watcher import Watcher

__all__ = ["ObservedContext", "Stopped", "WorkerDied", "get_context"]


def get_context(method: str | None = None) -> "ObservedContext":
    """Return a multiprocessing context that records what its processes do.

    Args:
        method: 'spawn', 'fork' or 'forkserver'. Without it, the course's default: what the
            environment variable START_METHOD names, else 'spawn', the one that every system has.

    Raises:
        ValueError: for a start method that does not exist on this system.
        ImportError: if children would import a file in this folder instead of a library.
    """
    wanted = os.environ.get("START_METHOD") or "spawn" if method is None else method
    available = sorted(multiprocessing.get_all_start_methods())
    if wanted not in available:
        source = " (from the environment variable START_METHOD)" if method is None else ""
        raise ValueError(
            f"there is no start method {wanted!r}{source} here; "
            f"choose one of {', '.join(available)}"
        )
    warn_of_edited_modules()
    if wanted != "fork":
        in_the_way.check_children()
        tracker.start_apart()
    context = _CONTEXT_CLASSES[wanted]()
    adopt = getattr(_thread, "adopt", None)
    if adopt is not None:
        adopt(context)
    return context


_thread = threading.local()
"""Who owns the contexts that this very thread makes, as the attribute `adopt`: a function."""


@contextlib.contextmanager
def contexts_adopted_by(adopt: Callable[["ObservedContext"], None]) -> Iterator[None]:
    """Give each context that this thread makes within a `with` block to an owner, too.

    Args:
        adopt: called with the context.
    """
    _thread.adopt = adopt
    try:
        yield
    finally:
        _thread.adopt = None


class ObservedContext:
    """The observed part of a context, mixed into a standard one; `get_context` makes it."""

    label = "mp"  # what a chart calls it where it is an argument of a call

    def __init__(self):
        # A student's class of contexts may have a `Process` of its own, as for nested pools. If it
        # derives from that of another context, both contexts are one experiment.
        self.watcher = watcher_of(type(self).Process)
        if self.watcher is None:
            self.watcher = Watcher(self.get_start_method())
            self.Process = process_class(type(self).Process, self.watcher)
        self._history = History(self.watcher)

    def __reduce__(self):
        if type(self) not in _CONTEXT_CLASSES.values():  # but derives from one
            return type(self), ()
        return get_context, (self.get_start_method(),)

    def get_context(self, method=None):
        """Return this context, or an observed one for another start method."""
        return self if method is None else get_context(method)

    def Pool(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None):
        """Return a real pool, see `multiprocessing.Pool`."""
        self.watcher.stop_mark.check()
        if processes is not None:
            check_workers(processes)
        if initializer is not None and self.watcher.method != "fork":
            check_reaches_child(initializer, self.watcher.method)
        return ObservedPool(
            processes, initializer, initargs, maxtasksperchild, context=self, watcher=self.watcher
        )

    def Manager(self):
        """Return a started manager, see `multiprocessing.Manager`."""
        from multiprocessing.managers import SyncManager  # here, since most experiments need none

        manager = SyncManager(ctx=self)
        try:
            manager.start()
        except BaseException:  # the standard library would leave its server behind
            if hasattr(manager, "_process"):
                with put_off_interrupts():
                    end([manager._process], PATIENCE)
            raise
        return manager

    def Queue(self, maxsize=0):
        """Return a real queue, see `multiprocessing.Queue`; its messages are in the timeline."""
        return Queue(maxsize, ctx=self, registration=self.watcher.register("queue"))

    def SimpleQueue(self):
        """Return `multiprocessing.SimpleQueue`, which no timeline shows.

        Raises:
            Stopped: if the experiment was stopped. Each executor makes such a queue when it is
                made, so a program that tries again and again with new ones comes to its end.
        """
        self.watcher.stop_mark.check()
        return super().SimpleQueue()

    def JoinableQueue(self, maxsize=0):
        """Return a real queue, see `multiprocessing.JoinableQueue`; it is in the timeline, too."""
        return JoinableQueue(maxsize, ctx=self, registration=self.watcher.register("queue"))

    def Lock(self):
        """Return a real lock, see `multiprocessing.Lock`; the timeline shows who waits for it."""
        if _the_library_asks():
            with naming_shared_memory():
                return super().Lock()
        from helpers.child import locks  # here, since most experiments need none

        with naming_shared_memory():
            return locks.Lock(ctx=self, registration=self.watcher.register("lock"))

    def RLock(self):
        """Return a real lock, see `multiprocessing.RLock`; the timeline shows who waits for it."""
        if _the_library_asks():
            with naming_shared_memory():
                return super().RLock()
        from helpers.child import locks

        with naming_shared_memory():
            return locks.RLock(ctx=self, registration=self.watcher.register("lock"))

    def Barrier(self, parties, action=None, timeout=None):
        """Return a real barrier, see `multiprocessing.Barrier`; the timeline shows who waits."""
        return self._meeting_point("Barrier", parties, action, timeout)

    def Event(self):
        """Return a real event, see `multiprocessing.Event`; the timeline shows who waits for it."""
        return self._meeting_point("Event")

    def Condition(self, lock=None):
        """Return a real condition, see `multiprocessing.Condition`; its waits are recorded."""
        if _the_library_asks():
            return super().Condition(lock)
        return self._meeting_point("Condition", lock)

    def Semaphore(self, value=1):
        """Return a real semaphore, see `multiprocessing.Semaphore`; its waits are recorded."""
        if _the_library_asks():
            return super().Semaphore(value)
        return self._meeting_point("Semaphore", value)

    def BoundedSemaphore(self, value=1):
        """Return a real one, see `multiprocessing.BoundedSemaphore`; its waits are recorded."""
        if _the_library_asks():
            return super().BoundedSemaphore(value)
        return self._meeting_point("BoundedSemaphore", value)

    def _meeting_point(self, name, *arguments):
        """Return an observed object of the class of this name."""
        from helpers.child import barriers  # here, since most experiments need none

        kind = getattr(barriers, name)
        registration = self.watcher.register(kind.kind)
        with naming_shared_memory():
            return kind(*arguments, ctx=self, registration=registration)

    def Pipe(self, duplex=True):
        """Return the ends of a real pipe, see `multiprocessing.Pipe`; the timeline shows waits."""
        from helpers.child import connections

        registration = self.watcher.register("pipe")
        return tuple(connections.observe(end, registration) for end in super().Pipe(duplex))

    def Value(self, typecode_or_type, *args, lock=True):
        """Return a real shared value, see `multiprocessing.Value`; its uses are in the timeline."""
        from helpers.child import locks

        register = self.watcher.register
        with naming_shared_memory():
            return locks.value_of(typecode_or_type, *args, lock=lock, ctx=self, register=register)

    def timeline(self):
        """Return what has happened so far, as a `Timeline`; it may be asked for meanwhile."""
        return self._history.timeline()

    def output(self, by: str = "process", stream: str = "stdout") -> str:
        """Return what the children have printed so far.

        Args:
            by: 'process', one after the other in the order in which they were started (the same
                text at every run), or 'time', as it happened.
            stream: 'stdout' or 'stderr'.

        Raises:
            ValueError: for anything else.
        """
        return self._history.output(by, stream)

    def stop(self) -> None:
        """End everything that this context started. What is pending fails with `Stopped`."""
        in_spite_of_interrupts(self._stop)

    def _stop(self):
        if self.watcher.stop():
            self._history.close()


def _the_library_asks():
    """Tell whether `Lock` or `RLock` is called by the standard library.

    Its queues, events and executors ask the context for the locks that they need themselves. Those
    are not the student's, and nobody wants to see them in the timeline.
    """
    our_method = inspect.currentframe().f_back
    caller = our_method.f_back.f_globals.get("__name__", "")
    return caller.startswith("multiprocessing.")


def _observed_class(method):
    """Return the standard library's class of contexts for a start method, observed."""
    standard = type(multiprocessing.get_context(method))
    return type(f"Observed{standard.__name__}", (ObservedContext, standard), {})


_CONTEXT_CLASSES = {
    method: _observed_class(method) for method in multiprocessing.get_all_start_methods()
}
