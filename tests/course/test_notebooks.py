"""Every committed notebook keeps the rules, and each rule is broken once on purpose."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from helpers import progress
from tools import notebooks
from tools.notebooks import NOTEBOOKS

ROOT = NOTEBOOKS.parent
PATHS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
PAGES = [NOTEBOOKS / "index.ipynb", NOTEBOOKS / "glossary.ipynb"]
"""The map and the glossary: texts without code."""
EMPTY = {"output_type": "display_data", "data": {}, "metadata": {}}
"""An output without anything in it."""
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
RHYTHM = [
    "Predict",
    "Run",
    "Look",
    "Play",
    "A failure worth knowing",
    "Check yourself",
    "Your turn",
    "In practice",
    "Summary",
]
AUTHORS_PATHS = [
    r"/(?:home|Users)/\w",
    r"/root\b",
    r"(?:/private)?/(?:tmp|var/folders)/\w",
    r"\b[A-Z]:\\+\w",
    *(re.escape(str(folder)) for folder in (ROOT, Path.home()) if len(folder.parts) > 1),
]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def is_ignored(cell: NotebookNode) -> bool:
    """Return whether nbval leaves out the cell's outputs."""
    return bool(NOT_COMPARED & set(tags(cell)))


def headings(notebook: NotebookNode, level: int) -> list[str]:
    """Return the headings of one level."""
    texts = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    without_code = re.sub(r"(?ms)^```.*?^```", "", texts)
    return re.findall(rf"(?m)^#{{{level}}} +(.+)$", without_code)


def strings(node: object) -> Iterator[str]:
    """Yield every text in a notebook, without pictures."""
    if isinstance(node, str):
        yield re.sub(r"[A-Za-z0-9+/=\n]{400,}", "", node)
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


# The rules. Each states what holds, and yields what is wrong.


def has_outputs(notebook: NotebookNode) -> Iterator[str]:
    """A cell that prints or draws has an output. Without it, nothing would be compared."""
    if not any(cell.outputs for cell in code_cells(notebook)):
        yield "no cell has an output"
    for cell in code_cells(notebook):
        if re.search(r"^(?:print|gantt|explore|display)\(", cell.source, re.M) and not cell.outputs:
            yield f"no output: {cell.source}"


def runs_in_order(notebook: NotebookNode) -> Iterator[str]:
    """The code cells were executed from the first to the last."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts {counts}"


def fails_only_on_purpose(notebook: NotebookNode) -> Iterator[str]:
    """A cell ends in an error exactly if it has the tag raises-exception."""
    for cell in code_cells(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed != ("raises-exception" in tags(cell)):
            yield f"{'failed' if failed else 'did not fail'}: {cell.source}"


def names_no_path_of_its_author(notebook: NotebookNode) -> Iterator[str]:
    """No path tells on whose machine the notebook was made."""
    for text in strings(notebook):
        for pattern in AUTHORS_PATHS:
            if found := re.search(f"(?:{pattern}).{{0,40}}", text):
                yield found[0]


def compares_most(notebook: NotebookNode) -> Iterator[str]:
    """At most a quarter of the code cells is ignored."""
    cells = code_cells(notebook)
    ignored = sum(map(is_ignored, cells))
    if ignored > len(cells) / 4:
        yield f"{ignored} of {len(cells)} code cells are not compared"


def says_why_it_ignores(notebook: NotebookNode) -> Iterator[str]:
    """A cell that is ignored has a tag and a reason beside it, and no other cell has a reason."""
    for cell in code_cells(notebook):
        reason = cell.metadata.get("nbval_reason", "")
        if is_ignored(cell) != (len(reason.split()) >= 3):
            yield f"ignored: {is_ignored(cell)}, nbval_reason: {reason!r}: {cell.source}"
        if re.search(r"#\s*(?:NBVAL|PYTEST)_\w", cell.source):
            yield f"a comment for nbval, use a tag: {cell.source}"


def has_one_title(notebook: NotebookNode) -> Iterator[str]:
    """The notebook begins with its one H1."""
    titles = headings(notebook, 1)
    if len(titles) != 1 or not notebook.cells[0].source.startswith("# "):
        yield f"titles: {titles}"


def says_what_to_install(notebook: NotebookNode) -> Iterator[str]:
    """The first code cell imports the course's helpers, or says what to install or rename."""
    first = code_cells(notebook)[0].source
    yield from (
        f"no {word!r} in the first code cell"
        for word in ("from helpers import in_the_way", "check_imports()", "requirements.txt")
        if word not in first
    )


