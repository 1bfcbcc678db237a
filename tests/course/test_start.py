"""`start.py`: one command sets up the course and opens it, one runs the tests, one checks."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import start

SOURCE = Path(start.__file__)
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal on Windows")

PYPROJECT = """
[project]
name = "small"
[project.optional-dependencies]
test = ["pytest~=9.0"]
dask = ["distributed~=2026.1"]
bench = []
"""


def make_course(folder, requirements):
    """Write the few files that start.py looks at."""
    (folder / "helpers").mkdir(parents=True)
    shutil.copy(SOURCE, folder)
    for name in ("__init__.py", "before_class.py", "machine.py", "mine_template.py"):
        shutil.copy(SOURCE.parent / "helpers" / name, folder / "helpers")
    (folder / "requirements.txt").write_text(requirements)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


# --- the stamp, with a pip that only pretends -----------------------------------------------------


class Course:
    """A small course in a folder of its own, in whose name `start` then acts."""

    def __init__(self, folder, monkeypatch):
        self.folder = make_course(folder, "jupyterlab~=4.6\n")
        self.monkeypatch = monkeypatch
        self.installed = []  # what pip was asked for, each time
        self.made = 0  # how often .venv was made anew
        self.exitcode = 0
        self.stamp_meanwhile = None
        self.enter(folder)
        monkeypatch.setattr(start, "pip", self.pip)
        monkeypatch.setattr(start, "make_venv", self.make_venv)
        monkeypatch.setattr(
            start, "venv_version", lambda: start.this_version() if start.PYTHON.exists() else ""
        )

    def enter(self, folder):
        for name in ("VENV", "PYTHON", "STAMP", "LOG"):
            inside = getattr(start, name).relative_to(start.HERE)
            self.monkeypatch.setattr(start, name, folder / inside)
        self.monkeypatch.setattr(start, "HERE", folder)
        self.folder = folder

    def make_venv(self):
        self.made += 1
        shutil.rmtree(start.VENV, ignore_errors=True)
        start.PYTHON.parent.mkdir(parents=True)
        start.PYTHON.touch()

    def pip(self, *arguments):
        self.installed.append(arguments)
        self.stamp_meanwhile = start.stamped()
        start.LOG.write_text("ERROR: it broke.\n" if self.exitcode else "fine\n")
        return self.exitcode


@pytest.fixture
def course(tmp_path, monkeypatch):
    return Course(tmp_path / "course", monkeypatch)


def test_the_first_set_up_makes_the_environment_and_installs_the_list(course):
    assert not start.is_ready()
    start.set_up()
    assert course.made == 1
    assert course.installed == [("install", "-r", "requirements.txt")]
    assert start.is_ready()


def test_the_second_set_up_installs_nothing(course):
    start.set_up()
    start.set_up()
    assert (course.made, len(course.installed)) == (1, 1)


def test_a_command_that_needs_an_extra_adds_it_to_what_is_there(course):
    start.set_up()
    assert not start.is_ready("test")
    start.set_up("test")
    assert course.made == 1
    assert course.installed[1] == ("install", "-r", "requirements.txt", "-e", ".[test]")
    assert start.is_ready("test")
    assert start.is_ready()


def test_a_changed_list_is_installed_into_the_same_environment(course):
    start.set_up()
    (course.folder / "requirements.txt").write_text("jupyterlab~=4.7\n")
    assert not start.is_ready()
    start.set_up()
    assert (course.made, len(course.installed)) == (1, 2)


def test_a_changed_extra_is_installed_only_for_who_uses_it(course):
    start.set_up("test")
    text = PYPROJECT.replace("pytest~=9.0", "pytest~=9.1")
    (course.folder / "pyproject.toml").write_text(text)
    assert start.is_ready()
    assert not start.is_ready("test")


def test_other_settings_in_pyproject_do_not_matter(course):
    start.set_up("test")
    (course.folder / "pyproject.toml").write_text(PYPROJECT + "[tool.ruff]\nline-length = 99\n")
    assert start.is_ready("test")


def test_an_extra_without_packages_is_still_an_extra_of_its_own(course):
    start.set_up()
    assert not start.is_ready("bench")


def test_a_course_that_was_moved_is_set_up_anew(course, tmp_path):
    start.set_up()
    course.folder.rename(tmp_path / "elsewhere")
    course.enter(tmp_path / "elsewhere")
    assert not start.is_ready()


def test_another_python_gets_a_new_environment(course, monkeypatch):
    start.set_up()
    monkeypatch.setattr(start, "this_version", lambda: "3.99")
    monkeypatch.setattr(start, "venv_version", lambda: "3.11")
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2


def test_an_environment_whose_python_is_gone_is_made_anew(course):
    start.set_up()
    start.PYTHON.unlink()
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2


def test_the_stamp_says_unfinished_while_pip_works(course):
    start.set_up()
    assert course.stamp_meanwhile == ["unfinished"]


def test_a_set_up_broken_off_in_the_middle_begins_with_a_new_environment(course):
    start.set_up()
    start.write_stamp(["unfinished"])
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


def test_an_environment_made_by_hand_is_kept_and_completed(course):
    course.make_venv()
    start.set_up()
    assert (course.made, len(course.installed)) == (1, 1)


def test_a_first_set_up_that_pip_gives_up_is_tried_again(course):
    course.exitcode = 1
    with pytest.raises(SystemExit, match="it broke"):
        start.set_up()
    assert not start.is_ready()
    course.exitcode = 0
    start.set_up()
    assert start.is_ready()


def test_when_an_update_fails_what_worked_before_still_works(course):
    start.set_up()
    before = (course.folder / "requirements.txt").read_text()
    (course.folder / "requirements.txt").write_text("jupyterlab~=5.0\n")
    course.exitcode = 1
    with pytest.raises(SystemExit):
        start.set_up()
    assert not start.is_ready()
    (course.folder / "requirements.txt").write_text(before)
    assert start.is_ready()


def test_jupyterlab_does_not_ask_about_news(course):
    start.set_up()
    file = start.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings = json.loads(file.read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_student_gets_a_file_for_their_own_functions(course):
    start.set_up()
    mine = course.folder / "helpers" / "mine.py"
    assert mine.read_text() == (course.folder / "helpers" / "mine_template.py").read_text()


def test_the_students_own_file_is_never_overwritten(course):
    start.set_up()
    mine = course.folder / "helpers" / "mine.py"
    mine.write_text("# my work\n")
    (course.folder / "requirements.txt").write_text("jupyterlab~=4.7\n")
    start.set_up()
    assert mine.read_text() == "# my work\n"


def test_a_lost_file_of_the_student_comes_back_without_a_new_set_up(course):
    start.set_up()
    (course.folder / "helpers" / "mine.py").unlink()
    start.set_up()
    assert (course.folder / "helpers" / "mine.py").exists()
    assert len(course.installed) == 1


def test_the_template_is_a_module_with_an_example_that_works(capsys):
    from helpers import mine_template

    assert mine_template.double(21) == 42
    assert mine_template.__doc__


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def commands(course, monkeypatch):
    """What would have been run, and an exit code of 7 each time."""
    run = []
    monkeypatch.setattr(start, "run", lambda *command: run.append(command) or 7)
    return run


def test_what_follows_is_handed_to_jupyterlab(commands):
    assert start.main(["--no-browser", "--port", "9999"]) == 7
    [command] = commands
    assert command[:3] == (start.PYTHON, "-m", "jupyterlab")
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in command
    assert command[-3:] == ("--no-browser", "--port", "9999")


def test_without_arguments_the_course_opens(commands):
    start.main([])
    assert commands == [(start.PYTHON, *start.LAB)]


def test_the_page_that_opens_first_exists():
    page = start.LAB[-1].partition("/lab/tree/")[2]
    assert (SOURCE.parent / page).is_file()


def test_the_token_of_jupyterlab_is_left_on():
    assert not [option for option in start.LAB if "token" in option or "password" in option]


def test_what_follows_test_is_handed_to_pytest(course, commands):
    assert start.main(["test", "tests/course/test_start.py", "-x"]) == 7
    [command] = commands
    assert command[:3] == (start.PYTHON, "-m", "pytest")
    assert command[-2:] == ("tests/course/test_start.py", "-x")
    assert start.is_ready("test")


def test_the_cells_of_a_notebook_stay_together_where_two_tests_run_at_a_time(course, commands):
    start.main(["test"])
    assert {"--numprocesses=2", "--dist=loadfile"} <= set(commands[0])


def test_what_wants_the_machine_to_itself_comes_last(course, commands):
    start.main(["test"])
    assert "--no-loadscope-reorder" in commands[0]
    program = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "tests/course/test_seats.py",
        "tests/course/test_start.py",
    ]
    asked = subprocess.run(program, cwd=SOURCE.parent, capture_output=True, text=True)
    names = [line for line in asked.stdout.splitlines() if "::" in line]
    seats = [name.startswith("tests/course/test_seats.py") for name in names]
    assert seats == sorted(seats)
    assert any(seats)
    assert not all(seats)


def test_the_tests_have_dask_and_the_course_itself_does_without(course, commands):
    start.main([])
    assert not start.is_ready("dask")
    start.main(["test"])
    assert start.is_ready("dask")


def test_what_follows_bench_is_handed_to_the_benchmarks(course, commands):
    assert start.main(["bench", "frame_20", "--json", "now.json"]) == 7
    assert commands == [(start.PYTHON, "-m", "benchmarks", "frame_20", "--json", "now.json")]
    assert start.is_ready("bench")


def test_the_check_runs_with_the_environments_own_python(course, commands):
    start.set_up()
    start.main(["check"])
    assert commands == [(start.PYTHON, "-m", "helpers.before_class")]


def test_the_check_tells_that_the_set_up_is_missing_and_goes_on(course, commands, capsys):
    start.main(["check"])
    assert commands == [(sys.executable, "-m", "helpers.before_class")]
    assert "set-up: .venv is missing" in capsys.readouterr().out
    assert course.installed == []


@pytest.mark.parametrize(
    ("ready", "found", "expected"), [(True, 0, 0), (True, 1, 1), (False, 0, 1), (False, 1, 1)]
)
def test_the_check_succeeds_only_when_nothing_failed(course, monkeypatch, ready, found, expected):
    monkeypatch.setattr(start, "run", lambda *command: found)
    if ready:
        start.set_up()
    assert start.main(["check"]) == expected


def test_an_unknown_word_is_refused_before_anything_is_installed(course, commands):
    with pytest.raises(SystemExit, match="knows `test`, `check` and `bench`, but not `tset`"):
        start.main(["tset"])
    assert (commands, course.installed) == ([], [])


def test_help_is_given_without_a_set_up(course, commands, capsys):
    assert start.main(["--help"]) == 0
    assert "start.py check" in capsys.readouterr().out
    assert (commands, course.installed) == ([], [])


# --- what it cannot do, it says -------------------------------------------------------------------


def test_an_old_python_can_read_the_file():
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_an_old_python_is_told_so_in_one_line():
    program = (
        "import sys, runpy; sys.version_info = (3, 8, 18, 'final', 0); sys.argv = ['start.py'];"
        f"runpy.run_path({str(SOURCE)!r}, run_name='__main__')"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1
    assert "needs Python 3.11 or newer, and this is Python 3.8: install" in answer.stderr


def test_nothing_is_imported_before_the_version_is_checked():
    first, second, *_ = (node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body[1:])
    assert ast.unparse(first) == "import sys"
    assert isinstance(second, ast.If)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_in_one_line(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "has_module", lambda name: name != missing)
    with pytest.raises(SystemExit) as stop:
        start.make_venv()
    assert f"apt install python{start.this_version()}-venv" in stop.value.code
    assert "\n" not in stop.value.code
    assert not start.VENV.exists()


def test_modules_are_looked_for_without_importing_them():
    assert start.has_module("venv")
    assert not start.has_module("no_such_module")


def test_a_folder_that_cannot_be_written_to_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(start, "VENV", tmp_path / "file" / ".venv")
    with pytest.raises(SystemExit) as stop:
        start.make_venv()
    assert "can be written to" in stop.value.code
    assert "\n" not in stop.value.code


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\n",
            "needs the network",
        ),
        ("ERROR: Could not find x (from versions: none)\n", "needs the network"),
        ("ERROR: Could not install: [Errno 28] No space left on device\n", "The disk is full"),
        ("Collecting x\nERROR: x needs another Python.\nmore\n", "x needs another Python. Read"),
        ("Killed\n", "Killed. Read"),
        ("", "it did not say why. Read"),
    ],
)
def test_the_reason_why_pip_gave_up_is_one_line_with_a_remedy(log, expected):
    said = start.explain(log)
    assert expected in said
    assert "start again" in said
    assert "\n" not in said


# --- running a program ----------------------------------------------------------------------------


def started(program):
    """Let `start.run` run a Python text, in a process group of its own."""
    code = f"import start, sys; sys.exit(start.run(sys.executable, '-c', {program!r}))"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=SOURCE.parent,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("exitcode", [0, 1, 5])
def test_the_exit_code_is_passed_on(exitcode):
    with started(f"raise SystemExit({exitcode})") as process:
        assert process.wait() == exitcode


def test_programs_run_in_the_folder_of_the_course():
    with started("import os; print(os.getcwd())") as process:
        assert Path(process.stdout.readline().strip()).samefile(SOURCE.parent)


@POSIX_ONLY
def test_a_program_that_was_killed_gives_128_and_the_signals_number():
    with started("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") as process:
        assert process.wait() == 128 + signal.SIGKILL


WAITING = """
import signal, sys, time
def leave(number, frame):
    print("leaving", flush=True)
    sys.exit(9)
