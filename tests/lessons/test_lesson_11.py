"""Statements of lesson 11 on failures that no cell shows."""

import contextlib
import multiprocessing.pool
import os
import pickle
import re
import sys
import threading
import time

import pytest

from helpers.forking import CAN_FORK
from helpers.observed import get_context
from helpers.script import kill_family, run_script
from helpers.tasks import put_items, take_two
from tools.notebooks import NOTEBOOKS, read

LESSON = NOTEBOOKS / "11_when_things_go_wrong.ipynb"
PROGRAMS = [
    text
    for cell in read(LESSON).cells
    if cell.cell_type == "code"
    for text in re.findall(r"(?s)program = '''\n(.*?)'''", cell.source)
]
"""The programs in the glass cases, in the lesson's order."""

SWALLOWED, KILLED, FAULTS, LAMBDA, NO_GUARD, ORPHAN, ZOMBIE, CTRL_C = PROGRAMS
WITHOUT_FORK = pytest.mark.skipif(not CAN_FORK, reason="there is no fork on this system")


def by(method: str, program: str) -> str:
    """Return a program that starts its processes by this method."""
    return f"import multiprocessing\nmultiprocessing.set_start_method({method!r}, True)\n{program}"


# The time limit of a glass case


def test_a_time_limit_may_count_from_a_line_that_the_program_prints():
    slow = "import time\ntime.sleep(1)\nprint('so far')\ntime.sleep(60)"
    run = run_script(slow, timeout=0.1, since="so far")
    assert (run.stdout, run.exitcode) == ("so far\n", None)


def test_a_program_that_ends_without_that_line_is_not_waited_for():
    start = time.monotonic()
    assert run_script("raise SystemExit(3)", since="never printed").exitcode == 3
    assert time.monotonic() - start < 30


def test_a_traceback_in_a_glass_case_has_no_colours(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a notebook's kernel has it
    stderr = run_script("1 / 0").stderr
    assert stderr.endswith("\nZeroDivisionError: division by zero\n")
    assert "\x1b" not in stderr


@pytest.mark.parametrize(
    ("program", "exitcode"),
    [("", 0), ("1/0", 1), ("(", 1), ("\0", 1), ("import os; os._exit(7)", 7)],
)
def test_the_exit_code_of_any_text_is_that_of_python(program, exitcode):
    assert run_script(program).exitcode == exitcode


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1, 2**31, 2**70])
def test_a_family_that_is_not_there_needs_no_killing(pid):
    """These pids are beyond the largest one of Linux, so no process has them."""
    kill_family(pid)


# What the lesson says beside its cells


def test_files_locks_and_inner_functions_cannot_be_pickled():
    def inner():
        pass

    with open(__file__, encoding="utf-8") as file:
        for value in (file, threading.Lock(), multiprocessing.Lock(), inner):
            with pytest.raises((TypeError, RuntimeError, AttributeError, pickle.PicklingError)):
                pickle.dumps(value)


def test_a_lock_may_be_handed_to_a_process_but_not_sent_to_a_pool():
    plain = multiprocessing.get_context("spawn")
    lock = plain.Lock()
    process = plain.Process(target=bool, args=(lock,))
    process.start()
    process.join()
    assert process.exitcode == 0
    with plain.Pool(1) as pool, pytest.raises(RuntimeError, match="through inheritance"):
        pool.apply(bool, (lock,))


def test_a_join_with_a_limit_says_nothing_when_the_time_is_up():
    p = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    p.start()
    assert p.join(timeout=0.01) is None
    assert p.is_alive()
    p.kill()
    p.join()


def test_the_join_of_a_pool_takes_no_limit():
    with pytest.raises(TypeError):
        multiprocessing.pool.Pool.join(None, timeout=1)


@WITHOUT_FORK
def test_the_program_without_a_guard_works_by_fork():
    assert "Hello from the child." in run_script(NO_GUARD.replace("spawn", "fork")).stdout


def test_a_pool_without_a_guard_replaces_its_workers_for_ever():
    program = (
        "from multiprocessing import current_process, get_context\n"
        "print(current_process().name)\n"
        "with get_context('spawn').Pool(1) as pool:\n"
        "    print(pool.map(abs, [1]))\n"
    )
    run = run_script(program, timeout=0.1, since="SpawnPoolWorker-4")
    assert run.exitcode is None
    assert run.stderr.count("bootstrapping phase") >= 3


