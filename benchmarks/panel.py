"""What the panel costs the run that it shows, and how quickly it lets go of one."""

import threading
import time

import psutil

from benchmarks.measure import cpu, figure, ratios
from benchmarks.timelines import WORKERS
from benchmarks.workers import nothing
from helpers.live import LiveChart
from helpers.observed import get_context
from helpers.runner import Attempt, Job, Runner, Setting

PATIENCE = 60
SLEEPS = [0.25] * 40


def sleep_all(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, SLEEPS, chunksize=1)


def sleep_long(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, [60] * workers, chunksize=1)


class Watched:
    """A run in the background, as the panel makes one; `look` is called while it goes on."""

    def __init__(self, runner: Runner, run, look=lambda timeline: None):
        self.attempt = Attempt(run, Setting("spawn", {"workers": WORKERS}))
        self.result = None
        self._over = threading.Event()
        self._look = look
        runner.request(Job(self.attempt, self._looked, self._finished, self._over.set))

    def _looked(self):
        self._look(self.attempt.context)

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

    def seconds(draws: bool) -> float:
        live = LiveChart(WORKERS, 4.0)
        look = (lambda context: live.frame(context.timeline())) if draws else (lambda context: None)
        return Watched(runner, sleep_all, look).wait().timeline.total

    return ratios(lambda: seconds(True), lambda: seconds(False), 7)


@figure("from Stop until the result is there and all children are gone", "s", bar=0.5)
def stop_seconds():
    runner = Runner()
    return [seconds_to_stop(runner) for _ in range(9)]


def seconds_to_stop(runner: Runner) -> float:
    """Start a run, and stop it as soon as all its workers work."""
    under_way = threading.Event()

    def look(context):
        if len(context.timeline().tasks) == WORKERS:
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
