"""Watch an answer: run it as a panel would, until it is over, hangs, or goes on for ever."""

import contextlib
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import psutil

from helpers.observed import get_context
from helpers.runs.printed import Printed
from helpers.runs.runner import RUNNER, Attempt, Setting
from helpers.timeline import RUNNING, Timeline

QUIET = 10.0
"""Seconds without any event, and without any work on a core, after which a run hangs."""

WORK = 0.2
"""Seconds on a core that count as work. On a busy machine, a start alone may take ten seconds, but
what starts or computes gets some time on a core; what waits for ever gets none."""

LONGEST = 60.0
"""Seconds after which a run is stopped although something happens, such as one more try."""


class Seen(NamedTuple):
    """What was seen of one run of an answer.

    `timeline` is as it was when the answer returned, or when it was given up: what nobody has
    waited for is still alive in it. `returned` and `error` are what the answer has returned or
    raised. `printed` is what it has printed itself; `output` is what its children have printed.
    """

    timeline: Timeline
    returned: Any = None
    error: BaseException | None = None
    hung: bool = False
    endless: bool = False
    printed: Printed | None = None
    output: str = ""


def watch(
    answer: Callable,
    *arguments,
    method: str | None = None,
    context: Callable = get_context,
    is_enough: Callable[[Timeline], bool] | None = None,
) -> Seen:
    """Run an answer, called as `answer(mp, *arguments)`, and return what was seen.

    Args:
        answer: the student's function.
        arguments: what it is given besides its context.
        method: the start method; the course's default without it.
        context: what makes its first argument, given a start method: anything that has a
            `timeline()` and can `stop()`.
        is_enough: tells from a timeline that the answer will never end; it is stopped then.

    Raises:
        KeyboardInterrupt: if the kernel is interrupted meanwhile; everything has been ended then.
    """
    kept = _Kept(answer, arguments)
    attempt = Attempt(kept.run, Setting(method, {}), context)
    patience = _Patience(is_enough)

    def look(timeline):
        patience.look(timeline)
        if patience.is_over and not attempt.over.is_set():
            kept.timeline = timeline  # as it was before everything is ended
            attempt.stop()

    result = RUNNER.watch_here(attempt, look)
    if attempt.broken_off:  # where an interrupt does not wake us, it has only ended the run
        raise KeyboardInterrupt
    return Seen(
        timeline=kept.timeline or result.timeline,
        returned=kept.returned,
        error=None if patience.is_over else kept.error,
        hung=patience.is_quiet,
        endless=patience.is_endless,
        printed=result.printed,
        output=attempt.context.output() if hasattr(attempt.context, "output") else "",
    )


def watch_each(answer: Callable, methods: Iterable[str]) -> list[Seen]:
    """Run an answer by one start method after the other, until one run hangs or raises an error."""
    seen = []
    for method in methods:
        seen.append(watch(answer, method=method))
        if seen[-1].hung or seen[-1].error is not None:
            break
    return seen


class _Kept:
    """A student's function as an attempt runs it, and what became of it."""

    def __init__(self, answer, arguments):
        self.timeline = self.returned = self.error = None
        self._answer, self._arguments = answer, arguments

    def run(self, context):
        try:
            self.returned = self._answer(context, *self._arguments)
        except BaseException as error:
            self.error = error
            raise
        finally:  # what is left alive will be ended after this
            self.timeline = self.timeline or context.timeline()
        return self.returned


class _Patience:
    """Tells when a run has been quiet for too long, or is going on for too long."""

    def __init__(self, is_enough):
        self.is_quiet = self.is_endless = False
        self._is_enough = is_enough
        self._began = self._last = time.monotonic()
        self._events, self._work = 0, 0.0

    @property
    def is_over(self):
        return self.is_quiet or self.is_endless

    def look(self, timeline):
        """Look at a run that goes on."""
        if self.is_over:
            return
        now = time.monotonic()
        if self._has_moved(timeline):
            self._last = now
        self.is_quiet = now - self._last > QUIET
        goes_on = now - self._began > LONGEST
        goes_on |= self._is_enough is not None and self._is_enough(timeline)
        self.is_endless = goes_on and not self.is_quiet

    def _has_moved(self, timeline):
        """Tell whether there was an event since the last look, or some work on a core."""
        events, work = count_events(timeline), seconds_on_core(timeline)
        moved = events != self._events or work - self._work > WORK
        if moved:
            self._events, self._work = events, work
        return moved


def seconds_on_core(timeline: Timeline) -> float:
    """Return how long the processes that are alive have been on a core, all together."""
    seconds = 0.0
    for process in timeline.processes:
        if process.exitcode is None:
            with contextlib.suppress(psutil.Error):  # it has just ended, or is a thread of ours
                times = psutil.Process(process.pid).cpu_times()
                seconds += times.user + times.system
    return seconds


def count_events(timeline: Timeline) -> int:
    """Return the number of events that a timeline tells of, so that two can be compared."""
    moments = [
        *(moment for p in timeline.processes for moment in (p.born, p.ready, p.ended)),
        *(message.got for message in timeline.messages),
        *(moment for hold in timeline.holds for moment in (hold.got, hold.released)),
        *(wait.ended for wait in timeline.waits),
    ]
    lists = (
        timeline.tasks,
        timeline.processes,
        timeline.lines,
        timeline.messages,
        timeline.accesses,
        timeline.holds,
        timeline.waits,
        timeline.transfers,
        timeline.imports,
    )
    ended = int((timeline.tasks.outcome != RUNNING).sum())
    return sum(map(len, lists)) + ended + sum(not math.isnan(moment) for moment in moments)
