"""The standard library's resource tracker, in a session of its own."""

import subprocess
import sys
from multiprocessing import resource_tracker, util

import pytest

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
