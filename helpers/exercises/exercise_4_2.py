"""4.2: a command that works, one that fails, and one that never ends."""

import subprocess
import sys

from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.external import get_subprocess

WORKS = [sys.executable, "-c", "print('fine')"]
FAILS = [sys.executable, "-c", "import sys; sys.exit(3)"]
NEVER_ENDS = [sys.executable, "-c", "import time; time.sleep(3600)"]


class Exercise(exercise.Exercise):
    """What run has been told to look at, it tells."""

    number = "4.2"
    call = "careful(subprocess, command)"

    def watch(self, answer):
        commands = (WORKS, FAILS, NEVER_ENDS)
        return [watch(answer, c, context=lambda method: get_subprocess()) for c in commands]

    def picture(self, *seen):
        return super().picture(seen[-1])

    def facts(self, works, fails, endless):
        yield Fact(
            "Of the command that works you return what it printed.",
            str(works.returned).strip() == "fine",
            f"One command prints 'fine', and you return {works.returned!r:.60}: return its text.",
        )
        yield Fact(
            "Of the one that fails you return the error.",
            isinstance(fails.returned, subprocess.CalledProcessError),
            f"A command ended with exit code 3, and you return {fails.returned!r:.60}, as if all "
            "were well: run has to be told to look.",
        )
        yield Fact(
            "",
            not endless.hung,
            "One command never ends, and so neither do you: say how long you will wait.",
        )
        yield Fact(
            "Of the one that never ends you return the error, too.",
            isinstance(endless.returned, subprocess.TimeoutExpired),
            f"For the command that never ends you return {endless.returned!r:.60}: return the "
            "TimeoutExpired.",
        )
        yield Fact(
            "It lives no longer.",
            endless.timeline.alive == 0,
            "Your call came back, and the command lives on: kill it, and wait for its end.",
        )
