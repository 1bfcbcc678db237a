"""The watch over leftovers finds what samples leave behind on purpose."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap

import nbformat
import psutil
import pytest

from start import TWO_AT_A_TIME
from tests.support.inner import ROOT, Outcome, run_pytest
from tests.support.leftovers import is_alive
from tests.support.within import until

pytestmark = pytest.mark.slow  # a second pytest inside, with waits of its own

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
LEAVE_PROCESS = f"""
import subprocess
subprocess.Popen({SLEEP!r}, start_new_session=True)
"""
LEAVE_ORPHAN = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {LEAVE_PROCESS!r}])
"""
LEAVE_FORK = """
import os, time
pid = os.fork()
if pid == 0:
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.waitpid(pid, 0)
"""
LEAVE_FOLDER = """
import os, subprocess, sys, tempfile
process = subprocess.Popen([sys.executable, "-c", "pass"])
process.wait()
os.mkdir(os.path.join(tempfile.gettempdir(), f"plain-sight-{process.pid}-sample"))
"""
LEAVE_HELPERS = """
import multiprocessing, os
for method in set(multiprocessing.get_all_start_methods()) - {"fork"}:
    process = multiprocessing.get_context(method).Process(target=os.getpid)
    process.start()
    process.join()
    process.close()
"""
SAMPLES = {
    "process": LEAVE_PROCESS,
    "orphan": LEAVE_ORPHAN,
    "fork": LEAVE_FORK if hasattr(os, "fork") else "pass",
    "folder": LEAVE_FOLDER,
    "helpers": LEAVE_HELPERS,
    "nothing": "pass",
}
NOTEBOOKS = {"leaves_process": [LEAVE_PROCESS + "pass", "pass"], "leaves_helpers": [LEAVE_HELPERS]}


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Outcome]:
    """Return how all the samples ended: pytest runs them once, one after the other.

    Each sample is a file with three tests. The second one leaves something behind.
    """
    folder = tmp_path_factory.mktemp("samples")
    for name, source in SAMPLES.items():
        guilty = f"def test_guilty():\n{textwrap.indent(source, '    ')}"
        tests = ["def test_before(): pass", guilty, "def test_after(): pass"]
        (folder / f"test_{name}.py").write_text("\n".join(tests))
    for name, sources in NOTEBOOKS.items():
        cells = [nbformat.v4.new_code_cell(source, execution_count=1) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")
    return run_pytest(folder)


def complaint(ends: dict[tuple[str, str], Outcome], sample: str) -> str:
    """Return what was said at the end of a sample's file, when its other tests had passed."""
    words = [ends[f"test_{sample}", f"test_{name}"].word for name in ("before", "guilty", "after")]
    assert words == ["passed", "passed", "error"]
    message = ends[f"test_{sample}", "test_after"].message
    assert f"test_{sample}.py left behind:\n" in message
    return message


def assert_named_and_ended(message: str) -> None:
    """Check that a message names the process that a sample has left, and that it was ended."""
    assert "left behind" in message
    assert "time.sleep(600)" in message
    pid = int(re.search(r"process (\d+): ", message)[1])
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("sample", ["process", "orphan"])
def test_a_file_that_leaves_a_process_is_named_and_the_process_ended(ends, sample: str) -> None:
    assert_named_and_ended(complaint(ends, sample))


def test_the_test_after_which_a_left_process_was_first_seen_is_named(ends) -> None:
    message = complaint(ends, "process")
    assert "(first seen after test_guilty)" in message
    assert "test_before" not in message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_file_that_leaves_an_orphaned_fork_is_named(ends) -> None:
    assert "\n  process " in complaint(ends, "fork")


def test_a_log_folder_of_a_dead_owner_is_named(ends) -> None:
    assert "-sample" in complaint(ends, "folder")


@pytest.mark.parametrize("sample", ["nothing", "helpers"])
def test_a_file_that_leaves_nothing_is_not_blamed_for_others(ends, sample: str) -> None:
    """Helpers of the standard library are no leftovers."""
    outcomes = [ends[f"test_{sample}", f"test_{name}"] for name in ("before", "guilty", "after")]
    assert [outcome.word for outcome in outcomes] == ["passed"] * 3


def test_helpers_of_the_standard_library_are_no_leftovers_of_a_notebook(ends) -> None:
    outcome = ends["leaves_helpers", "Cell 0"]
    assert outcome.word == "passed", outcome.message


def test_a_notebook_that_leaves_a_process_is_named_and_the_process_ended(ends) -> None:
    assert ends["leaves_process", "Cell 0"].word == "passed", "a notebook is judged at its end"
    assert ends["leaves_process", "Cell 1"].word == "error"
    assert_named_and_ended(ends["leaves_process", "Cell 1"].message)


WAITS_FOR_A_CHILD = f"""
import pathlib, subprocess
def test_that_waits():
    here = pathlib.Path(__file__)
    child = subprocess.Popen({SLEEP!r})
    here.with_name("pid").write_text(str(child.pid))
    try:
        child.wait()
    finally:  # the interrupt reaches the test and its child
        child.wait(5)
        here.with_name("end").touch()
"""


@pytest.mark.skipif(os.name != "posix", reason="on Windows a terminal interrupts all of a console")
def test_ctrl_c_on_tests_beside_each_other_leaves_nothing(tmp_path, interruptible) -> None:
    (tmp_path / "test_sample.py").write_text(WAITS_FOR_A_CHILD)
    settings = ["-c", ROOT / "pyproject.toml", "--rootdir", tmp_path]
    plugin = ["-p", "tests.support.leftovers"]
    command = [sys.executable, "-m", "pytest", *settings, *plugin, *TWO_AT_A_TIME, tmp_path]
    note = tmp_path / "pid"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as tests:
        until(lambda: note.exists() and note.read_text())
        child = psutil.Process(int(note.read_text()))
        tests.send_signal(signal.SIGINT)  # a terminal's Ctrl-C reaches only its own group
        tests.wait(60)
    try:
        until(lambda: not is_alive(child), seconds=5)
        assert (tmp_path / "end").exists()
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
