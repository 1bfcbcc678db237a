"""Settings for every test and every notebook of this checkout.

This file lies here and not in tests/, because pytest applies a conftest.py only to the files beside
and below it, and it must apply to the notebooks too.
"""

import os
import signal
import sys
from collections.abc import Iterator

import hypothesis
import pytest
from nbval.plugin import IPyNbCell

pytest_plugins = ["tests.support.alone", "tests.support.leftovers"]

# A busy machine may be slow at any example, and that is no fault of the code.
hypothesis.settings.register_profile(
    "course", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("course")


def pytest_configure(config: pytest.Config) -> None:
    """Let nbval find its rules from whatever folder pytest is started in."""
    rules = config.option.nbval_sanitize_with
    if rules:
        config.option.nbval_sanitize_with = str(config.inipath.parent / rules)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked slow unless CI=true; do not compare forks where there is no fork."""
    for item in items:
        if isinstance(item, IPyNbCell) and cannot_be_compared_here(item):
            item.options["check"] = False
    if os.environ.get("CI") == "true":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs only with CI=true"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator:
    """Add what a failed cell wrote to stderr. nbval only says that it wrote something."""
    report = yield
    if report.failed and isinstance(item, IPyNbCell):
        for output in item.test_outputs or []:
            if output.get("name") == "stderr":
                report.sections.append(("stderr of the cell", output["text"]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why the browser tests were skipped: pytest itself does not show the reason.

    This hook is here and not in tests/browser, since only the process that runs those tests reads
    their conftest.py.
    """
    for report in terminalreporter.stats.get("skipped", []):
        *_, reason = report.longrepr
        if report.nodeid.startswith("tests/browser/") and "slow:" not in reason:
            reason = reason.removeprefix("Skipped: ")
            terminalreporter.write_line(f"The browser tests were skipped: {reason}", yellow=True)
            break


def cannot_be_compared_here(cell: IPyNbCell) -> bool:
    """Return whether a cell's outputs differ on this system, as those of lesson 1 on forks may.

    The lesson says so: Windows has no fork, and on macOS a forked kernel may break.
    """
    forks_its_kernel = "in_a_throwaway_kernel(cell)" in cell.cell.source
    here = sys.platform == "win32" or (sys.platform == "darwin" and forks_its_kernel)
    return here and cell.parent.path.stem == "01_fork"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as in a busy kernel; a background job ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
