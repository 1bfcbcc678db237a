"""8.2: four sums over two million numbers each, and no large message."""

from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

NUMBERS = 8_000_000
TOTAL = NUMBERS * (NUMBERS - 1) // 2
"""The sum of all numbers from 0 to NUMBERS - 1; Gauss is said to have found this as a schoolboy."""


class Exercise(exercise.Exercise):
    """A task is told which numbers it has, and sends back its sum, nothing else."""

    number = "8.2"

    def facts(self, seen):
        t = seen.timeline
        yield Fact(
            "The sum is right.",
            seen.returned == TOTAL,
            f"The sum is {TOTAL:,}, and you return {short(seen.returned)}.",
        )
        yield Fact(
            "There were four tasks.",
            len(t.tasks) == 4,
            f"There was {len(t.tasks)} task; cut the work in four, or one worker does it all."
            if len(t.tasks) < 2
            else f"There were {len(t.tasks)} tasks, and four were asked for.",
        )
        yield Fact(
            "The pool had two workers or more.",
            t.workers >= 2,
            "The pool had one worker, which did it all.",
        )
        large = {transfer.action for transfer in t.transfers}
        yield Fact(
            "",
            "unpickled" not in large,
            "Large messages went to the workers: send where a piece begins and ends, "
            "not its numbers.",
        )
        yield Fact(
            "No large message went through the pool.",
            not large,
            "A worker sent back what nobody needs: sum up there.",
        )


def short(value):
    """Return a value's text, cut to what fits into a sentence."""
    text = f"{value:,}" if isinstance(value, int) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
