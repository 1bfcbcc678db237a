"""9.1: eight naps and eight counts of primes, each on what suits it."""

import sys

from helpers import machine
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

TASKS = 8


class Exercise(exercise.Exercise):
    """Threads wait, processes compute."""

    number = "9.1"

    def facts(self, seen):
        t = seen.timeline
        naps, counts = lanes_of(t, "nap("), lanes_of(t, "count_primes(")
        yield Fact(
            "There were eight naps and eight counts.",
            (len(naps), len(counts)) == (TASKS, TASKS),
            f"There were {len(naps)} naps and {len(counts)} counts of primes, and {TASKS} of each "
            "were asked for.",
        )
        roles = {process.lane: process.role for process in t.processes}
        yield Fact(
            "The naps were in threads.",
            all(roles[lane] == "thread" for lane in naps),
            "Whole Pythons were started to sleep: a thread can do that.",
        )
        yield Fact(
            "All naps were taken at once.",
            len(set(naps)) == TASKS,
            f"Only {len(set(naps))} could sleep at once, and a thread that waits costs little.",
        )
        yield Fact(
            "The counts were in processes.",
            has_no_gil() or all(roles[lane] != "thread" for lane in counts),
            "The counts were threads of one process: they computed in turns.",
        )
        cores = machine.usable_cores().count
        workers = sum(process.role != "thread" for process in t.processes)
        yield Fact(
            "",
            has_no_gil() or workers >= min(2, cores),
            "One process counted alone, and the other cores had nothing to do.",
        )
        yield Fact(
            "There were no more of them than there are cores.",
            workers <= cores,
            f"There were {workers} processes, and {cores} cores are yours: the others had to wait.",
        )


def lanes_of(timeline, beginning):
    """Return the lane of each task whose call begins like this."""
    tasks = timeline.tasks
    calls = enumerate(map(tasks.call, range(len(tasks))))
    return [int(tasks.lane[i]) for i, call in calls if call.startswith(beginning)]


def has_no_gil():
    """Tell whether this Python lets threads compute at the same time."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()
