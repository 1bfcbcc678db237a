"""Numbers and texts in charts read well, whatever they are."""

from hypothesis import given
from hypothesis import strategies as st

from helpers.before_class import gigabytes
from helpers.chart import words
from tests.support.anything import examples

CALLS = st.text(max_size=12) | st.sampled_from(["f(1)", "f(2)", "f(", "()"])


@given(st.floats() | st.floats(0, 2), st.integers(0, 2**70), st.text(max_size=12))
@examples(150)
def test_any_number_is_told_with_its_unit(number, whole, text) -> None:
    assert words.seconds(number).endswith(" s")
    assert words.percent(number).endswith(" %")
    assert gigabytes(number).endswith(" GB")
    assert words.count(whole, text).startswith(f"{whole:,} ")


@given(st.text(max_size=12), st.lists(CALLS, max_size=5))
@examples(150)
def test_any_call_has_a_label_of_one_line(text, calls) -> None:
    assert "\n" not in words.one_line(text)
    assert len(words.short_labels(calls)[0]) == len(calls)
