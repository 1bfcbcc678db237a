"""Why a run took longer than its predicted schedule: the difference, taken apart by name.

The makespan, from the first task's start to the last task's finish, is held against the makespan
that was predicted. A prediction knows nothing of workers that start late, of messages, and of too
few cores. Their cost is read off one lane, the one whose task finished last, because everybody had
to wait for that lane. Its time has no holes: the time until its own first task started, the tasks
themselves, and the gaps between them.
"""

import math
from typing import NamedTuple

import numpy as np

from helpers.chart.words import percent
from helpers.timeline import Timeline


class Parts(NamedTuple):
    """The parts of a difference, in seconds: they add up to the makespan minus the predicted one.

    late: from the first task's start until the lane that finished last began its own first task.
    waiting: how much longer its tasks took than predicted: tasks that compute take longer when they
        wait for a core. Less than zero if they were shorter.
    between: from the end of a task to the start of the next: queue and pickling, both ways.
    placing: the cost, or the gain, of this lane's tasks being others than those of the prediction's
        longest lane.
    """

    late: float
    waiting: float
    between: float
    placing: float


def difference(timeline: Timeline, predicted: Timeline) -> str:
    """Say in a sentence how the makespan differs from the predicted one, and why.

    The numbers are rounded so that the printed ones add up. Parts that round to nothing are not
    told.

    Args:
        timeline: a measured run, after its end.
        predicted: the schedule of the same tasks, from `predict(...)`.

    Raises:
        TypeError: for anything that is not a timeline.
        ValueError: if the first is a prediction or the second is none.
    """
    _check(timeline, predicted)
    if not len(timeline.tasks):
        return "No task ran, so there is nothing to hold against the prediction."
    if problem := _not_comparable(timeline, predicted):
        return f"{problem}, so the difference from the prediction is not taken apart."
    parts = parts_of(timeline, predicted)
    ends = np.cumsum([predicted.makespan, *parts])
    longest = max(ends[0], ends[-1])
    digits = max(2, 2 - math.floor(math.log10(longest))) if longest > 0 else 2
    ends = np.round(ends, digits)  # the ends, not the parts: so the printed parts add up

    def said(seconds):
        return f"{round(seconds, digits) + 0.0:.{digits}f} s".replace("-", "\N{MINUS SIGN}")

    change = round(ends[-1] - ends[0], digits)
    named = Parts(*(round(step, digits) for step in np.diff(ends)))
    told = [f"{said(seconds)} {name}" for seconds, name in _names(timeline, named) if seconds]
    if not told:
        return f"Makespan {said(ends[-1])}, as predicted."
    how = f"{said(abs(change))} {'more' if change >= 0 else 'less'}"
    return f"Makespan {said(ends[-1])} against {said(ends[0])} predicted. {how}: {', '.join(told)}."


def parts_of(timeline: Timeline, predicted: Timeline) -> Parts:
    """Take the time between the predicted makespan and the measured one apart.

    Both timelines must hold equally many tasks, all of them finished. Which measured task is which
    predicted one is not recorded, so they are paired by length: the longest with the longest.
    """
    tasks = timeline.tasks
    mine = _slowest_lane(timeline)
    took = tasks.finished - tasks.started
    expected = _paired_by_length(took, predicted)[mine]
    first, last = tasks.started[mine].min(), tasks.finished[mine].max()
    return Parts(
        late=float(first - tasks.started.min()),
        waiting=float((took[mine] - expected).sum()),
        between=float(last - first - took[mine].sum()),
        placing=float(expected.sum() - predicted.makespan),
    )


def _slowest_lane(timeline):
    """Return for each task whether it was in the lane that finished last."""
    tasks = timeline.tasks
    return tasks.lane == tasks.lane[np.argmax(tasks.finished)]


def _paired_by_length(took, predicted):
    """Return for each measured task the duration of its predicted partner, in seconds."""
    expected = np.empty(len(took))
    durations = predicted.tasks.finished - predicted.tasks.started
    expected[np.argsort(took, kind="stable")] = np.sort(durations)
    return expected


def _names(timeline, parts):
    """Return the parts, each with its name."""
    return [
        (parts.late, "because this worker started up later than the first"),
        (parts.waiting, _waiting(timeline, parts.waiting)),
        (parts.between, "between tasks"),
        (parts.placing, "because the tasks fell to other workers than predicted"),
    ]


def _waiting(timeline, seconds):
    """Return a name for the time that the slowest lane's tasks took beyond their prediction.

    Only tasks that compute are said to have waited for a core, and only if they were off the core
    for long enough.
    """
    if seconds <= 0:
        return "because tasks were shorter than predicted"
    tasks, mine = timeline.tasks, _slowest_lane(timeline)
    took = (tasks.finished - tasks.started)[mine]
    core = float((took * tasks.on_core[mine]).sum())  # nan if it is not known
    off_core, predicted = took.sum() - core, took.sum() - seconds
    share = "" if math.isnan(core) else f" (on a core {percent(core / took.sum())} of their time)"
    if core > predicted / 2 and off_core > seconds / 2:
        return f"waiting for a core{share}"
    return f"because tasks took longer than predicted{share}"


def _not_comparable(timeline, predicted):
    """Say why the two cannot be compared part by part; return an empty text if they can."""
    ran, expected = len(timeline.tasks), len(predicted.tasks)
    if ran != expected:
        return f"The run had {ran:,} and the prediction {expected:,} tasks"
    if not np.isfinite(timeline.tasks.finished).all():
        return "Not all tasks have finished"
    return ""


def _check(timeline, predicted):
    for given in (timeline, predicted):
        if not isinstance(given, Timeline):
            raise TypeError(
                "difference compares two timelines, such as mp.timeline() and predict([1.0], 2), "
                f"not {repr(given)[:80]}"
            )
    if timeline.predicted or not predicted.predicted:
        raise ValueError("give the measured timeline first and the predicted one second")
