"""A lesson without its package: what needs it does nothing, and one line says so."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import extras
from helpers.extras import Skip, names_read, skip_without
from tests.support.anything import examples


class Shell:
    """What IPython does with the cells of a notebook, as far as it matters here."""

    def __init__(self):
        self.ast_transformers, self.names = [], {}

    def run(self, source):
        cell = ast.parse(source)
        for transformer in self.ast_transformers:
            cell = transformer.visit(cell)
        exec(compile(cell, "cell", "exec"), self.names)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(extras, "get_ipython", lambda: shell)
    return shell


def test_nothing_is_said_or_skipped_if_the_package_is_there(shell, capsys):
    skip_without("json")
    assert capsys.readouterr().out == ""
    assert shell.ast_transformers == []


def test_one_line_says_what_is_missing_and_what_to_do(shell, capsys):
    skip_without("surely_missing")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "surely_missing is not installed here" in said
    assert "%pip install surely_missing" in said


def test_a_package_that_is_there_but_broken_is_not_called_missing(shell, tmp_path, monkeypatch):
    (tmp_path / "surely_broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        skip_without("surely_broken")


@pytest.mark.parametrize(
    "source",
    [
        "import surely_missing",
        "import surely_missing.inner as inner",
        "from surely_missing.inner import Thing",
        "from helpers.on_it import Thing",
        "def later():\n    import surely_missing\n1 / 0",
    ],
)
def test_a_cell_that_imports_it_does_nothing(shell, source):
    skip_without("surely_missing", "helpers.on_it")
    shell.run(source)
    assert not {"Thing", "inner", "later"} & set(shell.names)


def test_a_cell_that_uses_what_such_a_cell_would_have_made_does_nothing(shell):
    skip_without("surely_missing")
    for source in (
        "from surely_missing import Thing",
        "with Thing() as thing:\n    result = thing.work()",
        "def again():\n    return result",
        "again()",
    ):
        shell.run(source)
    assert not {"thing", "result", "again"} & set(shell.names)


def test_all_other_cells_run(shell):
    skip_without("surely_missing")
    shell.run("from surely_missing import Thing")
    shell.run("import json\nx = json.loads('1')")
    shell.run("y = x + 1")
    assert shell.names["y"] == 2


def test_what_another_cell_makes_is_no_longer_missing(shell):
    skip_without("surely_missing")
    shell.run("import surely_missing\nx = 1")
    shell.run("x = 2")
    shell.run("y = x")
    assert shell.names["y"] == 2


def test_what_is_left_of_a_cell_is_an_empty_module():
    cell = Skip({"missing"}).visit(ast.parse("import missing\nmissing.work()"))
    assert isinstance(cell, ast.Module)
    assert cell.body == []


STATEMENTS = [
    "import a.b as c", "from . import x", "from .. import *", "from a import b as c",
    "def f(): return g", "class A: b = 1", "x = y", "for i in j: pass", "(w := 1)",
    "try: 1\nexcept E as e: pass", "match m:\n case {**n}: o", "lambda z: z", "del d",
]  # fmt: skip


@given(st.lists(st.sampled_from(STATEMENTS)).map("\n".join))
@examples(40)
def test_a_cell_of_any_syntax_runs_if_it_does_not_need_the_package(source):
    cell = ast.parse(source)
    assert ast.dump(Skip({"missing"}).visit(cell)) == ast.dump(ast.parse(source))


def test_what_only_a_function_of_the_cell_knows_is_read_from_no_other_cell() -> None:
    cell = ast.parse(
        "def run(client):\n    futures = client.map(nap)\n    return futures\nrun(far)"
    )
    assert names_read(cell) == {"nap", "far"}
    assert names_read(ast.parse("client = client.close()")) == {"client"}
