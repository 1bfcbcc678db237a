"""Bad input is refused before anything starts, and edited modules are noticed."""

import errno
import importlib
import os
import pickle
import subprocess
import sys
from multiprocessing import synchronize

import pytest

from helpers.observed import get_context
from helpers.parent import checks
from helpers.parent.checks import MOST_PROCESSES, check_reaches_child, check_workers
from tests.support import workers
from tests.support.methods import AVAILABLE


@pytest.mark.parametrize("wrong", [0, -1, 10**6, MOST_PROCESSES + 1])
def test_a_senseless_number_of_workers_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=f"from 1 to {MOST_PROCESSES}, not {wrong}"):
        check_workers(wrong)
    with pytest.raises(ValueError, match="number of workers"):
        get_context("spawn").Pool(wrong)


@pytest.mark.parametrize("wrong", [1.5, "4", True, False, [2], 1.0])
def test_what_is_no_whole_number_of_workers_is_refused(wrong) -> None:
    with pytest.raises(TypeError, match="must be a whole number"):
        check_workers(wrong)
    with pytest.raises(TypeError, match="must be a whole number"):
        get_context("spawn").Pool(wrong)


def test_sensible_numbers_of_workers_pass() -> None:
    for right in (1, 16, MOST_PROCESSES):
        check_workers(right)


# Functions that another process cannot find


def local():
    def inner():
        pass

    return inner


LAMBDA = lambda: None  # noqa: E731


@pytest.mark.parametrize("function", [LAMBDA, local()], ids=["lambda", "local"])
def test_a_function_without_a_name_to_find_it_by_is_refused_with_a_remedy(function) -> None:
    with pytest.raises(pickle.PicklingError, match=r"move it to helpers/mine\.py"):
        check_reaches_child(function, "spawn")
    mp = get_context("spawn")
    with pytest.raises(pickle.PicklingError):
        mp.Process(target=function).start()
    with pytest.raises(pickle.PicklingError):
        mp.Pool(1, initializer=function)
    assert mp.timeline().processes == [], "something was started"
    with mp.Pool(1) as pool:
        for use in (pool.map, pool.imap, pool.imap_unordered, pool.map_async, pool.starmap):
            with pytest.raises(pickle.PicklingError):
                use(function, [1])
        for use in (pool.apply, pool.apply_async):
            with pytest.raises(pickle.PicklingError):
                use(function)


@pytest.mark.skipif("fork" not in AVAILABLE, reason="there is no fork here")
def test_under_fork_a_process_takes_any_function() -> None:
    mp = get_context("fork")
    process = mp.Process(target=lambda: print("here"))
    process.start()
    process.join()
    assert (process.exitcode, mp.output()) == (0, "here")


@pytest.mark.parametrize(
    "function", [workers.double, len, str.upper, workers.CallableWithOddName(), [].append, int]
)
def test_functions_that_can_be_found_pass(function) -> None:
    check_reaches_child(function, "spawn")


NOTEBOOK = """
from helpers.observed import get_context
def f(x): return x
mp = get_context("spawn")
for use in (lambda: mp.Process(target=f).start(), lambda: mp.Pool(1).map(f, [1])):
    try:
        use()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_function_from_a_cell_is_refused_instead_of_hanging() -> None:
    program = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60, check=False
    )
    sentence = "PicklingError f is defined in this notebook"
    assert [line[: len(sentence)] for line in program.stdout.splitlines()] == [sentence] * 2
    assert program.stderr == ""


# Where locks are made


@pytest.mark.skipif(sys.platform != "linux", reason="the semaphores lie elsewhere")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("make", ["Pool", "Queue", "Lock", "RLock", "Event", "Value"])
def test_a_lock_that_cannot_be_made_is_told_with_its_folder(monkeypatch, number, make) -> None:
    def no_semaphore(*_, **__):
        raise OSError(number, os.strerror(number))

    mp = get_context("spawn")
    arguments = {"Pool": (1,), "Value": ("i",)}.get(make, ())
    monkeypatch.setattr(synchronize._multiprocessing, "SemLock", no_semaphore)
    with pytest.raises(OSError, match=rf"{os.strerror(number)}: '/dev/shm'"):
        getattr(mp, make)(*arguments)


def test_other_errors_are_told_as_they_are() -> None:
    with pytest.raises(OSError, match=r"^no$"), checks.naming_shared_memory():
        raise OSError("no")


# What was edited


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module helpers.mine of our own, freshly imported."""
    import helpers

    file = tmp_path / "mine.py"
    file.write_text("def f():\n    return 1\n")
    monkeypatch.setattr(helpers, "__path__", [*helpers.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "helpers.mine", raising=False)
    if importlib.util.find_spec("helpers.mine").origin != str(file):
        monkeypatch.setattr(helpers, "__path__", [str(tmp_path), *helpers.__path__])
    importlib.invalidate_caches()
    yield importlib.import_module("helpers.mine"), file
    sys.modules.pop("helpers.mine", None)
    checks._seen.pop("helpers.mine", None)


def edit(file) -> None:
    file.write_text("def f():\n    return 2\n")
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 10**10))


def test_an_edited_module_is_noticed_until_it_is_reloaded(mine, recwarn) -> None:
    module, file = mine
    get_context("spawn")
    assert not [w for w in recwarn if "edited" in str(w.message)]
    edit(file)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"helpers/mine\.py was edited"):
            get_context("spawn")
    importlib.reload(module)
    recwarn.clear()
    get_context("spawn")
    assert not [w for w in recwarn if "edited" in str(w.message)]
