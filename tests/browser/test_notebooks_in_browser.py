"""Every notebook runs in a real JupyterLab from its first cell to its last, and its panel works."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tools.panel_on_page import PanelOnPage

NOTEBOOKS = sorted(Path(__file__).resolve().parent.parent.parent.glob("notebooks/*.ipynb"))

pytestmark = pytest.mark.slow  # without CI=true, nbval alone runs them all


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_all_cells_run_without_an_error_and_the_panel_runs_again(open_notebook, name, keep):
    notebook = open_notebook(f"{name}.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    run, written = notebook.cells_run()
    assert run == written
    if has_panel(notebook):
        panel = PanelOnPage(notebook, "panel = explore(")
        panel.run_to_the_end()
        assert notebook.ask_kernel("[result.trouble for result in panel.results]") == ["", ""]
        keep(notebook, show=panel.picture)
    else:
        keep(notebook)


def has_panel(notebook):
    code = ["".join(cell["source"]) for cell in notebook.as_json()["cells"]]
    return any("panel = explore(" in source for source in code)


def test_each_start_method_can_be_run_and_is_named_where_the_runs_are_compared(open_notebook, keep):
    notebook = open_notebook("07_start_methods.ipynb")
    notebook.run_all()
    panel = PanelOnPage(notebook, "panel = explore(")
    panel.wait_until_ready()
    choice = panel.cell.get_by_role("combobox", name="Start by")
    methods = choice.locator("option").all_text_contents()
    assert methods == notebook.ask_kernel("__import__('helpers.machine').machine.start_methods()")
    for method in methods:
        choice.select_option(method)
        panel.run_to_the_end()
        assert panel.last_run("t.method") == method
    runs = notebook.ask_kernel("[result.setting.method for result in panel.results]")
    together = panel.shown.get_by_text(f"The latest {len(runs)}, on one time axis")
    together.click()
    pictures = panel.shown.locator("details[open] .chart img")
    expect(pictures).to_have_count(len(runs))
    for picture, method in zip(pictures.all(), runs, strict=True):
        expect(picture).to_have_attribute(
            "alt", re.compile(f"^.{{0,60}}4 {method} workers, 8 tasks")
        )
    keep(notebook, "together", show=pictures.last)
    together.click()
    panel.shown.get_by_text(f"Compare {len(runs)} runs").click()
    rows = panel.shown.locator("details[open] tbody tr").all()
    assert [row.locator("td").first.text_content() for row in rows] == runs
    keep(notebook, "compared", show=panel.shown.locator("details[open] table"))


def test_two_sliders_set_the_numbers_of_readers_and_writers(open_notebook, keep):
    notebook = open_notebook("06_queue.ipynb")
    notebook.run_all()
    panel = PanelOnPage(notebook, "panel = explore(")
    panel.set_slider(3, "Readers")
    panel.set_slider(2, "Writers")
    panel.run_to_the_end()
    names = panel.last_run("[process.name.split()[0] for process in t.processes]")
    assert sorted(names) == ["reader"] * 3 + ["writer"] * 2
    keep(notebook, show=panel.picture)
