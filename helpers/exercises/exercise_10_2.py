"""10.2: money between two accounts, under a lock for each."""

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

MONEY = 200
"""What both accounts hold together, before and after."""


class Exercise(exercise.Exercise):
    """Three processes move money; each account has its lock, and nobody can wait for ever."""

    number = "10.2"

    def facts(self, seen):
        t = seen.timeline
        accounts = sorted({access.name for access in facts.shared_accesses(t)})
        yield Fact(
            "Both accounts were used.",
            len(accounts) == 2,
            f"{len(accounts)} mp.Value was used by processes, and there are two accounts.",
        )
        yield Fact(
            "Each account was touched under one and the same lock.",
            all(facts.locks_at_every_access(t, account) for account in accounts),
            "An account was touched without its lock, or each time under another one. "
            "That nothing was lost was luck.",
        )
        circle = facts.circle_of_locks(t)
        yield Fact(
            "Nobody took the locks in a circle.",
            not circle,
            f"One process took {' and then '.join(circle)}, another one the other way round: "
            "with bad luck both wait for ever.",
        )
        yield Fact(
            "No money was lost, and none was made.",
            seen.returned == MONEY,
            f"There were {MONEY} at first, and at last there were {seen.returned}.",
        )
        yield Fact(
            "Three processes did it, and all ended well.",
            facts.exit_codes(t) == [0, 0, 0],
            f"The exit codes were {facts.exit_codes(t)}; three processes should end with 0.",
        )
