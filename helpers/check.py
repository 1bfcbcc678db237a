"""`check`: was I right? And `%%mine`, which keeps a cell's functions where children find them.

    from helpers.check import check

    def run(mp):
        ...

    check("10.1", run)

The check runs the answer, with observed processes, and asks facts of what it saw: who did what, in
which order, under which lock. It never asks for seconds. It shows what holds, one sentence about
the first thing that does not, and the chart in which to see it.
"""

import contextlib
import importlib
import inspect
import os
import traceback
from collections.abc import Callable
from pathlib import Path

from IPython import get_ipython
from IPython.core.error import UsageError
from IPython.core.magic import needs_local_scope, register_cell_magic
from IPython.display import HTML, display

from helpers import progress
from helpers.exercises.exercise import Exercise
from helpers.exercises.gaps import is_begun
from helpers.exercises.mine_cell import keep_cell
from helpers.exercises.verdict import NOT_JUDGED, Verdict, judge
from helpers.runs.runner import is_inside_a_run


def check(number: str, answer: Callable) -> None:
    """Run an answer to an exercise, and show what it did right, and what not.

    A check never raises: whatever the answer does, there is a sentence. What is done is kept in the
    student's own file of progress, see `helpers/progress.py`.

    Args:
        number: the exercise's, such as '10.1'.
        answer: your function, without brackets.

    Raises:
        KeyboardInterrupt: if you interrupt the kernel; everything it has started has ended then.
    """
    _checked(number, answer)


def points(number: str, answer: Callable, most: float = 1) -> float:
    """Check an answer, and return `most` if it is right, else 0.

    This is for the last line of a cell that an autograder reads, such as nbgrader's: the value is
    the score. See `docs/grading.md`. Meanwhile nothing reaches the standard error, which
    nbgrader would take for a failure, whoever has written to it.

    Args:
        number: the exercise's, such as '10.1'.
        answer: the student's function, without brackets.
        most: the points of a right answer.
    """
    with _no_standard_error():
        verdict = _checked(number, answer)
    return most if verdict is not None and verdict.counts_as_done else 0


def _checked(number, answer):
    """Check an answer, show what is found, and return the verdict; None if nothing was run."""
    if wrong := _wrong_use(number, answer):
        return print(wrong)
    exercise = exercise_of(number)
    if not is_begun(answer):
        return print(f"{number}: not begun.")
    if wrong := _wrong_parameters(exercise, answer):
        return print(wrong)
    shown = display(HTML(f'<div role="status">{number}: running …</div>'), display_id=True)
    try:
        verdict = judge(exercise, answer)
    except Exception as error:  # ours: nobody should think that it was the answer's
        traceback.print_exc()
        verdict = Verdict(number, NOT_JUDGED, sentence=_our_error(error))
    _show(verdict, shown)
    trouble = progress.note(number, verdict.counts_as_done, verdict.sentence)
    if trouble:
        print(trouble)
    return verdict


@contextlib.contextmanager
def _no_standard_error():
    """Let what this process and its children write to the standard error go nowhere meanwhile."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # children inherit it
    try:
        with open(nowhere, "w") as stream, contextlib.redirect_stderr(stream):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def exercise_of(number: str) -> Exercise:
    """Return an exercise by its number.

    Raises:
        KeyError: if there is none of that number.
    """
    if number not in progress.exercises():
        raise KeyError(number)
    module = importlib.import_module(f"helpers.exercises.exercise_{number.replace('.', '_')}")
    return module.Exercise()


def _wrong_use(number, answer):
    """Say what is wrong with the arguments of a check; nothing if they are right."""
    if is_inside_a_run():
        return "A check is for a cell of its own, not for a function that a panel or a check runs."
    numbers = progress.exercises()
    if number not in numbers:
        return f"There is no exercise {number!r}. There are {', '.join(numbers)}."
    if not callable(answer):
        return f"{number}: give your function's name without brackets: check({number!r}, run)."
    return ""


def _wrong_parameters(exercise, answer):
    """Say how an answer is called, if it cannot be called like that."""
    inside = exercise.call.rstrip(")").partition("(")[2]
    parameters = inside.split(", ") if inside else []
    signature = inspect.signature(answer)
    try:
        signature.bind(*parameters)
    except TypeError:
        return (
            f"{exercise.number}: the check would call {exercise.call}, but your function takes "
            f"{signature}; let the two agree."
        )
    return ""


def _our_error(error):
    return (
        f"The check itself has failed ({type(error).__name__}: {error}). This is no fault of your "
        "answer: please report it with the lines above."
    )


def _show(verdict, shown):
    """Show a verdict in place of what was shown while the answer ran, and the chart below it."""
    content = {"text/plain": verdict.as_text(), "text/html": verdict.as_html()}
    shown.update(content, raw=True)
    if verdict.picture is not None:
        display(verdict.picture)


@needs_local_scope
def mine(line: str, cell: str, local_ns: dict) -> None:
    """Keep what a cell defines in `helpers/mine.py`: the magic `%%mine`."""
    try:
        keep_cell(cell, local_ns)
    except SyntaxError as error:
        where = Path(error.filename).name if error.filename != "<unknown>" else "this cell"
        raise UsageError(f"{where}, line {error.lineno}: {error.msg}") from None
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None


if get_ipython() is not None:
    register_cell_magic(mine)
