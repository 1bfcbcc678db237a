"""Measure the same jobs with other tools, to help a reader choose; and what a tracer costs.

Each figure is over the standard library's pool, which records nothing. None has a bar, since the
other tools do more than hand out tasks, or other things.
"""

import json
import logging
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measure import NotHere, figure, wall
from benchmarks.workers import compute_1ms, nothing

PAIRS = 3


def need(package: str) -> None:
    """Raise NotHere if a package is not installed."""
    if find_spec(package) is None:
        raise NotHere(f"{package} is not installed")


# Tools that hand out tasks. Each gives a function that makes two workers do a job.


@contextmanager
def pool() -> Iterator[Callable]:
    with multiprocessing.get_context("spawn").Pool(2) as workers:
        yield lambda task, tasks: workers.map(task, range(tasks), chunksize=1)


@contextmanager
def executor() -> Iterator[Callable]:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as workers:
        yield lambda task, tasks: list(workers.map(task, range(tasks), chunksize=1))


@contextmanager
def mpire_with_insights() -> Iterator[Callable]:
    need("mpire")
    from mpire import WorkerPool

    options = {"start_method": "spawn", "keep_alive": True, "enable_insights": True}
    with WorkerPool(2, **options) as workers:
        yield lambda task, tasks: workers.map(task, range(tasks), chunk_size=1)


@contextmanager
def dask_with_task_stream() -> Iterator[Callable]:
    need("distributed")
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    options["silence_logs"] = logging.CRITICAL
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.get_task_stream()  # from now on the scheduler keeps its records of tasks

        def job(task, tasks):
            client.gather(client.map(task, range(tasks), pure=False))
            client.get_task_stream()

        yield job


def over_pool(tool: Callable, task: Callable, tasks: int) -> list[float]:
    """Return the seconds of a job with a tool over those with a plain pool, both in turn."""
    with tool() as ours, pool() as plain:
        for job in (ours, plain):
            job(nothing, 100)  # until all workers have started
        return [wall(ours, task, tasks) / wall(plain, task, tasks) for _ in range(PAIRS)]


@figure("20,000 empty tasks on ProcessPoolExecutor over Pool", "ratio")
def executor_noop():
    return over_pool(executor, nothing, 20_000)


@figure("2,000 tasks of 1 ms on ProcessPoolExecutor over Pool", "ratio")
def executor_1ms():
    return over_pool(executor, compute_1ms, 2000)


@figure("20,000 empty tasks on mpire with insights over Pool", "ratio")
def mpire_noop():
    return over_pool(mpire_with_insights, nothing, 20_000)


@figure("2,000 tasks of 1 ms on mpire with insights over Pool", "ratio")
def mpire_1ms():
    return over_pool(mpire_with_insights, compute_1ms, 2000)


@figure("20,000 empty tasks on a Dask cluster with its task stream over Pool", "ratio")
def dask_noop():
    return over_pool(dask_with_task_stream, nothing, 20_000)


@figure("2,000 tasks of 1 ms on a Dask cluster with its task stream over Pool", "ratio")
def dask_1ms():
    return over_pool(dask_with_task_stream, compute_1ms, 2000)


# A tracer of all calls, across processes


JOB = ("-m", "benchmarks.job")


def seconds_of_job(how: str, *tracer: str) -> float:
    """Return how long 20,000 empty tasks take in a program of their own, with a tracer or without.

    The time that a tracer takes to write its file is not in it.
    """
    command = [sys.executable, *tracer, *JOB, how]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[0])


@figure("what recording adds to 20,000 empty tasks, over what VizTracer adds", "ratio", bar=0.25)
def observed_vs_viztracer():
    need("viztracer")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        # The tracer keeps the last events of each process; with fewer it would only write sooner.
        tracer = ["-m", "viztracer", "--quiet", "--tracer_entries", "50000"]
        tracer += ["-o", str(Path(folder) / "trace.json")]
        for _ in range(9):  # a small difference of two large numbers
            plain, ours = seconds_of_job("plain"), seconds_of_job("observed")
            theirs = seconds_of_job("plain", *tracer)
            found.append((ours - plain) / (theirs - plain))
    return found
