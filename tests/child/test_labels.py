"""Whatever is run or sent has a label, a role and a name, and a call is a short text."""

from hypothesis import given
from hypothesis import strategies as st

from helpers.child import events, labels, transfers, workers
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
    assert workers.role_of(value) in events.ROLES
    assert labels.name_of(value)


@given(ANYTHING)
@examples(60)
def test_queues_of_other_kinds_are_left_as_they_are(value) -> None:
    assert transfers.record_transfers(value, object(), None) is None
