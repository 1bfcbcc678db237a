"""The difference between a run and its prediction is taken apart into parts that add up."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.runs.difference import difference, parts_of
from helpers.schedule import predict
from helpers.timeline import RUNNING, Tasks, Timeline

FIVE = [0.93, 0.48, 1.28, 1.88, 2.37]


def measured(plan, start_up=0.0, stretch=0.0, gap=0.0, returning=0.0, **columns):
    """A run that follows a plan, but every lane starts late, each task is longer by `stretch` and
    follows the one before it after `gap`, and each result takes `returning` to come back."""
    lane = plan.tasks.lane
    before = np.array([(lane[:i] == lane[i]).sum() for i in range(len(lane))])
    started = plan.tasks.started + start_up + before * (stretch + gap)
    took = plan.tasks.finished - plan.tasks.started + stretch
    columns = {
        "lane": lane,
        "started": started,
        "finished": started + took,
        "received": started + took + returning,
    } | columns
    tasks = Tasks.from_columns([f"f({i})" for i in range(len(lane))], **columns)
    return Timeline(tasks, workers=plan.workers, now=99.0, method="spawn")


def test_a_run_as_predicted_has_no_difference():
    plan = predict(FIVE, 4)
    assert parts_of(measured(plan), plan) == pytest.approx((0, 0, 0, 0))
    assert difference(measured(plan), plan) == "Makespan 2.85 s, as predicted."


def test_a_run_that_took_no_time_has_no_difference_either():
    plan = predict([0.0, 0.0], 2)
    assert difference(measured(plan), plan).startswith("Makespan 0.00 s, as predicted")


def test_each_cost_is_found_under_its_own_name():
    """Two tasks lie in the slowest lane, so it has two stretches and one gap."""
    plan = predict(FIVE, 4)
    assert parts_of(measured(plan, stretch=0.1), plan) == pytest.approx((0, 0.2, 0, 0))
    assert parts_of(measured(plan, gap=0.03), plan) == pytest.approx((0, 0, 0.03, 0))
    together = measured(plan, stretch=0.1, gap=0.03)
    assert parts_of(together, plan) == pytest.approx((0, 0.2, 0.03, 0))


def test_a_makespan_is_held_against_a_makespan():
    """Start-up, and what comes after the last task, are in neither."""
    plan = predict(FIVE, 4)
    assert parts_of(measured(plan, start_up=0.5, returning=0.3), plan) == pytest.approx((0,) * 4)


def test_the_slowest_worker_may_have_started_late():
    plan = predict([1.0, 1.0], 2)
    run = measured(plan, started=[0.5, 0.8], finished=[1.5, 1.8], received=[1.5, 1.8])
    assert parts_of(run, plan) == pytest.approx((0.3, 0, 0, 0))
    assert difference(run, plan) == (
        "Makespan 1.30 s against 1.00 s predicted. 0.30 s more: 0.30 s because this worker started "
        "up later than the first."
    )


def test_tasks_that_fell_to_other_workers_are_a_part_of_their_own():
    """The last task ran behind the longest first one, where it was not meant to be."""
    plan = predict([1.0, 3.0, 2.0], 2)  # lanes 1, 2, 1: makespan 3
    run = measured(plan, lane=[1, 2, 2], started=[0, 0, 3], finished=[1, 3, 5], received=[1, 3, 5])
    assert parts_of(run, plan) == pytest.approx((0, 0, 0, 2))
    assert "2.00 s because the tasks fell to other workers than predicted" in difference(run, plan)


def test_tasks_may_have_started_in_another_order():
    plan = predict([1.0, 3.0], 2)
    run = measured(plan, lane=[1, 2], started=[0, 0], finished=[3, 1], received=[3, 1])
    assert parts_of(run, plan) == pytest.approx((0, 0, 0, 0))


@given(
    st.lists(
        st.tuples(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(0, 1)), min_size=1, max_size=20
    ),
    st.integers(1, 5),
    st.floats(0, 3),
)
def test_parts_add_up_to_the_makespan_minus_the_predicted_one(rows, workers, start_up):
    durations, stretches, gaps = (list(column) for column in zip(*rows, strict=True))
    plan = predict(durations, workers)
    run = measured(plan, start_up, np.array(stretches), np.array(gaps), returning=0.01)
    parts = parts_of(run, plan)
    assert sum(parts) == pytest.approx(run.makespan - plan.makespan)
    assert parts.late >= 0


@given(*[st.floats(0, 0.2)] * 4)
def test_the_printed_numbers_add_up_as_printed(start_up, stretch, gap, returning):
    plan = predict(FIVE, 4)
    said = difference(measured(plan, start_up, stretch, gap, returning), plan)
    if said.endswith("as predicted."):
        return
    numbers = [float(n) for n in re.findall(r"([\d.]+) s", said.replace("\N{MINUS SIGN}", "-"))]
    total, predicted, change, *parts = numbers
    assert predicted == 2.85
    assert total - predicted == pytest.approx(change)
    assert sum(parts) == pytest.approx(change)


def test_the_sentence_names_the_parts_that_matter_and_no_others():
    plan = predict(FIVE, 4)
    run = measured(plan, start_up=0.5, stretch=0.001, gap=0.02, on_core=np.zeros(5))
    assert difference(run, plan) == (
        "Makespan 2.87 s against 2.85 s predicted. 0.02 s more: 0.02 s between tasks."
    )


def test_tasks_that_compute_and_took_longer_waited_for_a_core():
    plan = predict([1.0] * 4, 2)
    run = measured(plan, stretch=1.0, on_core=[0.5, 0.1, 0.6, 0.1])  # lane 1 is the slowest
    assert "2.00 s waiting for a core (on a core 55 % of their time)." in difference(run, plan)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, " (on a core 0 % of their time)"),  # they slept
        (1.0, " (on a core 100 % of their time)"),  # they computed, only longer
        (math.nan, ""),
    ],
)
def test_other_tasks_that_took_longer_are_not_said_to_have_waited(share, said):
    plan = predict([1.0] * 4, 2)
    words = difference(measured(plan, stretch=1.0, on_core=[share] * 4), plan)
    assert f"2.00 s because tasks took longer than predicted{said}." in words
    assert "waiting" not in words


def test_shorter_tasks_are_told_as_such():
    plan = predict([1.0], 1)
    said = difference(measured(plan, stretch=-0.25), plan)
    assert "0.25 s less" in said
    assert "−0.25 s because tasks were shorter than predicted" in said


def test_short_runs_are_told_with_more_digits():
    plan = predict([0.002], 1)
    assert difference(measured(plan, stretch=0.001), plan).startswith(
        "Makespan 0.00300 s against 0.00200 s predicted. 0.00100 s more: 0.00100 s because"
    )


def test_what_cannot_be_taken_apart_is_said_so():
    plan = predict(FIVE, 4)
    assert difference(Timeline(Tasks.from_columns([])), plan).startswith("No task ran")
    assert difference(measured(predict([1.0], 4)), plan).startswith(
        "The run had 1 and the prediction 5 tasks, so"
    )
    finished = [1, 1, 2, 2, math.nan]
    running = measured(plan, finished=finished, outcome=[1, 1, 1, 1, RUNNING])
    assert difference(running, plan).startswith("Not all tasks have finished, so")


def test_bad_input_is_refused():
    plan = predict([1.0], 1)
    with pytest.raises(TypeError, match="difference compares two timelines"):
        difference(measured(plan), [1.0])
    for wrong in ((plan, plan), (measured(plan), measured(plan)), (plan, measured(plan))):
        with pytest.raises(ValueError, match="measured timeline first"):
            difference(*wrong)
