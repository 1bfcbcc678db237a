"""Statements of lesson 3 on pools that no cell shows."""

import itertools

import pytest

from helpers.observed import get_context
from helpers.schedule import predict
from helpers.tasks import duration_of, fragile_task, square

DURATIONS = [duration_of(i) for i in range(5)]


def test_join_needs_close_or_terminate_before_it():
    with get_context().Pool(1) as pool, pytest.raises(ValueError, match="still running"):
        pool.join()


def test_close_refuses_new_tasks_and_does_those_submitted():
    with get_context().Pool(1) as pool:
        result = pool.apply_async(square, (3,))
        pool.close()
        with pytest.raises(ValueError, match="not running"):
            pool.apply_async(square, (4,))
        pool.join()
        assert result.get(0) == 9


def test_map_keeps_order_and_raises_the_error_of_a_task():
    with get_context().Pool(2) as pool:
        assert pool.map(square, range(6), chunksize=1) == [0, 1, 4, 9, 16, 25]
        with pytest.raises(ValueError, match="task 2 has failed"):
            pool.map(fragile_task, range(4), chunksize=1)


def test_a_sixth_worker_would_have_nothing_to_do():
    five, six = predict(DURATIONS, 5), predict(DURATIONS, 6)
    assert five.makespan == pytest.approx(six.makespan) == pytest.approx(max(DURATIONS))
    assert set(six.tasks.lane) == {1, 2, 3, 4, 5}


def test_handed_out_the_other_way_round_four_workers_are_enough():
    backwards = DURATIONS[::-1]
    longest = max(DURATIONS)
    assert predict(backwards, 4).makespan == pytest.approx(longest)
    assert predict(DURATIONS, 4).makespan > longest + 0.2
    assert predict(backwards, 3).makespan > longest + 0.2


def test_what_a_lesson_compares_lies_at_least_a_fifth_of_a_second_apart():
    for workers in range(1, 9):
        finishes = sorted(predict(DURATIONS, workers).tasks.finished)
        assert min(b - a for a, b in itertools.pairwise(finishes)) >= 0.2
