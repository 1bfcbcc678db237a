"""Files that have the name of a library are told before they do harm."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import start
from helpers import before_class, in_the_way
from helpers.before_class import FAILED, OK

ROOT = Path(start.__file__).parent
GUARD = "".join(
    json.loads((ROOT / "notebooks" / "03_pool.ipynb").read_text("utf-8"))["cells"][1]["source"]
)
"""A lesson's first cell."""

FROM_A_KERNEL = (
    "import os, sys; sys.path.insert(sys.path.index(os.path.dirname(os.__file__)) + 1, '')"
)


def run_cells(folder: Path, *cells: str, **environment: str) -> tuple[str, str]:
    """Run cells where a kernel in this folder would look for modules: what they printed, the end.

    The kernel has loaded what a child loads.
    """
    program = "\n".join(["import multiprocessing.forkserver, json", FROM_A_KERNEL, *cells])
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout, "".join(done.stderr.splitlines()[-1:])


@pytest.mark.parametrize("name", ["queue.py", "random.py", "numpy.py", "matplotlib/__init__.py"])
def test_the_first_cell_names_a_file_that_has_the_name_of_a_library(tmp_path, name) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("print('my exercise')\n")
    said, end = run_cells(tmp_path, GUARD)
    assert said == ""
    file = str(tmp_path / name).removesuffix("/__init__.py")
    assert end.startswith(f"ImportError: {file} has the name of a library")


def test_the_first_cell_says_nothing_of_other_files(tmp_path) -> None:
    for name in ("mine.py", "turtle.py", "queue.txt", "my_queue.py"):
        (tmp_path / name).touch()
    (tmp_path / "queue").mkdir()
    assert run_cells(tmp_path, GUARD) == ("", "")


def test_the_first_cell_names_other_helpers_beside_the_lesson(tmp_path) -> None:
    (tmp_path / "helpers.py").touch()
    assert f"'helpers' ({tmp_path / 'helpers.py'})" in run_cells(tmp_path, GUARD)[1]


def test_the_first_cell_names_other_helpers_on_the_path(tmp_path) -> None:
    (tmp_path / "other" / "helpers").mkdir(parents=True)
    file = tmp_path / "other" / "helpers" / "__init__.py"
    file.touch()
    end = run_cells(tmp_path, GUARD, PYTHONPATH=str(tmp_path / "other"))[1]
    assert end.startswith("ImportError: cannot import name")
    assert str(file) in end
    assert "PYTHONPATH" in end


def test_without_the_course_the_first_cell_says_what_to_install(tmp_path) -> None:
    hidden = f"import sys; sys.path = [f for f in sys.path if f != {str(ROOT)!r}]"
    assert "requirements.txt" in run_cells(tmp_path, hidden, GUARD)[1]


EXPERIMENT = """
from helpers.observed import get_context
from helpers.tasks import square
if __name__ == "__main__":
    mp = get_context("spawn")
    with mp.Pool(2) as pool:
        print(pool.map(square, range(3)))
"""


@pytest.mark.parametrize("name", ["multiprocessing.py", "threading.py", "select/__init__.py"])
def test_no_child_starts_that_would_import_a_file_instead_of_a_library(tmp_path, name) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("print('my exercise')\n")
    said, end = run_cells(tmp_path, EXPERIMENT)
    assert said == ""
    file = str(tmp_path / name).removesuffix("/__init__.py")
    assert end.startswith(f"ImportError: {file} has the name of a library")


def test_a_file_that_no_child_would_import_is_left_alone(tmp_path) -> None:
    (tmp_path / "json.py").write_text("print('my exercise')\n")
    assert run_cells(tmp_path, EXPERIMENT) == ("[0, 1, 4]\n", "")


def test_a_program_that_imports_the_file_itself_is_left_alone(tmp_path) -> None:
    (tmp_path / "random.py").write_text("class Random: pass\n")
    first = "sys.path.insert(0, ''); import random; print('mine' if random.Random() else '')"
    check = "from helpers import in_the_way; in_the_way.check_children()"
    program = f"import sys; {first}; {check}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("mine\n", "")


def test_the_names_that_are_free_are_those_of_start_py() -> None:
    assert in_the_way.NEVER_IMPORTED == start.NEVER_IMPORTED


def test_a_folder_that_cannot_be_read_is_no_trouble(monkeypatch) -> None:
    def no_folder(*_):
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", no_folder)
    in_the_way.check_children()


# The pre-class check


def test_the_check_imports_as_a_lesson_does() -> None:
    assert before_class.check_imports().state == OK


@pytest.mark.parametrize("name", ["helpers.py", "queue.py", "numpy.py"])
def test_the_check_names_a_file_in_the_way(tmp_path, name) -> None:
    (tmp_path / name).touch()
    check = before_class.check_imports(tmp_path)
    assert check.state == FAILED
    assert str(tmp_path / name) in check.found
    assert "another name" in check.remedy


def test_the_check_names_other_helpers_on_the_path(tmp_path, monkeypatch) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = before_class.check_imports()
    assert check.state == FAILED
    assert str(tmp_path / "helpers") in check.found
    assert "PYTHONPATH" in check.remedy


def test_the_check_names_another_copy_of_the_course(tmp_path, monkeypatch) -> None:
    (tmp_path / "helpers").symlink_to(ROOT / "helpers")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = before_class.check_imports()
    assert (check.state, check.found) == (FAILED, f"lessons would use the course in {tmp_path}")
