"""Each lesson asks *Which mistake made this chart?*, with a recorded chart and true answers."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tools.mistakes import MISTAKES, picture_of, wrong_answer

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
LESSONS = [f"{number:02d}" for number in range(1, 15)]
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>pictures/[^)]*)\)")


def quiz_of(lesson: str) -> str:
    """The text of a lesson's questions, on one line."""
    (notebook,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    texts = ["".join(c["source"]) for c in json.loads(notebook.read_text("utf-8"))["cells"]]
    (quiz,) = [text for text in texts if text.startswith("## Check yourself, 1 min")]
    return " ".join(quiz.split())


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_asks_three_questions_with_folded_answers(lesson: str) -> None:
    questions = re.split(r"\*\*[^*]+\?\*\*", quiz_of(lesson))[1:]
    assert len(questions) == 3
    assert all(question.count("<details>") >= 2 for question in questions)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_chart_of_a_mistake_is_shown_in_words_too_and_said_to_be_recorded(lesson: str) -> None:
    last = quiz_of(lesson).rpartition("**Which mistake made this chart?**")[2]
    shown = PICTURE.search(last)
    assert shown["path"] == f"pictures/{picture_of(lesson).name}"
    assert len(shown["alt"].split()) >= 12
    assert "recorded" in last[: shown.start()]
    with Image.open(picture_of(lesson)) as picture:
        assert picture.width >= 600


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_right_guess_says_what_the_check_says(lesson: str) -> None:
    """In the sentence that the wrong answer is marked with, `*` stands for anything."""
    last = quiz_of(lesson).rpartition("**Which mistake made this chart?**")[2]
    inside = re.findall(r"</summary>(.*?)</details>", last)
    said = ".*".join(map(re.escape, wrong_answer(lesson).sentence.split("*")))
    assert sum(bool(re.search(said, text)) for text in inside) == 1
    assert MISTAKES[lesson][0] in last
