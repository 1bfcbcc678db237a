"""3.1: three workers, and no later than the longest task."""

from helpers import facts
from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.schedule import predict
from helpers.tasks import duration_of

TASKS, WORKERS = 5, 3
LONGEST = max(range(TASKS), key=duration_of)


class Exercise(exercise.Exercise):
    """Three workers are enough, if they begin with the right tasks."""

    number = "3.1"

    def facts(self, seen):
        t = seen.timeline
        order = [number_in(call) for call in facts.calls_in_order(t)]
        yield Fact(
            "All five tasks were done.",
            sorted(order) == list(range(TASKS)),
            f"The tasks {', '.join(map(str, sorted(order)))} were done, and 0 to 4 were asked for.",
        )
        yield Fact(
            "Three workers did them.",
            t.workers == WORKERS,
            f"{words.count(t.workers, 'worker')} can do it, too. Three are enough, if they begin "
            "with the right tasks."
            if t.workers > WORKERS
            else f"The pool had {words.count(t.workers, 'worker')}: this is about three.",
        )
        durations = [duration_of(number) for number in order]
        yield Fact(
            "",
            order[-1] != LONGEST,
            f"Task {LONGEST}, the longest, began last, and all wait for it.",
        )
        yield Fact(
            "In this order nobody is later than the longest task.",
            predict(durations, WORKERS).makespan <= max(durations),
            "In this order another task ends later than the longest: begin with the longest, then "
            "the next longest, and so on.",
        )


def number_in(call):
    """Return the number in the text of a call, such as `long_time_task(3)`."""
    return int(call.partition("(")[2].rstrip(")"))
