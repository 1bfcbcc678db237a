"""Record the charts of the question *Which mistake made this chart?*, which each lesson asks.

    python tools/mistakes.py [06 ...]   run the wrong answers anew, and keep their charts

Each chart is that of a wrong answer in `tests/answers/`, as the check shows it, and goes to
`notebooks/pictures/`. It is recorded, since the page must not name the mistake by its code; the
lesson says that it is. The verdict is printed, so that the lesson's text can be held against it.
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers.check import exercise_of
from helpers.exercises.verdict import Verdict, judge
from tests.answers import ANSWERS, Answer

PICTURES = Path(__file__).resolve().parent.parent / "notebooks" / "pictures"
MISTAKES = {
    "01": ("1.2", "two_children"),
    "02": ("2.1", "join_in_the_loop_that_starts"),
    "03": ("3.1", "in_the_given_order"),
    "04": ("4.1", "run_in_a_loop"),
    "05": ("5.2", "write_all_then_read"),
    "06": ("6.1", "one_sentinel"),
    "07": ("7.1", "a_lambda"),
    "08": ("8.1", "in_halves"),
    "09": ("9.1", "two_threads"),
    "10": ("10.1", "work_inside"),
    "11": ("11.1", "nothing_turned"),
    "12": ("12.2", "nothing_cancelled"),
    "13": ("13.1", "one_killed"),
    "14": ("14.1", "in_one_piece"),
}
"""For each lesson the exercise and the wrong answer whose chart it shows."""


def wrong_answer(lesson: str) -> Answer:
    """Return the wrong answer whose chart a lesson shows."""
    importlib.import_module(f"tests.answers.lesson_{lesson}")
    number, name = MISTAKES[lesson]
    return next(a for a in ANSWERS if (a.number, a.function.__name__) == (number, name))


def picture_of(lesson: str) -> Path:
    """Return the path of a lesson's picture."""
    return PICTURES / f"{lesson}_mistake.png"


def record(lesson: str) -> Verdict:
    """Run a lesson's wrong answer, keep its chart, and return the verdict."""
    answer = wrong_answer(lesson)
    verdict = judge(exercise_of(answer.number), answer.function)
    PICTURES.mkdir(exist_ok=True)
    picture_of(lesson).write_bytes(verdict.picture._repr_png_())
    return verdict


if __name__ == "__main__":
    for lesson in sys.argv[1:] or MISTAKES:
        verdict = record(lesson)
        print(f"{lesson}: {verdict.as_text()}\n{verdict.picture.alt}\n")
