"""Run pytest inside a test, in another process, and return how each test ended."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from nbval.plugin import IPyNbCell

ROOT = Path(__file__).resolve().parent.parent.parent


class Outcome(NamedTuple):
    """How a test, or a cell of a notebook, ended.

    `word` is "passed", "failed", "error" (in set-up or tear-down) or "skipped". `message` is what
    pytest said about it. `alts` are the alternative texts of the pictures that a cell showed.
    """

    word: str
    message: str
    alts: list[str]


def run_pytest(target: Path, **environment: str) -> dict[tuple[str, str], Outcome]:
    """Run pytest with this checkout's settings; return the outcomes by (file, test or cell).

    `target` is a file or a folder. `environment` is added to the one of this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        root = target if target.is_dir() else target.parent
        settings = ["-c", ROOT / "pyproject.toml", "--rootdir", root, "--color=no"]
        names = ["no:cacheprovider", "tests.support.leftovers", "tests.support.inner"]
        plugins = [f"-p{name}" for name in names]
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", *settings, *plugins, f"--junitxml={report}", target],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert report.exists(), finished.stdout + finished.stderr
        return dict(_outcomes(report))


def _outcomes(report: Path) -> Iterator[tuple[tuple[str, str], Outcome]]:
    for case in ElementTree.parse(report).iter("testcase"):
        file = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
        ends = [element for element in case if element.tag in ("failure", "error", "skipped")]
        word = {"failure": "failed"}.get(ends[0].tag, ends[0].tag) if ends else "passed"
        message = "\n".join(element.text or element.get("message") for element in ends)
        alts = [entry.get("value") for entry in case.iter("property") if entry.get("name") == "alt"]
        yield (file, case.get("name")), Outcome(word, message, alts)


def alts(outputs: list) -> list[str]:
    """Return the alternative texts of the pictures in a cell's outputs."""
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    return [alt for page in pages for alt in re.findall(r'<img[^>]*?\balt="([^"]*)"', page)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put the alternative texts of the pictures that a cell showed into the report."""
    try:
        return (yield)
    finally:
        if isinstance(item, IPyNbCell):
            item.user_properties += [("alt", alt) for alt in alts(item.test_outputs or [])]
