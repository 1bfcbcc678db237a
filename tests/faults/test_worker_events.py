"""Workers that fail, end or are killed, each in a real kernel."""

import os
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.seat import (
    QUICK,
    WHOLE,
    Said,
    Seat,
    all_is_well,
    reads_one_sentence,
)
from tests.support.within import until

WORKER = r"WorkerDied: worker \d+ \(pid \d+\)"
KILLED = r"was killed by signal 9 \(SIGKILL\)"
TOLD_WITHIN = 2
"""Seconds within which an unexpected end of a worker is told: our promise."""

EXPERIMENT = """
def experiment():
    mp = get_context()
    try:
        with mp.Pool(2{more}) as pool:
            {use}
    finally:
        over = time.monotonic()
        globals().update(over=over, timeline=mp.timeline(), output=mp.output())
experiment()
"""


def in_a_pool(use: str, more: str = "") -> str:
    """Return a cell that uses a pool of two workers and keeps what happened."""
    return EXPERIMENT.format(use=use, more=more)


def begun(seat: Seat, path: Path) -> psutil.Process:
    """Return the process that has written its pid into this file."""
    until(path.exists)
    seat.family()
    return psutil.Process(int(path.read_text()))


def kill_and_read(seat: Seat, cell: str, victim: psutil.Process) -> Said:
    """Kill a worker; return what the cell says, and check that it does so in time."""
    killed = time.monotonic()
    victim.kill()
    said = seat.read(cell)
    assert float(seat.value("over")) - killed < TOLD_WITHIN
    return said


def outcomes(seat: Seat) -> str:
    return seat.value("*sorted(f'{task.call}: {task.outcome}' for task in timeline.tasks)")


@QUICK
def test_worker_killed_while_busy(seat: Seat, tmp_path) -> None:
    path = tmp_path / "begun"
    cell = seat.send(in_a_pool(f"pool.map(workers.touch_and_sleep, [{str(path)!r}])"))
    said = kill_and_read(seat, cell, begun(seat, path))
    reads_one_sentence(said, rf"{WORKER} {KILLED} while doing touch_and_sleep\('.*begun'\)")
    assert seat.value("[task.outcome for task in timeline.tasks]") == "['lost']"
    all_is_well(seat)


IDLE = """results = pool.map(workers.double, range(4), chunksize=1)
            while not all(p.ready == p.ready for p in mp.timeline().processes):
                time.sleep(0.01)
            workers.write_text({path!r}, str(pool._pool[{which}].pid))
            while pool._error is None:
                time.sleep(0.001)
            pool.map(workers.double, range(4))"""


@WHOLE
def test_worker_killed_while_idle(seat: Seat, tmp_path) -> None:
    """Either worker may die: one waits for a task with the queue's lock, one for the lock."""
    for which in (0, 1):
        path = tmp_path / f"idle{which}"
        cell = seat.send(in_a_pool(IDLE.format(path=str(path), which=which)))
        said = kill_and_read(seat, cell, begun(seat, path))
        reads_one_sentence(said, rf"{WORKER} {KILLED} while idle")
        all_is_well(seat)


@WHOLE
def test_worker_killed_while_starting(seat: Seat, tmp_path) -> None:
    path = tmp_path / "starting"
    more = f", workers.touch_and_sleep, ({str(path)!r},)"
    cell = seat.send(in_a_pool("pool.map(workers.double, range(4))", more))
    said = kill_and_read(seat, cell, begun(seat, path))
    reads_one_sentence(said, rf"{WORKER} {KILLED} while starting")
    all_is_well(seat)
    # And in its very first moments, in which it may do anything.
    use = (
        "os.kill(pool._pool[0].pid, signal.SIGKILL)\n"
        "            pool.apply_async(workers.sleep, (60,)).get()"
    )
    said = seat.run(in_a_pool(use))
    reads_one_sentence(said, rf"{WORKER} {KILLED} while (starting|idle|doing sleep\(60\))")
    all_is_well(seat)


