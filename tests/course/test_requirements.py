"""The lists of requirements agree with each other and with the imports in the code."""

import ast
import functools
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import start
from helpers.before_class import OLDEST_PYTHON, is_compatible

COURSE = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMPATIBLE_RELEASE = re.compile(r"[A-Za-z][\w.-]*~=\d+(\.\d+)+")


def requirement_lines():
    lines = (COURSE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pinned(lines):
    """Return the names that some lines of requirements pin, spelt as package indexes spell them."""
    return {plain(name_in(line)) for line in lines}


def name_in(line):
    return re.match(r"[\w.-]+", line)[0]


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


STUDENTS_NEED = pinned(requirement_lines()[:-1])
EXTRAS = PROJECT["optional-dependencies"]
DASK = pinned(EXTRAS["dask"])
ON_DASK = {"cluster.py", "dask_worker.py", "13_beyond_one_machine.ipynb"}
"""Only lesson 13 and its helpers may need Dask, which is optional for students."""
TESTS_NEED = STUDENTS_NEED | pinned(EXTRAS["test"]) | DASK


# --- the lists ------------------------------------------------------------------------------------


def test_requirements_end_by_installing_this_checkout():
    assert requirement_lines()[-1] == "-e ."


def test_every_requirement_and_every_extra_is_a_compatible_release_pin():
    lines = sum(EXTRAS.values(), requirement_lines()[:-1])
    assert [line for line in lines if not COMPATIBLE_RELEASE.fullmatch(line)] == []


def test_the_course_needs_what_its_issue_lists():
    assert {"jupyterlab", "ipywidgets", "matplotlib", "nbval", "dnslib"} <= STUDENTS_NEED


def test_there_is_one_list_and_no_second_copy():
    assert "dependencies" not in PROJECT
    assert "dependencies" not in PROJECT.get("dynamic", [])
    for extra in EXTRAS.values():
        assert not pinned(extra) & STUDENTS_NEED


def test_conda_and_binder_take_everything_but_python_from_requirements():
    environment = yaml.safe_load((COURSE / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == [
        f"python{PROJECT['requires-python']}",
        "pip",
        {"pip": ["-r requirements.txt"]},
    ]
    assert environment["channels"] == ["conda-forge"]


def test_every_place_asks_for_the_same_oldest_python():
    oldest = PROJECT["requires-python"].removeprefix(">=")
    text = (COURSE / "start.py").read_text(encoding="utf-8")
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in text
    assert f"Python {oldest} or newer" in text
    assert ".".join(map(str, OLDEST_PYTHON)) == oldest
    workflow = (COURSE / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(workflow)["jobs"]["test"]["strategy"]["matrix"]["python"][0] == oldest


def test_what_is_installed_satisfies_its_pin():
    lines = [*requirement_lines()[:-1], *EXTRAS["test"], *EXTRAS["dask"]]
    pins = {plain(name_in(line)): line.partition("~=")[2] for line in lines}
    installed = {name: importlib.metadata.version(name) for name in pins}
    wrong = [
        f"{name} {version}, not ~={pins[name]}"
        for name, version in installed.items()
        if not is_compatible(version, pins[name])
    ]
    assert wrong == []


def test_ci_calls_the_test_command_of_start_py():
    text = (COURSE / ".ci" / "run").read_text(encoding="utf-8")
    assert text.rstrip().endswith('python3 start.py test "$@"')
    assert "bind9-dnsutils" in text
    assert "chromium" in text


# --- what the code imports ------------------------------------------------------------------------


def imports(source):
    """Return the top-level names of all modules that a Python text imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def source_of(path):
    """Return the Python code of a file, or of all the cells of a notebook without their magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    return "\n".join(line for line in "\n".join(cells).splitlines() if line[:1] not in ("%", "!"))


def foreign(path):
    """Return the modules that a file imports and that come neither from Python nor from us."""
    ours = {"conftest", "start", "helpers", "tests", "tools", "benchmarks", "teaching"}
    ours |= {file.stem for file in path.parent.glob("*.py")}
    return imports(source_of(path)) - set(sys.stdlib_module_names) - ours


def brought_by(names):
    """Return the packages named, and those that each of them requires.

    So matplotlib declares `import numpy`, and ipywidgets declares `import IPython`: they cannot be
    installed without these.
    """
    brought = set(names)
    for name in names:
        for requirement in importlib.metadata.requires(name) or []:
            if "extra ==" not in requirement:
                brought.add(plain(name_in(requirement)))
    return brought


@functools.cache
def packages_of_modules():
    """Return which packages each module may come from. It is read once, since that takes long."""
    return importlib.metadata.packages_distributions()


def undeclared(paths, declared):
    """Return what some files import although no list brings it, with the names of the files."""
    packages, allowed = packages_of_modules(), brought_by(declared)
    return {
        f"{path.name} imports {name}"
        for path in paths
        for name in foreign(path)
        if not allowed & {plain(package) for package in packages.get(name, [])}
    }


HELPERS = sorted((COURSE / "helpers").rglob("*.py")) + sorted(COURSE.glob("notebooks/*.ipynb"))
TESTS = [*(COURSE / "tests").rglob("*.py"), *(COURSE / "tools").rglob("*.py")]


def test_helpers_and_notebooks_import_only_what_requirements_declare():
    on_dask = [path for path in HELPERS if path.name in ON_DASK]
    assert undeclared(set(HELPERS) - set(on_dask), STUDENTS_NEED) == set()
    assert undeclared(on_dask, STUDENTS_NEED | DASK) == set()
    assert len(on_dask) == len(ON_DASK)


def test_only_the_lesson_on_dask_needs_dask():
    """The other files import neither the helpers that need Dask nor `hosts`, which starts them."""
    rooms = "|".join(sorted({Path(name).stem for name in ON_DASK} | {"hosts"}))
    named = re.compile(rf"(?m)^\s*(?:from|import) helpers.*(?:{rooms})")
    others = [path for path in HELPERS if path.name not in ON_DASK | {"hosts.py"}]
    assert [path.name for path in others if named.search(source_of(path))] == []


def test_tests_import_only_what_requirements_and_their_extras_declare():
    assert undeclared([*TESTS, COURSE / "conftest.py"], TESTS_NEED) == set()


def test_an_undeclared_import_is_noticed(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text("import os, numpy, hypothesis.strategies\nfrom surely_missing import x\n")
    wrong = {f"lesson.py imports {name}" for name in ("hypothesis", "surely_missing")}
    assert undeclared([path], STUDENTS_NEED) == wrong
    assert undeclared([path], TESTS_NEED) == {"lesson.py imports surely_missing"}


@pytest.mark.parametrize(
    "name",
    [
        "start.py",
        "helpers/__init__.py",
        "helpers/tasks.py",
        "helpers/child/recorder.py",
        "helpers/before_class.py",
        "helpers/machine.py",
        "helpers/mine_template.py",
    ],
)
def test_these_files_import_nothing_but_the_standard_library(name):
    # Two workers of lessons 9 and 10 import NumPy when they are called. The next test holds that
    # importing tasks.py does not load it.
    allowed = {"numpy"} if name == "helpers/tasks.py" else set()
    assert foreign(COURSE / name) <= allowed


@pytest.mark.parametrize(
    "modules", ["helpers.tasks", "helpers.child.recorder", "helpers.observed, helpers.tasks"]
)
def test_what_children_import_loads_no_heavy_package(modules):
    heavy = "{'numpy', 'matplotlib', 'ipywidgets', 'IPython', 'psutil', 'dnslib', 'pandas'}"
    program = f"import {modules}, sys; print(*sorted({heavy} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=COURSE, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == []


def test_python_starts_without_an_import_hook_of_this_checkout():
    # setuptools' other kind of editable install loads importlib machinery in every child.
    program = "import sys; print(*(m for m in sys.modules if m.startswith('__editable__')))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.split() == []


def test_the_extras_that_start_py_adds_exist():
    assert start.fingerprint("test") != start.fingerprint()
    assert start.fingerprint("dask") != start.fingerprint()
