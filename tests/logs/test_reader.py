"""A reader that comes again and again sees, each time, what one who comes now sees in whole."""

import itertools
import os
import random
import shutil
from pathlib import Path

import pytest

from helpers.child import events
from helpers.child import recorder as recording
from helpers.child.events import Kind
from helpers.child.recorder import Recorder
from helpers.logs.reader import Reader, exitcode_of, read_timeline
from helpers.timeline import Timeline

PARENT, CHILDREN = 50, (60, 61, 62)
MANY = 100 if os.environ.get("CI") == "true" else 30


def told(timeline: Timeline) -> str:
    """All that a timeline says, apart from the moment at which it was asked."""
    facts = {name: value for name, value in vars(timeline).items() if name not in ("tasks", "now")}
    return "\n".join(map(str, [*timeline.tasks, *facts.items()]))


class Experiment:
    """Logs of a parent and its children, written step by step as real ones are.

    Times are small whole numbers, so that some are the same.
    """

    def __init__(self, folder: Path):
        self.recorders = {}
        self.folder = folder
        self.short = {}  # the record of each process's last task, as long as it may turn short
        self.half = []  # records that have no kind yet
        self.messages = itertools.count()
        self.under_way = []
        for pid in (PARENT, *CHILDREN):
            self.recorders[pid] = Recorder(str(folder))
            self.recorders[pid].pid = pid

    def step(self, what: str, child: int, number: int, at: int) -> None:
        """One step of a kind; what the numbers are for differs."""
        getattr(self, what)(CHILDREN[child], number, 1000 + at)

    def write(self, pid, kind, /, **fields):
        return self.recorders[pid].record(kind, **fields)

    def ask(self, pid, number, at):
        role = number % 2  # a process of its own, or a worker
        facts = {"role": role, "pid": pid, "lane": pid - 59, "method": 1}
        self.write(PARENT, events.ASKED, **facts, text=b"child %d" % pid, at=at)

    def ask_a_grandchild(self, pid, number, at):
        facts = {"role": 1, "pid": CHILDREN[number % 3], "lane": 1, "method": 1}
        self.write(pid, events.ASKED, **facts, text=b"grandchild", at=at)

    def be_born(self, pid, number, at):
        self.write(pid, events.BORN, method=1, ppid=PARENT, at=at)
        self.write(pid, events.READY, at=at + number)

    def leave(self, pid, number, at):
        self.write(pid, events.LEFT, exitcode=0, at=at)

    def end(self, pid, number, at):
        self.write(PARENT, events.ENDED, pid=pid, exitcode=number, at=at)

    def name(self, pid, number, at):
        self.write(pid, events.NAME, function=number, text=b"function_%d" % number, at=0)

    def start(self, pid, number, at):
        job = events.NO_JOB if number == 5 else number
        text = b"argument " * number
        self.short[pid] = self.recorders[pid].record_start(number % 3, job, at % 4, text, at)

    def start_with_a_number(self, pid, number, at):
        head = events.head_of_starts(number % 3, number)
        self.short[pid] = self.recorders[pid].record_numbered_start(head, at % 4, number - 3, at)

    def return_soon(self, pid, number, at):
        if pid in self.short:
            self.recorders[pid].record_short_end(*self.short.pop(pid), number)

    def finish(self, pid, number, at):
        self.short.pop(pid, None)
        outcome = events.RAISED if number == 1 else events.RETURNED
        facts = {"outcome": outcome, "job": 0, "computed": number}
        self.write(pid, events.FINISHED, **facts, text=b"ValueError: none" * number, at=at)

    def submit(self, pid, number, at):
        facts = {"single": number % 2, "job": number, "item": at % 4}
        self.write(PARENT, events.SUBMITTED, **facts, at=at)

    def receive(self, pid, number, at):
        self.write(PARENT, events.RECEIVED, job=number, item=at % 4, at=at)

    def say(self, pid, number, at):
        stream = events.STDOUT if at % 2 else events.STDERR
        text = b"a line, and\nmore of it " * number
        self.write(pid, events.WROTE, stream=stream, text=text, at=at)

    def put(self, pid, number, at):
        message = next(self.messages)
        self.under_way.append((pid, message))
        text = b"message %d" % number
        self.write(pid, events.PUT, number=message, queue=1, text=text, at=at)

    def get(self, pid, number, at):
        if self.under_way:
            sender, message = self.under_way.pop(number % len(self.under_way))
            self.write(pid, events.GOT, number=message, queue=1, sender=sender, at=at)

    def share(self, pid, number, at):
        kind = events.READ if number % 2 else events.WRITTEN
        self.write(pid, kind, number=number, text=b"7", at=at)

    def lock(self, pid, number, at):
        kind = (events.WANTED, events.ACQUIRED, events.RELEASED)[number % 3]
        obtained = {"obtained": at % 2} if kind is events.ACQUIRED else {}
        self.write(pid, kind, lock=number // 3, thread=1, **obtained, at=at)

    def carry(self, pid, number, at):
        self.write(pid, events.CARRIED, action=1 + number % 3, kib=64, took=number, at=at)

    def interrupt(self, pid, number, at):
        self.write(pid, events.INTERRUPTED, at=at)

    def begin_to_write(self, pid, number, at):
        """An event whose kind has not been written yet."""
        segment, place = self.write(pid, events.WROTE, stream=1, text=b"half\n" * number, at=at)
        segment[place] = 0
        self.half.append((segment, place))

    def write_the_rest(self, pid, number, at):
        if self.half:
            segment, place = self.half.pop(number % len(self.half))
            segment[place] = events.WROTE.number

    def nonsense(self, pid, number, at):
        unknown = Kind(events.LAST_KIND + 1 + number)
        self.write(pid, unknown, text=b"what is this? " * number, at=at)

    def lose(self, pid, number, at):
        self.recorders[pid]._lose(lost=1, text=number)

    def cut(self, pid, number, at):
        """Somebody cuts a file, or removes it."""
        paths = sorted(self.folder.glob(f"{pid}-1.*.log"))
        if paths:
            path = paths[number % len(paths)]
            whole = path.read_bytes()
            try:
                path.unlink()  # the recorder goes on writing to what nobody sees
            except PermissionError:  # where a file that is written cannot go
                return
            if at % 2:
                path.write_bytes(whole[: 40 * at])


KINDS = [name for name in vars(Experiment) if name[0] != "_" and name not in ("step", "write")]
OFTEN = [
    "start",
    "start_with_a_number",
    "return_soon",
    "finish",
    "begin_to_write",
    "write_the_rest",
]


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch):
    """Files with room for a dozen records, so that many begin and end."""
    short = events.HEADER_BYTES + 12 * events.RECORD_BYTES
    monkeypatch.setattr(recording, "SEGMENT_BYTES", short)


