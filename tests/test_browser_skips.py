"""A browser test may be skipped on a student's machine, but not in CI."""

import shutil

import pytest

from tests.inner import ROOT, run_pytest

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
