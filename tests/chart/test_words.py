"""Title, figures and alternative text say what the timeline says; numbers and texts read well."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.before_class import gigabytes
from helpers.chart import words
from helpers.chart.letters import one_line
from helpers.chart.words import count, seconds, short_labels
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import Timeline
from tests.support.anything import examples
from tests.support.charts import (
    FIVE,
    NAN,
    failing_pool,
    pool,
    process,
    queue_lesson,
    running_pool,
    tasks_of,
    words_on,
)

CALLS = st.text(max_size=12) | st.sampled_from(["f(1)", "f(2)", "f(", "()"])


def test_the_title_says_start_method_workers_tasks_and_makespan():
    said = words_on(gantt(pool(4, FIVE)))
    assert "4 spawn workers, 5 tasks: makespan 2.85 s" in said
    assert "utilisation 61 % · start-up 0.20 s" in said


def test_processes_that_share_no_tasks_have_no_makespan_and_no_utilisation():
    chart = gantt(queue_lesson())
    for said in (*words_on(chart), chart.alt):
        assert "makespan" not in said
        assert "tilisation" not in said


@pytest.mark.parametrize(
    ("timeline", "title"),
    [
        (pool(1, [1.0]), "1 spawn worker, 1 task: makespan 1.00 s"),
        (predict(FIVE, 4), "Predicted: 4 workers, 5 tasks: makespan 2.85 s"),
        (running_pool(), "4 spawn workers, 5 tasks, 2 still running: 1.30 s so far"),
        (queue_lesson(), "2 spawn processes: all over after 2.00 s"),
        (Timeline(tasks_of([])), "Nothing has run yet"),
        (
            Timeline(tasks_of([]), [process(1, 0.1, 0.5)], method="spawn", workers=1),
            "1 spawn process: all over after 0.50 s",
        ),
        (
            Timeline(tasks_of([]), [process(1, 0.1, NAN)], method="spawn", workers=1, now=0.7),
            "1 spawn process: 1 alive at 0.70 s",
        ),
        (
            Timeline(
                tasks_of([]),
                [process(1, 0.1, 0.5), process(2, 0.1, 0.5, method="fork")],
                method="spawn",
                workers=2,
            ),
            "2 processes (spawn, fork): all over after 0.50 s",
        ),
    ],
)
def test_titles_of_all_kinds(timeline, title):
    chart = gantt(timeline)
    assert title in words_on(chart)
    assert title in chart.alt


def test_short_labels_need_one_function_and_arguments():
    assert short_labels(["f(1)", "f(2, 3)"]) == (["1", "2, 3"], "f(…)")
    assert short_labels(["f(1)", "g(1)"])[1] == ""
    assert short_labels(["f()", "f()"]) == (["f()", "f()"], "")
    assert short_labels(["f(g(1))"]) == (["g(1)"], "f(…)")


def test_counts_and_seconds_read_well():
    assert count(1, "task") == "1 task"
    assert count(5000, "process") == "5,000 processes"
    assert [seconds(t) for t in (0, 2.854, 0.5, 0.0421, 0.00013, 0.00004, 7818.4)] == [
        "0.00 s",
        "2.85 s",
        "0.50 s",
        "0.042 s",
        "0.00013 s",
        "0.000040 s",
        "7,818 s",
    ]


def test_alt_tells_what_each_lane_did():
    alt = gantt(pool(4, FIVE), predict(FIVE, 4)).alt
    for fact in (
        "4 spawn workers, 5 tasks: makespan 2.85 s",
        "tilisation 61 %",
        "predicted makespan 2.85 s",
        "last task to finish was long_time_task(4) (worker 2), at 3.05 s",
        "Worker 2 (pid 4102): ready at 0.20 s, long_time_task(1) from 0.20 to 0.68 s, "
        "long_time_task(4) from 0.68 to 3.05 s",
    ):
        assert fact in alt


def test_alt_tells_failures_and_what_still_runs():
    alt = gantt(failing_pool()).alt
    assert "1 task raised an error, 1 task lost" in alt
    assert "Raised: long_time_task(1) (ValueError: boom)." in alt
    assert "Lost: long_time_task(3)." in alt
    assert "Running: long_time_task(3), long_time_task(4)." in gantt(running_pool()).alt


def test_alt_tells_messages():
    alt = gantt(queue_lesson(parent_sends=True)).alt
    assert "4 messages: 'A' from SpawnProcess-1 to SpawnProcess-2" in alt
    assert "None from the parent to SpawnProcess-2" in alt


def test_alt_of_many_lanes_stays_short_and_names_the_extremes():
    alt = gantt(pool(60, [1 + i / 300 for i in range(300)])).alt
    assert len(alt) < 600
    assert re.search(r"Worker \d+ worked longest, .* s, worker \d+ least", alt)


# Any number, any text


@given(st.floats() | st.floats(0, 2), st.integers(0, 2**70), st.text(max_size=12))
@examples(150)
def test_any_number_is_told_with_its_unit(number, whole, text) -> None:
    assert words.seconds(number).endswith(" s")
    assert words.percent(number).endswith(" %")
    assert gigabytes(number).endswith(" GB")
    assert words.count(whole, text).startswith(f"{whole:,} ")


@given(st.text(max_size=12), st.lists(CALLS, max_size=5))
@examples(150)
def test_any_call_has_a_label_of_one_line(text, calls) -> None:
    assert "\n" not in one_line(text)
    assert len(words.short_labels(calls)[0]) == len(calls)
