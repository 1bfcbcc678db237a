"""Measure what the panel costs the run that it shows, and how quickly it stops one."""

import threading
import time
from collections.abc import Callable

import psutil

from benchmarks.measure import cpu, figure, ratios
from benchmarks.timelines import WORKERS
from benchmarks.workers import nothing
from helpers.chart.live import LiveChart
from helpers.observed import get_context
from helpers.runs.runner import Attempt, Job, Runner, Setting
from helpers.timeline import Timeline

PATIENCE = 60
SLEEPS = [0.25] * 40


def sleep_all(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, SLEEPS, chunksize=1)


def sleep_long(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, [60] * workers, chunksize=1)


def attempt_at(run) -> Attempt:
    return Attempt(run, Setting("spawn", {"workers": WORKERS}))


class Watched:
    """A run in the background, as the panel makes it; `look` is called meanwhile."""

    def __init__(self, runner: Runner, run, look: Callable[[Timeline], object]):
        self.result = None
        self._over = threading.Event()
        runner.request(Job(attempt_at(run), look, self._finished, self._over.set))

    def _finished(self, result):
        self.result = result
        self._over.set()

    def wait(self):
        if not self._over.wait(PATIENCE) or self.result is None:
            raise RuntimeError(f"a run of the benchmark was not over after {PATIENCE} seconds")
        return self.result


@figure("a run of sleeping tasks with the live chart on over the same with it off", "ratio", 1.02)
def live_cost():
    runner = Runner()

    def drawn() -> float:
        return Watched(runner, sleep_all, LiveChart(WORKERS, 4.0).frame).wait().timeline.total

    def alone() -> float:
        return attempt_at(sleep_all).make().timeline.total

    return ratios(drawn, alone, 7)


@figure("from Stop until the result is there and all children are gone", "s", bar=0.5)
def stop_seconds():
    runner = Runner()
    return [seconds_to_stop(runner) for _ in range(9)]


def seconds_to_stop(runner: Runner) -> float:
    """Start a run, and stop it as soon as all its workers have a task."""
    under_way = threading.Event()

    def look(timeline):
        if len(timeline.tasks) == WORKERS:
            under_way.set()

    watched = Watched(runner, sleep_long, look)
    if not under_way.wait(PATIENCE):
        raise RuntimeError(f"no run of the benchmark was under way after {PATIENCE} seconds")
    begin = time.perf_counter()
    runner.stop()
    result = watched.wait()
    while any(psutil.pid_exists(process.pid) for process in result.timeline.processes):
        time.sleep(0.001)
    return time.perf_counter() - begin


@figure("reading the logs of 2,000 tasks into a timeline, once for each frame", "ms CPU")
def snapshot_2000():
    mp = get_context("spawn")
    with mp.Pool(WORKERS) as pool:
        pool.map(nothing, range(2000), chunksize=1)
        return [1000 * cpu(mp.timeline) for _ in range(25)]
