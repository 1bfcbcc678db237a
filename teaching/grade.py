"""Run the checks of a class again, and say where the class stands.

python3 start.py grade FOLDER

FOLDER has a folder for each student, with the answered notebooks and, if there is one, `mine.py`.
Each answer runs in a process of its own, under limits. What comes of it goes to FOLDER/grades: a
table for a spreadsheet, and a page. What was judged before and has not changed is not run again, so
it can be broken off and goes on where it was.
"""

import argparse
import csv
import hashlib
import html
import json
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from helpers import progress
from helpers.runs.files import harmless
from teaching.page import document
from teaching.submission import Submitted, submitted_by
from teaching.trial import HELPERS, verdict_on, who_runs

OUT = "grades"
TOLD = "tries (the student's own file)"


class Row(NamedTuple):
    """What came of one exercise of one student."""

    student: str
    exercise: str
    state: str
    sentence: str
    tries: int


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    folder = _parser().parse_args(arguments).folder
    students = students_in(folder) if folder.is_dir() else []
    if not students:
        print(f"There is no student's folder in {folder}: one for each is wanted.", file=sys.stderr)
        return 2
    print(who_runs())
    (folder / OUT).mkdir(exist_ok=True)
    known = Known(folder / OUT / "verdicts.jsonl")
    rows = []
    try:
        for place, student in enumerate(students, 1):
            print(f"{place} of {len(students)}: {student.name}", flush=True)
            rows += graded(student, known)
    except KeyboardInterrupt:
        print("Broken off. The next start goes on from here.")
        return 130
    write_table(folder / OUT / "grades.csv", rows)
    (folder / OUT / "class.html").write_text(class_page(rows), "utf-8")
    print(f"Written to {folder / OUT}: grades.csv and class.html")
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="start.py grade",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    return parser


def students_in(folder: Path) -> list[Path]:
    """Return the students' folders."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name != OUT)


def graded(student: Path, known: "Known") -> list[Row]:
    """Judge all exercises of a student; those that were not handed in are not begun."""
    answers = submitted_by(student, (HELPERS / "mine_template.py").read_text("utf-8"))
    tries = tries_told_by(student)
    rows = []
    for number in progress.exercises():
        verdict = {"state": progress.NOT_BEGUN, "sentence": ""}
        if number in answers:
            verdict = known.verdict_on(answers[number])
        rows.append(Row(student.name, number, **verdict, tries=tries[number]))
    return rows


def tries_told_by(student: Path) -> Counter:
    """Count the lines of each exercise in the student's own file. Nothing else hangs on them."""
    tries = Counter()
    for file in student.rglob(progress.FILE.name):
        for line in file.read_text("utf-8", errors="replace").splitlines():
            try:
                tries[json.loads(line)["exercise"]] += 1
            except (ValueError, KeyError, TypeError):
                continue
    return tries


class Known:
    """The verdicts that were found before, in a file: a line for each."""

    def __init__(self, file: Path):
        self._file = file
        self._verdicts = {}
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        for line in lines:
            try:
                key, verdict = json.loads(line)
                self._verdicts[key] = {name: str(verdict[name]) for name in ("state", "sentence")}
            except (ValueError, KeyError, TypeError):  # cut when we were broken off
                continue

    def verdict_on(self, answer: Submitted) -> dict[str, str]:
        """Return the verdict on an answer, which is run if it, or its exercise, is new."""
        exercise = HELPERS / "exercises" / f"exercise_{answer.number.replace('.', '_')}.py"
        everything = json.dumps([*answer, exercise.read_text("utf-8")])
        key = hashlib.sha256(everything.encode()).hexdigest()
        if key not in self._verdicts:
            print(f"    {answer.number} ", end="", flush=True)
            self._verdicts[key] = verdict_on(answer)
            print(self._verdicts[key]["state"], flush=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps([key, self._verdicts[key]]) + "\n")
        return self._verdicts[key]


def write_table(file: Path, rows: list[Row]) -> None:
    """Write a row for each student and exercise; no cell is taken for a formula."""
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([*Row._fields[:-1], TOLD])
        writer.writerows([harmless(value) for value in row] for row in rows)


def class_page(rows: list[Row]) -> str:
    """Return a page: students against exercises, and of each exercise what was said most often."""
    numbers = list(dict.fromkeys(row.exercise for row in rows))
    head = "".join(f'<th scope="col">{number}</th>' for number in numbers)
    body = []
    for student in dict.fromkeys(row.student for row in rows):
        states = "".join(f"<td>{row.state}</td>" for row in rows if row.student == student)
        body.append(f'<tr><th scope="row">{html.escape(student)}</th>{states}</tr>')
    said = []
    for number in numbers:
        sentences = Counter(r.sentence for r in rows if r.exercise == number and r.sentence)
        for sentence, times in sentences.most_common(1):
            said.append(f"<li>{number}, {times} ×: {html.escape(sentence)}</li>")
    done = sum(row.state == "done" for row in rows)
    title = "Where the class stands"
    return document(
        title,
        f"<h1>{title}</h1><p>{done} of {len(rows)} exercises are done.</p>"
        f'<table><tr><th scope="col">Student</th>{head}</tr>{"".join(body)}</table>'
        f"<h2>What was said most often</h2><ul>{''.join(said)}</ul>",
    )
