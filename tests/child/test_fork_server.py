"""A child of the fork server misses no interrupt, however early it comes."""

import multiprocessing
from pathlib import Path

import pytest

from tests.child.test_interrupts import run

pytestmark = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no forkserver"
)

SLOW_FORK = """
import os, pathlib, time
def begin():
    pathlib.Path(__file__).with_suffix(f".{os.getpid()}").touch()
    time.sleep(0.3)
os.register_at_fork(after_in_child=begin)
"""
"""A module that the server imports: its children take their time before anything else."""

PROGRAM = """
import multiprocessing, os, pathlib, signal, sys, time
import slow_fork
from helpers.observed import get_context
from tests.support import workers
begun = pathlib.Path(slow_fork.__file__)
mp = get_context("forkserver")
mp.set_forkserver_preload(["slow_fork"])
for context in mp, multiprocessing.get_context("forkserver"):
    child = context.Process(target=workers.sleep, args=(600,))
    child.start()
    while not begun.with_suffix(f".{child.pid}").exists():
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGINT)
    child.join()
    print(child.exitcode)
plain = multiprocessing.get_context("forkserver").Process(target=workers.describe_interrupts)
plain.start()
plain.join()
"""


def test_a_child_that_is_just_forked_ends_by_an_interrupt_and_plain_ones_are_as_ever(
    tmp_path: Path,
) -> None:
    """What forks a child's own forks have is as ever, too."""
    (tmp_path / "slow_fork.py").write_text(SLOW_FORK)
    path = f"{Path.cwd()}:{tmp_path}"
    as_ever = "set() default_int_handler\n"
    assert run(PROGRAM, PYTHONPATH=path) == ("-2\n-2\n" + 2 * as_ever, "")
