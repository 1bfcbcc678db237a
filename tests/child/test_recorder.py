"""The flight recorder: what was recorded is there, whole, whatever happens to its process."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.child import events
from helpers.child import recorder as recording
from helpers.child.events import Kind
from helpers.child.recorder import OUTPUT_BYTES, Recorder
from helpers.child.streams import LogOutput, text_stream
from helpers.logs import segments


@pytest.fixture
def recorder(tmp_path) -> Recorder:
    return Recorder(str(tmp_path))


def read(recorder: Recorder) -> segments.Log:
    """The one log in the recorder's folder."""
    (log,) = segments.read_logs(recorder.folder)
    return log


def texts(log: segments.Log, kind: Kind) -> list[str]:
    return [log.text(place) for place in log.places_of(kind)]


def run_python(source: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", source, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_event_is_read_as_it_was_written(recorder) -> None:
    recorder.record(events.GOT, number=1, queue=2, sender=3, text=b"five", at=6)
    log = read(recorder)
    (event,) = log.events_of(events.GOT)
    assert [int(event[name]) for name in ("kind", "number", "queue", "sender", "time")] == [
        events.GOT.number, 1, 2, 3, 6,
    ]  # fmt: skip
    assert log.text(0) == "five"
    assert (log.pid, log.lost_events, log.lost_text, log.dropped) == (os.getpid(), 0, 0, 0)


@given(st.lists(st.binary(max_size=200), max_size=30))
@settings(max_examples=30)
def test_texts_of_any_length_come_back(tmp_path_factory, written) -> None:
    recorder = Recorder(str(tmp_path_factory.mktemp("log")))
    for text in written:
        recorder.record(events.WROTE, stream=1, text=text)
    if written:
        log = read(recorder)
        assert [log.data(place) for place in log.places_of(events.WROTE)] == written
    shutil.rmtree(recorder.folder)


def test_a_long_text_at_the_end_of_a_segment_goes_whole_into_the_next(recorder) -> None:
    texts_written = [f"{n} " + "x" * 5000 for n in range(500)]  # about three segments
    for text in texts_written:
        recorder.record(events.WROTE, stream=1, text=text.encode())
    assert len(next(iter(segments.log_files(recorder.folder).values()))) > 2
    assert texts(read(recorder), events.WROTE) == texts_written


@pytest.fixture
def restless():
    """Threads take turns a thousand times more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_threads_that_write_at_once_do_not_mix(recorder) -> None:
    def write(thread):
        for n in range(300):
            recorder.record(events.WROTE, stream=thread, text=f"{thread} {n} ".encode() * 9)

    crew = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    log = read(recorder)
    for thread in range(8):
        written = log.events_with_text(events.WROTE)
        mine = [text for event, text in written if event["stream"] == thread]
        assert mine == [f"{thread} {n} " * 9 for n in range(300)]


class PausingPlaces:
    """Free places, during whose giving out other threads go on: nothing but a lock stops them.

    So it is with a real iterator in a Python that has no GIL.
    """

    def __init__(self, places: range):
        self.places = places
        self.given = 0

    def __iter__(self):
        return self

    def __next__(self):
        given = self.given
        if given == len(self.places):
            raise StopIteration
        time.sleep(0)
        self.given = given + 1
        return self.places[given]


def in_four_threads(work) -> None:
    """Call `work` with 0 to 3, each in a thread of its own, all at once."""
    barrier = threading.Barrier(4)

    def begin_together(number):
        barrier.wait()
        work(number)

    crew = [threading.Thread(target=begin_together, args=(number,)) for number in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()


WAYS_TO_RECORD = {
    "an event": lambda r: r.record(events.PUT, number=1, queue=1),
    "a long event": lambda r: r.record(events.WROTE, stream=1, text=b"x" * 100),
    "a start": lambda r: r.record_start(1, 2, 3, b"4", at=5),
    "a numbered start": lambda r: r.record_numbered_start(bytes(8), 1, 2, at=3),
}


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("places", [iter, PausingPlaces])
@pytest.mark.parametrize("way", WAYS_TO_RECORD)
def test_no_place_is_given_to_two_threads(recorder, monkeypatch, way, places) -> None:
    monkeypatch.setattr(recording, "iter", places, raising=False)
    taken = []
    in_four_threads(
        lambda _: taken.extend([WAYS_TO_RECORD[way](recorder) for _ in range(500)]),
    )
    assert len({(id(segment), place) for segment, place in taken}) == len(taken) == 2000
    assert recorder.lost_events == 0


RECORD_IN_A_HANDLER = """
import random, signal, sys
from helpers.child import events
from helpers.child.recorder import Recorder
from helpers.logs import segments
recorder = Recorder(sys.argv[1])
handled = 0
def handler(*_):
    global handled
    handled += 1
    recorder.record(events.INTERRUPTED)
signal.signal(signal.SIGALRM, handler)
for number in range(40_000):
    if number % 10 == 0:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 40e-6))
    recorder.record(events.PUT, number=number, queue=1)
    if number % 100 == 0:
        recorder.record(events.WROTE, stream=1, text=b"x" * 3000)
