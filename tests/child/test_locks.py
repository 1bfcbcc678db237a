"""Locks and shared values are the real ones, and what is done to them is in the timeline."""

import ctypes
import itertools
import math
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from helpers.gantt import gantt
from helpers.observed import Stopped, get_context
from helpers.tasks import add_locked, add_one
from helpers.timeline import Access, Hold, Tasks, Timeline
from tests.support.anything import ANYTHING, examples
from tests.support.methods import METHODS
from tests.support.within import until, within


@pytest.mark.parametrize("method", METHODS)
def test_a_lost_update_is_seen_as_reads_and_writes(method):
    mp = get_context(method)
    counter, barrier = mp.Value("i", 5), mp.Barrier(2)
    adders = [mp.Process(target=add_one, args=(counter, barrier, 0.01)) for _ in range(2)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    accesses = mp.timeline().accesses
    assert [(access.action, access.value) for access in accesses] == [("read", "5")] * 2 + [
        ("wrote", "6")
    ] * 2
    assert {access.pid for access in accesses[:2]} == {adder.pid for adder in adders}
    assert {access.name for access in accesses} == {"value 1"}
    assert counter.value == 6


@pytest.mark.parametrize("method", METHODS)
def test_a_held_lock_is_waited_for_and_holds_never_overlap(method):
    mp = get_context(method)
    counter, lock = mp.Value("i", 0), mp.Lock()
    adders = [mp.Process(target=add_locked, args=(lock, counter, 2, 0.05)) for _ in range(3)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    holds = sorted(mp.timeline().holds, key=lambda hold: hold.got)
    assert counter.value == len(holds) == 6
    assert {hold.pid for hold in holds} == {adder.pid for adder in adders}
    assert all(hold.released <= other.got for hold, other in itertools.pairwise(holds))
    assert all(hold.wanted <= hold.got <= hold.released for hold in holds)


def test_who_waits_still_is_told_and_a_stop_ends_the_wait():
    mp = get_context()
    lock = mp.Lock()
    assert lock.acquire()
    caught = []

    def wait():
        try:
            lock.acquire()
        except Stopped as error:
            caught.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: len(mp.timeline().holds) == 2)
    first, second = mp.timeline().holds
    assert math.isnan(first.released)
    assert math.isfinite(first.got)
    assert math.isnan(second.got)
    mp.stop()
    within(30, waiting.join)
    assert caught
    lock.release()


def test_a_lock_keeps_the_words_of_the_standard_library():
    lock = get_context().Lock()
    with lock:
        assert not lock.acquire(False)
        assert not lock.acquire(block=False)
        assert not lock.acquire(timeout=0.01)
        assert not lock.acquire(True, 0.01)
    assert repr(lock) == "<Lock(owner=None)>"
    with pytest.raises(ValueError, match="released too many times"):
        lock.release()
    assert lock.acquire()
    lock.release()


def test_a_wait_in_vain_has_no_got():
    mp = get_context()
    lock = mp.Lock()
    with lock:
        assert not lock.acquire(timeout=0.01)
    vain = [hold for hold in mp.timeline().holds if math.isnan(hold.got)]
    assert len(vain) == 1
    assert vain[0].released > vain[0].wanted


def test_a_lock_that_is_taken_twice_is_two_holds():
    mp = get_context()
    lock = mp.RLock()
    with lock, lock:
        pass
    outer, inner = mp.timeline().holds
    assert outer.got <= inner.got <= inner.released <= outer.released


def test_locks_of_the_library_itself_are_not_shown():
    mp = get_context()
    queue, event, barrier = mp.Queue(), mp.Event(), mp.Barrier(1)
    queue.put(1)
    event.set()
    barrier.wait()
    assert queue.get() == 1
    with mp.Pool(1) as pool:
        pool.apply(abs, (1,))
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        assert executor.submit(abs, -1).result(60) == 1
    assert mp.timeline().holds == []
    assert mp.Lock().label == "lock 1"


def test_a_values_own_lock_is_shown_only_where_it_is_asked_for():
    mp = get_context()
    counter = mp.Value("i", 1)
    counter.value = counter.value + 1
    assert mp.timeline().holds == []
    with counter.get_lock():
        counter.value += 1
    assert len(mp.timeline().holds) == 1
    assert [a.action for a in mp.timeline().accesses] == ["read", "wrote"] * 2


def test_a_value_is_the_real_one():
    mp = get_context()
    assert mp.Value("d", 1.5).value == 1.5
    assert isinstance(mp.Value("i", 3, lock=False), ctypes.c_int)
    assert mp.Value("i", 3).get_obj().value == 3
    assert mp.Value("i", 3, lock=mp.Lock()).value == 3
    assert mp.Value("i", lock=threading.Lock()).value == 0
    with pytest.raises(AttributeError, match="has no method 'acquire'"):
        mp.Value("i", 3, lock=5)

    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int)]

    assert mp.Value(Point, 4).x == 4
    with mp.Value("i", 3) as lock_was_taken:
        assert lock_was_taken


