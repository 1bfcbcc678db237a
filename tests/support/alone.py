"""A pytest plugin: a test that is marked alone has the machine to itself and runs last.

Tests run two at a time (pytest-xdist), in two processes. These share one lock, a file of their
common parent: ordinary tests hold it together, a test that is marked alone holds it exclusively. So
a class of thirty kernels does not slow down a notebook whose cells have a minute each. Windows has
no such lock: there, tests that are marked alone run beside others.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

import pytest

try:
    import fcntl
except ImportError:
    fcntl = None

LOCK = "turns"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_configure_node(node) -> None:
    """Tell the processes that run tests beside each other where their lock is."""
    node.workerinput[LOCK] = os.path.join(tempfile.gettempdir(), LOCK)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with a test that is marked alone last, so that few tests wait for it."""
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: item.path in alone)  # pytest-xdist hands out whole files


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Run a test in its turn, with its set-up and its tear-down."""
    lock = getattr(item.config, "workerinput", {}).get(LOCK)
    runs_alone = item.get_closest_marker("alone") and not item.get_closest_marker("skip")
    with _turn(lock, bool(runs_alone)):
        return (yield)


@contextlib.contextmanager
def _turn(path: str | None, alone: bool) -> Iterator[None]:
    """Hold the lock, exclusively or with others; do nothing where tests run one at a time."""
    if path is None or fcntl is None:
        yield
        return
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a fork that has the file open does not keep it
