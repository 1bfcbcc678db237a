"""Picture and status tell of the same run, wherever the panel is shown.

A page that was reloaded, or opened a second time, gets the widgets again, but knows nothing of the
ordinary outputs that the kernel could update.
"""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from helpers.runs.output import WITHOUT_KERNEL
from tools import lab
from tools.panel_on_page import PanelOnPage

IMPORTS = """
import time
import ipywidgets as widgets
from IPython.display import display
from helpers.panel import explore

def run(mp, workers):
    print("from the run of", workers)
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, [0.2] * 3, chunksize=1)
"""
AS_IT_IS = "panel = explore(run, workers=2)"
IN_AN_OUTPUT = """
out = widgets.Output()
display(out)
print("after it")
display(widgets.HTML("and after that"))
with out:
    panel = explore(run, workers=2)
"""
IN_A_TAB = """
out = widgets.Output()
display(widgets.Tab([out], titles=["A tab"]))
with out:
    panel = explore(run, workers=2)
"""


@pytest.fixture
def open_cells(open_notebook, server):
    """Open a notebook of such cells, and run them."""

    def open_it(*cells: str) -> lab.Notebook:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        book.metadata["kernelspec"] = kernel
        nbformat.write(book, server.root / "small.ipynb")
        notebook = open_notebook("small.ipynb")
        notebook.run_all()
        return notebook

    return open_it


def check_that_all_tell_of(panel, workers):
    """Check that whatever of the panel is in sight tells of a run with so many workers."""
    told = re.compile(rf"{workers} \w+ workers?, 3 tasks: makespan")
    expect(panel.status).to_contain_text(told)
    pictures = panel.cell.locator(".chart img:visible")
    expect(pictures).to_have_count(1)
    expect(pictures).to_have_attribute("alt", told)
    printed = panel.cell.get_by_text("from the run of").locator("visible=true")
    expect(printed).to_have_text(f"from the run of {workers}\n")
    runs = panel.notebook.ask_kernel("len(panel.results)")
    compared = f"Compare {runs} runs" if runs > 1 else "After the next run"
    expect(
        panel.cell.get_by_text(re.compile("Compare|After the")).locator("visible=true")
    ).to_have_text(re.compile(compared))


def run_with(panel, workers):
    panel.set_slider(workers)
    panel.run_to_the_end()
    check_that_all_tell_of(panel, workers)


def reload(notebook):
    """Load the page again as F5 does, and return its panel."""
    notebook.page.reload()
    return PanelOnPage(notebook.wait_until_shown())


def test_after_the_page_was_reloaded_picture_and_status_tell_of_the_same_run(open_cells, keep):
    notebook = open_cells(IMPORTS, AS_IT_IS)
    check_that_all_tell_of(PanelOnPage(notebook), 2)
    notebook.save()
    run_with(PanelOnPage(notebook), 1)  # not saved
    panel = reload(notebook)
    check_that_all_tell_of(panel, 1)
    run_with(panel, 3)
    keep(notebook, show=panel.picture)


@pytest.mark.slow
def test_a_notebook_that_was_closed_and_is_opened_again_shows_the_newest_run(open_cells):
    notebook = open_cells(IMPORTS, AS_IT_IS)
    notebook.save()
    run_with(PanelOnPage(notebook), 1)
    notebook.page.evaluate(REOPEN)
    panel = PanelOnPage(notebook.wait_until_shown())
    check_that_all_tell_of(panel, 1)
    run_with(panel, 3)


REOPEN = """async () => {
    const open = jupyterapp.shell.currentWidget;
    const path = open.context.path;
    await open.context.save();
    open.dispose();
    await jupyterapp.commands.execute('docmanager:open', { path });
}"""


def test_two_pages_show_the_same_run(open_cells, server, browser):
    notebook = open_cells(IMPORTS, AS_IT_IS)
    notebook.save()
    first = PanelOnPage(notebook)
    page = browser.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
    second = PanelOnPage(lab.Notebook.open(page, server, "small.ipynb"))
    run_with(first, 1)
    check_that_all_tell_of(second, 1)
    run_with(second, 3)
    check_that_all_tell_of(first, 3)
    page.close()


@pytest.mark.parametrize(
    "cell", [IN_AN_OUTPUT, pytest.param(IN_A_TAB, marks=pytest.mark.slow)], ids=["output", "tab"]
)
def test_within_an_output_widget_picture_and_status_tell_of_the_same_run(open_cells, cell, keep):
    panel = PanelOnPage(open_cells(IMPORTS, cell))
    check_that_all_tell_of(panel, 2)
    run_with(panel, 3)
    if "after it" in cell:  # what belongs to the cell, and not to the panel, stays in sight
        expect(panel.cell.get_by_text("after it", exact=True).last).to_be_visible()
        expect(panel.cell.get_by_text("and after that", exact=True).last).to_be_visible()
    keep(panel.notebook, show=panel.picture)


@pytest.mark.slow
def test_two_panels_of_one_cell_each_show_their_own_run(open_cells):
    panel = PanelOnPage(
        open_cells(IMPORTS, "explore(run, workers=4); print('between')\n" + AS_IT_IS)
    )
    alts = [
        picture.get_attribute("alt") for picture in panel.cell.locator(".chart img:visible").all()
    ]
    assert [re.match(r".*?(\d) \w+ workers?", alt)[1] for alt in alts] == ["4", "2"]
    expect(panel.cell.get_by_text("between").last).to_be_visible()


def test_a_saved_notebook_holds_the_newest_run_as_an_ordinary_output(open_cells, server):
    notebook = open_cells(IMPORTS, AS_IT_IS)
    run_with(PanelOnPage(notebook), 3)
    notebook.save()
    saved = nbformat.read(server.root / "small.ipynb", 4)
    controls, chart, compared = saved.cells[1].outputs
    assert controls.data["text/plain"] == WITHOUT_KERNEL
    assert re.search(r'alt="[^"]*3 \w+ workers, 3 tasks: makespan', chart.data["text/html"])
    assert "from the run of 3" in chart.data["text/html"]
    assert "Compare 2 runs" in compared.data["text/html"]
    assert "image/png" in chart.data
