"""12.2: the first answer wins."""

import numpy as np

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

MOST_BEGUN = 7
"""Two that run when the first ends, three that an executor has sent ahead, one more that begins
then, and one that begins while the others are being cancelled."""
NAPS = 0.9, 0.2, 0.8, 0.7, 0.6, 0.8, 0.9, 0.7, 0.8, 0.6


class Exercise(exercise.Exercise):
    """Take what comes first, and cancel what has not begun."""

    number = "12.2"

    def facts(self, seen):
        t = seen.timeline
        yield Fact(
            "Two workers did it.",
            t.workers == 2,
            f"{words.count(t.workers, 'worker')} did it; this is about two.",
        )
        yield Fact(
            "",
            t.alive == 0,
            "Processes live on after your answer: shut the executor down and wait for it.",
        )
        yield Fact("", len(t.tasks) > 0, "No nap has begun: submit all ten, then take the first.")
        winner = t.tasks[int(np.nanargmin(t.tasks.finished))]
        yield Fact(
            "You return what came first.",
            winner.call == f"nap({seen.returned})",
            f"What came first was that of {winner.call}, and you return {seen.returned!r:.40}.",
        )
        begun = len(t.tasks)
        yield Fact(
            f"Of ten naps {begun} began; the others were cancelled.",
            begun <= MOST_BEGUN,
            f"Of ten naps {begun} were done, and one was wanted: cancel all others when you have "
            "the first. (What has been sent to a worker cannot be cancelled.)",
        )