# On the chart


def chart_of(accesses=(), holds=()):
    """Two processes from 0.1 to 2.0, that share what is given."""
    from tests.support.charts import process, tasks_of

    tasks = tasks_of(
        ["add(value 1)"] * 2, pid=[4101, 4102], lane=[1, 2], started=[0.1] * 2, finished=[2.0] * 2
    )
    processes = [process(lane, born=0.1, ended=2.0, name=f"adder {lane}") for lane in (1, 2)]
    return gantt(
        Timeline(
            tasks, processes, method="spawn", workers=2, now=5.0, accesses=accesses, holds=holds
        )
    )


def artists(chart, gid):
    axes = chart.figure.axes[0]
    return [artist for artist in (*axes.collections, *axes.lines) if artist.get_gid() == gid]


def test_reads_and_writes_are_marks_in_the_lane_of_who_did_it():
    accesses = [
        Access("value 1", 0.5, 4101, "read", "0"),
        Access("value 1", 1.0, 4102, "read", "0"),
        Access("value 1", 1.5, 4102, "wrote", "1"),
        Access("value 1", 1.7, 4000, "read", "1"),  # the parent, which has no lane here
    ]
    chart = chart_of(accesses)
    (read,), (wrote,) = artists(chart, "read"), artists(chart, "wrote")
    assert [(x, int(y)) for x, y in read.get_xydata()] == [(0.5, 0), (1.0, 1)]
    assert [(x, int(y)) for x, y in wrote.get_xydata()] == [(1.5, 1)]
    assert read.get_marker() != wrote.get_marker()
    assert "adder 1 read 0, adder 2 read 0, adder 2 wrote 1" in chart.alt
    words = [text.get_text() for text in chart.figure.texts]
    assert "value read" in words
    assert "value written" in words


def test_a_read_right_after_a_write_hides_nothing():
    """Both marks and both numbers can be seen: what is written stands higher."""
    both = [
        Access("value 1", 1.0, 4101, "wrote", "7"),
        Access("value 1", 1.0, 4101, "read", "7"),
    ]
    chart = chart_of(both)
    (read,), (wrote,) = artists(chart, "read"), artists(chart, "wrote")
    assert read.get_xydata()[0, 1] > wrote.get_xydata()[0, 1]
    numbers = [t for t in chart.figure.axes[0].findobj(Text) if t.get_text() == "7"]
    assert len({t.get_position()[1] for t in numbers}) == 2


def test_a_wait_for_a_lock_is_a_bar_of_its_own_kind():
    holds = [
        Hold("lock 1", 4101, 0.2, 0.2, 1.0),
        Hold("lock 1", 4102, 0.4, 1.0, 1.5),
    ]
    chart = chart_of(holds=holds)
    (waits,) = artists(chart, "waits lock")
    ((left, *_, right, _),) = [sorted(path.vertices[:, 0].tolist()) for path in waits.get_paths()]
    assert (left, right) == (0.4, 1.0)
    assert "waits for a lock" in [text.get_text() for text in chart.figure.texts]
    assert "1 wait for a lock, 0.60 s in all" in chart.alt
    assert not artists(chart_of(holds=holds[:1]), "waits lock")


def test_a_wait_ends_with_the_lock_with_giving_up_or_not_at_all():
    holds = [
        Hold("lock 1", 1, 0.5, 0.7, math.nan),
        Hold("lock 1", 1, 0.5, math.nan, 0.8),
        Hold("lock 1", 1, 0.5, math.nan, math.nan),
        Hold("lock 1", 1, 0.5, 0.5, 0.9),
    ]
    got, gave_up, never = Timeline(Tasks.from_columns([]), holds=holds).waits
    assert (got.began, got.ended, gave_up.ended) == (0.5, 0.7, 0.8)
    assert math.isnan(never.ended)


@given(st.sampled_from(["i", "d", "c", "?"]), ANYTHING)
@examples(60)
def test_a_value_holds_or_refuses_what_the_standard_one_does(typecode, value):
    mp = get_context("spawn")
    try:
        expected = multiprocessing.Value(typecode, value, lock=False).value
    except Exception as error:
        with pytest.raises(type(error)):
            mp.Value(typecode, value)
    else:
        found = mp.Value(typecode, value).value
        assert found == expected or (math.isnan(found) and math.isnan(expected))
