"""Log folders on a machine that is shared: by users, by containers, by thirty kernels."""

import contextlib
import gc
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.child import events
from helpers.observed import get_context
from helpers.parent import folders
from tests.support import workers
from tests.support.anything import examples
from tests.support.within import until, within

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
    folder = Path(mp.watcher.recorder.folder)
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


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_in_the_middle_of_a_removal_leaves_nothing(monkeypatch) -> None:
    """A folder goes when its owner does: Python swallows what is raised in that moment."""

    class Owner:
        pass

    def unlink_and_interrupt(*args, **kwargs) -> None:
        unlink(*args, **kwargs)
        signal.raise_signal(signal.SIGINT)

    owner, unlink, swallowed = Owner(), os.unlink, []
    folder = Path(folders.make_folder(owner))
    for name in "abc":
        (folder / name).touch()
    monkeypatch.setattr(os, "unlink", unlink_and_interrupt)
    monkeypatch.setattr(sys, "unraisablehook", lambda error: swallowed.append(error.exc_type))
    del owner
    assert not folder.exists()
    assert swallowed == [KeyboardInterrupt]


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
        folder = Path(mp.watcher.recorder.folder)
        mp.watcher.recorder.record(events.READY)
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
    mp.watcher.recorder.record(events.READY)
    said = as_nobody(TRY_TO_READ, shared, mp.watcher.recorder.folder)
    assert said.split() == ["PermissionError"] * 3
    shutil.rmtree(mp.watcher.recorder.folder)


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


# Gone with its context


def log_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{folders.PREFIX}*"))


def is_collected(folder: Path) -> bool:
    """Has a folder gone with its context? A thread that ends just now may still hold that."""
    gc.collect()
    return not folder.exists()


def test_a_folder_is_private_and_goes_with_its_context() -> None:
    mp = get_context("spawn")
    before = log_folders()
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    (folder,) = log_folders() - before
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    until(lambda: mp.watcher._thread is None)
    mp = process = None
    until(lambda: is_collected(folder))


def test_a_child_that_nobody_joined_keeps_no_folder() -> None:
    mp = get_context("spawn")
    before = log_folders()
    mp.Process(target=workers.double, args=(1,)).start()
    (folder,) = log_folders() - before
    until(lambda: mp.watcher._thread is None)  # it has ended, and was seen off
    mp = None
    until(lambda: is_collected(folder))


def test_a_context_that_starts_nothing_makes_no_folder() -> None:
    before = log_folders()
    mp = get_context("spawn")
    mp.Lock(), mp.Value("i", 1), mp.Process(target=workers.double)
    assert log_folders() == before


MAPPED_AT_THE_END = """
import gc, sys
import psutil
from helpers.child import events
from helpers.parent import folders
from helpers.observed import get_context

def look(folder, ignore_errors):
    maps = psutil.Process().memory_maps(grouped=False)
    print("mapped:", sum(folder in mapping.path for mapping in maps))
    remove(folder, ignore_errors)

remove, folders.shutil.rmtree = folders.shutil.rmtree, look
mp = get_context("spawn")
print("mapped:", mp.watcher.recorder.record(events.READY)[0] is not None)
mp.timeline()
if sys.argv[1] == "collected":
    mp = None
    gc.collect()
    print("collected")
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="there, nobody tells what is mapped")
@pytest.mark.parametrize("how", ["collected", "at exit"])
def test_no_log_is_mapped_when_its_folder_is_removed(how) -> None:
    """Windows would not remove it."""
    command = [sys.executable, "-c", MAPPED_AT_THE_END, how]
    ran = subprocess.run(command, capture_output=True, text=True)
    said = ["mapped: True", "mapped: 0", *(["collected"] if how == "collected" else [])]
    assert ran.stdout.splitlines() == said, ran.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_does_not_remove_its_parents_folder() -> None:
    program = (
        "import os\n"
        "from helpers.observed import get_context\n"
        "mp = get_context('fork')\n"
        "folder = mp.watcher.recorder.folder\n"
        "if os.fork() == 0:\n"
        "    raise SystemExit\n"
        "os.wait()\n"
        "print(os.path.isdir(folder))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "True\n", ran.stderr


# Swept


DIE_WITH_FOLDER = """
import os, signal, sys
from helpers.observed import get_context
from helpers.tasks import run_proc
if __name__ == "__main__":
    mp = get_context("spawn")
    print(mp.watcher.recorder.folder, flush=True)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_the_folder_of_a_dead_owner_is_swept_and_that_of_a_living_one_is_not() -> None:
    mp = get_context("spawn")
    own = Path(mp.watcher.recorder.folder)
    dead = Path(
        subprocess.run(
            [sys.executable, "-c", DIE_WITH_FOLDER], capture_output=True, text=True, timeout=60
        ).stdout.strip()
    )
    assert dead.is_dir()
    folders.sweep()
    assert not dead.exists()
    assert own.exists()