@QUICK
def test_os_exit_in_a_task(seat: Seat) -> None:
    said = seat.run(in_a_pool("pool.map(workers.exit_at_once, [7])"))
    reads_one_sentence(said, rf"{WORKER} ended with exit code 7 while doing exit_at_once\(7\)")
    assert outcomes(seat) == "exit_at_once(7): lost"
    all_is_well(seat)


@WHOLE
def test_exception_in_a_task(seat: Seat) -> None:
    said = seat.run(in_a_pool("pool.map(workers.raise_oops, [3])"))
    assert said.error == "Oops: ('oops', 3)"
    assert said.warned == ""
    assert outcomes(seat) == "raise_oops(3): raised Oops: ('oops', 3)"
    all_is_well(seat)


@QUICK
def test_exception_that_cannot_be_rebuilt(seat: Seat) -> None:
    """The exception can be pickled but not rebuilt: there the plain library hangs."""
    said = seat.run(in_a_pool("pool.map(workers.raise_picky, [3])"))
    reads_one_sentence(
        said, "UnpicklingError: what a worker sent back cannot be rebuilt here: TypeError: .*"
    )
    all_is_well(seat)


@WHOLE
def test_exception_in_an_initializer(seat: Seat) -> None:
    more = ", workers.fail_initially, ('no start',)"
    said = seat.run(in_a_pool("pool.map(workers.double, range(4))", more))
    reads_one_sentence(
        said,
        rf"{WORKER} ended with exit code 1 while starting; "
        r"its last words: tests\.support\.workers\.Oops: no start",
    )
    assert int(seat.value("len(timeline.processes)")) <= 10
    all_is_well(seat)


@QUICK
def test_task_that_ignores_sigterm(seat: Seat, tmp_path) -> None:
    path = str(tmp_path / "deaf")
    use = (
        f"pool.apply_async(workers.ignore_sigterm_and_sleep, ({path!r}, 60))\n"
        f"            workers.wait_for({path!r})"
    )
    assert seat.run(in_a_pool(use)) == Said("", "", "", "")
    assert outcomes(seat).endswith(": lost")
    all_is_well(seat)


@WHOLE
def test_task_that_prints_without_end(seat: Seat) -> None:
    said = seat.run(in_a_pool("print(pool.apply(workers.print_much, (10**8,)))"))
    assert said == Said("None\n", "", "", "")
    kept, told = int(seat.value("len(output)")), seat.value("output[-60:]").splitlines()[-1]
    assert 10**6 < kept < 1.1 * 2**20
    assert told == f"({10**8 - 2**20:,} more bytes were printed and not kept)"
    all_is_well(seat)


@WHOLE
def test_result_that_cannot_be_pickled(seat: Seat) -> None:
    said = seat.run(in_a_pool("pool.map(workers.make_lambda, [3])"))
    reads_one_sentence(said, r"MaybeEncodingError: Error sending result: .*<lambda>.*")
    all_is_well(seat)


@QUICK
def test_a_million_workers(seat: Seat) -> None:
    said = seat.run("get_context().Pool(10**6)")
    reads_one_sentence(
        said, "ValueError: the number of workers must be from 1 to 1000, not 1000000"
    )
    all_is_well(seat)


@QUICK
def test_a_task_that_asks_the_student_fails_at_once(seat: Seat) -> None:
    for by in ("input", "getpass"):
        said = seat.run(in_a_pool(f"pool.apply(workers.ask, ({by!r},))"))
        assert said.error.startswith("EOFError: "), said
    all_is_well(seat)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@QUICK
def test_a_function_in_a_fork_that_asks_the_student_fails_at_once(seat: Seat) -> None:
    said = seat.run(
        "from helpers import forking\nprint(forking.in_a_fork(workers.ask, 'input').lines[-1])"
    )
    assert said.error == ""
    assert said.printed.startswith("EOFError: a child process cannot ask")
