"""Whatever is run or sent has a label, a role and a name, and a call is a short text."""

from hypothesis import given
from hypothesis import strategies as st

from helpers.child import process as aboard
from helpers.child import recorder as flight
from helpers.child import transfers as cargo
from tests.support.anything import ANYTHING, examples

ARGUMENTS = st.lists(ANYTHING, max_size=3), st.dictionaries(st.text(max_size=5), ANYTHING)


@given(ANYTHING, *ARGUMENTS)
@examples(150)
def test_anything_has_a_label_that_is_not_too_long(value, args, kwargs) -> None:
    assert len(aboard.label_of(value)) <= aboard.LONGEST_CALL
    assert len(aboard.text_of_arguments(tuple(args), kwargs)) <= aboard.LONGEST_CALL


@given(ANYTHING)
@examples(60)
def test_anything_has_a_role_and_a_name(value) -> None:
    assert aboard.role_of(value) in flight.ROLES
    assert aboard.name_of(value)


@given(ANYTHING)
@examples(60)
def test_what_is_no_pool_is_not_weighed(value) -> None:
    assert cargo.weigh(value, object(), None) is None
