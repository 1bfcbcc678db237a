"""Every message through an observed queue finds its sender and its reader."""

import math
import os
import threading

import pytest

from helpers.observed import get_context
from helpers.timeline import Message
from tests.support import workers
from tests.support.calls import calls
from tests.support.methods import METHODS
from tests.support.within import until


@pytest.mark.parametrize("method", METHODS)
def test_messages_of_many_writers_find_their_readers(method: str) -> None:
    mp = get_context(method)
    queue, results = mp.Queue(), mp.SimpleQueue()
    writers = [
        mp.Process(target=workers.put_all, args=(queue, [f"{name}{n}" for n in range(3)]))
        for name in "ab"
    ]
    readers = [mp.Process(target=workers.take, args=(queue, results, 3)) for _ in range(2)]
    for process in writers + readers:
        process.start()
    taken = dict(reversed(results.get()) for _ in range(6))
    for process in writers + readers:
        process.join()
    messages = mp.timeline().messages
    assert sorted(message.value for message in messages) == sorted(map(repr, taken))
    sender = {"a": writers[0].pid, "b": writers[1].pid}
    for message in messages:
        value = message.value.strip("'")
        assert message.receiver == taken[value]
        assert message.sender == sender[value[0]]
        assert message.put <= message.got
        assert message.queue == "queue 1"


def test_a_message_that_nobody_took_has_no_receiver() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    queue.put("first")
    assert queue.get() == "first"
    queue.put("second")
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    first, second = mp.timeline().messages
    assert isinstance(first, Message)
    assert (first.sender, first.receiver) == (os.getpid(), os.getpid())
    assert (math.isnan(second.got), second.receiver, second.value) == (True, 0, "'second'")
    assert queue.get() == "second"


def test_queues_are_told_apart_by_number_and_named_in_calls() -> None:
    mp = get_context("spawn")
    queues = [mp.Queue(), mp.JoinableQueue()]
    for queue in queues:
        process = mp.Process(target=workers.put_all, args=(queue, [1]))
        process.start()
        queue.get()
        process.join()
    timeline = mp.timeline()
    assert [message.queue for message in timeline.messages] == ["queue 1", "queue 2"]
    assert calls(timeline) == ["put_all(queue 1, [1])", "put_all(queue 2, [1])"]


def test_a_message_may_be_anything_of_any_size() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    for value in (workers.BadRepr(), b"x" * 10**6, None):
        queue.put(value)
        queue.get()
    values = [message.value for message in mp.timeline().messages]
    assert (values[0], values[2]) == ("BadRepr", "None")
    assert len(values[1]) < 100


@pytest.mark.parametrize("method", METHODS)
def test_a_join_of_a_queue_is_a_wait_for_reports_until_the_last_one_came(method: str) -> None:
    mp = get_context(method)
    q = mp.JoinableQueue()
    q.put("a message")
    waiting = threading.Thread(target=q.join)
    waiting.start()
    until(lambda: reports(mp), "somebody waits for reports")
    assert math.isnan(reports(mp)[0].ended)
    q.get()
    q.task_done()
    waiting.join()
    (wait,) = reports(mp)
    assert wait.ended >= wait.began
    assert wait.name == q.label


def reports(mp) -> list:
    """The waits for reports that all messages are done."""
    return [wait for wait in mp.timeline().waits if wait.reason == "reports"]
