"""What the processes of a benchmark do. Children import this file: it must stay light."""

import time


def nothing(_: int) -> None:
    """An empty task: what it takes is what handing out a task costs."""


def compute_1ms(_: int) -> None:
    """Keep a core busy for a millisecond of processor time, however busy the machine is."""
    end = time.thread_time() + 0.001
    while time.thread_time() < end:
        pass
