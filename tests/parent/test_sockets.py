"""The folder of multiprocessing's sockets: deleted while it is needed, too long, left behind."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing import process, util
from pathlib import Path

import pytest

from helpers.parent import sockets

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are no files there")
METHODS = multiprocessing.get_all_start_methods()


def printed(program: str, folder: Path, *arguments: str) -> tuple[str, str]:
    """Run a program with a temporary folder of its own; return its stdout and stderr."""
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout, ran.stderr


@pytest.fixture
def shared():
    """A temporary folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


AFTER_A_TIDY_UP = """
import os, shutil, sys, tempfile
from multiprocessing import util
from helpers.observed import get_context
from helpers.tasks import long_time_task, square
mp = get_context(sys.argv[1])
with mp.Manager() as manager, mp.Pool(1) as old:
    manager.list([1])
    print(old.apply(square, (2,)))
    shutil.rmtree(tempfile.gettempdir() if sys.argv[2] == "all" else util.get_temp_dir())
    os.makedirs(tempfile.gettempdir(), exist_ok=True)
    with mp.Pool(1) as pool, mp.Manager() as another:
        print(pool.apply(square, (3,)), another.list([4])[0])
    print(old.apply(square, (5,)), oct(os.stat(util.get_temp_dir()).st_mode & 0o777))
"""


@pytest.mark.parametrize("what", ["its folder", "all"])
@pytest.mark.parametrize("method", METHODS)
def test_after_a_tidy_up_of_the_temporary_folder_all_can_be_started(method, what, shared) -> None:
    """Also that what ran before goes on, and the end is silent and leaves nothing."""
    stdout, stderr = printed(AFTER_A_TIDY_UP, shared, method, what)
    assert (stdout, stderr) == ("4\n9 4\n25 0o700\n", "")
    assert os.listdir(shared) == []


SERVERS = """
import os, shutil, time
import psutil
from multiprocessing import forkserver, util
from helpers.observed import get_context
from helpers.tasks import square
def run():
    with get_context("forkserver").Pool(1) as pool:
        pool.apply(square, (2,))
    return forkserver._forkserver._forkserver_pid
old = run()
shutil.rmtree(util.get_temp_dir())
print(run() != old)
deadline = time.monotonic() + 20
while psutil.pid_exists(old) and time.monotonic() < deadline:
    time.sleep(0.02)
print(psutil.pid_exists(old))
"""


@pytest.mark.skipif("forkserver" not in METHODS, reason="there is no forkserver")
def test_a_fork_server_whose_socket_was_deleted_ends_and_leaves_no_zombie(shared) -> None:
    assert printed(SERVERS, shared) == ("True\nFalse\n", "")


STOPPED = """
import sys
from helpers.observed import get_context
mp = get_context(sys.argv[1])
manager = mp.Manager()
things = manager.dict(a=1)
mp.stop()
"""


@pytest.mark.parametrize("method", METHODS)
def test_stop_with_a_manager_leaves_no_folder(method, shared) -> None:
    assert printed(STOPPED, shared, method) == ("", "")
    assert os.listdir(shared) == []


LONG_PATH = """
import os, sys
from multiprocessing import util
from helpers.observed import get_context
from helpers.tasks import square
mp = get_context(sys.argv[1])
with mp.Manager() as manager, mp.Pool(1) as pool:
    print(manager.list([1])[0], pool.apply(square, (3,)))
print(util.get_temp_dir())
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_temporary_folder_with_a_long_path_does_no_harm(method, shared) -> None:
    long = shared / ("long" * 40)
    long.mkdir()
    stdout, stderr = printed(LONG_PATH, long, method)
    answers, folder = stdout.splitlines()
    assert (answers, stderr) == ("1 9", "")
    assert not os.path.exists(folder)
    assert os.listdir(long) == []


def test_the_longest_path_that_is_taken_is_one_that_a_socket_may_have(shared) -> None:
    from multiprocessing import connection

    room = sockets.LONGEST_SOCKET - sockets.IN_FOLDER - len(str(shared)) - 1
    fits = shared / ("x" * room)
    assert not sockets.is_too_long(str(fits))
    assert sockets.is_too_long(f"{fits}x")
    inner = fits / "pymp-12345678"
    inner.mkdir(parents=True)
    connection.Listener(str(inner / "listener-12345678")).close()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may do that")
def test_a_folder_that_another_user_has_taken_is_not_used(shared, monkeypatch) -> None:
    taken = shared / "pymp-taken"
    taken.mkdir()
    os.chown(taken, 65534, 65534)
    monkeypatch.setitem(process.current_process()._config, "tempdir", str(taken))
    with pytest.raises(PermissionError, match="belongs to another user"):
        sockets.socket_folder()


PLAIN_MANAGER = """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Manager() as manager:
        print(manager.list([1])[0])
"""


def test_a_plain_program_does_not_suffer_from_a_long_path_either(shared) -> None:
    long = shared / ("long" * 40)
    long.mkdir()
    program = f"from helpers.script import run_script; print(run_script({PLAIN_MANAGER!r}))"
    stdout, stderr = printed(program, long)
    assert stdout == "Run(stdout='1\\n', stderr='', exitcode=0)\n"
    assert stderr == ""


NO_PLACE = """
from helpers.parent import sockets
sockets.SHORT_FOLDERS = ("/no/such/folder",)
print(sockets.socket_folder())
"""


def test_where_no_place_has_a_short_path_the_library_does_as_ever(shared) -> None:
    long = shared / ("long" * 40)
    long.mkdir()
    stdout, stderr = printed(NO_PLACE, long)
    assert (Path(stdout).parent, stderr) == (long, "")


def test_what_it_leans_on_is_there() -> None:
    """Not public: without it, the standard library would choose the folder, as ever."""
    folder = util.get_temp_dir()
    assert process.current_process()._config["tempdir"] == folder
