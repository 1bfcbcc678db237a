"""Any timeline can be drawn, told, compared and saved, whether or not its parts fit together."""

import contextlib
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.gantt import gantt
from helpers.laws import law_chart
from helpers.runs.comparison import charts_together, comparison, speed_up_of_each
from helpers.runs.difference import difference, parts_of
from helpers.runs.files import save_runs
from helpers.runs.table import table, table_html
from helpers.schedule import predict
from helpers.timeline import start_ups
from helpers.tree import nodes_of, process_tree, tree_as_text
from tests.support.anything import PREDICTIONS, examples, results, timelines

pytestmark = pytest.mark.filterwarnings("ignore:Glyph")  # no font has every letter there is

SPEED_UPS = st.dictionaries(st.integers(1, 64), st.floats(0, 100), min_size=1, max_size=4)


@given(timelines(), st.none() | PREDICTIONS, st.none() | st.floats(0, 1e6), st.booleans())
@examples(8)
def test_any_timeline_has_a_chart_with_its_words(timeline, predicted, guess, dark) -> None:
    chart = gantt(timeline, predicted, guess=guess, dark=dark)
    assert chart.alt
    assert chart.png.startswith(b"\x89PNG")
    assert chart._repr_html_().startswith('<div class="chart">')


@given(timelines())
@examples(20)
def test_any_timeline_has_a_tree_with_the_parent_at_its_root(timeline) -> None:
    assert nodes_of(timeline)[0].parent is None
    assert tree_as_text(timeline).splitlines()
    assert process_tree(timeline).alt


@given(st.lists(timelines(), max_size=3))
@examples(30)
def test_start_ups_of_any_timelines_stand_together(several) -> None:
    together = start_ups(*several)
    assert len(together.processes) == sum(len(timeline.processes) for timeline in several)


@given(
    timelines().filter(lambda timeline: not timeline.predicted),
    st.lists(st.floats(0.001, 1e3), min_size=1, max_size=4),
)
@examples(60)
def test_any_timeline_is_held_against_a_prediction(timeline, durations) -> None:
    predicted = predict(durations, 2)
    assert difference(timeline, predicted) != ""
    with np.errstate(all="ignore"):
        if len(timeline.tasks) == len(durations):
            assert len(parts_of(timeline, predicted)) == 4


@given(results(), st.integers(1, 300))
@examples(6)
def test_any_runs_can_be_compared(runs, cores) -> None:
    assert comparison(runs, cores).alt
    assert len(speed_up_of_each(runs)) == len(runs)
    assert len(list(charts_together(runs))) == len(runs)


@given(results())
@examples(40)
def test_any_runs_have_a_table_with_a_row_for_each(runs) -> None:
    assert table(runs).startswith("run ")
    assert table_html(runs).count("<tr>") == len(runs) + 1


@given(results().filter(len), PREDICTIONS)
@examples(5)
def test_any_runs_can_be_saved(runs, predicted) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        saved = save_runs(runs, 2, predicted=predicted)
        assert len(saved) == 4
        assert all(path.stat().st_size for path in saved)


@given(
    SPEED_UPS,
    SPEED_UPS,
    st.floats(0, 1),
    st.integers(1, 300),
)
@examples(10)
def test_any_measured_speed_ups_stand_beside_the_laws(fixed, grown, serial, cores) -> None:
    assert law_chart(fixed, grown, serial, cores).alt
