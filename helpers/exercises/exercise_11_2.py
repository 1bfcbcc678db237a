"""11.2: every result, in spite of a worker that dies."""

from concurrent.futures.process import BrokenProcessPool

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.timeline import RETURNED

TASKS, DOOMED, MOST_TRIES = range(5), 2, 3
"""The tasks' numbers, the one that dies, and how often it may be tried."""


class Exercise(exercise.Exercise):
    """Four tasks return once each; the fifth dies each time, and is given up after three tries."""

    number = "11.2"

    def watch(self, answer):
        return [watch(answer, is_enough=lambda t: len(outcomes(t, DOOMED)) > MOST_TRIES)]

    def about_error(self, error):
        if isinstance(error, BrokenProcessPool):
            return (
                "Your code raised BrokenProcessPool, and nothing caught it: catch it where you ask "
                "for a result, and make a new executor, since this one stays broken."
            )
        return super().about_error(error)

    def facts(self, seen):
        tries = len(outcomes(seen.timeline, DOOMED))
        yield Fact(
            f"Task {DOOMED} was tried {MOST_TRIES} times at most.",
            tries <= MOST_TRIES,
            f"Task {DOOMED} dies each time, and you tried for the {tries}th time; "
            "somebody must give up.",
        )
        yield Fact(
            "It was tried more than once.",
            tries > 1,
            f"Task {DOOMED} was tried {words.count(tries, 'time')}; "
            "the first may have been bad luck.",
        )
        returned = list(seen.returned or [])
        yield Fact(
            "You return five things.",
            len(returned) == len(TASKS),
            f"You return {len(returned)} things: say of each of the {len(TASKS)} tasks what came "
            f"of it, of doomed_task({DOOMED}), too.",
        )
        missing = [i for i in TASKS if i != DOOMED and returned[i] != f"task {i} is fine"]
        yield Fact(
            "The four others have their results.",
            not missing,
            f"doomed_task({(missing or [0])[0]}) has no result, and nothing is wrong with it: it "
            "went down with its neighbour. Try each task alone.",
        )
        twice = [i for i in TASKS if outcomes(seen.timeline, i).count(RETURNED) > 1]
        yield Fact(
            "Nothing was done twice.",
            not twice,
            f"doomed_task({(twice or [0])[0]}) was done twice: try again only what is missing.",
        )
        yield Fact(
            "No process is left.",
            seen.timeline.alive == 0,
            "Processes live on after your answer: shut each executor down.",
        )


def outcomes(timeline, number):
    """Return how each try of a task ended."""
    tasks = timeline.tasks
    call = f"doomed_task({number})"
    return [int(tasks.outcome[i]) for i in range(len(tasks)) if tasks.call(i) == call]
