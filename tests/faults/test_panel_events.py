"""Events at the panel of an experiment, caused by the messages that the page sends."""

import re

from tests.faults.seat import QUICK, WHOLE, Said, Seat, all_is_well
from tests.support.plain import all_have_ended, plain_ones
from tests.support.within import until

PANEL = """
from helpers.panel import explore
paths = {paths!r}
def experiment(mp, workers):
    {body}
panel = explore(experiment, workers=2)
"""
POOL = """with mp.Pool(workers) as pool:
        pool.map(task, paths * 2, chunksize=1)"""
FIRST = "task = workers.own_pid"
THEN = "task = workers.touch_and_sleep"


def explored(seat: Seat, tmp_path, body: str, first: str = FIRST) -> Said:
    """Run a cell with a panel, which makes its first run; the next ones take long."""
    assert seat.run(first).error == ""
    paths = [str(tmp_path / name) for name in "ab"]
    said = seat.run(PANEL.format(paths=paths, body=body))
    assert (said.warned, said.error) == ("", "")
    assert seat.run(THEN).error == ""
    return said


def pressed_run(seat: Seat, tmp_path) -> None:
    """Give a guess, press Run, and wait until two tasks have begun."""
    seat.move("panel.guess", "2")
    seat.click("panel.run_button")
    until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())
    assert len(seat.children(seat.family())) >= 2


def over(seat: Seat, runs: int) -> None:
    """Wait until so many runs are over."""
    until(lambda: seat.value("len(panel.results), panel.attempt") == f"{runs} None")


def is_whole(seat: Seat, workers: int) -> bool:
    """Check that the last run went to its end with this number of workers."""
    code = "repr(panel.results[-1].trouble), panel.results[-1].timeline.workers"
    return seat.value(code) == f"'' {workers}"


@QUICK
def test_stop(seat: Seat, tmp_path) -> None:
    explored(seat, tmp_path, POOL)
    pressed_run(seat, tmp_path)
    seat.click("panel.stop_button")
    over(seat, 2)
    words = "workers=2: stopped. The chart shows what had happened until then: 0 of 4 tasks done."
    assert seat.value("panel.status.value") == words
    assert seat.value("{task.outcome for task in panel.results[-1].timeline.tasks}") == "{'lost'}"
    seat.run("panel = None")
    all_is_well(seat)


@QUICK
def test_stop_while_a_task_has_started_plain_processes(seat: Seat, tmp_path) -> None:
    body = f"""child = mp.Process(target=task, args=({str(tmp_path)!r},))
    child.start()
    child.join()"""
    explored(seat, tmp_path, body)
    seat.run("task = workers.start_plain_ones")
    seat.move("panel.guess", "2")
    seat.click("panel.run_button")
    plain = plain_ones(tmp_path)
    seat.click("panel.stop_button")
    over(seat, 2)
    all_have_ended(plain)
    seat.run("panel = None")
    all_is_well(seat)


@QUICK
def test_slider_in_mid_run(seat: Seat, tmp_path) -> None:
    explored(seat, tmp_path, POOL)
    pressed_run(seat, tmp_path)
    seat.run(FIRST)  # what comes now is quick
    for workers in (3, 4, 3):
        seat.move("panel.sliders['workers']", workers)
    until(lambda: seat.value("panel.attempt, len(panel.results) > 1") == "None True")
    assert seat.value("panel.results[-1].setting.numbers") == "{'workers': 3}"
    assert is_whole(seat, 3), seat.value("panel.results[-1].trouble, panel.results[-1].timeline")
    seat.run("panel = None")
    all_is_well(seat)


@WHOLE
def test_exception_in_run(seat: Seat, tmp_path) -> None:
    said = explored(seat, tmp_path, "raise ValueError('my own mistake')")
    assert said.printed == "workers=2: ValueError: my own mistake\n"
    seat.move("panel.guess", "2")
    seat.click("panel.run_button")
    over(seat, 2)
    assert seat.value("panel.status.value") == "workers=2: ValueError: my own mistake"
    seat.run("panel = None")
    all_is_well(seat)


@WHOLE
def test_worker_killed_in_run(seat: Seat, tmp_path) -> None:
    explored(seat, tmp_path, POOL)
    pressed_run(seat, tmp_path)
    pid = (tmp_path / "a").read_text()
    seat.run(f"os.kill({pid}, signal.SIGKILL)")
    over(seat, 2)
    assert re.fullmatch(
        rf"workers=2: WorkerDied: worker \d \(pid {pid}\) was killed by signal 9 \(SIGKILL\) "
        r"while doing touch_and_sleep\(.*\)",
        seat.value("__import__('html').unescape(panel.status.value)"),
    )
    seat.run("panel = None")
    all_is_well(seat)


@QUICK
def test_a_million_workers_in_the_sliders_code(seat: Seat, tmp_path) -> None:
    said = explored(seat, tmp_path, "mp.Pool(10**6)")
    assert said.printed == (
        "workers=2: ValueError: the number of workers must be from 1 to 1000, not 1000000\n"
    )
    seat.run("panel = None")
    all_is_well(seat)


BOMB = """for _ in range(10**6):
        mp.Process(target=task, args=(60,)).start()"""
SMALL = """
from helpers.parent import checks
kept, checks.MOST_PROCESSES = checks.MOST_PROCESSES, 20
task = time.sleep
"""


@WHOLE
def test_a_million_processes_in_the_sliders_code(seat: Seat, tmp_path) -> None:
    """Processes beyond the limit are refused, one after the other; here the limit is small."""
    said = explored(seat, tmp_path, BOMB, SMALL)
    assert said.printed == (
        "workers=2: ValueError: 20 processes of this experiment are alive, "
        "and no more are started\n"
    )
    seat.run("panel = None; checks.MOST_PROCESSES = kept")
    all_is_well(seat)


@WHOLE
def test_stop_while_a_pool_is_being_made(seat: Seat, tmp_path) -> None:
    """A thousand workers take a while to start: Stop does not wait for them."""
    body = "mp.Pool(workers if len(panel_runs) == 1 else 1000)"
    explored(seat, tmp_path, f"panel_runs.append(1); {body}", "panel_runs = []")
    seat.move("panel.guess", "2")
    seat.click("panel.run_button")
    until(lambda: len(seat.children(seat.family())) >= 5)
    seat.click("panel.stop_button")
    over(seat, 2)
    assert "stopped. The chart shows" in seat.value("panel.status.value")
    assert int(seat.value("len(panel.results[-1].timeline.processes)")) < 1000
    seat.run("panel = None")
    all_is_well(seat)
