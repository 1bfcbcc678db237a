"""Write the teacher's pack: a page for each lesson, with answers, mistakes, charts and notes.

python3 start.py teach [LESSON ...]

The pages go to the folder teachers-pack, and the first one is opened. They need no network, and
can be printed. Every answer is run for them: all lessons take about a quarter of an hour, a single
one (`start.py teach 03`) about a minute.
"""

import argparse
import multiprocessing
import sys
import webbrowser
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from helpers.machine import usable_cores
from teaching.expected import charts_of
from teaching.gallery import Shown, answers_of, show
from teaching.page import NO_PREDICTION, NOTES, Lesson, document, page

PACK = NOTES.parent / "teachers-pack"
LESSONS = sorted(note.stem for note in NOTES.glob("[0-9][0-9].md"))


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    wishes = _parser().parse_args(arguments)
    lessons = wishes.lessons or LESSONS
    if unknown := sorted({*lessons} - {*LESSONS}):
        print(
            f"There is no lesson {unknown[0]!r}: there are {', '.join(LESSONS)}.", file=sys.stderr
        )
        return 2
    wishes.folder.mkdir(parents=True, exist_ok=True)
    for lesson in map(Lesson, lessons):
        expected, shown = list(expected_of(lesson)), list(gallery_of(lesson))
        file = wishes.folder / f"{lesson.number}.html"
        file.write_text(page(lesson, expected, shown), encoding="utf-8")
        say(f"{lesson.number}: written to {file}", end="\n")
    contents = write_contents(wishes.folder)
    if not wishes.no_browser:
        webbrowser.open(contents.as_uri())
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="start.py teach",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lessons", metavar="LESSON", nargs="*", help="such as 03; all without it")
    parser.add_argument("--folder", type=Path, default=PACK, help="where the pages go")
    parser.add_argument("--no-browser", action="store_true", help="only write the pages")
    return parser


def expected_of(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Yield what a class should see, and say meanwhile how far it is."""
    say(f"{lesson.number}: the first chart")
    has_prediction = False
    for label, chart in charts_of(lesson.number):
        has_prediction |= label.startswith("PREDICTED")
        if chart:
            yield label, chart
    if not has_prediction:
        yield NO_PREDICTION, ""


def gallery_of(lesson: Lesson) -> Iterator[Shown]:
    """Run all answers of a lesson in processes of their own, and say meanwhile how far it is."""
    count = len(answers_of(lesson.number))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(usable_cores().count, mp_context=spawn) as executor:
        futures = [executor.submit(show, lesson.number, place) for place in range(count)]
        for done, future in enumerate(futures, 1):
            say(f"{lesson.number}: answer {done} of {count}")
            yield future.result()


def say(text: str, end: str = "\r") -> None:
    """Print a line in place of the one before."""
    print(f"{text:<70}", end=end, flush=True)


def write_contents(folder: Path) -> Path:
    """Write the page that lists what is in a folder of pages, and return its path."""
    pages = sorted(folder.glob("[0-9][0-9].html"))
    rows = (
        f'<li><a href="{file.name}">{file.stem} {Lesson(file.stem).title}</a></li>'
        for file in pages
    )
    contents = folder / "index.html"
    title = "Processes in Plain Sight: the teacher's pack"
    contents.write_text(document(title, f"<h1>{title}</h1><ul>{''.join(rows)}</ul>"), "utf-8")
    return contents
