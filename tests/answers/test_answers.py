"""Right answers pass, and each wrong one gets its sentence, under each start method.

With CI=true all of them, and the right ones once more on a busy machine. Else a sample that changes
with the day; its seed stands in the names of the tests: see `SEED`.
"""

import ast
import datetime
import fnmatch
import importlib
import multiprocessing
import os
import random
import re
from pathlib import Path

import pytest

from helpers import progress
from helpers.check import load
from helpers.exercises import verdict
from tests.answers import ANSWERS, Answer
from tests.support.methods import AVAILABLE
from tests.support.workers import keep_a_core_busy

for file in sorted(Path(__file__).parent.glob("lesson_*.py")):
    importlib.import_module(f"tests.answers.{file.stem}")

ALL = os.environ.get("CI") == "true"
SEED = datetime.date.today().toordinal()
SAMPLE = 8
"""How many answers are tried in the default run."""

CASES = [(answer, method) for answer in ANSWERS for method in AVAILABLE]
TRIED = CASES if ALL else random.Random(SEED).sample(CASES, min(SAMPLE, len(CASES)))
EXERCISES = progress.exercises()


def matches(sentence: str, pattern: str) -> bool:
    """Tell whether a sentence is as expected; `*` in the pattern stands for anything."""
    return fnmatch.fnmatchcase(sentence, pattern.replace("[", "[[]"))


def judged(answer: Answer, method: str, monkeypatch: pytest.MonkeyPatch) -> verdict.Verdict:
    """The verdict on an answer, watched under a start method."""
    monkeypatch.setenv("START_METHOD", method)
    return verdict.judge(load(answer.number), answer.function)


def check_verdict(answer: Answer, found: verdict.Verdict) -> None:
    """The verdict is the one that the answer is marked with."""
    if found.state == verdict.NOT_HERE:
        pytest.skip(found.sentence)
    if answer.sentence:
        assert found.state == verdict.NOT_YET
        assert matches(found.sentence, answer.sentence), found.as_text()
    else:
        assert found.state == verdict.DONE, found.as_text()


@pytest.mark.parametrize(("answer", "method"), TRIED, ids=lambda it: f"{it}-seed{SEED}")
def test_answer_gets_its_verdict(
    answer: Answer, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_verdict(answer, judged(answer, method, monkeypatch))


@pytest.mark.slow
@pytest.mark.parametrize("answer", [a for a in ANSWERS if not a.sentence], ids=str)
def test_right_answer_is_accepted_on_a_busy_machine(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [multiprocessing.get_context("spawn").Process(target=keep_a_core_busy) for _ in range(4)]
    for process in busy:
        process.start()
    try:
        check_verdict(answer, judged(answer, "spawn", monkeypatch))
    finally:
        for process in busy:
            process.kill()
            process.join()


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
    tree = ast.parse(Path(load(number).facts.__code__.co_filename).read_text("utf-8"))
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
