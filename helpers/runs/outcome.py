"""A run in words: how it ended, and how long it may still take."""

from helpers.chart import words
from helpers.chart.scene import Scene
from helpers.runs.difference import difference
from helpers.runs.runner import INTERRUPTED, LEFT_BEHIND, STOPPED, Result
from helpers.timeline import Timeline

HOW_IT_ENDED = {
    STOPPED: "stopped. The chart shows what had happened until then.",
    INTERRUPTED: "interrupted. The chart shows what had happened until then.",
    LEFT_BEHIND: (
        "stopped. Its processes have ended, but your function is stuck in something else; "
        "it was left behind, and what it still does is not shown."
    ),
}


def outcome(result: Result, predicted: Timeline | None = None, guess: float | None = None) -> str:
    """Say in a line how a run ended.

    Args:
        result: the run.
        predicted: its schedule, from `predict(...)`: the difference is taken apart.
        guess: the makespan that the student expected, in seconds.
    """
    if result.trouble:
        return f"{result.setting}: {HOW_IT_ENDED.get(result.trouble, result.trouble)}"
    said = f"{words.title(Scene(result.timeline))}."
    if not len(result.timeline.tasks):
        return said
    if guess is not None:
        took = words.seconds(result.timeline.makespan)
        said += f" You said {words.seconds(guess)}; it took {took}."
    if predicted is not None:
        said += f" {difference(result.timeline, predicted)}"
    return said


def to_go(timeline: Timeline, share: float, predicted: Timeline | None = None) -> str:
    """Say how long a run may still take: as predicted, else as it went so far.

    Args:
        timeline: the run until now.
        share: how much of it is done, from 0 to 1.
        predicted: its schedule, from `predict(...)`.

    Returns:
        Such as `, about 1.20 s to go`; nothing where it cannot be told.
    """
    if not 0 < share < 1:
        return ""
    so_far = timeline.now - Scene(timeline).first_start
    left = so_far * (1 - share) / share
    if predicted is not None:
        left = max(0.0, predicted.makespan - so_far)
    return f", about {words.seconds(left)} to go"
