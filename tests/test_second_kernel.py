"""A kernel that can be thrown away is looked at, and then nothing of it is left."""

import sys

import pytest
from jupyter_client import BlockingKernelClient

from helpers.forking import CAN_FORK
from helpers.second_kernel import in_a_throwaway_kernel


def test_an_ordinary_cell_leaves_one_kernel_which_is_done_once() -> None:
    assert in_a_throwaway_kernel("print('hello')") == (1, 1, 1, "hello\n")


@pytest.mark.skipif(not CAN_FORK, reason="there is no os.fork here")
def test_a_cell_that_forks_leaves_two_kernels_which_are_both_done() -> None:
    code = "import os\npid = os.fork()\nprint('Abel' if pid == 0 else 'Adam')"
    seen = in_a_throwaway_kernel(code)
    assert seen[:3] == (1, 2, 2)
    assert (seen.printed.count("Abel"), seen.printed.count("Adam")) == (1, 1)
    assert ("DeprecationWarning" in seen.printed) == (sys.version_info >= (3, 12))


def test_a_kernel_that_dies_is_seen_as_none() -> None:
    seen = in_a_throwaway_kernel("import os\nos._exit(3)")
    assert (seen.kernels_after, seen.times_done) == (0, 0)


def test_a_cell_that_never_ends_is_given_up() -> None:
    seen = in_a_throwaway_kernel("import time\ntime.sleep(600)", seconds=3)
    assert seen == (1, 1, 0, "")


def test_a_missed_heartbeat_is_not_taken_for_a_death(monkeypatch):
    misses = iter([True])
    really = BlockingKernelClient.wait_for_ready

    def wait_for_ready(client, timeout):
        if next(misses, False):
            raise RuntimeError("Kernel died before replying to kernel_info")
        return really(client, timeout=timeout)

    monkeypatch.setattr(BlockingKernelClient, "wait_for_ready", wait_for_ready)
    assert in_a_throwaway_kernel("print('here')", seconds=60).printed == "here\n"
