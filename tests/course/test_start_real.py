"""`start.py` for real: a small course, a real venv, a real pip, no network."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import start
from tests.support.small_course import (
    environment_of,
    is_the_lab,
    make_real_course,
    make_wheel,
    run_start,
)

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="no such signal and paths on Windows")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A small course that was set up for real, and what its first run said.

    The user's pip is set up to put packages elsewhere.
    """
    folder = tmp_path_factory.mktemp("real")
    course = make_real_course(folder)
    (folder / "pip.conf").write_text("[global]\nuser = true\n[install]\nno-deps = true\n")
    names = ["USER", "PREFIX", "ROOT", "REQUIRE_HASHES", "DRY_RUN", "REQUIREMENT", "QUIET"]
    settings = {f"PIP_{name}": "1" for name in names}
    settings["PIP_TARGET"] = str(folder / "elsewhere")
    settings["PIP_CONFIG_FILE"] = str(folder / "pip.conf")
    return course, run_start(course, "--no-browser", **settings)


@pytest.fixture
def course(real):
    """The course that was set up. Its list and its environment are as before after the test."""
    course, _ = real
    requirements = (course / "requirements.txt").read_text()
    yield course
    (course / "requirements.txt").write_text(requirements)


def packages_of(course):
    return next((course / ".venv").rglob("site-packages"))


def opens(course, *arguments, **more):
    """Tell whether start.py opens the course."""
    code, out, err = run_start(course, *arguments, **more)
    return (code, err) == (7, []) and is_the_lab(out, course, *arguments)


def test_a_first_run_sets_up_and_opens_from_any_folder(real):
    course, (code, out, err) = real
    assert (code, err) == (7, [])
    assert out[0].startswith("Making a virtual environment")
    assert is_the_lab(out, course, "--no-browser")
    assert list(course.glob(".venv*")) == [course / ".venv"]


def test_a_second_run_only_opens(course):
    said_by_pip = (course / "start-log.txt").stat().st_mtime_ns
    code, out, err = run_start(course, "--port", "9999")
    assert (code, len(out), err) == (7, 1, [])
    assert is_the_lab(out, course, "--port", "9999")
    assert (course / "start-log.txt").stat().st_mtime_ns == said_by_pip


def test_the_environment_works_where_it_was_moved(course):
    folder = (course / ".venv" / start.IN_VENV).parent
    for name in ("pip", "jupyterlab"):
        answer = subprocess.run([folder / name, "--version"], capture_output=True, text=True)
        assert (answer.returncode, answer.stderr) in ((0, ""), (1, "--version\n"))
    for file in [course / ".venv" / "pyvenv.cfg", *folder.iterdir()]:
        assert file.is_dir() or b".venv-new" not in file.read_bytes()


# --- damages are mended ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_real_set_up_that_was_broken_off_is_repaired(course):
    (course / ".venv" / "start-stamp.txt").write_text("unfinished")
    shutil.rmtree(packages_of(course) / "pip")
    assert opens(course)


@pytest.mark.parametrize(
    "lost", ["jupyterlab", pytest.param("jupyterlab-4.6.0.dist-info", marks=pytest.mark.slow)]
)
def test_an_environment_that_lost_something_is_repaired(course, lost):
    shutil.rmtree(packages_of(course) / lost)
    code, out, _ = run_start(course, "check")
    assert code == 1
    assert out[0].startswith("FAILED         set-up")
    assert "ready for class" not in "".join(out)
    assert opens(course)


@pytest.mark.slow
def test_what_a_killed_start_leaves_behind_stops_no_later_one(tmp_path):
    course = make_real_course(tmp_path)
    command = [sys.executable, course / "start.py"]
    with subprocess.Popen(command, env=environment_of(course), stdout=subprocess.DEVNULL) as first:
        while first.poll() is None and not list(course.rglob("site-packages/pip/__init__.py")):
            time.sleep(0.01)
        first.kill()
    assert not (course / ".venv").exists()
    assert opens(course)
    shutil.copytree(course / ".venv", course / ".venv-new-1")
    (course / ".venv" / "start-stamp.txt").unlink()
    shutil.rmtree(packages_of(course) / "pip" / "_internal")
    shutil.rmtree(next(packages_of(course).glob("pip-*.dist-info")))
    assert opens(course)
    assert list(course.glob(".venv*")) == [course / ".venv"]


