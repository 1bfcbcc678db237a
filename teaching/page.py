"""A lesson's page in the teacher's pack: HTML in one file, to be read offline or on paper."""

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from teaching.gallery import Shown
from tools import minutes
from tools.notebooks import NOTEBOOKS

NOTES = Path(__file__).parent
NO_PREDICTION = "Nothing is predicted for more cores: this chart is not one of a pool's tasks."
STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
pre { background: #f3f3f3; padding: .7rem; overflow-x: auto; font-size: 14px }
img { max-width: 100% } table { border-collapse: collapse } td, th { padding: .2rem .8rem;
       border-bottom: 1px solid #bbb; text-align: left }
.answer { border-left: 4px solid #777; padding-left: 1rem; margin: 1.5rem 0 }
.anchor-link { display: none }
@media print { .answer, figure { break-inside: avoid } h2 { break-before: page } }
"""


class Lesson:
    """What a page takes from a lesson's notebook."""

    def __init__(self, number: str):
        (self.path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        self.number = number
        self.notebook = nbformat.read(self.path, as_version=4)
        self.title = title_of(self.notebook)

    def text_below(self, heading: str) -> str:
        """Return the texts below a heading of the second level, without the cells of code."""
        own = [s for s in minutes.sections(self.notebook) if s.heading.startswith(heading)]
        return "\n\n".join(text for section in own for text in section.texts)

    def task(self, exercise: str) -> str:
        """Return the text of an exercise, from its heading of the third level on."""
        parts = re.split(r"^(?=### )", self.text_below("## Your turn"), flags=re.MULTILINE)
        return next((part for part in parts if part.startswith(f"### {exercise} ")), "")


def title_of(notebook: NotebookNode) -> str:
    """Return a notebook's first heading."""
    return re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)[1]


def page(lesson: Lesson, expected: Iterable[tuple[str, str]], shown: Sequence[Shown]) -> str:
    """Return a lesson's page.

    Args:
        lesson: the lesson.
        expected: labels and charts of what a class should see.
        shown: the right and wrong answers to its exercises.
    """
    heading = f"{lesson.number} {html.escape(lesson.title)}"
    parts = [
        f"<h1>{heading}</h1>",
        as_html((NOTES / f"{lesson.number}.md").read_text("utf-8")),
        "<h2>Minutes</h2>",
        minutes_table(lesson.notebook),
        "<h2>What the first chart should look like</h2>",
        *(f"<figure><figcaption>{text}</figcaption>{chart}</figure>" for text, chart in expected),
        *exercises(lesson, shown),
        quiz(lesson),
    ]
    return document(heading, "\n".join(parts))


def document(title: str, body: str) -> str:
    """Return a whole HTML page."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def as_html(markdown: str) -> str:
    """Return Markdown as HTML, with what is folded in a notebook unfolded, pictures included."""
    text = re.sub(r"!\[([^\]]*)\]\((pictures/[^)]+)\)", _with_picture, markdown)
    return markdown2html(text).replace("<details>", "<details open>")


def _with_picture(found):
    content = base64.b64encode((NOTEBOOKS / found[2]).read_bytes()).decode("ascii")
    return f'<img alt="{html.escape(found[1])}" src="data:image/png;base64,{content}">'


def minutes_table(notebook: NotebookNode) -> str:
    """Return a table of what a lesson's parts take, by the formula of `tools/minutes.py`."""
    found = minutes.of_lesson(notebook)
    quiz = sum(section.minutes for section in minutes.sections(notebook) if section.is_quiz)
    rows = {"core path": found.core, **found.deeper}
    rows |= {"Check yourself": round(quiz), "Your turn": found.exercises}
    cells = (
        f'<tr><th scope="row">{html.escape(_bare(title))}</th><td>{number}</td></tr>'
        for title, number in rows.items()
        if number
    )
    return f"<table>{''.join(cells)}</table>"


def _bare(heading: str) -> str:
    """Return a section's heading without its marks and its minutes."""
    return re.sub(r", \d+ min$", "", heading.removeprefix("## "))


def exercises(lesson: Lesson, shown: Sequence[Shown]) -> list[str]:
    """Return each exercise's task, its right answers, and the gallery of mistakes."""
    parts = []
    for number in dict.fromkeys(answer.number for answer in shown):
        own = [answer for answer in shown if answer.number == number]
        parts += [
            f"<h2>Exercise {number}</h2>",
            as_html(lesson.task(number)),
            "<h3>Right answers</h3>",
            *(_answer(answer) for answer in own if answer.is_right),
            "<h3>Mistakes, and what the check says</h3>",
            *(_answer(answer) for answer in own if not answer.is_right),
        ]
    return parts


def _answer(answer: Shown) -> str:
    said = f"<p><strong>{html.escape(answer.said)}</strong></p>" if answer.said else ""
    code = f"<pre><code>{html.escape(answer.code)}</code></pre>"
    return f'<div class="answer">{code}{said}{answer.chart}</div>'


def quiz(lesson: Lesson) -> str:
    """Return a lesson's questions with all answers unfolded; empty if it asks none."""
    return as_html(lesson.text_below("## Check yourself"))
