"""The child's side of an observed process: what happens between its first moment and its last.

`run` calls the function of the process and records it as a task. In a worker of a pool or of an
executor it records every task that the worker takes instead: there, the function of the process
is a loop of the standard library, and its tasks come out of a queue. Nothing is wrapped in the
parent.

Names of the standard library are leaned on that are not public: `pool.worker` and
`futures.process._process_worker`, with the functions they use for chunks. If they were gone,
tasks would be missing from the timeline, never invented; a test holds that they are there.

Every child imports this file, and waits for it. So it imports only what a child of the standard
library has loaded anyway; a module that a function comes from has been loaded with it.
"""

import contextlib
import functools
import itertools
import multiprocessing
import os
import reprlib
import select
import signal
import sys
import threading
import time
from multiprocessing import util

from helpers.child import recorder as flight
from helpers.child import transfers as cargo

LONGEST_CALL = flight.INLINE + 2 * flight.MORE
"""Bytes of a call's arguments, or of a message, that are kept."""

_POOL, _FUTURES = "multiprocessing.pool", "concurrent.futures.process"

_imported_in = os.getpid()


def role_of(target) -> str:
    """What a process is there for, told from its target: 'worker', 'manager' or 'process'."""
    if _is_machinery(target):
        return "worker"
    if getattr(target, "__module__", None) == "multiprocessing.managers":
        return "manager"
    return "process"


def _is_machinery(function):
    """Is this a function of the standard library's pools? Then calling it is nobody's task."""
    return getattr(function, "__module__", None) in (_POOL, _FUTURES)


def _is(function, module, name):
    """Is this the function of this name? Not, if the module has no such function any more."""
    return function is getattr(_loaded(module), name, _is)


def _loaded(module):
    """A module, if this process has imported it: without it, none of its functions can be here."""
    return sys.modules.get(module)


def start_method_of(parent: int) -> str:
    """The start method by which this process came to be, told from its own circumstances."""
    if sys.platform != "win32" and os.getppid() != parent:
        return "forkserver"  # the server stands between us and who asked for us
    return "spawn" if _imported_in == os.getpid() else "fork"


def leave_with_parent(sentinel, recorder) -> None:
    """Leave when the parent is gone: a daemon thread waits for its end, whatever we are doing.

    Under fork, a sibling may hold the other end of the sentinel's pipe open; so the thread also
    looks whether we have been given another parent.
    """
    parent = os.getppid()

    def watch():
        while not _is_ready(sentinel, seconds=1) and os.getppid() == parent:
            pass
        recorder.record(flight.LEFT, b=1)
        os._exit(1)

    with contextlib.suppress(RuntimeError):  # this seat has no thread left: then without
        threading.Thread(target=watch, name="orphan guard", daemon=True).start()


def _is_ready(sentinel, seconds):
    """Wait that long at most, and tell whether the process behind a sentinel has ended."""
    if sys.platform == "win32":
        from multiprocessing import connection

        return bool(connection.wait([sentinel], seconds))
    poll = select.poll()
    poll.register(sentinel, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def note_interrupts(recorder) -> None:
    """Record every SIGINT, before it does what it would have done anyway.

    A kernel that is not busy with a cell ignores SIGINT, and so do the children that it starts
    meanwhile. From the records of those the parent learns that somebody wants their run to end.
    """
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN

    def handle(number, frame):
        recorder.record(flight.INTERRUPTED)
        if not ignored:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handle)


class ChildProcess:
    """The child's side of an observed process, mixed into a class of the standard library."""

    def _bootstrap(self, parent_sentinel=None):
        """Everything from the child's first moment to its last."""
        recorder = flight.take_off(self._folder)
        method = flight.METHODS.index(start_method_of(self._parent_pid))
        recorder.record(flight.BORN, method, self._parent_pid)
        leave_with_parent(parent_sentinel, recorder)
        note_interrupts(recorder)
        self.run = functools.partial(run, self, recorder, self.run)
        code = super()._bootstrap(parent_sentinel)
        # Queues send what they still hold; since Python 3.13 only later, if nobody asks for it.
        getattr(util, "_exit_function", int)()
        recorder.record(flight.LEFT, b=code & 0xFFFFFFFF)
        return code


def rebuild(method: str, state: dict):
    """In a spawned child: the process object. It needs nothing of what its parent's can do."""
    standard = multiprocessing.get_context(method).Process
    child_class = type(standard.__name__, (ChildProcess, standard), {})
    child = child_class.__new__(child_class)
    vars(child).update(state)
    return child


