"""7.1: the same answer under each start method."""

from helpers import machine
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch_each

EXPECTED = [True, True, False]
"""Which of 5, 50 and 500 are below 100."""


class Exercise(exercise.Exercise):
    """What a child needs is given to it; what the parent has set, it may not see."""

    number = "7.1"

    def watch(self, answer):
        return watch_each(answer, machine.start_methods())

    def about_error(self, error):
        text = str(error)
        if "lambda" in text or "local object" in text:
            return "A lambda, or a function in a function, has no name by which a child finds it."
        if "_io." in text:
            return "An open file does not travel: give its name, and open it in the child."
        return super().about_error(error)

    def facts(self, *seen):
        yield Fact(
            "",
            not seen[-1].hung,
            "It hangs: for ten seconds nothing happened. Look at who waits, and for what.",
        )
        for run, method in zip(seen, machine.start_methods(), strict=False):
            others = sum(other.returned == EXPECTED for other in seen)
            yield Fact(
                f"Under {method} the answer is right.",
                run.returned == EXPECTED,
                f"Under {method} the child has the file's value, and you return "
                f"{run.returned!r:.40}: pass it what it needs."
                if others
                else f"You return {run.returned!r:.40}, and {EXPECTED} is right.",
            )
