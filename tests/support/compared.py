"""What nbval compares in a notebook, taken from nbval itself, without a kernel."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams


def compared_cells(session: pytest.Session, path: Path) -> list[IPyNbCell]:
    """Return the cells of a notebook whose outputs nbval compares, with the real rules."""
    file = IPyNbFile.from_parent(session, path=path)
    file.setup_sanitize_files()
    cells = [cell for cell in file.collect() if cell.options["check"] and not cell.options["skip"]]
    for cell in cells:
        cell.cell.outputs = coalesce_streams(cell.cell.outputs)
    return [cell for cell in cells if cell.cell.outputs]


def places(cell: IPyNbCell) -> Iterator[tuple[NotebookNode, str]]:
    """Yield each compared text of a cell as the dictionary that holds it and its key there."""
    for output in cell.cell.outputs:
        if output.output_type == "stream":
            yield output, "text"
        elif output.output_type == "error":
            yield output, "ename"
            yield output, "evalue"
        else:
            kinds = [kind for kind in output.data if kind not in cell.parent.skip_compare]
            yield from ((output.data, kind) for kind in kinds)


def texts(cell: IPyNbCell) -> list[str]:
    """Return the compared texts of a cell."""
    return [holder[key] for holder, key in places(cell)]


def sanitised(text: str, rules: list[tuple[str, str]]) -> str:
    """Return a text as nbval sees it when it has applied the rules, one after the other."""
    for regex, replacement in rules:
        text = re.sub(regex, replacement, text)
    return text
