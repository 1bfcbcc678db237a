"""The rooms of helpers/: doors, folders behind them, who knows whom, what a child has to load."""

import ast
import ctypes
import functools
import importlib
import json
import multiprocessing
import re
import sys
from collections.abc import Iterator
from concurrent import futures
from concurrent.futures import process as futures_process
from multiprocessing import managers, util
from pathlib import Path

import pytest

import helpers
from helpers.observed import get_context
from tests.support import workers
from tests.support.methods import AVAILABLE, METHODS

FOLDER = Path(helpers.__file__).parent
NOTEBOOKS = FOLDER.parent / "notebooks"
FLOORS = [
    ["check"],
    ["exercises"],
    ["panel", "before_class"],
    ["runs"],
    ["threads", "cluster"],
    ["observed"],
    ["laws", "tree", "memory", "wait_graph"],
    ["gantt"],
    ["script"],
    ["parent"],
    ["chart"],
    ["schedule", "external", "hosts", "lookups"],
    ["logs", "facts"],
    ["timeline"],
    ["nameserver", "machine", "extras", "forking", "in_the_way", "second_kernel", "progress"],
    ["programs"],
    ["child"],
    ["tasks", "mine", "mine_template"],
]
"""Each room imports from its own folder or from the floors below its own, never from above."""
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FAT = {"numpy", "matplotlib", "ipywidgets", "IPython", "psutil", "PIL", "traitlets"}


def module_name(path: Path) -> str:
    """The name below `helpers` of a file, such as `chart.bars`; of a folder's __init__, `chart`."""
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in FOLDER.rglob("*.py")}
ROOMS = sorted({name.partition(".")[0] for name in MODULES} - {""})
FOLDERS = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
DOORS = sorted(set(ROOMS) - set(FOLDERS) - {"mine", "mine_template"})


def imported(tree: ast.AST) -> set[str]:
    """The names of the modules that a file imports, within functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "say helpers by name"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def rooms_known_to(module: str) -> set[str]:
    """The rooms that a file of helpers/ imports from."""
    names = (name.split(".") for name in imported(MODULES[module]) if name.startswith("helpers."))
    return {name[1] for name in names}


def upward_imports(modules: dict[str, set[str]]) -> list[str]:
    """Of files with the rooms that they import from: the imports that go up, or across."""
    found = []
    for module, known in sorted(modules.items()):
        own = module.partition(".")[0]
        found += [
            f"{module} imports from {room}"
            for room in sorted(known - {own})
            if FLOOR_OF[room] <= FLOOR_OF[own]
        ]
    return found


def sources_of_notebooks() -> Iterator[tuple[str, str]]:
    """Each notebook's name, and the text of all its cells."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        yield path.name, "\n".join("".join(cell["source"]) for cell in cells)


NOTEBOOK_TEXTS = dict(sources_of_notebooks())


# Two rules


def test_every_room_has_its_floor() -> None:
    assert sorted(FLOOR_OF) == sorted({*ROOMS, "mine"})


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_imported_by_some_notebook(door: str) -> None:
    wanted = re.compile(rf"from helpers\.{door} import|from helpers import .*\b{door}\b")
    assert [name for name, text in NOTEBOOK_TEXTS.items() if wanted.search(text)]


@pytest.mark.parametrize("notebook", NOTEBOOK_TEXTS)
def test_no_notebook_names_a_folder(notebook: str) -> None:
    named = re.findall(r"helpers[./](\w+)", NOTEBOOK_TEXTS[notebook])
    assert not set(named) & set(FOLDERS)


def test_imports_go_down_only() -> None:
    assert upward_imports({name: rooms_known_to(name) for name in MODULES if name}) == []


def test_an_import_that_goes_up_is_noticed() -> None:
    assert upward_imports({"child.process": {"logs"}}) == ["child.process imports from logs"]
    assert upward_imports({"chart.bars": {"chart", "logs"}}) == []
    assert upward_imports({"laws": {"tree"}}) == ["laws imports from tree"]


# Nobody reaches into another's room


DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}
"""These are public in spite of their underscore: of named tuples, and of `os`."""

