"""The moments of jobs' items are found by their numbers."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helpers.logs.task_table import Moments


@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1)))
def test_the_first_moment_of_each_number_is_found_however_they_came(pieces) -> None:
    moments, first = Moments(), {}
    for piece in pieces:
        keys, times = np.array(piece).T
        moments.add(keys, times.astype(float))
        for key, time in piece:
            first.setdefault(key, time)
    found = moments.of(np.arange(31))
    assert {k: t for k, t in enumerate(found.tolist()) if not math.isnan(t)} == first
