"""Measure what the recorder costs the processes that it watches."""

import math
import multiprocessing
import random
import subprocess
import sys
import time

from benchmarks.measure import figure, ratios, wall
from benchmarks.noting import compute_1ms_and_note
from benchmarks.workers import compute_1ms, nothing
from helpers.observed import get_context
from helpers.schedule import predict


def map_seconds(context, task, tasks: int, chunksize: int) -> float:
    """Measure a map on two workers that have already started."""
    all_there = context.Barrier(3)
    with context.Pool(2, all_there.wait) as pool:
        all_there.wait()
        return wall(lambda: pool.map(task, range(tasks), chunksize=chunksize))


def observed_over_plain(task, tasks: int, chunksize: int, pairs: int) -> list[float]:
    """Compare the same map through our context and through the standard one."""
    return ratios(
        lambda: map_seconds(get_context("spawn"), task, tasks, chunksize),
        lambda: map_seconds(multiprocessing.get_context("spawn"), task, tasks, chunksize),
        pairs,
    )


@figure(
    "2,000 tasks of 1 ms on 2 workers, observed over plain",
    "ratio",
    bar=1.03,
    floor="noted_1ms, the least that any recorder does, measured alike. Ours takes 50 to 60 us of"
    " processor time a task, where a plain pool takes 1,340 us in its three processes together:"
    " half of it in the worker, half in the parent. In a row a worker's steps take 4.5 us; but"
    " after a millisecond of other work the processor has to fetch all of them anew",
)
def observed_1ms():
    return observed_over_plain(compute_1ms, 2000, 1, 15)


@figure("such tasks on a plain pool, each writing two records by hand, over plain", "ratio")
def noted_1ms():
    plain = multiprocessing.get_context("spawn")
    return ratios(
        lambda: map_seconds(plain, compute_1ms_and_note, 2000, 1),
        lambda: map_seconds(plain, compute_1ms, 2000, 1),
        15,
    )


@figure("20,000 empty tasks, observed over plain", "ratio", bar=1.3)
def observed_noop():
    return observed_over_plain(nothing, 20_000, 1, 9)


@figure(
    "20,000 empty tasks in chunks of 100, observed over plain",
    "ratio",
    bar=3,
)
def observed_noop_chunked():
    return observed_over_plain(nothing, 20_000, 100, 31)


@figure(
    "first result of a spawned Pool(4), observed over plain",
    "ratio",
    bar=1.15,
    floor="near 1: a pool of two starts in 1.03 times a plain one's time, and four children use 4 %"
    " more of the processor (284 ms and 272 ms). Which of four is ready first on two cores is the"
    " system's choice: after 0.1 s or after 0.17 s, so that four runs in turn gave 1.03 to 1.23",
)
def spawn_startup():
    def seconds(new_context) -> float:
        def first_result():
            pools.append(new_context("spawn").Pool(4))
            pools[-1].apply(nothing, (0,))

        pools = []
        found = wall(first_result)
        pools[0].terminate()
        pools[0].join()
        return found

    return ratios(lambda: seconds(get_context), lambda: seconds(multiprocessing.get_context), 31)


def importing(program: str, over: str = "pass") -> list[float]:
    """Return how long Python takes with these imports, over Python alone or with others."""

    def seconds(program: str) -> float:
        return wall(lambda: subprocess.run([sys.executable, "-c", program], check=True))

    return ratios(lambda: seconds(program), lambda: seconds(over), 15)


@figure(
    "importing all that a child imports, over starting Python alone",
    "ratio",
    bar=1.3,
    floor="import_least, what Python itself imports in every child that it spawns, measured alike",
)
def import_tasks():
    return importing("import helpers.tasks, helpers.child.process")


@figure("importing multiprocessing.spawn, as every spawned child does, over Python alone", "ratio")
def import_least():
    return importing("import multiprocessing.spawn")


PLAIN = "import multiprocessing.pool"


@figure("importing multiprocessing.pool, as a plain child does, over Python alone", "ratio")
def import_plain():
    return importing(PLAIN)


@figure("importing all that a child imports, over what a plain child imports", "ratio", bar=1.1)
def import_ours():
    return importing(f"{PLAIN}, helpers.tasks, helpers.child.process", over=PLAIN)


LENGTHS = [0.05 + 0.2 * random.Random(n).random() for n in range(48)]


def makespan_over_predicted(workers: int) -> float:
    """Return the makespan of sleeping tasks over that of `predict`."""
    mp = get_context("spawn")
    with mp.Pool(workers) as pool:
        while any(math.isnan(process.ready) for process in mp.timeline().processes):
            time.sleep(0.05)
        pool.map(time.sleep, LENGTHS, chunksize=1)
        return mp.timeline().makespan / predict(LENGTHS, workers).makespan


@figure("sleeping tasks on 1 to 16 workers over the prediction, the worst of five", "ratio", 1.05)
def makespan_over_ideal():
    return [max(map(makespan_over_predicted, (1, 2, 4, 8, 16))) for _ in range(3)]
