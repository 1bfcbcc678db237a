"""Where the log cannot be written, no task is harmed and nothing is invented."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.seat import QUICK, WHOLE, Said, Seat, all_is_well
from tests.support.within import until

LOGS_ELSEWHERE = "import tempfile; tempfile.tempdir = {folder!r}"
LOGS_HERE = "tempfile.tempdir = None"

RUN = """
def experiment():
    mp = get_context()
    with mp.Pool(2) as pool:
        results = pool.map(workers.double, range(5), chunksize=1)
    return results, len(mp.timeline().tasks)
print(*experiment())
"""


@contextlib.contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    """Mount a small file system at `place`; yield None where we may not mount one."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


FILES_OF_HALF_A_SEGMENT = """
import resource
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, before[1]))
"""
FILES_AS_BEFORE = "resource.setrlimit(resource.RLIMIT_FSIZE, before)"


@contextlib.contextmanager
def full_disk(seat: Seat, place: Path) -> Iterator[None]:
    """Leave no room for a log: fill its file system, or forbid files as large as a log."""
    with small_disk(place, "size=64k") as disk:
        pytest.importorskip("resource" if disk is None else "os")
        before = (
            FILES_OF_HALF_A_SEGMENT if disk is None else LOGS_ELSEWHERE.format(folder=str(disk))
        )
        assert seat.run(before).error == ""
        yield
        assert seat.run(FILES_AS_BEFORE if disk is None else LOGS_HERE).error == ""


@QUICK
def test_disk_full(seat: Seat, tmp_path) -> None:
    seat.run(RUN)  # a forkserver is made now, and has its socket
    with full_disk(seat, tmp_path / "disk"):
        said = seat.run(RUN)
        assert (said.printed, said.error) == ("[0, 2, 4, 6, 8] 0\n", "")
        tells_that_the_timeline_is_incomplete(said)
        said = seat.run(KILLED)
        assert "was killed by signal 9 (SIGKILL)" in said.error
    all_is_well(seat)


def tells_that_the_timeline_is_incomplete(said: Said) -> None:
    """Check that the loss is told in one sentence; a warning also shows its line of code."""
    sentence = (
        "UserWarning: the timeline is incomplete, since the logs could not be written: "
        "the disk is full, or their folder is gone\n"
    )
    assert said.warned.count("Warning") == said.warned.count(sentence) == 1, said.warned
    assert len(said.warned) < 400


KILLED = "get_context().Pool(1).map(workers.kill_yourself, [1])"

DISK_FILLS = """
def experiment():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.map(workers.double, range(5), chunksize=1)
        before = len(mp.timeline().tasks)
        with contextlib.suppress(OSError), open(os.path.join({folder!r}, "filler"), "wb") as file:
            while True:
                file.write(bytes(4096))
        results = pool.map(workers.double, range(40_000), chunksize=1)
    timeline = mp.timeline()
    right = results == [2 * n for n in range(40_000)]
    print(before, right, before < len(timeline.tasks) < 40_000, timeline.lost_events > 0)
import contextlib
experiment()
"""


@WHOLE
def test_disk_full_in_mid_run(seat: Seat, tmp_path) -> None:
    """The first part of the log is kept and the rest is counted; no task is harmed."""
    seat.run(RUN)
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        if disk is None:
            pytest.skip("nobody but root may make a small disk")
        seat.run(LOGS_ELSEWHERE.format(folder=str(disk)))
        said = seat.run(DISK_FILLS.format(folder=str(disk)))
        assert (said.printed, said.error) == ("5 True True True\n", "")
        tells_that_the_timeline_is_incomplete(said)
        seat.run(LOGS_HERE)
    all_is_well(seat)


FOLDER_GOES = """
def experiment():
    mp = get_context()
    with mp.Pool(2, maxtasksperchild=1) as pool:
        first = pool.apply(workers.double, (1,))
        workers.write_text({path!r}, mp.watcher.recorder.folder)
        pool.apply(workers.wait_for, ({path!r} + ".gone",))
        results = pool.map(workers.double, range(6), chunksize=1)
    print(first, results, len(mp.timeline().tasks) < 8)
experiment()
"""


@WHOLE
def test_folder_deleted_in_mid_run(seat: Seat, tmp_path) -> None:
    path = tmp_path / "folder"
    cell = seat.send(FOLDER_GOES.format(path=str(path)))
    until(lambda: path.exists() and path.read_text())
    folder = Path(path.read_text())
    while folder.exists():  # a worker that is just beginning may put a log into it meanwhile
        shutil.rmtree(folder, ignore_errors=True)
    (tmp_path / "folder.gone").touch()
    said = seat.read(cell)
    assert (said.printed, said.error) == ("2 [0, 2, 4, 6, 8, 10] True\n", "")
    tells_that_the_timeline_is_incomplete(said)
    said = seat.run(
        "import shutil; mp = get_context(); pool = mp.Pool(1); pool.map(workers.double, [1])\n"
        "shutil.rmtree(mp.watcher.recorder.folder); pool.map(workers.kill_yourself, [1])"
    )
    assert "was killed by signal 9 (SIGKILL)" in said.error
    seat.run("mp = pool = None")
    all_is_well(seat)


CUT = """
from helpers.child import events
from helpers.logs.segments import log_files
def experiment():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.map(workers.sleep, [0.05] * 5, chunksize=1)
        pid = pool._pool[0].pid
    whole = mp.timeline()
    (log,) = [files[0] for name, files in log_files(mp.watcher.recorder.folder).items()
              if name.startswith(f"{{pid}}-")]
    data = open(log, "rb").read()
    records = range(events.HEADER_BYTES, len(data), events.RECORD_BYTES)
    last = max(place for place in records if data[place] == events.FINISHED.number)
    with open(log, "r+b") as file:
        {cut}
    # Without its last words the worker's last task is one that has not come back.
    print([task.outcome for task in mp.timeline().tasks])
experiment()
"""


@WHOLE
@pytest.mark.parametrize(
    "cut",
    ["file.truncate(last + 13)", "file.seek(last); file.write(bytes(1)); file.truncate(last + 32)"],
    ids=["torn", "unwritten"],
)
def test_last_record_cut_in_half(seat: Seat, cut: str) -> None:
    said = seat.run(CUT.format(cut=cut))
    assert said == Said(f"{['returned'] * 4 + ['lost']}\n", "", "", "")
    all_is_well(seat)


@contextlib.contextmanager
def read_only(seat: Seat, place: Path) -> Iterator[None]:
    """Yield a read-only temporary folder, even for root, if root may mount one."""
    with small_disk(place, "ro") as disk:
        if disk is None:
            place.chmod(0o500)
            if os.access(place, os.W_OK):
                pytest.skip("root may write everywhere, and may not mount here")
        seat.run(LOGS_ELSEWHERE.format(folder=str(place)))
        yield
        seat.run(LOGS_HERE)


@QUICK
def test_temporary_folder_read_only(seat: Seat, tmp_path) -> None:
    seat.run(RUN)  # a forkserver is made now, and has its socket
    with read_only(seat, tmp_path / "disk"):
        said = seat.run(RUN)
        assert (said.printed, said.error) == ("[0, 2, 4, 6, 8] 0\n", "")
        sentence = "UserWarning: nothing will be recorded: no folder can be made for the logs ("
        assert said.warned.count("Warning") == said.warned.count(sentence) == 1, said.warned
        assert len(said.warned) < 500
    all_is_well(seat)
