"""A real JupyterLab and a real browser for the tests of this folder.

They last for one module: Playwright keeps an event loop running in this thread, and the notebooks
that nbval runs later in the same process should not meet it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from helpers.parent import folders
from tools import lab

ARTIFACTS = Path(__file__).resolve().parent.parent / "artifacts"
NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"

OpenNotebook = Callable[[str], lab.Notebook]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a headless browser. Without one the tests are skipped, which is a failure in CI."""
    try:
        running = lab.browser()
        opened = running.__enter__()
    except lab.NoBrowser as error:
        pytest.skip(str(error))
    yield opened
    running.__exit__(None, None, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """Turn a skip into a failure where CI=true, whatever its reason."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        *_, reason = report.longrepr
        report.outcome, report.longrepr = "failed", f"in CI a skip is a failure: {reason}"
    return report


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    """Yield a JupyterLab that shows a folder with copies of all notebooks."""
    folder = tmp_path_factory.mktemp("course")
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        lab.copy_notebook(notebook, folder)
    with lab.jupyterlab(folder) as running:
        yield running


@pytest.fixture(scope="module")
def open_for_module(browser: Browser, server: lab.Server) -> Iterator[OpenNotebook]:
    """Open a notebook that several tests use."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(_opened(browser, server, name))


@pytest.fixture
def open_notebook(browser: Browser, server: lab.Server) -> Iterator[OpenNotebook]:
    """Open a notebook for one test."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(_opened(browser, server, name))


@contextlib.contextmanager
def _opened(browser, server, name):
    page = browser.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
    try:
        notebook = lab.Notebook.open(page, server, name)
        yield notebook
        notebook.end_kernel()
    finally:
        page.close()
        # JupyterLab kills a kernel that does not end within 2.5 seconds, and ipykernel takes longer
        # wherever something was spawned. Its log folders stay until the next experiment sweeps.
        folders.sweep()


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a picture of a page among the artifacts, under the test's name."""

    def keep(notebook: lab.Notebook, what: str = "", show: Locator | None = None) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        name = request.node.name.removeprefix("test_").translate(str.maketrans("[]", "__"))
        if show is not None:
            show.evaluate("element => element.scrollIntoView({ block: 'end' })")
        notebook.settle()
        notebook.page.screenshot(path=ARTIFACTS / f"{name}{'-' if what else ''}{what}.png")

    return keep
