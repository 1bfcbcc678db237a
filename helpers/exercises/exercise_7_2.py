"""7.2: four children draw different numbers, and the same ones tomorrow."""

from helpers import machine
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch_each

CHILDREN = 4


class Exercise(exercise.Exercise):
    """Each child has a seed of its own, made from one number."""

    number = "7.2"

    def watch(self, answer):
        twice = [method for method in machine.start_methods() for _ in range(2)]
        return watch_each(answer, twice)

    def facts(self, *seen):
        yield Fact(
            "",
            not seen[-1].hung,
            "It hangs: for ten seconds nothing happened. Look at who waits, and for what.",
        )
        drawn = [numbers_in(run.returned) for run in seen]
        yield Fact(
            "Four children drew a number each.",
            all(len(run.timeline.processes) == CHILDREN for run in seen)
            and all(len(numbers) == CHILDREN for numbers in drawn),
            "Start four children, and return their four numbers.",
        )
        different = [len(set(numbers)) == CHILDREN for numbers in drawn]
        yield Fact(
            "",
            any(different),
            "Some drew the same number under each start method: they begin from the same seed.",
        )
        yield Fact(
            "All four numbers are different, under each start method.",
            all(different),
            "Under fork some drew the same: a forked child has a copy of the generator as it "
            "stands. Give each a seed of its own.",
        )
        yield Fact(
            "They are the same at each run, by whatever method.",
            all(numbers == drawn[0] for numbers in drawn),
            "They are different at the next run, so nobody can repeat yours: make each seed from "
            "one number and the child's.",
        )


def numbers_in(returned):
    """Return what was returned as a sorted list of numbers; empty if it is anything else."""
    try:
        return sorted(map(float, returned))
    except (TypeError, ValueError):
        return []
