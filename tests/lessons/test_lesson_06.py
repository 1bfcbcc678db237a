"""Statements of lesson 6 that none of its cells shows."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import process as futures_process

import pytest

from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.tasks import put_items, put_large, read, read_until_sentinel, write_as


@pytest.fixture
def plain():
    """Return a plain context with the start method of the course."""
    return multiprocessing.get_context("spawn")


def test_a_reader_terminated_while_it_waits_takes_the_queues_lock_along(plain):
    q = plain.Queue()
    reader = plain.Process(target=read, args=(q,))
    reader.start()
    while q._rlock.acquire(block=False):  # it is free until the reader waits in `get`
        q._rlock.release()
        time.sleep(0.01)
    reader.terminate()
    reader.join()
    q.put("a message")
    with pytest.raises(queue.Empty):
        q.get(timeout=1)
    q._rlock.release()
    assert q.get() == "a message"
    q.close()


def test_a_reader_returns_at_the_sentinel_and_leaves_what_is_behind_it(capsys):
    q = queue.Queue()
    for value in ("A", "B", None, "C"):
        q.put(value)
    read_until_sentinel(q)
    assert capsys.readouterr().out == "Get A from queue.\nGet B from queue.\n"
    assert q.get() == "C"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal stops a process there")
def test_what_a_process_has_put_keeps_its_order_and_yet_a_sentinel_may_overtake_it(plain):
    q, done = plain.Queue(), plain.Event()
    writer = plain.Process(target=put_items, args=(q, 3, done))
    with q._wlock:  # meanwhile nothing goes into the pipe
        writer.start()
        done.wait()  # to the writer, all three are in the queue
        os.kill(writer.pid, signal.SIGSTOP)
        os.waitpid(writer.pid, os.WUNTRACED)  # until it has stopped
    q.put(None)
    assert q.get() is None
    os.kill(writer.pid, signal.SIGCONT)
    assert [int(q.get()) for _ in range(3)] == [0, 1, 2]
    writer.join()
    q.close()


def test_a_writer_puts_what_it_says_it_puts(capsys):
    q = queue.Queue()
    write_as(q, "B")
    assert [q.get(), q.get(), q.get()] == ["B1", "B2", "B3"]
    assert capsys.readouterr().out.splitlines()[0] == "Put B1 to queue..."


def test_a_message_behind_the_sentinel_is_never_taken_and_the_chart_says_so():
    mp = get_context()
    q = mp.Queue()
    reader = mp.Process(target=read_until_sentinel, args=(q,), name="reader")
    reader.start()
    q.put(None)
    reader.join()
    q.put("too late")
    sentinel, late = mp.timeline().messages
    assert (sentinel.receiver, late.receiver) == (reader.pid, 0)
    assert "'too late' from the parent to nobody" in gantt(mp.timeline()).alt
    assert q.get() == "too late"


def test_join_before_get_goes_well_with_a_small_message(plain):
    q = plain.Queue()
    child = plain.Process(target=put_large, args=(q, 10))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert q.get() == 10 * "x"


def test_a_joinable_queue_waits_until_every_message_was_reported(plain):
    q = plain.JoinableQueue()
    q.put("a message")
    waiting = threading.Thread(target=q.join)
    waiting.start()
    assert q.get() == "a message"
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    q.task_done()
    waiting.join()


def test_the_executors_workers_are_sent_home_with_a_sentinel():
    calls, results = queue.Queue(), queue.Queue()
    calls.put(None)
    futures_process._process_worker(calls, results, None, ())
    assert results.get() == os.getpid()  # its last words


@pytest.mark.skipif(sys.platform != "darwin", reason="only macOS cannot count a queue's messages")
def test_qsize_is_missing_on_macos(plain):
    with pytest.raises(NotImplementedError):
        plain.Queue().qsize()


def test_what_cannot_be_pickled_is_lost_in_the_thread_and_put_returns() -> None:
    q = multiprocessing.get_context("spawn").Queue()
    q._on_queue_feeder_error = lambda error, value: lost.append(error)  # it would print it
    lost: list[Exception] = []
    q.put(lambda: 0)
    q.put("next")
    assert q.get(timeout=60) == "next"
    assert len(lost) == 1
