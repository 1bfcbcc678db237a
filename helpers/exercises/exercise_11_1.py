"""11.1: three processes, three locks, two for each, and no circle."""

import math

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact


class Exercise(exercise.Exercise):
    """AB, BC, CA: one order is changed, so that nobody can wait for ever."""

    number = "11.1"

    def facts(self, seen):
        t = seen.timeline
        processes = len(t.processes)
        yield Fact(
            "There were three processes.", processes == 3, f"There were {processes} of them."
        )
        pairs = {process.pid: pairs_of(t, process.pid) for process in t.processes}
        yield Fact(
            "Each of them wanted a second lock while it held its first.",
            all(pairs.values()),
            "You took the second lock away from a process; the task was to keep both.",
        )
        kinds = {frozenset(pair) for of_one in pairs.values() for pair in of_one}
        yield Fact(
            "No two of them take the same two locks.",
            len(kinds) == 3,
            "Some take the same two locks: keep three different pairs, and change an order only.",
        )
        ended = {process.pid for process in t.processes if process.exitcode is not None}
        yield Fact(
            "",
            not any(math.isnan(hold.got) and hold.pid in ended for hold in t.holds),
            "A process did without its second lock.",
        )
        circle = ", ".join(facts.circle_of_locks(t))
        yield Fact(
            "There is no circle in the order of the locks.",
            not circle,
            f"Each holds what the next one wants: {circle}. So all wait for ever."
            if seen.hung
            else f"Nobody hung, and the circle is still there: {circle}.",
        )
        yield Fact(
            "All of them ended well.",
            facts.exit_codes(t) == [0, 0, 0],
            f"The exit codes were {facts.exit_codes(t)}; each process should end with 0.",
        )


def pairs_of(timeline, pid):
    """Return the pairs of locks of which a process wanted the second while it held the first."""
    own = [hold for hold in timeline.holds if hold.pid == pid]
    return facts.orders_of(own)
