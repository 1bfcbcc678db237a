"""Threads on the same chart as processes: the standard library's executor of threads, observed.

    with ThreadPoolExecutor(4, mp_context=mp) as executor:
        executor.map(count_primes, numbers)
    mp.timeline()

Every thread writes a log of its own, as every process does, so the timeline and the chart treat
both alike. What a thread's tasks spent on a core is measured by the thread's own clock.
"""

import threading
import time
from concurrent import futures

from helpers.child import events
from helpers.child.calls import RecordedCall
from helpers.child.recorder import Recorder
from helpers.observed import ObservedContext


class ThreadPoolExecutor(futures.ThreadPoolExecutor):
    """`concurrent.futures.ThreadPoolExecutor`, with its threads in a context's timeline.

    Args:
        max_workers: the number of threads.
        mp_context: the experiment, from `get_context()`. When it is stopped, threads that are at
            work finish their task and begin no other: a thread cannot be ended from outside.
    """

    def __init__(self, max_workers: int, *, mp_context: ObservedContext):
        super().__init__(max_workers, initializer=self._begin_thread)
        self._watcher = mp_context.watcher
        self._asked = 0
        self._thread = threading.local()  # the recorder of each thread
        self._recorders = []

    def submit(self, function, /, *args, **kwargs):
        self._watcher.stop_mark.check()
        self._asked = time.perf_counter_ns()  # a thread that begins now was asked for here
        return super().submit(self._call, function, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            while self._recorders:
                self._recorders.pop().record(events.LEFT, exitcode=0)

    def _begin_thread(self):
        """Begin the log of a new thread, and ask for a lane; the thread itself calls this."""
        number = threading.get_native_id() & 0xFFFFFFFF
        recorder = self._thread.recorder = Recorder(self._watcher.recorder.folder)
        recorder.pid = number
        self._watcher.note_thread(threading.current_thread().name, number, self._asked)
        recorder.record(events.BORN, method=0, ppid=0)
        recorder.record(events.READY)
        self._recorders.append(recorder)

    def _call(self, function, /, *args, **kwargs):
        """Run a task, and record it; a thread calls this."""
        self._watcher.stop_mark.check()
        recorded = RecordedCall(function, self._thread.recorder, clock=time.thread_time_ns)
        return recorded(*args, **kwargs)
