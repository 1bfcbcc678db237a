"""8.1: sixteen tasks, two workers, and nobody waits long."""

import numpy as np

from helpers import facts
from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.timeline import RETURNED

TASKS, LARGEST_CHUNK = 16, 2


class Exercise(exercise.Exercise):
    """Small chunks, and the longest task first."""

    number = "8.1"

    def facts(self, seen):
        t = seen.timeline
        returned = int(np.count_nonzero(t.tasks.outcome == RETURNED))
        yield Fact(
            "All sixteen tasks returned.",
            returned == TASKS,
            f"{returned} tasks returned, and {TASKS} were asked for.",
        )
        yield Fact(
            "Two workers did it.",
            t.workers == 2,
            f"The pool had {words.count(t.workers, 'worker')}: this is about two.",
        )
        chunk = facts.most_tasks_in_a_message(t)
        yield Fact(
            "",
            chunk > 0,
            "Which tasks an executor sends in one message is not seen here: use mp.Pool.",
        )
        yield Fact(
            f"No message held more than {LARGEST_CHUNK} tasks.",
            chunk <= LARGEST_CHUNK,
            f"One message held {chunk} tasks, and nobody can help the worker that has it.",
        )
        first, last = facts.calls_in_order(t)[:2], facts.calls_in_order(t)[-2:]
        longest = max(facts.calls_in_order(t), key=length_of)
        yield Fact(
            "The longest task was among the first two to begin.",
            longest in first,
            "The longest began last, and at the end one worker waits for the other."
            if longest in last
            else "The longest began late: begin with it, and fill the gaps with short ones.",
        )


def length_of(call):
    """Return the seconds in the text of a call, such as `nap(0.3)`."""
    return float(call.partition("(")[2].rstrip(")"))
