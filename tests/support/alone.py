"""A pytest plugin: a test that is marked alone has the machine to itself, and comes last.

Tests run two at a time (pytest-xdist), each in a process of its own. All share one lock, a file of
their common parent: an ordinary test holds it together with others, one that is marked alone holds
it for itself. So a class of thirty kernels does not make the cells of a notebook beside it fail,
which have a minute each. Windows has no lock that can be shared so: there, they run beside others.
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
    """Put files with something in them that is marked alone last: less has to wait for it."""
    alone = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: item.path in alone)  # whole files: pytest-xdist hands out no less


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Run a test in its turn, with what is set up for it and what is torn down after it."""
    with _turn(getattr(item.config, "workerinput", {}).get(LOCK), item.get_closest_marker("alone")):
        return (yield)


@contextlib.contextmanager
def _turn(path: str | None, alone: object) -> Iterator[None]:
    """Hold the lock, for ourselves or with others; at once, where nothing runs beside."""
    if path is None or fcntl is None:
        yield
        return
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a fork that has the file open does not keep it
