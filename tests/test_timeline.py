"""The timeline tells what happened: the figures by hand, and a snapshot while it runs."""

import math
import threading
from math import nan

import numpy as np
import pytest

from helpers.observed import get_context
from helpers.timeline import LOST, RAISED, RUNNING, Tasks, Timeline
from tests.support import workers
from tests.support.calls import assert_in_order
from tests.support.within import within


def by_hand(**columns) -> Tasks:
    columns = {"started": [1, 2, 3], "finished": [3, 4, 5]} | columns
    return Tasks.from_columns(["a(1)", "b(2)", "c(3)"], **columns)


def test_the_figures_are_those_of_the_definitions() -> None:
    timeline = Timeline(by_hand(received=[3.5, 6, nan]), workers=2)
    assert timeline.makespan == 4
    assert timeline.busy == 6
    assert timeline.utilisation == 6 / 8
    assert timeline.tasks_in_flight == 6 / 4
    assert timeline.total == 6


def test_a_task_that_is_still_running_counts_up_to_now() -> None:
    timeline = Timeline(by_hand(finished=[3, 4, nan]), workers=2, now=8)
    assert (timeline.makespan, timeline.busy, timeline.total) == (7, 9, 8)


def test_without_tasks_there_is_nothing_to_measure() -> None:
    timeline = Timeline(Tasks.from_columns([]), workers=0)
    for figure in ("makespan", "total", "busy", "utilisation", "tasks_in_flight"):
        assert math.isnan(getattr(timeline, figure))
    assert timeline.table().startswith("task")


def test_tasks_are_records_and_columns() -> None:
    tasks = by_hand(
        pid=[7, 8, 9],
        outcome=[RAISED, RUNNING, LOST],
        errors={0: "ValueError: boom"},
    )
    assert [task.outcome for task in tasks] == ["raised ValueError: boom", "running", "lost"]
    assert [len(tasks), tasks[-1].call, tasks.call(1), tasks[0].pid] == [3, "c(3)", "b(2)", 7]
    assert tasks.started.tolist() == [1, 2, 3]
    assert (tasks.pid.dtype, tasks.started.dtype) == (np.int64, np.float64)
    with pytest.raises(IndexError):
        tasks[3]


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="column started has the shape"):
        Tasks.from_columns(["a()"], started=[1, 2])
    with pytest.raises(TypeError, match="no such column: begun; there are"):
        Tasks.from_columns(["a()"], begun=[1])


def test_the_table_is_the_tasks_as_text() -> None:
    tasks = by_hand(lane=[1, 2, 1], pid=[71, 72, 71], on_core=[0.5, nan, 1])
    assert Timeline(tasks, workers=2).table().splitlines() == [
        "task  lane  pid  submitted  started  finished  received  on core  outcome",
        "a(1)     1   71               1.000     3.000                50%  returned",
        "b(2)     2   72               2.000     4.000                     returned",
        "c(3)     1   71               3.000     5.000               100%  returned",
    ]


def test_a_snapshot_can_be_taken_again_and_again_while_it_runs() -> None:
    mp = get_context("spawn")
    done = threading.Event()
    seen = []

    def look() -> None:
        while not done.is_set():
            timeline = mp.timeline()
            assert_in_order(timeline)
            seen.append(len(timeline.tasks))

    def run() -> None:
        with mp.Pool(2) as pool:
            pool.map(workers.print_lines, [], chunksize=1)
            pool.starmap(workers.print_lines, [(n, 2) for n in range(200)], chunksize=1)
        done.set()

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    try:
        within(60, look)
    finally:
        runner.join()
    assert seen == sorted(seen)
    assert len(mp.timeline().tasks) == 200
