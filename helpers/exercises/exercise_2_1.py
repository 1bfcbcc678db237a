"""2.1: three children meet, so all three must be there at one moment."""

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

CHILDREN = 3


class Exercise(exercise.Exercise):
    """First start all, then wait for all."""

    number = "2.1"

    def has_started_something(self, seen):
        # Who calls the function waits at the barrier, alone and for ever: that gets its own words.
        return seen.hung or super().has_started_something(seen)

    def facts(self, seen):
        t = seen.timeline
        children, codes = t.processes, facts.exit_codes(t)
        yield Fact(
            "",
            bool(children),
            "Your code called the function itself, and waits at the barrier; a child should: give "
            "its name, without brackets.",
        )
        yield Fact(
            "",
            not (seen.hung and len(children) == 1),
            "The first child waits for the other two, and your loop waits for the first.",
        )
        yield Fact(
            "There were three children.",
            len(children) == CHILDREN,
            f"The number of children was {len(children)}, and the barrier is for three.",
        )
        ended_by_force = [code for code in codes if code is not None and code < 0]
        yield Fact(
            "",
            not ended_by_force,
            f"Exit code {(ended_by_force or [0])[0]}: they were ended before they were done.",
        )
        yield Fact(
            "You waited for the end of each of them.",
            None not in codes,
            "Somebody waits at the barrier for one who never comes."
            if seen.hung
            else f"Of three children {codes.count(None)} had not ended when you were done: join "
            "each of them.",
        )
        met = sum(call.startswith("meet(") for call in facts.calls_in_order(t))
        yield Fact(
            "Each of them went to the barrier.",
            met == CHILDREN,
            f"{met} of them went to the barrier: the target is meet.",
        )
        yield Fact(
            "All three were there at one moment.",
            facts.alive_at_once(children),
            "They were never all there at one moment: one came after the other, and none met.",
        )
