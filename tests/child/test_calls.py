"""The child's side: the calls of a chunk are recorded as they would be one by one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.child import events
from helpers.child.calls import RecordedCall
from helpers.child.recorder import Recorder
from helpers.logs import segments

NUMBERS = (
    st.integers()
    | st.integers(-100, 100)
    | st.sampled_from([events.LEAST_NUMBER, events.MOST_NUMBER])
)
VALUES = st.lists(NUMBERS | st.booleans() | st.text() | st.none() | st.floats(), max_size=20)


def recorded(folder, values, do) -> tuple[list, list]:
    """What `do` gave, called with a recorded function, and the records of its calls."""
    call = RecordedCall(lambda value: (value,), Recorder(str(folder)), 3, 4, "give")
    results = do(call, values)
    (log,) = segments.read_logs(str(folder))
    places = log.places_of(events.STARTED, events.SHORT_TASK_DONE)
    starts = log.events_at(places, events.STARTED)
    fields = [starts[name].tolist() for name in ("function", "job", "item")]
    texts = [log.data(place) for place in places]
    for text, short in zip(texts, segments.short_texts(starts).tolist(), strict=True):
        assert short == text[: events.INLINE]
    return results, [*fields, texts]


@given(VALUES)
@example([events.LEAST_NUMBER - 1, events.LEAST_NUMBER, events.MOST_NUMBER, events.MOST_NUMBER + 1])
@example([True, 1, -1, 0, 1.0, 2**63, -(2**63)])
def test_a_chunk_is_recorded_as_its_calls_would_be(tmp_path_factory, values) -> None:
    at_once = recorded(tmp_path_factory.mktemp("log"), values, RecordedCall.map)
    one_by_one = recorded(
        tmp_path_factory.mktemp("log"), values, lambda call, all_of: [call(one) for one in all_of]
    )
    assert repr(at_once) == repr(one_by_one)  # nan is not equal to itself


def test_a_chunk_of_numbers_goes_on_in_the_next_segment(tmp_path) -> None:
    numbers = range(40_000)
    _, (*fields, texts) = recorded(tmp_path, numbers, RecordedCall.map)
    assert [set(field) for field in fields] == [{0}, {3}, {4}], "function, job and item"
    assert [int(text) for text in texts] == list(numbers)
    assert len(list(tmp_path.iterdir())) == 2


def test_calls_for_which_there_is_no_room_are_counted_and_made(tmp_path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    assert RecordedCall(abs, recorder).map([-1, -2, -3]) == [1, 2, 3]
    assert recorder.lost_events >= 4  # the name, too, and the ends of tasks that took long


@pytest.mark.parametrize("number", [events.LEAST_NUMBER, -1, 0, events.MOST_NUMBER])
def test_the_text_of_a_number_is_short_enough_for_a_record(number) -> None:
    assert len(str(number)) <= events.INLINE
