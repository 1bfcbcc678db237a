"""Log folders on a machine that is shared: by users, by containers, by thirty kernels."""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.child import events
from helpers.observed import get_context
from helpers.parent import folders
from tests.support.anything import examples
from tests.support.within import within

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
OWNER_WAITS = """
import sys
from helpers.parent import folders
class Owner:
    pass
owner = Owner()
print(folders.make_folder(owner), flush=True)
sys.stdin.read()
"""
as_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux may do that"
)


@contextlib.contextmanager
def an_owner(*before: str, **options) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A process that owns a log folder, and its folder. `before` is what starts the process."""
    with subprocess.Popen(
        [*before, sys.executable, "-c", OWNER_WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,
    ) as process:
        try:
            yield process, Path(within(60, process.stdout.readline).strip())
        finally:
            process.kill()


def a_dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def a_folder_of(pid: int, seat: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{folders.PREFIX}{pid}-{seat}-0-"))


# Whose folder it is


def test_a_folder_tells_its_owner_by_its_name_alone() -> None:
    mp = get_context("spawn")
    folder = Path(mp._recorder.folder)
    match = folders.NAME.fullmatch(folder.name)
    assert int(match["pid"]) == os.getpid()
    assert match["seat"] == folders.seat()
    assert folders._is_alive(os.getpid(), int(match["start"]))
    assert {path.suffix for path in folder.iterdir()} <= {".log"}


def test_a_folder_of_another_seat_is_left_alone_even_if_no_such_pid_lives_here() -> None:
    theirs, ours = (a_folder_of(a_dead_pid(), seat) for seat in ("0" * 12, folders.seat()))
    folders.sweep()
    try:
        assert theirs.exists()
        assert not ours.exists()
    finally:
        shutil.rmtree(theirs)


@as_root
def test_a_living_owner_in_another_container_keeps_its_folder() -> None:
    """Another namespace of pids, as containers have one, but the same temporary folder."""
    apart = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespaces can be made here")
    with an_owner(*apart) as (_, folder):
        folders.sweep()
        assert folder.exists()
    shutil.rmtree(folder, ignore_errors=True)  # unless its owner has


def test_the_folder_of_a_zombie_is_swept() -> None:
    """Its parent may never ask for its exit code: in a container often nobody does."""
    if os.name != "posix":
        pytest.skip("there are no zombies here")
    with an_owner() as (process, folder):
        process.kill()
        process_seen = psutil.Process(process.pid)
        deadline = time.monotonic() + 30
        while process_seen.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        folders.sweep()
        assert not folder.exists()


def test_where_the_system_tells_no_namespace_the_machines_name_has_to_do(monkeypatch) -> None:
    def nothing_there(*_, **__):
        raise FileNotFoundError

    here = folders.seat()
    monkeypatch.setattr(folders, "open", nothing_there, raising=False)
    elsewhere = folders.seat()
    assert len(elsewhere) == 12
    monkeypatch.setattr(folders.platform, "node", lambda: "another machine")
    assert len({here, elsewhere, folders.seat()}) == (3 if sys.platform == "linux" else 2)


# Other users


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_a_folder_is_private_whatever_the_umask_says() -> None:
    before = os.umask(0)
    try:
        mp = get_context("spawn")
        folder = Path(mp._recorder.folder)
        mp._recorder.record(events.READY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.fixture
def shared() -> Iterator[Path]:
    """A temporary folder for all users, as /tmp is one."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def as_nobody(program: str, shared: Path, *arguments: str) -> str:
    """What a program prints that another user runs."""
    ran = subprocess.run(
        ["/usr/bin/env", "python3", "-c", program, *arguments],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd=shared,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(shared)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout.strip() or ran.stderr


TRY_TO_READ = """
import os, sys
for what in (os.listdir, os.chdir, lambda folder: open(folder + "/mine", "w")):
    try:
        what(sys.argv[1])
    except OSError as error:
        print(type(error).__name__)
"""


@as_root
def test_another_user_can_neither_look_into_a_folder_nor_put_anything_there(
    shared, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    mp = get_context("spawn")
    mp._recorder.record(events.READY)
    said = as_nobody(TRY_TO_READ, shared, mp._recorder.folder)
    assert said.split() == ["PermissionError"] * 3
    shutil.rmtree(mp._recorder.folder)


PLANT = """
import os, sys
name, target = sys.argv[1:]
os.mkdir(name + "folder")
os.symlink(target, name + "folder/inside")
os.symlink(target, name + "link")
print("planted")
"""


@as_root
def test_what_another_user_plants_under_our_name_is_neither_followed_nor_removed(
    shared, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    (tmp_path / "precious").write_text("keep")
    name = f"{shared}/{folders.PREFIX}{a_dead_pid()}-{folders.seat()}-0-"
    assert as_nobody(PLANT, shared, name, str(tmp_path)) == "planted"
    folders.sweep()
    assert (tmp_path / "precious").read_text() == "keep"
    assert {path.name for path in shared.iterdir()} == {
        Path(name + "folder").name,
        Path(name + "link").name,
    }


def test_a_link_in_a_folder_where_a_log_should_be_written_is_not_followed(tmp_path) -> None:
    """A log is a file that was not there before: nothing that exists is opened for writing."""
    from helpers.child.recorder import map_new_file

    precious = tmp_path / "precious"
    precious.write_text("keep")
    path = tmp_path / "1-1.0.log"
    try:
        path.symlink_to(precious)
    except (OSError, NotImplementedError):
        pytest.skip("links are not allowed here")
    with pytest.raises(FileExistsError):
        map_new_file(str(path))
    assert precious.read_text() == "keep"


# Whatever lies in the temporary folder

FOLDER_NAMES = st.builds(
    "{}{}-{}-{}-{}".format,
    st.just(folders.PREFIX),
    st.sampled_from(["1", "0", "4194305", "9" * 30, "٣", "9" * 200]),  # an Arabic three, too
    st.sampled_from([folders.seat(), "0" * 12]),
    st.sampled_from(["0", "9" * 30]),
    st.sampled_from(["x", "_", "é"]),
)


def plant(path: Path, kind: str) -> None:
    """Put a folder, a file or a dangling link at a path."""
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"x")
    else:
        path.symlink_to(path.with_name("nowhere"))


@given(st.sets(FOLDER_NAMES, max_size=3), st.sampled_from(["folder", "file", "link"]))
@examples(30)
def test_a_temporary_folder_may_hold_anything(names, kind) -> None:
    class Owner:
        """An object whose end is the end of its folder."""

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        for name in names:
            with contextlib.suppress(OSError):  # a name may be too long
                plant(Path(folder, name), kind)
        owner = Owner()
        made = Path(folders.make_folder(owner))
        assert made.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
        folders.sweep()
        assert made.exists()
        del owner
        assert not made.exists()
