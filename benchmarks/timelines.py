"""Make up runs to draw: no process is needed to measure what a picture costs."""

import math

import numpy as np

from helpers.timeline import RETURNED, RUNNING, Process, Tasks, Timeline

WORKERS = 4
SECONDS = 10.0
"""The length of a made-up run, with any number of tasks."""


def snapshot(bars: int, now: float) -> Timeline:
    """Return what is known at `now` seconds of a run of `bars` tasks, dealt evenly to the workers.

    The workers start up in a tenth of a second, each task is followed by a short gap, and every
    worker has begun as many tasks as fit.
    """
    ready, rounds = 0.1, math.ceil(bars / WORKERS)
    step = (SECONDS - ready) / rounds
    begins = ready + step * np.repeat(np.arange(rounds), WORKERS)[:bars]
    begins = begins[begins < now]
    ends = begins + 0.9 * step
    ends[ends > now] = math.nan
    lane = np.arange(len(begins)) % WORKERS + 1
    tasks = Tasks.from_columns(
        [f"task({i})" for i in range(len(begins))],
        lane=lane,
        pid=lane + 1000,
        submitted=np.zeros(len(begins)),
        started=begins,
        finished=ends,
        on_core=np.full(len(begins), 0.6),
        outcome=np.where(np.isnan(ends), RUNNING, RETURNED),
    )
    up = ready if now >= ready else math.nan
    processes = [
        Process(f"worker-{n}", 1000 + n, 999, n, "worker", "spawn", 0.0, up, up, math.nan, None)
        for n in range(1, WORKERS + 1)
    ]
    return Timeline(tasks, processes, method="spawn", workers=WORKERS, now=now)
