"""1.1: two forks, four greetings, and nobody is left behind."""

import os
from typing import NamedTuple

import psutil

from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import Seen
from helpers.forking import CAN_FORK, in_a_fork
from helpers.timeline import Tasks, Timeline

NUMBER_WORDS = {1: "One", 2: "Two", 3: "Three"}
CAME_BACK, LEFT = "\0came back", "\0left"
"""Lines that the check itself prints in the throwaway process; no answer begins one like that."""


class Forks(NamedTuple):
    """What was seen of an answer: the lines that were printed, and two counts.

    `came_back` are the children that returned from the function. `left` are those of whom the
    parent knew nothing when it returned: zombies, or still alive.
    """

    lines: list[str]
    came_back: int
    left: int


class Exercise(exercise.Exercise):
    """Both sides of a fork go on; a child ends by itself, and its parent waits for that."""

    number = "1.1"
    call = "run()"

    def missing(self):
        return "" if CAN_FORK else "There is no os.fork on this system."

    def watch(self, answer):
        nothing = Timeline(Tasks.from_columns([]))  # forks like these are in no timeline
        try:
            printed = in_a_fork(_call_and_look, answer).lines
        except TimeoutError:
            return [Seen(nothing, hung=True)]
        lines = [line for line in printed if not line.startswith("\0")]
        forks = Forks(lines, printed.count(CAME_BACK), printed.count(LEFT))
        return [Seen(nothing, returned=forks)]

    def has_started_something(self, seen):
        return seen.hung or len(seen.returned.lines) > 1

    def facts(self, seen):
        yield Fact(
            "",
            not seen.hung,
            "It did not come to its end: somebody waits for a process that is no child of his.",
        )
        lines, came_back, left = seen.returned
        yield Fact(
            "",
            not any("Error" in line for line in lines),
            f"A process ended with an error: {lines[-1]:.80}",
        )
        yield Fact(
            "",
            len(set(lines)) == len(lines),
            "A line came twice: a process said hello before it was forked, or again after it.",
        )
        yield Fact(
            "Four processes said hello.",
            len(lines) == 4,
            f"{NUMBER_WORDS.get(len(lines), len(lines))} said hello: the second fork stands where "
            "only one of the two comes."
            if len(lines) < 4
            else f"{len(lines)} lines were printed, and four greetings are wanted.",
        )
        yield Fact(
            "No child came back from your function.",
            not came_back,
            "A child came back from your function, and would go on with what is the parent's: end "
            "it by os._exit(0).",
        )
        yield Fact(
            "Nobody was left behind.",
            not left,
            "Everybody said hello, and a child is left behind, which becomes a zombie: who forks "
            "must wait.",
        )

    def picture(self, seen):
        return None


def _call_and_look(answer):
    """Call an answer in the throwaway process, then say who came back from it and who is left."""
    parent = os.getpid()
    answer()
    if os.getpid() != parent:
        print(CAME_BACK)
        return
    for _ in psutil.Process().children():
        print(LEFT)
