"""3.2: what came of each task, the error included."""

import numpy as np

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.timeline import RAISED, RETURNED

TASKS, FAILS = 5, 2
MESSAGE = f"task {FAILS} has failed"


class Exercise(exercise.Exercise):
    """An error travels with its result, and is heard by whoever asks for that result."""

    number = "3.2"

    def about_error(self, error):
        if MESSAGE in str(error):
            return (
                f"The error of task {FAILS} ended your function, and four results that were fine "
                "are lost: catch it where you ask for this result."
            )
        return super().about_error(error)

    def facts(self, seen):
        t = seen.timeline
        over = int(np.isin(t.tasks.outcome, (RETURNED, RAISED)).sum())
        yield Fact(
            "All five tasks came to their end.",
            over == TASKS,
            f"Of five tasks {words.count(over, 'task')} came to an end: the end of `with` throws "
            "away what is not done yet, so ask for the results inside.",
        )
        returned = list(seen.returned) if isinstance(seen.returned, list | tuple) else []
        yield Fact(
            "",
            returned and not any(hasattr(one, "get") for one in returned),
            f"Nobody heard the error of task {FAILS}: ask each result for what came of it, and "
            "return that.",
        )
        yield Fact(
            "You return five things.",
            len(returned) == TASKS,
            f"You return {words.count(len(returned), 'thing')}, and there were five tasks: say of "
            "each what came of it.",
        )
        yield Fact(
            "One of them is the error.",
            MESSAGE in str(returned[FAILS]),
            f"What you return for task {FAILS} does not tell its error: return the error itself.",
        )
        fine = [f"task {number} is fine" for number in range(TASKS) if number != FAILS]
        yield Fact(
            "The other four are results, in the order of the tasks.",
            returned[:FAILS] + returned[FAILS + 1 :] == fine,
            "The other four are not the results of tasks 0, 1, 3 and 4, in this order.",
        )
