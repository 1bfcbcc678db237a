"""The thread of an executor: whatever happens to it, nobody waits for ever."""

import os
import signal
import sys
import threading
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from helpers.observed import get_context
from tests.support import workers
from tests.support.methods import METHODS

KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


@pytest.mark.parametrize("method", METHODS)
def test_a_future_that_was_cancelled_does_not_keep_others_from_failing(
    method: str, monkeypatch
) -> None:
    printed = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as executor:
        pid = executor.submit(os.getpid).result(60)
        futures = [executor.submit(workers.sleep, 600) for _ in range(6)]
        assert futures[4].cancel()  # neither running nor in the queue
        os.kill(pid, KILL)
        for future in futures:
            with pytest.raises(CancelledError if future is futures[4] else BrokenProcessPool):
                future.result(60)
    assert printed == []


@pytest.mark.parametrize("method", METHODS[:1])
def test_when_all_fail_none_can_be_cancelled_any_more(method: str) -> None:
    """Whoever reads the first failure may cancel the rest meanwhile, as `map` does."""
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as executor:
        pid = executor.submit(os.getpid).result(60)
        futures = [executor.submit(workers.sleep, 600) for _ in range(6)]
        cancelled = []
        futures[0].add_done_callback(lambda _: cancelled.extend(map(type(_).cancel, futures[1:])))
        os.kill(pid, KILL)
        for future in futures:
            with pytest.raises(BrokenProcessPool):
                future.result(60)
    assert cancelled == [False] * 5
