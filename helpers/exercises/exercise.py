"""An exercise: what is watched, and the facts that are asked of it.

An exercise is a file `exercise_10_1.py` in this folder with one class, named `Exercise`:

    class Exercise(exercise.Exercise):
        number = "10.1"

        def facts(self, seen):
            yield Fact("What is said where it holds.", <a truth>, "What is said where it does not.")

`docs/exercises.md` shows how to add one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

from helpers import facts
from helpers.exercises.watching import Seen, watch
from helpers.gantt import gantt

SERIAL = (
    "Nothing was started by what you were given: your code did the work itself, in this process, "
    "or took its processes from elsewhere."
)
HANGS = (
    "It hangs: for ten seconds nothing happened, and it was not over. "
    "Look in the chart who waits, and for what."
)
ENDLESS = "It went on and on, and was stopped after a minute: something begins again and again."


class Fact(NamedTuple):
    """Something that must be true of a run, and what to say.

    `claim` is the sentence if it holds; empty where it only rules out a mistake. `otherwise` is the
    sentence if it does not hold: what was seen, what follows from it, kindly.
    """

    claim: str
    holds: bool
    otherwise: str


class Exercise(ABC):
    """The task of one exercise: how an answer is watched, and what must be true of it."""

    number: str
    """The lesson's number and the exercise's, such as '10.1'."""

    call = "run(mp)"
    """How the check calls an answer; to be said where an answer cannot be called like that."""

    def missing(self) -> str:
        """Say in a sentence what this system lacks for this exercise; empty if nothing."""
        return ""

    def watch(self, answer: Callable) -> list[Seen]:
        """Run an answer, most often once, and return what was seen of each run."""
        return [watch(answer)]

    @abstractmethod
    def facts(self, *seen: Seen) -> Iterator[Fact]:
        """Yield the facts in the order in which they are asked; the first that fails speaks.

        Causes come before symptoms. A later fact may rely on the earlier ones.

        Args:
            seen: the runs that `watch` has returned.
        """

    def about_error(self, error: BaseException) -> str:
        """Say what an error means that the answer has raised."""
        text = str(error).partition("\n")[0]
        return f"Your code raised {type(error).__name__}{': ' if text else '.'}{text}"

    def has_started_something(self, seen: Seen) -> bool:
        """Tell whether an answer has started a process, or did all the work itself."""
        return bool(seen.timeline.processes)

    def picture(self, *seen: Seen):
        """Return the chart in which it is to be seen, or None if there is nothing to see."""
        return gantt(seen[0].timeline) if seen[0].timeline.processes else None

    def all_facts(self, *seen: Seen) -> Iterator[Fact]:
        """Yield the exercise's own facts between those that every exercise asks."""
        for run in seen:
            if run.error is not None:
                yield Fact("", False, self.about_error(run.error))
            yield Fact("", self.has_started_something(run), SERIAL)
            slip = facts.error_of_a_process(run.timeline)
            yield Fact("", not slip, f"A child raised {slip:.200}")
        yield from self.facts(*seen)
        for run in seen:
            yield Fact("", not run.hung, HANGS)
            yield Fact("", not run.endless, ENDLESS)
