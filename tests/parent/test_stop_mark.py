"""The mark that a stop leaves, and the waits that it ends."""

import os
import time

import pytest

from helpers.parent.stop_mark import StopMark, Stopped
from helpers.parent.waits import POLL


@pytest.mark.parametrize("timeout", [-1, 0])
def test_a_wait_for_no_time_is_one_attempt(timeout: float) -> None:
    assert list(StopMark().slices(timeout)) == [0]


def test_a_wait_is_divided_into_short_ones_until_its_time_is_over() -> None:
    begun, slices = time.monotonic(), []
    for seconds in StopMark().slices(3 * POLL):
        slices.append(seconds)
        time.sleep(seconds)
    assert time.monotonic() - begun >= 3 * POLL
    assert len(slices) > 1
    assert all(0 <= seconds <= POLL for seconds in slices)


def test_a_stop_ends_a_wait_for_ever() -> None:
    mark = StopMark()
    wait = mark.slices(None)
    assert next(wait) == POLL
    mark.set()
    with pytest.raises(Stopped):
        next(wait)


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_wait_in_a_fork_is_not_divided(timeout: float | None, monkeypatch) -> None:
    mark = StopMark()
    monkeypatch.setattr(os, "getpid", lambda: 0)
    wait = mark.slices(timeout)
    assert next(wait) == timeout
    assert list(wait) == []
