"""Makespan, prediction and guess are measures that end where they say, and never collide."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.chart.words import seconds
from helpers.gantt import gantt
from helpers.schedule import predict
from tests.support.charts import FIVE, READY, pool, running_pool, texts, words_on


@pytest.mark.parametrize("plan", [[0.1], FIVE, [30.0]])
def test_makespan_and_prediction_are_marked_where_they_end(plan):
    measured, predicted = pool(4, FIVE), predict(plan, 4)
    lines = {
        line.get_gid(): line.get_xdata()
        for line in gantt(measured, predicted).figure.axes[0].lines
        if line.get_gid()
    }
    own, theirs = measured.makespan, predicted.makespan
    assert lines[f"makespan {seconds(own)} end"] == pytest.approx([READY + own] * 2)
    assert lines[f"predicted {seconds(theirs)} end"] == pytest.approx([READY + theirs] * 2)


def test_while_tasks_run_no_makespan_is_claimed():
    said = words_on(gantt(running_pool()))
    assert "1.30 s so far" in said
    assert not any("makespan" in text for text in said)


@pytest.mark.parametrize("plan", [[0.5], [1.5], [2.8], [2.9], [6.0]])
def test_the_line_of_one_ruler_never_crosses_the_words_of_the_other(plan):
    chart = gantt(pool(4, FIVE), predict(plan, 4))
    renderer = chart.figure.canvas.get_renderer()
    lines = [
        line.get_window_extent(renderer) for line in chart.figure.axes[0].lines if line.get_gid()
    ]
    rulers = [
        t.get_window_extent(renderer)
        for t in texts(chart)
        if re.fullmatch(r"(makespan|predicted) [\d.]+ s", t.get_text())
    ]
    assert len(lines) == len(rulers) == 2
    for line, box in itertools.product(lines, rulers):
        assert not (box.x0 < line.x0 < box.x1 and line.y0 < box.y1 and box.y0 < line.y1)


@settings(max_examples=15)
@given(
    st.lists(st.floats(0.001, 5), min_size=1, max_size=30),
    st.lists(st.floats(0.001, 5), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_words_of_the_rulers_never_collide(durations, plan, workers):
    chart = gantt(pool(workers, durations), predict(plan, workers))
    renderer = chart.figure.canvas.get_renderer()
    rulers = [
        t.get_window_extent(renderer)
        for t in texts(chart)
        if re.fullmatch(r"(makespan|predicted) [\d.]+ s", t.get_text())
    ]
    assert len(rulers) == 2
    a, b = rulers
    assert a.y1 <= b.y0 or b.y1 <= a.y0
    assert all(ruler.x1 <= chart.figure.bbox.x1 for ruler in rulers)
