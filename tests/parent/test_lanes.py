"""The lanes of a chart: numbered in order, and continued by replacements."""

from helpers.parent.lanes import Lanes


def test_lanes_are_numbered_from_one_in_the_order_in_which_they_are_asked_for() -> None:
    lanes = Lanes()
    assert [lanes.take(), lanes.take("a pool"), lanes.take()] == [1, 2, 3]


def test_a_worker_continues_a_lane_of_its_own_pool_only() -> None:
    lanes = Lanes()
    first = lanes.take("a pool")
    lanes.free(first, "a pool")
    assert lanes.take("another pool") == 2
    assert lanes.take() == 3
    assert lanes.take("a pool") == first
    assert lanes.take("a pool") == 4


def test_the_topmost_free_lane_is_continued_first() -> None:
    lanes = Lanes()
    for _ in range(3):
        lanes.take("a pool")
    lanes.free(3, "a pool")
    lanes.free(1, "a pool")
    assert [lanes.take("a pool"), lanes.take("a pool")] == [1, 3]


def test_managers_have_lanes_of_their_own_kind() -> None:
    lanes = Lanes()
    lanes.take()
    assert [lanes.for_manager(), lanes.take(), lanes.for_manager()] == [1, 2, 2]
