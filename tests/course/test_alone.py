"""A test that is marked alone runs by itself, although tests run two at a time."""

import subprocess
import sys

import pytest

from start import TWO_AT_A_TIME
from tests.support.inner import ROOT

ORDINARY = """
import pathlib, time, pytest

RUNNING = pathlib.Path(__file__).with_name("running")

@pytest.mark.parametrize("number", range(40))
def test_ordinary(number):
    RUNNING.touch()
    time.sleep(0.05)
    RUNNING.unlink()
"""
ALONE = """
import pathlib, time, pytest

RUNNING = pathlib.Path(__file__).with_name("running")

@pytest.mark.alone
def test_alone():
    for _ in range(20):
        assert not RUNNING.exists()
        time.sleep(0.05)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no lock that can be shared so")
def test_a_test_marked_alone_has_nothing_beside_it(tmp_path) -> None:
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    (tmp_path / "test_alone.py").write_text(ALONE)
    settings = ["-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "tests.support.alone"]
    command = [sys.executable, "-m", "pytest", *settings, *TWO_AT_A_TIME, tmp_path]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "41 passed" in finished.stdout, finished.stdout
    assert "2 workers" in finished.stdout
