"""The lessons take the minutes that they, README, the map and the teaching notes promise."""

import ast
import re
from collections.abc import Iterator

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import minutes, notebooks

ROOT = minutes.NOTEBOOKS.parent
LESSONS = {
    path.stem: notebooks.read(path) for path in sorted(minutes.NOTEBOOKS.glob("[0-9]*.ipynb"))
}


def wrong_minutes(name: str) -> Iterator[str]:
    """Yield what a lesson promises and does not keep. One minute more or less is no matter."""
    lesson = LESSONS[name]
    taken = minutes.of_lesson(lesson)
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    said = minutes.ABOUT.search(text)
    if taken.core > 20:
        yield f"the core path takes {taken.core} minutes"
    if said is None or abs(int(said["minutes"]) - taken.core) > 1:
        yield f"the core path takes {taken.core} minutes, the first cell says {said and said[0]}"
    for heading, own in taken.deeper.items():
        said = minutes.DEEPER.fullmatch(heading)
        if said is None or abs(int(said["minutes"]) - own) > 1:
            yield f"{heading!r} takes {own} minutes"
    exercises = re.search(r"^## Your turn.*", text, re.MULTILINE)
    if exercises is not None:
        said = minutes.EXERCISES.fullmatch(exercises[0])
        if said is None or abs(int(said["minutes"]) - taken.exercises) > 1:
            yield f"{exercises[0]!r} takes {taken.exercises} minutes"


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_takes_the_minutes_that_it_says(name: str) -> None:
    assert list(wrong_minutes(name)) == []


@pytest.mark.parametrize("name", LESSONS)
def test_what_goes_deeper_is_folded(name: str) -> None:
    for cell in LESSONS[name].cells:
        if "## Deeper" in cell.source:
            assert cell.source.startswith("## Deeper")
            assert cell.metadata[notebooks.FOLDED] is True


def test_a_section_that_goes_deeper_is_folded_by_the_tool_and_no_other() -> None:
    sources = ["# Title", "## Deeper: more, 2 min\n\nText.", "## Look"]
    tidy = notebooks.normalised(new_notebook(cells=[new_markdown_cell(text) for text in sources]))
    assert [cell.metadata for cell in tidy.cells] == [{}, {notebooks.FOLDED: True}, {}]


def test_the_minutes_of_a_made_up_lesson() -> None:
    chart = new_output("display_data", data={"image/png": ""})
    lesson = new_notebook(
        cells=[
            new_markdown_cell("# Title\n\n" + "word " * 118),  # 120 words: 1 minute
            new_code_cell("line\n\n" * 40),  # 2 minutes
            new_code_cell("my_guess = 3"),  # 1 minute for the guess, and a line
            new_markdown_cell("## Look"),
            new_code_cell("gantt(timeline)", outputs=[chart]),  # 1 minute, and a line
            new_code_cell("panel = explore(run)", outputs=[chart]),  # 3 minutes, and a line
            new_markdown_cell("## Deeper: more of it, 2 min\n\n" + "word " * 180),
            new_markdown_cell("## Your turn, 6 min\n\n" + "word " * 50),
            new_markdown_cell("## Summary"),
        ]
    )
    deeper = {"## Deeper: more of it, 2 min": 2}
    assert minutes.of_lesson(lesson) == minutes.Minutes(core=9, deeper=deeper, exercises=6)


def test_several_exercises_have_headings_of_their_own() -> None:
    text = "## Your turn, 11 min\n\n### 3.1 One\n\nDo it.\n\n### 3.2 Another\n\nDo it."
    assert minutes.of_lesson(new_notebook(cells=[new_markdown_cell(text)])).exercises == 11


def test_what_is_hidden_until_it_is_opened_is_not_read() -> None:
    inner = "<details><summary>Hint 2</summary>" + "word " * 500 + "</details>"
    hint = "<details class='hint'>\n<summary>Hint 1</summary>\n\n" + "word " * 500 + inner
    text = "# Title\n\n" + "word " * 58 + hint + "</details>\n\n" + "word " * 60
    assert minutes.of_lesson(new_notebook(cells=[new_markdown_cell(text)])).core == 1
    more = new_markdown_cell(text + "word")
    assert minutes.of_lesson(new_notebook(cells=[more])).core == 2


def test_a_quiz_takes_a_minute_beside_the_core_path_however_long_it_is() -> None:
    quiz = "## Check yourself, 1 min\n\n" + "word " * 500
    exercises = "## Your turn, 6 min\n\n" + "word " * 50
    texts = ["# Title\n\n" + "word " * 118, quiz, "### Another question", exercises]
    lesson = new_notebook(cells=[new_markdown_cell(text) for text in texts])
    assert minutes.of_lesson(lesson) == minutes.Minutes(core=1, deeper={}, exercises=6)
    assert [s.minutes for s in minutes.sections(lesson) if s.is_quiz] == [1]


def test_tags_of_html_are_not_read() -> None:
    text = "# Title\n\n" + "<details class='a b c'> " * 500
    assert minutes.of_lesson(new_notebook(cells=[new_markdown_cell(text)])).core == 1


def test_the_map_and_the_teaching_notes_add_up() -> None:
    """They say five hours for all core paths, and an hour and a quarter for the first four."""
    core = [minutes.of_lesson(lesson).core for lesson in LESSONS.values()]
    assert 4.5 * 60 < sum(core) < 5.25 * 60
    assert 70 <= sum(core[:4]) <= 80
    told = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    assert f"Lesson 00 takes {core[0]} minutes" in told
    assert max(core[1:]) <= 20


def names(code: str, *contexts: type) -> set[str]:
    """Return the names that a cell sets, or those that it reads."""
    nodes = list(ast.walk(ast.parse(code.removeprefix("%%mine\n"))))
    found = {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, contexts)
    }
    if ast.Store in contexts:
        found |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        found |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        found |= {alias.asname or alias.name for node in imports for alias in node.names}
    return found


@pytest.mark.parametrize("name", LESSONS)
def test_the_core_path_needs_nothing_from_a_folded_section(name: str) -> None:
    core: set[str] = set()
    folded: set[str] = set()
    for section in minutes.sections(LESSONS[name]):
        for cell in section.codes:
            sets = names(cell.source, ast.Store)
            if section.is_deeper:
                folded |= sets
            else:
                core |= sets
                assert not (names(cell.source, ast.Load) & folded) - core


@pytest.mark.parametrize("name", LESSONS)
def test_readme_names_the_minutes_of_the_core_path(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"(?m)^\| \[[^]]+\]\(notebooks/{name}\.ipynb\) \|.*\| (\d+) \|$", readme)
    text = "\n\n".join(cell.source for cell in LESSONS[name].cells)
    assert row[1] == minutes.ABOUT.search(text)["minutes"]
