"""The stand-in for nslookup takes any record and any line of a dialogue."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import nameserver
from helpers.programs import nslookup
from tests.support.anything import examples


@pytest.mark.parametrize("record", list(nameserver.RECORDS), ids=str)
def test_every_record_of_ours_has_a_line(record) -> None:
    assert nslookup.answer_line(record)
    if record.rtype in (nslookup.QTYPE.A, nslookup.QTYPE.AAAA):
        assert nslookup.extra_line(record).endswith(nslookup.shortest(record))


@given(st.lists(st.text("=a1 ")))
@examples(60)
def test_a_dialogue_of_settings_alone_asks_nothing_and_fails(lines) -> None:
    settings = [f"set x{line}" for line in lines] + [f"set port={line}" for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", iter(settings))
        session = nslookup.Session("127.0.0.1")
        nslookup.talk(session)
    assert session.exit_code == 1
