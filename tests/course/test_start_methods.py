"""Every notebook passes under every start method, and its processes were really started that way.

The alternative texts of the charts name the start method. It comes from the children: each child
records how it was started.
"""

import multiprocessing
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.inner import Outcome, alts, run_pytest
from tools.notebooks import NOTEBOOKS, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="forking a kernel is safe on Linux alone"),
    pytest.mark.skipif(not any(NOTEBOOKS.glob("*.ipynb")), reason="there are no notebooks yet"),
]
METHODS = [name for name in multiprocessing.get_all_start_methods() if name != "spawn"]
Outcomes = dict[tuple[str, str], Outcome]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcomes]:
    """Return how each cell ended under each method, after running the methods side by side."""
    with ThreadPoolExecutor() as executor:
        runs = executor.map(lambda method: run_pytest(NOTEBOOKS, START_METHOD=method), METHODS)
        return dict(zip(METHODS, runs, strict=True))


def methods_in(pictures: list[str]) -> list[set[str]]:
    """Return the start methods that each text names, one set for each that names any."""
    named = [set(re.findall(r"\b(?:spawn|fork|forkserver)\b", alt)) for alt in pictures]
    return [methods for methods in named if methods]


def charts_of_the_default() -> dict[tuple[str, str], int]:
    """Return how many charts each cell has whose processes the default method, spawn, has started.

    A cell that compares start methods names them itself, so its charts do not follow the default.
    """
    found = {}
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        code = [cell for cell in read(path).cells if cell.cell_type == "code"]
        for number, cell in enumerate(code):
            methods = methods_in(alts(cell.outputs))
            if methods and all(each == {"spawn"} for each in methods):
                found[path.stem, f"Cell {number}"] = len(methods)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_cell_passes(outcomes: dict[str, Outcomes], method: str) -> None:
    assert outcomes[method]
    ends = outcomes[method].items()
    failed = [f"{cell}: {end.message}" for cell, end in ends if end.word != "passed"]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("method", METHODS)
def test_the_processes_were_started_that_way(outcomes: dict[str, Outcomes], method: str) -> None:
    expected = charts_of_the_default()
    assert expected, "no chart shows how its processes were started"
    found = {cell: methods_in(outcomes[method][cell].alts) for cell in expected}
    assert found == {cell: [{method}] * number for cell, number in expected.items()}