def is_tidy(notebook: NotebookNode) -> Iterator[str]:
    """The tool that tidies notebooks would change nothing."""
    if notebooks.as_text(notebooks.normalised(notebook)) != notebooks.as_text(notebook):
        yield "run: python tools/notebooks.py execute"


def tells_nothing_before_it_is_asked(notebook: NotebookNode) -> Iterator[str]:
    """Saved outputs are folded if they stand after the first question, and none before it is.

    Of what is folded, JupyterLab shows a line of the first output: that one is empty.
    """
    asked = False
    for cell in code_cells(notebook):
        is_folded = cell.metadata.get("jupyter", {}).get("outputs_hidden", False)
        if is_folded != (asked and bool(cell.outputs)):
            yield f"outputs folded: {is_folded}, after a question: {asked}: {cell.source}"
        if is_folded and cell.outputs[:1] != [EMPTY]:
            yield f"a line of the outputs is shown: {cell.source}"
        asked = asked or bool(
            re.search(r"(?m)^my_\w*guess\w* =|^(?:\w+ = )?explore\(", cell.source)
        )
    if not asked:
        yield "nothing is asked"


def folds_the_check_of_the_setup(notebook: NotebookNode) -> Iterator[str]:
    """Plumbing is not the first thing on the page. Whatever else stands there can be read."""
    for cell in notebook.cells:
        is_folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if is_folded != ("check_imports()" in cell.source):
            yield f"source folded: {is_folded}: {cell.source}"


def has_the_rhythm_of_a_lesson(notebook: NotebookNode) -> Iterator[str]:
    """The parts of a lesson are its H2 headings, in order; others may stand between them.

    The explanation has no name of its own: its heading says what is explained.
    """
    found = headings(notebook, 2)
    places = [
        next((i for i, text in enumerate(found) if text.startswith(part)), None) for part in RHYTHM
    ]
    if None in places or places != sorted(places):
        yield f"parts {RHYTHM} are not all there, in order: {found}"


def is_small(notebook: NotebookNode) -> Iterator[str]:
    """A notebook loads quickly, and a code host still shows it."""
    size = len(notebooks.as_text(notebook))
    if size > 1_500_000:
        yield f"{size:,} bytes"


Rule = Callable[[NotebookNode], Iterator[str]]
RULES: list[Rule] = [
    has_outputs,
    runs_in_order,
    fails_only_on_purpose,
    names_no_path_of_its_author,
    compares_most,
    says_why_it_ignores,
    has_one_title,
    says_what_to_install,
    is_tidy,
    tells_nothing_before_it_is_asked,
    folds_the_check_of_the_setup,
    has_the_rhythm_of_a_lesson,
    is_small,
]


@pytest.fixture(scope="module")
def lessons() -> dict[str, NotebookNode]:
    """Return the notebooks by their names."""
    return {path.stem: notebooks.read(path) for path in PATHS}


