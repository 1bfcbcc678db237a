"""13.1: two workers die at work, and all results come."""

import math

from helpers.chart import words
from helpers.exercises import dask_here
from helpers.exercises.exercise import Fact
from helpers.timeline import LOST

NAPS, LOSSES = 8, 2


class Exercise(dask_here.DaskExercise):
    """What a lost worker had in hand is done again elsewhere."""

    number = "13.1"

    def about_error(self, error):
        if type(error).__name__ == "KilledWorker":
            return (
                "KilledWorker: the scheduler was told to give a task up when its worker dies; let "
                "it try again elsewhere."
            )
        return super().about_error(error)

    def facts(self, seen):
        t = seen.timeline
        lost = sum(math.isfinite(process.ended) for process in t.processes)
        cut_short = int((t.tasks.outcome == LOST).sum())
        yield Fact(
            "",
            lost > 0,
            "No worker was lost: kill two in the middle of their work.",
        )
        yield Fact(
            "A worker was lost in the middle of its work.",
            cut_short > 0,
            "A worker was killed when it had nothing in hand: too late, so nothing had to be done "
            "again.",
        )
        yield Fact(
            "Two workers were lost.",
            lost == LOSSES,
            f"{words.count(lost, 'worker')} was lost, and two were asked for."
            if lost < LOSSES
            else f"{words.count(lost, 'worker')} were lost, and two were asked for.",
        )
        results = list(seen.returned or [])
        yield Fact(
            "And yet you have all eight results.",
            len(results) == NAPS,
            f"You return {words.count(len(results), 'result')} of {NAPS}: ask each future.",
        )
