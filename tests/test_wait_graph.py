"""Who waits for whom at a moment, and the circle in which a deadlock is seen."""

import pytest

from helpers.observed import get_context
from helpers.tasks import take_two
from helpers.wait_graph import Arrow, arrows_at, circle_of, wait_graph
from tests.support.within import until


def waits(start: str, end: str) -> Arrow:
    return Arrow(start, "waits for", end)


def held(start: str, end: str) -> Arrow:
    return Arrow(start, "is held by", end)


TWO = [waits("ann", "lock 1"), held("lock 1", "ben"), waits("ben", "lock 2"), held("lock 2", "ann")]


def test_two_processes_that_wait_for_each_other_are_a_circle() -> None:
    assert circle_of(TWO) == ["ann", "lock 1", "ben", "lock 2"]


def test_a_process_that_waits_outside_of_the_circle_is_no_part_of_it() -> None:
    assert circle_of([waits("cid", "lock 1"), *TWO]) == ["lock 1", "ben", "lock 2", "ann"]


@pytest.mark.parametrize("arrows", [[], TWO[:3], [waits("ann", "lock 1"), held("lock 1", "ben")]])
def test_a_row_of_waits_that_ends_is_no_circle(arrows: list[Arrow]) -> None:
    assert circle_of(arrows) == []


def test_a_real_deadlock_is_a_circle_and_its_picture_says_so() -> None:
    mp = get_context()
    locks, ready = [mp.Lock(), mp.Lock()], mp.Barrier(3)
    for name, pair in (("AB", locks), ("BA", locks[::-1])):
        mp.Process(target=take_two, args=(*pair, ready), name=name).start()
    ready.wait()
    until(lambda: len(circle_of(arrows_at(mp.timeline(), mp.timeline().now))) == 4)
    timeline = mp.timeline()
    mp.stop()
    told = wait_graph(timeline, timeline.now).alt
    assert told.startswith("A circle")
    for sentence in ("AB waits for lock 2.", "lock 2 is held by BA.", "BA waits for lock 1."):
        assert sentence in told


def test_nobody_waits_when_all_is_over() -> None:
    mp = get_context()
    locks, ready = [mp.Lock(), mp.Lock()], mp.Barrier(2)
    process = mp.Process(target=take_two, args=(*locks, ready))
    process.start()
    ready.wait()
    process.join()
    timeline = mp.timeline()
    assert arrows_at(timeline, timeline.now) == []
    assert wait_graph(timeline, timeline.now, dark=True).alt.startswith("No circle")
