"""Observed processes: their ends, and who learns the exit code."""

import contextlib
import gc
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import psutil
import pytest

from helpers.observed import get_context
from helpers.parent import processes
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.within import until, within

OUR_CHILDREN = METHODS[:2]
"""Those methods by which a process becomes a child of ours, not of the fork server."""


# A start


@pytest.mark.parametrize("closed", [False, True])
def test_what_cannot_be_started_again_says_so_in_the_words_of_the_standard_library(closed) -> None:
    said = []
    for mp in (multiprocessing.get_context("spawn"), get_context("spawn")):
        process = mp.Process(target=workers.double, args=(1,))
        process.start()
        process.join()
        if closed:
            process.close()
        with pytest.raises((AssertionError, ValueError)) as caught:
            process.start()
        said.append((caught.type, str(caught.value)))
    assert said[0] == said[1]


# An end


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", METHODS)
def test_a_join_ends_when_somebody_else_has_waited_for_the_child(method) -> None:
    mp = get_context(method)
    processes = [mp.Process(target=workers.exit_politely, args=(3,)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        with contextlib.suppress(ChildProcessError):  # the context itself was quicker
            os.waitpid(process.pid, 0)
    for process in processes:
        within(20, process.join)
        assert process.exitcode in (3, None)
    until(lambda: mp.watcher._thread is None)  # nobody looks for ever


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", OUR_CHILDREN)
def test_two_who_ask_at_once_both_learn_the_exit_code(method, monkeypatch) -> None:
    process = get_context(method).Process(target=workers.exit_politely, args=(3,))
    told, really_wait = [], os.waitpid
    other = threading.Thread(target=lambda: told.append(process._popen.poll()))

    def wait(pid, options):
        ended, status = really_wait(pid, options)
        if ended == process.pid and other.ident is None:  # we have the code, and nobody knows yet
            other.start()
            other.join(0.2)
        return ended, status

    monkeypatch.setattr(os, "waitpid", wait)
    with process._watcher._lock:  # the watching thread does not come to ask
        process.start()
        until(
            lambda: processes.was_reaped_by_others(process) or process._popen.returncode is not None
        )
    other.join()
    assert told == [3]
    within(20, process.join)


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_ignores_sigterm_is_killed(method: str, tmp_path) -> None:
    mp = get_context(method)
    ready = str(tmp_path / "ready")
    mp.Process(target=workers.ignore_sigterm_and_sleep, args=(ready, 60)).start()
    workers.wait_for(ready)
    within(30, mp.stop)
    assert mp.timeline().processes[0].exitcode not in (None, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="exec begins a new process there")
def test_a_child_that_becomes_another_program_is_stopped_like_any_other():
    mp = get_context()
    child = mp.Process(target=workers.become_another_program, args=(60,))
    child.start()
    while psutil.Process(child.pid).name() != "sleep":
        time.sleep(0.01)
    within(20, mp.stop)
    assert child.exitcode == -signal.SIGTERM


@pytest.mark.skipif(sys.platform == "win32", reason="counts file descriptors")
def test_pools_and_processes_that_are_over_keep_no_file_open() -> None:
    mp = get_context("spawn")
    gc.disable()
    try:
        for n in range(4):
            process = mp.Process(target=workers.double, args=(n,))
            process.start()
            process.join()
            with mp.Pool(1) as pool:
                pool.map(workers.double, range(2))
            until(lambda: mp.watcher._thread is None)
            del process, pool
            if n == 0:
                gc.collect()
                before = psutil.Process().num_fds()
        gc.collect()
        assert psutil.Process().num_fds() <= before
    finally:
        gc.enable()


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_is_closed_and_deleted_is_kept_by_nobody(method: str) -> None:
    mp = get_context(method)
    kept = []
    for _ in range(10):
        process = mp.Process(target=workers.double, args=(2,))
        process.start()
        process.join()
        process.close()
        reference = weakref.ref(process)
        del process
        gc.collect()
        kept.append(reference() is not None)
    assert not any(kept)


# At the top level of a module

AT_IMPORT = """
from concurrent.futures import ProcessPoolExecutor
from helpers.observed import get_context

class Thing:
    pass

def double(number):
    return 2 * number

def at_import(mp):
    {use}

{call}
"""
USES_AT_IMPORT = {
    "pool": "with mp.Pool(2) as pool: return pool.map(double, range(3))",
    "pool of another's function": "with mp.Pool(2) as pool: return pool.map(abs, range(3))",
    "executor": "with ProcessPoolExecutor(2, mp_context=mp) as pool: "
    "return list(pool.map(double, range(3)))",
    "manager": "with mp.Manager() as manager: return len(manager.list([Thing()]))",
}


def import_in_a_python_of_its_own(program: str, folder) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        check=False,
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("use", USES_AT_IMPORT.values(), ids=USES_AT_IMPORT)
@pytest.mark.parametrize("package", ["", "own."])
def test_what_would_hang_an_import_is_refused(method: str, use: str, package, tmp_path) -> None:
    """The commonest mistake in helpers/mine.py. Called later, the same code is right."""
    folder = tmp_path / package.rstrip(".")
    folder.mkdir(exist_ok=True)
    call = f"result = at_import(get_context({method!r}))"
    (folder / "at_top.py").write_text(AT_IMPORT.format(use=use, call=call))
    (folder / "in_function.py").write_text(AT_IMPORT.format(use=use, call=""))
    refused = import_in_a_python_of_its_own(f"import {package}at_top", tmp_path)
    assert refused.stderr.strip().endswith(
        f"RuntimeError: {package}at_top starts a pool, an executor or a manager while it is being "
        "imported, and the import might never end: write that code into a function, and call the "
        "function from a notebook cell"
    )
    ran = import_in_a_python_of_its_own(
        f"from {package}in_function import at_import, get_context\n"
        f"print(bool(at_import(get_context({method!r}))))",
        tmp_path,
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")


def test_a_module_that_is_run_is_not_being_imported(tmp_path) -> None:
    call = "if __name__ == '__main__':\n    print(at_import(get_context('spawn')))"
    (tmp_path / "run.py").write_text(AT_IMPORT.format(use=USES_AT_IMPORT["pool"], call=call))
    for program in (
        "import runpy; runpy.run_path('run.py', run_name='__main__')",
        "import runpy; runpy.run_module('run', run_name='__main__', alter_sys=True)",
    ):
        ran = import_in_a_python_of_its_own(
            f"import os; os.chdir({str(tmp_path)!r}); {program}", tmp_path
        )
        assert (ran.stdout, ran.stderr) == ("[0, 2, 4]\n", "")


def test_an_import_that_goes_on_in_another_thread_refuses_nothing(tmp_path, monkeypatch) -> None:
    go = tmp_path / "go"
    (tmp_path / "slow_module.py").write_text(
        f"from tests.support.workers import wait_for\nbegun = True\nwait_for({str(go)!r})"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importing = threading.Thread(target=__import__, args=("slow_module",), daemon=True)
    importing.start()
    until(lambda: getattr(sys.modules.get("slow_module"), "begun", False))
    with get_context().Pool(1) as pool:
        assert pool.apply(workers.double, (2,)) == 4
    go.touch()
    importing.join(60)
    del sys.modules["slow_module"]


def test_an_import_that_goes_on_can_be_seen() -> None:
    assert importlib.util.find_spec("tests.support.workers")._initializing is False
