"""The gallery of an exercise: each right and wrong answer with its code, its chart, its verdict."""

import ast
import importlib
import inspect
from typing import NamedTuple

from helpers.check import exercise_of
from helpers.exercises.verdict import judge
from tests.answers import ANSWERS, Answer

DEFINITIONS = ast.FunctionDef, ast.ClassDef, ast.Assign


class Shown(NamedTuple):
    """An answer as a page shows it.

    `said` is the check's sentence, empty for a right answer; `chart` is HTML, empty where nothing
    was to be seen. `is_here` is false where this system lacks something for the exercise.
    """

    number: str
    is_right: bool
    code: str
    said: str
    chart: str
    is_here: bool


def answers_of(lesson: str) -> list[Answer]:
    """Return a lesson's answers: for each exercise the right ones, then the wrong ones.

    Args:
        lesson: the lesson's number with two digits, such as '03'.
    """
    importlib.import_module(f"tests.answers.lesson_{lesson}")
    own = [answer for answer in ANSWERS if int(answer.number.partition(".")[0]) == int(lesson)]
    return sorted(own, key=lambda answer: (answer.number, bool(answer.sentence)))


def show(lesson: str, place: int) -> Shown:
    """Run one of a lesson's answers and return what a page shows of it.

    Args:
        lesson: the lesson's number.
        place: the answer's place in `answers_of(lesson)`. Another process calls this, and a number
            can be sent to it where a marked function could not.
    """
    answer = answers_of(lesson)[place]
    verdict = judge(exercise_of(answer.number), answer.function)
    chart = "" if verdict.picture is None else verdict.picture._repr_html_()
    code = code_of(answer)
    is_right = not answer.sentence
    is_here = bool(verdict.seen)
    return Shown(answer.number, is_right, code, verdict.sentence, chart, is_here)


def code_of(answer: Answer) -> str:
    """Return the code of an answer: its function, and what this uses of the same file."""
    source = inspect.getsource(inspect.getmodule(answer.function))
    nodes = [node for node in ast.parse(source).body if isinstance(node, DEFINITIONS)]
    wanted = _names_needed(answer.function.__name__, nodes)
    own = [node for node in nodes if wanted & set(_names_of(node))]
    return "\n\n".join(ast.get_source_segment(source, node) for node in own)


def _names_needed(name: str, nodes: list[ast.stmt]) -> set[str]:
    """Return a name, and the names that its definition uses, and those that theirs use, …"""
    uses = {own: _words_in(node) for node in nodes for own in _names_of(node)}
    needed, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in needed:
            needed.add(one)
            waiting += uses.get(one, ())
    return needed


def _names_of(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name]


def _words_in(node: ast.stmt) -> set[str]:
    """Return the names that stand in a statement, its marks `@right` and `@wrong` left out."""
    parts = [node.args, *node.body] if isinstance(node, ast.FunctionDef) else [node]
    return {word.id for part in parts for word in ast.walk(part) if isinstance(word, ast.Name)}
