"""The first notebook leads to the others and says the truth about them."""

import re

import pytest

from tests.test_notebooks import RHYTHM, headings
from tools.notebooks import NOTEBOOKS, read

START = read(NOTEBOOKS / "00_start_here.ipynb")
TEXT = "\n".join(cell.source for cell in START.cells if cell.cell_type == "markdown")
ROWS = re.findall(r"(?m)^\| \[(\w+)\]\((\S+)\) \| (.+) \| (\d+) \|$", TEXT)
MINUTES = {"five": 5, "ten": 10, "fifteen": 15, "twenty": 20}


def test_every_notebook_is_in_the_table_in_order_and_every_link_leads_somewhere() -> None:
    names = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    assert [link for _, link, _, _ in ROWS] == names
    assert [name + ".ipynb" for name, _, _, _ in ROWS] == names


@pytest.mark.parametrize(("name", "link", "line", "minutes"), ROWS)
def test_the_table_gives_the_time_that_the_lesson_gives(name, link, line, minutes) -> None:
    said = re.search(r"\*About (\w+) minutes", read(NOTEBOOKS / link).cells[0].source)
    assert MINUTES[said[1]] == int(minutes)
    assert len(line.split()) > 1


def test_the_parts_it_explains_are_the_parts_that_lessons_have() -> None:
    assert re.findall(r"(?m)^\d\. \*\*(.+?)\*\*", TEXT) == RHYTHM


def test_its_own_parts_come_in_the_same_order() -> None:
    own = [part for part in RHYTHM if part in headings(START, 2)]
    assert own == [heading for heading in headings(START, 2) if heading in RHYTHM]
    assert own[:4] == RHYTHM[:4]
