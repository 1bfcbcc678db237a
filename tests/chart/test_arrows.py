"""Every message is an arrow from the one that put it to the one that got it."""

import pytest

from helpers.gantt import gantt
from helpers.timeline import Message, Tasks, Timeline
from tests.support.charts import NAN, arrows, labels, legend, process, queue_lesson, texts


def test_every_message_is_an_arrow_from_put_to_got_with_its_value():
    timeline = queue_lesson()
    chart = gantt(timeline)
    for message, (tail, head) in zip(timeline.messages, arrows(chart), strict=True):
        assert (tail[0], head[0]) == pytest.approx((message.put, message.got))
        assert 0 < tail[1] < 1 < head[1] < 2
    assert {"'A'", "'B'", "'C'"} <= set(labels(chart))


def test_an_arrow_upwards_leaves_at_the_top_and_arrives_at_the_bottom():
    timeline = queue_lesson()
    timeline.messages = [Message("q", 0.5, 0.6, 502, 501, "1")]
    ((tail, head),) = arrows(gantt(timeline))
    assert 1 < tail[1] < 1.5
    assert 0.5 < head[1] < 1


def test_a_message_that_nobody_took_is_a_circle_at_its_put():
    timeline = queue_lesson()
    timeline.messages = [Message("q", 0.7, NAN, 501, 0, "lonely")]
    chart = gantt(timeline)
    (circle,) = [line for line in chart.figure.axes[0].lines if line.get_gid() == "not taken"]
    assert circle.get_xdata() == [0.7]
    assert "never taken" in legend(chart)
    assert not arrows(chart)


def test_what_nobody_took_hangs_at_the_bar_of_its_sender_or_at_the_parents_line():
    timeline = queue_lesson(parent_sends=True)
    timeline.messages = [
        Message("q", 0.7, NAN, 4000, 0, "of the parent"),
        Message("q", 0.7, NAN, 501, 0, "of the writer"),
    ]
    (circles,) = [
        line for line in gantt(timeline).figure.axes[0].lines if line.get_gid() == "not taken"
    ]
    parent, writer = circles.get_ydata()
    assert parent == 0.5
    assert 1.5 < writer < 2


def test_what_was_put_before_the_first_process_was_asked_for_comes_in_at_the_left_edge():
    timeline = queue_lesson()
    timeline.messages = [
        Message("q", -1.0, 1.0, 4000, 502, "early"),
        Message("q", 0.5, 1.0, 4000, 502, "later"),
        Message("q", -0.5, -0.4, 4000, 4000, "gone by then"),
        Message("q", -0.5, NAN, 4000, 0, "never taken"),
    ]
    chart = gantt(timeline)
    (edge, head), (tail, same_head) = arrows(chart)
    assert edge[0] == 0
    assert 0.5 < edge[1] < head[1] == same_head[1], "it has come a part of its way"
    assert tail.tolist() == [0.5, 0.5]
    (circle,) = [line for line in chart.figure.axes[0].lines if line.get_gid() == "not taken"]
    assert circle.get_xdata() == [0]
    assert "early" in labels(chart)


def test_many_messages_are_arrows_without_values():
    timeline = queue_lesson()
    timeline.messages = [
        Message("q", 0.3 + i / 1000, 0.31 + i / 1000, 501, 502, f"v{i}") for i in range(1000)
    ]
    chart = gantt(timeline)
    assert len(arrows(chart)) == 1000
    assert not any(label.startswith("v") for label in labels(chart))


def test_arrows_side_by_side_are_counted_and_others_keep_their_values():
    lanes = [process(lane, 0, ended=2.0) for lane in (1, 2)]
    messages = [Message("q", 0.9 + n / 100, 0.95 + n / 100, 4101, 4102, str(n)) for n in range(3)]
    messages.append(Message("q", 1.5, 1.55, 4101, 4102, "last"))
    chart = gantt(Timeline(Tasks.from_columns([]), lanes, messages=messages, now=2.0))
    assert labels(chart) == ["3 messages", "last"]
    assert len(arrows(chart)) == 4


def test_arrows_side_by_side_are_counted_also_where_a_slanting_one_begins_between_them():
    lanes = [process(lane, 0, ended=2.0) for lane in (1, 2)]
    times = [(1.0, 1.0), (1.003, 1.5), (1.005, 1.005)]
    messages = [Message("q", *both, 4101, 4102, str(i)) for i, both in enumerate(times)]
    chart = gantt(Timeline(Tasks.from_columns([]), lanes, messages=messages, now=2.0))
    assert sorted(labels(chart)) == ["1", "2 messages"]


def test_the_value_of_a_message_stands_clear_of_the_next_arrow():
    """As of two short commands: the text of the first one goes to the left."""
    lanes = [process(lane, 0, ended=2.0) for lane in (1, 2)]
    messages = [
        Message("q", 0.9, 0.9, 4101, 4102, "one of them"),
        Message("q", 0.95, 0.95, 4101, 4102, "another"),
    ]
    chart = gantt(Timeline(Tasks.from_columns([]), lanes, messages=messages, now=2.0))
    places = {t.get_text(): t.get_position() for t in texts(chart) if t.get_gid() == "label"}
    assert places["one of them"][0] < 0.9 < 0.95 < places["another"][0]
    gap = 0.73 < places["another"][1] < 1.27
    assert gap, "the text stands between the two bars"
