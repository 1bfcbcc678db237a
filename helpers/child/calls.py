"""Recorded calls: a function that writes down when it starts, when it finishes, and how.

Standard library only, because every child imports this file.
"""

import time

from helpers.child import events
from helpers.child.labels import label_of, name_of, text_of_arguments, text_of_error, text_of_exit

SHORT_TASK = 10_000
"""ns; of a task that took less, no clock can tell what share of it was on a core."""

# Bound here, since globals are faster than attributes.
_now, _SHORT = time.perf_counter_ns, SHORT_TASK
_LEAST, _MOST = events.LEAST_NUMBER, events.MOST_NUMBER


class RecordedCall:
    """A function that records its calls as tasks.

    Asking the system how long we were on a core takes longer than all the rest. So for a task
    shorter than `SHORT_TASK` the system is not asked, and the last answer is used for the tasks
    that follow soon: in between we were on a core, or the clock would have gone on.

    Args:
        function: what to call.
        recorder: the recorder of this process, or of this thread.
        job: the number of the pool's job that the calls belong to.
        item: which item of the job they are.
        name: what the timeline calls the function; by default its own name.
        clock: gives the time on a core so far, in ns.
    """

    def __init__(
        self,
        function,
        recorder,
        job=events.NO_JOB,
        item=0,
        name=None,
        clock=time.process_time_ns,
    ):
        self.function = function
        self.clock = clock
        self.recorder = recorder
        self.job = job
        self.item = item
        self.number = recorder.number_of(name or name_of(function))
        self.asked_at = self.computed = 0  # when the clock was asked last, and its answer

    def __call__(self, /, *args, **kwargs):
        text = text_of_arguments(args, kwargs)
        began = _now()
        place = self.recorder.record_start(self.number, self.job, self.item, text, began)
        if began - self.asked_at > _SHORT:
            self.computed, self.asked_at = self.clock(), _now()
        try:
            result = self.function(*args, **kwargs)
        except BaseException as error:
            self.record_error(began, error)
            raise
        took = _now() - began
        if took < _SHORT:
            self.recorder.record_short_end(*place, took)
        else:
            self.record_finish(events.RETURNED, began)
        return result

    def map(self, values):
        """Return what `list(map(self, values))` would return, sooner.

        The calls of a chunk follow each other, and are often very short. So the steps of `__call__`
        are repeated here, without what a call takes that may have any arguments. Short integers,
        as in most large maps, are not even written out.
        """
        function, recorder, number, job, item = (
            self.function, self.recorder, self.number, self.job, self.item,
        )  # fmt: skip
        record_start, record_numbered_start = recorder.record_start, recorder.record_numbered_start
        record_short_end, head = recorder.record_short_end, events.head_of_starts(number, job)
        results = []
        for value in values:
            if type(value) is int and _LEAST <= value <= _MOST:
                began = _now()
                segment, place = record_numbered_start(head, item, value, began)
            else:
                text = label_of(value)
                began = _now()
                segment, place = record_start(number, job, item, text, began)
            if began - self.asked_at > _SHORT:
                self.computed, self.asked_at = self.clock(), _now()
            try:
                result = function(value)
            except BaseException as error:
                self.record_error(began, error)
                if isinstance(error, StopIteration):  # ends `list(map(...))` without an error
                    return results
                raise
            took = _now() - began
            if took < _SHORT:
                record_short_end(segment, place, took)
            else:
                self.record_finish(events.RETURNED, began)
            results.append(result)
        return results

    def record_error(self, began, error):
        """Record that a task has ended by an exception: by an error, or by leaving its process.

        Args:
            began: when the task started, in ns.
            error: the exception.
        """
        if isinstance(error, SystemExit):
            self.record_finish(events.EXITED, began, text_of_exit(error))
        else:
            self.record_finish(events.RAISED, began, text_of_error(error))

    def record_finish(self, outcome, began, text=b""):
        """Record the end of a task that was not short, and how long it was on a core.

        Args:
            outcome: `events.RETURNED`, `events.RAISED` or `events.EXITED`.
            began: when the task started, in ns.
            text: the exception, or the exit code.
        """
        now, computed = _now(), self.clock()
        on_core = max(0, computed - self.computed - (began - self.asked_at)) // 1000
        self.computed, self.asked_at = computed, now
        self.recorder.record(
            events.FINISHED, outcome=outcome, job=self.job, computed=on_core, text=text, at=now
        )
