"""12.1: say of each of eight what came of it, as it comes."""

import numpy as np

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.timeline import RAISED, RETURNED

NAPS = 0.9, 0.3, 0.6, "soon", 0.1, 0.75, 0.2, 0.7
"""What is submitted, in this order; nobody can sleep for 'soon'."""


class Exercise(exercise.Exercise):
    """As they are completed, the error among them."""

    number = "12.1"

    def about_error(self, error):
        if isinstance(error, TypeError) and "str" in str(error):
            return (
                "After the error you said nothing more: ask each future in a try of its own, and "
                "take what it raises for what came of it."
            )
        return super().about_error(error)

    def facts(self, seen):
        t = seen.timeline
        ended = int(np.isin(t.tasks.outcome, (RETURNED, RAISED)).sum())
        yield Fact(
            "All eight tasks came to an end, one of them with an error.",
            ended == len(NAPS),
            f"{words.count(ended, 'task')} came to an end, and eight were asked for.",
        )
        pairs = pairs_in(seen.returned)
        yield Fact(
            "You say something of each.",
            sorted(str(nap) for nap, _ in pairs) == sorted(map(str, NAPS)),
            "Return eight pairs, in each the argument and what came of it.",
        )
        said = [str(nap) for nap, _ in pairs]
        came = arguments_as_finished(t)
        yield Fact(
            "",
            said != list(map(str, NAPS)),
            "You say it in the order of submission: the first line had to wait for the slowest.",
        )
        yield Fact(
            "You say it as it comes.",
            all(abs(came.index(nap) - place) <= 1 for place, nap in enumerate(said)),
            "That is not the order in which they came: first the error or 0.1, at last 0.7.",
        )
        (error,) = [what for nap, what in pairs if nap == "soon"]
        yield Fact(
            "Of 'soon' you say its error.",
            "'str'" in str(error),
            "What you say of 'soon' does not tell its error: take the error itself.",
        )


def pairs_in(returned):
    """Return the pairs of a list of pairs; none if it is anything else."""
    try:
        return [(nap, what) for nap, what in returned]
    except (TypeError, ValueError):
        return []


def arguments_as_finished(timeline):
    """Return the arguments of the calls, in the order in which they came to their end."""
    tasks = timeline.tasks
    calls = [tasks.call(i) for i in np.argsort(tasks.finished, kind="stable")]
    return [call.partition("(")[2].rstrip(")").strip("'") for call in calls]