signal.setitimer(signal.ITIMER_REAL, 0)
(log,) = segments.read_logs(sys.argv[1])
kinds = events.PUT, events.WROTE, events.INTERRUPTED
print(*(len(log.places_of(kind)) for kind in kinds), handled, handled > 100)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a signal at any moment")
def test_a_signal_handler_records_while_its_own_thread_records(tmp_path) -> None:
    done = run_python(RECORD_IN_A_HANDLER, tmp_path)
    puts, texts, interrupts, handled, often = done.stdout.split()
    assert (puts, texts, interrupts, often) == ("40000", "400", handled, "True")


@pytest.mark.usefixtures("restless")
def test_a_name_has_one_number_whichever_thread_asks_first(recorder) -> None:
    names = [f"name {n}" for n in range(300)]
    found = [None] * 4

    def ask(number):
        found[number] = [recorder.number_of(name) for name in names]

    in_four_threads(ask)
    assert found[0] == found[1] == found[2] == found[3]
    assert len(set(found[0])) == len(names)


@pytest.mark.usefixtures("restless")
def test_what_threads_print_and_lose_is_counted_whole(recorder) -> None:
    line = b"x" * (OUTPUT_BYTES // 800)
    in_four_threads(lambda _: [recorder.record_text(events.STDOUT, line) for _ in range(400)])
    log = read(recorder)
    kept = sum(len(log.data(place)) for place in log.places_of(events.WROTE))
    assert (kept, log.lost_text) == (OUTPUT_BYTES, 1600 * len(line) - OUTPUT_BYTES)


def test_names_are_written_once(recorder) -> None:
    numbers = [recorder.number_of(name) for name in ("a", "b", "a")]
    assert numbers[0] == numbers[2] != numbers[1]
    assert texts(read(recorder), events.NAME) == ["a", "b"]


WRITE_AND_DIE = """
import os, signal, sys
from helpers.child.events import WROTE
from helpers.child.recorder import Recorder
recorder = Recorder(sys.argv[1])
recorder.record(WROTE, stream=1, text=b"the last words of a process")
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_the_last_event_of_a_killed_process_is_there(tmp_path) -> None:
    assert run_python(WRITE_AND_DIE, tmp_path).returncode != 0
    (log,) = segments.read_logs(str(tmp_path))
    assert texts(log, events.WROTE) == ["the last words of a process"]


FORK = """
import os, sys
from helpers.child.events import WROTE
from helpers.child.recorder import recorder_for
recorder = recorder_for(sys.argv[1])
recorder.record(WROTE, stream=1, text=b"parent before")
if os.fork() == 0:
    recorder.record(WROTE, stream=1, text=b"child")
    os._exit(0)
os.wait()
recorder.record(WROTE, stream=1, text=b"parent after")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_raw_fork_gets_a_log_of_its_own(tmp_path) -> None:
    assert run_python(FORK, tmp_path).returncode == 0
    read = segments.read_logs(str(tmp_path))
    assert sorted(texts(log, events.WROTE) for log in read) == [
        ["child"],
        ["parent before", "parent after"],
    ]
    assert len({log.pid for log in read}) == 2


def fill_two_segments(recorder) -> int:
    """Write more than one segment holds; return how many events that were."""
    for _ in range(300):
        recorder.record(events.WROTE, stream=1, text=b"x" * 5000)
    return 300


def test_a_full_disk_ends_the_recording_and_is_counted(recorder, monkeypatch) -> None:
    recorder.record(events.PUT, number=1, queue=1, text=b"before")

    def no_space(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(recording, "map_new_file", no_space)
    written = fill_two_segments(recorder)
    monkeypatch.undo()  # space again: a log with a hole would mislead, so it stays ended
    recorder.record(events.GOT, number=1, queue=1, sender=1)
    log = read(recorder)
    assert texts(log, events.PUT) == ["before"]
    assert not len(log.places_of(events.GOT))
    assert log.lost_events == written + 1 - len(log.places_of(events.WROTE)) > 1


ON_A_FULL_DISK = """
import os, sys
from helpers.child import events
from helpers.child.recorder import Recorder
from helpers.logs import segments
recorder = Recorder(sys.argv[1])
for _ in range(300):
    recorder.record(events.WROTE, stream=1, text=b"x" * 5000)
(log,) = segments.read_logs(sys.argv[1])
written, lost = len(log.places_of(events.WROTE)), log.lost_events
print(written + lost, lost > 0, os.listdir(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system of its own")
def test_a_disk_that_is_really_full_harms_nobody(tmp_path) -> None:
    mount = f"mount -t tmpfs -o size=1500k none {tmp_path} && "
    program = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount + 'exec "$0" -c "$1" "$2"', sys.executable]
        + [ON_A_FULL_DISK, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare" in program.stderr or "mount" in program.stderr:
        pytest.skip("no file system can be mounted here")
    assert program.returncode == 0, program.stderr
    assert program.stdout.startswith("300 True ")
    assert program.stdout.count(".log") == 1, "the file for which there was no space is still there"


def test_a_folder_that_is_gone_ends_the_recording(recorder) -> None:
    recorder.record(events.PUT, number=1, queue=1)
    with contextlib.suppress(OSError):  # on Windows the open file stays
        shutil.rmtree(recorder.folder)
    if os.path.exists(recorder.folder):
        pytest.skip("the system does not remove open files")
    fill_two_segments(recorder)
    assert recorder.lost_events > 0


def test_a_folder_that_never_was_harms_nobody(tmp_path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    recorder.record(events.PUT, number=1, queue=1)
    recorder.record_text(events.STDOUT, b"words")
    assert recorder.lost_events == 2


def test_printed_text_is_kept_up_to_the_limit_and_the_rest_is_counted(recorder) -> None:
    for _ in range(3):
        recorder.record_text(events.STDOUT, b"x" * (OUTPUT_BYTES // 2))
    recorder.record(events.GOT, number=1, queue=1, sender=1)
    log = read(recorder)
    kept = sum(len(log.data(place)) for place in log.places_of(events.WROTE))
    assert (kept, log.lost_text) == (OUTPUT_BYTES, OUTPUT_BYTES // 2)
    assert len(log.places_of(events.GOT)) == 1, "only printing is limited"


class Interrupted(bytes):
    """A text during whose writing the user presses Ctrl-C."""

    def __getitem__(self, part):
        if part.start:
            raise KeyboardInterrupt
        return super().__getitem__(part)


def test_an_interrupted_record_hides_nothing_behind_it(recorder) -> None:
    recorder.record(events.PUT, number=1, queue=1, text=b"before")
    with pytest.raises(KeyboardInterrupt):
        recorder.record(events.WROTE, stream=1, text=Interrupted(b"x" * 100))
    recorder.record(events.PUT, number=2, queue=1, text=b"after")
    log = read(recorder)
    assert texts(log, events.PUT) == ["before", "after"]
    assert not len(log.places_of(events.WROTE))


def test_a_stream_turns_text_into_events_line_by_line(recorder) -> None:
    stream = text_stream(LogOutput(recorder, events.STDOUT))
    print("ä", "b\udc80", file=stream)
    print("no end", end="", file=stream)
    stream.flush()
    stream.buffer.write(b"\xff\n")
    log = read(recorder)
    assert [log.data(place) for place in log.places_of(events.WROTE)] == [
        "ä b\\udc80\n".encode(),
        b"no end",
        b"\xff\n",
    ]
    assert (stream.fileno(), stream.isatty()) == (1, False)


def test_a_short_task_takes_one_record_and_a_longer_one_two(recorder) -> None:
    started = recorder.record_start(function=1, job=2, item=3, text=b"4", at=5)
    assert read(recorder).places_of(events.STARTED).tolist() == [0]
    recorder.record_short_end(*started, took=678)
    (event,) = read(recorder).events_of(events.SHORT_TASK_DONE)
    assert [int(event[name]) for name in ("function", "job", "item", "took", "time")] == [
        1, 2, 3, 678, 5,
    ]  # fmt: skip
    assert len(read(recorder).records) == 1
    recorder.record_start(function=1, job=2, item=3, text=b"4", at=5)
    recorder.record(events.FINISHED, outcome=events.RETURNED, job=2, computed=0)
    assert len(read(recorder).records) == 3


def test_the_end_of_a_task_that_found_no_room_is_no_error(tmp_path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    recorder.record_short_end(*recorder.record_start(1, 2, 3, b"4", at=5), took=1)
    assert recorder.lost_events == 1


DIE_IN_A_TASK = """
import os, signal, sys
from helpers.child.calls import RecordedCall
from helpers.child.recorder import Recorder
recorder = Recorder(sys.argv[1])
task = RecordedCall(lambda n: n == 3 and os.kill(os.getpid(), 9), recorder)
if sys.argv[2] == "in a chunk":
    task.map(range(5))
for n in range(5):
    task(n)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("how", ["one by one", "in a chunk"])
def test_the_task_in_which_a_process_was_killed_has_started_and_those_before_are_over(
    how, tmp_path
) -> None:
    assert run_python(DIE_IN_A_TASK, tmp_path, how).returncode < 0
    (log,) = segments.read_logs(str(tmp_path))
    starts = log.places_of(events.STARTED, events.SHORT_TASK_DONE)
    assert [log.text(place) for place in starts] == ["0", "1", "2", "3"]
    assert len(log.places_of(events.SHORT_TASK_DONE, events.FINISHED)) == 3
    assert log.records["kind"][starts[-1]] == events.STARTED.number, "the last one has no end"
