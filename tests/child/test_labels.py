"""Whatever is run or sent has a label, a role and a name, and a call is a short text."""

import collections
import dataclasses
import datetime
import enum
import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.child import events, labels, transfers
from helpers.child.workers import role_of
from tests.support import workers
from tests.support.anything import ANYTHING, examples

ARGUMENTS = st.lists(ANYTHING, max_size=3), st.dictionaries(st.text(max_size=5), ANYTHING)


@given(ANYTHING, *ARGUMENTS)
@examples(150)
def test_anything_has_a_label_that_is_not_too_long(value, args, kwargs) -> None:
    assert len(labels.label_of(value)) <= labels.LONGEST_LABEL
    assert len(labels.text_of_arguments(tuple(args), kwargs)) <= labels.LONGEST_LABEL
    assert labels.text_of_error(ValueError(value))


@given(ANYTHING)
@examples(60)
def test_anything_has_a_role_and_a_name(value) -> None:
    assert role_of(value) in events.ROLES
    assert labels.name_of(value)


@given(ANYTHING)
@examples(60)
def test_queues_of_other_kinds_are_left_as_they_are(value) -> None:
    assert transfers.record_transfers(value, object(), None) is None


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: object


@dataclasses.dataclass(slots=True)
class Slotted:
    x: int
    y: object


class Shown:
    """A class with a text of its own, which we must not ask for."""

    def __init__(self):
        self.size, self._hidden = 3, 4

    def __repr__(self):
        raise SystemExit

    def measure(self):
        pass


class Zone(datetime.tzinfo):
    def __repr__(self):
        raise SystemExit


Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Colour.RED, "Colour.RED"),
        (Point(1, [2]), "Point(x=1, y=[2])"),
        (Slotted(1, Point(2, 3)), "Slotted(x=1, y=Point(x=2, y=3))"),
        (Shown(), "Shown(size=3)"),
        (Shown().measure, "Shown.measure"),
        (Pair(1, Shown()), "Pair(left=1, right=Shown(size=3))"),
        (workers.HangingTuple([1]), "HangingTuple(1)"),
        (workers.HangingDict(a=1), "HangingDict"),
        (workers.HangingError("a", 1), "HangingError('a', 1)"),
        (ValueError(Shown()), "ValueError(Shown(size=3))"),
        (functools.partial(workers.double, Shown()), "double"),
        (slice(1, Shown()), "slice(1, Shown(size=3), None)"),
        ({2: Shown(), 1: "b"}, "{1: 'b', 2: Shown(size=3)}"),
        ({Shown()}, "{Shown(size=3)}"),
        (collections.deque([Shown()]), "deque([Shown(size=3)])"),
        (collections.OrderedDict(a=Shown()), "OrderedDict({'a': Shown(size=3)})"),
        (np.arange(3), "array([0, 1, 2])"),
        (np.array([Shown()]), "ndarray"),
        (datetime.date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (datetime.time(1, tzinfo=Zone()), "time"),
        (object(), "object"),
        (Shown, f"<class '{__name__}.Shown'>"),
        (10**9000, "int"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_label_tells_what_is_stored_in_a_value_and_asks_no_class_for_its_text(
    value, text: str
) -> None:
    assert labels.text_of(value) == text


@pytest.mark.parametrize("harmful", [workers.Exits(), workers.Dies(), workers.Hangs()])
def test_no_code_of_a_class_is_run_for_a_label_or_a_name(harmful) -> None:
    name = type(harmful).__name__
    for value in (harmful, (harmful,), {harmful: harmful}, {harmful}, collections.deque([harmful])):
        assert name in labels.text_of(value)
    assert labels.text_of_arguments((harmful,), {"a": harmful}).decode() == f"{name}, a={name}"
    assert labels.name_of(harmful) == name
