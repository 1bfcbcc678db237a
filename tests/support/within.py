"""Time limits for calls that must not hang."""

import threading
import time
from collections.abc import Callable

import psutil


def within(seconds, function, *args):
    """Return or raise what `function(*args)` does; fail if it has not ended after `seconds`.

    The limit is no measurement: it is far beyond what a slow machine needs.
    """
    ends = []

    def call():
        try:
            ends.append((function(*args), None))
        except BaseException as error:
            ends.append((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert ends, f"no end after {seconds} seconds"
    result, error = ends[0]
    if error is not None:
        raise error
    return result


def until(condition: Callable[[], object], what: str = "", seconds: float = 60) -> None:
    """Wait until a condition holds; fail if it does not hold after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds} seconds: {what}"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Tell whether a process ends; one that was killed may take a moment."""
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
