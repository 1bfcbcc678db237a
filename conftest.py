"""What holds for every test and every notebook of this checkout.

It lies here, and not in tests/, because pytest asks a conftest.py only about what lies beside or
below it, and the notebooks are looked after too.
"""

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from nbval.plugin import IPyNbCell

pytest_plugins = ["tests.support.alone", "tests.support.leftovers"]


def pytest_configure(config: pytest.Config) -> None:
    """Let nbval find its rules from whatever folder pytest is started in."""
    rules = config.option.nbval_sanitize_with
    if rules:
        config.option.nbval_sanitize_with = str(config.inipath.parent / rules)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is marked slow, unless CI=true; compare no forks where there are none."""
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
    """Add what a failed cell wrote to stderr. nbval says only that it did, not what."""
    report = yield
    if report.failed and isinstance(item, IPyNbCell):
        for output in item.test_outputs or []:
            if output.get("name") == "stderr":
                report.sections.append(("stderr of the cell", output["text"]))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why the browser tests were skipped; pytest by itself keeps that to itself.

    It is said here and not in tests/browser, whose conftest.py is read only by the process that
    runs those tests.
    """
    for report in terminalreporter.stats.get("skipped", []):
        *_, reason = report.longrepr
        if report.nodeid.startswith("tests/browser/") and "slow:" not in reason:
            reason = reason.removeprefix("Skipped: ")
            terminalreporter.write_line(f"The browser tests were skipped: {reason}", yellow=True)
            break


def cannot_be_compared_here(cell: IPyNbCell) -> bool:
    """Lesson 1 has other outputs where there is no fork, and one more where a forked kernel breaks.

    It says so: Windows has no fork, and on macOS a kernel's event loop need not survive one.
    """
    forks_its_kernel = "in_a_throwaway_kernel(cell)" in cell.cell.source
    here = sys.platform == "win32" or (sys.platform == "darwin" and forks_its_kernel)
    return here and cell.parent.path.stem == "01_fork"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, as in a busy kernel. A shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
