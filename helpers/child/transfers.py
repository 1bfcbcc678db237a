"""What large messages cost a worker: unpickling its tasks, pickling and sending their results.

The worker of a pool or of an executor takes its tasks out of one queue and puts their results into
another. Both queues do here what they do in the standard library; how long that took is recorded
for large messages only. A small task takes long to unpickle if modules have to be imported for it,
so that is recorded, too. Small messages cost nothing more than some looks at the clock.

The private names of the standard library's queues are used here. Were they gone, the queues would
be left as they are and nothing would be recorded; a test checks that they are there.
"""

import contextlib
import pickle
import sys
import time
from multiprocessing.reduction import ForkingPickler

from helpers.child import events
from helpers.child.labels import text_of_error
from helpers.child.unpickling import failing_task

LARGE = 1 << 16
"""Bytes from which on a message is recorded: it takes longer than recording it, and can be seen."""

LONG = 20_000_000
"""Nanoseconds from which on an import is recorded: a shorter one is lost in a worker's start."""


def record_transfers(tasks, results, recorder) -> None:
    """Record from now on, in this process, what large tasks and large results cost.

    Args:
        tasks: the queue out of which a worker takes its tasks.
        results: the queue into which it puts their results.
        recorder: the recorder of this process.
    """
    with contextlib.suppress(AttributeError):  # a queue of another kind stays as it is
        tasks.get = _recorded_get(tasks, recorder)
    with contextlib.suppress(AttributeError):
        results.put = _recorded_put(results, recorder)


def _recorded_get(queue, recorder):
    """Return the queue's `get`, which also records how long a large message takes to unpickle."""
    lock, receive = queue._rlock, queue._reader.recv_bytes
    places = getattr(queue, "_sem", None)  # an executor's queue counts how many more it can hold

    def get(block=True):
        with lock:
            data = receive()
            if places is not None:
                places.release()
        modules, began = len(sys.modules), time.perf_counter_ns()
        task = _unpickled(data)
        took = time.perf_counter_ns() - began
        if len(data) >= LARGE:
            _record(recorder, events.UNPICKLED, began, began + took, len(data))
        elif took >= LONG and len(sys.modules) > modules:
            recorder.record(events.IMPORTED, took=took)
        return task

    return get


def _unpickled(data):
    """Return a task from its pickle, or one that says so if a name that it needs is not found.

    Args:
        data: the pickle.

    Raises:
        pickle.UnpicklingError: if it cannot be rebuilt for another reason. A pool's worker
            would take an OSError for the end of its queue, and leave as if it had been told to;
            and SystemExit, from a module that is imported now, would end it as politely.
    """
    try:
        return ForkingPickler.loads(data)
    except (Exception, SystemExit) as error:
        task = failing_task(data, error)
        if task is not None:
            return task
        reason = " ".join(text_of_error(error).decode().split())
        raise pickle.UnpicklingError(f"a task could not be unpickled: {reason}") from error


def _recorded_put(queue, recorder):
    """Return the queue's `put`, which also records how long a large message takes to go out.

    The message is pickled, then sent. Sending includes the wait for other senders, and for the
    parent to take what is in the way.
    """
    dumps, send = ForkingPickler.dumps, queue._writer.send_bytes
    lock = queue._wlock or contextlib.nullcontext()  # Windows needs none

    def put(result):
        began = time.perf_counter_ns()
        data = dumps(result)
        if len(data) < LARGE:
            with lock:
                send(data)
            return
        pickled = time.perf_counter_ns()
        with lock:
            send(data)
        _record(recorder, events.PICKLED, began, pickled, len(data))
        _record(recorder, events.SENT, pickled, time.perf_counter_ns(), len(data))

    return put


def _record(recorder, action, began, ended, size):
    kib = min(size >> 10, 0xFFFFFFFF)
    recorder.record(events.CARRIED, action=action, kib=kib, took=ended - began, at=ended)
