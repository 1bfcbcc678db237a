"""`%%mine`: keep a cell's functions in `helpers/mine.py`, where child processes find them.

A cell that begins with `%%mine` is not run in the notebook. What it defines is written into the
file, in place of what had the same name; the file is imported again, and the names are put into the
notebook. No restart of the kernel is needed.
"""

import ast
import importlib
import linecache
import os
import tempfile
from pathlib import Path
from types import ModuleType

from helpers.exercises.gaps import Stub, has_gaps

TEMPLATE = "mine_template.py"
KEPT = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign
IMPORTS = ast.Import, ast.ImportFrom


def keep_cell(cell: str, notebook: dict) -> None:
    """Keep what a cell defines in `helpers/mine.py`, and put its names into the notebook.

    A cell with gaps (`...`) is a stub: nothing is written, and its names are placeholders.

    Args:
        cell: the cell's code.
        notebook: the names of the notebook.

    Raises:
        SyntaxError: if it is no Python; nothing is written then.
        ValueError: if it has anything but imports, functions, classes and constants.
    """
    definitions = _definitions_in(cell)
    if has_gaps(cell):
        notebook.update({name: Stub(name) for name in definitions})
        return
    file = mine_file()
    before = file.read_text("utf-8")
    write_whole(file, with_cell(before, cell, str(file)))
    try:
        module = import_again()
    except BaseException:  # such as a constant that cannot be computed
        write_whole(file, before)
        raise
    _put_into(notebook, module, definitions)


def mine_file() -> Path:
    """Return the path of the student's file, after making it from the template if need be."""
    file = Path(__file__).parents[1] / "mine.py"
    if not file.exists():
        file.write_text(file.with_name(TEMPLATE).read_text("utf-8"), "utf-8")
    return file


def with_cell(text: str, cell: str, name: str = "mine.py") -> str:
    """Return a file's text with a cell's definitions in place of those of the same names.

    Args:
        text: Python code.
        cell: Python code; its imports are added, unless the file has them.
        name: the file's name, to be told if its text is no Python.
    """
    old, names = ast.parse(text, name).body, set(_definitions_in(cell))
    lines = text.splitlines()
    for node in reversed(old):  # from below, so that line numbers stay true
        if isinstance(node, KEPT) and set(_names_of(node)) & names:
            del lines[_first_line(node, lines) - 1 : node.end_lineno]
    had = {ast.unparse(node) for node in old if isinstance(node, IMPORTS)}
    imports = [ast.unparse(node) for node in ast.parse(cell).body if isinstance(node, IMPORTS)]
    place = _place_for_imports("\n".join(lines))
    lines[place:place] = [line for line in imports if line not in had]
    return "\n\n\n".join([_tidy(lines), *_sources_in(cell)]) + "\n"


def import_again() -> ModuleType:
    """Import `helpers.mine` as the file is now, and return the module."""
    from helpers import mine  # here, since the file may have been made just now

    importlib.invalidate_caches()
    linecache.checkcache(mine.__file__)
    # A cached compilation counts as fresh if the second and the size agree: edits may be quicker.
    Path(importlib.util.cache_from_source(mine.__file__)).unlink(missing_ok=True)
    return importlib.reload(mine)


def write_whole(file: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old text or the new, never half of one."""
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with open(handle, "w", encoding="utf-8") as new:
            new.write(text)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _put_into(notebook, module, names):
    """Put names of a module into the notebook, and what the notebook had from it already."""
    for key, value in list(notebook.items()):
        if getattr(value, "__module__", None) == module.__name__:
            notebook[key] = getattr(module, getattr(value, "__name__", ""), value)
    notebook.update({name: getattr(module, name) for name in names})


def _definitions_in(cell):
    """Return the names that a cell defines; refuse a cell that does anything else."""
    names = []
    for node in ast.parse(cell).body:
        if isinstance(node, KEPT):
            names += _names_of(node)
        elif not isinstance(node, IMPORTS) and not _is_text(node):
            raise ValueError(
                f"%%mine keeps imports, functions, classes and constants, and line {node.lineno} "
                f"is none: {ast.unparse(node).splitlines()[0]}. Write it into another cell."
            )
    if not names:
        raise ValueError("%%mine keeps functions in helpers/mine.py, and this cell defines none")
    return names


def _names_of(node):
    """Return the names that a statement defines."""
    if hasattr(node, "name"):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = [part for target in targets for part in ast.walk(target)]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _first_line(node, lines):
    """Return the number of a definition's first line, with decorators and comments above it."""
    first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first


def _sources_in(cell):
    """Return the text of each definition of a cell, with the comments above it."""
    lines, sources, done = cell.splitlines(), [], 0
    for node in ast.parse(cell).body:
        if isinstance(node, KEPT) and node.lineno > done:
            first = _first_line(node, lines)
            sources.append("\n".join(lines[first - 1 : node.end_lineno]))
            done = node.end_lineno
    return sources


def _place_for_imports(text):
    """Return after how many lines imports are to be added: after the others, or the docstring."""
    head = [node for node in ast.parse(text).body if isinstance(node, IMPORTS)]
    body = ast.parse(text).body
    if not head and body and _is_text(body[0]):
        head = [body[0]]
    return head[-1].end_lineno if head else 0


def _tidy(lines):
    """Return lines as text in which at most two empty ones follow each other."""
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text
