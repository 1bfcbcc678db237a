"""13.2: a task that may be done twice."""

import tempfile
from collections import Counter
from pathlib import Path

from helpers.exercises import dask_here
from helpers.exercises.exercise import Fact

NUMBERS = range(6)


class Exercise(dask_here.DaskExercise):
    """Who writes over what is there does no harm when it is done again."""

    number = "13.2"
    call = "run(dask, folder)"

    def watch(self, answer):
        with tempfile.TemporaryDirectory() as folder:
            seen = self.watch_with_dask(answer, folder)
            self.lines = lines_in(folder)
        return [seen]

    def facts(self, seen):
        calls = Counter(map(seen.timeline.tasks.call, range(len(seen.timeline.tasks))))
        yield Fact(
            "Some call was made twice.",
            max(calls.values(), default=0) > 1,
            "No call was made twice: kill a worker that has results, while you hold their futures.",
        )
        wanted = [str(number * number) for number in NUMBERS]
        missing = [line for line in wanted if not self.lines[line]]
        yield Fact(
            "All six squares are in the folder.",
            not missing,
            f"{', '.join(missing)} cannot be found in the folder: write each square on a line of "
            "its own.",
        )
        twice = [line for line in wanted if self.lines[line] > 1]
        yield Fact(
            "Each of them is there once.",
            not twice,
            f"{', '.join(twice)} is there twice: what was done again has added to what it had "
            "written. Let it write over it, in a file of its own.",
        )
        other = sorted(self.lines.keys() - set(wanted))
        yield Fact(
            "Nothing else is there.",
            not other,
            f"{', '.join(map(repr, other))[:60]} should not be there: six squares were asked for.",
        )


def lines_in(folder):
    """Count the lines of all files in a folder."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return Counter(line for path in files for line in path.read_text("utf-8").splitlines())
