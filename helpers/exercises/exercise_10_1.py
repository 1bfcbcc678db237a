"""10.1: the long work outside the lock."""

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

ADDITIONS, SECONDS = 12, 0.1
"""How often one is added, by all processes together, and the length of the work before each."""


class Exercise(exercise.Exercise):
    """Three processes add to one counter; only the read and the write lie under the lock."""

    number = "10.1"

    def facts(self, seen):
        t = seen.timeline
        yield Fact(
            "",
            bool(facts.shared_accesses(t)),
            "No child touched the counter: give each of them the mp.Value and the lock.",
        )
        bare = [a for a in facts.shared_accesses(t) if not facts.locks_held(t, a)]
        yield Fact(
            "",
            not bare or {a.action for a in bare} != {"read"},
            "You read before you had the lock: meanwhile others write, and updates are lost.",
        )
        yield Fact(
            "Nobody touched the counter without a lock.",
            not bare,
            "There was an access without a lock. That nothing was lost was luck.",
        )
        common = facts.locks_at_every_access(t, t.accesses[0].name)
        yield Fact(
            "It was the same lock each time.",
            bool(common),
            "Each has a lock of its own, so none keeps anybody out.",
        )
        written = [a.value for a in t.accesses if a.action == "wrote"]
        yield Fact(
            "Every number was written once.",
            written == list(map(str, range(1, len(written) + 1))),
            "You gave the lock back between the read and the write: a number was written twice.",
        )
        yield Fact(
            f"There were {ADDITIONS} additions.",
            len(written) == ADDITIONS,
            f"There were {len(written)} additions, and {ADDITIONS} were asked for.",
        )
        yield Fact(
            "The lock was held for a moment only: the long work lies outside.",
            facts.middle(hold.released - hold.got for hold in t.holds) < SECONDS / 2,
            "Still one at a time: the work lies under the lock.",
        )