def run(process, recorder, standard_run) -> None:
    """Run an observed process's function: the `run` of the standard library, recorded."""
    role = role_of(process._target)
    if role == "worker":
        if _is(process._target, _POOL, "worker"):
            _tap(*process._args[:2], recorder, _observe_pool_task)
        elif _is(process._target, _FUTURES, "_process_worker"):
            _tap(*process._args[:2], recorder, _observe_call_item)
        standard_run()
    elif role == "manager":
        standard_run()
    elif process._target is not None:
        task = RecordedCall(process._target, recorder)
        process._target = task
        standard_run()
    else:  # a subclass with a run of its own
        RecordedCall(standard_run, recorder, name=f"{type(process).__name__}.run")()
    recorder.record(flight.DONE)


def _tap(tasks, results, recorder, observe):
    """Record every task that comes out of the queue `tasks` in this process, and large results."""
    cargo.weigh(tasks, results, recorder)
    get = tasks.get
    waiting_for_first = [True]

    def tapped_get(*args, **kwargs):
        if waiting_for_first:
            recorder.record(flight.READY)
            waiting_for_first.clear()
        task = get(*args, **kwargs)
        return None if task is None else observe(task, recorder)

    tasks.get = tapped_get


def _observe_pool_task(task, recorder):
    """A task of `Pool` with its function recorded; of a chunk, the function inside."""
    job, item, function, args, kwargs = task
    if _is(function, _POOL, "mapstar"):
        ((inner, chunk),) = args
        function, args = RecordedCall(inner, recorder, job, item).map, (chunk,)
    elif _is(function, _POOL, "starmapstar"):
        ((inner, chunk),) = args
        args = ((RecordedCall(inner, recorder, job, item), chunk),)
    elif not _is_machinery(function):
        function = RecordedCall(function, recorder, job, item)
    return job, item, function, args, kwargs


def _observe_call_item(call, recorder):
    """A call of `ProcessPoolExecutor` with its function recorded; of a chunk, the one inside."""
    function = call.fn
    inside = getattr(function, "func", None)  # of a functools.partial
    if _is(inside, _FUTURES, "_process_chunk"):
        (inner,) = function.args
        call.fn = functools.partial(inside, RecordedCall(inner, recorder))
    elif not _is_machinery(inside):
        call.fn = RecordedCall(function, recorder)
    return call


_now, _STARTED, _SHORT = time.perf_counter_ns, flight.STARTED, flight.SHORT_TASK
_LEAST_KEPT, _MOST_KEPT = flight.LEAST_NUMBER, flight.MOST_NUMBER
"""Names of our own are found quicker than those of another module, and here that counts."""


class RecordedCall:
    """A function that records when it starts, when it finishes, and how.

    Asking the system how long we were on a core takes longer than all the rest, so of a task
    shorter than `flight.SHORT_TASK` it is not asked, and the answer is used for what follows
    soon: in between we were on a core, or the clock would have gone on.
    """

    def __init__(
        self,
        function,
        recorder,
        job=flight.NO_JOB,
        item=0,
        name=None,
        clock=time.process_time_ns,
    ):
        self.function = function
        self.clock = clock
        self.recorder = recorder
        self.record = recorder.record
        self.job = job
        self.item = item
        self.number = recorder.number_of(name or name_of(function))
        self.asked_at = self.computed = 0

    def __call__(self, /, *args, **kwargs):
        text = text_of_arguments(args, kwargs)
        began = _now()
        segment, place = self.record(_STARTED, self.number, self.job, self.item, 0, text, began)
        if began - self.asked_at > _SHORT:
            self.computed, self.asked_at = self.clock(), _now()
        try:
            result = self.function(*args, **kwargs)
        except BaseException as error:
            self.finish(flight.RAISED, began, _text_of_error(error))
            raise
        took = _now() - began
        if took < _SHORT:
            self.recorder.record_end(segment, place, took)
        else:
            self.finish(flight.RETURNED, began)
        return result

    def map(self, values):
        """What `list(map(self, values))` would do, sooner.

        The calls of a chunk follow each other, often very short ones. So the steps of `__call__`
        stand here once more, without what a call takes that may have any arguments. Short whole
        numbers, as in most large maps, are not even written out.
        """
        function, record, recorder = self.function, self.record, self.recorder
        record_start, record_end = recorder.record_start, recorder.record_end
        head, item = flight.head_of_starts(self.number, self.job), self.item
        results = []
        for value in values:
            if type(value) is int and _LEAST_KEPT <= value <= _MOST_KEPT:
                began = _now()
                segment, place = record_start(head, item, value, began)
            else:
                text = label_of(value)
                began = _now()
                segment, place = record(_STARTED, self.number, self.job, item, 0, text, began)
            if began - self.asked_at > _SHORT:
                self.computed, self.asked_at = self.clock(), _now()
            try:
                result = function(value)
            except BaseException as error:
                self.finish(flight.RAISED, began, _text_of_error(error))
                if isinstance(error, StopIteration):  # for `list` the end of what `map` has
                    return results
                raise
            took = _now() - began
            if took < _SHORT:
                record_end(segment, place, took)
            else:
                self.finish(flight.RETURNED, began)
            results.append(result)
        return results

    def finish(self, outcome, began, text=b""):
        """Record the end of a task."""
        now, computed = _now(), self.clock()
        on_core = max(0, computed - self.computed - (began - self.asked_at)) // 1000
        self.computed, self.asked_at = computed, now
        low, high = on_core & 0xFFFFFFFF, on_core >> 32
        self.record(flight.FINISHED, outcome, self.job, low, high, text, now)


