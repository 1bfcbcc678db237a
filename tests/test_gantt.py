"""The chart's door: what it draws, what it refuses, and how charts are compared."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers.gantt import gantt
from helpers.schedule import predict
from tests.support.charts import FIVE, extents, failing_pool, pool, queue_lesson, words_on


@pytest.mark.parametrize("bad", [None, [], "timeline", [pool(1, [1])]])
def test_what_is_no_timeline_is_refused(bad):
    with pytest.raises(TypeError, match="gantt draws a timeline, such as"):
        gantt(bad)


def test_pyplot_knows_nothing_of_the_charts():
    """pyplot keeps every figure alive, and is not to be used from a widget's thread."""
    import matplotlib.pyplot as plt

    gantt(pool(4, FIVE))
    assert plt.get_fignums() == []


def test_the_dark_chart_is_dark_and_says_the_same():
    light, dark = gantt(failing_pool()), gantt(failing_pool(), dark=True)
    brightness = [
        np.asarray(Image.open(io.BytesIO(c.png)).convert("L")).mean() for c in (light, dark)
    ]
    assert brightness[0] > 200
    assert brightness[1] < 70
    assert light.alt == dark.alt
    assert words_on(light) == words_on(dark)


def test_charts_alongside_each_other_show_a_second_equally_long_at_the_same_place():
    timelines = [pool(16, FIVE), pool(1, FIVE), queue_lesson(), predict([20.0], 2)]
    charts = [gantt(timeline, alongside=timelines) for timeline in timelines]
    places = [chart.figure.axes[0].get_position().intervalx.tolist() for chart in charts]
    ends = [chart.figure.axes[0].get_xlim() for chart in charts]
    assert places == [places[0]] * 4
    assert ends == [pytest.approx(ends[0])] * 4
    assert ends[0][1] > 20
    assert len({gantt(timeline).figure.axes[0].get_xlim()[1] for timeline in timelines}) == 4


def test_a_chart_alongside_others_is_otherwise_the_same():
    timeline = pool(4, FIVE)
    alone, beside = gantt(timeline), gantt(timeline, alongside=[pool(1, FIVE)])
    assert beside.alt == alone.alt
    assert extents(beside, "task") == extents(alone, "task")
    assert extents(beside, "idle") == extents(alone, "idle")
    assert gantt(timeline, alongside=[timeline]).png == alone.png


def test_what_is_no_timeline_cannot_stand_alongside():
    with pytest.raises(TypeError, match="gantt draws a timeline"):
        gantt(pool(1, [1.0]), alongside=[None])