STANDARD_NAMES: dict[str, set[str]] = {
    "child.barriers": {"_semlock"},
    "child.locks": {"_SimpleCData", "_obj", "_semlock"},
    "child.process": {"_args", "_exit_function", "_parent_pid", "_target"},
    "child.queues": {"_thread"},
    "child.transfers": {"_reader", "_rlock", "_wlock", "_writer"},
    "observed": {"_process"},
    "parent.executors": {"_ExecutorManagerThread", "_broken", "_executor_manager_thread"},
    "parent.pools": {
        # of a pool
        "_cache",
        "_change_notifier",
        "_inqueue",
        "_maxtasksperchild",
        "_outqueue",
        "_pool",
        "_processes",
        "_result_handler",
        "_task_handler",
        "_taskqueue",
        "_worker_handler",
        # of its queues
        "_reader",
        "_rlock",
        "_wlock",
        "_writer",
        # of a result that is pending
        "_job",
    },
    "parent.results": {
        "_cache",
        "_cond",
        "_error_callback",
        "_event",
        "_index",
        "_items",
        "_length",
        "_number_left",
        "_success",
        "_value",
    },
    "parent.processes": {
        "_args",
        "_closed",
        "_config",
        "_kwargs",
        "_parent_pid",
        "_popen",
        "_target",
    },
    "parent.sockets": {"_config"},
    "parent.tracker": {
        "_forkserver_address",
        "_forkserver_alive_fd",
        "_forkserver_pid",
        "_lock",
        "_preload_modules",
    },
}
"""The underscore names of the standard library that a file leans on.

Those that a file leans on in another way than by an attribute, such as by a method of the same
name, are held by `tests/child/test_workers.py` and `tests/parent/test_pools.py`.
"""


def standard_names() -> set[str]:
    """The underscore names that the standard library has in this Python, where ours lean on it."""
    mp = multiprocessing.get_context("spawn")
    with mp.Pool(1) as pool:
        of_pool = [pool, pool._worker_handler, pool.imap(abs, []), pool.map_async(abs, [])]
        of_pool.append(pool.map_async(abs, [])._event)
    manager = managers.SyncManager(ctx=mp)
    manager.start()
    manager.shutdown()
    things = [
        *of_pool,
        manager,
        mp.Process(),
        mp.SimpleQueue(),
        mp.Queue(),
        mp.Lock(),
        mp.Value("i"),
        futures.ProcessPoolExecutor(1, mp),
        futures_process,
        util,
        ctypes,
    ]
    if "forkserver" in AVAILABLE:
        things.append(importlib.import_module("multiprocessing.forkserver")._forkserver)
    return {name for thing in things for name in dir(thing) if is_private(name)}


def test_the_standard_names_that_are_leaned_on_are_there() -> None:
    listed = {name for names in STANDARD_NAMES.values() for name in names}
    if "forkserver" not in AVAILABLE:
        listed -= STANDARD_NAMES["parent.tracker"]
    assert listed - standard_names() == set()


@pytest.mark.parametrize("module", sorted(STANDARD_NAMES))
def test_a_file_leans_on_every_name_that_is_listed_for_it(module: str, monkeypatch) -> None:
    """A longer list would excuse a reach into another file of ours."""
    listed = STANDARD_NAMES[module]
    monkeypatch.setitem(STANDARD_NAMES, module, set())
    reached = reaches_into_others(module, MODULES)
    assert {line.partition(" ")[2] for line in reached} == listed


def is_private(name: str) -> bool:
    """Is this a name like `_lock`? Not `__init__`, nor `_repr_html_`, which notebooks ask for."""
    return name.startswith("_") and not name.endswith("_") and name not in DOCUMENTED


