"""Grading: checks are run again, apart from one another, and nothing that is told is believed."""

import csv
import json
from pathlib import Path

import pytest

from helpers import progress
from teaching import grade, trial
from teaching.submission import Submitted
from tests.support.within import until

IMPORTS = "from helpers.tasks import duration_of, fragile_task, long_time_task, nap, square"
RIGHT = """def run(mp):
    with mp.Pool(2) as pool:
        return [square(1), square(2)], pool.map(square, [1, 2])


check('14.2', run)"""
WRONG = RIGHT.replace("pool.map(square, [1, 2])", "pool.map(square, [1, 3])")
STUB = "def run(mp):\n    ...\n\n\ncheck('14.2', run)"
HANGS = "def run(mp):\n    mp.Queue().get()\n\n\ncheck('14.2', run)"
LEAVES = "import os\n\n\ndef run(mp):\n    os._exit(7)\n\n\ncheck('14.2', run)"
RAISES = RIGHT.replace("def run", "raise_here = 1 / 0\n\n\ndef run")


def hand_in(folder: Path, *cells: str) -> Path:
    folder.mkdir(parents=True)
    written = {"cells": [{"cell_type": "code", "source": cell} for cell in (IMPORTS, *cells)]}
    (folder / "lesson.ipynb").write_text(json.dumps(written), "utf-8")
    return folder


def table(folder: Path) -> dict[str, dict]:
    """The rows of exercise 14.2, by student."""
    with (folder / "grades" / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {r["student"]: r for r in csv.DictReader(file) if r["exercise"] == "14.2"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that was graded once."""
    folder = tmp_path_factory.mktemp("class")
    for name, cell in (
        ("ada", RIGHT), ("ben", WRONG), ("cleo", STUB), ("dan", LEAVES), ("eve", RAISES),
        ("=cmd()", RIGHT),
    ):  # fmt: skip
        hand_in(folder / name, cell)
    forged = {"exercise": "14.2", "done": True, "sentence": ""}
    (folder / "ben" / progress.FILE.name).write_text(f"\n{json.dumps(forged)}\nbroken\n" * 2)
    assert grade.main([str(folder)]) == 0
    return folder


def test_each_answer_gets_its_verdict_and_harms_no_other(graded: Path) -> None:
    rows = table(graded)
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {
        "ada": "done", "ben": "not yet", "cleo": "not begun", "dan": "not judged",
        "eve": "not yet", "'=cmd()": "done",
    }  # fmt: skip
    assert rows["ben"]["sentence"] == "Your loop says [1, 4], and your pool says [1, 9]."
    assert "exit code 7" in rows["dan"]["sentence"]
    assert "ZeroDivisionError" in rows["eve"]["sentence"]


def test_a_forged_progress_changes_nothing_but_the_tries_that_are_told(graded: Path) -> None:
    rows = table(graded)
    assert rows["ben"]["state"] == "not yet"
    assert (rows["ben"][grade.TOLD], rows["ada"][grade.TOLD]) == ("2", "0")


def test_the_page_shows_the_class_and_what_was_said_most_often(graded: Path) -> None:
    page = (graded / "grades" / "class.html").read_text("utf-8")
    assert '<th scope="row">ada</th>' in page
    assert "2 of " in page
    assert "14.2, 1 ×: " in page


def test_what_has_not_changed_is_not_run_again(graded: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(grade, "verdict_on", lambda answer: pytest.fail("it was run again"))
    before = (graded / "grades" / "grades.csv").read_text("utf-8")
    assert grade.main([str(graded)]) == 0
    assert (graded / "grades" / "grades.csv").read_text("utf-8") == before


def test_broken_off_it_goes_on_where_it_was(tmp_path: Path, monkeypatch, capsys) -> None:
    hand_in(tmp_path / "ada", RIGHT)
    hand_in(tmp_path / "ben", WRONG)
    run = []

    def verdict_on(answer):
        run.append(answer)
        if len(run) == 2:
            raise KeyboardInterrupt
        return {"state": "done", "sentence": ""}

    monkeypatch.setattr(grade, "verdict_on", verdict_on)
    assert grade.main([str(tmp_path)]) == 130
    assert "Broken off" in capsys.readouterr().out
    with (tmp_path / "grades" / "verdicts.jsonl").open("a") as file:
        file.write('["cut')
    assert grade.main([str(tmp_path)]) == 0
    assert len(run) == 3, "the first was known"


def test_a_folder_without_students_is_refused(tmp_path: Path, capsys) -> None:
    assert grade.main([str(tmp_path)]) == 2
    assert grade.main([str(tmp_path / "nowhere")]) == 2
    assert "one for each is wanted" in capsys.readouterr().err


def submitted(code: str) -> Submitted:
    return Submitted("14.2", "run", code, "")


@pytest.mark.parametrize(
    ("limit", "value", "code", "words"),
    [
        ("LONGEST", 3.0, "import time\ndef run(mp): time.sleep(600)", "had not ended after 3"),
        (
            "MOST_PROCESSES",
            6,
            "import subprocess, sys, time\n"
            "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
            "def run(mp):\n"
            "    kept = [subprocess.Popen(sleep, start_new_session=True) for _ in range(10)]\n"
            "    time.sleep(600)",
            "more than 6 processes",
        ),
        (
            "MOST_BYTES",
            2**30,
            "import time\ndef run(mp):\n    kept = bytearray(2**31)\n    time.sleep(600)",
            "more than 1 GiB",
        ),
    ],
)
def test_an_answer_beyond_a_limit_is_ended_with_all_that_it_has_started(
    limit: str, value: float, code: str, words: str, monkeypatch
) -> None:
    families = []
    monkeypatch.setattr(trial, limit, value)
    made = trial._Family.__init__
    monkeypatch.setattr(
        trial._Family, "__init__", lambda self, p: (made(self, p), families.append(self))[0]
    )
    found = trial.verdict_on(submitted(code))
    assert found["state"] == "not judged"
    assert words in found["sentence"]
    (family,) = families
    until(lambda: not family._look(), "all had ended")


@pytest.mark.slow
def test_a_hang_is_told_by_the_check_itself() -> None:
    found = trial.verdict_on(submitted(HANGS.partition("\n\n\ncheck")[0]))
    assert found["state"] == "not yet"


def test_an_answer_knows_nothing_of_the_teachers_environment(monkeypatch) -> None:
    monkeypatch.setenv("TEACHERS_SECRET", "1")
    code = "import os\ndef run(mp):\n    raise ValueError(sorted(os.environ))"
    found = trial.verdict_on(submitted(code))
    assert "PYTHONPATH" in found["sentence"]
    assert "SECRET" not in found["sentence"]
