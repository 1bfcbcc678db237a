"""Every notebook runs in a real JupyterLab from its first cell to its last, and its panel works."""

from pathlib import Path

import pytest

from tools.panel_on_page import PanelOnPage

NOTEBOOKS = sorted(Path(__file__).resolve().parent.parent.parent.glob("notebooks/[0-9]*.ipynb"))

pytestmark = pytest.mark.slow  # without CI=true, nbval alone runs them all


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_all_cells_run_without_an_error_and_the_panel_runs_again(open_notebook, name, keep):
    notebook = open_notebook(f"{name}.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    panel = PanelOnPage(notebook)
    if panel.cell.count():
        panel.run_to_the_end()
        assert notebook.ask_kernel("[result.trouble for result in panel.results]") == ["", ""]
        keep(notebook, show=panel.picture)


def test_two_sliders_set_the_numbers_of_readers_and_writers(open_notebook, keep):
    notebook = open_notebook("06_queue.ipynb")
    notebook.run_all()
    panel = PanelOnPage(notebook)
    panel.set_slider(3, "Readers")
    panel.set_slider(2, "Writers")
    panel.run_to_the_end()
    names = panel.last_run("[process.name.split()[0] for process in t.processes]")
    assert sorted(names) == ["reader"] * 3 + ["writer"] * 2
    keep(notebook, show=panel.picture)
