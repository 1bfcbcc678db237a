"""The rooms of helpers/: who may know whom, and what a child has to load."""

import ast
import fnmatch
import re
import sys
from pathlib import Path

import pytest

import helpers
from helpers.observed import get_context
from tests import workers
from tests.methods import METHODS
from tests.test_properties import unheld

FOLDER = Path(helpers.__file__).parent
ROOMS = {path.stem: ast.parse(path.read_text("utf-8")) for path in FOLDER.glob("*.py")}
LOADED_BY_CHILDREN = [
    "__init__", "tasks", "mine_template", "flight", "cargo", "aboard",
    "checks", "processes", "pools", "messages", "observed",
]  # fmt: skip
UNNAMED = {"__init__", "mine_template", "do_fork"}
FAT = {"numpy", "matplotlib", "ipywidgets", "IPython", "psutil", "PIL", "traitlets"}


def imported(tree: ast.Module, at_the_top: bool = False) -> set[str]:
    """The names of the modules that a room imports; `at_the_top`: not those within functions."""
    found = set()
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "say helpers by name"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def neighbours(room: str) -> set[str]:
    names = (name.split(".") for name in imported(ROOMS[room]) if name.startswith("helpers."))
    return {name[1] for name in names} & ROOMS.keys()


def reached(room: str) -> set[str]:
    """All rooms that a room knows, and those that they know, and so on."""
    found, todo = set(), neighbours(room)
    while todo:
        found |= todo
        todo = {other for one in todo for other in neighbours(one)} - found
    return found


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_room_knows_itself_round_a_corner(room: str) -> None:
    assert room not in reached(room)


def lines_of_the_readme() -> list[set[str]]:
    """The rooms that each line of the README's list names, from the first to the last."""
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    table = readme.partition("| Room |")[2].partition("\n\n")[0]
    lines = [re.findall(r"`([\w*]+)\.py`", line.split("|")[1]) for line in table.split("\n")[2:]]
    return [{room for name in line for room in fnmatch.filter(ROOMS, name)} for line in lines]


def test_a_room_imports_only_from_its_own_line_of_the_readme_and_from_those_above() -> None:
    known = {"__init__"}
    for line in lines_of_the_readme():
        known |= line
        for room in line:
            assert neighbours(room) <= known, room


def test_the_readme_names_every_room() -> None:
    assert set().union(*lines_of_the_readme()) == ROOMS.keys() - UNNAMED


@pytest.mark.parametrize("room", LOADED_BY_CHILDREN)
def test_what_children_load_needs_the_standard_library_only(room: str) -> None:
    for name in imported(ROOMS[room], at_the_top=True):
        assert name.split(".")[0] in {*sys.stdlib_module_names, "helpers"}, name


@pytest.mark.parametrize("room", ["tasks", "mine_template"])
def test_worker_functions_know_nothing_of_the_course(room: str) -> None:
    assert not {name for name in imported(ROOMS[room]) if name.startswith("helpers")}


def test_the_package_itself_is_empty() -> None:
    assert [type(node) for node in ROOMS["__init__"].body] == [ast.Expr], "only a docstring"


@pytest.mark.parametrize("method", METHODS)
def test_a_child_loads_nothing_fat(method: str) -> None:
    if method == "fork":
        pytest.skip("a fork has what its parent has")
    mp = get_context(method)
    with mp.Pool(1, maxtasksperchild=1) as pool:
        loaded = set(pool.apply(workers.modules_loaded))
    assert "helpers.flight" in loaded, "this is no observed child"
    assert not FAT & loaded
    ours = {name for name in loaded if name.startswith("helpers.")}
    assert ours == {"helpers.flight", "helpers.cargo", "helpers.aboard"}


def test_every_public_function_has_a_property_or_a_reason_to_have_none() -> None:
    """It is added to `tests/test_properties.py`: as a property, or to one of the lists there."""
    assert unheld() == []
