"""Processes have lanes, and what they printed comes line by line."""

import itertools
import math
import os
from collections import Counter

import pytest

from helpers.child import events
from helpers.child.recorder import Recorder
from helpers.logs.reader import read_timeline
from helpers.observed import get_context
from tests.support import workers
from tests.support.calls import calls, expected
from tests.support.methods import METHODS

# Lanes


@pytest.mark.parametrize("method", METHODS)
def test_a_replaced_worker_continues_its_lane(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(2, maxtasksperchild=1) as pool:
        pool.map(workers.double, range(6), chunksize=1)
    timeline = mp.timeline()
    assert calls(timeline) == expected(*range(6))
    assert {process.lane for process in timeline.processes} == {1, 2} == set(timeline.tasks.lane)
    assert timeline.workers == 2
    for lane in (1, 2):
        own = [process for process in timeline.processes if process.lane == lane]
        assert not any(after.born < before.ended for before, after in itertools.pairwise(own))
    assert len(set(timeline.tasks.pid)) == 6


def test_a_second_pool_has_lanes_of_its_own() -> None:
    mp = get_context("spawn")
    for _ in range(2):
        with mp.Pool(2) as pool:
            pool.map(workers.double, [1])
    assert [process.lane for process in mp.timeline().processes] == [1, 2, 3, 4]


def test_a_managers_server_has_a_lane_of_its_own_kind_and_no_task() -> None:
    mp = get_context("spawn")
    with mp.Manager() as manager:
        manager.list()
        process = mp.Process(target=workers.double, args=(1,))
        process.start()
        process.join()
    timeline = mp.timeline()
    assert [(process.role, process.lane) for process in timeline.processes] == [
        ("manager", 1),
        ("process", 1),
    ]
    assert (calls(timeline), timeline.workers) == (["double(1)"], 1)


def run_inner(mp) -> None:
    with mp.Pool(2) as pool:
        pool.map(workers.double, range(2), chunksize=1)


@pytest.mark.parametrize("method", METHODS)
def test_nested_processes_have_lanes_behind_those_of_their_parent(method: str) -> None:
    mp = get_context(method)
    outer = [mp.Process(target=run_inner, args=(mp,)) for _ in range(2)]
    for process in outer:
        process.start()
    for process in outer:
        process.join()
    timeline = mp.timeline()
    lanes = {process.pid: process.lane for process in timeline.processes}
    assert [lanes[process.pid] for process in outer] == [1, 2]
    assert sorted(lanes.values()) == [1, 2, 3, 4, 5, 6]
    parents = Counter(process.ppid for process in timeline.processes)
    assert parents == {os.getpid(): 2, outer[0].pid: 2, outer[1].pid: 2}
    assert timeline.parent == os.getpid()
    inner = [task for task in timeline.tasks if task.call.startswith("double")]
    assert sorted(task.call for task in inner) == expected(0, 0, 1, 1)
    assert not any(math.isnan(task.submitted + task.received) for task in inner)


# Printed lines


@pytest.mark.parametrize("method", METHODS)
def test_printed_lines_come_with_pid_and_time(method: str) -> None:
    mp = get_context(method)
    names = "Ann", "Bob"
    processes = [mp.Process(target=workers.print_lines, args=(name, 3)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    lines = mp.timeline().lines
    for name, process in zip(names, processes, strict=True):
        own = [line for line in lines if line.pid == process.pid]
        assert [line.text for line in own] == [f"{name} {n}" for n in range(3)]
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert mp.output() == "\n".join(f"{name} {n}" for name in names for n in range(3))
    by_time = mp.output(by="time").splitlines()
    assert sorted(by_time) == sorted(mp.output().splitlines())
    assert by_time == [line.text for line in lines]


def test_output_process_by_process_is_in_the_order_of_their_start() -> None:
    mp = get_context("spawn")
    barrier = mp.Barrier(3)
    processes = [mp.Process(target=print_in_turn, args=(barrier, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert mp.output() == "0\n0\n1\n1\n2\n2"
    assert mp.output(by="time") == "2\n1\n0\n0\n1\n2"


def print_in_turn(barrier, number) -> None:
    for turn in (2, 1, 0, 0, 1, 2):
        barrier.wait(30)
        if turn == number:
            print(number)


def test_streams_are_kept_apart_and_wrong_words_refused() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_to_both, args=("words",))
    process.start()
    process.join()
    assert (mp.output(), mp.output(stream="stderr")) == ("words", "words, wrong")
    with pytest.raises(ValueError, match="'pid' is not known here; choose one of process, time"):
        mp.output(by="pid")
    with pytest.raises(ValueError, match="choose one of stdout, stderr"):
        mp.output(stream="both")


def test_a_last_line_without_an_end_is_kept() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_without_newline, args=("no end",))
    process.start()
    process.join()
    assert mp.output() == "no end"


def test_a_mebibyte_of_output_is_kept_and_the_rest_counted() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_much, args=(1_500_000,))
    process.start()
    process.join()
    *lines, last = mp.output().splitlines()
    rest = 1_500_000 - (1 << 20)
    assert last == f"({rest:,} more bytes were printed and not kept)"
    assert set(lines[:-1]) == {"x" * 99}
    assert (mp.timeline().lost_text, process.exitcode) == (rest, 0)


# How many cores


@pytest.mark.parametrize(
    ("seconds", "computed", "said"),
    [(1.0, 0.4, 0.4), (1.0, 1.1, 1.0), (1.0, 1.9, 1.9), (0.01, 0.019, 1.0)],
    ids=["a part", "the clocks differ", "several cores", "too short to be sure"],
)
def test_more_than_one_core_is_told_where_it_is_sure(tmp_path, seconds, computed, said) -> None:
    recorder = Recorder(str(tmp_path))
    began, pid = 10**9, os.getpid()
    recorder.record(events.ASKED, role=0, pid=pid, lane=1, method=1, at=began)
    recorder.record(events.BORN, method=1, ppid=pid, at=began)
    recorder.record_start(recorder.number_of("f"), events.NO_JOB, 0, b"", began)
    recorder.record(
        events.FINISHED,
        outcome=events.RETURNED,
        job=events.NO_JOB,
        computed=round(computed * 1e6),
        at=began + round(seconds * 1e9),
    )
    (task,) = read_timeline(str(tmp_path)).tasks
    assert task.on_core == pytest.approx(said)