signal.signal(signal.{name}, leave)
print("ready", flush=True)
time.sleep(60)
"""


@POSIX_ONLY
def test_ctrl_c_lets_the_program_end_in_its_own_way():
    with started(WAITING.format(name="SIGINT")) as process:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everybody gets it
        assert process.stdout.read() == "leaving\n"
        assert process.wait() == 9


@POSIX_ONLY
def test_the_program_starts_with_the_usual_meaning_of_ctrl_c():
    with started("import signal; print(signal.getsignal(signal.SIGINT))") as process:
        assert "default_int_handler" in process.stdout.readline()


@POSIX_ONLY
def test_ending_start_py_ends_the_program():
    with started(WAITING.format(name="SIGTERM")) as process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.read() == "leaving\n"
        assert process.wait() == 9


# --- for real: a small course, a real venv, a real pip, no network --------------------------------


def make_wheel(folder):
    """Write a package called jupyterlab that only tells how it was started."""
    name = folder / "jupyterlab-4.6.0-py3-none-any.whl"
    told = "import os, sys\nprint(sys.prefix, os.getcwd(), *sys.argv[1:], sep='|')\nsys.exit(7)\n"
    about = "Metadata-Version: 2.1\nName: jupyterlab\nVersion: 4.6.0\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(name, "w") as file:
        file.writestr("jupyterlab/__main__.py", told)
        file.writestr("jupyterlab-4.6.0.dist-info/METADATA", about)
        file.writestr("jupyterlab-4.6.0.dist-info/WHEEL", wheel)
        file.writestr("jupyterlab-4.6.0.dist-info/RECORD", "")
    return name


def run_start(folder, *arguments):
    """Run start.py of a small course as a student would, with a pip that asks no index."""
    answer = subprocess.run(
        [sys.executable, folder / "start.py", *arguments],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return answer.returncode, answer.stdout.splitlines(), answer.stderr.splitlines()


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A small course that was set up for real, and what its first run said."""
    folder = tmp_path_factory.mktemp("real") / "my course"  # with a blank, as students have it
    make_course(folder, "./jupyterlab-4.6.0-py3-none-any.whl\n")
    make_wheel(folder)
    return folder, run_start(folder, "--no-browser")


