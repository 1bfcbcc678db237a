"""The first notebook tells the truth about the others. test_links.py tests its links."""

import re

from tests.course.test_notebooks import RHYTHM, headings
from tools.notebooks import NOTEBOOKS, read

START = read(NOTEBOOKS / "00_start_here.ipynb")
TEXT = "\n".join(cell.source for cell in START.cells if cell.cell_type == "markdown")


def test_the_parts_it_explains_are_the_parts_that_lessons_have() -> None:
    assert re.findall(r"(?m)^\d\. \*\*(.+?)\*\*", TEXT) == RHYTHM


def test_its_own_parts_come_in_the_same_order() -> None:
    own = [part for part in RHYTHM if part in headings(START, 2)]
    assert own == [heading for heading in headings(START, 2) if heading in RHYTHM]
    assert own[:4] == RHYTHM[:4]
