"""Exercise 3.1 as a student does it, by keyboard alone: wrong at first, then right."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

import helpers
from helpers.parent import folders
from tools import lab

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSON = "03_pool.ipynb"
CHECK = "check('3.1', run)"
ANSWER = """def run(mp):
    with mp.Pool(3) as pool:
        pool.map(long_time_task, {order}, chunksize=1)


check('3.1', run)"""
WRONG = ANSWER.format(order="range(5)")
RIGHT = ANSWER.format(order="sorted(range(5), key=duration_of, reverse=True)")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a course of its own, since a check notes what is done."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(Path(helpers.__file__).parent, folder / "helpers")
    (folder / "notebooks").mkdir()
    lab.copy_notebook(NOTEBOOKS / LESSON, folder / "notebooks")
    return folder


@pytest.fixture(scope="module")
def lesson(browser: Browser, course: Path) -> Iterator[lab.Notebook]:
    """Open the lesson and run it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(course))
        with lab.jupyterlab(course) as server:
            page = browser.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
            opened = lab.Notebook.open(page, server, f"notebooks/{LESSON}")
            opened.run_all()
            yield opened
            opened.end_kernel()
            page.close()
    folders.sweep()


@pytest.fixture
def cell(lesson: lab.Notebook) -> Locator:
    """Return the cell of the exercise."""
    return lesson.cell(CHECK).last


def go_to_the_exercise(lesson: lab.Notebook) -> None:
    """Walk down to the cell with the keys of JupyterLab's command mode, from the first cell."""
    keyboard = lesson.page.keyboard
    lesson.page.evaluate("() => jupyterapp.shell.currentWidget.content.activate()")
    keyboard.press("Escape")
    there = f"panel.content.activeCell.model.sharedModel.source.includes({CHECK!r})"
    count = lesson.ask("panel.content.widgets.length")
    for key in ["k"] * count + ["j"] * count:
        if lesson.ask(there):
            return
        keyboard.press(key)
    raise AssertionError("the exercise cannot be reached by keyboard")


def answer(lesson: lab.Notebook, code: str) -> None:
    """Write an answer in place of what stands in the cell, and run it."""
    go_to_the_exercise(lesson)
    keyboard = lesson.page.keyboard
    keyboard.press("Enter")
    keyboard.press("ControlOrMeta+a")
    keyboard.insert_text(code)
    keyboard.press("Control+Enter")
    lesson.wait_until_idle()


def test_the_stub_says_that_it_is_not_begun(cell: Locator) -> None:
    expect(cell).to_contain_text("3.1: not begun.")


def test_a_wrong_answer_is_told_why_with_its_chart(lesson: lab.Notebook, cell: Locator) -> None:
    answer(lesson, WRONG)
    said = cell.get_by_role("status")
    expect(said).to_contain_text("3.1: not yet.")
    expect(said).to_contain_text("Task 4, the longest, began last, and all wait for it.")
    expect(cell.locator(".chart img")).to_have_attribute(
        "alt", re.compile("3 spawn workers, 5 tasks")
    )


def test_the_mended_answer_is_done_and_noted_in_the_students_own_file(
    lesson: lab.Notebook, cell: Locator, course: Path
) -> None:
    answer(lesson, RIGHT)
    expect(cell.get_by_role("status")).to_contain_text("3.1: done.")
    noted = (course / "notebooks" / "my_progress.jsonl").read_text("utf-8").splitlines()
    assert ["true" in line for line in noted if line] == [False, True]


def test_axe_finds_nothing_serious_in_the_verdict_and_the_hints(
    lesson: lab.Notebook, cell: Locator
) -> None:
    area = cell.locator(".jp-OutputArea").first
    area.evaluate("area => { area.id = 'the-verdict'; }")
    hints = lesson.page.locator("details", has_text="Hint 1: look").first
    hints.evaluate("hints => { hints.id = 'the-hints'; }")
    report = (
        Axe().run(lesson.page, context={"include": [["#the-verdict"], ["#the-hints"]]}).response
    )
    assert report["passes"], "axe has looked at nothing"
    bad = [v for v in report["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in bad] == []
