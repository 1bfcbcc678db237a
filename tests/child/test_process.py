"""A child's life is recorded from its first moment to its last, and with it its function."""

import os

import pytest

from helpers.observed import get_context
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.subclasses import CONTEXTS, subclass


@pytest.mark.parametrize("method", METHODS)
def test_processes_are_told_from_birth_to_end(method: str) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.exit_politely, args=(3,), name="Ann")
    process.start()
    process.join()
    (seen,) = mp.timeline().processes
    assert (seen.name, seen.pid, seen.ppid) == ("Ann", process.pid, os.getpid())
    assert (seen.lane, seen.role, seen.method, seen.exitcode) == (1, "process", method, 3)
    assert 0 == seen.asked < seen.born < seen.ended
    assert [task.call for task in mp.timeline().tasks] == ["exit_politely(3)"]


def test_a_subclass_is_recorded_by_its_run() -> None:
    timeline_of = {}
    for name in ("Doubler", "Delegator"):
        mp = CONTEXTS["observed", "spawn"]
        here, there = mp.Pipe()
        kind = subclass(mp, name)
        before = len(mp.timeline().tasks)
        arguments = (there, 1) if name == "Doubler" else ()
        process = kind(*arguments) if arguments else kind(target=workers.double, args=(4,))
        process.start()
        process.join()
        timeline_of[name] = mp.timeline().tasks[before].call
        here.close()
    assert timeline_of["Doubler"].endswith(".run()")
    assert timeline_of["Delegator"] == "double(4)"


def test_a_context_whose_process_comes_from_another_context_belongs_to_its_experiment() -> None:
    mp = CONTEXTS["observed", "spawn"]
    process = subclass(mp, "NoDaemonContext")().Process(target=workers.double, args=(21,))
    process.start()
    process.join()
    assert mp.timeline().tasks[-1].call == "double(21)"
    assert mp.timeline().processes[-1].pid == process.pid


def test_a_childs_stdout_can_be_handed_to_a_subprocess() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        assert pool.apply(workers.subprocess_with_our_stdout, (1,)) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_raw_fork_of_a_child_prints_is_told_under_its_own_pid() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.fork_and_print)
    process.start()
    process.join()
    lines = mp.timeline().lines
    assert [line.text for line in lines] == ["before", "in the fork", "after"]
    assert lines[0].pid == lines[2].pid == process.pid != lines[1].pid


def test_threads_of_a_child_print_into_one_log() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_from_threads, args=(4, 100))
    process.start()
    process.join()
    assert len("".join(mp.output()).split()) == 4 * 100 * 2
