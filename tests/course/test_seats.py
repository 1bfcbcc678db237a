"""A whole class on one machine: all lessons end, and no seat ends the processes of another.

There are thirty seats, or as many as the free memory allows. `python3 start.py bench seats
seats_memory` shows what they cost.
"""

import tempfile
from pathlib import Path

import pytest

from benchmarks.seats import hold_class, seats_with_room
from helpers.parent import folders


@pytest.mark.alone
@pytest.mark.slow
def test_thirty_seats_at_once_run_a_lesson_to_its_end() -> None:
    """`tests/support/leftovers.py` checks that each seat's processes have ended."""
    seats = max(2, seats_with_room())
    before = log_folders()  # earlier tests in this process have made some
    held = hold_class(seats)
    assert held.errors == []
    assert len(held.peaks) == seats
    folders.sweep()
    assert log_folders() <= before


def log_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{folders.PREFIX}*"))


@pytest.mark.slow
def test_a_seat_whose_lesson_fails_is_told(monkeypatch, tmp_path) -> None:
    import nbformat

    lesson = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), lesson)
    monkeypatch.setattr("benchmarks.seats.LESSON", lesson)
    (error,) = hold_class(1).errors
    assert "ZeroDivisionError" in error