def test_the_next_experiment_sweeps_the_folder_of_a_dead_owner() -> None:
    ran = subprocess.run([sys.executable, "-c", DIE_WITH_FOLDER], capture_output=True, text=True)
    dead = Path(ran.stdout.strip())
    assert dead.is_dir()
    process = get_context("spawn").Process(target=workers.double, args=(1,))
    process.start()
    until(lambda: not dead.exists())
    process.join()


def test_a_folder_whose_pid_now_belongs_to_another_process_is_swept() -> None:
    mp = get_context("spawn")
    folder = Path(mp.watcher.recorder.folder)
    begin, end = folders.NAME.fullmatch(folder.name).span("start")
    earlier = folder.rename(folder.with_name(f"{folder.name[:begin]}12345{folder.name[end:]}"))
    folders.sweep()
    assert not earlier.exists()


def test_setting_the_clock_sweeps_no_living_folder(monkeypatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux counts a process's start from the system's")
    mp = get_context("spawn")
    folder = Path(mp.watcher.recorder.folder)
    start = psutil.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: start + 3600)
    folders.sweep()
    assert folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="plants symbolic links")
def test_planted_links_are_neither_followed_nor_removed(tmp_path) -> None:
    (tmp_path / "precious").write_text("keep")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owner = f"{folders.PREFIX}{dead.pid}-{folders.seat()}-0"
    link = Path(tempfile.gettempdir()) / f"{owner}-link"
    folder = Path(tempfile.gettempdir()) / f"{owner}-folder"
    link.symlink_to(tmp_path)
    folder.mkdir()
    (folder / "inside").symlink_to(tmp_path)
    try:
        folders.sweep()
        assert not folder.exists()
        assert (tmp_path / "precious").exists()
    finally:
        link.unlink()


# No folder


def test_without_a_place_for_logs_the_experiment_runs_all_the_same(monkeypatch) -> None:
    def no_space(**_):
        raise OSError("no space")

    monkeypatch.setattr(tempfile, "mkdtemp", no_space)
    mp = get_context("spawn")
    with pytest.warns(UserWarning, match="nothing will be recorded"):
        folder = mp.watcher.recorder.folder
    monkeypatch.undo()
    assert not os.path.exists(folder)
    with mp.Pool(1, maxtasksperchild=1) as pool:
        assert pool.map(workers.double, range(3), chunksize=1) == [0, 2, 4]
    queue = mp.Queue()
    queue.put(5)
    assert queue.get() == 5
    assert len(mp.timeline().tasks) == 0


def test_a_folder_deleted_in_mid_run_harms_no_task() -> None:
    mp = get_context("spawn")
    with mp.Pool(1, maxtasksperchild=1) as pool:
        pool.apply(workers.double, (1,))
        folders._remove(mp.watcher.recorder.folder, os.getpid())
        assert pool.map(workers.double, range(3), chunksize=1) == [0, 2, 4]
    with pytest.warns(UserWarning, match="the timeline is incomplete"):
        mp.timeline()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mp.timeline()  # which has been said once


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
