"""Watch an answer: run it as a panel would, until it is over, hangs, or goes on for ever."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from helpers.observed import get_context
from helpers.runs.printed import Printed
from helpers.runs.runner import RUNNER, Attempt, Setting
from helpers.timeline import RUNNING, Timeline

QUIET = 10.0
"""Seconds without any event after which a run hangs. A busy machine starts a process in four."""

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
    answer: Callable, *arguments, method: str | None = None, context: Callable = get_context
) -> Seen:
    """Run an answer, called as `answer(mp, *arguments)`, and return what was seen.

    Args:
        answer: the student's function.
        arguments: what it is given besides its context.
        method: the start method; the course's default without it.
        context: what makes its first argument, given a start method: anything that has a
            `timeline()` and can `stop()`.

    Raises:
        KeyboardInterrupt: if the kernel is interrupted meanwhile; everything has been ended then.
    """
    kept = _Kept(answer, arguments)
    attempt = Attempt(kept.run, Setting(method, {}), context)
    patience = _Patience()

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

    def __init__(self):
        self.is_quiet = self.is_endless = False
        self._began = self._last = time.monotonic()
        self._events = 0

    @property
    def is_over(self):
        return self.is_quiet or self.is_endless

    def look(self, timeline):
        now, events = time.monotonic(), count_events(timeline)
        if self.is_over:
            return
        if events != self._events:
            self._events, self._last = events, now
        self.is_quiet = now - self._last > QUIET
        self.is_endless = now - self._began > LONGEST and not self.is_quiet


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
