"""`start.py`: one command sets up the course and opens it, one runs the tests, one checks."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client import KernelManager

import start
from tests.support.small_course import PYPROJECT, SOURCE, PretendedCourse, add_package

REAL_MAKE_VENV = start.make_venv
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal on Windows")


# --- the stamp, with a pip that only pretends -----------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    return PretendedCourse(tmp_path / "course", monkeypatch)


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
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


def test_an_environment_whose_python_is_gone_is_made_anew(course):
    start.set_up()
    start.PYTHON.unlink()
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2


def test_the_stamp_says_unfinished_while_pip_works(course):
    start.set_up()
    seen = []
    course.meanwhile = lambda: seen.append(start.stamped(start.VENV))
    start.set_up("test")
    assert seen == [["unfinished"]]


def test_a_set_up_broken_off_in_the_middle_begins_with_a_new_environment(course):
    start.set_up()
    start.write_stamp(start.VENV, ["unfinished"])
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


def test_an_environment_made_by_hand_is_kept_and_completed(course):
    course.make_venv(start.VENV)
    start.set_up()
    assert (course.made, len(course.installed)) == (1, 1)
    assert start.is_ready()


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


# --- a new environment is made beside the old one -------------------------------------------------


@pytest.fixture
def other(course, monkeypatch):
    """A course whose environment belongs to another Python, and a start that notices this."""
    start.set_up()
    (start.VENV / "of the other").touch()
    monkeypatch.setattr(start, "this_version", lambda: "3.99")
    return course


def test_another_pythons_environment_is_whole_while_the_new_one_is_filled(other):
    seen = []
    other.meanwhile = lambda: seen.append((start.VENV / "of the other").exists())
    start.set_up()
    assert seen == [True]
    assert not (start.VENV / "of the other").exists()


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, OSError])
def test_another_pythons_environment_stays_if_the_new_one_cannot_be_made(other, end):
    def give_up():
        raise end

    other.meanwhile = give_up
    with pytest.raises(end):
        start.set_up()
    assert (start.VENV / "of the other").exists()
    assert start.lost(start.VENV) == []
    assert list(start.HERE.glob(".venv*")) == [start.VENV]


def test_an_environment_whose_packages_cannot_be_imported_does_not_take_its_place(other):
    other.broken = "ImportError: no libffi"
    with pytest.raises(SystemExit, match="installed, but ImportError: no libffi"):
        start.set_up()
    assert (start.VENV / "of the other").exists()


def test_it_is_told_which_python_still_opens_the_course(other, monkeypatch, capsys):
    made = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(start, "run_quietly", lambda *command: made)
    REAL_MAKE_VENV()
    assert f"`python{other.python} start.py` opens" in capsys.readouterr().out


def test_a_new_environments_scripts_name_the_place_where_it_ends(course):
    start.set_up()
    assert start.PYTHON.read_text() == f"#!{start.VENV}/bin/python"


def test_a_start_killed_between_two_renames_loses_nothing(course):
    start.set_up()
    start.VENV.rename(start.OLD)
    start.set_up()
    assert course.made == 1
    assert start.is_ready()


def test_what_killed_starts_left_behind_goes_with_the_next_new_environment(course):
    (course.folder / ".venv-new-1" / "bin").mkdir(parents=True)
    start.set_up()
    assert list(course.folder.glob(".venv*")) == [start.VENV]


# --- ready is a look, not only a stamp ------------------------------------------------------------


def damage(name):
    """Damage .venv in the way named."""
    packages = start.packages_folder(start.VENV)
    about = packages / "jupyterlab-1.0.dist-info"
    match name:
        case "a package is gone":
            shutil.rmtree(packages / "jupyterlab")
        case "what pip wrote about a package is gone":
            shutil.rmtree(about)
        case "one file is gone":
            (packages / "jupyterlab" / "__init__.py").unlink()
        case "one file is empty":
            (packages / "jupyterlab" / "__init__.py").write_text("")
        case "the metadata are gone":
            (about / "METADATA").unlink()
        case "the list of files is gone":
            (about / "RECORD").unlink()
        case "the list of files is empty":
            (about / "RECORD").write_text("")
        case "pip is gone":
            shutil.rmtree(packages / "pip-1.0.dist-info")
        case "everything is gone":
            shutil.rmtree(packages)


@pytest.mark.parametrize(
    "name",
    [
        "a package is gone",
        "what pip wrote about a package is gone",
        "one file is gone",
        "one file is empty",
        "the metadata are gone",
        "the list of files is gone",
        "the list of files is empty",
        "pip is gone",
        "everything is gone",
    ],
)
def test_a_damaged_environment_is_not_ready_and_made_anew(course, name):
    start.set_up()
    damage(name)
    assert not start.is_ready()
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


def test_what_may_be_lost_or_added_is_no_damage(course):
    start.set_up()
    packages = start.packages_folder(start.VENV)
    shutil.rmtree(packages / "jupyterlab" / "__pycache__", ignore_errors=True)
    add_package(start.VENV, "the_students_own")
    (packages / "jupyterlab-1.0.dist-info").rename(packages / "jupyterlab-1.1.dist-info")
    record = packages / "jupyterlab-1.1.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("jupyterlab-1.0", "jupyterlab-1.1"))
    (packages / "jupyterlab" / "__init__.py").write_text("x = 1  # looked at by a teacher\n")
    assert start.lost(start.VENV) == []
    assert start.is_ready()


def test_a_file_that_a_package_lists_and_never_brought_is_not_lost(course):
    def pip_without_a_file(python, *arguments):
        exitcode = course.pip(python, *arguments)
        (start.packages_folder(start.NEW) / "jupyterlab" / "__init__.py").unlink()
        return exitcode

    course.monkeypatch.setattr(start, "pip", pip_without_a_file)
    start.set_up()
    assert start.is_ready()
    (start.packages_folder(start.VENV) / "jupyterlab" / "empty.py").unlink()
    assert start.lost(start.VENV) == ["jupyterlab/empty.py"]


def test_an_environment_half_made_by_an_earlier_start_py_is_made_anew(course):
    course.make_venv(start.VENV)
    (start.packages_folder(start.VENV) / "pip-1.0.dist-info" / "RECORD").unlink()
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


def test_an_update_after_which_nothing_can_be_imported_is_made_anew(course):
    start.set_up()

    def import_error(python):
        return "ImportError" if start.VENV in python.parents else ""

    course.monkeypatch.setattr(start, "import_error", import_error)
    start.set_up("test")
    assert course.made == 2
    assert start.is_ready("test")


def test_every_package_of_the_list_is_imported_under_its_own_name(monkeypatch):
    programs = []
    answer = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(
        start, "run_quietly", lambda python, *options: programs.append(options[1]) or answer
    )
    assert start.import_error(Path(sys.executable)) == ""
    [program] = programs
    exec(program, {})
    assert {"import jupyterlab", "import psutil"} <= set(program.splitlines())


# --- a student's files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "random.py",
        "notebooks/queue.py",
        "notebooks/multiprocessing.py",
        "notebooks/helpers.py",
        "notebooks/helpers/__init__.py",
        "notebooks/jupyterlab.py",
    ],
)
def test_a_file_named_like_a_library_is_told_before_anything_else(course, commands, capsys, name):
    start.set_up()
    (course.folder / name).parent.mkdir(exist_ok=True)
    (course.folder / name).touch()
    told = name.removesuffix("/__init__.py")
    with pytest.raises(SystemExit, match=f"^{told} has the name of a library.* another name"):
        start.main([])
    assert start.main(["check"]) == 1
    assert told in capsys.readouterr().out
    assert commands == []


def test_other_files_of_a_student_are_welcome(course):
    for name in ("mine.py", "turtle.py", "test.py", "random.txt", "random.ipynb", "tests.py"):
        (course.folder / "notebooks" / name).touch()
    (course.folder / "notebooks" / "queue").mkdir()
    assert start.files_in_the_way() == []


def test_no_file_of_the_course_is_in_the_way():
    assert start.files_in_the_way() == []


# --- what the set-up writes -----------------------------------------------------------------------


def test_jupyterlab_does_not_ask_about_news(course):
    start.set_up()
    file = start.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings = json.loads(file.read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_a_kernel_does_not_warn_of_tcp_but_of_all_else(course, tmp_path):
    ipython = tmp_path / "ipython"
    start.set_up()
    settings = start.VENV / "etc" / "ipython" / "ipython_kernel_config.py"
    shutil.copytree(settings.parent, ipython / "profile_default")
    (ipython / "profile_default" / "startup").mkdir()
    (ipython / "profile_default" / "startup" / "warn.py").write_text(
        "get_ipython().kernel.parent.log.warning('of something else')\n"
    )
    kernel = KernelManager()
    with open(tmp_path / "stderr", "w+", encoding="utf-8") as stderr:
        kernel.start_kernel(stderr=stderr, env={**os.environ, "IPYTHONDIR": str(ipython)})
        try:
            client = kernel.client()
            client.start_channels()
            client.wait_for_ready(timeout=60)
            client.stop_channels()
        finally:
            kernel.shutdown_kernel()
        stderr.seek(0)
        said = stderr.read()
    assert "of something else" in said
    assert "without encryption" not in said


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


def test_a_file_for_the_student_that_cannot_be_written_does_not_stop_the_course(course, capsys):
    (course.folder / "helpers" / "mine.py.new").mkdir()
    start.set_up()
    assert start.is_ready()
    assert "mine.py cannot be written" in capsys.readouterr().out
    assert not (course.folder / "helpers" / "mine.py").exists()


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


def test_what_follows_teach_is_handed_to_the_teachers_pack(course, commands):
    assert start.main(["teach", "03", "--no-browser"]) == 7
    assert commands == [(start.PYTHON, "-m", "teaching", "teach", "03", "--no-browser")]
    assert start.is_ready("teach", "dask")


def test_what_follows_grade_is_handed_to_the_grading(course, commands):
    assert start.main(["grade", "class"]) == 7
    assert commands == [(start.PYTHON, "-m", "teaching", "grade", "class")]
    assert start.is_ready("teach", "dask")


def test_the_check_runs_with_the_environments_own_python(course, commands):
    start.set_up()
    start.main(["check"])
    assert commands == [(start.PYTHON, "-m", "helpers.before_class")]


def test_the_check_tells_that_the_set_up_is_missing_and_goes_on(course, commands):
    start.main(["check"])
    assert commands == [(sys.executable, "-m", "helpers.before_class", *start.NOT_READY)]
    assert start.NOT_READY[:2] == ["set-up", ".venv is missing, damaged or not up to date"]
    assert course.installed == []


def test_the_check_imports_the_packages_and_what_fails_is_made_anew_by_the_next_start(
    course, commands
):
    start.set_up()
    course.broken = "ImportError"
    start.main(["check"])
    assert commands == [(start.PYTHON, "-m", "helpers.before_class", *start.NOT_READY)]
    course.broken = ""
    start.set_up()
    assert course.made == 2
    assert start.is_ready()


@pytest.mark.parametrize(
    ("ready", "found", "expected"), [(True, 0, 0), (True, 1, 1), (False, 0, 1), (False, 1, 1)]
)
def test_the_check_succeeds_only_when_nothing_failed(course, monkeypatch, ready, found, expected):
    monkeypatch.setattr(start, "run", lambda *command: found)
    if ready:
        start.set_up()
    assert start.main(["check"]) == expected


def test_an_unknown_word_is_refused_before_anything_is_installed(course, commands):
    with pytest.raises(SystemExit, match="but not `tset`"):
        start.main(["tset"])
    assert (commands, course.installed) == ([], [])


def test_help_is_given_without_a_set_up(course, commands, capsys):
    assert start.main(["--help"]) == 0
    assert "start.py check" in capsys.readouterr().out
    assert (commands, course.installed) == ([], [])


def test_help_is_given_by_a_python_that_drops_docstrings():
    program = [sys.executable, "-OO", SOURCE, "--help"]
    answer = subprocess.run(program, capture_output=True, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == start.HELP + "\n"


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
    monkeypatch.setattr(start, "NEW", tmp_path / ".venv")
    monkeypatch.setattr(start, "has_module", lambda name: name != missing)
    with pytest.raises(SystemExit) as stop:
        start.make_venv()
    assert f"apt install python{start.this_version()}-venv" in stop.value.code
    assert "\n" not in stop.value.code
    assert not start.NEW.exists()


def test_modules_are_looked_for_without_importing_them():
    assert start.has_module("venv")
    assert not start.has_module("no_such_module")


def test_a_folder_that_cannot_be_written_to_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(start, "NEW", tmp_path / "file" / ".venv")
    with pytest.raises(SystemExit) as stop:
        start.make_venv()
    assert "can be written to" in stop.value.code
    assert "\n" not in stop.value.code


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
import os, signal, sys, time
def leave(number, frame):
    os.write(1, b"leaving\\n")  # print may still be at work on "ready" when the signal arrives
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
