"""A student's own functions: from cells, from helpers/mine.py, and from an edited helpers/mine.py.

What a student reads when another process cannot find one, and whether the words help.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import seat as seats
from tests.faults.seat import ROOT, Said, Seat
from tests.support.methods import AVAILABLE

MINE = """
import functools


def double(number):
    return 2 * number


def timed(function):
    def wrapper(*args):
        return function(*args)
    return wrapper


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


class Timed:
    def __init__(self, function):
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args):
        return self.function(*args)


def adder(first):
    def add(second):
        return first + second
    return add


@timed
def slow(x):
    return x


@wrapped
def fine(x):
    return x


@Timed
def by_class(x):
    return x
"""
IMPORTS = "from helpers.mine import double"
CELL = """
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from helpers.mine import Timed, adder, by_class, fine, slow, timed, wrapped

def cell(x): return x
class Caller:
    def __call__(self, x): return x
    def method(self, x): return x
    @classmethod
    def of_class(cls, x): return x
class Point:
    def __init__(self, x=0): self.x = x
class Number:
    def __init__(self, x): self.x = x
    def __reduce__(self): return int, (self.x,)
class Opened:
    def __init__(self, x): self.x = x
    def __reduce__(self): return partial, (double, self.x)
    def __call__(self): return 0
wrapped_here = wrapped(double)
"""
HERE = (
    "{} is defined in this notebook, where a child process cannot find it; "
    r"move it to helpers/mine\.py \(or helpers/tasks\.py\) and import it from there"
)
POOL = "mp = get_context()\nwith mp.Pool(1) as pool: print(pool.map({}, [{}]))"
EXECUTOR = """
mp = get_context()
with ProcessPoolExecutor(1, mp_context=mp{}) as executor: print(list(executor.map({}, [{}])))
"""
PROCESS = "mp = get_context()\np = mp.Process(target={}, args=({},))\np.start(); p.join()"


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seat]:
    """Yield a kernel in a copy of the course with a mine.py of its own; its cells were run."""
    shutil.copytree(ROOT / "helpers", tmp_path / "helpers")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "helpers" / "mine.py").write_text(MINE)
    monkeypatch.setattr(seats, "ROOT", tmp_path)
    seat = Seat("spawn")
    assert seat.run(IMPORTS) == seat.run(CELL) == ("", "", "", "")
    yield seat
    seat.close()


def is_told(said: Said, words: str) -> None:
    """Check that a student reads this error, with nothing around it."""
    assert re.fullmatch(words, said.error), said.error
    assert said.warned == "", said.warned


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / "helpers" / "mine.py"
    before = file.stat().st_mtime_ns
    file.write_text(file.read_text().replace(old, new))
    os.utime(file, ns=(before + 10**10, before + 10**10))


def test_the_words_for_what_a_child_cannot_find(seat: Seat) -> None:
    for code, words in {
        POOL.format("cell", 1): HERE.format("cell"),
        POOL.format("lambda x: x", 1): "<lambda> is a lambda, .*; move it to helpers.*",
        POOL.format("partial(cell, 1)", 1): HERE.format("cell"),
        POOL.format("Caller()", 1): HERE.format("Caller"),
        POOL.format("Caller().method", 1): HERE.format("Caller"),
        POOL.format("Caller.of_class", 1): HERE.format("Caller"),
        POOL.format("Point", 1): HERE.format("Point"),
        POOL.format("double", "Point()"): HERE.format("Point"),
        POOL.format("double", "{1: [cell]}"): HERE.format("cell"),
        POOL.format("slow", 1): "slow was made by timed and .* @functools.wraps.*",
        POOL.format("timed(cell)", 1): r"timed.* inside another function, .* out of timed, .*",
        POOL.format("adder(1)", 1): r"adder.* move its def out of adder, .* helpers/mine\.py",
        POOL.format("by_class", 1): r"by_class was decorated.* with @functools\.wraps.*",
        POOL.format("wrapped_here", 1): "double was decorated, .* above the def of double there",
        POOL.format("wrapped(cell)", 1): HERE.format("cell"),
        EXECUTOR.format("", "cell", 1): HERE.format("cell"),
        EXECUTOR.format("", "partial(pow, 2)", "cell"): HERE.format("cell"),
        EXECUTOR.format("", "Caller()", 1): HERE.format("Caller"),
        EXECUTOR.format("", "double", "[Point(Point())]"): HERE.format("Point"),
        EXECUTOR.format(", initializer=cell, initargs=(1,)", "double", 1): HERE.format("cell"),
        PROCESS.format("double", "cell"): HERE.format("cell"),
        PROCESS.format("double", "[Point()]"): HERE.format("Point"),
        PROCESS.format("Caller()", 1): HERE.format("Caller"),
        "mp.Pool(1, double, (Point(),))": HERE.format("Point"),
    }.items():
        said = seat.run(code)
        is_told(said, f"PicklingError: {words}")


def test_what_a_child_can_rebuild_is_not_refused(seat: Seat) -> None:
    assert seat.run(POOL.format("fine", 1)).printed == "[1]\n"
    assert seat.run(POOL.format("double", "Number(3)")).printed == "[6]\n"
    assert seat.run(POOL.format("partial(pow, 2)", 3)).printed == "[8]\n"
    assert seat.run("with mp.Pool(1) as pool: print(pool.apply(Opened(4)))").printed == "8\n"
    assert seat.run(PROCESS.format("double", "Number(3)")).error == ""
    assert seat.value("p.exitcode") == "0"


def test_one_task_that_cannot_be_unpickled_leaves_the_others_alone(seat: Seat) -> None:
    said = seat.run(
        "mp = get_context()\n"
        "with ProcessPoolExecutor(1, mp_context=mp) as executor:\n"
        "    bad, good = executor.submit(double, Point()), executor.submit(double, 2)\n"
        "    print(type(bad.exception()).__name__, good.result())\n"
        "print([task.outcome[:20] for task in mp.timeline().tasks])"
    )
    assert said.error == ""
    assert said.printed == "PicklingError 4\n['raised PicklingError', 'returned']\n"


@pytest.mark.parametrize("method", AVAILABLE)
def test_after_an_edit_the_warning_helps_whoever_does_what_it_says(
    seat: Seat, tmp_path: Path, method: str
) -> None:
    use = POOL.format("double", 1).replace("()", f"({method!r})", 1)
    assert seat.run(use) == ("[2]\n", "", "", "")
    edit(tmp_path, "return 2 * number", "return 20 * number")
    said = seat.run(use)
    assert "helpers/mine.py was edited after this kernel imported it" in said.warned
    assert "Restart the kernel, then run the cells again from the first." in said.warned
    seat.restart()
    assert seat.run(IMPORTS) == ("", "", "", "")
    assert seat.run(use) == ("[20]\n", "", "", "")


@pytest.mark.parametrize("method", AVAILABLE)
def test_whoever_reloads_by_hand_need_not_import_again(
    seat: Seat, tmp_path: Path, method: str
) -> None:
    use = POOL.format("double", 1).replace("()", f"({method!r})", 1)
    seat.run(use + "\nold = partial(double)")
    edit(tmp_path, "return 2 * number", "return 20 * number")
    seat.run("import importlib, helpers.mine; importlib.reload(helpers.mine);")
    assert seat.run(use) == ("[20]\n", "", "", "")
    said = seat.run(POOL.format("old", 1))
    is_told(said, r".* run `from helpers\.mine import double` once more")


def test_a_file_with_an_error_is_told_by_the_tasks_that_need_it(seat: Seat, tmp_path: Path) -> None:
    edit(tmp_path, "return 2 * number", "return 2 *")
    said = seat.run("import warnings; warnings.simplefilter('ignore')\n" + POOL.format("double", 1))
    words = r"cannot find double in helpers\.mine \(SyntaxError: .*\); see that its file is right"
    is_told(said, f"PicklingError: a child process {words}.*")