def is_the_lab(lines, folder, *arguments):
    """Tell whether the last line is that of our jupyterlab, run as it should."""
    prefix, where, *rest = lines[-1].split("|")
    return (
        Path(prefix).samefile(folder / ".venv")
        and Path(where).samefile(folder)
        and rest == [*start.LAB[2:], *arguments]
    )


def test_a_first_run_sets_up_and_opens_from_any_folder(real):
    folder, (code, out, err) = real
    assert (code, err) == (7, [])
    assert out[0].startswith("Making a virtual environment")
    assert is_the_lab(out, folder, "--no-browser")


def test_a_second_run_only_opens(real):
    folder, _ = real
    said_by_pip = (folder / ".venv" / "start-log.txt").stat().st_mtime_ns
    code, out, err = run_start(folder, "--port", "9999")
    assert (code, len(out), err) == (7, 1, [])
    assert is_the_lab(out, folder, "--port", "9999")
    assert (folder / ".venv" / "start-log.txt").stat().st_mtime_ns == said_by_pip


def test_a_real_set_up_that_was_broken_off_is_repaired(real):
    folder, _ = real
    (folder / ".venv" / "start-stamp.txt").write_text("unfinished")
    shutil.rmtree(next((folder / ".venv").rglob("site-packages")) / "pip")
    code, out, _ = run_start(folder)
    assert code == 7
    assert is_the_lab(out, folder)


def test_without_a_network_a_first_run_says_so_in_one_line(real):
    folder, _ = real
    before = (folder / "requirements.txt").read_text()
    (folder / "requirements.txt").write_text("a-package-that-is-not-here~=1.0\n")
    code, _, err = run_start(folder)
    (folder / "requirements.txt").write_text(before)
    assert (code, len(err)) == (1, 1)
    assert "needs the network" in err[0]
    assert run_start(folder)[0] == 7
