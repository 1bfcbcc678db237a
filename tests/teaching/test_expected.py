"""What a class should see: cells up to the first chart, and a prediction for many cores."""

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers.timeline import Tasks, Timeline
from teaching import expected

CHART = new_output("display_data", data={"text/html": '<div class="chart">a chart</div>'})


def test_a_lesson_is_run_up_to_its_first_chart_after_a_question() -> None:
    lesson = new_notebook(
        cells=[
            new_code_cell("before", outputs=[CHART]),
            new_code_cell("my_guess = 3"),
            new_code_cell("work()"),
            new_code_cell("gantt()", outputs=[CHART]),
            new_code_cell("later()", outputs=[CHART]),
        ]
    )
    part = expected.until_first_chart(lesson)
    assert [cell.source for cell in part.cells] == ["before", "my_guess = 3", "work()", "gantt()"]


def test_a_task_that_computes_needs_its_time_on_a_core_and_one_that_sleeps_all_of_it() -> None:
    times = {"started": np.array([0.0, 1.0]), "finished": np.array([2.0, 2.0])}
    tasks = Tasks.from_columns(
        ["count(1)", "nap(1)"],
        on_core=np.array([0.25, 0.01]),
        submitted=np.array([0.2, 0.1]),
        **times,
    )
    assert expected.seconds_alone(Timeline(tasks, now=2.0)) == pytest.approx([1.0, 0.5])


@pytest.mark.skipif(not hasattr(expected.os, "sched_setaffinity"), reason="Linux has it")
def test_this_process_is_kept_to_some_cores_only_meanwhile() -> None:
    before = expected.os.sched_getaffinity(0)
    with expected.only(1):
        assert len(expected.os.sched_getaffinity(0)) == 1
    assert expected.os.sched_getaffinity(0) == before
