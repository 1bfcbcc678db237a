"""The tasks of the benchmarks. Children import this file: its imports must stay light."""

import time


def nothing(_: int) -> None:
    """Do nothing: the time of such a task is the cost of handing it out."""


def compute_1ms(_: int) -> None:
    """Keep a core busy for a millisecond of processor time, also on a busy machine."""
    end = time.thread_time() + 0.001
    while time.thread_time() < end:
        pass
