"""The standard library's resource tracker, in a session of its own, and the fork server's end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import resource_tracker, util

import pytest
from jupyter_client import KernelManager

from helpers.observed import get_context
from helpers.tasks import square
from tests.support.within import within

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no tracker there")

PROGRAM = """
import os, sys
from multiprocessing import resource_tracker, util
from helpers.observed import get_context
standard = util.spawnv_passfds
mp = get_context(sys.argv[1])
pid = resource_tracker._resource_tracker._pid
print(pid is not None and os.getsid(pid) == pid != os.getsid(0))
lock = mp.Lock()
get_context(sys.argv[1])
print(pid == resource_tracker._resource_tracker._pid, util.spawnv_passfds is standard)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_the_tracker_is_out_of_reach_of_signals_to_our_group(method: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, method], capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("True\nTrue True\n", "")


def test_what_it_leans_on_is_there() -> None:
    """Not public: without them, the tracker would be started by the standard library, as ever."""
    assert callable(util.spawnv_passfds)
    assert hasattr(resource_tracker._resource_tracker, "_fd")


needs_forkserver = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no forkserver"
)

CELL = """
from helpers.observed import get_context
from helpers.tasks import square
mp = get_context({method!r})
with mp.Pool(2) as pool:
    pool.map(square, range(4))
lock, queue, event = mp.Lock(), mp.Queue(), mp.Event()
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_kernel_that_is_shut_down_ends_by_itself_and_leaves_no_semaphore(method, tmp_path):
    here, there = os.pipe()
    kernel = KernelManager()
    kernel.start_kernel(stderr=there, env={**os.environ, "IPYTHONDIR": str(tmp_path)})
    os.close(there)
    try:
        client = kernel.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        cell = CELL.format(method=method)
        reply = client.execute_interactive(cell, timeout=60, output_hook=print)
        assert reply["content"]["status"] == "ok"
        client.stop_channels()
        process = kernel.provisioner.process
        kernel.shutdown_wait_time = 20  # half of it for an end of its own; a zombie takes 14 s
        kernel.shutdown_kernel()
    finally:
        kernel.shutdown_kernel(now=True)
    with open(here, encoding="utf-8") as stderr:
        said = within(60, stderr.read)  # until the tracker has ended, too
    assert process.returncode == 0
    assert "leaked" not in said


@needs_forkserver
def test_the_next_child_gets_a_new_server_when_the_old_one_was_killed():
    from multiprocessing import forkserver

    with get_context("forkserver").Pool(1) as pool:
        assert pool.apply(square, (3,)) == 9
    server = forkserver._forkserver
    old = server._forkserver_pid
    os.kill(old, signal.SIGTERM)
    within(60, wait_until_seen_off, server, old)
    assert not os.path.exists(f"/proc/{old}")
    with get_context("forkserver").Pool(1) as pool:
        assert pool.apply(square, (4,)) == 16
    assert server._forkserver_pid not in (None, old)


def wait_until_seen_off(server, pid):
    while server._forkserver_pid == pid:
        time.sleep(0.01)


@needs_forkserver
def test_what_the_fork_servers_end_leans_on_is_there() -> None:
    """Not public: without them the server would stay listed at a kernel's end, as ever."""
    from multiprocessing import forkserver

    assert hasattr(forkserver._forkserver, "_forkserver_pid")
    assert hasattr(forkserver._forkserver, "_lock")
    assert hasattr(forkserver._forkserver, "_preload_modules")
