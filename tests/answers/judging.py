"""What the tests of answers share: which are tried, and how a verdict is held against its mark.

With CI=true all answers are tried: right ones under each start method, a wrong one under one that
changes with the day. Else a sample is tried that changes with the day. The seed stands in the names
of the tests: see `SEED`.
"""

import datetime
import fnmatch
import importlib
import os
import random
from pathlib import Path

import pytest

from helpers.check import exercise_of
from helpers.exercises import verdict
from tests.answers import ANSWERS, Answer
from tests.support.methods import AVAILABLE

for file in sorted(Path(__file__).parent.glob("lesson_*.py")):
    importlib.import_module(f"tests.answers.{file.stem}")

SEED = datetime.date.today().toordinal()
SAMPLE = 4
"""How many right answers and how many wrong ones are tried in the default run."""

RIGHT = [answer for answer in ANSWERS if not answer.sentence]
WRONG = [answer for answer in ANSWERS if answer.sentence]
_dice = random.Random(SEED)
RIGHT_CASES = [(answer, method) for answer in RIGHT for method in AVAILABLE]
WRONG_CASES = [(answer, _dice.choice(AVAILABLE)) for answer in WRONG]


def name(value: object) -> str:
    """The name of a parameter in a test's name."""
    return f"{value}-seed{SEED}" if isinstance(value, str) else str(value)


def to_be_tried(cases: list[tuple[Answer, str]]) -> list[tuple[Answer, str]]:
    """All cases with CI=true, else a sample."""
    return cases if os.environ.get("CI") == "true" else _dice.sample(cases, SAMPLE)


def matches(sentence: str, pattern: str) -> bool:
    """Tell whether a sentence is as expected; `*` in the pattern stands for anything."""
    return fnmatch.fnmatchcase(sentence, pattern.replace("[", "[[]"))


def judged(answer: Answer, method: str, monkeypatch: pytest.MonkeyPatch) -> verdict.Verdict:
    """The verdict on an answer, watched under a start method."""
    monkeypatch.setenv("START_METHOD", method)
    return verdict.judge(exercise_of(answer.number), answer.function)


def check_verdict(answer: Answer, found: verdict.Verdict) -> None:
    """The verdict is the one that the answer is marked with."""
    if found.state == verdict.NOT_HERE:
        pytest.skip(found.sentence)
    if answer.sentence:
        assert found.state == verdict.NOT_YET
        assert matches(found.sentence, answer.sentence), found.as_text()
    else:
        assert found.state == verdict.DONE, found.as_text()
