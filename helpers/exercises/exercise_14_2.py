"""14.2: a question of your own, first without a pool."""

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact


class Exercise(exercise.Exercise):
    """The pool's answer equals the loop's. Nobody is refused for being slow."""

    number = "14.2"

    def facts(self, seen):
        t, returned = seen.timeline, seen.returned
        is_pair = isinstance(returned, tuple | list) and len(returned) == 2
        yield Fact(
            "",
            is_pair,
            "Return two things: the answer of your loop, and that of your pool.",
        )
        loop, pool = map(short, returned)
        yield Fact(
            "Your pool says the same as your loop.",
            bool(returned[0] == returned[1]),
            f"Your loop says {loop}, and your pool says {pool}.",
        )
        yield Fact(
            f"The pool had {words.count(t.workers, 'worker')}.",
            t.workers >= 2,
            "The pool had one worker: it cannot be quicker than the loop.",
        )
        yield Fact(
            f"They did {words.count(len(t.tasks), 'task')} and were at work for "
            f"{t.utilisation:.0%} of the time from the first task to the last.",
            len(t.tasks) >= 2,
            "There was one task, so one worker did it all: cut the work.",
        )


def short(value):
    """Return a value's text, cut to what fits into a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
