"""What Dask and its workers would have noted down, as a timeline."""

import numpy as np
import pytest

from helpers.gantt import gantt
from helpers.logs.dask_events import timeline_of

# The scheduler's clock stands at a thousand.


def here(time, worker, name, pid, host="north"):
    return {
        "event": "here",
        "time": 1000 + time,
        "worker": worker,
        "name": name,
        "pid": pid,
        "host": host,
    }


def began(time, worker, key, call="nap(1)"):
    return {"event": "began", "time": 1000 + time, "worker": worker, "key": key, "call": call}


def done(start, stop, worker, key, status="OK"):
    took = {"action": "compute", "start": 1000 + start, "stop": 1000 + stop}
    moved = {"action": "transfer", "start": 1000 + start - 0.1, "stop": 1000 + start}
    return {"worker": worker, "key": key, "status": status, "startstops": (moved, took)}


def lost(time, worker):
    return 1000 + time, {"action": "remove-worker", "worker": worker}


TWO = [here(0.0, "tcp://a", "a", 11), here(0.5, "tcp://b", "b", 12)]


def put_together(told=(), fates=(), stream=(), now=9.0, **known):
    return timeline_of([*told], [*fates], [*stream], 1000 + now, **known)


def test_a_cluster_without_workers_has_no_timeline_yet():
    assert len(put_together().tasks) == 0
    assert put_together().processes == []


def test_a_task_is_where_and_when_the_task_stream_says():
    timeline = put_together(
        [*TWO, began(1.0, "tcp://b", "k")], stream=[done(1.1, 2.0, "tcp://b", "k")]
    )
    (task,) = timeline.tasks
    assert (task.call, task.pid, task.lane, task.outcome) == ("nap(1)", 12, 2, "returned")
    assert (task.started, task.finished) == pytest.approx((1.1, 2.0))
    assert np.isnan([task.submitted, task.received, task.on_core]).all(), "nobody noted it"


def test_a_task_that_raised_is_told_apart():
    timeline = put_together(
        [*TWO, began(1.0, "tcp://a", "k")], stream=[done(1.0, 2.0, "tcp://a", "k", "error")]
    )
    assert timeline.tasks[0].outcome == "raised"


def test_a_task_that_has_only_begun_is_running_or_lost_with_its_worker():
    told = [*TWO, began(1.0, "tcp://a", "k"), began(1.0, "tcp://b", "l")]
    timeline = put_together(told, [lost(1.5, "tcp://b")])
    assert [task.outcome for task in timeline.tasks] == ["running", "lost"]
    assert timeline.tasks.finished.tolist()[1:] == pytest.approx([1.5])
    assert [process.ended for process in timeline.processes][1] == pytest.approx(1.5)
    assert timeline.alive == 1


def test_a_retried_task_is_there_with_every_attempt():
    told = [*TWO, began(1.0, "tcp://a", "k"), began(2.0, "tcp://b", "k")]
    timeline = put_together(told, [lost(1.5, "tcp://a")], [done(2.0, 3.0, "tcp://b", "k")])
    assert [(task.lane, task.outcome) for task in timeline.tasks] == [(1, "lost"), (2, "returned")]


def test_a_task_that_was_done_twice_by_the_same_worker_keeps_both_times():
    told = [*TWO, began(1.0, "tcp://a", "k"), began(3.0, "tcp://a", "k")]
    stream = [done(1.0, 2.0, "tcp://a", "k"), done(3.0, 4.0, "tcp://a", "k")]
    assert put_together(told, stream=stream).tasks.finished.tolist() == pytest.approx([2.0, 4.0])


def test_what_others_did_before_is_left_out():
    assert len(put_together(TWO, stream=[done(-5, -4, "tcp://a", "before")]).tasks) == 0


def test_workers_of_one_host_lie_together_and_the_hosts_as_they_came():
    told = [
        here(0.0, "tcp://s2", "s-2", 1, "south"),
        here(0.1, "tcp://n1", "n-1", 2, "north"),
        here(0.2, "tcp://s10", "s-10", 3, "south"),
        here(0.3, "tcp://s1", "s-1", 4, "south"),
    ]
    processes = sorted(put_together(told).processes, key=lambda process: process.lane)
    assert [process.name for process in processes] == ["s-1", "s-2", "s-10", "n-1"]
    assert [process.host for process in processes] == ["south"] * 3 + ["north"]


def test_on_a_single_host_nothing_is_said_of_hosts():
    assert {process.host for process in put_together(TWO).processes} == {""}


def test_a_worker_in_the_place_of_a_lost_one_goes_on_in_its_lane():
    told = [*TWO, here(3.0, "tcp://c", "a", 13)]
    timeline = put_together(told, [lost(2.0, "tcp://a")])
    assert [(process.pid, process.lane) for process in timeline.processes] == [
        (11, 1),
        (12, 2),
        (13, 1),
    ]
    assert timeline.workers == 2


def test_times_count_from_when_the_cluster_was_asked_for_if_that_is_known():
    told = [*TWO, here(3.0, "tcp://c", "a", 13)]
    timeline = put_together(told, asked=998.0)
    asked = [process.asked for process in timeline.processes]
    assert asked[:2] == [0.0, 0.0]
    assert np.isnan(asked[2]), "nobody asked for the one that came later"
    assert timeline.processes[0].ready == pytest.approx(2.0)


def test_the_chart_says_what_its_seconds_count_from():
    def axis(timeline):
        return gantt(timeline).figure.axes[0].get_xlabel()

    assert axis(put_together(TWO)) == "seconds since the start"
    assert axis(put_together(TWO, asked=999.0)) == "seconds since the first process was asked for"
