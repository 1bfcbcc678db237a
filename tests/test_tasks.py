"""The tutorial's own functions: the same names, the same words, and lengths that can be known."""

import itertools
import os
import queue
import re
import time
from types import SimpleNamespace

import pytest

from helpers import tasks


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """How long the tasks would have slept."""
    naps = []
    monkeypatch.setattr(tasks, "time", SimpleNamespace(sleep=naps.append, time=time.time))
    return naps


def test_nothing_but_the_tasks_goes_without_sleep(slept) -> None:
    time.sleep(0.001)  # as any other thread of this process may do
    assert slept == []


def test_run_proc_says_who_runs(capsys) -> None:
    tasks.run_proc("test")
    assert capsys.readouterr().out == f"Run child process test ({os.getpid()})...\n"


def test_long_time_task_says_when_it_begins_and_how_long_it_took(capsys, slept) -> None:
    tasks.long_time_task(3)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Run task 3 ({os.getpid()})..."
    assert re.fullmatch(r"Task 3 runs \d+\.\d\d seconds\.", second)
    assert slept == [tasks.duration_of(3)]


def test_a_task_lasts_the_same_every_time_and_as_the_lessons_say() -> None:
    assert [round(tasks.duration_of(n), 2) for n in range(5)] == [0.93, 0.48, 1.28, 1.88, 2.37]
    assert all(0 <= tasks.duration_of(n) <= 3 for n in range(200))


def test_finishes_that_a_lesson_compares_lie_apart() -> None:
    ends = sorted(tasks.duration_of(n) for n in range(5))
    assert min(b - a for a, b in itertools.pairwise(ends)) >= 0.2


def test_the_writer_puts_three_letters(capsys, slept) -> None:
    q = queue.Queue()
    tasks.write(q)
    assert list(q.queue) == ["A", "B", "C"]
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"Process to write: {os.getpid()}"
    assert rest == [f"Put {value} to queue..." for value in "ABC"]
    assert all(0 <= nap <= 1 for nap in slept)


class Terminated(BaseException):
    """What ends the reader here; in the lesson it is a signal."""


def test_the_reader_takes_for_ever(capsys) -> None:
    class Letters:
        letters = iter("ABC")

        def get(self, block):
            try:
                return next(self.letters)
            except StopIteration:
                raise Terminated from None

    with pytest.raises(Terminated):
        tasks.read(Letters())
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"Process to read: {os.getpid()}"
    assert rest == [f"Get {value} from queue." for value in "ABC"]