@pytest.mark.slow
def test_packages_that_cannot_be_imported_are_told_and_never_take_their_place(tmp_path):
    course = make_real_course(tmp_path)
    make_wheel(tmp_path / "wheels", program="raise ImportError('no libffi on this machine')")
    code, _, err = run_start(course)
    assert (code, len(err)) == (1, 1)
    assert "no libffi on this machine" in err[0]
    assert not list(course.glob(".venv*"))


# --- without a network, or with another Python ----------------------------------------------------


def test_without_a_network_a_first_run_says_so_in_one_line(course):
    before = (course / "requirements.txt").read_text()
    (course / "requirements.txt").write_text("a-package-that-is-not-here~=1.0\n")
    code, _, err = run_start(course)
    (course / "requirements.txt").write_text(before)
    assert (code, len(err)) == (1, 1)
    assert "needs the network" in err[0]
    assert opens(course)


def other_python():
    """Return another Python of this machine that runs the course, or None."""
    for minor in range(11, 20):
        name = shutil.which(f"python3.{minor}")
        if name and minor != sys.version_info.minor:
            program = "import ensurepip, sys; print(*sys.version_info[:2], sep='.')"
            answer = subprocess.run([name, "-c", program], capture_output=True, text=True)
            if answer.stdout.strip() == f"3.{minor}":
                return name
    return None


def test_another_python_without_a_network_leaves_the_environment_as_it_is(course):
    if other_python() is None:
        pytest.skip("there is no other Python on this machine")
    answer = subprocess.run(
        [other_python(), course / "start.py"],
        env=environment_of(course, PIP_FIND_LINKS=""),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    assert "needs the network" in answer.stderr
    assert f"`python{start.this_version()} start.py` opens" in answer.stdout
    assert list(course.glob(".venv*")) == [course / ".venv"]
    code, out, _ = run_start(course)
    assert (code, len(out)) == (7, 1)


# --- the user's surroundings ----------------------------------------------------------------------


def test_settings_of_pip_that_cannot_work_here_do_not_stop_the_set_up(real):
    course, (code, _, err) = real
    assert (code, err) == (7, [])
    assert not (course.parent / "elsewhere").exists()


def test_a_failed_build_is_told_by_its_own_error(course, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
    )
    (tmp_path / "b.py").write_text('raise SystemExit("error: there is no gcc here")\n')
    (course / "requirements.txt").write_text(str(tmp_path))
    code, _, err = run_start(course)
    assert (code, len(err)) == (1, 1)
    assert "error: there is no gcc here" in err[0]


@pytest.mark.parametrize(
    "path", [".venv/start-stamp.txt", "start-log.txt", "requirements.txt", "pyproject.toml"]
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path, real, path):
    course = tmp_path / "course"
    shutil.copytree(real[0], course, symlinks=True)
    (course / path).unlink()
    (course / path).mkdir()
    code, out, err = run_start(course)
    assert (code, len(err)) == (1, 1), out
    assert path in err[0]
    assert "start again" in err[0]


def test_without_a_file_for_own_functions_the_course_opens(course):
    (course / "helpers" / "mine.py").unlink()
    (course / "helpers" / "mine.py.new").mkdir()
    code, out, err = run_start(course)
    (course / "helpers" / "mine.py.new").rmdir()
    assert (code, err) == (7, [])
    assert "mine.py cannot be written" in out[0]
    assert opens(course)


@pytest.mark.parametrize("name", ["random.py", "json.py", "subprocess.py", "notebooks/queue.py"])
@pytest.mark.parametrize("command", ["--version", "check"])
def test_a_file_named_like_a_library_is_told_with_its_name(course, name, command):
    (course / name).write_text("print('my exercise')\n")
    code, out, err = run_start(course, command)
    (course / name).unlink()
    [line] = [line for line in out + err if name in line]
    assert code == 1
    assert "has the name of a library" in line
    assert len(out + err) <= 2


@pytest.mark.slow
@POSIX_ONLY
def test_ctrl_c_while_packages_are_installed_leaves_nothing_half_made(tmp_path):
    course = make_real_course(tmp_path)
    command = [sys.executable, course / "start.py"]
    first = subprocess.Popen(
        command,
        env=environment_of(course),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with first:
        while first.poll() is None and not list(course.rglob("site-packages/pip/__init__.py")):
            time.sleep(0.01)
        os.killpg(first.pid, signal.SIGINT)
        assert first.stderr.read().splitlines()[-1].startswith("Stopped. Nothing is lost")
    assert not list(course.glob(".venv*"))
