"""Every notebook runs in a real JupyterLab from its first cell to its last."""

from pathlib import Path

import pytest

from tools import lab

NOTEBOOKS = sorted(Path(__file__).resolve().parent.parent.parent.glob("notebooks/*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_all_cells_of_a_notebook_run_without_an_error(server, new_page, name, keep):
    notebook = lab.Notebook.open(new_page(), server, name)
    notebook.run_all()
    assert notebook.errors() == []
    keep(notebook)
    notebook.close()
