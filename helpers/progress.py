"""My progress: which exercises are done, tried, or not begun.

Each check adds a line to a file of the student's own, `my_progress.jsonl` beside the notebooks: no
update of the course touches it. The map of the course shows it as a table, and so does

    python3 start.py progress

Standard library only, so that this works before anything is installed.
"""

import csv
import html
import json
import re
import time
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[1] / "notebooks" / "my_progress.jsonl"
DONE, TRIED, NOT_BEGUN = "done", "tried", "not begun"


class Entry(NamedTuple):
    """What is known of one exercise: how often it was tried, and what was said at last."""

    number: str
    state: str = NOT_BEGUN
    tries: int = 0
    sentence: str = ""


class Progress(NamedTuple):
    """All exercises in the order of the lessons, and how many lines of the file are broken."""

    entries: list[Entry]
    broken: int = 0

    def __str__(self):
        rows = [f"{e.number:>5}  {e.state:<9}  {_tries(e)}".rstrip() for e in self.entries]
        return "\n".join([*rows, self.summary])

    def _repr_html_(self):
        lessons = {}
        for entry in self.entries:
            lessons.setdefault(entry.number.partition(".")[0], []).append(entry)
        rows = "".join(
            f'<tr><th scope="row">{int(lesson):02}</th>{"".join(map(_cell, entries))}</tr>'
            for lesson, entries in lessons.items()
        )
        head = '<tr><th scope="col">Lesson</th><th scope="col" colspan="2">Exercises</th></tr>'
        return f"<table>{head}{rows}</table><p>{html.escape(self.summary)}</p>"

    @property
    def summary(self) -> str:
        """How much is done, in a sentence."""
        done = sum(entry.state == DONE for entry in self.entries)
        lost = f" {self.broken} lines of the file cannot be read." if self.broken else ""
        return f"{done} of {len(self.entries)} exercises are done.{lost}"


def exercises() -> list[str]:
    """Return the numbers of all exercises, such as '10.1', in the order of the lessons."""
    files = (Path(__file__).with_name("exercises")).glob("exercise_*_*.py")
    numbers = [file.stem.removeprefix("exercise_").split("_") for file in files]
    return [f"{lesson}.{i}" for lesson, i in sorted((int(a), int(b)) for a, b in numbers)]


def note(number: str, done: bool, sentence: str = "") -> str:
    """Add a line to the student's file.

    Args:
        number: the exercise's.
        done: whether the answer was right.
        sentence: what the check said, if not.

    Returns:
        A sentence if the file cannot be written; the check counts for this session only then.
    """
    record = {
        "exercise": number,
        "done": done,
        "sentence": sentence,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    try:
        with FILE.open("a", encoding="utf-8") as file:
            # The first line break ends a line that was cut when the machine went down.
            file.write("\n" + json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        return f"Your progress could not be kept in {FILE.name}: {error.strerror}."
    return ""


def my_progress() -> Progress:
    """Return what has been done so far. A broken line harms no other."""
    known = {number: Entry(number) for number in exercises()}
    broken = 0
    for line in _lines():
        try:
            record = json.loads(line)
            before = known[str(record["exercise"])]
            done, sentence = record["done"] is True, str(record.get("sentence", ""))
        except (ValueError, TypeError, KeyError):
            broken += 1
            continue
        state = DONE if done or before.state == DONE else TRIED
        known[before.number] = Entry(before.number, state, before.tries + 1, sentence)
    return Progress(list(known.values()), broken)


def write_csv(file: Path) -> None:
    """Write the progress as a table: exercise, state, tries, the last sentence."""
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(Entry._fields)
        for entry in my_progress().entries:  # a spreadsheet must not take a sentence for a formula
            writer.writerow(
                entry._replace(sentence=re.sub(r"^([=+\-@\t\r])", r"'\1", entry.sentence))
            )


def _lines():
    """Yield the lines of the student's file that have anything on them."""
    try:
        text = FILE.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return
    yield from filter(str.strip, text.splitlines())


def _tries(entry):
    return f"{entry.tries} {'try' if entry.tries == 1 else 'tries'}" if entry.tries else ""


def _cell(entry):
    return f"<td>{entry.number} {entry.state}</td>"


if __name__ == "__main__":
    print(my_progress())
    table = FILE.with_suffix(".csv")
    write_csv(table)
    print(f"As a table: {table}")
