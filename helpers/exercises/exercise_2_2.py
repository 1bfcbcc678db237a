"""2.2: three children, three ends, and their exit codes."""

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

ENDS = [-15, 0, 3]


class Exercise(exercise.Exercise):
    """An exit code exists after the end, and says how it came."""

    number = "2.2"

    def facts(self, seen):
        t = seen.timeline
        codes = facts.exit_codes(t)
        returned = seen.returned if isinstance(seen.returned, dict) else {}
        yield Fact(
            "There were three children.",
            len(codes) == len(ENDS),
            f"The number of children was {len(codes)}: start one for each of the three ends.",
        )
        yield Fact(
            "",
            -9 not in codes,
            "-9 is another signal, that of kill: nobody can tidy up after it. Use terminate.",
        )
        yield Fact(
            "",
            None not in returned.values(),
            "You returned None: a child had not ended when you asked. Join it first.",
        )
        yield Fact(
            "You waited for the end of each of them.",
            None not in codes,
            "A child had not ended when your function returned: join each of them.",
        )
        yield Fact(
            "",
            1 not in codes,
            "One ended with 1: a text as exit code is printed and becomes 1, and so does an error.",
        )
        yield Fact(
            "One ended with 0, one with 3, one by terminate.",
            sorted(codes) == ENDS,
            f"The exit codes were {', '.join(map(str, codes))}; 0, 3 and -15 were asked for.",
        )
        yield Fact(
            "What you return is what the system says.",
            returned == {process.name: process.exitcode for process in t.processes},
            "Return a dict with each child's name and its exit code: {p.name: p.exitcode, …}.",
        )