def breaches(rule: Rule, pages: dict[str, NotebookNode]) -> list[str]:
    """Return what is wrong with the pages, each time with the page's name."""
    return [f"{name}: {wrong}" for name, page in pages.items() for wrong in rule(page)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_notebook_keeps_the_rule(lessons: dict[str, NotebookNode], rule: Rule) -> None:
    if rule is has_the_rhythm_of_a_lesson:  # the first notebook explains it and is no lesson yet
        lessons = {name: page for name, page in lessons.items() if not name.startswith("00")}
    assert len(lessons) >= 14
    assert breaches(rule, lessons) == []


@pytest.mark.parametrize("rule", [has_one_title, is_tidy, names_no_path_of_its_author])
def test_a_page_that_is_no_lesson_keeps_the_rule(rule: Rule) -> None:
    pages = {path.stem: notebooks.read(path) for path in PAGES}
    assert breaches(rule, pages) == []


def test_the_only_code_of_the_pages_shows_a_progress_without_anything_done() -> None:
    pages = {path.stem: notebooks.read(path) for path in PAGES}
    cells = [(name, cell) for name, page in pages.items() for cell in code_cells(page)]
    assert [name for name, _ in cells] == ["index"]
    assert "my_progress()" in cells[0][1].source
    assert f"0 of {len(progress.exercises())} exercises are done" in str(cells[0][1].outputs)


def test_there_are_no_other_notebooks() -> None:
    assert sorted(NOTEBOOKS.glob("*.ipynb")) == sorted(PATHS + PAGES)


def test_all_notebooks_begin_with_the_same_import(lessons: dict[str, NotebookNode]) -> None:
    assert len({code_cells(lesson)[0].source for lesson in lessons.values()}) == 1


def test_every_lesson_is_in_a_table_of_the_readme() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    table = "\n".join(line for line in lines if line[:1] == "|")
    assert [path.name for path in PATHS if path.name not in table] == []
    assert [path for path in PATHS if not re.fullmatch(r"\d\d_[a-z_]+", path.stem)] == []


# Each rule broken once.


@pytest.fixture
def good() -> NotebookNode:
    """Return a notebook that keeps every rule."""
    guard = (
        "try:\n    from helpers import in_the_way\nexcept ImportError:\n"
        "    print('requirements.txt')\nin_the_way.check_imports()"
    )
    sources = [guard, "print(1)", "1 / 0", "print(2)", "my_guess = 3", "print(4)"]
    parts = [nbformat.v4.new_markdown_cell(f"## {part}") for part in RHYTHM]
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Watch\n\n```\n# no title\n```"),
        *[nbformat.v4.new_code_cell(source) for source in sources],
        *parts,
    ]
    cells = code_cells(notebook)
    for number, cell in enumerate(cells, 1):
        cell.execution_count = number
    cells[1].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    cells[2].outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="no")]
    cells[2].metadata["tags"] = ["raises-exception"]
    cells[3].outputs = [nbformat.v4.new_output("stream", text="2\n")]
    cells[3].metadata.update(tags=["nbval-ignore-output"], nbval_reason="It is a sample.")
    cells[5].outputs = [nbformat.v4.new_output("stream", text="4\n")]
    return notebooks.normalised(notebook)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_good_sample_keeps_the_rule(good: NotebookNode, rule: Rule) -> None:
    assert list(rule(good)) == []


