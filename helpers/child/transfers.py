"""What large messages cost a worker: unpickling its tasks, pickling and sending their results.

The worker of a pool or of an executor takes its tasks out of one queue and puts their results into
another. Both queues do here what they do in the standard library; only when a message is large
is it noted how long that took. The clock is read once for each result, and nothing else is done
for small messages.

The inner names of the standard library's queues are leaned on. If they were gone, the queues
would be left as they are and nothing would be recorded; a test holds that they are there.
"""

import contextlib
import time
from multiprocessing.reduction import ForkingPickler

from helpers.child import recorder as flight

LARGE = 1 << 16
"""Bytes from which on a message is noted. It takes longer than the noting, and can be seen."""


def weigh(tasks, results, recorder) -> None:
    """From now on, in this process, record what large tasks and large results cost."""
    with contextlib.suppress(AttributeError):  # a queue of another kind stays as it is
        tasks.get = _weighed_get(tasks, recorder)
    with contextlib.suppress(AttributeError):
        results.put = _weighed_put(results, recorder)


def _weighed_get(queue, recorder):
    """The queue's `get`, which records how long a large message takes to unpickle."""
    lock, receive, loads = queue._rlock, queue._reader.recv_bytes, ForkingPickler.loads
    places = getattr(queue, "_sem", None)  # an executor's queue counts how many more it can hold

    def get(block=True):
        with lock:
            data = receive()
            if places is not None:
                places.release()
        if len(data) < LARGE:
            return loads(data)
        began = time.perf_counter_ns()
        task = loads(data)
        _note(recorder, flight.UNPICKLED, began, time.perf_counter_ns(), len(data))
        return task

    return get


def _weighed_put(queue, recorder):
    """The queue's `put`, which records how long a large message takes to pickle and to send.

    Sending includes the wait for others who send, and for the parent to take what is in the way.
    """
    dumps, send = ForkingPickler.dumps, queue._writer.send_bytes
    lock = queue._wlock or contextlib.nullcontext()  # Windows needs none

    def put(result):
        began = time.perf_counter_ns()
        data = dumps(result)
        pickled = time.perf_counter_ns() if len(data) >= LARGE else 0
        with lock:
            send(data)
        if pickled:
            _note(recorder, flight.PICKLED, began, pickled, len(data))
            _note(recorder, flight.SENT, pickled, time.perf_counter_ns(), len(data))

    return put


def _note(recorder, action, began, ended, size):
    took = ended - began
    kib = min(size >> 10, 0xFFFFFFFF)
    recorder.record(flight.CARRIED, action, kib, took & 0xFFFFFFFF, took >> 32, at=ended)
