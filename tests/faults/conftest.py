"""Seats for the tests of faults."""

from collections.abc import Iterator

import pytest

from tests.faults.seat import Seat


@pytest.fixture(scope="module")
def seat(method: str) -> Iterator[Seat]:
    """A kernel that the tests of a module share: of events that it survives."""
    seat = Seat(method)
    yield seat
    seat.close()


@pytest.fixture
def own_seat(method: str) -> Iterator[Seat]:
    """A kernel for one test alone: of events that it does not survive."""
    seat = Seat(method)
    yield seat
    seat.close()
