"""A lesson as an HTML page: no kernel, no JupyterLab, and the pictures are there all the same."""

import html
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.panel import WITHOUT_KERNEL
from tests.inner import ROOT, alts

pytestmark = pytest.mark.slow  # a page takes a second or two

NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def with_panels():
    return [path for path in NOTEBOOKS if WITHOUT_KERNEL in path.read_text("utf-8")]


def test_there_are_lessons_with_a_panel():
    assert len(with_panels()) > 10


def exported(path):
    """What `File > Save and Export Notebook As > HTML` makes of a notebook."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", path]
    made = subprocess.run(command, capture_output=True, check=True)
    return made.stdout.decode("utf-8")


@pytest.mark.parametrize("path", with_panels(), ids=lambda path: path.stem)
def test_the_exported_page_has_every_picture_with_its_words(path: Path):
    notebook = nbformat.read(path, as_version=4)
    shown = [alts(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    shown = [html.unescape(alt) for some in shown for alt in some]
    page = exported(path)
    pictures = re.findall(r'<img[^>]*\balt="([^"]*)"[^>]*\bsrc="data:image/png;base64,', page)
    assert [alt for alt in map(html.unescape, pictures) if alt in shown] == shown != []
    assert WITHOUT_KERNEL in page
