"""4.1: four commands at the same time, and somebody who waits for each."""

from helpers import facts
from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.external import get_subprocess

COMMANDS = 4


class Exercise(exercise.Exercise):
    """Start all, then wait for all; or let threads wait."""

    number = "4.1"
    call = "run(subprocess)"

    def watch(self, answer):
        return [watch(answer, context=lambda method: get_subprocess())]

    def facts(self, seen):
        t = seen.timeline
        codes = facts.exit_codes(t)
        yield Fact(
            "Four commands were started.",
            len(codes) == COMMANDS,
            f"You started {words.count(len(codes), 'command')}, and four were asked for. (What a "
            "shell starts in its turn, nobody here can wait for.)",
        )
        yield Fact(
            "All four were alive at one moment.",
            facts.alive_at_once(t.processes),
            "They were never all alive at one moment: run waits for the end of its command, and "
            "the next one was not asked for before. (A shell with & ends at once.)",
        )
        yield Fact(
            "You waited for each of them.",
            None not in codes,
            f"Of the four {codes.count(None)} still run as far as you know: wait for each.",
        )
        yield Fact(
            "All exit codes are 0.",
            set(codes) == {0},
            f"The exit codes were {', '.join(map(str, codes))}: let each come to its own end.",
        )