def name_of(function) -> str:
    """What to call a function in the timeline."""
    function = getattr(function, "func", function)  # inside a functools.partial
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) and name else type(function).__name__


_LEAST, _MOST = -(10**15), 10**15
"""Between these a whole number is short enough to be written as it is."""


def label_of(value) -> bytes:
    """A value as text for a label, cut to `LONGEST_CALL` bytes."""
    if _is_small(value):  # they are frequent, and this is quicker
        return b"%d" % value
    return _cut(text_of(value))


def text_of_arguments(args: tuple, kwargs: dict) -> bytes:
    """The arguments of a call as they would be written, cut to `LONGEST_CALL` bytes."""
    if len(args) == 1 and not kwargs:
        return label_of(args[0])
    texts = [text_of(value) for value in args]
    if kwargs:
        texts += [f"{name}={text_of(value)}" for name, value in kwargs.items()]
    return _cut(", ".join(texts))


def _is_small(value):
    """Is this a plain number that can be written at once?"""
    return type(value) is int and _LEAST < value < _MOST


_TOLD_BY_NAME = (
    "multiprocessing.synchronize",
    "multiprocessing.managers",
    "helpers.child.locks",
)
"""Locks, barriers, proxies, shared values: who holds them just now is nothing for a label."""


class _Brief(reprlib.Repr):
    """Short texts of values: without addresses in memory, and quick for large values."""

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 40

    def repr_instance(self, value, level):
        kind = type(value)
        if kind.__repr__ is object.__repr__ or kind.__module__ in _TOLD_BY_NAME:
            return str(getattr(value, "label", kind.__name__))  # not <... object at 0x7f...>
        try:
            text = repr(value)
        except Exception:  # whatever a strange __repr__ may do
            return kind.__name__
        return text if len(text) <= self.maxother else text[: self.maxother - 3] + "..."

    def repr_bytes(self, value, level):
        return self.repr_instance(value[: self.maxother], level)  # of megabytes the beginning

    repr_bytearray = repr_bytes

    # Of a large dictionary or set the first few: the standard library would sort all of it.

    def repr_dict(self, value, level):
        return super().repr_dict(dict(itertools.islice(value.items(), self.maxdict + 1)), level)

    def repr_set(self, value, level):
        return super().repr_set(set(itertools.islice(value, self.maxset + 1)), level)

    def repr_frozenset(self, value, level):
        few = frozenset(itertools.islice(value, self.maxfrozenset + 1))
        return super().repr_frozenset(few, level)

    def repr_function(self, value, level):
        return name_of(value)

    repr_builtin_function_or_method = repr_function


_brief = _Brief()


def text_of(value) -> str:
    """A value as short text, for any value, however large or strange."""
    kind = type(value)
    if _is_small(value) or (kind is str and len(value) < 40):
        return repr(value)
    try:
        return " ".join(_brief.repr(value).split())
    except Exception:  # whatever a strange class may do
        return kind.__name__


def _cut(text):
    data = text.encode("utf-8", "replace")
    if len(data) <= LONGEST_CALL:
        return data
    return data[: LONGEST_CALL - 3].decode("utf-8", "ignore").encode() + "…".encode()


def _text_of_error(error):
    kind = type(error).__name__
    try:
        words = str(error)
    except Exception:  # whatever a strange __str__ may do
        words = ""
    text = f"{kind}: {words}" if words else kind
    return text.encode("utf-8", "replace")[: flight.LONGEST_TEXT]
