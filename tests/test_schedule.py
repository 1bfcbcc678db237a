"""predict: the list schedule does what Graham's rule says, and refuses what makes no sense."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.schedule import MOST_LANES, predict
from tests.support.anything import ANYTHING, NUMBERS, examples

SECONDS = st.floats(min_value=0, max_value=1e6)
MANY = st.lists(SECONDS, min_size=1, max_size=60)
WHOLE = st.lists(st.integers(0, 6), min_size=1, max_size=60)
POOLS = st.integers(1, 12)


def lanes_of(timeline):
    return timeline.tasks.lane.tolist()


def by_hand(durations, workers):
    """Graham's rule in its plainest words: look at every worker, take the first free one."""
    free = [0] * workers
    rows = []
    for duration in durations:
        lane = free.index(min(free))
        rows.append((lane + 1, free[lane], free[lane] + duration))
        free[lane] += duration
    return rows


# The rule


def test_five_tasks_on_four_workers_the_fifth_waits_for_the_first_to_finish():
    timeline = predict([0.93, 0.48, 1.28, 1.88, 2.37], 4)
    assert lanes_of(timeline) == [1, 2, 3, 4, 2]
    assert timeline.tasks[4].started == pytest.approx(0.48)
    assert timeline.makespan == pytest.approx(2.85)


def test_as_many_workers_as_tasks_take_as_long_as_the_longest_task():
    assert predict([0.93, 0.48, 1.28, 1.88, 2.37], 5).makespan == pytest.approx(2.37)


def test_one_worker_takes_the_sum():
    assert predict([1, 2, 3], 1).makespan == 6


def test_workers_that_are_free_at_once_are_taken_from_the_lowest_lane():
    assert lanes_of(predict([1, 1, 1, 1, 1, 1], 3)) == [1, 2, 3, 1, 2, 3]


def test_tasks_of_no_length_all_go_to_the_first_worker():
    timeline = predict([0, 0, 0], 4)
    assert lanes_of(timeline) == [1, 1, 1]
    assert timeline.makespan == 0


def test_grahams_worst_case_reaches_his_bound():
    """w(w-1) tasks of 1 s, then one of w s: list scheduling needs 2w - 1, the best w."""
    for workers in (2, 3, 5, 8):
        timeline = predict([1] * workers * (workers - 1) + [workers], workers)
        assert timeline.makespan == 2 * workers - 1


@given(WHOLE, POOLS)
def test_every_task_is_where_the_rule_followed_by_hand_puts_it(durations, workers):
    tasks = predict(durations, workers).tasks
    assert [(task.lane, task.started, task.finished) for task in tasks] == by_hand(
        durations, workers
    )


@given(WHOLE, POOLS, st.integers(1, 70))
def test_a_worker_takes_a_whole_chunk_and_does_its_tasks_in_order(durations, workers, chunksize):
    chunks = [durations[i : i + chunksize] for i in range(0, len(durations), chunksize)]
    expected = []
    for (lane, time, _), chunk in zip(by_hand(map(sum, chunks), workers), chunks, strict=True):
        for duration in chunk:
            expected.append((lane, time, time := time + duration))
    timeline = predict(durations, workers, chunksize)
    assert [(task.lane, task.started, task.finished) for task in timeline.tasks] == expected
    assert timeline.makespan == max(finished for _, _, finished in expected)


@given(MANY, POOLS)
def test_makespan_lies_within_grahams_bounds(durations, workers):
    makespan = predict(durations, workers).makespan
    best = max(max(durations), math.fsum(durations) / workers)
    slack = 1e-9 * best + 1e-250  # no clock ticks in 1e-250 s
    assert best - slack <= makespan <= (2 - 1 / workers) * best + slack


@given(MANY, POOLS)
def test_no_two_tasks_overlap_in_a_lane(durations, workers):
    tasks = predict(durations, workers).tasks
    for lane in set(tasks.lane.tolist()):
        mine = tasks.lane == lane
        assert (tasks.finished[mine][:-1] <= tasks.started[mine][1:]).all()


