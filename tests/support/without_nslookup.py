"""Run a lesson as on a machine without nslookup: nbval must see the same outputs there."""

import os
from pathlib import Path
from unittest import mock

from helpers.lookups import find_nslookup
from helpers.nameserver import NameServer
from tests.support.inner import run_pytest
from tools.notebooks import NOTEBOOKS, read, save

NOTE = "print(find_nslookup(server).note)"


def assert_same_without_nslookup(name: str, folder: Path) -> None:
    """Run a copy of a lesson in `folder` with a PATH on which there is no program at all.

    The stand-in's note is compared in the copy, which shows that the stand-in was really used.
    """
    empty = folder / "no programs here"
    empty.mkdir()
    with mock.patch.dict(os.environ, PATH=str(empty)), NameServer() as server:
        found = find_nslookup(server)
    assert found.stand_in
    notebook = read(NOTEBOOKS / f"{name}.ipynb")
    (note,) = [cell for cell in notebook.cells if cell.source == NOTE]
    note.metadata = {}
    note.outputs[0].text = f"{found.note}\n"
    save(notebook, folder / f"{name}.ipynb")
    outcomes = run_pytest(folder / f"{name}.ipynb", PATH=str(empty))
    assert outcomes
    failed = [f"{cell}: {end.message}" for cell, end in outcomes.items() if end.word != "passed"]
    assert not failed, "\n".join(failed)
