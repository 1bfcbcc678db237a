"""The lists of what the course needs agree with each other and with what the code imports."""

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
ON_DASK = {"cluster.py", "cluster_aboard.py", "13_beyond_one_machine.ipynb"}
"""Only lesson 13 and its helpers may need Dask, which students may do without."""
TESTS_NEED = STUDENTS_NEED | pinned(EXTRAS["test"]) | DASK


# --- the lists ------------------------------------------------------------------------------------


def test_requirements_end_by_installing_this_checkout():
    assert requirement_lines()[-1] == "-e ."


@pytest.mark.parametrize("line", requirement_lines()[:-1])
def test_every_requirement_is_a_compatible_release_pin(line):
    assert COMPATIBLE_RELEASE.fullmatch(line)


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_every_extra_holds_compatible_release_pins(extra):
    lines = PROJECT["optional-dependencies"][extra]
    assert [line for line in lines if not COMPATIBLE_RELEASE.fullmatch(line)] == []


def test_the_course_needs_what_its_issue_lists():
    assert {"jupyterlab", "ipywidgets", "matplotlib", "nbval", "dnslib"} <= STUDENTS_NEED


def test_there_is_one_list_and_no_second_copy():
    assert "dependencies" not in PROJECT
    assert "dependencies" not in PROJECT.get("dynamic", [])
    for extra in PROJECT["optional-dependencies"].values():
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


@pytest.mark.parametrize("name", sorted(TESTS_NEED))
def test_what_is_installed_satisfies_its_pin(name):
    lines = [*requirement_lines()[:-1], *EXTRAS["test"], *EXTRAS["dask"]]
    [pin] = [line.partition("~=")[2] for line in lines if plain(name_in(line)) == name]
    assert is_compatible(importlib.metadata.version(name), pin)


def test_ci_calls_the_test_command_of_start_py():
    text = (COURSE / ".ci" / "run").read_text(encoding="utf-8")
    assert text.rstrip().endswith('python3 start.py test "$@"')
    assert "bind9-dnsutils" in text
    assert "chromium" in text


# --- what the code imports ------------------------------------------------------------------------


def imports(source):
    """Return the top-level names of all modules that some Python text imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def source_of(path):
    """Return the Python of a file; of a notebook, that of all its cells without the magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    return "\n".join(line for line in "\n".join(cells).splitlines() if line[:1] not in ("%", "!"))


def foreign(path):
    """Return the names of modules that a file imports and that come with neither Python nor us."""
    ours = {"conftest", "start", "helpers", "tests", "tools", "benchmarks"}
    ours |= {file.stem for file in path.parent.glob("*.py")}
    return imports(source_of(path)) - set(sys.stdlib_module_names) - ours


def brought_by(names):
    """Return the packages named, and those that each of them asks for by itself.

    So `import numpy` is declared by matplotlib, and `import IPython` by ipywidgets: neither can be
    installed without the other.
    """
    brought = set(names)
    for name in names:
        for requirement in importlib.metadata.requires(name) or []:
            if "extra ==" not in requirement:
                brought.add(plain(name_in(requirement)))
    return brought


@functools.cache
def packages_of_modules():
    """Return which packages each module may come from: read once, since that takes a while."""
    return importlib.metadata.packages_distributions()


def undeclared(path, declared):
    """Return what a file imports although no list brings it."""
    packages = packages_of_modules()
    allowed = brought_by(declared)
    return {
        name
        for name in foreign(path)
        if not allowed & {plain(package) for package in packages.get(name, [])}
    }


def ids(path):
    return path.relative_to(COURSE).as_posix()


HELPERS = sorted((COURSE / "helpers").glob("*.py")) + sorted(COURSE.glob("notebooks/*.ipynb"))
TESTS = [*sorted((COURSE / "tests").rglob("*.py")), *sorted((COURSE / "tools").rglob("*.py"))]


@pytest.mark.parametrize("path", HELPERS, ids=ids)
def test_helpers_and_notebooks_import_only_what_requirements_declare(path):
    extra = DASK if path.name in ON_DASK else set()
    assert undeclared(path, STUDENTS_NEED | extra) == set()


@pytest.mark.parametrize("path", HELPERS, ids=ids)
def test_only_the_lesson_on_dask_needs_dask(path):
    rooms = {name.removesuffix(".py") for name in ON_DASK} | {"hosts"}
    others = {f"helpers.{room}" for room in rooms}
    needed = {name for name in others if re.search(rf"\b{name}\b", source_of(path))}
    assert path.name in ON_DASK | {"hosts.py"} or not needed


@pytest.mark.parametrize("path", [*TESTS, COURSE / "conftest.py"], ids=ids)
def test_tests_import_only_what_requirements_and_their_extras_declare(path):
    assert undeclared(path, TESTS_NEED) == set()


def test_an_undeclared_import_is_noticed(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text("import os, numpy, hypothesis.strategies\nfrom surely_missing import x\n")
    assert undeclared(path, STUDENTS_NEED) == {"hypothesis", "surely_missing"}
    assert undeclared(path, TESTS_NEED) == {"surely_missing"}


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
    # Two workers of lessons 9 and 10 import NumPy when they are called; that importing tasks.py
    # loads none of it is held below.
    allowed = {"numpy"} if name == "helpers/tasks.py" else set()
    assert foreign(COURSE / name) <= allowed


def test_the_package_itself_is_empty_since_every_child_imports_it():
    tree = ast.parse((COURSE / "helpers" / "__init__.py").read_text(encoding="utf-8"))
    assert len(tree.body) == 1
    assert ast.get_docstring(tree)


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
