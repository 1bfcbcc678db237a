"""Predict what should happen, as a timeline that can be drawn beside a measured one.

A pool hands its tasks out in order, each to the worker that is free first. That rule has a name,
list scheduling, and it can be followed on paper: nothing here starts a process. What a real run
takes beyond this prediction went into start-up, messages and waiting for a core.
"""

import math
from collections.abc import Iterable, Iterator
from heapq import heapreplace
from numbers import Real
from operator import index

import numpy as np

from helpers.timeline import NumberedCalls, Tasks, Timeline

MOST_LANES = 100_000
"""The most workers of a prediction: a typing error (10**6) should not cost minutes."""


def predict(durations: Iterable[float], workers: int, chunksize: int = 1) -> Timeline:
    """Return the timeline of tasks that start in the given order, each on the first free worker.

    A worker takes a whole chunk at a time and does its tasks one after the other. Where several
    workers are free at once, the one in the lowest lane takes the chunk. Start-up, messages and
    waiting for a core cost nothing here.

    Args:
        durations: how long each task lasts, in seconds; any iterable of at least one number.
        workers: how many workers there are, from 1 to `MOST_LANES`.
        chunksize: how many tasks a worker takes at a time; the last chunk may be smaller.

    Returns:
        A predicted `Timeline`. Its tasks are called `task(0)`, `task(1)`, … in the given order.

    Raises:
        TypeError: for workers, a chunk size or a duration that is no number.
        ValueError: for too few or too many workers, an empty chunk, no durations at all, or a
            duration that is negative, infinite or not a number (nan).

    Source: R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM Journal on Applied
    Mathematics 17 (1969). The paper shows that this simple rule never takes longer than
    2 - 1/workers times the best schedule there is.
    """
    workers = _checked_whole(workers, "workers", example=4)
    if not 1 <= workers <= MOST_LANES:
        raise ValueError(f"workers must be from 1 to {MOST_LANES:,}, not {workers}")
    chunksize = _checked_whole(chunksize, "chunksize", example=1)
    if chunksize < 1:
        raise ValueError(f"chunksize must be at least 1, not {chunksize}")
    seconds = _checked_durations(durations)
    with np.errstate(over="ignore"):  # an end beyond all numbers is infinite, and refused here
        lane, started = _schedule_of_chunks(seconds, workers, chunksize)
        finished = started + seconds
    if math.isinf(finished.max()):
        raise ValueError("these durations add up to more seconds than a number can hold")
    calls = NumberedCalls(len(seconds))
    tasks = Tasks.from_columns(calls, lane=lane, started=started, finished=finished)
    return Timeline(tasks, workers=workers, now=float(finished.max()), predicted=True)


def list_schedule(durations: Iterable[float], workers: int) -> Iterator[tuple[float, int]]:
    """Yield each task's start and lane: the next task goes to the worker that is free first."""
    free = [(0.0, lane) for lane in range(1, workers + 1)]  # sorted, and so a heap already
    for duration in durations:
        start, lane = free[0]  # the least pair: the earliest time, then the lowest lane
        yield start, lane
        heapreplace(free, (start + duration, lane))


def _schedule_of_chunks(seconds, workers, chunksize):
    """Return the lane and the start of every task, where each worker takes whole chunks."""
    chunksize = min(chunksize, len(seconds))
    chunks = np.zeros((math.ceil(len(seconds) / chunksize), chunksize))  # a row for each chunk
    chunks.flat[: len(seconds)] = seconds
    ends = chunks.cumsum(axis=1)  # of each task, counted from the start of its chunk
    schedule = np.fromiter(
        list_schedule(ends[:, -1].tolist(), workers),
        dtype=[("start", float), ("lane", np.int64)],
        count=len(chunks),
    )
    started = schedule["start"][:, None] + (ends - chunks)
    return schedule["lane"].repeat(chunksize)[: len(seconds)], started.flat[: len(seconds)]


def _checked_whole(number, name, example):
    """Return a whole number of any type as an int; refuse True, which is one for Python."""
    try:
        if isinstance(number, bool):
            raise TypeError
        return index(number)
    except TypeError:
        raise TypeError(
            f"{name} must be a whole number such as {example}, not {number!r}"
        ) from None


def _checked_durations(durations):
    """Return the durations as an array of seconds; an error names the first bad one."""
    durations = _listed(durations)
    if len(durations) == 0:
        raise ValueError("there are no durations: give at least one task, such as [1.0]")
    seconds = _as_floats(durations)
    bad = ~((seconds >= 0) & (seconds < math.inf))  # nan is neither
    if bad.any():
        i = int(bad.argmax())
        raise ValueError(f"duration {i} is {durations[i]!r}: it must be 0 or more, and finite")
    return seconds


def _listed(durations):
    """Return any iterable as a list or an array; refuse a text, which is iterable too."""
    if isinstance(durations, (list, tuple, np.ndarray)):
        return durations
    try:
        if isinstance(durations, (str, bytes)):
            raise TypeError
        return list(durations)
    except TypeError:
        raise TypeError(
            f"durations must be several numbers of seconds such as [1.0, 2.5], not {durations!r}"
        ) from None


def _as_floats(durations):
    """Return the durations as one array of floats; numpy alone would accept the text "1.5"."""
    try:
        numbers = np.asarray(durations)
    except ValueError:  # lists of different lengths among them
        numbers = np.empty(0, dtype=object)
    if numbers.ndim == 1 and numbers.dtype.kind in "iuf":
        return numbers.astype(float, copy=False)
    for i, duration in enumerate(durations):
        if isinstance(duration, (bool, np.bool_)) or not isinstance(duration, Real):
            raise TypeError(f"duration {i} is {duration!r}: it must be a number of seconds")
    return np.array([_as_float(duration) for duration in durations])


def _as_float(number):
    """Return a fraction or a huge whole number as a float; infinite if no float is large enough."""
    try:
        return float(number)
    except OverflowError:
        return math.inf
