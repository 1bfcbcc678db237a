"""What should happen: the list schedule, as a timeline that can be drawn beside a measured one.

A pool hands its tasks out in order, each to the first worker that is free. That rule has a name,
list scheduling, and it can be followed on paper: nothing here starts a process. What a real run
takes beyond this prediction went into start-up, messages and waiting for a core.
"""

import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappushpop
from numbers import Real
from operator import index

import numpy as np

from helpers.timeline import Tasks, Timeline

MOST_WORKERS = 100_000
"""More lanes than this help nobody; a slip of the finger (10**6) should not cost minutes."""

_FLOAT_BITS = 53
"""A float holds whole numbers exactly up to 2 to this power."""

_MANY_WORKERS = 500
"""From so many workers on, sorting the starts of many tasks at once is quicker than a heap."""

_SORTINGS = 16
"""How often a row of starts is sorted anew: more often would take longer than the heap. Evenly
spread durations need about 10 of them, exponentially spread ones 12."""


def predict(durations: Iterable[float], workers: int, chunksize: int = 1) -> Timeline:
    """The timeline of tasks that are started in the given order, each by the first free worker.

    A worker takes a whole chunk at a time and does its tasks one after the other.

    Where several workers are free at once, the one in the lowest lane takes the task. Start-up,
    messages and waiting for a core cost nothing here.

    Args:
        durations: how long each task lasts, in seconds; any iterable of at least one number.
        workers: how many workers there are, from 1 to `MOST_WORKERS`.
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
    workers = _checked_workers(workers)
    chunksize = _checked_chunksize(chunksize)
    seconds = _checked_durations(durations)
    started, finished, lane = _schedule_of_chunks(seconds, workers, chunksize)
    tasks = Tasks.from_columns(
        _NumberedCalls(len(seconds)), lane=lane, started=started, finished=finished
    )
    return Timeline(tasks, workers=workers, now=float(finished.max()), predicted=True)


def _schedule_of_chunks(seconds, workers, chunksize):
    """Start, finish and lane of every task, where each worker takes whole chunks."""
    if chunksize == 1:
        return _list_schedule(seconds, workers)
    chunks = np.arange(0, len(seconds), chunksize)
    began, _, lane = _list_schedule(np.add.reduceat(seconds, chunks), workers)
    chunk = np.arange(len(seconds)) // chunksize
    before = np.cumsum(seconds) - seconds  # all tasks before this one, in one row
    started = began[chunk] + (before - before[chunks][chunk])
    return started, started + seconds, lane[chunk]


def _list_schedule(seconds, workers):
    """Start, finish and lane of every task, as three arrays.

    Every worker is one number: when it is free. A worker's lane rides in the last bits of that
    number, far below anything a clock can tell, so that one comparison of two floats decides by
    time first and by lane second. Pairs (time, lane) would say the same and take more than twice
    as long.
    """
    last_bit, tick = _clock(seconds, workers)
    length = np.rint(seconds / tick) * tick
    free = np.arange(workers) * last_bit
    began = _starts(length, free) if workers < _MANY_WORKERS else _starts_of_many(length, free)
    started = np.floor(began / tick) * tick
    lane = ((began - started) / last_bit).astype(np.int64) + 1
    return started, started + length, lane


def _starts(lengths, free):
    """When each task starts: when its worker is free, who is the first of all to be so.

    Args:
        lengths: how long each task lasts.
        free: when each worker is free, sorted.
    """
    return np.fromiter(_one_by_one(lengths.data, free.tolist()), float, len(lengths))


def _one_by_one(lengths, free):
    """Start after start; `free` is a sorted list, and so a heap already. It is used up."""
    first = heappop(free)
    for length in lengths:
        yield first
        first = heappushpop(free, first + length)


def _starts_of_many(lengths, free):
    """The same starts, found for as many tasks at a time as there are workers.

    Where that does not go quickly, as with most workers in long tasks while a few do many short
    ones in a row, it will not do so later either, and the heap does the rest.
    """
    starts = np.empty(len(lengths))
    for i in range(0, len(lengths), len(free)):
        count = min(len(free), len(lengths) - i)
        row = _starts_and_free(lengths[i : i + count], free)
        if row is None:
            starts[i:] = _starts(lengths[i:], free)
            break
        starts[i : i + count] = row[:count]
        free = row[count:]
    return starts


def _starts_and_free(lengths, free):
    """The starts of a few tasks, and after them when each worker is free, in one sorted row.

    None if that is not found in `_SORTINGS` steps.

    Each task starts at the least number that is left, of those in `free` and of the ends of the
    tasks before it. So the starts are the least of all these numbers, sorted. We begin with starts
    that are too late (nobody ends in time to start again), sort in the ends that follow from them,
    and have better ones. They are never too early, because later starts give later ends; and each
    is right as soon as all before it are, the first from the beginning. So starts that no longer
    change are the right ones.
    """
    count, row = len(lengths), free
    for _ in range(_SORTINGS):
        starts = row[:count]
        with np.errstate(over="ignore"):  # the end of a start that is far too late
            row = np.concatenate([free, starts + lengths])
        row.sort()
        if (row[:count] == starts).all():
            return row
    return None


def _clock(seconds, workers):
    """The unit of the lane's bits and the tick of the clock above them, both powers of two.

    No schedule is longer than an even share of the work plus the longest task, so we know how
    many bits the time needs, and give it all that the lanes leave over.
    """
    with np.errstate(over="ignore"):
        longest = float((seconds / workers).sum() + seconds.max())
    if math.isinf(longest):
        raise ValueError("these durations add up to more seconds than a number can hold")
    exponent = max(math.frexp(longest)[1], -900)
    last_bit = 2.0 ** (exponent + 1 - _FLOAT_BITS)
    return last_bit, last_bit * 2 ** (workers - 1).bit_length()


def _checked_workers(workers):
    """The number of workers as an int, or an error that says what is allowed."""
    number = _whole(workers, "workers", 4)
    if not 1 <= number <= MOST_WORKERS:
        raise ValueError(f"workers must be from 1 to {MOST_WORKERS:,}, not {number}")
    return number


def _checked_chunksize(chunksize):
    """The chunk size as an int, or an error that says what is allowed."""
    number = _whole(chunksize, "chunksize", 1)
    if number < 1:
        raise ValueError(f"chunksize must be at least 1, not {number}")
    return number


def _whole(number, name, example):
    """A whole number of any type as an int; True is one for Python, but surely a mistake."""
    try:
        if isinstance(number, bool):
            raise TypeError
        return index(number)
    except TypeError:
        raise TypeError(
            f"{name} must be a whole number such as {example}, not {number!r}"
        ) from None


def _checked_durations(durations):
    """The durations as an array of seconds, or an error that names the first bad one."""
    if not isinstance(durations, (list, tuple, np.ndarray)):
        durations = _listed(durations)
    if len(durations) == 0:
        raise ValueError("there are no durations: give at least one task, such as [1.0]")
    seconds = _as_floats(durations)
    if not (seconds.min() >= 0 and seconds.max() < math.inf):  # both are nan if one number is
        i = int((~(seconds >= 0) | np.isinf(seconds)).argmax())
        raise ValueError(f"duration {i} is {durations[i]!r}: it must be 0 or more, and finite")
    return seconds


def _listed(durations):
    """Any iterable as a list; a text is iterable too, but surely a mistake."""
    try:
        if isinstance(durations, (str, bytes)):
            raise TypeError
        return list(durations)
    except TypeError:
        raise TypeError(
            f"durations must be several numbers of seconds such as [1.0, 2.5], not {durations!r}"
        ) from None


def _as_floats(durations):
    """The durations as one array of floats; numpy alone would take the text "1.5" as a number."""
    try:
        numbers = np.asarray(durations)
    except ValueError:  # lists of different lengths among them
        numbers = np.empty(0, dtype=object)
    if numbers.ndim == 1 and numbers.dtype.kind in "iuf":
        return numbers.astype(float, copy=False)
    for i, one in enumerate(durations):
        if isinstance(one, (bool, np.bool_)) or not isinstance(one, Real):
            raise TypeError(f"duration {i} is {one!r}: it must be a number of seconds")
    return np.array([_as_float(one) for one in durations])


def _as_float(number):
    """A fraction or a huge whole number as a float; infinite if no float is large enough."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


class _NumberedCalls(Sequence):
    """The texts `task(0)`, `task(1)`, …, made when somebody asks for one."""

    def __init__(self, count):
        self._numbers = range(count)

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, i):
        return f"task({self._numbers[i]})"