@given(MANY, POOLS)
def test_tasks_keep_their_order_and_their_durations(durations, workers):
    timeline = predict(durations, workers)
    tasks = timeline.tasks
    assert [task.call for task in tasks] == [f"task({i})" for i in range(len(durations))]
    assert (np.diff(tasks.started) >= 0).all()
    close = 1e-9 * max(timeline.makespan, 1e-9)
    assert np.allclose(tasks.finished - tasks.started, durations, rtol=0, atol=close)


@given(MANY, POOLS)
def test_no_worker_rests_while_a_task_is_left(durations, workers):
    timeline = predict(durations, workers)
    tasks = timeline.tasks
    last_start = tasks.started.max()
    for lane in range(1, workers + 1):
        mine = tasks.lane == lane
        assert (tasks.finished[mine] - tasks.started[mine]).sum() >= last_start - 1e-6


@given(st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=1, max_size=40), POOLS)
def test_every_lane_is_one_of_the_workers(durations, workers):
    assert set(lanes_of(predict(durations, workers))) <= set(range(1, workers + 1))


@settings(max_examples=20)  # following the rule by hand takes long with so many workers
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
    st.integers(1, 1_600),
    st.integers(500, 550),
)
def test_the_rule_is_the_same_with_hundreds_of_workers(lengths, pick, count, workers):
    durations = pick.choices(lengths, k=count)
    tasks = predict(durations, workers).tasks
    assert [(task.lane, task.started, task.finished) for task in tasks] == by_hand(
        durations, workers
    )


@pytest.mark.filterwarnings("error")
def test_durations_that_nearly_add_up_to_too_much_are_no_cause_for_a_warning():
    longest = 1.2e308
    timeline = predict([longest, *[1e300] * 998, longest], 500)
    assert timeline.makespan == pytest.approx(longest)


@pytest.mark.parametrize("others", [1, 2, 30])
def test_where_most_workers_are_stuck_the_others_do_the_short_tasks_in_a_row(others):
    durations = [10_000] * (500 - others) + [1] * 1_000
    tasks = predict(durations, 500).tasks
    assert [(task.lane, task.started, task.finished) for task in tasks] == by_hand(durations, 500)
    assert len(set(tasks.lane[-1_000:].tolist())) == others


def test_a_thousand_workers_and_many_ties():
    durations = [0.1, 0.2, 0.3] * 5_000
    timeline = predict(durations, 1_000)
    loads = np.bincount(timeline.tasks.lane, weights=durations, minlength=1_001)[1:]
    assert loads.max() == pytest.approx(timeline.makespan)
    assert loads.sum() == pytest.approx(sum(durations))


# The timeline it gives


def test_the_timeline_says_that_it_is_a_prediction():
    timeline = predict([1.0, 2.0], 2)
    assert timeline.predicted
    assert timeline.method == ""
    assert timeline.workers == 2
    assert timeline.now == 2.0
    assert timeline.processes == []
    assert timeline.tasks[0].pid == 0
    assert timeline.tasks[0].outcome == "returned"
    assert math.isnan(timeline.tasks[0].on_core)


def test_utilisation_is_that_of_the_schedule():
    assert predict([1, 1, 2], 2).utilisation == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    "durations",
    [
        (seconds for seconds in [3, 1, 2]),
        (3, 1, 2),
        np.array([3, 1, 2]),
        range(1, 4),
        {3: "a", 1: "b", 2: "c"},
        [Fraction(3), np.float32(1), 2],
    ],
    ids=["generator", "tuple", "array", "range", "dict keys", "mixed"],
)
def test_any_iterable_of_numbers_will_do(durations):
    assert len(predict(durations, 2).tasks) == 3


def test_the_callers_array_is_left_alone():
    durations = np.array([0.3, 0.1])
    predict(durations, 2)
    assert durations.tolist() == [0.3, 0.1]


