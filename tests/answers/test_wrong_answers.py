"""Each wrong answer gets its sentence, and each sentence has a wrong answer."""

import ast
import re
from pathlib import Path

import pytest

from helpers import progress
from helpers.check import exercise_of
from tests.answers import ANSWERS, Answer
from tests.answers.judging import WRONG_CASES, check_verdict, judged, matches, name, to_be_tried

EXERCISES = progress.exercises()


@pytest.mark.parametrize(("answer", "method"), to_be_tried(WRONG_CASES), ids=name)
def test_wrong_answer_gets_its_sentence(
    answer: Answer, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_verdict(answer, judged(answer, method, monkeypatch))


@pytest.mark.parametrize("number", EXERCISES)
def test_exercise_has_right_and_wrong_answers(number: str) -> None:
    marks = [answer.sentence for answer in ANSWERS if answer.number == number]
    assert "" in marks
    assert any(marks)


@pytest.mark.parametrize("number", EXERCISES)
def test_each_sentence_is_provoked_by_some_wrong_answer(number: str) -> None:
    marks = [answer.sentence for answer in ANSWERS if answer.number == number]
    unheard = [
        pattern
        for pattern in sentences_of(number)
        if not any(re.fullmatch(pattern, mark, re.DOTALL) for mark in marks)
    ]
    assert unheard == []


def sentences_of(number: str) -> list[str]:
    """What an exercise's file may say where a fact does not hold, as regular expressions."""
    tree = ast.parse(Path(exercise_of(number).facts.__code__.co_filename).read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    facts = [call for call in calls if getattr(call.func, "id", "") == "Fact"]
    return [pattern for fact in facts for pattern in patterns_of(fact.args[2])]


def patterns_of(node: ast.expr) -> list[str]:
    """The texts that an expression may become, as regular expressions.

    Something that is computed stands for anything; where there is a choice, each of it is listed.
    """
    if isinstance(node, ast.Constant):
        return [re.escape(node.value)]
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.IfExp):
        return patterns_of(node.body) + patterns_of(node.orelse)
    raise AssertionError(f"write the sentence where the fact is: {ast.unparse(node)}")


def test_a_pattern_of_a_sentence_can_fail() -> None:
    node = ast.parse('f"{n} workers." if n else "None."', mode="eval").body
    assert [bool(re.fullmatch(p, "3 workers.")) for p in patterns_of(node)] == [True, False]
    assert matches("3 workers [of 4].", "* workers [of 4].")
    assert not matches("3 workers.", "4 workers.")
