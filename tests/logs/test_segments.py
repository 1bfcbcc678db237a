"""The reader of the logs takes whatever it finds, never raises, and keeps every whole event."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.child import events
from helpers.child.events import Kind
from helpers.child.recorder import SEGMENT_BYTES, Recorder
from helpers.logs import reader as logs
from helpers.logs import segments
from tests.support.within import within

NAME = f"{os.getpid()}-1"
RECORD = Kind(0, small=events.SMALL, first=events.FIRST, second=events.SECOND, third=events.THIRD)
"""A record of whatever kind, with all slots for numbers filled."""


def header_of(pid: int) -> bytes:
    header = bytearray(events.HEADER_BYTES)
    events.Header(events.MAGIC, pid, 0).write(header)
    return bytes(header)


HEADER = header_of(77)


def record_of(kind: Kind, number: int | None = None, **fields) -> bytes:
    """The bytes of a record; what is not given is nothing."""
    record = bytearray(events.RECORD_BYTES)
    kind.write(record, 0, dict.fromkeys(kind.slots, 0) | {"text": b""} | fields)
    record[0] = kind.number if number is None else number
    return bytes(record)


RECORDS = st.builds(
    record_of,
    st.just(RECORD),
    st.integers(0, events.LAST_KIND + 2),
    size=st.integers(0, 255) | st.just(events.NUMBER),
    small=st.integers(0, 0xFFFF),
    first=st.sampled_from([0, 1, 77, events.NO_JOB]),
    time=st.integers(-(2**63), 2**63 - 1),
    second=st.integers(0, 2**32 - 1),
    third=st.integers(0, 2**32 - 1),
    text=st.binary(max_size=8),
)
STRANGE = {
    "max_examples": 1000 if os.environ.get("CI") == "true" else 60,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


def put_file(folder: Path, data: bytes, name: str = f"{NAME}.0.log") -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    put_file_beside(folder, data, name)


def put_file_beside(folder: Path, data: bytes, name: str) -> None:
    (folder / name).write_bytes(data)


def look_at_everything(folder: Path) -> None:
    timeline = logs.read_timeline(str(folder))
    timeline.table()
    list(timeline.tasks)
    for figure in ("makespan", "total", "busy", "utilisation", "tasks_in_flight", "alive"):
        getattr(timeline, figure)


@given(st.binary(max_size=300))
@settings(**STRANGE)
def test_any_bytes_are_taken(tmp_path, data) -> None:
    put_file(tmp_path / "log", data)
    look_at_everything(tmp_path / "log")


@given(st.lists(RECORDS, max_size=40), st.binary(max_size=40))
@settings(**STRANGE)
def test_any_records_are_taken(tmp_path, records, rest) -> None:
    put_file(tmp_path / "log", HEADER + b"".join(records) + rest)
    look_at_everything(tmp_path / "log")


def a_log(folder: Path, messages: int = 5) -> bytes:
    """The bytes of a log with so many messages of three records each."""
    recorder = Recorder(str(folder))
    for n in range(messages):
        text = b"message %d " % n + b"." * 50
        recorder.record(events.PUT, number=n, queue=0, text=text)
    ((path,),) = segments.log_files(str(folder)).values()
    return Path(path).read_bytes()


def values(folder: Path) -> list[str]:
    return [message.value[:9] for message in logs.read_timeline(str(folder)).messages]


@given(st.data())
@settings(**STRANGE)
def test_what_was_written_before_the_cut_is_kept(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("logs")
    whole = a_log(folder)
    (path,) = folder.glob("*.log")
    cut = data.draw(st.integers(0, events.HEADER_BYTES + 15 * events.RECORD_BYTES))
    path.write_bytes(whole[:cut])
    kept = values(folder)
    whole_ones = max(0, cut - events.HEADER_BYTES) // (3 * events.RECORD_BYTES)
    assert kept[:whole_ones] == [f"message {n}" for n in range(whole_ones)]
    shutil.rmtree(folder)


@given(st.sets(st.integers(0, 4)), st.sampled_from([0, events.LAST_KIND + 1, 255]))
@settings(**STRANGE)
def test_a_torn_or_unknown_event_takes_no_other_with_it(tmp_path_factory, torn, kind) -> None:
    folder = tmp_path_factory.mktemp("logs")
    data = bytearray(a_log(folder))
    for n in torn:
        data[events.HEADER_BYTES + 3 * n * events.RECORD_BYTES] = kind
    (path,) = folder.glob("*.log")
    path.write_bytes(data)
    timeline = logs.read_timeline(str(folder))
    assert [message.value for message in timeline.messages] == [
        f"message {n} " + "." * 50 for n in range(5) if n not in torn
    ]
    # What is last may still be about to be finished.
    over = torn if kind else {n for n in torn if n < max({0, 1, 2, 3, 4} - torn, default=0)}
    assert (timeline.lost_events > 0) == bool(over)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["notes.txt", "1-1.log", "x-1.0.log", "1-1.0.log.bak", "owner"])
def test_foreign_files_are_left_alone(tmp_path, name) -> None:
    put_file(tmp_path / "log", b"something else", name)
    assert segments.read_logs(str(tmp_path / "log")) == []


@pytest.mark.parametrize("name", ["12-34.0.log", f"{'9' * 30}-1.0.log", f"1-1.{'9' * 30}.log"])
def test_a_foreign_file_under_a_logs_name_is_left_out(tmp_path, name) -> None:
    a_log(tmp_path)
    (tmp_path / name).write_bytes(b"x" * 5000)
    (tmp_path / "12-35.0.log").mkdir()
    assert values(tmp_path) == [f"message {n}" for n in range(5)]
    assert logs.read_timeline(str(tmp_path)).lost_events == 1


def test_a_log_that_is_just_being_made_is_no_loss(tmp_path) -> None:
    a_log(tmp_path)
    (tmp_path / "12-34.0.log").write_bytes(b"")
    (tmp_path / "12-35.0.log").write_bytes(bytes(SEGMENT_BYTES))
    timeline = logs.read_timeline(str(tmp_path))
    assert (len(timeline.messages), timeline.lost_events) == (5, 0)


@pytest.mark.parametrize(("cut", "lost"), [(0, 0), (1, 1), (31, 1)])
def test_a_record_cut_in_half_is_counted(tmp_path, cut, lost) -> None:
    a_log(tmp_path, messages=2)
    (path,) = tmp_path.glob("*.log")
    end = events.HEADER_BYTES + 6 * events.RECORD_BYTES
    path.write_bytes(path.read_bytes()[:end] + b"x" * cut)
    timeline = logs.read_timeline(str(tmp_path))
    assert (len(timeline.messages), timeline.lost_events) == (2, lost)


@given(st.data())
@settings(**STRANGE)
def test_pieces_of_logs_in_any_order_and_number_are_taken(tmp_path_factory, data) -> None:
    """Interleaved, duplicated and foreign: whole events stay whole, whoever wrote beside them."""
    folder = tmp_path_factory.mktemp("logs")
    whole = a_log(folder)[events.HEADER_BYTES :]
    size = 3 * events.RECORD_BYTES
    own = [whole[n * size : (n + 1) * size] for n in range(5)]
    foreign = record_of(Kind(events.LAST_KIND + 1))
    pieces = data.draw(st.lists(st.sampled_from([*own, foreign]), max_size=20))
    put_file(folder, HEADER + b"".join(pieces), "77-1.0.log")
    put_file_beside(folder, HEADER + b"".join(pieces), "77-2.0.log")
    timeline = logs.read_timeline(str(folder))
    kept = sum(piece != foreign for piece in pieces)
    assert len(timeline.messages) == 2 * kept
    assert timeline.lost_events == 2 * (len(pieces) - kept)
    look_at_everything(folder)
    shutil.rmtree(folder)


def test_many_beginnings_and_ends_are_matched_in_no_time(tmp_path) -> None:
    """A foreign megabyte may hold nothing else; going through all pairs would take minutes."""
    asked = record_of(events.ASKED, pid=5, time=1)
    ended = record_of(events.ENDED, pid=5, time=2)
    put_file(tmp_path / "log", HEADER + asked * 15_000 + ended * 15_000)
    timeline = within(60, logs.read_timeline, str(tmp_path / "log"))
    assert len(timeline.processes) == 15_000


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="there are no symbolic links here")
def test_a_planted_link_is_not_followed(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    a_log(secret)
    (path,) = secret.glob("*.log")
    folder = tmp_path / "logs"
    folder.mkdir()
    try:
        (folder / path.name).symlink_to(path)
    except OSError:
        pytest.skip("links are not allowed here")
    assert segments.read_logs(str(folder)) == []


def test_a_missing_middle_segment_is_counted_and_the_others_read(tmp_path) -> None:
    recorder = Recorder(str(tmp_path))
    for n in range(70_000):
        recorder.record(events.PUT, number=n, queue=0)
    (paths,) = segments.log_files(str(tmp_path)).values()
    assert len(paths) == 3
    Path(paths[1]).write_bytes(b"")
    (log,) = segments.read_logs(str(tmp_path))
    assert log.dropped == 1
    numbers = log.events_of(events.PUT)["number"]
    assert (numbers[0], numbers[-1]) == (0, 69_999)
    assert 4_000 < len(numbers) < 70_000


def test_an_empty_folder_and_none_at_all_give_an_empty_timeline(tmp_path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        timeline = logs.read_timeline(str(folder))
        assert (len(timeline.tasks), timeline.processes, timeline.workers) == (0, [], 0)
        look_at_everything(folder)


def test_a_log_is_read_while_it_is_being_written(tmp_path) -> None:
    recorder = Recorder(str(tmp_path))
    for n in range(100):
        recorder.record(events.PUT, number=n, queue=0, text=b"message %d" % n)
        assert len(values(tmp_path)) == n + 1
