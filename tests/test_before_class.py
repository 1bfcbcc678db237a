"""The pre-class check: what it looks at, what it says, and what it advises."""

import errno
import math
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import start
from helpers import before_class, machine
from helpers.before_class import FAILED, OK, WORTH_KNOWING, Check
from tests.support.anything import TEXTS, examples
from tests.support.within import is_gone


def test_every_failing_check_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text("no-such-package~=1.0\n")
    monkeypatch.setattr(before_class, "DISK_NEEDED", math.inf)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(
        before_class, "run_in_a_process", lambda *_: (1, "", "OSError: no semaphores")
    )
    bad = [
        before_class.check_python((3, 8, 1)),
        before_class.check_packages(tmp_path / "requirements.txt"),
        before_class.check_start_methods({"START_METHOD": "teleport"}),
        before_class.check_nslookup(),
        before_class.check_disk(),
        before_class.check_disk(tmp_path / "missing"),
        *before_class.check_memory(10**6),
        before_class.check_pool("spawn", needed=True),
        before_class.check_pool("spawn", needed=False),
    ]
    assert all(check.state != OK for check in bad)
    assert [check for check in bad if not check.remedy] == []
    assert [check for check in bad if "\n" in check.found + check.remedy] == []


def test_the_check_names_the_python_it_found():
    assert before_class.check_python((3, 8, 1)) == Check(
        "Python", FAILED, f"3.8.1 on {platform.system()}", "Install Python 3.11 or newer."
    )
    assert before_class.check_python((3, 11, 0)).state == OK
    assert before_class.check_python().state == OK


def test_the_check_names_packages_that_are_missing_or_too_old(tmp_path, monkeypatch):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# a comment\nno-such-package~=1.0\npytest~=1.2\n-e .\n")
    monkeypatch.setattr(before_class.importlib.metadata, "version", version_of)
    check = before_class.check_packages(requirements)
    assert check.found == "no-such-package is missing; pytest is 9.2.0, wanted ~=1.2"


def version_of(name):
    if name == "pytest":
        return "9.2.0"
    raise before_class.importlib.metadata.PackageNotFoundError(name)


def test_the_packages_of_this_environment_are_all_there():
    assert before_class.check_packages().state == OK


@pytest.mark.parametrize(
    ("version", "pin", "expected"),
    [
        ("8.1.9", "8.1", True),
        ("8.2", "8.1", True),
        ("8.0.9", "8.1", False),
        ("9.0", "8.1", False),
        ("0.11.0", "0.11.0", True),
        ("0.11.5", "0.11.0", True),
        ("0.12.0", "0.11.0", False),
        ("10.0", "9.2", False),
        ("3.11.2", "3.9", True),  # 11 is more than 9: numbers, not letters
    ],
)
def test_compatible_releases_are_those_of_the_packaging_specification(version, pin, expected):
    assert before_class.is_compatible(version, pin) is expected


def test_an_unavailable_start_method_is_told_with_those_available():
    check = before_class.check_start_methods({"START_METHOD": "teleport"})
    assert check.state == FAILED
    assert all(method in check.remedy for method in machine.start_methods())
    assert before_class.check_start_methods({}).found.endswith("the lessons use spawn")


def test_a_single_core_is_worth_knowing_and_no_failure(monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: machine.Cores(1, "the hub's CPU_LIMIT=1"))
    check = before_class.check_cores()
    assert check.state == WORTH_KNOWING
    assert check.found.startswith("1, from the hub's CPU_LIMIT=1")


