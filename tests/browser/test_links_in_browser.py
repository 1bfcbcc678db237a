"""The links between the notebooks, clicked in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.slow


def test_a_word_leads_to_the_glossary(open_notebook, keep):
    notebook = open_notebook("03_pool.ipynb")
    notebook.page.locator("a[title^='The time from']", has_text="makespan").click()
    notebook.wait_for("panel.context.path === 'glossary.ipynb'")
    keep(notebook)


def test_the_map_is_drawn_and_leads_to_a_lesson(open_notebook, keep):
    notebook = open_notebook("index.ipynb")
    # JupyterLab shows a diagram as a picture that it has drawn itself.
    notebook.page.locator(".jp-RenderedMermaid img, .jp-RenderedMermaid svg").first.wait_for()
    keep(notebook)
    notebook.page.locator("td a", has_text="03 Pool").click()
    notebook.wait_for("panel.context.path === '03_pool.ipynb'")
