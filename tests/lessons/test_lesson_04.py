"""Statements of lesson 4 that its cells cannot show."""

import contextlib
import functools
import io
import os
import subprocess
import sys

import psutil
import pytest

from helpers import tasks
from helpers.external import get_subprocess
from helpers.lookups import find_nslookup, nslookup_command
from helpers.nameserver import MISSING, SILENT, NameServer
from helpers.observed import get_context
from helpers.schedule import predict
from helpers.script import run_script
from tests.support.without_nslookup import assert_same_without_nslookup

CALL = "import subprocess, sys\nprint('before')\nr = subprocess.call(sys.argv[1:])\nprint(r)\n"
SPEAK = [sys.executable, "-c", "print('child')"]


@pytest.fixture
def server():
    with NameServer() as server:
        yield server


def test_the_compared_text_is_the_same_without_nslookup(tmp_path):
    assert_same_without_nslookup("04_external_commands", tmp_path)


def test_call_writes_where_its_parent_writes_and_python_does_not_see_it(capfd):
    seen_by_python = io.StringIO()
    with contextlib.redirect_stdout(seen_by_python):
        assert subprocess.call(SPEAK) == 0
    assert seen_by_python.getvalue() == ""
    assert capfd.readouterr().out.split() == ["child"]


def test_the_script_shows_the_childs_lines_in_between():
    assert run_script(CALL, *SPEAK).stdout.split() == ["before", "child", "0"]


@pytest.mark.skipif(os.name != "posix", reason="signals are how POSIX ends a process")
def test_a_killed_command_has_exit_code_minus_nine(server):
    observed = get_subprocess()
    with pytest.raises(subprocess.TimeoutExpired):
        observed.run(nslookup_command(server, SILENT), capture_output=True, timeout=0.3)
    assert [process.exitcode for process in observed.timeline().processes] == [-9]


@pytest.mark.skipif(sys.platform == "win32", reason="the lesson says it of Linux and macOS")
def test_the_time_limit_of_run_reaches_the_command_and_not_what_that_has_started(tmp_path):
    shell_like = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))\n"
        "child.wait()\n"
    )
    note = tmp_path / "pid"
    for seconds in (0.5, 2, 8, 32):  # a busy machine needs longer to come that far
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run([sys.executable, "-c", shell_like, note], timeout=seconds)
        if note.exists() and note.read_text():
            break
    grandchild = psutil.Process(int(note.read_text()))
    try:
        with contextlib.suppress(psutil.TimeoutExpired):
            grandchild.wait(0.5)  # its end, if it were to end
        assert grandchild.status() != psutil.STATUS_ZOMBIE
    finally:
        grandchild.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="the lesson says it of Linux and macOS")
def test_an_unknown_name_ends_with_exit_code_one(server):
    done = subprocess.run(nslookup_command(server, MISSING), capture_output=True)
    assert done.returncode == 1


def test_seven_workers_are_no_better_than_four_for_eight_equal_lookups():
    seven, four = (predict([1.0] * 8, workers).makespan for workers in (7, 4))
    assert seven == four > predict([1.0] * 8, 8).makespan


def test_env_replaces_all_variables():
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    show = [sys.executable, "-c", "import os; print('LESSON' in os.environ, 'HOME' in os.environ)"]
    done = subprocess.run(show, env={"LESSON": "4", **kept}, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_note_says_where_to_get_nslookup(server, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = find_nslookup(server)
    assert found.stand_in
    assert "apt install bind9-dnsutils" in found.note


def test_look_up_returns_and_prints_the_exit_code(capsys):
    assert tasks.look_up([sys.executable, "-c", "raise SystemExit(3)"], 7) == 3
    assert capsys.readouterr().out == "Lookup 7: exit code 3\n"


def test_the_panels_run_gives_each_lookup_to_one_worker(server):
    mp = get_context()
    look_up = functools.partial(tasks.look_up, nslookup_command(server, "www.python.org"))
    with mp.Pool(2) as pool:
        assert pool.map(look_up, range(4), chunksize=1) == [0] * 4
    assert sorted(task.call for task in mp.timeline().tasks) == [f"look_up({i})" for i in range(4)]
