"""What a timeline writes to a file can be read back, whole; and viewers find what they need."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import timeline
from helpers.child import recorder as flight
from helpers.observed import get_context
from helpers.runs import trace as exports
from helpers.schedule import predict
from helpers.timeline import (
    MOST_LANES,
    OUTCOMES,
    RAISED,
    RECORD_KINDS,
    Calls,
    Tasks,
    Timeline,
)
from tests.support import workers

TIMES = st.one_of(st.just(math.nan), st.floats(0, 1e6))
NUMBERS, LANES = st.integers(0, 2**31 - 1), st.integers(0, MOST_LANES)
OTHERS = {"lane": LANES, "role": st.sampled_from(flight.ROLES)}
VALUES = {float: TIMES, int: NUMBERS, int | None: st.none() | NUMBERS, str: st.text(max_size=20)}
SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def records_of(kind):
    """Lists of records of a kind, with any values in them."""
    fields = {name: VALUES[of] for name, of in kind.__annotations__.items()}
    fields |= {name: of for name, of in OTHERS.items() if name in fields}
    return st.lists(st.builds(kind, **fields), max_size=4)


@st.composite
def any_tasks(draw) -> Tasks:
    n = draw(st.integers(0, 6))
    names = ("submitted", "started", "finished", "received", "on_core")
    columns = {name: draw(st.lists(TIMES, min_size=n, max_size=n)) for name in names}
    columns["pid"] = draw(st.lists(NUMBERS, min_size=n, max_size=n))
    columns["lane"] = draw(st.lists(LANES, min_size=n, max_size=n))
    outcome = draw(st.lists(st.integers(0, len(OUTCOMES) - 1), min_size=n, max_size=n))
    errors = {i: draw(st.text(max_size=20)) for i in range(n) if outcome[i] == RAISED}
    calls = draw(st.lists(st.text(max_size=30), min_size=n, max_size=n))
    return Tasks.from_columns(calls, outcome=outcome, errors=errors, **columns)


@st.composite
def any_timeline(draw) -> Timeline:
    lists = {
        name: draw(records_of(kind))
        for name, kind in zip(exports.KINDS[1:], RECORD_KINDS[1:], strict=True)
    }
    facts = {"workers": draw(LANES), "now": draw(TIMES), "parent": draw(NUMBERS)}
    facts |= {"method": draw(st.text(max_size=5)), "interrupts": draw(NUMBERS)}
    facts |= {name: draw(st.booleans()) for name in ("predicted", "own_zeros")}
    return Timeline(draw(any_tasks()), **lists, **facts)


def told(one: Timeline) -> dict:
    """All that a timeline says, as text, because nan is not equal to itself."""
    lists = {kind: [repr(record) for record in getattr(one, kind)] for kind in exports.KINDS}
    return lists | {name: repr(getattr(one, name)) for name in exports.FACTS}


@given(any_timeline())
@SETTINGS
def test_a_trace_brings_everything_back(tmp_path, one) -> None:
    one.to_trace(tmp_path / "trace.json")
    assert told(Timeline.from_trace(tmp_path / "trace.json")) == told(one)


@given(any_tasks())
@SETTINGS
def test_a_table_brings_the_tasks_back(tmp_path, tasks) -> None:
    Timeline(tasks).to_csv(tmp_path / "tasks.csv")
    back = Timeline.from_csv(tmp_path / "tasks.csv")
    assert [repr(task) for task in back.tasks] == [repr(task) for task in tasks]


@pytest.fixture(scope="module")
def measured() -> Timeline:
    mp = get_context("spawn")
    with mp.Pool(2) as pool:
        pool.starmap(workers.print_lines, [(n, 2) for n in range(6)], chunksize=1)
        with pytest.raises(workers.Oops):
            pool.apply(workers.raise_oops, (1,))
        pool.close()
        pool.join()
    q = mp.Queue()
    q.put("to myself")
    q.get()
    return mp.timeline()


def test_a_measured_timeline_survives_both_files(measured, tmp_path) -> None:
    measured.to_trace(tmp_path / "trace.json")
    back = Timeline.from_trace(tmp_path / "trace.json")
    assert told(back) == told(measured)
    assert back.table() == measured.table()
    assert (back.makespan, back.utilisation) == (measured.makespan, measured.utilisation)
    measured.to_csv(tmp_path / "tasks.csv")
    table = Timeline.from_csv(tmp_path / "tasks.csv")
    assert (table.table(), table.makespan) == (measured.table(), measured.makespan)


def test_a_viewer_finds_every_task_on_the_track_of_its_process(measured, tmp_path) -> None:
    measured.to_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = trace["traceEvents"]
    assert all({"ph", "name", "pid", "tid"} <= event.keys() for event in events)
    assert all(event["ts"] >= 0 for event in events if event["ph"] != "M")
    tasks = [event for event in events if event.get("cat") == "tasks"]
    for event, task in zip(tasks, measured.tasks, strict=True):
        assert (event["ph"], event["name"], event["pid"]) == ("X", task.call, task.pid)
        assert event["ts"] == pytest.approx(1e6 * task.started, abs=0.001)
        assert event["ts"] + event["dur"] == pytest.approx(1e6 * task.finished, abs=0.01)
    names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert names == {p.pid: f"worker {p.lane}" for p in measured.processes}
    arrows = [event["ph"] for event in events if event.get("cat") == "messages"]
    assert arrows == ["s", "f"]


def test_a_prediction_has_a_track_for_each_lane(tmp_path) -> None:
    predict([3, 1, 2], 2).to_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [(e["tid"], e["ts"], e["dur"]) for e in events] == [
        (1, 0, 3e6), (2, 0, 1e6), (2, 1e6, 2e6),
    ]  # fmt: skip
    assert Timeline.from_trace(tmp_path / "trace.json").predicted


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"traceEvents": []}', "no json"])
def test_other_files_are_refused(tmp_path, text) -> None:
    (tmp_path / "other").write_text(text)
    for read in (Timeline.from_trace, Timeline.from_csv):
        with pytest.raises(ValueError, match=r"."):
            read(tmp_path / "other")


def test_a_record_without_a_number_that_it_must_have_is_refused() -> None:
    with pytest.raises(ValueError, match="this is no line"):
        timeline._record(timeline.Line, {"time": 1.0, "text": "words"})


# What the format asks for


NEEDED = {
    "X": {"name", "ph", "ts", "dur", "pid", "tid"},
    "M": {"name", "ph", "pid", "args"},
    "i": {"name", "ph", "ts", "pid", "tid", "s"},
    "s": {"name", "ph", "ts", "pid", "tid", "id", "cat"},
    "f": {"name", "ph", "ts", "pid", "tid", "id", "cat"},
    "b": {"name", "ph", "ts", "pid", "tid", "id", "cat"},
    "e": {"name", "ph", "ts", "pid", "tid", "id", "cat"},
}
"""The fields that the trace-event format wants of each kind of event that we write."""


def test_every_event_has_what_the_trace_event_format_asks_for(measured, tmp_path) -> None:
    measured.to_trace(tmp_path / "it.json")
    trace = json.loads((tmp_path / "it.json").read_text("utf-8"))
    events = trace["traceEvents"]
    assert trace["displayTimeUnit"] in ("ms", "ns")
    assert events
    for event in events:
        assert NEEDED[event["ph"]] <= event.keys(), event
        for field in {"ts", "dur", "pid", "tid"} & event.keys():
            assert isinstance(event[field], (int, float)), event
        assert event.get("dur", 0) >= 0
    named = {event["pid"] for event in events if event["ph"] == "M"}
    assert {event["pid"] for event in events if event["ph"] == "X"} <= named
    assert {event["name"] for event in events if event["ph"] == "M"} <= {
        "process_name",
        "thread_name",
    }


def test_times_are_microseconds_and_tasks_lie_within_the_life_of_their_process(
    measured, tmp_path
) -> None:
    measured.to_trace(tmp_path / "it.json")
    events = json.loads((tmp_path / "it.json").read_text("utf-8"))["traceEvents"]
    lives = {one["pid"]: one for one in events if one.get("cat") == "processes"}
    tasks = [one for one in events if one.get("cat") == "tasks"]
    assert len(tasks) == len(measured.tasks) > 0
    for event, task in zip(tasks, measured.tasks, strict=True):
        assert event["ts"] == pytest.approx(1e6 * task.started, abs=0.001)
        assert event["dur"] == pytest.approx(1e6 * (task.finished - task.started), abs=0.002)
        life = lives[event["pid"]]
        assert life["ts"] <= event["ts"]
        assert event["ts"] + event["dur"] <= life["ts"] + life["dur"] + 0.002


@pytest.mark.parametrize("tasks", [2_000, 20_000])
def test_a_trace_is_written_in_memory_that_does_not_grow_with_it(tmp_path, tasks) -> None:
    many = Tasks.from_columns(
        Calls(["f"], np.zeros(tasks, int), np.full(tasks, b"1", "S8"), {}, np.arange(tasks)),
        lane=np.ones(tasks),
        started=np.arange(tasks) / 1e6,
        finished=np.arange(tasks) / 1e6 + 1e-6,
    )
    timeline = Timeline(many, workers=1, now=1.0)
    tracemalloc.start()
    timeline.to_trace(tmp_path / "it.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "it.json").stat().st_size > 200 * tasks
    assert peak < 200_000
