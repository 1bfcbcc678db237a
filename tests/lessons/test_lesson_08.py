"""Statements of lesson 8 on chunks, schedules and messages that no cell shows."""

import inspect
import itertools
import math
from multiprocessing import pool as standard_pool

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.schedule import predict
from helpers.tasks import fragile_task, nap_as, square

DURATIONS = [3 * i / 100 for i in range(1, 17)]


def best_of(durations, workers):
    """Return the makespan of the best order, after trying every order."""
    return min(predict(order, workers).makespan for order in itertools.permutations(durations))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 4))
@settings(max_examples=25)
def test_no_order_is_worse_than_grahams_bounds(durations, workers):
    best = best_of(durations, workers)
    longest_first = predict(sorted(durations, reverse=True), workers).makespan
    assert predict(durations, workers).makespan <= (2 - 1 / workers) * best + 1e-9
    assert longest_first <= (4 / 3 - 1 / (3 * workers)) * best + 1e-9


def chunks_of(tasks, workers, method="map"):
    """Return how many results each message carries with the default chunk size."""
    mp = get_context()
    with mp.Pool(workers) as pool:
        list(getattr(pool, method)(square, range(tasks)))
    received = sorted(task.received for task in mp.timeline().tasks)
    return [len(list(together)) for _, together in itertools.groupby(received)]


@pytest.mark.parametrize(("tasks", "workers"), [(16, 2), (17, 2), (7, 2), (40, 1)])
def test_map_makes_four_chunks_for_each_worker(tasks, workers):
    size = math.ceil(tasks / (4 * workers))
    assert sorted(chunks_of(tasks, workers), reverse=True)[0] == size
    assert len(chunks_of(tasks, workers)) == math.ceil(tasks / size)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_imap_sends_each_task_alone(method):
    assert chunks_of(9, 2, method) == [1] * 9
    assert (
        inspect.signature(getattr(standard_pool.Pool, method)).parameters["chunksize"].default == 1
    )


def test_starmap_takes_tuples_and_keeps_their_order():
    with get_context().Pool(2) as pool:
        assert pool.starmap(nap_as, [(0.1, "a"), (0.0, "b")]) == ["a", "b"]


def test_imap_hands_over_a_result_while_later_tasks_have_not_begun():
    mp = get_context()
    with mp.Pool(1) as pool:
        results = pool.imap(nap_as_pair, [(0.0, "first"), (60, "second"), (0.0, "third")])
        assert next(results) == "first"
        assert len(mp.timeline().tasks) <= 2


def nap_as_pair(pair):
    return nap_as(*pair)


def test_of_a_chunk_with_an_error_the_rest_is_not_tried_and_the_others_are():
    mp = get_context()
    with mp.Pool(1) as pool:
        with pytest.raises(ValueError, match="task 2 has failed"):
            pool.map(fragile_task, range(6), chunksize=4)
        began = [task.call for task in mp.timeline().tasks]
    assert began == [f"fragile_task({i})" for i in (0, 1, 2, 4, 5)]


def test_behind_an_error_the_other_results_of_imap_still_come():
    with get_context().Pool(1) as pool:
        results, found = pool.imap(fragile_task, range(4)), []
        for _ in range(4):
            try:
                found.append(next(results) and "a result")
            except ValueError:
                found.append("an error")
    assert found == ["a result", "a result", "an error", "a result"]


def makespans(durations, workers):
    return {size: predict(durations, workers, size).makespan for size in range(1, 17)}


def best_sizes(makespan_of):
    """Return the chunk sizes with the shortest makespan."""
    shortest = pytest.approx(min(makespan_of.values()))
    return [size for size, makespan in makespan_of.items() if makespan == shortest]


def test_the_panels_questions_have_answers():
    assert predict(DURATIONS, 2, 2).makespan > 2.04 + 0.2  # the guess in the lesson is too short
    four = makespans(DURATIONS, 4)
    assert four[4] > four[1] + 0.2
    assert four[16] == pytest.approx(sum(DURATIONS))
    backwards = makespans(DURATIONS[::-1], 4)
    assert best_sizes(backwards) == [1, 2]
    assert best_sizes(makespans(DURATIONS[::-1], 5)) == [1]
    assert backwards[6] > four[6] + 0.2  # all long tasks lie in one chunk


def test_a_bound_is_a_line_of_its_own():
    timeline = predict([1.0, 1.0], 1)
    labels = [text.get_text() for text in gantt(timeline, bound=3.0).figure.findobj(is_text)]
    assert "bound 3.00 s" in labels
    assert gantt(timeline, bound=3.0).alt.endswith("The bound is 3.00 s.")
    assert "bound" not in gantt(timeline).alt


def is_text(artist):
    return hasattr(artist, "get_text")


def test_map_makes_a_list_of_the_arguments_first_and_imap_does_not():
    taken = []

    def arguments():
        for number in (0, 1):
            taken.append(number)
            yield number
        if asked == "map":
            raise LookupError("the third argument was asked for before any task was handed out")
        yield 2

    mp = get_context()
    with mp.Pool(1) as pool:
        asked = "map"
        with pytest.raises(LookupError):
            pool.map(square, arguments())
        assert (taken, len(mp.timeline().tasks)) == ([0, 1], 0)
        asked = "imap"
        assert list(pool.imap(square, arguments())) == [0, 1, 4]


@pytest.mark.parametrize(("chunksize", "messages"), [(1, 3000), (100, 30), (3000, 1)])
def test_the_panels_small_tasks_travel_in_as_many_messages_as_there_are_chunks(chunksize, messages):
    mp = get_context()
    with mp.Pool(2) as pool:
        pool.map(square, range(3000), chunksize)
    assert len(set(mp.timeline().tasks.received)) == messages


def test_one_chunk_of_all_tasks_goes_to_one_worker_and_map_would_choose_375():
    mp = get_context()
    with mp.Pool(2) as pool:
        pool.map(square, range(3000), 3000)
    assert len(set(mp.timeline().tasks.lane)) == 1
    assert math.ceil(3000 / (4 * 2)) == 375
