"""An interrupt of the kernel ends the panel's run, in its cell or in the background."""

import re
import sys

import pytest

from tests.faults.seat import QUICK, WHOLE, Seat, all_is_well, nobody_is_left
from tests.faults.test_panel_events import (
    FIRST,
    PANEL,
    POOL,
    explored,
    is_whole,
    over,
    pressed_run,
)
from tests.support.within import until

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="there, an interrupt does not reach the children"
)

PROCESSES = """children = [mp.Process(target=task, args=(path,)) for path in paths]
    [child.start() for child in children]
    [child.join() for child in children]"""
EXECUTOR = """from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(workers, mp_context=mp) as executor:
        list(executor.map(task, paths))"""
BODIES = {"pool": POOL, "processes": PROCESSES, "executor": EXECUTOR}
INTERRUPTED = (
    r"workers=2: interrupted\. The chart shows what had happened until then(: .* tasks? done)?\."
)


def the_next_run_is_right(seat: Seat, runs: int) -> None:
    """Press Run once more, now with quick tasks, and see it go to its end."""
    assert seat.run(FIRST).error == ""
    seat.click("panel.run_button")
    over(seat, runs)
    assert is_whole(seat, 2), seat.value("panel.results[-1]")
    seat.run("panel = None")
    all_is_well(seat)


@QUICK
def test_interrupt_ends_a_pool_in_the_background(seat: Seat, tmp_path) -> None:
    interrupt_in_the_background(seat, tmp_path, POOL)


@WHOLE
@pytest.mark.parametrize("body", [PROCESSES, EXECUTOR], ids=["processes", "executor"])
def test_interrupt_ends_others_in_the_background(seat: Seat, tmp_path, body: str) -> None:
    interrupt_in_the_background(seat, tmp_path, body)


def interrupt_in_the_background(seat: Seat, tmp_path, body: str) -> None:
    explored(seat, tmp_path, body)
    pressed_run(seat, tmp_path)
    seat.interrupt()
    nobody_is_left(seat)
    over(seat, 2)
    assert re.fullmatch(INTERRUPTED, seat.value("panel.status.value"))
    assert int(seat.value("panel.results[-1].timeline.interrupts")) >= 1
    assert seat.value("panel.run_button.disabled, panel.stop_button.disabled") == "False True"
    the_next_run_is_right(seat, 3)


IGNORING_POOL = POOL.replace("Pool(workers)", "Pool(workers, ignore)")
IGNORING_EXECUTOR = EXECUTOR.replace("mp_context=mp", "mp_context=mp, initializer=ignore")
IGNORING = {"pool": IGNORING_POOL, "executor": IGNORING_EXECUTOR}


@QUICK
@pytest.mark.parametrize("body", IGNORING.values(), ids=IGNORING)
def test_interrupt_ends_a_run_whose_workers_ignore_it(seat: Seat, tmp_path, body: str) -> None:
    """The kernel is idle."""
    seat.run("ignore = workers.ignore_sigint")
    explored(seat, tmp_path, body)
    pressed_run(seat, tmp_path)
    seat.interrupt()
    nobody_is_left(seat)
    over(seat, 2)
    assert re.fullmatch(INTERRUPTED, seat.value("panel.status.value"))
    assert seat.value("panel.results[-1].timeline.interrupts") == "0", "no child has told of it"
    the_next_run_is_right(seat, 3)


@WHOLE
@pytest.mark.parametrize("body", IGNORING.values(), ids=IGNORING)
def test_interrupt_of_a_busy_cell_ends_a_run_whose_workers_ignore_it(
    seat: Seat, tmp_path, body: str
) -> None:
    seat.run("ignore = workers.ignore_sigint")
    explored(seat, tmp_path, body)
    pressed_run(seat, tmp_path)
    busy = tmp_path / "busy"
    cell = seat.send(f"workers.write_pid({str(busy)!r}); time.sleep(600)")
    until(busy.exists)
    seat.interrupt()
    assert seat.read(cell).error == "KeyboardInterrupt: "
    nobody_is_left(seat)
    over(seat, 2)
    assert re.fullmatch(INTERRUPTED, seat.value("panel.status.value"))
    the_next_run_is_right(seat, 3)


@WHOLE
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_interrupt_while_a_cell_is_busy_ends_both(seat: Seat, tmp_path, body: str) -> None:
    """A busy kernel handles the signal, and so do the children that it starts meanwhile."""
    explored(seat, tmp_path, body)
    seat.move("panel.guess", "2")
    paths = [str(tmp_path / name) for name in "ab"]
    cell = seat.send(
        "panel.request_run()\n"
        f"while not all(map(os.path.exists, {paths})): time.sleep(0.01)\n"
        f"workers.write_pid({str(tmp_path / 'busy')!r}); time.sleep(600)"
    )
    until((tmp_path / "busy").exists)
    seat.interrupt()
    assert seat.read(cell).error == "KeyboardInterrupt: "
    nobody_is_left(seat)
    over(seat, 2)
    assert re.fullmatch(INTERRUPTED, seat.value("panel.status.value"))
    the_next_run_is_right(seat, 3)


@WHOLE
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_interrupt_ends_a_run_made_by_the_cell(seat: Seat, tmp_path, body: str, times: int) -> None:
    """The cell shows the panel and tells the interrupt; the following cells do not run."""
    assert seat.run("task = workers.touch_and_sleep").error == ""
    paths = [str(tmp_path / name) for name in "ab"]
    cell = seat.send(PANEL.format(paths=paths, body=body))
    until(lambda: all((tmp_path / name).exists() for name in "ab"))
    for _ in range(times):
        seat.interrupt()
    said = seat.read(cell)
    assert said.error == "KeyboardInterrupt: "
    assert said.warned == ""
    if times == 1:  # an impatient second one may come before the panel is shown
        assert re.fullmatch(f"{INTERRUPTED}\n", said.printed)
    nobody_is_left(seat)
    assert seat.run(FIRST).error == ""
    explored(seat, tmp_path, body)
    assert is_whole(seat, 2), seat.value("panel.results[-1]")
    seat.run("panel = None")
    all_is_well(seat)
