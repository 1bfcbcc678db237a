"""nbval notices an altered fact in any output: a comparison that cannot fail is a defect."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, get_sanitize_patterns

from tests.support.compared import compared_cells, places
from tests.support.inner import ROOT, run_pytest
from tools.notebooks import NOTEBOOKS, save

RULES = (Path(__file__).parent.parent / "sanitise.cfg").read_text("utf-8")
REPLACEMENTS = {replacement for _, replacement in get_sanitize_patterns(RULES)}
PATHS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def altered(text: str, cell: IPyNbCell) -> str | None:
    """Return a text with one fact altered, a number if there is one; None if it holds none.

    Text that a rule replaces is no fact, nor are the words by which the rule recognises it. A
    chart's facts stand in its lesson's text: nbval only checks that the chart is there.
    """
    seen = cell.sanitize(text)
    if seen.strip() == "CHART":
        return ""
    tokens = list(re.finditer(r"[^\W_]+", text))
    for token in sorted(tokens, key=lambda token: not token[0].isdigit()):
        other = str((int(token[0][-1]) + 1) % 10) if token[0][-1].isdecimal() else "x"
        other = "y" if other == token[0][-1] else other
        candidate = text[: token.end() - 1] + other + text[token.end() :]
        if cell.sanitize(candidate) != seen and _replaced(cell.sanitize(candidate)) == _replaced(
            seen
        ):
            return candidate
    return None


def _replaced(seen: str) -> list[str]:
    return [word for word in re.findall(r"[A-Z]+", seen) if word in REPLACEMENTS]


def alterations(cell: IPyNbCell) -> list[tuple[str, list | None]]:
    """Return each compared text of a cell, with the outputs after one fact in it was altered."""
    found = []
    for holder, key in places(cell):
        text = holder[key]
        other = altered(text, cell)
        if other is not None:
            holder[key] = other
        found.append((text, None if other is None else copy.deepcopy(cell.cell.outputs)))
        holder[key] = text
    return found


def complaints(cell: IPyNbCell) -> list[str]:
    """Return what is wrong with the comparison of a cell."""
    reference = copy.deepcopy(cell.cell.outputs)
    wrong = []
    if not cell.compare_outputs(copy.deepcopy(reference), reference):
        wrong.append(f"{cell.name}: nbval calls its own reference different")
    for text, outputs in alterations(cell):
        if outputs is None:
            wrong.append(f"{cell.name} compares nothing in {text[:200]!r}")
        elif cell.compare_outputs(outputs, reference):
            wrong.append(f"{cell.name}: nbval does not see an altered fact in {text[:200]!r}")
    return wrong


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_nbval_sees_an_altered_fact_in_every_compared_output(request, path: Path) -> None:
    cells = compared_cells(request.session, path)
    assert cells, "nbval compares nothing in this notebook"
    assert [wrong for cell in cells for wrong in complaints(cell)] == []


@pytest.mark.parametrize(
    ("text", "is_fact"),
    [
        ("task 4 waited 0.52 s on pid 4711", True),
        ("a word", True),
        ("4711", True),
        ("pid 4711", False),
        ('<div class="chart">2 workers</div><!--/chart-->', True),
        ("---\n", False),
    ],
)
def test_an_output_without_a_fact_is_named(request, tmp_path, text: str, is_fact: bool) -> None:
    output = nbformat.v4.new_output("stream", text=text)
    cell = nbformat.v4.new_code_cell("print()", outputs=[output], execution_count=1)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "sample.ipynb")
    (cell,) = compared_cells(request.session, tmp_path / "sample.ipynb")
    assert complaints(cell) == ([] if is_fact else [f"Cell 0 compares nothing in {text!r}"])


def test_what_a_failed_cell_wrote_to_stderr_is_told(tmp_path) -> None:
    cell = nbformat.v4.new_code_cell("import sys\nprint(6 * 7, 'is why', file=sys.stderr)")
    cell.execution_count = 1  # and no output was there then
    path = tmp_path / "fails.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    options = ["-n", "0", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir", tmp_path, path]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "42 is why" in ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(not PATHS, reason="there are no notebooks yet")
def test_nbval_run_for_real_fails_at_every_altered_cell_and_at_no_other(request, tmp_path) -> None:
    """Three lessons are enough: the test above asks about all outputs, but without a real run."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    expected = set()
    for lesson in ("02_process", "03_pool", "06_queue"):
        path = NOTEBOOKS / f"{lesson}.ipynb"
        cells = compared_cells(request.session, path)
        for cell in cells:
            cell.cell.outputs = next(outputs for _, outputs in alterations(cell) if outputs)
            expected.add((path.stem, cell.name))
        save(cells[0].parent.nb, folder / path.name)
    outcomes = run_pytest(folder)
    assert {cell for cell, outcome in outcomes.items() if outcome.word != "passed"} == expected
