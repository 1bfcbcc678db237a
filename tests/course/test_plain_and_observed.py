"""A program gives the same results on a plain context and on an observed one."""

import multiprocessing

import pytest

from helpers.observed import get_context
from tests.support.methods import METHODS
from tests.support.programs import PROGRAMS, fate
from tests.support.within import within


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_gives_the_same_plain_and_observed(program, method: str) -> None:
    plain = within(60, fate, program, multiprocessing.get_context(method))
    observed = within(60, fate, program, get_context(method))
    assert observed == plain
    assert plain[0] == "returned", "the program itself is wrong"
