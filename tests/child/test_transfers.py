"""Workers note the large messages that they unpickle, pickle and send, and not the small ones."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from helpers.child import events, transfers
from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.timeline import Transfer
from tests.support.charts import legend
from tests.support.methods import METHODS

LARGE, SMALL = 100_000, 10


class Noted:
    """A recorder that keeps what it is told."""

    def __init__(self):
        self.actions = []

    def record(self, kind, *, action, **_):
        assert kind == events.CARRIED
        self.actions.append(action)


def actions(mp):
    return Counter(transfer.action for transfer in mp.timeline().transfers)


def close_and_join(pool):
    """Let the workers note what they have sent: the end of a `with` would terminate them."""
    pool.close()
    pool.join()


@pytest.mark.parametrize("method", METHODS)
def test_the_large_messages_of_a_pool_are_noted(method):
    mp = get_context(method)
    with mp.Pool(2) as pool:
        assert pool.map(len, [b"x" * LARGE] * 3, chunksize=1) == [LARGE] * 3
        assert actions(mp) == {"unpickled": 3}
        assert pool.map(bytes, [LARGE] * 2, chunksize=1) == [bytes(LARGE)] * 2
        pool.map(len, [b"x" * SMALL] * 5, chunksize=1)
        close_and_join(pool)
    assert actions(mp) == {"unpickled": 3, "pickled": 2, "sent": 2}


@pytest.mark.parametrize("method", METHODS)
def test_the_large_messages_of_an_executor_are_noted(method):
    mp = get_context(method)
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        assert list(executor.map(len, [b"x" * LARGE, b"x"])) == [LARGE, 1]
        assert list(executor.map(bytes, [LARGE, 1])) == [bytes(LARGE), b"\0"]
    assert actions(mp) == {"unpickled": 1, "pickled": 1, "sent": 1}


def test_a_task_is_unpickled_before_it_starts_and_its_result_pickled_and_sent_after_it():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.apply(bytes, (b"x" * LARGE,))
        close_and_join(pool)
    (worker,), (task,) = mp.timeline().processes, mp.timeline().tasks
    unpickled, pickled, sent = mp.timeline().transfers
    assert [transfer.action for transfer in (unpickled, pickled, sent)] == [
        "unpickled",
        "pickled",
        "sent",
    ]
    assert worker.ready <= unpickled.began < unpickled.ended <= task.started
    assert task.finished <= pickled.began < pickled.ended <= sent.began < sent.ended
    assert {(transfer.pid, transfer.lane) for transfer in (unpickled, pickled, sent)} == {
        (task.pid, task.lane)
    }
    assert {transfer.kib for transfer in (unpickled, pickled, sent)} == {LARGE >> 10}


def test_a_result_that_cannot_be_pickled_fails_as_it_does_without_us():
    with get_context().Pool(1) as pool:
        with pytest.raises(multiprocessing.pool.MaybeEncodingError):
            pool.apply(memoryview, (b"x",))
        assert pool.apply(len, ("it goes on",)) == 10


def queues():
    """The queues of a pool and of an executor, as the standard library makes them."""
    context = multiprocessing.get_context("spawn")
    return context.SimpleQueue(), context.Queue(1)


@pytest.mark.parametrize("tasks", queues(), ids=["pool", "executor"])
def test_the_standard_librarys_queues_have_the_names_that_we_lean_on(tasks, monkeypatch):
    monkeypatch.setattr(transfers, "LARGE", 1000)  # it has to fit into a pipe: nobody else reads
    recorder, results = Noted(), queues()[0]
    transfers.record_transfers(tasks, results, recorder)
    for size in (10, 1000):  # an executor's queue has room for one: it is given back each time
        tasks.put(b"x" * size)
        assert tasks.get(block=True) == b"x" * size
    assert recorder.actions == [events.UNPICKLED]
    for size in (10, 1000):
        results.put(b"x" * size)
        assert results.get() == b"x" * size
    assert recorder.actions == [events.UNPICKLED, events.PICKLED, events.SENT]


def test_a_queue_of_another_kind_is_left_as_it_is():
    class Plain:
        def get(self):
            return "a task"

        def put(self, result):
            return result

    queue = Plain()
    transfers.record_transfers(queue, queue, Noted())
    assert (queue.get(), queue.put("a result")) == ("a task", "a result")
    assert vars(queue) == {}


def test_the_chart_shows_them_as_strips_of_their_own_and_tells_of_them():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.apply(len, ("x",))
    timeline = mp.timeline()
    (worker,) = timeline.processes
    assert not {"pickling", "sending"} & gids(gantt(timeline))
    end = timeline.tasks[0].finished
    timeline.transfers = [
        Transfer(worker.pid, worker.lane, "pickled", end, end + 1, 100),
        Transfer(worker.pid, worker.lane, "sent", end + 1, end + 3, 100),
    ]
    chart = gantt(timeline)
    assert {"pickling", "sending"} <= gids(chart)
    legend = {text.get_text() for text in chart.figure.texts if text.get_gid() == "legend"}
    assert {"pickles or unpickles", "sends a result"} <= legend
    assert "1 large message pickled, which took 1.00 s in all." in chart.alt
    assert "1 large message sent, which took 2.00 s in all." in chart.alt


def gids(chart):
    return {collection.get_gid() for collection in chart.figure.axes[0].collections}


# Imports


def test_what_a_worker_imports_for_its_first_task_is_no_idle_time():
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.map(float, [np.float64(1)] * 3, chunksize=1)
    timeline = mp.timeline()
    (imported,) = timeline.imports
    (worker,) = timeline.processes
    assert worker.ready <= imported.began < imported.ended <= timeline.tasks[0].started
    assert timeline.transfers == []
    chart = gantt(timeline)
    assert "imports modules" in legend(chart)
    assert "1 import of modules" in chart.alt


def test_a_worker_that_has_all_it_needs_imports_nothing():
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.map(abs, range(3), chunksize=1)
    assert mp.timeline().imports == []
    assert "imports modules" not in legend(gantt(mp.timeline()))


def test_an_idle_worker_says_so_under_the_mouse():
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.map(abs, range(3), chunksize=1)
    assert "idle: ready, and without a task" in gantt(mp.timeline())._repr_html_()