@pytest.mark.parametrize("seed", range(MANY))
def test_every_snapshot_is_what_one_who_reads_all_of_it_sees(tmp_path, seed) -> None:
    chance = random.Random(seed)
    rare = ["cut", "ask", "ask_a_grandchild"] if seed % 2 else []  # after those we begin again
    kinds = [kind for kind in KINDS if kind not in rare] + 3 * OFTEN
    experiment, reader = Experiment(tmp_path), Reader(str(tmp_path))
    for child in range(2):
        experiment.step("ask", child, 1, 2)
        experiment.step("be_born", child, 1, 2)
    for _ in range(120):
        numbers = chance.randrange(3), chance.randrange(6), chance.randrange(10)
        experiment.step(chance.choice(kinds), *numbers)
        if chance.random() < 0.3:
            assert told(reader.timeline()) == told(read_timeline(str(tmp_path)))
    assert told(reader.timeline()) == told(read_timeline(str(tmp_path)))


def test_what_a_snapshot_says_does_not_change_afterwards(tmp_path) -> None:
    experiment, reader = Experiment(tmp_path), Reader(str(tmp_path))
    experiment.step("ask", 0, 1, 0)
    experiment.step("be_born", 0, 1, 1)
    shown = []
    for n in range(60):
        experiment.step("start", 0, n % 3, 2 * n)
        shown.append((timeline := reader.timeline(), told(timeline)))
        experiment.step("finish", 0, n % 2, 2 * n + 1)
        experiment.step("receive", 0, n % 3, 2 * n + 1)
        experiment.step("end", 0, 0, 2 * n + 2)
        shown.append((timeline := reader.timeline(), told(timeline)))
    assert [told(timeline) for timeline, _ in shown] == [words for _, words in shown]


def test_a_folder_that_goes_leaves_nothing_and_one_that_comes_back_is_read(tmp_path) -> None:
    folder = tmp_path / "logs"
    reader = Reader(str(folder))
    for _ in range(3):
        folder.mkdir()
        experiment = Experiment(folder)
        experiment.step("ask", 0, 1, 0)
        experiment.step("be_born", 0, 1, 1)
        experiment.step("start", 0, 1, 2)
        assert (len(reader.timeline().tasks), len(reader.timeline().processes)) == (1, 1)
        shutil.rmtree(folder)
        assert (len(reader.timeline().tasks), reader.timeline().processes) == (0, [])


def test_what_was_read_is_not_read_again(tmp_path, monkeypatch) -> None:
    experiment, reader = Experiment(tmp_path), Reader(str(tmp_path))
    experiment.step("ask", 0, 1, 0)
    for n in range(100):
        experiment.step("say", 0, 1, n)
    assert len(reader.timeline().lines) > 100
    taken = []
    monkeypatch.setattr(reader, "_take_in", lambda log, segment, news: taken.append(news.records))
    reader.timeline()
    assert taken == []
    experiment.step("say", 0, 0, 1)
    reader.timeline()
    assert [len(records) for records in taken] == [1]


def test_an_interrupt_in_mid_work_harms_no_later_snapshot(tmp_path, monkeypatch) -> None:
    experiment, reader = Experiment(tmp_path), Reader(str(tmp_path))
    experiment.step("ask", 0, 1, 0)
    for n in range(100):
        experiment.step("say", 0, 1, n)

    def interrupted(*arguments):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(reader._messages, "take_in", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reader.timeline()
    assert told(reader.timeline()) == told(read_timeline(str(tmp_path)))


@pytest.mark.parametrize(
    ("system", "written", "code"),
    [
        ("linux", 2**32 - 9, -9),
        ("linux", 3, 3),
        ("win32", 2**32 - 15, -15),  # terminated
        ("win32", 0xC0000005, 0xC0000005),  # touched memory that it has not
    ],
)
def test_an_exit_code_is_told_as_multiprocessing_tells_it(system, written, code, monkeypatch):
    monkeypatch.setattr("sys.platform", system)
    assert exitcode_of(written) == code
