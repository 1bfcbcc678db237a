"""5.2: a megabyte in, and the same megabyte out."""

import math

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.external import get_subprocess

DATA = b"plain sight " * 87_382  # a little more than a MiB


class Exercise(exercise.Exercise):
    """Who writes much must read meanwhile."""

    number = "5.2"
    call = "run(subprocess, data)"

    def watch(self, answer):
        return [watch(answer, DATA, context=lambda method: get_subprocess())]

    def facts(self, seen):
        t = seen.timeline
        stuck = {wait.reason for wait in t.waits if math.isnan(wait.ended)} if seen.hung else set()
        yield Fact(
            "",
            "end" not in stuck,
            "You wait for its end, and it cannot end while its pipe is full: read, then wait.",
        )
        yield Fact(
            "",
            "room" not in stuck,
            "You write and it writes, and nobody reads: two full pipes. Do both at once.",
        )
        yield Fact(
            "",
            "pipe" not in stuck,
            "You wait for its answer, and it waits for the rest of your question: write all of "
            "it, and close its input.",
        )
        yield Fact(
            "All came back as it went in.",
            seen.returned == DATA,
            f"{size_of(seen.returned):,} bytes came back, and {len(DATA):,} went in."
            if size_of(seen.returned) != len(DATA)
            else "What came back is not what went in.",
        )
        yield Fact(
            "The command ended by itself.",
            facts.exit_codes(t) == [0],
            f"Its exit code was {facts.exit_codes(t)[0]}: let it end by itself, and wait for that.",
        )


def size_of(returned):
    """Return how many bytes were returned."""
    return len(returned) if isinstance(returned, bytes | str) else 0