@functools.cache
def own_names(tree: ast.Module) -> set[str]:
    """The underscore names that a file defines: functions, classes, variables, its attributes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node):
            found.add(node.attr)
    return {name for name in found if is_private(name)}


def is_self(node: ast.Attribute) -> bool:
    """Is this an attribute of `self`, of `cls` or of `super()`?"""
    base = node.value
    if isinstance(base, ast.Call) and isinstance(base.func, ast.Name):
        return base.func.id == "super"
    return isinstance(base, ast.Name) and base.id in ("self", "cls")


def reaches_into_others(name: str, modules: dict[str, ast.Module]) -> list[str]:
    """The underscore names that a file takes from elsewhere, with their lines.

    A name that two files define is the other one's unless it is asked of `self`.
    """
    mine, allowed = own_names(modules[name]), STANDARD_NAMES.get(name, set())
    of_others = set().union(*(own_names(tree) for other, tree in modules.items() if other != name))
    found = []
    for node in ast.walk(modules[name]):
        if isinstance(node, ast.Attribute):
            names = [] if is_self(node) and node.attr in mine else [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        else:
            continue
        found += [
            f"{name}:{node.lineno} {reached}"
            for reached in names
            if is_private(reached) and reached not in allowed
            if reached not in mine or reached in of_others
        ]
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_touches_another_modules_underscore_names(module: str) -> None:
    assert reaches_into_others(module, MODULES) == []


def test_a_reach_into_another_module_is_noticed() -> None:
    owner = ast.parse("class A:\n    def __init__(self):\n        self._lock = 1\n")
    reading = ast.parse("def f(a):\n    return a._lock\n")
    assert reaches_into_others("b", {"a": owner, "b": reading}) == ["b:2 _lock"]
    writing = ast.parse("def f(a):\n    a._lane = 1\n")
    assert reaches_into_others("b", {"a": owner, "b": writing}) == ["b:2 _lane"]
    importing = ast.parse("from helpers.one import _hidden\n")
    assert reaches_into_others("b", {"a": owner, "b": importing}) == ["b:1 _hidden"]
    assert reaches_into_others("a", {"a": owner, "b": reading}) == []


# The README


def rooms_of_the_readme() -> list[str]:
    """The rooms in the README's table, from its top to its bottom."""
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    table = readme.partition("| Room |")[2].partition("\n\n")[0]
    cells = (line.split("|")[1] for line in table.split("\n")[2:] if "|" in line)
    return [name for cell in cells for name in re.findall(r"`(\w+)(?:\.py|/)`", cell)]


def test_the_readme_names_every_door_and_every_folder() -> None:
    assert sorted(rooms_of_the_readme()) == sorted({*ROOMS, "mine"} - {"mine_template"})


def test_imports_go_down_the_readmes_table() -> None:
    floors = [FLOOR_OF[room] for room in rooms_of_the_readme()]
    assert floors == sorted(floors)


# What a child loads


@pytest.mark.parametrize("module", [name for name in sorted(MODULES) if name.startswith("child")])
def test_what_a_child_loads_needs_the_standard_library_and_its_own_folder(module: str) -> None:
    allowed = {*sys.stdlib_module_names, "helpers"}
    assert {name.partition(".")[0] for name in imported(MODULES[module])} <= allowed
    assert rooms_known_to(module) <= {"child"}


@pytest.mark.parametrize("room", ["tasks", "mine_template"])
def test_worker_functions_know_nothing_of_the_course(room: str) -> None:
    assert not {name for name in imported(MODULES[room]) if name.startswith("helpers")}


@pytest.mark.parametrize("package", ["", *FOLDERS])
def test_the_packages_themselves_are_empty(package: str) -> None:
    assert [type(node) for node in MODULES[package].body] == [ast.Expr], "only a docstring"


@pytest.mark.parametrize("method", METHODS)
def test_a_child_loads_nothing_fat(method: str) -> None:
    if method == "fork":
        pytest.skip("a fork has what its parent has")
    mp = get_context(method)
    with mp.Pool(1, maxtasksperchild=1) as pool:
        loaded = set(pool.apply(workers.modules_loaded))
    assert "helpers.child.recorder" in loaded, "this is no observed child"
    assert not FAT & loaded
    ours = {name for name in loaded if name.startswith("helpers.")}
    assert {name.split(".")[1] for name in ours} == {"child"}
    assert not ours & {"helpers.child.queues", "helpers.child.locks"}, "only where they are used"
