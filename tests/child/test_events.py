"""The format of the logs: what is written under a name is read under that name."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.child import events
from helpers.child.events import Kind
from helpers.child.recorder import Recorder
from helpers.logs import segments
from tests.support.anything import examples

KINDS = {name: kind for name, kind in vars(events).items() if isinstance(kind, Kind)}
LARGEST = {"H": 2**16 - 1, "I": 2**32 - 1, "Q": 2**64 - 1}


def own_fields(kind: Kind) -> dict:
    """The fields that only this kind of event has."""
    return {name: slot for name, slot in kind.slots.items() if slot.letter in LARGEST}


@st.composite
def some_events(draw) -> tuple[Kind, dict]:
    """An event of some kind, with values for all of its fields."""
    kind = draw(st.sampled_from(list(KINDS.values())))
    values = {name: st.integers(0, LARGEST[slot.letter]) for name, slot in own_fields(kind).items()}
    return kind, draw(st.fixed_dictionaries(values))


def read(recorder: Recorder) -> segments.Log:
    (log,) = segments.read_logs(recorder.folder)
    return log


@given(some_events(), st.binary(max_size=100), st.integers(-(2**63), 2**63 - 1))
@examples(200)
def test_every_field_of_every_kind_is_read_as_it_was_written(
    tmp_path_factory, event, text, at
) -> None:
    kind, fields = event
    recorder = Recorder(str(tmp_path_factory.mktemp("log")))
    recorder.record(kind, text=text, at=at, **fields)
    ((seen, data),) = read(recorder).events_with_data(kind)
    assert {name: int(seen[name]) for name in fields} == fields
    assert (int(seen["time"]), data) == (at, text)


def test_every_kind_has_a_number_of_its_own() -> None:
    numbers = [kind.number for kind in KINDS.values()]
    assert len(numbers) == len(set(numbers)) == 25
    assert 0 not in numbers, "a record without a kind is not there yet"
    assert events.TEXT not in numbers
    assert max(numbers) == events.LAST_KIND


@pytest.mark.parametrize("name", KINDS)
def test_the_fields_of_a_kind_do_not_overlap(name) -> None:
    end = 1  # behind the kind
    for slot in KINDS[name].slots.values():
        assert slot.offset >= end
        end = slot.offset + struct.calcsize("<" + slot.letter)
    assert end == events.RECORD_BYTES


def test_slots_that_overlap_make_no_kind() -> None:
    with pytest.raises(struct.error):
        Kind(99, low=events.SECOND, both=events.WIDE)


def test_what_all_kinds_have_stands_where_the_reader_looks_for_it() -> None:
    there = segments.dtype_of(Kind(99)).fields
    assert {name: segments.ANY_KIND.fields[name][:2] for name in there} == {
        name: field[:2] for name, field in there.items()
    }
    assert segments.ANY_KIND.itemsize == events.RECORD_BYTES


def test_a_field_that_is_missing_or_unknown_is_refused(tmp_path) -> None:
    recorder = Recorder(str(tmp_path))
    with pytest.raises(TypeError, match="the fields are size, number, time, queue, text, not numb"):
        recorder.record(events.PUT, number=1)
    with pytest.raises(TypeError):
        recorder.record(events.PUT, number=1, queue=2, sender=3)
    with pytest.raises(KeyError, match="queue"):
        recorder.record(events.PUT, number=1, sender=3)
    with pytest.raises(struct.error):
        recorder.record(events.PUT, number=2**32, queue=1)
    recorder.record(events.PUT, number=1, queue=1)
    assert len(read(recorder).events_of(events.PUT)) == 1, "what was refused is not there"


@pytest.mark.parametrize("text", [b"", b"7", b"eight by", b"more than eight bytes"])
def test_the_quick_way_to_record_a_start_writes_what_the_other_writes(tmp_path, text) -> None:
    recorder = Recorder(str(tmp_path))
    recorder.record_start(function=1, job=2, item=3, text=text, at=4)
    recorder.record(events.STARTED, function=1, job=2, item=3, text=text, at=4)
    quick, other = read(recorder).events_with_data(events.STARTED)
    assert quick == other


@pytest.mark.parametrize("number", [events.LEAST_NUMBER, -1, 0, events.MOST_NUMBER])
def test_a_number_is_written_out_by_the_reader_as_it_would_have_been(tmp_path, number) -> None:
    recorder = Recorder(str(tmp_path))
    recorder.record_start(function=1, job=2, item=3, text=b"%d" % number, at=4)
    recorder.record_numbered_start(events.head_of_starts(1, 2), item=3, number=number, at=4)
    fields = [name for name in events.STARTED.slots if name not in ("size", "text")]
    log = read(recorder)
    written, quick = log.events_of(events.STARTED)[fields]
    assert written == quick
    assert log.data(0) == log.data(1)
    assert len(set(segments.short_texts(log.records).tolist())) == 1


@pytest.mark.parametrize("number", [events.LEAST_NUMBER, -1, 0, events.MOST_NUMBER])
def test_the_text_of_a_number_is_short_enough_for_a_record(number) -> None:
    assert len(str(number)) <= events.INLINE
