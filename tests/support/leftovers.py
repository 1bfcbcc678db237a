"""A pytest plugin: no test file and no notebook leaves a process or a log folder behind.

The whole machine is searched before and after each file, since a search reads all its processes.
After each test we only note which descendants of this process are new. So when a file has left a
process behind, the message also names the test in which that process was first seen.

A process that a test started is found in three ways. It is a descendant of this process. Or it is
an orphan that carries the mark of this run in its environment, which every new program inherits.
Or it is an orphaned fork: it shows the environment that its program began with, and so no mark, but
it is still in our process group.
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
"""A process that was told to end may take so long. After that it counts as left behind."""

OWN = psutil.Process()
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Helpers of the standard library: they live as long as the process that they serve."""

_strangers: set[psutil.Process] = set()
_first_seen: dict[psutil.Process, str] = {}
"""The test after which a descendant of this process was first seen."""

_watches = pytest.StashKey[tuple["Watch", "Watch"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Mark this run, and give it a temporary folder of its own, so that all logs in it are ours.

    Where pytest-xdist runs tests in several processes, each of them gets its own process group too.
    """
    if hasattr(config, "workerinput") and hasattr(os, "setpgrp"):
        os.setpgrp()
    os.environ[MARK] = f"{OWN.pid}-{time.time_ns()}"
    outer = os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = tempfile.mkdtemp(prefix="ps-", dir=outer)  # short: sockets in it have short names only
    os.environ.update(TMPDIR=folder, TEMP=folder, TMP=folder)
    tempfile.tempdir = folder
    # It is removed at the very end, after multiprocessing has tidied up its own files in it.
    util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)


def pytest_keyboard_interrupt() -> None:
    """Pass Ctrl-C on to children with a process group of their own: no terminal signals those.

    They are the processes of pytest-xdist, and children that a test has started in that way.
    """
    for child in OWN.children():
        with contextlib.suppress(OSError, AttributeError):
            if os.getpgid(child.pid) == child.pid:
                os.killpg(child.pid, signal.SIGINT)


class Watch:
    """A watch over what was started since it was made and is still alive.

    `owners` are the processes that tests run in: this one, or a notebook's kernel. Their helpers of
    the standard library are no leftovers. Neither are descendants of other processes that were
    alive before, such as a browser that serves the whole run: the watch over the run sees those.
    """

    def __init__(self, *owners: psutil.Process) -> None:
        self.owners = set(owners)
        self.before = {p for p in started_here() if not self._serves_owner(p)}
        self.folders = set(_log_folders())

    def processes(self) -> list[psutil.Process]:
        """Return the processes that were started since and are alive."""
        return [p for p in started_here() - self.before if self._is_leftover(p)]

    def dead_folders(self) -> list[Path]:
        """Return the log folders that appeared since and whose owner has ended."""
        return [
            folder for folder in _log_folders() if folder not in self.folders and _is_dead(folder)
        ]

    def check(self, what: str) -> None:
        """Fail and name what is left, if anything is; end it, so that it is not found again."""
        left = _still(self.processes)
        descriptions = [_describe(process) for process in left]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _still(lambda: list(filter(is_alive, left)))
        dead = _still(self.dead_folders)
        for folder in dead:
            shutil.rmtree(folder, ignore_errors=True)
        if descriptions or dead:
            pytest.fail(
                "\n  ".join([f"{what} left behind:", *descriptions, *map(str, dead)]),
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
    return set(filter(is_alive, ours))


def _has_mark(process: psutil.Process) -> bool:
    try:
        return process.environ().get(MARK) == os.environ[MARK]
    except (psutil.Error, OSError):
        return False


def _is_orphan_of_our_group(process: psutil.Process) -> bool:
    """Return whether a younger process is in our group (POSIX) although its parent is not."""
    try:
        younger = process.create_time() > OWN.create_time()
        return younger and os.getpgid(process.pid) == os.getpgrp() != os.getpgid(process.ppid())
    except (AttributeError, psutil.Error, OSError):
        return False


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _still(look: Callable[[], list]) -> list:
    """Return what `look` still finds after SECONDS_TO_GO; return early when it finds nothing."""
    deadline = time.monotonic() + SECONDS_TO_GO
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _describe(process: psutil.Process) -> str:
    test = _first_seen.get(process)
    since = f" (first seen after {test})" if test else ""
    try:
        return f"process {process.pid}: {' '.join(process.cmdline()) or process.name()}{since}"
    except psutil.Error:
        return f"process {process.pid}{since}"


def _log_folders() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(folders.PREFIX + "*"))


def _is_dead(folder: Path) -> bool:
    """Return whether a log folder's owner, whose pid is in the folder's name, has ended."""
    return not psutil.pid_exists(int(folder.name.removeprefix(folders.PREFIX).partition("-")[0]))


@contextlib.contextmanager
def nothing_left(what: str) -> Iterator[None]:
    """Fail at the end if the code inside left anything behind."""
    watch = Watch(OWN)
    yield
    watch.check(what)


@pytest.fixture(autouse=True)
def _note_new_descendants(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for process in OWN.children(recursive=True):
        _first_seen.setdefault(process, request.node.name)


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

    The first time the kernel is still alive: its end takes its whole process group with it, which
    would hide what was left. The second time the kernel has ended, since nothing may outlive it.
    nbval kills a kernel, so its log folders stay: they must be such as the next experiment sweeps.
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
