"""Statements of lesson 7 on start methods that no cell shows on every system."""

import ast
import logging
import multiprocessing
import pickle
import random
import sys
import threading

import numpy
import pytest

from helpers.forking import CAN_FORK, in_a_fork
from helpers.observed import get_context
from helpers.script import run_script
from helpers.tasks import find_again, look_around
from tools.notebooks import NOTEBOOKS, read

needs_fork = pytest.mark.skipif(not CAN_FORK, reason="there is no fork here")
needs_forkserver = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no forkserver"
)
CELLS = [cell for cell in read(NOTEBOOKS / "07_start_methods.ipynb").cells if "outputs" in cell]


def recorded(name):
    """Return what the lesson recorded under this name for the three methods."""
    for cell in CELLS:
        for statement in ast.parse(cell.source).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
                return ast.literal_eval(statement.value)
    raise LookupError(name)


def printed(words):
    """Return the lines printed by the cell that contains these words."""
    (cell,) = (cell for cell in CELLS if words in cell.source)
    return "".join(output.get("text", "") for output in cell.outputs).splitlines()


@pytest.mark.parametrize("name", ["said", "drawn"])
def test_what_is_recorded_is_what_linux_says(name):
    *lines, guess = printed(f"in {name}.items():")
    assert guess.startswith("You guessed")
    assert lines == [f"{method:10} {words}" for method, words in recorded(name).items()]


def test_the_recorded_table_is_the_one_that_linux_makes():
    columns = zip(*recorded("found").values(), strict=True)
    rows = [line.split()[-3:] for line in printed("enumerate(questions)")[1:]]
    assert rows == [[str(answer) for answer in answers] for answers in columns]


def draw(own):
    print(random.random(), own.random())


@needs_fork
def test_after_a_fork_pythons_random_has_another_seed_and_a_generator_of_ones_own_has_not():
    own, state = random.Random(), random.getstate()
    random.seed(7)
    try:
        children = [in_a_fork(draw, own).lines[0].split() for _ in range(3)]
    finally:
        random.setstate(state)
    by_random, by_own = zip(*children, strict=True)
    assert len({*by_random, str(random.Random(7).random())}) == 4  # the seed is lost, too
    assert set(by_own) == {str(own.random())}


LOADED = """
import multiprocessing
import pickle
import sys

def child(q):
    q.put(('numpy' in sys.modules, child.__module__))

if __name__ == '__main__':
    mp = multiprocessing.get_context(sys.argv[1])
    mp.set_forkserver_preload(sys.argv[2:])
    q = mp.Queue()
    p = mp.Process(target=child, args=(q,))
    p.start()
    print(*q.get())
    p.join()
"""


@needs_forkserver
def test_what_the_forkserver_has_loaded_its_children_have():
    assert run_script(LOADED, "forkserver", "numpy").stdout.split()[0] == "True"
    assert run_script(LOADED, "forkserver", "decimal").stdout.split()[0] == "False"


def test_a_spawned_child_imports_the_script_under_another_name():
    assert run_script(LOADED, "spawn").stdout.split() == ["False", "__mp_main__"]


def test_a_pools_worker_imports_what_a_task_needs_when_the_task_comes():
    with get_context("spawn").Pool(1) as pool:
        before = pool.apply(look_around, (99, __file__))
        pool.apply(numpy.square, (3,))
        after = pool.apply(look_around, (99, __file__))
    assert (before["NumPy is loaded"], after["NumPy is loaded"]) == (False, True)


def log_something(handler):
    with handler.lock:
        print("logged")


@needs_fork
def test_logging_takes_care_of_its_locks_at_a_fork():
    handler, held, enough = logging.StreamHandler(), threading.Event(), threading.Event()

    def hold():
        with handler.lock:
            held.set()
            enough.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_a_fork(log_something, handler, seconds=30).lines == ["logged"]
    finally:
        enough.set()
        thread.join()


def test_a_function_that_is_gone_is_named_without_its_module():
    assert find_again(b"chelpers.tasks\nsquare\n.") == "found square"
    gone = find_again(b"chelpers.tasks\nno_such\n.")
    assert gone == "AttributeError: no such name here"


def test_the_start_method_of_a_program_can_be_set_once():
    program = (
        "import multiprocessing as mp\nmp.set_start_method('spawn')\nmp.set_start_method('spawn')"
    )
    assert "RuntimeError" in run_script(program).stderr.splitlines()[-1]


SENT_ALONG = """
import multiprocessing
import pickle
import os
import sys

def child(q):
    q.put(('added' in sys.path, os.path.basename(os.getcwd())))

if __name__ == '__main__':
    mp = multiprocessing.get_context(sys.argv[1])
    mp.Process(target=print).start()  # the forkserver runs
    sys.path.append('added')
    os.chdir(sys.argv[2])
    q = mp.Queue()
    p = mp.Process(target=child, args=(q,))
    p.start()
    print(*q.get())
    p.join()
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_where_to_import_from_and_the_current_folder_are_sent_along(method, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    said = run_script(SENT_ALONG, method, str(tmp_path / "elsewhere")).stdout.split()
    assert said == ["True", "elsewhere"]


TOP_OF_A_SCRIPT = """
import multiprocessing
import pickle
print(__name__, flush=True)

def child():
    pass

if __name__ == '__main__':
    mp = multiprocessing.get_context('forkserver')
    for _ in range(3):
        p = mp.Process(target=child)
        p.start()
        p.join()
"""


@needs_forkserver
def test_a_newer_server_imports_the_script_once_and_its_children_need_not():
    imported = run_script(TOP_OF_A_SCRIPT).stdout.split().count("__mp_main__")
    in_the_server = sys.version_info >= (3, 13, 8) and sys.version_info[:3] != (3, 14, 0)
    assert imported == (1 if in_the_server else 3)


PUT_A_LAMBDA = """
import multiprocessing
q = multiprocessing.Queue()
q.put(lambda: 42)
print('returned')
q.close()
q.join_thread()
"""


def test_what_cannot_be_pickled_fails_in_start_but_not_in_put():
    mp = multiprocessing.get_context("spawn")
    with pytest.raises((AttributeError, pickle.PicklingError)):
        mp.Process(target=print, args=(lambda: 42,)).start()
    said = run_script(PUT_A_LAMBDA)
    assert said.stdout == "returned\n"
    assert "lambda" in said.stderr
