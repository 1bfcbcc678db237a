"""Tell how many minutes each part of a lesson takes.

    python tools/minutes.py [03_pool ...]

A lesson has a core path, which everybody walks; sections that go deeper, each below a heading such
as `## Deeper: recycling workers, 4 min`, folded when the notebook opens; and exercises, below
`## Your turn, 6 min`. The minutes of a part are what its cells take:

- a text takes a minute for each 120 words. That is half of the 238 words a minute at which people
  silently read English non-fiction (Brysbaert 2019, *How many words do we read per minute?*): most
  students read in a second language, and stop to think;
- code takes a minute for each 20 lines that are not empty;
- a chart takes a minute to look at, and a panel 3, for about two runs;
- a guess takes a minute to think and to write down;
- the questions below `## Check yourself, 1 min` take a minute together, beside the core path;
- an exercise takes 5 minutes beside its text.

What is hidden in `<details>` until somebody opens it, such as a hint, is not counted.

The numbers were chosen so that the lessons came out at what careful readers had found they take.
"""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.notebooks import CHECK

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WORDS = 120
LINES = 20
PER_CHART = 1.0
PER_PANEL = 3.0
PER_GUESS = 1.0
PER_QUIZ = 1.0
PER_EXERCISE = 5.0
QUIZ = "## Check yourself, 1 min"
HIDDEN = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.DOTALL)
"""A part of a text that is folded, and has no folded part in it."""
DEEPER = re.compile(r"## Deeper: (?P<title>.+), (?P<minutes>\d+) min$", re.MULTILINE)
EXERCISES = re.compile(r"## Your turn, (?P<minutes>\d+) min$", re.MULTILINE)
ABOUT = re.compile(r"^\*About (?P<minutes>\d+) minutes", re.MULTILINE)


class Section(NamedTuple):
    """What stands between two headings of the second level, as one text and some cells of code."""

    heading: str
    texts: list[str]
    codes: list[NotebookNode]

    @property
    def is_deeper(self) -> bool:
        """Whether this is beside the core path, and folded."""
        return self.heading.startswith("## Deeper")

    @property
    def is_exercise(self) -> bool:
        """Whether this is for the student to do."""
        return self.heading.startswith("## Your turn")

    @property
    def is_quiz(self) -> bool:
        """Whether this is two or three questions, whose answers are folded."""
        return self.heading == QUIZ

    @property
    def minutes(self) -> float:
        """What the section takes, by the formula of this module."""
        if self.is_quiz:
            return PER_QUIZ
        reading = sum(map(_words, self.texts)) / WORDS
        exercises = max(1, sum(len(re.findall("^### ", text, re.M)) for text in self.texts))
        return (
            reading
            + sum(_minutes_of_code(cell) for cell in self.codes)
            + self.is_exercise * exercises * PER_EXERCISE
        )


class Minutes(NamedTuple):
    """What a lesson takes: its core path, each deeper section by its title, and its exercises."""

    core: int
    deeper: dict[str, int]
    exercises: int


def sections(notebook: NotebookNode) -> Iterator[Section]:
    """Cut a lesson at its headings of the second level. What stands above the first comes first."""
    section = Section("", [], [])
    for cell in notebook.cells:
        if CHECK in cell.source:
            continue
        if cell.cell_type == "code":
            section.codes.append(cell)
            continue
        before, *others = re.split(r"^(?=## )", cell.source, flags=re.MULTILINE)
        section.texts.append(before)
        for text in others:
            yield section
            section = Section(text.partition("\n")[0], [text], [])
    yield section


def of_lesson(notebook: NotebookNode) -> Minutes:
    """Return what a lesson takes, in whole minutes, rounded up."""
    cut = list(sections(notebook))
    beside = [
        section for section in cut if section.is_deeper | section.is_exercise | section.is_quiz
    ]
    core = sum(section.minutes for section in cut if section not in beside)
    deeper = {s.heading: math.ceil(s.minutes) for s in cut if s.is_deeper}
    exercises = sum(section.minutes for section in cut if section.is_exercise)
    return Minutes(math.ceil(core), deeper, math.ceil(exercises))


def _words(text: str) -> int:
    """Count the words of a text that are there to be read without opening anything."""
    found = 1
    while found:
        text, found = HIDDEN.subn(" ", text)  # the innermost first
    return len(re.sub(r"<[^>]+>", " ", text).split())


def _minutes_of_code(cell: NotebookNode) -> float:
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    guesses = len(re.findall(r"^my_\w*guess\w* =", cell.source, re.MULTILINE))
    panel = "explore(" in cell.source
    charts = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    return lines / LINES + guesses * PER_GUESS + (PER_PANEL if panel else charts * PER_CHART)


def main(names: list[str]) -> int:
    """Print a line for each part of the lessons."""
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        if names and path.stem not in names:
            continue
        minutes = of_lesson(nbformat.read(path, 4))
        deeper = sum(minutes.deeper.values())
        parts = f"core {minutes.core:3}  deeper {deeper:3}  your turn {minutes.exercises:3}"
        print(f"{path.stem:25} {parts}")
        for heading, own in minutes.deeper.items():
            print(f"    {own:3}  {heading}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
