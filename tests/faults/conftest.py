"""Seats for the tests of faults."""

from collections.abc import Iterator

import pytest

from tests.faults.seat import Seat


@pytest.fixture(scope="module")
def seat(method: str) -> Iterator[Seat]:
    """Yield a kernel that the tests of a module share: it survives their events."""
    seat = Seat(method)
    yield seat
    seat.close()


@pytest.fixture
def own_seat(method: str) -> Iterator[Seat]:
    """Yield a kernel for one test alone: it does not survive the test's event."""
    seat = Seat(method)
    yield seat
    seat.close()