@pytest.mark.parametrize(("orders", "hangs"), [("AB BC CA", True), ("AB BC AC", False)])
def test_three_processes_can_block_each_other_in_a_circle(orders, hangs):
    mp = get_context()
    locks, ready = {name: mp.Lock() for name in "ABC"}, mp.Barrier(4)
    processes = [
        mp.Process(target=take_two, args=(locks[first], locks[second], ready))
        for first, second in orders.split()
    ]
    for p in processes:
        p.start()
    ready.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        waiting = [hold for hold in mp.timeline().holds if hold.got != hold.got]
        alive = [p for p in processes if p.is_alive()]
        if not alive or (hangs and len(waiting) == 3):
            break
        time.sleep(0.05)
    mp.stop()
    assert (len(waiting), len(alive)) == ((3, 3) if hangs else (0, 0))


def test_a_child_with_undrained_items_ends_as_soon_as_they_are_taken():
    mp = get_context()
    q, done = mp.Queue(), mp.Event()
    p = mp.Process(target=put_items, args=(q, 100, done))
    p.start()
    assert done.wait(30)
    p.join(timeout=0.5)
    assert p.is_alive()
    assert [int(q.get()) for _ in range(100)] == list(range(100))
    p.join()
    assert p.exitcode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_pipe_holds_64_kib():
    import fcntl

    here, there = multiprocessing.Pipe(duplex=False)
    assert fcntl.fcntl(there.fileno(), fcntl.F_GETPIPE_SZ) == 64 * 1024
    here.close()
    there.close()


@WITHOUT_FORK
def test_starting_another_child_collects_the_zombies():
    program = ZOMBIE.replace(
        "    print('still",
        "    get_context('spawn').Process(target=work).start()\n    print('still",
    )
    assert "still listed: False" in run_script(program, timeout=30).stdout


@WITHOUT_FORK
def test_a_pool_whose_workers_ignore_the_interrupt_ends_without_a_traceback():
    program = """
import os, signal, time
from multiprocessing import Pool, Semaphore

def ignore_interrupts(started):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started.release()

if __name__ == "__main__":
    os.setpgid(0, 0)
    started = Semaphore(0)
    with Pool(2, initializer=ignore_interrupts, initargs=(started,)) as pool:
        for _ in range(2):
            started.acquire()
        result = pool.map_async(time.sleep, [60, 60], chunksize=1)
        try:
            os.killpg(0, signal.SIGINT)
            result.get()
        except KeyboardInterrupt:
            print("interrupted")
"""
    run = run_script(program, timeout=30)
    assert (run.stdout, run.stderr, run.exitcode) == ("interrupted\n", "", 0)


# The cells run the programs by the start method of this Python; the others do the same.


@pytest.mark.slow
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_every_start_method_shows_the_same_in_the_glass_cases(method):
    assert "Can't pickle <function <lambda>" in run_script(by(method, LAMBDA), timeout=30).stderr
    swallowed = run_script(by(method, SWALLOWED), timeout=30)
    assert (swallowed.stdout, swallowed.exitcode) == ("All done.\n", 0)
    assert "Error" not in swallowed.stderr
    assert run_script(by(method, KILLED), timeout=1.5, since="killed").exitcode is None
    assert "and I work on" in run_script(by(method, ORPHAN), timeout=30).stdout
    assert "line is dead" in run_script(by(method, ORPHAN), "guarded", timeout=30).stdout
    if CAN_FORK:
        loud = run_script(by(method, CTRL_C), timeout=30)
        assert (loud.stderr.count("Traceback"), loud.exitcode) == (3, -2)
        quiet = run_script(by(method, CTRL_C), "robust", timeout=30)
        assert (quiet.stdout.count("-15"), quiet.stderr) == (2, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' pipes are no rows of pages")
def test_a_message_of_more_than_half_a_page_takes_a_page_of_the_pipe():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    written = 0
    try:
        with contextlib.suppress(BlockingIOError):  # there is no more room
            while os.write(writer, bytes(2100)) == 2100:
                written += 1
        assert written == 16
    finally:
        os.close(reader)
        os.close(writer)
