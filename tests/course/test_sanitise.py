"""The rules that make outputs comparable replace text that differs between runs, nothing else."""

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

from tests.support.compared import compared_cells, sanitised, texts
from tools.notebooks import NOTEBOOKS

RULES = get_sanitize_patterns((Path(__file__).parent.parent / "sanitise.cfg").read_text("utf-8"))
PATHS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))

REPLACED = [
    ('<div class="chart">1\n<img>2</div><!--/chart-->', "CHART"),
    ("worker 1, pid 4711, task 3", "worker 1, pid PID, task 3"),
    ("Parent process 4711.", "Parent process PID."),
    ("Process to write: 4711", "Process to write: PID"),
    ("Process to read: 4711", "Process to read: PID"),
    ("Run task 3 (4711)...", "Run task 3 (PID)..."),
    ("Process (4711) start...", "Process (PID) start..."),
    (
        "I am child process (4712) and my parent is 4711.",
        "I am child process (PID) and my parent is PID.",
    ),
    (
        "I (4711) just created a child process (4712).",
        "I (PID) just created a child process (PID).",
    ),
    ("Task 3 runs 1.88 seconds.", "Task 3 runs TIME seconds."),
    ("2 answers in 0.4 ms", "2 answers in TIME ms"),
]
LEFT_ALONE = [
    "5 tasks, 4 workers, 3 pids, 2.5 tasks in flight",
    "exit code -9, exitcode=1, returned 3.5",
    "task 4 waited for task 1 (the first to finish)",
    "run task 3 (4711) and (5) ... and (6).",
    "Python 3.11.7, version 1.2.3 second try, 3 s, 12 seconds",
    "Address: 151.101.0.223, port 53, 10.127.0.0.1x53, 127.0.0.1",
    "0x7f3A, and 'at 0x10' in a sentence",
    '<div class="chart">never closed\nline 2',
    "the picture ends here: <!--/chart-->",
    "line 1\nline 2\n\nline 4",
]


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_what_differs_between_runs_is_replaced(text: str, expected: str) -> None:
    assert sanitised(text, RULES) == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_fact_is_left_alone(text: str) -> None:
    assert sanitised(text, RULES) == text


def test_text_between_two_charts_is_compared() -> None:
    chart = '<div class="chart">x</div><!--/chart-->'
    assert sanitised(f"{chart} a fact {chart}", RULES) == "CHART a fact CHART"
    assert "a fact" in sanitised(f'<div class="chart"> a fact {chart}', RULES)


def test_every_rule_is_read_by_nbval() -> None:
    lines = (Path(__file__).parent.parent / "sanitise.cfg").read_text("utf-8").splitlines()
    assert len(RULES) == sum(line.startswith("regex:") for line in lines) > 0


@pytest.mark.parametrize(("regex", "name"), RULES)
def test_every_rule_is_in_the_table_above(regex: str, name: str) -> None:
    without = [rule for rule in RULES if rule[0] != regex]
    assert any(sanitised(text, without) != expected for text, expected in REPLACED)


@pytest.mark.skipif(not PATHS, reason="there are no notebooks yet")
@pytest.mark.parametrize(("regex", "name"), RULES)
def test_every_rule_has_work_in_some_notebook(request, regex: str, name: str) -> None:
    cells = [cell for path in PATHS for cell in compared_cells(request.session, path)]
    outputs = [text for cell in cells for text in texts(cell)]
    assert any(re.search(regex, text) for text in outputs), "a rule without work: remove it"


@pytest.mark.parametrize(("regex", "name"), RULES)
def test_only_the_rule_for_charts_reaches_across_lines_or_swallows_anything(regex, name) -> None:
    greedy = re.search(r"\(\?\w*s|\.[*+]|\\[SDWsdw][*]|\[\^", regex)
    assert name == "CHART" or not greedy