def test_a_missing_nslookup_is_worth_knowing_since_a_stand_in_exists(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert before_class.check_nslookup().state == WORTH_KNOWING


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
def test_every_system_has_a_remedy_for_a_missing_nslookup(monkeypatch, system):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(platform, "system", lambda: system)
    assert before_class.check_nslookup().remedy


@pytest.mark.skipif(os.name == "nt", reason="the nslookup of Windows tells no version")
def test_the_version_of_nslookup_is_found_on_stderr(tmp_path):
    program = tmp_path / "nslookup"
    program.write_text("#!/bin/sh\necho 'nslookup 9.18.49-Debian' >&2\n")
    program.chmod(0o755)
    assert before_class.nslookup_version(str(program)) == "9.18.49-Debian"


def test_an_nslookup_that_cannot_run_has_no_version(tmp_path):
    assert before_class.nslookup_version(str(tmp_path / "nslookup")) == ""


def test_an_unwritable_temporary_folder_fails(tmp_path):
    check = before_class.check_disk(tmp_path / "missing")
    assert check.state == FAILED
    assert check.found.startswith("cannot write to")


def test_the_disk_check_leaves_nothing_behind(tmp_path):
    assert before_class.check_disk(tmp_path).state in (OK, FAILED)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_nearly_full_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    assert before_class.check_disk(tmp_path).state == FAILED


CHECK_SOCKETS = """
import sys
from helpers.before_class import check_sockets
from helpers.parent import sockets
sockets.SHORT_FOLDERS = tuple(sys.argv[1:])
print(*check_sockets()[0], sep="|")
"""


def checked_sockets(folder: Path, *short_folders: str) -> list[str]:
    """The check's four words in a temporary folder with a long path, and with these short ones."""
    long = folder / ("long" * 25)
    long.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHECK_SOCKETS, *short_folders],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().split("|")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")
def test_a_temporary_folder_with_too_long_a_path_for_sockets_is_told(tmp_path):
    name, state, found, remedy = checked_sockets(tmp_path, "/tmp")
    assert (name, state, remedy) == ("sockets", OK, "")
    assert found.startswith("are made in /tmp: the path ")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")
def test_without_any_folder_for_sockets_the_check_fails(tmp_path):
    name, state, found, remedy = checked_sockets(tmp_path, "/no/such/folder")
    assert (name, state) == ("sockets", FAILED)
    assert str(tmp_path) in found
    assert "TMPDIR" in remedy


def test_sockets_in_a_usual_temporary_folder_are_ok():
    assert [check.state for check in before_class.check_sockets()] in ([OK], [])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_locks_that_cannot_be_made_are_told_with_the_folder_they_need(monkeypatch, number):
    def no_lock():
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(multiprocessing, "Lock", no_lock)
    check = before_class.check_locks()
    assert check.state == FAILED
    assert os.strerror(number) in check.found
    assert "/dev/shm" in check.remedy


def test_locks_are_ok_here():
    assert before_class.check_locks().state == OK


