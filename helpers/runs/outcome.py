"""A run in words: how it ended, and how long it may still take."""

import numpy as np

from helpers.chart import words
from helpers.chart.scene import Scene
from helpers.runs.difference import difference
from helpers.runs.runner import INTERRUPTED, LEFT_BEHIND, STOPPED, Result
from helpers.timeline import EXITED, RAISED, RETURNED, RUNNING, Timeline

HOW_IT_ENDED = {
    STOPPED: "stopped. The chart shows what had happened until then{so_far}.",
    INTERRUPTED: "interrupted. The chart shows what had happened until then{so_far}.",
    LEFT_BEHIND: (
        "stopped. The processes of its context have ended, but your function is stuck in something "
        "else; it was left behind, and what it still does is not shown."
    ),
}


def outcome(
    result: Result,
    predicted: Timeline | None = None,
    guess: float | None = None,
    expected: int = 0,
) -> str:
    """Say in a line how a run ended, and which processes it has left.

    Args:
        result: the run.
        predicted: its schedule, from `predict(...)`: the difference is taken apart.
        guess: the makespan that the student expected, in seconds.
        expected: how many tasks there would have been without the trouble; 0 if that is not known.
    """
    return _how_it_ended(result, predicted, guess, expected) + _still_running(result.others)


def _still_running(pids):
    """Name processes that nobody ends, since the run's own context has not started them."""
    if not pids:
        return ""
    return (
        f" Still running: {words.count(len(pids), 'process')} that did not come from "
        f"the run's own context (pid {', '.join(map(str, pids))}). What ends them: "
        f"import psutil; [psutil.Process(pid).kill() for pid in {list(pids)}]"
    )


def _how_it_ended(result, predicted, guess, expected):
    if result.trouble in HOW_IT_ENDED:
        how = HOW_IT_ENDED[result.trouble].format(so_far=_so_far(result.timeline, expected))
        return f"{result.setting}: {how}"
    if result.trouble:
        return f"{result.setting}: {result.trouble}"
    said = f"{words.title(Scene(result.timeline))}."
    if not len(result.timeline.tasks):
        return said
    if guess is not None:
        took = words.seconds(result.timeline.makespan)
        said += f" You said {words.seconds(guess)}; it took {took}."
    if predicted is not None:
        said += f" {difference(result.timeline, predicted)}"
    return said


def _so_far(timeline, expected):
    """Return how many tasks were done, and of how many if that is known."""
    ended = np.isin(timeline.tasks.outcome, (RETURNED, RAISED, EXITED))
    done = int(np.count_nonzero(ended))
    if expected >= max(len(ended), 1):
        return f": {done:,} of {words.count(expected, 'task')} done"
    return f": {words.count(done, 'task')} done" if len(ended) else ""


def to_go(timeline: Timeline, expected: int, predicted: Timeline | None = None) -> str:
    """Say how long a run may still take: as predicted, else as its tasks have taken so far.

    Args:
        timeline: the run until now.
        expected: how many tasks it will have.
        predicted: its schedule, from `predict(...)`.

    Returns:
        Such as `, about 1.20 s to go`; nothing before the first task is done, or after the last.
    """
    running = timeline.tasks.outcome == RUNNING
    done = int(np.count_nonzero(~running))
    if not 0 < done < expected:
        return ""
    if predicted is not None:
        left = max(0.0, predicted.makespan - (timeline.now - Scene(timeline).first_start))
    else:
        left = _time_left(timeline, running, expected - len(running))
    return f", about {words.seconds(left)} to go"


def _time_left(timeline, running, to_come):
    """Return the seconds that are left if every task takes as long as those that are done.

    First the tasks under way end; then the lanes take one task each, round after round.
    """
    tasks = timeline.tasks
    usual = float(np.nanmean((tasks.finished - tasks.started)[~running]))
    under_way = np.maximum(0.0, usual - (timeline.now - tasks.started[running]))
    idle = [0.0] * (timeline.workers - len(under_way))
    free = sorted([*idle, *under_way.tolist()]) or [0.0]  # when each lane is free, in seconds
    rounds, others = divmod(to_come, len(free))
    last = free[others - 1] + usual if others else 0.0
    return rounds * usual + max(free[-1], last)
