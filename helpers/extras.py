"""A lesson that needs a package which not everybody has: it says so once, and runs all the same."""

import ast
import importlib

from IPython import get_ipython


def skip_without(package: str, *modules: str) -> None:
    """Let the cells of this notebook that need a package do nothing if it is not installed.

    One line says so. What such a cell would have made is missing too, so cells that use that do
    nothing either; all others run as usual.

    Args:
        package: what is to be installed, and so what must be importable.
        modules: whatever else cannot be imported without it.
    """
    try:
        importlib.import_module(package)
    except ModuleNotFoundError:
        shell = get_ipython()
        shell.ast_transformers.append(Skip({package, *modules}))
        print(
            f"{package} is not installed here, so the cells below that need it do nothing. "
            f"To get it, run `%pip install {package}` in a cell, then restart the kernel."
        )


class Skip(ast.NodeTransformer):
    """Empties each cell that imports a missing module, or uses a name that an emptied one makes."""

    def __init__(self, modules: set[str]):
        self._modules = modules
        self._names: set[str] = set()

    def visit_Module(self, cell: ast.Module) -> ast.Module:
        """Return the cell, without what is in it if that cannot run."""
        if needed(cell) & self._modules or used(cell) & self._names:
            self._names |= made(cell)
            cell.body = []
        else:
            self._names -= made(cell)
        return cell


def needed(cell: ast.Module) -> set[str]:
    """The modules that a cell imports, and the packages that they are in."""
    found = set()
    for node in ast.walk(cell):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")  # `from . import name` names none
    return found | {name.partition(".")[0] for name in found}


def used(cell: ast.Module) -> set[str]:
    """The names that a cell reads somewhere."""
    names = (node for node in ast.walk(cell) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


def made(cell: ast.Module) -> set[str]:
    """The names that a cell makes: by assignment, import, `def`, `class`, or `as`."""
    found = set()
    for node in ast.walk(cell):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found
