"""A child whose parent has ended goes on for a moment, and then leaves with all it has started."""

import os
import subprocess
import sys

import psutil
import pytest

from helpers.child import orphan_guard
from helpers.observed import get_context
from helpers.parent import folders
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.plain import all_have_ended, plain_ones
from tests.support.within import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.mark.parametrize("method", METHODS)
def test_who_waits_for_a_parents_end_hears_of_it(method: str, tmp_path) -> None:
    mp, path = get_context(method), tmp_path / "it"
    child = mp.Process(target=workers.start_one_that_waits_for_our_end, args=(mp, str(path)))
    child.start()
    until((tmp_path / "it.begun").exists)
    os.kill(child.pid, 9)  # it cannot say goodbye
    until((tmp_path / "it.joined").exists, seconds=10)
    until((tmp_path / "it.finally").exists, seconds=10)


PARENT = """
import sys
from helpers.observed import get_context
from helpers.parent import folders
from tests.support import workers
if __name__ == "__main__":
    mp = get_context(sys.argv[1])
    process = mp.Process(target=getattr(workers, sys.argv[2]), args=(sys.argv[3],))
    process.start()
    process.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a child finds its descendants on Linux only")
@pytest.mark.parametrize("method", METHODS)
def test_it_takes_with_it_what_it_has_started(method: str, tmp_path) -> None:
    """Plain processes have no guard of their own."""
    program = tmp_path / "program.py"
    program.write_text(PARENT)
    folder = tmp_path / "pids"
    folder.mkdir()
    command = [sys.executable, str(program), method, "start_plain_ones", str(folder)]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()})
    plain = plain_ones(folder)
    parent.kill()
    parent.wait()
    all_have_ended(plain)
    folders.sweep()


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_closes_all_its_descriptors_lives_on(method: str, tmp_path) -> None:
    mp = get_context(method)
    long = 2 * orphan_guard.LOOK + orphan_guard.GRACE
    path = str(tmp_path / "lived on")
    child = mp.Process(target=workers.close_everything_and_sleep, args=(path, long))
    child.start()
    child.join()
    assert (tmp_path / "lived on").exists()


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_has_closed_all_its_descriptors_ends_with_its_parent(method, tmp_path) -> None:
    program, path = tmp_path / "program.py", tmp_path / "pid"
    program.write_text(PARENT)
    command = [sys.executable, str(program), method, "close_everything_and_wait", str(path)]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()})
    until(path.exists)
    child = psutil.Process(int(path.read_text()))
    parent.kill()
    parent.wait()
    all_have_ended([child])
    folders.sweep()
