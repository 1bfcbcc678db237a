"""`%%mine`: what is written into helpers/mine.py, and what never is."""

import ast
import sys
import types
from pathlib import Path

import pytest

from helpers.exercises import mine_cell
from helpers.exercises.gaps import Stub

FILE = '''"""Mine."""

import time

LIMIT = 3


# About double.
@time_it
def double(number):
    return 2 * number


def last():
    """Stay."""
'''


def test_a_function_takes_the_place_of_the_one_of_its_name() -> None:
    text = mine_cell.with_cell(FILE, "def double(n):\n    return n + n\n")
    assert text.count("def double") == 1
    assert "n + n" in text
    assert "About double" not in text
    assert "@time_it" not in text
    assert '"""Stay."""' in text
    assert "LIMIT = 3" in text


def test_the_same_cell_twice_changes_nothing() -> None:
    cell = (
        "import time\nimport os\n\n# Why.\n@wrap\n"
        "def new(n):\n    # how\n    return n\n\nLIMIT = 4\n"
    )
    once = mine_cell.with_cell(FILE, cell)
    assert mine_cell.with_cell(once, cell) == once
    assert once.count("# Why.") == once.count("import time") == once.count("LIMIT") == 1
    ast.parse(once)


def test_imports_come_after_those_that_are_there() -> None:
    assert "import time\nimport os\n" in mine_cell.with_cell(FILE, "import os\nx = 1\n")
    assert mine_cell.with_cell('"""Mine."""\n', "import os\nx = 1\n").startswith(
        '"""Mine."""\nimport'
    )


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("print(3)", "line 1 is none: print"),
        ("x = 1\nfor i in x:\n    pass", "line 2 is none: for i in x"),
        ("import os", "defines none"),
        ("", "defines none"),
    ],
)
def test_a_cell_that_does_something_else_is_refused(cell: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        mine_cell.with_cell(FILE, cell)


def test_a_broken_file_is_named() -> None:
    with pytest.raises(SyntaxError) as caught:
        mine_cell.with_cell("def broken(:\n", "x = 1", "mine.py")
    assert caught.value.filename == "mine.py"


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file `helpers/mine.py` of this test's own, and the module that is imported from it."""
    import helpers

    file = tmp_path / "mine.py"
    file.write_text("def double(n):\n    return 2 * n\n", "utf-8")
    monkeypatch.setattr(mine_cell, "mine_file", lambda: file)
    monkeypatch.setattr(helpers, "__path__", [str(tmp_path), *helpers.__path__])
    monkeypatch.delattr(helpers, "mine", raising=False)
    monkeypatch.delitem(sys.modules, "helpers.mine", raising=False)
    yield file
    sys.modules.pop("helpers.mine", None)
    vars(helpers).pop("mine", None)


def test_names_reach_the_notebook_and_older_ones_follow(own_file: Path) -> None:
    notebook = {"other": 3}
    mine_cell.keep_cell("def first(n):\n    return n\n", notebook)
    before = notebook["first"]
    mine_cell.keep_cell("def second(n):\n    return -n\n", notebook)
    module = sys.modules["helpers.mine"]
    assert isinstance(module, types.ModuleType)
    assert notebook["first"] is module.first
    assert notebook["first"] is not before, "a child would not find the old one"
    assert notebook["second"](2) == -2


def test_edits_within_the_same_second_are_seen(own_file: Path) -> None:
    notebook = {}
    for number in range(5):  # of equal length: a cached compilation would count as fresh
        mine_cell.keep_cell(f"def number():\n    return {number}\n", notebook)
        assert notebook["number"]() == number


def test_a_stub_writes_nothing(own_file: Path) -> None:
    before, notebook = own_file.read_text("utf-8"), {}
    mine_cell.keep_cell("def work(n):\n    ...\n", notebook)
    assert own_file.read_text("utf-8") == before
    assert isinstance(notebook["work"], Stub)


def test_a_cell_that_cannot_be_imported_leaves_the_file_as_it_was(own_file: Path) -> None:
    before, notebook = own_file.read_text("utf-8"), {}
    with pytest.raises(ZeroDivisionError):
        mine_cell.keep_cell("LIMIT = 1 / 0\n", notebook)
    assert own_file.read_text("utf-8") == before
    assert notebook == {}
    assert [path.name for path in own_file.parent.glob("*.part")] == []
