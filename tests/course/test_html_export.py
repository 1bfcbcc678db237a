"""A lesson as an HTML page: the pictures are there without a kernel and without JupyterLab."""

import html
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.runs.output import WITHOUT_KERNEL
from tests.support.inner import ROOT, alts

pytestmark = pytest.mark.slow  # all pages together take half a minute

NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def with_panels():
    return [path for path in NOTEBOOKS if WITHOUT_KERNEL in path.read_text("utf-8")]


def test_there_are_lessons_with_a_panel():
    assert len(with_panels()) > 10


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pages, as `File > Save and Export Notebook As > HTML` writes them."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", folder]
    subprocess.run([*command, *with_panels()], capture_output=True, check=True)
    return folder


@pytest.mark.parametrize("path", with_panels(), ids=lambda path: path.stem)
def test_the_exported_page_has_every_picture_with_its_words(pages: Path, path: Path):
    notebook = nbformat.read(path, as_version=4)
    shown = [alts(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    shown = [html.unescape(alt) for texts in shown for alt in texts]
    page = (pages / f"{path.stem}.html").read_text(encoding="utf-8")
    pictures = re.findall(r'<img[^>]*\balt="([^"]*)"[^>]*\bsrc="data:image/png;base64,', page)
    assert [alt for alt in map(html.unescape, pictures) if alt in shown] == shown != []
    assert WITHOUT_KERNEL in page
