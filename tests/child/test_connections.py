"""Pipes are the real ones, and who waits for a message in them is in the timeline."""

import multiprocessing
import os

import pytest

from helpers.gantt import gantt
from helpers.observed import get_context
from tests.support.charts import legend
from tests.support.methods import METHODS
from tests.support.within import until


def echo(end) -> None:
    end.send(end.recv())
    end.send_bytes(end.recv_bytes())


def waits_of(mp, pid: int) -> list:
    return [wait for wait in mp.timeline().waits if wait.pid == pid and wait.reason != "end"]


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_has_nothing_to_receive_waits(method: str) -> None:
    mp = get_context(method)
    here, there = mp.Pipe()
    child = mp.Process(target=echo, args=(there,))
    child.start()
    until(lambda: waits_of(mp, child.pid))
    here.send({"a": [1]})
    assert here.recv() == {"a": [1]}
    until(lambda: len(waits_of(mp, child.pid)) == 2)
    here.send_bytes(b"bytes")
    assert here.recv_bytes() == b"bytes"
    child.join()
    assert child.exitcode == 0
    first, second = waits_of(mp, child.pid)
    assert (first.reason, first.name) == (second.reason, second.name) == ("pipe", "pipe 1")
    assert first.began < first.ended <= second.began < second.ended
    (task,) = mp.timeline().tasks
    assert task.call == "echo(pipe 1)"
    chart = gantt(mp.timeline())
    assert "waits for a message" in legend(chart)
    assert "waits for a message in a pipe" in chart.alt


def test_what_can_be_received_at_once_is_no_wait() -> None:
    mp = get_context("spawn")
    mp.Process(target=len, args=("",)).start()
    here, there = mp.Pipe(duplex=False)
    there.send(1)
    there.send_bytes(b"2")
    assert (here.recv(), here.recv_bytes()) == (1, b"2")
    assert waits_of(mp, os.getpid()) == []


def test_the_ends_of_a_pipe_are_the_real_ones() -> None:
    mp = get_context("spawn")
    here, there = mp.Pipe(duplex=False)
    plain, _ = multiprocessing.Pipe(duplex=False)
    assert isinstance(here, type(plain))
    assert (here.readable, here.writable, there.readable, there.writable) == (1, 0, 0, 1)
    assert type(here).__name__ == type(plain).__name__
    with pytest.raises(OSError, match="connection is write-only"):
        there.recv()
    there.close()
    with pytest.raises(EOFError):
        here.recv()
    with here:
        pass
    assert here.closed
    with pytest.raises(OSError, match="handle is closed"):
        here.recv()