BREACHES: list[tuple[Rule, str]] = [
    (has_outputs, "cells[1].outputs = []"),
    (has_outputs, "for cell in cells: cell.outputs = []; cell.source = 'x = 1'"),
    (runs_in_order, "cells[1].execution_count = 3"),
    (runs_in_order, "cells[1].execution_count = None"),
    (fails_only_on_purpose, "cells[1].outputs = cells[2].outputs"),
    (fails_only_on_purpose, "cells[2].outputs = []"),
    (names_no_path_of_its_author, "cells[1].outputs[0].text = 'in /home/ann/x.py'"),
    (names_no_path_of_its_author, "cells[1].outputs[0].text = r'in C:\\Users\\ann'"),
    (names_no_path_of_its_author, "cells[2].outputs[0].traceback = ['File /tmp/x/y.py']"),
    (names_no_path_of_its_author, "cells[1].source = 'open(' + repr(str(ROOT)) + ')'"),
    (compares_most, "cells[1].metadata['tags'] = ['nbval-skip']"),
    (says_why_it_ignores, "del cells[3].metadata['nbval_reason']"),
    (says_why_it_ignores, "del cells[3].metadata['tags']"),
    (says_why_it_ignores, "cells[1].source = '# NBVAL_IGNORE_OUTPUT'"),
    (has_one_title, "notebook.cells[-1].source = '# Another'"),
    (has_one_title, "notebook.cells[0].source = 'Watch'"),
    (says_what_to_install, "del notebook.cells[1]"),
    (is_tidy, "notebook.metadata.language_info['version'] = '3.11.7'"),
    (is_tidy, "cells[1].metadata['execution'] = {}"),
    (is_tidy, "cells[1].id = 'other'"),
    (tells_nothing_before_it_is_asked, "cells[5].metadata = {}"),
    (tells_nothing_before_it_is_asked, "cells[5].metadata['jupyter']['outputs_hidden'] = False"),
    (tells_nothing_before_it_is_asked, "cells[1].metadata['jupyter'] = {'outputs_hidden': True}"),
    (tells_nothing_before_it_is_asked, "del cells[5].outputs[0]"),
    (tells_nothing_before_it_is_asked, "cells[4].source = 'my_answer = 3'"),
    (folds_the_check_of_the_setup, "cells[0].metadata = {}"),
    (folds_the_check_of_the_setup, "cells[5].metadata['jupyter']['source_hidden'] = True"),
    (has_the_rhythm_of_a_lesson, "del notebook.cells[-2]"),
    (has_the_rhythm_of_a_lesson, "notebook.cells[-2:] = notebook.cells[:-3:-1]"),
    (is_small, "cells[1].outputs[0].text = 'x' * 2_000_000"),
]


@pytest.mark.parametrize(
    ("rule", "change"), BREACHES, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_breach_of_the_rule_is_seen(good: NotebookNode, rule: Rule, change: str) -> None:
    broken = copy.deepcopy(good)
    exec(change, {"notebook": broken, "cells": code_cells(broken), "ROOT": ROOT})
    assert list(rule(broken)) != []


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _ in BREACHES} == set(RULES)


# The tool itself.

SCRIPT = """# %% [markdown]
# # Watch

# %%
print("hello")

# %% nbval_reason="It is a sample." tags=["nbval-ignore-output"]
import os
print(os.getpid())
"""


def test_a_script_survives_the_way_into_a_notebook_and_back() -> None:
    assert notebooks.to_script(notebooks.from_script(SCRIPT)).strip() == SCRIPT.strip()


def test_what_is_folded_is_not_written_into_the_script() -> None:
    cell = nbformat.v4.new_code_cell("1 + 1", metadata={"jupyter": {"outputs_hidden": True}})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert notebooks.to_script(notebook).strip() == "# %%\n1 + 1"


@pytest.mark.parametrize("question", ["my_guess = 2", "my_second_guess = 2", "p = explore(run)"])
def test_outputs_are_folded_from_the_first_question_on(question: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("1", question, "2", "3", "x = 4")]
    for cell in cells[:4]:
        cell.outputs = [nbformat.v4.new_output("stream", text="an answer\n")]
    tidy = notebooks.normalised(nbformat.v4.new_notebook(cells=cells))
    folded = {"jupyter": {"outputs_hidden": True}}
    assert [cell.metadata for cell in tidy.cells] == [{}, {}, folded, folded, {}]
    texts = [[output.get("text") for output in cell.outputs] for cell in tidy.cells]
    shown = ["an answer\n"]
    assert texts == [shown, shown, [None, *shown], [None, *shown], []]