@pytest.mark.parametrize("length", [5e-324, 1e-300, 1e-12, 1e12, 1e300])
def test_very_short_and_very_long_tasks_are_scheduled(length):
    timeline = predict([length, length, length], 2)
    assert timeline.makespan == pytest.approx(2 * length, rel=1e-9, abs=1e-250)


# What is refused


@pytest.mark.parametrize("workers", [0, -1, 10**6, MOST_LANES + 1])
def test_a_number_of_workers_out_of_range_is_refused(workers):
    with pytest.raises(ValueError, match=rf"workers must be from 1 to 100,000, not {workers}"):
        predict([1.0], workers)


@pytest.mark.parametrize("workers", [1.5, "4", True, None, [4]])
def test_workers_that_are_no_whole_number_are_refused(workers):
    with pytest.raises(TypeError, match="workers must be a whole number such as 4, not"):
        predict([1.0], workers)


def test_a_whole_number_of_numpy_is_a_number_of_workers():
    assert predict([1.0], np.int64(3)).workers == 3


@pytest.mark.parametrize("nothing", [[], (), iter([]), np.array([])])
def test_no_durations_are_refused(nothing):
    with pytest.raises(ValueError, match="there are no durations"):
        predict(nothing, 2)


@pytest.mark.parametrize("bad", [-1, -1e-9, math.nan, math.inf, -math.inf, -(10**400), 10**400])
def test_a_duration_that_is_negative_or_not_finite_is_named(bad):
    with pytest.raises(ValueError, match=r"duration 2 is .* it must be 0 or more, and finite"):
        predict([1.0, 2.0, bad], 2)


@pytest.mark.parametrize("bad", ["1.5", None, True, 1j, [1], [1, 2], Decimal(1)])
def test_a_duration_that_is_no_number_is_named(bad):
    with pytest.raises(TypeError, match=r"duration 1 is .* it must be a number of seconds"):
        predict([bad if i == 1 else Fraction(i) for i in range(3)], 2)


@pytest.mark.parametrize("bad", ["123", 5, None])
def test_durations_that_are_not_several_numbers_are_refused(bad):
    with pytest.raises(TypeError, match="durations must be several numbers"):
        predict(bad, 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chunksize", [1, 2])
def test_durations_beyond_all_numbers_are_refused(chunksize):
    with pytest.raises(ValueError, match="more seconds than a number can hold"):
        predict([1.7e308, 1.7e308], 1, chunksize)


@pytest.mark.filterwarnings("error")
def test_chunks_that_only_together_last_too_long_are_scheduled():
    assert predict([1e308] * 4, 4, chunksize=1).makespan == 1e308
    assert predict([5e307] * 8, 4, chunksize=2).makespan == 1e308


@pytest.mark.parametrize("chunksize", [0, -1])
def test_an_empty_chunk_is_refused(chunksize):
    with pytest.raises(ValueError, match="chunksize must be at least 1"):
        predict([1.0], 1, chunksize)


@pytest.mark.parametrize("chunksize", [True, 1.5, "2", None])
def test_a_chunk_size_that_is_no_whole_number_is_refused(chunksize):
    with pytest.raises(TypeError, match="chunksize must be a whole number"):
        predict([1.0], 1, chunksize)


@given(
    st.lists(NUMBERS, max_size=6) | ANYTHING,
    st.integers(-1, 9) | ANYTHING,
    st.integers(-1, 9) | ANYTHING,
)
@examples(150)
def test_anything_at_all_is_scheduled_or_refused(durations, workers, chunksize):
    try:
        tasks = predict(durations, workers, chunksize).tasks
    except (TypeError, ValueError):
        return
    assert np.isfinite([tasks.started, tasks.finished]).all()
    assert (tasks.started >= 0).all()
    assert (tasks.finished >= tasks.started).all()
    assert 1 <= tasks.lane.min() <= tasks.lane.max() <= workers
