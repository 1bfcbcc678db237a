"""The chart's door: what it draws, what it refuses, and how charts are compared."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from helpers.gantt import gantt
from helpers.schedule import predict
from tests.support.charts import (
    FIVE,
    arrows,
    extents,
    failing_pool,
    pool,
    queue_lesson,
    words_on,
)


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


# A section of the time axis


def test_a_section_shows_what_was_between_two_moments_and_nothing_else():
    timeline = pool(2, [1.0, 2.0, 1.0], received=[1.2, 2.2, 2.2])
    chart = gantt(timeline, since=1.0, until=1.5)
    assert chart.figure.axes[0].get_xlim() == pytest.approx((1.0, 1.5))
    bars = [bar[:2] for bar in extents(chart, "task")]
    assert sorted(bars) == [(1.0, pytest.approx(1.2)), (1.0, 1.5), (pytest.approx(1.2), 1.5)]
    assert not extents(chart, "startup")
    assert not any("makespan" in text.get_text() for text in chart.figure.axes[0].texts)
    assert "makespan 2.00 s" in chart.alt
    assert "The picture shows it from 1.000 to 1.500 s." in chart.alt


def test_a_section_may_begin_late_and_go_on_to_the_end():
    timeline = pool(2, [1.0, 2.0, 1.0])
    left, right = gantt(timeline, since=1.0).figure.axes[0].get_xlim()
    assert (left, right) == pytest.approx((1.0, timeline.processes[0].ended))
    assert gantt(timeline, until=0.1).figure.axes[0].get_xlim() == pytest.approx((0.0, 0.1))


def test_short_tasks_of_a_section_lie_where_they_were():
    """As shares of columns, too: the picture of all pixels begins with the section."""
    timeline = pool(1, [0.002] * 3000)
    axes = gantt(timeline, since=1.2, until=4.2).figure.axes[0]
    (picture,) = (image for image in axes.images if image.get_gid() == "coverage")
    assert (np.asarray(picture.get_array())[..., 3] > 0).any(axis=0).all()
    late = gantt(timeline, since=6.0, until=6.25).figure.axes[0]
    ends = max(path.vertices[:, 0].max() for c in late.collections for path in c.get_paths())
    assert ends <= 6.25


def test_boxes_and_messages_of_a_section_lie_where_they_were():
    timeline = queue_lesson()
    chart = gantt(timeline, since=0.5, until=1.0)
    assert [head[0] for _, head in arrows(chart)] == pytest.approx([0.81])
    pattern = r'title="([^"]*)" style="position:absolute;left:([-\d.]+)%'
    boxes = re.findall(pattern, chart._repr_html_())
    lefts = [float(left) for text, left in boxes if "read" in text]
    assert lefts
    assert all(10 < left < 100 for left in lefts)


@pytest.mark.parametrize(("since", "until"), [(2.0, 1.0), (99.0, None), (-1.0, None), (1.0, 1.0)])
def test_a_section_with_nothing_in_it_is_refused(since, until):
    with pytest.raises(ValueError, match="there is nothing to show from"):
        gantt(pool(2, [1.0, 2.0]), since=since, until=until)
