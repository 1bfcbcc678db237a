"""Calls are recorded as tasks, and the calls of a chunk as they would be one by one."""

import math
import sys
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.child import events
from helpers.child.calls import SHORT_TASK, RecordedCall
from helpers.child.recorder import Recorder
from helpers.gantt import gantt
from helpers.logs import segments
from helpers.observed import get_context
from helpers.timeline import RETURNED
from tests.support import workers
from tests.support.charts import legend
from tests.support.methods import METHODS

NUMBERS = (
    st.integers()
    | st.integers(-100, 100)
    | st.sampled_from([events.LEAST_NUMBER, events.MOST_NUMBER])
)
VALUES = st.lists(NUMBERS | st.booleans() | st.text() | st.none() | st.floats(), max_size=20)


def recorded(folder, values, do) -> tuple[list, list]:
    """What `do` gave, called with a recorded function, and the records of its calls."""
    call = RecordedCall(lambda value: (value,), Recorder(str(folder)), 3, 4, "give")
    results = do(call, values)
    (log,) = segments.read_logs(str(folder))
    places = log.places_of(events.STARTED, events.SHORT_TASK_DONE)
    starts = log.events_at(places, events.STARTED)
    fields = [starts[name].tolist() for name in ("function", "job", "item")]
    texts = [log.data(place) for place in places]
    for text, short in zip(texts, segments.short_texts(starts).tolist(), strict=True):
        assert short == text[: events.INLINE]
    return results, [*fields, texts]


@given(VALUES)
@example([events.LEAST_NUMBER - 1, events.LEAST_NUMBER, events.MOST_NUMBER, events.MOST_NUMBER + 1])
@example([True, 1, -1, 0, 1.0, 2**63, -(2**63)])
def test_a_chunk_is_recorded_as_its_calls_would_be(tmp_path_factory, values) -> None:
    at_once = recorded(tmp_path_factory.mktemp("log"), values, RecordedCall.map)
    one_by_one = recorded(
        tmp_path_factory.mktemp("log"),
        values,
        lambda call, all_of: [call(value) for value in all_of],
    )
    assert repr(at_once) == repr(one_by_one)  # nan is not equal to itself


def test_a_chunk_of_numbers_goes_on_in_the_next_segment(tmp_path) -> None:
    numbers = range(40_000)
    _, (*fields, texts) = recorded(tmp_path, numbers, RecordedCall.map)
    assert [set(field) for field in fields] == [{0}, {3}, {4}], "function, job and item"
    assert [int(text) for text in texts] == list(numbers)
    assert len(list(tmp_path.iterdir())) == 2


