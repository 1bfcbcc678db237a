"""The child's side of an observed process: what happens between its first moment and its last.

`run` calls the function of the process and records it as a task. In a worker of a pool or of an
executor it records every task that the worker takes instead: there, the function of the process
is a loop of the standard library, and its tasks come out of a queue. Nothing is wrapped in the
parent.

Names of the standard library are leaned on that are not public: `pool.worker` and
`futures.process._process_worker`, with the functions they use for chunks. If they were gone,
tasks would be missing from the timeline, never invented; a test holds that they are there.
"""

import contextlib
import functools
import itertools
import os
import reprlib
import sys
import threading
import time
from concurrent.futures import process as futures_process
from multiprocessing import connection, managers
from multiprocessing import pool as standard_pool

from helpers import flight

LONGEST_CALL = flight.INLINE + 2 * flight.MORE
"""Bytes of a call's arguments, or of a message, that are kept."""

_MACHINERY = (standard_pool.__name__, futures_process.__name__)

_imported_in = os.getpid()


def role_of(target) -> str:
    """What a process is there for, told from its target: 'worker', 'manager' or 'process'."""
    if _is_machinery(target):
        return "worker"
    if getattr(target, "__module__", None) == managers.__name__:
        return "manager"
    return "process"


def _is_machinery(function):
    """Is this a function of the standard library's pools? Then calling it is nobody's task."""
    return getattr(function, "__module__", None) in _MACHINERY


def _is(function, module, name):
    """Is this the function of this name? Not, if the module has no such function any more."""
    return function is getattr(module, name, _is)


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
        while not connection.wait([sentinel], timeout=1.0) and os.getppid() == parent:
            pass
        recorder.record(flight.LEFT, b=1)
        os._exit(1)

    with contextlib.suppress(RuntimeError):  # this seat has no thread left: then without
        threading.Thread(target=watch, name="orphan guard", daemon=True).start()


def run(process, recorder, standard_run) -> None:
    """Run an observed process's function: the `run` of the standard library, recorded."""
    role = role_of(process._target)
    if role == "worker":
        if _is(process._target, standard_pool, "worker"):
            _tap(process._args[0], recorder, _observe_pool_task)
        elif _is(process._target, futures_process, "_process_worker"):
            _tap(process._args[0], recorder, _observe_call_item)
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


def _tap(tasks, recorder, observe):
    """Record every task that comes out of the queue `tasks` in this process."""
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
    if _is(function, standard_pool, "mapstar") or _is(function, standard_pool, "starmapstar"):
        ((inner, chunk),) = args
        args = ((RecordedCall(inner, recorder, job, item), chunk),)
    elif not _is_machinery(function):
        function = RecordedCall(function, recorder, job, item)
    return job, item, function, args, kwargs


def _observe_call_item(call, recorder):
    """A call of `ProcessPoolExecutor` with its function recorded; of a chunk, the one inside."""
    function = call.fn
    inside = getattr(function, "func", None)  # of a functools.partial
    if _is(inside, futures_process, "_process_chunk"):
        (inner,) = function.args
        call.fn = functools.partial(inside, RecordedCall(inner, recorder))
    elif not _is_machinery(inside):
        call.fn = RecordedCall(function, recorder)
    return call


class RecordedCall:
    """A function that records when it starts, when it finishes, and how."""

    def __init__(self, function, recorder, job=flight.NO_JOB, item=0, name=None):
        self.function = function
        self.recorder = recorder
        self.job = job
        self.item = item
        self.place = 0
        self.number = recorder.number_of(name or name_of(function))

    def __call__(self, /, *args, **kwargs):
        recorder, job = self.recorder, self.job
        arguments = text_of_arguments(args, kwargs)
        recorder.record(flight.STARTED, self.number, job, self.item, self.place, arguments)
        self.place += 1
        computing = time.process_time_ns()
        try:
            result = self.function(*args, **kwargs)
        except BaseException as error:
            computed = (time.process_time_ns() - computing) // 1000
            recorder.record(
                flight.FINISHED,
                flight.RAISED,
                job,
                computed & 0xFFFFFFFF,
                computed >> 32,
                _text_of_error(error),
            )
            raise
        computed = (time.process_time_ns() - computing) // 1000
        recorder.record(
            flight.FINISHED, flight.RETURNED, job, computed & 0xFFFFFFFF, computed >> 32
        )
        return result


def name_of(function) -> str:
    """What to call a function in the timeline."""
    function = getattr(function, "func", function)  # inside a functools.partial
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) and name else type(function).__name__


def text_of_arguments(args: tuple, kwargs: dict) -> bytes:
    """The arguments of a call as they would be written, cut to `LONGEST_CALL` bytes."""
    texts = [text_of(value) for value in args]
    if kwargs:
        texts += [f"{name}={text_of(value)}" for name, value in kwargs.items()]
    return _cut(", ".join(texts))


def message_text(value) -> bytes:
    """A message's value as text, cut to `LONGEST_CALL` bytes."""
    return _cut(text_of(value))


class _Brief(reprlib.Repr):
    """Short texts of values: without addresses in memory, and quick for large values."""

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 40

    def repr_instance(self, value, level):
        kind = type(value)
        if kind.__repr__ is object.__repr__:
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
    if (kind is int and -(10**15) < value < 10**15) or (kind is str and len(value) < 40):
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
