"""What the system says of the memory of a process that has forked, and the picture of it."""

import sys

import pytest

from helpers.forking import CAN_FORK
from helpers.memory import MB, RECORDED, Held, fork_and_change, memory_chart

forks = pytest.mark.skipif(not CAN_FORK, reason="there is no os.fork here")
HALF, SLACK = 32 * MB, 12 * MB
"""What the child changes, and what Python may need beside it."""


@forks
def test_a_fork_copies_no_memory_until_somebody_writes_on_it() -> None:
    held = {(who, moment): private for who, moment, private in fork_and_change()}
    assert held["parent", "alone"] > 2 * HALF
    assert held["child", "after the fork"] < SLACK
    assert held["parent", "after the fork"] < SLACK
    assert HALF <= held["child", "after the child's change"] < HALF + SLACK
    if sys.platform == "linux":  # elsewhere the system may still count a page for both
        assert HALF <= held["parent", "after the child's change"] < HALF + SLACK


@forks
def test_the_recorded_numbers_are_in_the_order_of_those_that_are_measured() -> None:
    assert [row[:2] for row in RECORDED] == [row[:2] for row in fork_and_change()]


def test_a_recording_is_called_so_on_the_picture_and_in_its_words() -> None:
    assert "RECORDED" in memory_chart(RECORDED).alt
    assert "RECORDED" not in memory_chart(list(RECORDED)).alt


@pytest.mark.parametrize("dark", [False, True])
def test_the_chart_says_every_number_in_words(dark: bool) -> None:
    chart = memory_chart([Held("parent", "alone", 5 * MB), Held("child", "later", 0)], dark=dark)
    assert "parent, alone: 5 MB; child, later: 0 MB" in chart.alt
    assert chart.png.startswith(b"\x89PNG")


@forks
def test_a_script_that_fails_is_an_error_with_its_last_line(monkeypatch, tmp_path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("raise ValueError('no memory today')")
    monkeypatch.setattr("helpers.memory.COPY_ON_WRITE", script)
    with pytest.raises(RuntimeError, match="no memory today"):
        fork_and_change()
