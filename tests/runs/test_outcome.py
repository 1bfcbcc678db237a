"""A run in words: how long it may still take."""

import itertools
import re
import subprocess
import sys

import numpy as np
import pytest

from helpers.runs.outcome import outcome, to_go
from helpers.runs.runner import Result, Setting
from helpers.schedule import predict
from helpers.timeline import RETURNED, RUNNING, Tasks, Timeline


def snapshot(durations, workers, now, start_up=0.3) -> Timeline:
    """What is known at a moment of a run that follows its schedule after its start-up."""
    plan = predict(durations, workers).tasks
    started, finished = plan.started + start_up, plan.finished + start_up
    begun, done = started <= now, (finished <= now)[started <= now]
    tasks = Tasks.from_columns(
        ["f()"] * int(begun.sum()),
        pid=4100 + plan.lane[begun],
        lane=plan.lane[begun],
        started=started[begun],
        finished=np.where(done, finished[begun], np.nan),
        outcome=np.where(done, RETURNED, RUNNING),
    )
    return Timeline(tasks, workers=workers, now=now)


def seconds_to_go(durations, workers, now) -> float:
    said = to_go(snapshot(durations, workers, now), len(durations))
    return float(re.fullmatch(r", about ([\d.]+) s to go", said)[1])


@pytest.mark.parametrize(
    ("durations", "workers"), [([1.0] * 8, 2), ([2.4] * 5, 1), ([1.0] * 9, 4), ([1.0, 1.2] * 6, 3)]
)
def test_what_is_left_does_not_grow_while_a_task_is_under_way(durations, workers):
    """It is told more and more exactly: a task under way is not nothing."""
    over = 0.3 + predict(durations, workers).makespan
    moments = np.arange(0.3 + max(durations) + 0.01, over, 0.05)
    said = [seconds_to_go(durations, workers, now) for now in moments]
    assert all(later <= before + 0.15 for before, later in itertools.pairwise(said))
    assert said == pytest.approx(list(over - moments), abs=0.6)


def test_a_prediction_knows_better():
    plan = predict([1.0, 5.0], 2)
    assert to_go(snapshot([1.0, 5.0], 2, 2.3), 2, plan) == ", about 3.00 s to go"


def test_before_the_first_and_after_the_last_task_nothing_is_said():
    assert to_go(snapshot([1.0] * 4, 2, 0.5), 4) == ""
    assert to_go(snapshot([1.0] * 4, 2, 3.0), 4) == ""
    assert to_go(snapshot([1.0] * 4, 2, 0.1), 4) == ""


# How a run ended


@pytest.mark.parametrize("trouble", ["stopped", "interrupted"])
def test_a_run_that_was_broken_off_says_how_many_tasks_of_how_many_were_done(trouble):
    timeline = snapshot([1.0] * 5, 2, 1.5)  # two are done, two under way
    result = Result(Setting("spawn", {"workers": 2}), timeline, trouble)
    begin = f"workers=2: {trouble}. The chart shows what had happened until then"
    assert outcome(result, expected=5) == f"{begin}: 2 of 5 tasks done."
    assert outcome(result) == f"{begin}: 2 tasks done."
    assert outcome(result, expected=3) == f"{begin}: 2 tasks done.", "it was not known"
    nothing = Result(result.setting, Timeline(Tasks.from_columns([])), trouble)
    assert outcome(nothing) == f"{begin}."
    assert outcome(nothing, expected=5) == f"{begin}: 0 of 5 tasks done."


def test_other_trouble_is_told_as_it_is():
    result = Result(Setting("spawn", {"workers": 2}), snapshot([1.0], 1, 2.0), "ValueError: {}")
    assert outcome(result, expected=5) == "workers=2: ValueError: {}"


def test_processes_that_nobody_has_ended_are_named() -> None:
    result = Result(Setting("spawn", {"workers": 2}), snapshot([1.0], 1, 2.0), "stopped")
    for others, named in [((7,), "1 process that"), ((7, 11), "2 processes that")]:
        said = outcome(result._replace(others=others))
        assert said.startswith(f"{outcome(result)} Still running: {named}")
        assert f"(pid {', '.join(map(str, others))})" in said


def test_what_the_status_says_ends_the_processes_that_it_names() -> None:
    result = Result(Setting("spawn", {"workers": 2}), snapshot([1.0], 1, 2.0), "stopped")
    processes = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) for _ in range(2)]
    said = outcome(result._replace(others=tuple(process.pid for process in processes)))
    exec(said.partition("What ends them: ")[2], {})
    assert [process.wait(60) != 0 for process in processes] == [True, True]