def test_unknown_memory_is_no_check_at_all(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    assert before_class.check_memory() == []


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_real_pool_answers(method):
    check = before_class.check_pool(method, needed=True)
    assert check.state == OK, check


def test_a_pool_that_hangs_is_given_up_and_leaves_no_worker(tmp_path):
    # The initializer never ends, so the Pool never answers. Each worker writes down its pid first.
    (tmp_path / "stuck.py").write_text(
        "import os, pathlib, sys, time\n"
        "def wait_for_ever():\n"
        "    pathlib.Path(__file__).with_name(f'{os.getpid()}.pid').touch()\n"
        "    time.sleep(600)\n"
    )
    program = (
        "import multiprocessing.context as c, stuck;"
        "plain = c.BaseContext.Pool;"
        "c.BaseContext.Pool = lambda self, n: plain(self, n, stuck.wait_for_ever);"
        "from helpers.before_class import run_a_pool; run_a_pool('spawn', 5)"
    )
    code, out, err = before_class.run_in_a_process(program, 60, {"PYTHONPATH": str(tmp_path)})
    assert (code, out) == (before_class.GAVE_UP, ""), err
    assert before_class.what_the_pool_said(code, out, err, 5) == "no answer in 5 s"
    pids = [int(file.stem) for file in tmp_path.glob("*.pid")]
    assert pids
    assert [pid for pid in pids if not is_gone(pid)] == []


def test_a_process_that_cannot_even_begin_is_given_up(monkeypatch):
    code, _, err = before_class.run_in_a_process("import time; time.sleep(600)", 1)
    assert code is None
    assert err == ""
    monkeypatch.setattr(before_class, "run_in_a_process", lambda *_: (None, "", ""))
    assert before_class.check_pool("spawn", needed=True).found == "no answer in 20 s"


def test_a_pool_that_fails_is_told_with_its_last_words():
    said = before_class.what_the_pool_said(1, "", "Traceback ...\nOSError: no semaphores\n", 20)
    assert said == "ended with exit code 1: OSError: no semaphores"


def test_a_pool_with_a_wrong_answer_has_failed():
    assert before_class.what_the_pool_said(0, "1 2 3 5\n", "", 20)
    assert not before_class.what_the_pool_said(0, "1 2 3 4\n", "", 20)


@pytest.mark.parametrize("missing", ["check_locks", "check_sockets"])
def test_a_pool_that_lacks_locks_or_sockets_has_their_remedy(monkeypatch, missing):
    check = Check("what a Pool needs", FAILED, "cannot be made", "Do this.")
    found = check if missing == "check_locks" else [check]
    monkeypatch.setattr(before_class, missing, lambda: found)
    monkeypatch.setattr(before_class, "run_in_a_process", lambda *_: (1, "", "OSError"))
    assert before_class.check_pool("spawn", needed=True).remedy == "Do this."


def test_a_failing_pool_is_a_failure_only_for_the_lessons_own_method(monkeypatch):
    monkeypatch.setattr(before_class, "run_in_a_process", lambda *_: (1, "", "boom"))
    monkeypatch.setenv("START_METHOD", "spawn")
    states = {check.name: check.state for check in before_class.check_pools()}
    assert states.pop("Pool, spawn") == FAILED
    assert set(states.values()) <= {WORTH_KNOWING}


def test_the_text_puts_each_remedy_below_its_line_and_counts_the_failures():
    checks = [Check("Python", OK, "3.13"), Check("disk", FAILED, "full", "Empty it.")]
    assert before_class.as_text(checks).splitlines() == [
        "ok             Python  3.13",
        "FAILED         disk    full",
        "                       to do: Empty it.",
        "",
        "1 of 2 checks failed: do what the line says, then check again.",
    ]


def test_what_is_worth_knowing_does_not_fail_the_check(monkeypatch, capsys):
    checks = [Check("nslookup", WORTH_KNOWING, "not found", "Install it.")]
    monkeypatch.setattr(before_class, "pre_class_check", lambda: checks)
    assert before_class.main() == 0
    assert capsys.readouterr().out.endswith("Nothing failed. This machine is ready for class.\n")


def test_a_failure_is_told_by_the_exit_code(monkeypatch):
    checks = [Check("Python", OK, "3.13"), Check("disk", FAILED, "full", "Empty it.")]
    monkeypatch.setattr(before_class, "pre_class_check", lambda: checks)
    assert before_class.main() == 1


def test_a_set_up_that_start_py_saw_fail_comes_first_and_is_not_ready_for_class(
    monkeypatch, capsys
):
    monkeypatch.setattr(before_class, "pre_class_check", lambda: [Check("Python", OK, "3.13")])
    assert before_class.main(*start.NOT_READY) == 1
    told = capsys.readouterr().out
    assert told.startswith("FAILED         set-up  .venv is missing, damaged or not up to date\n")
    assert "1 of 2 checks failed" in told


def test_the_whole_check_covers_what_a_lesson_needs():
    names = [check.name for check in before_class.pre_class_check()]
    wanted = ["Python", "packages", "imports", "start methods", "usable cores", "nslookup", "disk"]
    assert names[: len(wanted)] == wanted
    assert "Pool, spawn" in names


@given(
    st.text(max_size=12),
    st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}\Z"),
    st.text(max_size=30) | st.just("no.such~=1..2\npytest ~= .\nnumpy~=1.\n"),
)
@examples(40)
def test_no_version_and_no_list_of_requirements_can_break_the_check(version, pin, requirements):
    assert before_class.is_compatible(version, pin) in (True, False)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(requirements, "utf-8", "replace")
        assert before_class.check_packages(file).state in (OK, FAILED)


@given(TEXTS)
@examples(60)
def test_any_start_method_of_the_environment_is_checked(name):
    assert before_class.check_start_methods({"START_METHOD": name}).state in (OK, FAILED)
