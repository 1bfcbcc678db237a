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


def crowd(writers: int) -> Timeline:
    """As many readers as writers; each writer sends two messages down to its reader."""
    lanes = [process(lane, 0, ended=2.0) for lane in range(1, 2 * writers + 1)]
    messages = [
        Message("q", 0.1 + n / 2, 0.3 + n / 2, 4101 + i, 4101 + writers + i, f"{chr(65 + i)}{n}")
        for i in range(writers)
        for n in range(2)
    ]
    return Timeline(Tasks.from_columns([]), lanes, messages=messages, now=2.0, workers=len(lanes))


def test_arrows_that_nobody_could_follow_are_drawn_at_their_ends_only():
    timeline = crowd(8)
    chart = gantt(timeline)
    for message, (tail, head) in zip(timeline.messages, arrows(chart), strict=True):
        assert tail[0] == head[0] == pytest.approx(message.got)
        assert head[1] - tail[1] < 0.5
    left = [c for c in chart.figure.axes[0].collections if c.get_gid() == "message leaves"]
    assert [line[0, 0] for line in left[0].get_segments()] == pytest.approx(
        [message.put for message in timeline.messages]
    )
    assert sorted(labels(chart)) == sorted([m.value for m in timeline.messages] * 2)
    assert "message: leaves, arrives" in legend(chart)


def test_arrows_that_one_can_follow_are_whole():
    chart = gantt(crowd(3))
    assert all(tail[0] < head[0] for tail, head in arrows(chart))
    assert "message" in legend(chart)


def test_each_end_of_an_arrow_says_under_the_mouse_what_went_from_whom_to_whom():
    page = gantt(crowd(8))._repr_html_()
    said = "A0 from SpawnProcess-1 to SpawnProcess-9, put at 0.100 s, got at 0.300 s (0.20 s)"
    assert page.count(said) == 2


def test_a_circle_carries_its_message_and_several_their_number():
    timeline = queue_lesson()
    timeline.messages = [Message("q", 0.7, NAN, 501, 0, "lonely")]
    chart = gantt(timeline)
    assert "lonely" in labels(chart)
    assert "lonely from SpawnProcess-1, put at 0.700 s, never taken" in chart._repr_html_()
    timeline.messages = [Message("q", 0.7 + n / 10000, NAN, 501, 0, str(n)) for n in range(48)]
    chart = gantt(timeline)
    assert "48 messages" in labels(chart)
    assert "and 40 more" in chart._repr_html_()


def test_a_value_never_stands_over_another_arrow():
    """It would seem to be that one's."""
    lanes = [process(lane, 0, ended=2.0) for lane in (1, 2)]
    messages = [Message("q", 0.5, 0.5 + n / 20, 4101, 4102, f"value {n}") for n in range(9)]
    chart = gantt(Timeline(Tasks.from_columns([]), lanes, messages=messages, now=2.0))
    unit = chart.figure.axes[0].transData
    for text in texts(chart):
        if text.get_gid() == "label":
            number = int(text.get_text().removeprefix("value "))
            x, y = unit.transform(text.get_position())
            for i, line in enumerate(arrows(chart)):
                (x0, y0), (x1, y1) = unit.transform(line)
                at = x0 + (x1 - x0) * (y - y0) / (y1 - y0)
                assert i == number or not min(y0, y1) < y < max(y0, y1) or abs(at - x) > 15