def test_calls_for_which_there_is_no_room_are_counted_and_made(tmp_path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    assert RecordedCall(abs, recorder).map([-1, -2, -3]) == [1, 2, 3]
    assert recorder.lost_events >= 4  # the name, too, and the ends of tasks that took long


# Of real workers


@pytest.mark.parametrize("name", ["map", "starmap"])
@pytest.mark.parametrize("method", METHODS)
def test_a_chunk_is_recorded_up_to_the_task_that_raises(method: str, name: str) -> None:
    mp = get_context(method)
    values = [0, 2, 1, 4] if name == "map" else [(0,), (2,), (1,), (4,)]
    with mp.Pool(1) as pool, pytest.raises(workers.Oops):
        getattr(pool, name)(workers.odd_is_wrong, values, chunksize=4)
    assert [(task.call, task.outcome) for task in mp.timeline().tasks] == [
        ("odd_is_wrong(0)", "returned"),
        ("odd_is_wrong(2)", "returned"),
        ("odd_is_wrong(1)", "raised Oops: ('odd', 1)"),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_how_tasks_end(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun = tmp_path / "begun"
    with mp.Pool(1) as pool:
        pool.apply(workers.double, (1,))
        with pytest.raises(workers.Oops):
            pool.apply(workers.raise_oops, (2,))
        pool.apply_async(workers.touch_and_sleep, (str(begun),))
        workers.wait_for(begun)
        during = mp.timeline()
    outcomes = [task.outcome for task in mp.timeline().tasks]
    assert outcomes == ["returned", "raised Oops: ('oops', 2)", "lost"]
    running = during.tasks[2]
    assert (running.outcome, running.call[:16]) == ("running", "touch_and_sleep(")
    assert math.isnan(running.finished)
    assert running.started < during.now
    ended = mp.timeline().processes[0]
    assert mp.timeline().tasks[2].finished == ended.ended
    assert ended.exitcode != 0
    assert math.isnan(during.processes[0].ended)


def test_exceptions_and_values_that_cannot_be_told_harm_no_task() -> None:
    mp = get_context("spawn")
    odd = workers.CallableWithOddName()
    values = [workers.BadRepr(), workers.Labelled(), b"x" * 10**7, "\udc80", 10**9000, {1: [2]}]
    with mp.Pool(1) as pool:
        assert pool.map(workers.take_anything, values)[0] == "BadRepr"
        assert pool.map(odd, [5]) == [5]
        with pytest.raises(workers.BadStr):
            pool.apply(workers.raise_bad_str, (1,))
        pool.apply(workers.add, (), {"a": 1, "b": 2})
        pool.apply(workers.take_anything, ("word " * 100,))
        pool.apply(workers.take_anything, ([workers.double, workers.Labelled, len],))
    tasks = mp.timeline().tasks
    assert [task.call for task in tasks][:2] == [
        "take_anything(BadRepr)",
        "take_anything(Labelled)",
    ]
    assert max(len(task.call) for task in tasks) < 100
    assert tasks[5].call == "take_anything({1: [2]})"
    assert tasks[6].call == "CallableWithOddName(5)"
    assert tasks[7].outcome == "raised BadStr"
    assert tasks[8].call == "add(a=1, b=2)"
    assert not any(" at 0x" in task.call for task in tasks)


def test_a_task_that_computes_is_on_a_core_and_one_that_sleeps_is_not() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.apply(workers.sleep, (0.5,))
    assert mp.timeline().tasks[0].on_core < 0.5


def test_tasks_too_short_for_a_clock_are_there_with_their_times_and_no_share() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.map(workers.double, range(500), chunksize=100)
    tasks = mp.timeline().tasks
    assert [task.call for task in tasks] == [f"double({n})" for n in range(500)]
    assert set(tasks.outcome) == {RETURNED}
    assert (tasks.finished > tasks.started).all()
    assert (tasks.finished[:-1] <= tasks.started[1:]).all()
    short = tasks.finished - tasks.started < SHORT_TASK / 1e9 * 0.99
    assert short.any()
    assert np.isnan(tasks.on_core[short]).all()


@pytest.mark.parametrize("in_a_chunk", [False, True])
def test_what_a_task_computed_is_counted_in_full_also_behind_short_ones(
    in_a_chunk, tmp_path
) -> None:
    """Its clock is not asked for every short task, so what they leave over must be taken off."""

    def compute(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    task = RecordedCall(compute, Recorder(str(tmp_path)), name="compute")
    asked = [0, 0, 0, 0.003, 0, 0.002]
    if in_a_chunk:
        task.map(asked)
    else:
        for seconds in asked:
            task(seconds)
    (log,) = segments.read_logs(str(tmp_path))
    computed = sorted(log.events_of(events.FINISHED)["computed"])[-2:]
    for us, seconds in zip(computed, (0.002, 0.003), strict=True):
        assert 0.99 * seconds <= us / 1e6 <= 2 * seconds


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("code", "said", "exitcode"),
    [
        (3, "exited with code 3", 3),
        (None, "exited with code 0", 0),
        ("no", "exited with code 1", 1),
    ],
)
def test_a_function_that_leaves_its_process_exited_and_raised_no_error(
    method, code, said, exitcode
) -> None:
    mp = get_context(method)
    child = mp.Process(target=sys.exit, args=(code,))
    child.start()
    child.join()
    timeline = mp.timeline()
    (task,) = timeline.tasks
    assert (task.outcome, child.exitcode) == (said, exitcode)
    chart = gantt(timeline)
    assert "1 task exited with a code" in chart.alt
    assert "raised" not in chart.alt.lower()
    assert "⇥ exited with a code" in legend(chart)
