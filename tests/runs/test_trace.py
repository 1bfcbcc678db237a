"""A trace tells all that a timeline knows, in the form that viewers ask for."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from helpers.observed import get_context
from helpers.runs.trace import FACTS, to_trace
from helpers.schedule import predict
from helpers.timeline import Calls, Tasks, Timeline
from tests.support import workers
from tests.support.anything import RECORDS, timelines
from tests.support.charts import process, worker


@pytest.fixture
def trace_of(tmp_path):
    """Write a timeline to a file, and return what a reader of JSON finds there."""

    def written(timeline):
        path = tmp_path / "trace.json"
        path.unlink(missing_ok=True)
        to_trace(timeline, path)
        return json.loads(path.read_text("utf-8"), parse_constant=no_json)

    return written


def no_json(word):
    raise ValueError(f"{word} is no JSON: viewers refuse such a file")


def known(fields: dict) -> dict:
    """The fields that are known. JSON has no word for nan."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not (isinstance(value, float) and math.isnan(value))
    }


def args_of(trace: dict, kind: str) -> list[dict]:
    """All that is told of the records of a kind."""
    return [e["args"] for e in trace["traceEvents"] if e.get("cat") == kind and "args" in e]


def assert_tells_all_of(trace: dict, timeline: Timeline) -> None:
    """Every record stands in the trace with all that is known of it, and so does what is known of
    the timeline as a whole."""
    for kind in ("tasks", *RECORDS):
        recorded = [known(record._asdict()) for record in getattr(timeline, kind)]
        assert args_of(trace, kind) == recorded
    assert trace["otherData"] == known({name: getattr(timeline, name) for name in FACTS})


@given(timeline=timelines())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_trace_tells_all_that_is_known(trace_of, timeline) -> None:
    assert_tells_all_of(trace_of(timeline), timeline)


def test_every_fact_and_every_list_of_a_timeline_is_told() -> None:
    """A timeline that learns something new must tell it in its trace, too."""
    assert set(vars(Timeline(Tasks.from_columns([])))) == {"tasks", *RECORDS, *FACTS}


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


def test_a_trace_tells_all_of_a_measured_timeline(measured, trace_of) -> None:
    assert len(measured.tasks) == 7
    assert measured.lines
    assert measured.messages
    assert_tells_all_of(trace_of(measured), measured)


def test_a_viewer_finds_every_task_on_the_track_of_its_process(measured, trace_of) -> None:
    events = trace_of(measured)["traceEvents"]
    assert all({"ph", "name", "pid", "tid"} <= event.keys() for event in events)
    assert all(event["ts"] >= 0 for event in events if event["ph"] != "M")
    tasks = [event for event in events if event.get("cat") == "tasks"]
    for event, task in zip(tasks, measured.tasks, strict=True):
        assert (event["ph"], event["name"], event["pid"]) == ("X", task.call, task.pid)
        assert event["ts"] == pytest.approx(1e6 * task.started, abs=0.001)
        assert event["ts"] + event["dur"] == pytest.approx(1e6 * task.finished, abs=0.01)
    names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    workers = {p.pid: f"worker {p.lane}" for p in measured.processes}
    assert names == workers | {measured.parent: "parent"}
    waits = [event["name"] for event in events if event.get("cat") == "waits"]
    assert waits
    ends = {f"waits for the end of {p.name}" for p in measured.processes}
    assert set(waits) <= ends | {"waits for a message in queue 1"}
    arrows = [event["ph"] for event in events if event.get("cat") == "messages"]
    assert arrows == ["s", "f"]


def test_a_prediction_has_a_track_for_each_lane(trace_of) -> None:
    trace = trace_of(predict([3, 1, 2], 2))
    assert [(e["tid"], e["ts"], e["dur"]) for e in trace["traceEvents"]] == [
        (1, 0, 3e6), (2, 0, 1e6), (2, 1e6, 2e6),
    ]  # fmt: skip
    assert trace["otherData"]["predicted"] is True


def test_a_file_that_is_there_is_not_overwritten(measured, tmp_path) -> None:
    path = tmp_path / "trace.json"
    path.write_text("homework")
    with pytest.raises(FileExistsError):
        to_trace(measured, path)
    assert path.read_text() == "homework"


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


def test_every_event_has_what_the_trace_event_format_asks_for(measured, trace_of) -> None:
    trace = trace_of(measured)
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
    measured, trace_of
) -> None:
    events = trace_of(measured)["traceEvents"]
    lives = {event["pid"]: event for event in events if event.get("cat") == "processes"}
    tasks = [event for event in events if event.get("cat") == "tasks"]
    assert len(tasks) == len(measured.tasks) > 0
    for event, task in zip(tasks, measured.tasks, strict=True):
        assert event["ts"] == pytest.approx(1e6 * task.started, abs=0.001)
        assert event["dur"] == pytest.approx(1e6 * (task.finished - task.started), abs=0.002)
        life = lives[event["pid"]]
        assert life["ts"] <= event["ts"]
        assert event["ts"] + event["dur"] <= life["ts"] + life["dur"] + 0.002


def test_a_start_up_ends_when_the_process_is_up_and_is_told_only_then(trace_of) -> None:
    unready = worker(2, ready=math.nan)._replace(born=0.1)
    processes = [worker(1, ready=0.3), unready, process(3, born=0.2, ended=1.0)]
    trace = trace_of(Timeline(Tasks.from_columns([]), processes, now=1.0))
    told = {e["pid"]: e["dur"] for e in trace["traceEvents"] if e["name"] == "start-up"}
    assert told == {processes[0].pid: 300_000, processes[2].pid: 200_000}


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
    to_trace(timeline, tmp_path / "it.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "it.json").stat().st_size > 200 * tasks
    assert peak < 200_000
