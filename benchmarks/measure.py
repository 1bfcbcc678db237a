"""Measure things side by side, in turn, several times over.

A machine that is shared, or warm, is slow now and quick later. So what is compared is measured
right after each other, A then B, next time B then A, and the ratio is taken within each pair.
"""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

FIGURES = {}
"""All figures by name, in the order in which the table shows them."""


class Figure(NamedTuple):
    """A cost that we watch. `measure` returns several values; their median counts."""

    name: str
    what: str
    unit: str
    bar: float | None  # the value must not be larger; None where nothing was promised
    measure: Callable[[], list[float]]
    at_least: bool = False  # the value must not be smaller than the bar
    floor: str = ""  # where the bar cannot be met: the least that is possible, and how we know

    def misses(self, value: float) -> bool:
        """Return whether a value misses the bar."""
        if self.bar is None:
            return False
        return value < self.bar if self.at_least else value > self.bar


class Value(NamedTuple):
    """The result of a figure: the median, the number of values, and where half of them lie."""

    median: float
    times: int
    low: float
    high: float


class NotHere(RuntimeError):
    """An error: a figure cannot be measured on this machine; the text says why."""


def figure(what: str, unit: str, bar: float | None = None, **more):
    """Make a figure of a function that returns measured values; it has the function's name."""

    def note(measure):
        FIGURES[measure.__name__] = Figure(measure.__name__, what, unit, bar, measure, **more)
        return measure

    return note


def value_of(figure: Figure) -> Value:
    """Measure a figure."""
    values = figure.measure()
    if len(values) < 2:
        return Value(values[0], len(values), values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Value(median, len(values), low, high)


def cpu(work: Callable, *arguments) -> float:
    """Return the seconds of processor time that this thread spends on a piece of work."""
    begin = time.thread_time()
    work(*arguments)
    return time.thread_time() - begin


def wall(work: Callable, *arguments) -> float:
    """Return the seconds until a piece of work is done, by the clock on the wall."""
    begin = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begin


def ratios(ours: Callable[[], float], plain: Callable[[], float], pairs: int) -> list[float]:
    """Return the cost of ours over the cost of plain, once for each pair, after a trial of both."""
    ours(), plain()
    found = []
    for pair in range(pairs):
        if pair % 2:
            below, above = plain(), ours()
        else:
            above, below = ours(), plain()
        found.append(above / below)
    return found
