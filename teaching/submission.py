"""What a student has handed in: the answers in notebooks, and the functions in `mine.py`.

A notebook is not run. Of its cells only what an answer needs is taken: imports, functions and
classes, and of the exercise's own cell its constants, too. So no panel delays anything.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.exercises.gaps import has_gaps
from helpers.exercises.mine_cell import with_cell

MINE = "%%mine\n"
DEFINITIONS = ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef
CONSTANTS = ast.Assign, ast.AnnAssign
STUBS = "from helpers.exercises.gaps import Stub\n"


class Submitted(NamedTuple):
    """A student's answer to one exercise, as it can be run.

    `code` defines the function called `name`, and what it needs; `mine` is the content of
    `helpers/mine.py`.
    """

    number: str
    name: str
    code: str
    mine: str


def submitted_by(folder: Path, template: str) -> dict[str, Submitted]:
    """Return a student's answers by the numbers of the exercises; of several, the last.

    Args:
        folder: the student's: notebooks and a `mine.py`, at any depth.
        template: what `mine.py` holds where the student has none.
    """
    files = sorted(folder.rglob("mine.py"))
    mine = files[0].read_text("utf-8", errors="replace") if files else template
    found = {}
    for notebook in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in notebook.parts:
            found |= {answer.number: answer for answer in answers_in(code_cells(notebook), mine)}
    return found


def code_cells(notebook: Path) -> list[str]:
    """Return the code of a notebook's cells; none if the file is no notebook."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return []


def answers_in(cells: list[str], mine: str) -> Iterator[Submitted]:
    """Yield the answers that are checked in some cells.

    Args:
        cells: the code of a notebook.
        mine: the content of `mine.py` before the cells with `%%mine`.
    """
    before = []
    for cell in cells:
        if cell.startswith(MINE):
            code = cell.removeprefix(MINE)
            if (tree := parsed(code)) is not None:
                mine, line = kept(code, tree, mine)
                before.append(line)
        elif (tree := parsed(cell)) is not None:
            for number, name in checks_in(tree):
                own = taken_from(tree, (*DEFINITIONS, *CONSTANTS))
                yield Submitted(number, name, "\n\n".join([*before, own]), mine)
            before.append(taken_from(tree, DEFINITIONS))


def parsed(code: str) -> ast.Module | None:
    """Return a cell as a tree; None for what is no Python, such as other magics."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError):
        return None


def kept(code: str, tree: ast.Module, mine: str) -> tuple[str, str]:
    """Return `mine.py` after a cell with `%%mine`, and a line that brings its names."""
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    if has_gaps(code):
        return mine, STUBS + "\n".join(f"{name} = Stub({name!r})" for name in names)
    line = f"from helpers.mine import {', '.join(names)}" if names else ""
    return with_cell(mine, code), line


def checks_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the exercise and the function's name of each `check("10.1", run)` in a cell."""
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(number)), ast.Name(name)])):
                yield number, name


def taken_from(tree: ast.Module, kinds: tuple[type[ast.stmt], ...]) -> str:
    """Return the code of those statements of a cell that are of some kinds."""
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, kinds))
