"""9.2: measure what a second worker gains, with the start-up left out."""

import numpy as np

from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch

COUNT = "count_primes("
"""The beginning of the calls that are measured."""


class Exercise(exercise.Exercise):
    """The same counts with one worker and with two; the clock begins when all are warm."""

    number = "9.2"
    call = "measure(mp, workers)"

    def watch(self, answer):
        return [watch(answer, 1), watch(answer, 2)]

    def facts(self, one, two):
        workers = [one.timeline.workers, two.timeline.workers]
        yield Fact(
            "The first pool had one worker, the second had two.",
            workers == [1, 2],
            f"Asked for 1 and then for 2 workers, your pools had {workers[0]} and {workers[1]}.",
        )
        done = [counted(seen.timeline) for seen in (one, two)]
        yield Fact(
            "Both did the same counts.",
            done[0] == done[1] != [],
            f"One worker counted {len(done[0])} times, two counted {len(done[1])} times: "
            "no comparison."
            if len(done[0]) != len(done[1])
            else "The two did different counts, or none: no comparison.",
        )
        yield Fact(
            "Before the first count, each worker was up and had had something to do.",
            all(is_warm(seen.timeline) for seen in (one, two)),
            "A count began before all workers were warm: let each of them take a short nap first, "
            "and wait for it.",
        )
        numbers = all(isinstance(seen.returned, int | float) for seen in (one, two))
        yield Fact("", numbers, "Return the seconds that the counts took, as one number.")
        yield Fact(
            "Your seconds begin after the start of Python.",
            all(seen.returned < since_asked(seen.timeline) for seen in (one, two)),
            "Your time holds the start of Python: start the clock when the workers are warm.",
        )


def counted(timeline):
    """Return the calls that are measured, in alphabetical order."""
    tasks = timeline.tasks
    return sorted(filter(is_count, map(tasks.call, range(len(tasks)))))


def is_count(call):
    return call.startswith(COUNT)


def is_warm(timeline):
    """Tell whether, before the first count, all were up and as many other tasks had ended."""
    tasks = timeline.tasks
    counts = np.array([is_count(tasks.call(i)) for i in range(len(tasks))])
    first = tasks.started[counts].min()
    warmed = int((tasks.finished[~counts] <= first).sum())
    return warmed >= timeline.workers and all(p.up <= first for p in timeline.processes)


def since_asked(timeline):
    """Return the seconds from the first process's start to the last end."""
    return timeline.total - min(p.asked for p in timeline.processes)
