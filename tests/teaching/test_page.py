"""The pages of the teacher's pack: one for each lesson, true to what is there, in one file."""

import re

import pytest

from helpers import progress
from teaching.gallery import Shown
from teaching.page import NOTES, Lesson, as_html, page
from teaching.teach import LESSONS, main, write_contents
from tools.notebooks import NOTEBOOKS

NUMBERS = sorted(path.name[:2] for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
HEADINGS = ["Ask before the run", "On the board", "What goes wrong where"]


def test_each_lesson_has_its_page_of_notes_and_each_page_its_lesson() -> None:
    assert NUMBERS == LESSONS


@pytest.mark.parametrize("number", LESSONS)
def test_the_notes_are_short_and_have_the_same_headings(number: str) -> None:
    notes = (NOTES / f"{number}.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", notes, re.MULTILINE) == HEADINGS
    assert len(notes.split()) < 300


@pytest.mark.parametrize("number", LESSONS)
def test_what_the_notes_call_by_its_name_is_in_the_lesson(number: str) -> None:
    """Names in `code` are the lesson's, so that no page tells of what is no longer there."""
    lesson = Lesson(number)
    texts = "\n".join(cell.source for cell in lesson.notebook.cells)
    notes = (NOTES / f"{number}.md").read_text("utf-8")
    for name in re.findall(r"`([^`]+)`", notes):
        word = re.sub(r"\(.*|s$", "", name.partition(" = ")[2] or name)
        assert word in texts or name in OF_ALL_LESSONS, name


OF_ALL_LESSONS = {"%%mine", "python3 start.py test", "pip install -e .[dask]", "nslookup"}


@pytest.mark.parametrize("number", progress.exercises())
def test_each_exercise_has_its_task_with_three_hints(number: str) -> None:
    lesson = Lesson(f"{int(number.partition('.')[0]):02}")
    task = lesson.task(number)
    assert task.startswith(f"### {number} ")
    assert re.findall(r"Hint \d", task) == ["Hint 1", "Hint 2", "Hint 3"]
    assert task.count("<details>") == task.count("</details>") == 3


@pytest.fixture(scope="module")
def pool_page() -> str:
    """The page of lesson 3, with made-up answers."""
    shown = [
        Shown("3.1", True, "a = 1 < 2", "", "<div>right chart</div>", True),
        Shown("3.1", False, "b = 2", "Not so & so.", "<div>wrong chart</div>", True),
    ]
    return page(Lesson("03"), [("Measured, 1 core.", "<div>the chart of a core</div>")], shown)


def test_a_page_has_notes_minutes_charts_answers_mistakes_and_questions(pool_page: str) -> None:
    in_order = [
        "Ask before the run",
        '<th scope="row">core path</th>',
        "Measured, 1 core.",
        "the chart of a core",
        "Exercise 3.1",
        "Three are enough",
        "a = 1 &lt; 2",
        "right chart",
        "b = 2",
        "<strong>Not so &amp; so.</strong>",
        "wrong chart",
        "Which mistake made this chart?",
    ]
    places = [pool_page.find(text) for text in in_order]
    assert -1 not in places
    assert places == sorted(places)


def test_a_page_needs_nothing_from_outside_and_hides_nothing(pool_page: str) -> None:
    assert not re.search(r'(?:src|href)="(?!data:|#|https?:)', pool_page)
    assert 'src="data:image/png;base64,' in pool_page
    assert "<details>" not in pool_page
    assert "<script" not in pool_page


def test_what_looks_like_code_in_a_text_is_shown_and_not_run() -> None:
    assert "<script" not in as_html("`<script>alert()</script>`")


def test_the_contents_list_the_pages_that_are_there(tmp_path) -> None:
    for number in ("03", "11"):
        (tmp_path / f"{number}.html").write_text("")
    text = write_contents(tmp_path).read_text("utf-8")
    assert re.findall(r'href="([^"]+)"', text) == ["03.html", "11.html"]
    assert Lesson("11").title in text


def test_a_lesson_that_does_not_exist_is_refused_before_anything_runs(tmp_path, capsys) -> None:
    assert main(["77", "--folder", str(tmp_path)]) == 2
    assert "There is no lesson '77': there are 00, 01" in capsys.readouterr().err


@pytest.mark.slow
def test_a_lessons_page_is_written_with_real_charts(tmp_path, capsys) -> None:
    assert main(["08", "--folder", str(tmp_path), "--no-browser"]) == 0
    written = (tmp_path / "08.html").read_text("utf-8")
    assert written.count('class="chart"') > 10
    assert "PREDICTED for 8 cores" in written or "kept to 8 cores" in written
    assert "answer 2 of" in capsys.readouterr().out
