"""14.1: count the calls in many files, on all cores."""

import ast
import os
from collections import Counter

from helpers import facts, machine
from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.tasks import LIBRARY, library_files

LARGEST_CHUNK = 4


def sample():
    """Return every thirtieth file of the standard library, by alphabet, and the largest of all."""
    sizes = library_files()
    return sorted({*sorted(sizes)[::30], max(sizes, key=sizes.get)})


def calls_in(file):
    """Count which names a file calls, as the answer should."""
    with open(os.path.join(LIBRARY, file), "rb") as source:
        calls = (node for node in ast.walk(ast.parse(source.read())) if type(node) is ast.Call)
        names = (getattr(call.func, "id", getattr(call.func, "attr", None)) for call in calls)
        return Counter(name for name in names if name)


class Exercise(exercise.Exercise):
    """The same answer as without a pool, small messages, the largest file first."""

    number = "14.1"
    call = "run(mp, files)"

    def __init__(self):
        self.files = sample()

    def watch(self, answer):
        return [watch(answer, self.files)]

    def facts(self, seen):
        t, cores = seen.timeline, machine.usable_cores().count
        large = len({transfer.began for transfer in t.transfers if transfer.action == "pickled"})
        yield Fact(
            "No large message came home.",
            not large,
            f"{words.count(large, 'large message')} came home: count where the file was read, "
            "and send back the counts.",
        )
        right = sum(map(calls_in, self.files), Counter())
        got = seen.returned if isinstance(seen.returned, dict) else {}
        other = next((n for n in sorted({*right, *got}) if right[n] != got.get(n, 0)), "")
        yield Fact(
            "The answer is the same as without a pool.",
            not other,
            f"{other}: {got.get(other, 0)} with your pool, {right[other]} without.",
        )
        yield Fact(
            "There were as many workers as cores.",
            t.workers == cores,
            f"{words.count(t.workers, 'worker')} on {words.count(cores, 'core')}.",
        )
        chunk = facts.most_tasks_in_a_message(t)
        yield Fact(
            "",
            chunk > 0,
            "Which tasks an executor sends in one message is not seen here: use mp.Pool.",
        )
        yield Fact(
            "",
            chunk <= LARGEST_CHUNK,
            f"One message held {chunk} files, and while they last nobody can help.",
        )
        largest = max(self.files, key=library_files().get)
        first = facts.calls_in_order(t)[: t.workers]
        yield Fact(
            "The largest file was among the first.",
            any(largest in call for call in first),
            f"The largest file, {largest}, was not among the first: all may have to wait for it.",
        )