def test_outputs_are_unfolded_where_the_question_has_gone() -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("my_guess = 2", "2")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="an answer\n")]
    asked = notebooks.normalised(nbformat.v4.new_notebook(cells=cells))
    unasked = notebooks.normalised(nbformat.v4.new_notebook(cells=asked.cells[1:]))
    assert unasked.cells == [{**cells[1], "id": unasked.cells[0].id}]


def test_tidying_sets_the_metadata_and_runs_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    cells = [nbformat.v4.new_code_cell(source) for source in ("my_guess = 2", "1 / 0")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="as it was\n")]
    cells[1].execution_count = 5
    path = tmp_path / "01_sample.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert notebooks.main(["tidy", "01_sample"]) == 0
    _, after = notebooks.read(path).cells
    assert after.metadata == {"jupyter": {"outputs_hidden": True}}
    assert (after.outputs, after.execution_count) == ([EMPTY, *cells[1].outputs], 5)


def test_ids_stay_when_another_cell_comes_in() -> None:
    ids = {cell.id for cell in notebooks.from_script(SCRIPT).cells}
    longer = notebooks.from_script(SCRIPT.replace("# %%\nprint", "# %%\nx = 1\n\n# %%\nprint"))
    assert ids < {cell.id for cell in longer.cells}


def test_a_notebook_is_executed_as_nbval_does_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("START_METHOD", "fork")
    source = (
        "import os\nprint([name in os.environ for name in ('START_METHOD', 'PYTEST_CURRENT_TEST')])"
    )
    notebook = notebooks.executed(notebooks.from_script(source), tmp_path)
    assert notebook.cells[0].outputs[0].text == "[False, True]\n"
    assert list(is_tidy(notebook)) == []


def test_a_failing_cell_fails_loudly_and_leaves_the_file_alone(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    (tmp_path / "01_sample.ipynb").write_text("as it was")
    (tmp_path / "lesson.py").write_text("# %%\n1 / 0\n")
    assert notebooks.main(["write", "01_sample", str(tmp_path / "lesson.py")]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert (tmp_path / "01_sample.ipynb").read_text() == "as it was"


def test_no_widget_is_saved(tmp_path) -> None:
    script = "# %%\nimport ipywidgets\nipywidgets.IntSlider()"
    notebook = notebooks.executed(notebooks.from_script(script), tmp_path)
    assert list(notebook.cells[0].outputs[0].data) == ["text/plain"]
    assert "widgets" not in notebook.metadata


def test_an_edited_notebook_keeps_the_outputs_of_its_unchanged_cells(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    script = tmp_path / "lesson.py"
    script.write_text("# %%\nimport os\n\n# %%\nprint(os.getpid())\n\n# %%\nprint(1)\n", "utf-8")
    assert notebooks.main(["write", "01_sample", str(script)]) == 0
    first = notebooks.read(tmp_path / "01_sample.ipynb").cells
    script.write_text(script.read_text("utf-8").replace("print(1)", "print(2)"), "utf-8")
    assert notebooks.main(["edit", "01_sample", str(script)]) == 0
    second = notebooks.read(tmp_path / "01_sample.ipynb").cells
    assert second[1].outputs == first[1].outputs, "another kernel has another pid"
    assert [cell.outputs[0].text for cell in (first[2], second[2])] == ["1\n", "2\n"]


def test_a_renamed_function_keeps_all_outputs(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    script = tmp_path / "lesson.py"
    script.write_text("# %%\nnap, naps = 1, 2\nprint(nap)\n", "utf-8")
    notebooks.main(["write", "01_sample", str(script)])
    (before,) = notebooks.read(tmp_path / "01_sample.ipynb").cells
    assert notebooks.main(["rename", "01_sample", "nap", "rest"]) == 0
    notebook = notebooks.read(tmp_path / "01_sample.ipynb")
    (after,) = notebook.cells
    assert after.source == "rest, naps = 1, 2\nprint(rest)"
    assert (after.outputs, after.execution_count) == (before.outputs, before.execution_count)
    assert list(is_tidy(notebook)) == []
