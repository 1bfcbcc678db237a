"""What happens to a kernel in mid run: interrupted, restarted, shut down, killed."""

import sys

import pytest

from tests.faults.seat import (
    QUICK,
    WHOLE,
    Seat,
    all_is_well,
    nobody_is_left,
    nothing_is_left_at_all,
)
from tests.support.plain import plain_ones
from tests.support.within import until

POOL = """
def experiment():
    with get_context().Pool(2) as pool:
        pool.map(workers.touch_and_sleep, {paths!r}, chunksize=1)
experiment()
"""
PROCESSES = """
def experiment():
    mp = get_context()
    children = [mp.Process(target=workers.touch_and_sleep, args=(path,)) for path in {paths!r}]
    for child in children:
        child.start()
    for child in children:
        child.join()
experiment()
"""
EXECUTOR = """
from concurrent.futures import ProcessPoolExecutor
def experiment():
    with ProcessPoolExecutor(2, mp_context=get_context()) as executor:
        list(executor.map(workers.touch_and_sleep, {paths!r}))
experiment()
"""
NESTED = """
def experiment():
    mp = get_context()
    child = mp.Process(target=workers.pool_of_sleepers, args=(mp, {paths!r}))
    child.start()
    child.join()
experiment()
"""
PLAIN = """
def experiment():
    child = get_context().Process(target=workers.start_plain_ones, args=({folder!r},))
    child.start()
    child.join()
experiment()
"""
LOCKS = """
locks = [get_context().Lock() for _ in range(3)]
"""


def in_mid_run(seat: Seat, tmp_path, code: str = POOL) -> str:
    """Begin to run a cell; return when its two tasks have begun."""
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.unlink(missing_ok=True)
    cell = seat.send(code.format(paths=[str(path) for path in paths]))
    until(lambda: all(path.exists() for path in paths))
    begun = {int(path.read_text()) for path in paths}
    assert begun <= {process.pid for process in seat.family()}, "the watch sees them"
    return cell


def interrupt(seat: Seat, tmp_path, code: str) -> None:
    cell = in_mid_run(seat, tmp_path, code)
    seat.interrupt()
    said = seat.read(cell)
    assert said.error == "KeyboardInterrupt: "
    assert (said.printed, said.warned) == ("", "")
    all_is_well(seat)


@QUICK
def test_interrupt_in_mid_run(seat: Seat, tmp_path) -> None:
    interrupt(seat, tmp_path, POOL)


@WHOLE
@pytest.mark.parametrize(
    "code", [PROCESSES, EXECUTOR, NESTED], ids=["processes", "executor", "nested"]
)
def test_interrupt_of_others_than_a_pool(seat: Seat, tmp_path, code: str) -> None:
    interrupt(seat, tmp_path, code)


STARTING = {
    "pool": "mp.Pool(4)",
    "processes": "[mp.Process(target=workers.sleep, args=(600,)).start() for _ in range(4)]",
    "executor": "ProcessPoolExecutor(4, mp_context=mp).map(workers.sleep, [600] * 4)",
}
INTERRUPTS_ITSELF = """
from concurrent.futures import ProcessPoolExecutor
from helpers.parent.watcher import Watcher
note, calls = Watcher._note_start, []
def note_and_interrupt(*args):
    calls.append(args)
    if len(calls) == 2:
        os.killpg(0, signal.SIGINT)
    note(*args)
def experiment():
    mp = get_context()
    {use}
Watcher._note_start = note_and_interrupt
try:
    experiment()
finally:
    Watcher._note_start = note
    del calls[:]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no killpg")
@WHOLE
@pytest.mark.parametrize("use", STARTING.values(), ids=STARTING)
def test_interrupt_while_processes_are_started(seat: Seat, use: str) -> None:
    """The signal reaches the whole group, as Jupyter's does, but not those that come later."""
    said = seat.run(INTERRUPTS_ITSELF.format(use=use))
    assert said.error == "KeyboardInterrupt: "
    assert (said.printed, said.warned) == ("", "")
    all_is_well(seat)


@WHOLE
def test_kernel_restart_in_mid_run(own_seat: Seat, tmp_path) -> None:
    own_seat.run(LOCKS)
    for now in (False, True):  # asked first, or killed at once with its whole group
        in_mid_run(own_seat, tmp_path)
        own_seat.restart(now)
        all_is_well(own_seat)


@QUICK
def test_kernel_shutdown_in_mid_run(own_seat: Seat, tmp_path) -> None:
    own_seat.run(LOCKS)
    in_mid_run(own_seat, tmp_path)
    own_seat.shut_down()
    nothing_is_left_at_all(own_seat)
    own_seat.start()
    all_is_well(own_seat)


@WHOLE
def test_kernel_shutdown_when_idle(own_seat: Seat) -> None:
    """A kernel that is shut down in order removes its own logs."""
    all_is_well(own_seat)
    own_seat.run(LOCKS + "mp = get_context(); pool = mp.Pool(1); pool.map(workers.double, [1])")
    assert own_seat.log_folders()
    own_seat.shut_down()
    nothing_is_left_at_all(own_seat)
    if own_seat.method != "forkserver":  # see docs/reliability.md
        assert own_seat.log_folders() == []


@QUICK
def test_kernel_sigkill_in_mid_run(own_seat: Seat, tmp_path) -> None:
    own_seat.run(LOCKS)
    in_mid_run(own_seat, tmp_path)
    own_seat.kill()
    nothing_is_left_at_all(own_seat)
    assert own_seat.log_folders(), "the dead cannot tidy up"
    own_seat.restart(now=True)
    all_is_well(own_seat)


@WHOLE
@pytest.mark.parametrize(
    "code", [PROCESSES, EXECUTOR, NESTED], ids=["processes", "executor", "nested"]
)
def test_kernel_sigkill_of_others_than_a_pool(own_seat: Seat, tmp_path, code: str) -> None:
    in_mid_run(own_seat, tmp_path, code)
    own_seat.kill()
    nobody_is_left(own_seat)
    nothing_is_left_at_all(own_seat)


@QUICK
def test_kernel_sigkill_while_a_task_has_started_plain_processes(own_seat: Seat, tmp_path) -> None:
    own_seat.send(PLAIN.format(folder=str(tmp_path)))
    plain_ones(tmp_path)
    own_seat.family()
    own_seat.kill()
    nobody_is_left(own_seat)
    nothing_is_left_at_all(own_seat)
