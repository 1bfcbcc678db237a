"""Let a lesson run without a package that not everybody has: the cells that need it do nothing."""

import ast
import importlib
import symtable

from IPython import get_ipython


def skip_without(package: str, *modules: str) -> None:
    """Let the cells of this notebook that need a package do nothing if it is not installed.

    One printed line says so. A cell that uses a name from a skipped cell is skipped, too. All
    others run as usual.

    Args:
        package: the name by which the package is installed and imported.
        modules: the other modules that cannot be imported without it.
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
    """Empties each cell that imports a missing module or uses a name from an emptied cell."""

    def __init__(self, modules: set[str]):
        self._modules = modules
        self._names: set[str] = set()

    def visit_Module(self, cell: ast.Module) -> ast.Module:
        """Return the cell, emptied if it cannot run."""
        if modules_imported(cell) & self._modules or names_read(cell) & self._names:
            self._names |= names_defined(cell)
            cell.body = []
        else:
            self._names -= names_defined(cell)
        return cell


def modules_imported(cell: ast.Module) -> set[str]:
    """Return the modules that a cell imports, and the packages that they are in."""
    found = set()
    for node in ast.walk(cell):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")  # `from . import name` names none
    return found | {name.partition(".")[0] for name in found}


def names_read(cell: ast.Module) -> set[str]:
    """Return the names that a cell reads from other cells.

    Names that only a function of the cell knows are not among them, nor its functions themselves.
    """
    found, waiting = set(), [symtable.symtable(ast.unparse(cell), "cell", "exec")]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        is_outermost = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (is_outermost or symbol.is_global()):
                found.add(symbol.get_name())
    return found - {node.name for node in cell.body if isinstance(node, ast.FunctionDef)}


def names_defined(cell: ast.Module) -> set[str]:
    """Return the names that a cell defines: by assignment, import, `def`, `class`, or `as`."""
    found = set()
    for node in ast.walk(cell):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found
