"""The gallery shows each answer's own code, and its verdict."""

import ast

import pytest

from helpers import progress
from teaching.gallery import answers_of, code_of, show
from teaching.teach import LESSONS

WITH_EXERCISES = sorted({f"{int(number.partition('.')[0]):02}" for number in progress.exercises()})


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_the_code_of_an_answer_is_python_and_holds_all_that_it_uses_of_its_file(lesson) -> None:
    for answer in answers_of(lesson):
        tree = ast.parse(code_of(answer))
        (own,) = [
            node for node in tree.body if getattr(node, "name", "") == answer.function.__name__
        ]
        assert own is tree.body[-1] or isinstance(own, ast.FunctionDef)
        assert "@right" not in code_of(answer)
        assert "@wrong" not in code_of(answer)


def test_the_code_of_an_answer_brings_the_functions_and_constants_that_they_use_in_turn() -> None:
    (answer,) = [a for a in answers_of("08") if a.function.__name__ == "in_halves"]
    names = [line.split("(")[0].split(" =")[0] for line in code_of(answer).splitlines()]
    assert [name for name in names if name[:1] not in ("", " ")] == [
        "NAPS",
        "def longest_first",
        "def in_halves",
    ]


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_each_exercise_has_right_answers_first_and_then_mistakes(lesson) -> None:
    answers = answers_of(lesson)
    for number in {answer.number for answer in answers}:
        wrong = [bool(answer.sentence) for answer in answers if answer.number == number]
        assert wrong == sorted(wrong)
        assert {*wrong} == {False, True}


def test_an_answer_is_shown_with_what_the_check_says_and_its_chart() -> None:
    place = [a.function.__name__ for a in answers_of("08")].index("in_halves")
    shown = show("08", place)
    assert (shown.number, shown.is_right, shown.is_here) == ("8.1", False, True)
    assert shown.said.startswith("One message held 8 tasks")
    assert 'class="chart"' in shown.chart


def test_each_lesson_with_exercises_has_its_page() -> None:
    assert {*WITH_EXERCISES} <= {*LESSONS}
