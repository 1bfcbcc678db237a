"""A browser test may be skipped on a student's machine, but not in CI."""

import os
import shutil
import subprocess
import sys

import pytest

from start import TWO_AT_A_TIME
from tests.support.inner import ROOT, run_pytest

pytestmark = pytest.mark.slow  # a second pytest inside

SAMPLE = """
import pytest
from tools import lab

def nothing_to_launch(chromium):
    raise lab.NoBrowser("there is no browser here")

lab._launch = nothing_to_launch

def test_that_needs_a_browser(browser):
    pass

def test_that_skips_itself():
    pytest.skip("no wish to run")

def test_that_passes():
    pass
"""


@pytest.mark.parametrize(
    ("ci", "words"),
    [("true", ["error", "failed", "passed"]), ("", ["skipped", "skipped", "passed"])],
)
def test_a_skip_of_a_browser_test_is_a_failure_in_ci_and_nowhere_else(tmp_path, ci, words):
    shutil.copy(ROOT / "tests/browser/conftest.py", tmp_path)
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    ends = list(run_pytest(tmp_path, CI=ci).values())
    assert [end.word for end in ends] == words
    assert "there is no browser here" in ends[0].message
    assert "no wish to run" in ends[1].message


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a browser is found without PATH")
def test_where_there_is_no_browser_the_test_command_says_so(tmp_path):
    command = [sys.executable, "-m", "pytest", *TWO_AT_A_TIME, "-k", "on_a_projector"]
    environment = {**os.environ, "CI": "", "PATH": str(tmp_path)}
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True).stdout
    assert "The browser tests were skipped: there is no Chromium" in said
