"""A pytest plugin: no test and no notebook leaves a process or a log folder behind.

What a test started is found in three ways. It is a descendant of this process. Or it was orphaned,
but carries the mark that this run puts into its environment, which every new program inherits. Or
it is an orphaned fork: that shows the environment its program began with, and so no mark, but it is
still in our process group.
"""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import util
from pathlib import Path

import psutil
import pytest
from nbval.plugin import IPyNbCell

from helpers.parent import folders

MARK = "PLAIN_SIGHT_TEST_RUN"
SECONDS_TO_GO = 3
"""A process that was told to end may take a moment. Then it is called left behind."""

OWN = psutil.Process()
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""They live as long as the process that they serve; the standard library means it so."""

_strangers: set[psutil.Process] = set()
_watches = pytest.StashKey[tuple["Watch", "Watch"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Mark this run, and give it a temporary folder of its own, so that all logs in it are ours.

    Of several runs beside each other (pytest-xdist) each has a process group of its own too.
    """
    if hasattr(config, "workerinput") and hasattr(os, "setpgrp"):
        os.setpgrp()
    os.environ[MARK] = f"{OWN.pid}-{time.time_ns()}"
    outer = os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="ps-", dir=outer)  # short: sockets in it have short names only
    os.environ.update(TMPDIR=folder, TEMP=folder, TMP=folder)
    tempfile.tempdir = folder
    # Removed at the very end, after what multiprocessing itself has to tidy up in it.
    util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)


def pytest_keyboard_interrupt() -> None:
    """Hand Ctrl-C on to children with a group of their own, which no terminal knows.

    Those are the processes of pytest-xdist, and what a test started so and has yet to end.
    """
    for child in OWN.children():
        with contextlib.suppress(OSError, AttributeError):
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, signal.SIGINT)


class Watch:
    """Knows what was alive when it was made, and tells what was started since and still lives.

    `owners` are the processes that tests run in: this one, or a notebook's kernel. Their helpers of
    the standard library are no leftovers. Nor are descendants of others that were alive before,
    such as a browser that a fixture opened for a whole module: the module's own watch sees those.
    """

    def __init__(self, *owners: psutil.Process) -> None:
        self.owners = set(owners)
        self.before = {p for p in started_here() if not self._serves_owner(p)}
        self.folders = set(_log_folders())

    def processes(self) -> list[psutil.Process]:
        """Return the processes that were started since and are alive."""
        return [p for p in started_here() - self.before if self._is_leftover(p)]

    def dead_folders(self) -> list[Path]:
        """Return the log folders that appeared since and whose owner is no more."""
        return [
            folder for folder in _log_folders() if folder not in self.folders and _is_dead(folder)
        ]

    def check(self, who: str) -> None:
        """Fail, with names, if anything is left; end it, so that it is not found again."""
        left = _still(self.processes)
        descriptions = [_describe(process) for process in left]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _still(lambda: list(filter(_is_alive, left)))
        dead = _still(self.dead_folders)
        for folder in dead:
            shutil.rmtree(folder, ignore_errors=True)
        if descriptions or dead:
            pytest.fail(
                "\n  ".join([f"{who} left behind:", *descriptions, *map(str, dead)]),
                pytrace=False,
            )

    def _is_leftover(self, process: psutil.Process) -> bool:
        try:
            elders = set(process.parents())
        except psutil.NoSuchProcess:
            return False
        return not self._serves_owner(process) and not elders & (self.before - self.owners)

    def _serves_owner(self, process: psutil.Process) -> bool:
        try:
            command = " ".join(process.cmdline())
            return process.parent() in self.owners and any(name in command for name in HELPERS)
        except psutil.Error:
            return False


def started_here() -> set[psutil.Process]:
    """Return every living process that this run of the tests started, orphans included."""
    ours = set(OWN.children(recursive=True))
    for process in psutil.process_iter():
        if process == OWN or process in ours or process in _strangers:
            continue
        if _has_mark(process) or _is_orphan_of_our_group(process):
            ours.add(process)
        else:
            _strangers.add(process)
    return set(filter(_is_alive, ours))


def _has_mark(process: psutil.Process) -> bool:
    try:
        return process.environ().get(MARK) == os.environ[MARK]
    except (psutil.Error, OSError):
        return False


def _is_orphan_of_our_group(process: psutil.Process) -> bool:
    """Say whether a process, younger than we, shares our group (POSIX) and its parent does not."""
    try:
        younger = process.create_time() > OWN.create_time()
        return younger and os.getpgid(process.pid) == os.getpgrp() != os.getpgid(process.ppid())
    except (AttributeError, psutil.Error, OSError):
        return False


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _still(look: Callable[[], list]) -> list:
    """Return what `look` finds, once it finds nothing or the time to go is over."""
    deadline = time.monotonic() + SECONDS_TO_GO
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _describe(process: psutil.Process) -> str:
    try:
        return f"process {process.pid}: {' '.join(process.cmdline()) or process.name()}"
    except psutil.Error:
        return f"process {process.pid}"


def _log_folders() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(folders.PREFIX + "*"))


def _is_dead(folder: Path) -> bool:
    """Say whether the owner of a log folder, whose pid is in its name, is no more."""
    return not psutil.pid_exists(int(folder.name.removeprefix(folders.PREFIX).partition("-")[0]))


@contextlib.contextmanager
def nothing_left(who: str) -> Iterator[None]:
    """Fail at the end if what ran inside left anything behind."""
    watch = Watch(OWN)
    yield
    watch.check(who)


@pytest.fixture(autouse=True)
def _test_leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    with nothing_left(request.node.name):
        yield


@pytest.fixture(autouse=True, scope="module")
def _module_leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    with nothing_left(request.node.name):
        yield


@pytest.fixture(autouse=True, scope="session")
def _run_leaves_nothing() -> Iterator[None]:
    with nothing_left("the whole run"):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Begin to watch a notebook when nbval has started its kernel. (Cells know no fixtures.)"""
    if not isinstance(item, IPyNbCell) or _watches in item.parent.stash:
        return (yield)
    outside = Watch(OWN)
    yield
    kernel = psutil.Process(item.parent.kernel.km.provisioner.pid)
    item.parent.stash[_watches] = Watch(kernel, *kernel.children(recursive=True)), outside
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Check a notebook after its last cell, twice.

    While its kernel lives, because the kernel's end takes its whole process group with it and would
    hide what was left. And when the kernel is gone, because nothing may outlive it. nbval kills it,
    so that its log folders stay: they must be such as the next experiment sweeps away.
    """
    if _watches not in item.parent.stash or (nextitem and nextitem.parent is item.parent):
        return (yield)
    inside, outside = item.parent.stash[_watches]
    try:
        inside.check(item.parent.name)
        item.parent.teardown()
        folders.sweep()
        outside.check(item.parent.name)
    finally:
        yield
    return None
