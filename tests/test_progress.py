"""My progress: what is kept, and that a broken line harms no other."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import progress


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a student, for this test alone."""
    path = tmp_path / "my_progress.jsonl"
    monkeypatch.setattr(progress, "FILE", path)
    monkeypatch.setattr(progress, "exercises", lambda: ["2.1", "10.1", "10.2"])
    return path


def states() -> dict[str, str]:
    return {entry.number: entry.state for entry in progress.my_progress().entries}


def test_nothing_is_begun_at_first(file: Path) -> None:
    assert set(states().values()) == {"not begun"}
    assert "0 of 3 exercises are done." in str(progress.my_progress())


def test_what_was_done_stays_done(file: Path) -> None:
    assert progress.note("10.1", False, "Not quite.") == ""
    assert states()["10.1"] == "tried"
    progress.note("10.1", True)
    progress.note("10.1", False, "Broken again.")
    assert states() == {"2.1": "not begun", "10.1": "done", "10.2": "not begun"}
    (entry,) = [e for e in progress.my_progress().entries if e.number == "10.1"]
    assert (entry.tries, entry.sentence) == (3, "Broken again.")


def test_a_broken_line_harms_no_other(file: Path) -> None:
    progress.note("2.1", True)
    with file.open("ab") as raw:
        raw.write(
            b'{"exercise": "10.1", "do\n[]\n3\n\xff\xfe\n{"exercise": "77.1", "done": true}\n'
        )
    progress.note("10.2", True)
    assert states() == {"2.1": "done", "10.1": "not begun", "10.2": "done"}
    assert progress.my_progress().broken == 5
    assert "5 lines of the file cannot be read" in progress.my_progress().summary


def test_a_line_that_was_cut_takes_no_later_one_with_it(file: Path) -> None:
    file.write_text('{"exercise": "2.1", "do', "utf-8")
    progress.note("10.2", True)
    assert states()["10.2"] == "done"


def test_where_nothing_can_be_written_a_sentence_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FILE", file.parent / "missing" / "my_progress.jsonl")
    assert progress.note("2.1", True).startswith("Your progress could not be kept in my_progress")


def test_the_table_has_a_row_for_each_lesson(file: Path) -> None:
    progress.note("10.1", True)
    table = progress.my_progress()._repr_html_()
    assert table.count("<tr>") == 3
    assert "10.1 done" in table


def test_the_csv_has_no_formula(file: Path, tmp_path: Path) -> None:
    progress.note("2.1", False, "=1+1")
    table = tmp_path / "table.csv"
    progress.write_csv(table)
    rows = list(csv.reader(table.open(encoding="utf-8", newline="")))
    assert rows[:2] == [["number", "state", "tries", "sentence"], ["2.1", "tried", "1", "'=1+1"]]


def test_it_can_be_printed_before_anything_is_installed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from helpers import progress; "
        f"progress.FILE = Path({str(tmp_path / 'none.jsonl')!r}); print(progress.my_progress()); "
        "assert not {'numpy', 'IPython', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert "exercises are done." in done.stdout


def test_the_real_exercises_are_in_the_order_of_the_lessons() -> None:
    numbers = progress.exercises()
    assert "10.1" in numbers
    assert numbers == sorted(numbers, key=lambda number: tuple(map(int, number.split("."))))
