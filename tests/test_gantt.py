"""The chart shows what the timeline says, in light, dark and grey, and no text hides another."""

import base64
import html
import io
import itertools
import math
import random
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.text import Text
from PIL import Image

from helpers.chart.canvas import LEGEND
from helpers.chart.spans import Spans, coverage, lanes_of, last_moment
from helpers.chart.style import (
    DARK,
    DPI,
    LANES_HEIGHT,
    LIGHT,
    MOST_HOVER_BOXES,
    SMALL_FONT,
    TALLEST_LANE,
    WIDTH,
)
from helpers.chart.words import count, seconds, short_labels
from helpers.gantt import Chart, gantt
from helpers.schedule import predict
from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Message, Process, Tasks, Timeline

NAN = math.nan
FIVE = [0.93, 0.48, 1.28, 1.88, 2.37]
READY = 0.2


def worker(lane, asked=0.0, ready=READY, ended=NAN, **other):
    values = {
        "name": f"SpawnPoolWorker-{lane}",
        "pid": 4100 + lane,
        "ppid": 4000,
        "lane": lane,
        "role": "worker",
        "method": "spawn",
        "asked": asked,
        "born": ready - 0.02,
        "ready": ready,
        "ended": ended,
        "exitcode": None if math.isnan(ended) else 0,
    }
    return Process(**(values | other))


def process(lane, born, ended, **other):
    looks = {"name": f"SpawnProcess-{lane}", "role": "process", "born": born, "ready": NAN}
    return worker(lane, ended=ended, **(looks | other))


def tasks_of(calls, **columns):
    return Tasks.from_columns(calls, **columns)


def pool(workers, durations, call="long_time_task({})", **columns):
    """A timeline as a pool with no cost but start-up would leave it."""
    plan = predict(durations, workers).tasks
    columns = {
        "pid": 4100 + plan.lane,
        "lane": plan.lane,
        "started": plan.started + READY,
        "finished": plan.finished + READY,
    } | columns
    tasks = tasks_of([call.format(i) for i in range(len(plan))], **columns)
    end = float(np.nanmax(tasks.finished)) + 0.05
    processes = [worker(lane, ended=end) for lane in range(1, workers + 1)]
    return Timeline(tasks, processes, method="spawn", workers=workers, now=end + 100, parent=4000)


def running_pool(now=1.5):
    """The five tasks on four workers, in mid run."""
    timeline = pool(4, FIVE)
    tasks = timeline.tasks
    late = tasks.finished > now
    return Timeline(
        tasks_of(
            [tasks.call(i) for i in range(5)],
            pid=tasks.pid,
            lane=tasks.lane,
            started=tasks.started,
            finished=np.where(late, NAN, tasks.finished),
            outcome=np.where(late, RUNNING, RETURNED),
        ),
        [worker(lane) for lane in range(1, 5)],
        method="spawn",
        workers=4,
        now=now,
        parent=4000,
    )


def failing_pool():
    outcome = [RETURNED, RAISED, RETURNED, LOST, RETURNED]
    return pool(4, FIVE, outcome=outcome, errors={1: "ValueError: boom"})


def queue_lesson(values="ABC", receiver=502, parent_sends=False):
    """Writer and reader; the reader is terminated."""
    messages = [
        Message("q", 0.3 + 0.5 * i, 0.31 + 0.5 * i, 501, receiver, repr(value))
        for i, value in enumerate(values)
    ]
    if parent_sends:
        messages.append(Message("q", 1.6, 1.7, 4000, 502, "None"))
    tasks = tasks_of(
        ["write(<Queue>)", "read(<Queue>)"],
        pid=[501, 502],
        lane=[1, 2],
        started=[0.2, 0.21],
        finished=[1.9, 2.0],
        outcome=[RETURNED, LOST],
    )
    processes = [
        process(1, 0.19, 1.95, pid=501, exitcode=0),
        process(2, 0.2, 2.0, pid=502, exitcode=-15),
    ]
    return Timeline(
        tasks, processes, messages=messages, method="spawn", workers=2, now=9.0, parent=4000
    )


def shapes(chart, name):
    """The corners of all shapes of one kind, in seconds and rows."""
    found = [one for one in chart.figure.axes[0].collections if one.get_gid() == name]
    return [path.vertices for one in found for path in one.get_paths()]


def extents(chart, name):
    """Left, right, top and bottom of all shapes of one kind."""
    return [
        (v[:, 0].min(), v[:, 0].max(), v[:, 1].min(), v[:, 1].max()) for v in shapes(chart, name)
    ]


def texts(chart):
    """All texts that are really drawn."""
    chart.figure.canvas.draw()
    low, high = chart.figure.axes[0].get_xlim() if chart.figure.axes else (0, 1)
    ticks = {id(t) for axes in chart.figure.axes for t in axes.get_xticklabels()}
    return [
        t
        for t in chart.figure.findobj(Text)
        if t.get_visible()
        and t.get_text().strip()
        and (id(t) not in ticks or low <= t.get_position()[0] <= high)
    ]


def words_on(chart):
    return [text.get_text() for text in texts(chart)]


def labels(chart):
    return [t.get_text() for t in texts(chart) if t.get_gid() == "label"]


def legend(chart):
    return [t.get_text() for t in texts(chart) if t.get_gid() == "legend"]


# Where things lie


def test_every_task_is_a_bar_from_its_start_to_its_finish_in_its_lane():
    timeline = pool(4, FIVE)
    bars = extents(gantt(timeline), "task")
    assert len(bars) == 5
    for task, (left, right, top, bottom) in zip(timeline.tasks, bars, strict=True):
        assert (left, right) == (pytest.approx(task.started), pytest.approx(task.finished))
        assert task.lane - 1 < top < bottom < task.lane


def test_start_up_reaches_from_asked_to_ready_and_is_hatched():
    chart = gantt(pool(3, [1, 1, 1]))
    assert [one[:2] for one in extents(chart, "startup")] == [(0, READY)] * 3
    strip = next(c for c in chart.figure.axes[0].collections if c.get_gid() == "startup")
    assert strip.get_hatch()


def test_start_up_of_a_process_of_its_own_ends_with_its_birth():
    timeline = Timeline(
        tasks_of([]), [process(1, born=0.3, ended=0.5)], method="spawn", workers=1, now=9
    )
    chart = gantt(timeline)
    assert extents(chart, "startup")[0][:2] == (0, 0.3)
    assert extents(chart, "process")[0][:2] == (0.3, 0.5)


def test_idle_time_lies_behind_the_tasks_as_long_as_the_worker_lives():
    timeline = pool(4, FIVE)
    end = timeline.processes[0].ended
    assert [one[:2] for one in extents(gantt(timeline), "idle")] == [(READY, end)] * 4


def test_a_worker_that_never_got_ready_is_starting_until_it_ended():
    starter = worker(1, ready=NAN, born=NAN, ended=0.4)
    chart = gantt(Timeline(tasks_of([]), [starter], method="spawn", workers=1, now=9))
    assert extents(chart, "startup")[0][:2] == (0, 0.4)


def test_each_bar_is_filled_to_its_share_on_a_core_where_that_is_known():
    chart = gantt(pool(2, [1, 1, 1], on_core=[0.25, NAN, 1.0]))
    bars, filled = extents(chart, "task"), extents(chart, "core")
    height = bars[0][3] - bars[0][2]
    assert [one[3] - one[2] for one in filled] == pytest.approx([height * 0.25, height])
    assert [one[3] for one in filled] == pytest.approx([bars[0][3], bars[2][3]])


def test_nothing_is_filled_where_no_share_is_known():
    chart = gantt(pool(2, [1, 1, 1]))
    assert not shapes(chart, "core")
    assert "on a core" not in legend(chart)
    assert not any("core" in text for text in words_on(chart))


def test_running_tasks_reach_to_now_and_end_in_a_tip():
    timeline = running_pool(now=1.5)
    chart = gantt(timeline)
    running = shapes(chart, "running")
    assert len(running) == int((timeline.tasks.outcome == RUNNING).sum()) == 2
    for corners in running:
        right = corners[:, 0].max()
        assert right == pytest.approx(1.5)
        assert (corners[:, 0] == right).sum() == 1  # a tip, not an edge


def test_idle_time_never_reaches_into_the_future():
    chart = gantt(running_pool(now=1.5), predict(FIVE, 4))
    assert max(one[1] for one in extents(chart, "idle")) == pytest.approx(1.5)


def test_failed_and_lost_tasks_differ_from_others_by_hatch_and_mark():
    chart = gantt(failing_pool())
    assert len(shapes(chart, "raised")) == len(shapes(chart, "lost")) == 1
    hatches = {
        kind: next(c.get_hatch() for c in chart.figure.axes[0].collections if c.get_gid() == kind)
        for kind in ("task", "raised", "lost")
    }
    assert len(set(hatches.values())) == 3
    assert {"× 1", "† 3"} <= set(labels(chart))
    assert {"× raised an error", "† lost: its process ended"} <= set(legend(chart))


def test_a_failed_task_too_narrow_for_a_label_still_has_its_mark():
    durations = [0.5] * 5000
    outcome = np.full(5000, RETURNED)
    outcome[2500] = RAISED
    assert "×" in labels(gantt(pool(2, durations, outcome=outcome)))


def test_a_replacement_continues_the_lane_after_a_gap_with_both_pids():
    tasks = tasks_of(
        ["f(1)", "f(2)"], pid=[11, 12], lane=[1, 1], started=[0.2, 1.3], finished=[1, 2]
    )
    processes = [
        worker(1, pid=11, ended=1.0),
        worker(1, pid=12, asked=1.1, ready=1.3, ended=2.0),
    ]
    chart = gantt(Timeline(tasks, processes, method="spawn", workers=1, now=9))
    assert "11\n12" in words_on(chart)
    assert [one[:2] for one in extents(chart, "startup")] == [(0, 0.2), (1.1, 1.3)]
    assert [one[:2] for one in extents(chart, "idle")] == [(0.2, 1.0), (1.3, 2.0)]
    assert len(chart.figure.axes[0].get_ylim()) == 2
    assert chart.figure.axes[0].get_ylim() == (1, 0)


def test_lanes_are_workers_then_managers_and_the_parent_if_it_took_part():
    manager = worker(1, name="SyncManager-1", role="manager", pid=600, ready=NAN)
    timeline = queue_lesson(parent_sends=True)
    timeline.processes.insert(0, manager)
    names = [lane.name for lane in lanes_of(timeline)]
    assert names == ["parent", "SpawnProcess-1", "SpawnProcess-2", "manager"]
    assert set(names) <= set(words_on(gantt(timeline)))
    assert "parent" not in [lane.name for lane in lanes_of(queue_lesson())]


def test_exit_codes_other_than_zero_are_told():
    assert "exit code −15" in labels(gantt(queue_lesson()))
    assert not any("exit code 0" in text for text in words_on(gantt(queue_lesson())))


# Prediction


def test_a_prediction_is_outlined_and_dashed_and_never_filled():
    chart = gantt(predict(FIVE, 4))
    assert not shapes(chart, "task")
    assert len(shapes(chart, "ghost outline")) == 5
    for one in chart.figure.axes[0].collections:
        if one.get_gid() == "ghost outline":
            assert one.get_facecolor().size == 0
            assert one.get_linestyle()[0][1] is not None
    assert "predicted task" in " ".join(legend(chart))


def test_a_prediction_beside_a_measurement_starts_with_the_first_task_and_covers_nothing():
    measured, predicted = pool(4, FIVE), predict(FIVE, 4)
    chart = gantt(measured, predicted)
    ghosts, bars = extents(chart, "ghost outline"), extents(chart, "task")
    for ghost, task in zip(ghosts, predicted.tasks, strict=True):
        assert ghost[:2] == pytest.approx((task.started + READY, task.finished + READY))
    for (_, _, top, bottom), (*_, low) in itertools.product(ghosts, bars):
        assert math.floor(top) == math.floor(bottom)
        if math.floor(top) == math.floor(low):
            assert top > low


def test_predicted_lanes_lie_beside_the_measured_lanes_that_worked_alike():
    """In a real pool it is chance which worker takes which task first."""
    measured = pool(4, FIVE)
    tasks = measured.tasks
    tasks.lane[:] = np.array([0, 3, 1, 4, 2])[tasks.lane]
    ghosts = extents(gantt(measured, predict(FIVE, 4)), "ghost outline")
    assert [math.floor(top) + 1 for _, _, top, _ in ghosts] == tasks.lane.tolist()


def test_while_tasks_run_predicted_lanes_keep_their_numbers():
    predicted = predict(FIVE, 4)
    ghosts = extents(gantt(running_pool(), predicted), "ghost outline")
    assert [math.floor(top) + 1 for _, _, top, _ in ghosts] == predicted.tasks.lane.tolist()


def test_few_tasks_are_visible_however_short():
    """One task of 40 microseconds after 0.2 s of start-up still leaves a dark line."""
    chart = gantt(pool(1, [0.00004]))
    assert len(shapes(chart, "task outline")) == 1
    many = gantt(pool(1, [0.01] * 3000))
    assert not shapes(many, "task outline")


def test_lanes_of_a_prediction_that_nobody_used_are_there_too():
    assert gantt(pool(2, [1, 1]), predict([1, 1, 1], 3)).figure.axes[0].get_ylim() == (3, 0)


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


# Messages


def arrows(chart):
    found = [c for c in chart.figure.axes[0].collections if isinstance(c, LineCollection)]
    return [
        segment for one in found if one.get_gid() == "message" for segment in one.get_segments()
    ]


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


# Words


def test_the_title_says_start_method_workers_tasks_and_makespan():
    said = words_on(gantt(pool(4, FIVE)))
    assert "4 spawn workers, 5 tasks: makespan 2.85 s" in said
    assert "utilisation 61 % · start-up 0.20 s" in said


def test_processes_that_share_no_tasks_have_no_makespan_and_no_utilisation():
    chart = gantt(queue_lesson())
    for said in (*words_on(chart), chart.alt):
        assert "makespan" not in said
        assert "tilisation" not in said


@pytest.mark.parametrize(
    ("timeline", "title"),
    [
        (pool(1, [1.0]), "1 spawn worker, 1 task: makespan 1.00 s"),
        (predict(FIVE, 4), "Predicted: 4 workers, 5 tasks: makespan 2.85 s"),
        (running_pool(), "4 spawn workers, 5 tasks, 2 still running: 1.30 s so far"),
        (queue_lesson(), "2 spawn processes: all over after 2.00 s"),
        (Timeline(tasks_of([])), "Nothing has run yet"),
        (
            Timeline(tasks_of([]), [process(1, 0.1, 0.5)], method="spawn", workers=1),
            "1 spawn process: all over after 0.50 s",
        ),
        (
            Timeline(tasks_of([]), [process(1, 0.1, NAN)], method="spawn", workers=1, now=0.7),
            "1 spawn process: 1 alive at 0.70 s",
        ),
        (
            Timeline(
                tasks_of([]),
                [process(1, 0.1, 0.5), process(2, 0.1, 0.5, method="fork")],
                method="spawn",
                workers=2,
            ),
            "2 processes (spawn, fork): all over after 0.50 s",
        ),
    ],
)
def test_titles_of_all_kinds(timeline, title):
    chart = gantt(timeline)
    assert title in words_on(chart)
    assert title in chart.alt


def test_labels_are_whole_calls_if_all_fit_else_arguments():
    assert labels(gantt(pool(2, [1, 1], call="f({})"))) == ["f(0)", "f(1)"]
    chart = gantt(pool(4, FIVE))
    assert sorted(labels(chart)) == ["0", "1", "2", "3", "4"]
    assert "task long_time_task(…)" in legend(chart)


def test_calls_of_different_functions_stay_whole_or_are_cut():
    timeline = pool(1, [3.0, 0.2, 0.02])
    timeline.tasks.calls = ["f(1)", "a_function_with_a_name(2)", "g(3)"]
    shown = labels(gantt(timeline))
    assert shown[0] == "f(1)"
    assert all(label.endswith("…") for label in shown[1:])


def test_the_legend_names_a_function_only_where_labels_are_its_arguments():
    timeline = pool(1, [0.02, 0.02, 0.4])
    timeline.tasks.calls = ["f(1)", "f(2)", "g(an argument too long for its bar)"]
    chart = gantt(timeline, alongside=[pool(1, [10.0])])
    assert labels(chart) == []
    assert legend(chart)[0] == "task"


def test_short_labels_need_one_function_and_arguments():
    assert short_labels(["f(1)", "f(2, 3)"]) == (["1", "2, 3"], "f(…)")
    assert short_labels(["f(1)", "g(1)"])[1] == ""
    assert short_labels(["f()", "f()"]) == (["f()", "f()"], "")
    assert short_labels(["f(g(1))"]) == (["g(1)"], "f(…)")


def test_no_label_reaches_over_its_bar():
    rng = random.Random(1)
    chart = gantt(pool(3, [rng.random() for _ in range(30)], call='job({}, "a longer one")'))
    renderer = chart.figure.canvas.get_renderer()
    axes = chart.figure.axes[0]
    bars = extents(chart, "task")
    shown = [t for t in texts(chart) if t.get_gid() == "label"]
    assert shown
    for text in shown:
        x, y = text.get_position()
        left, right = next(
            one[:2] for one in bars if one[0] <= x <= one[1] and one[2] <= y <= one[3]
        )
        box = text.get_window_extent(renderer).transformed(axes.transData.inverted())
        assert left <= box.x0 <= box.x1 <= right


@pytest.mark.parametrize("call", ["f($x^2$)", 'f("\\n\\t$")', "f(_{})", "f(\n)", "f(%d {})"])
def test_texts_are_drawn_as_they_are(call):
    """A dollar sign would start a formula, a line break has no shape."""
    timeline = pool(1, [1.0])
    timeline.tasks.calls = [call]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = gantt(timeline)
        assert chart.png
    assert not any(text.get_parse_math() for text in texts(chart) if text.get_gid() == "label")
    assert labels(chart) == [call.replace("\n", " ")]


def test_the_legend_names_what_is_there_and_nothing_else():
    assert legend(gantt(pool(4, FIVE))) == ["task long_time_task(…)", "start-up", "idle"]
    assert legend(gantt(predict(FIVE, 4))) == ["predicted task"]
    core = legend(gantt(pool(4, FIVE, on_core=np.full(5, 0.5)), predict(FIVE, 4)))
    assert core == [
        "task long_time_task(…), off the core",
        "on a core",
        "predicted",
        "start-up",
        "idle",
    ]


def test_counts_and_seconds_read_well():
    assert count(1, "task") == "1 task"
    assert count(5000, "process") == "5,000 processes"
    assert [seconds(t) for t in (0, 2.854, 0.5, 0.0421, 0.00013, 0.00004, 7818.4)] == [
        "0.00 s",
        "2.85 s",
        "0.50 s",
        "0.042 s",
        "0.00013 s",
        "0.000040 s",
        "7,818 s",
    ]


# The text for those who cannot see


def test_alt_tells_what_each_lane_did():
    alt = gantt(pool(4, FIVE), predict(FIVE, 4)).alt
    for fact in (
        "4 spawn workers, 5 tasks: makespan 2.85 s",
        "tilisation 61 %",
        "predicted makespan 2.85 s",
        "last task to finish was long_time_task(4) (worker 2), at 3.05 s",
        "Worker 2 (pid 4102): ready at 0.20 s, long_time_task(1) from 0.20 to 0.68 s, "
        "long_time_task(4) from 0.68 to 3.05 s",
    ):
        assert fact in alt


def test_alt_tells_failures_and_what_still_runs():
    alt = gantt(failing_pool()).alt
    assert "1 task raised an error, 1 task lost" in alt
    assert "Raised: long_time_task(1) (ValueError: boom)." in alt
    assert "Lost: long_time_task(3)." in alt
    assert "Running: long_time_task(3), long_time_task(4)." in gantt(running_pool()).alt


def test_alt_tells_messages():
    alt = gantt(queue_lesson(parent_sends=True)).alt
    assert "4 messages: 'A' from SpawnProcess-1 to SpawnProcess-2" in alt
    assert "None from the parent to SpawnProcess-2" in alt


def test_alt_of_many_lanes_stays_short_and_names_the_extremes():
    alt = gantt(pool(60, [1 + i / 300 for i in range(300)])).alt
    assert len(alt) < 600
    assert re.search(r"Worker \d+ worked longest, .* s, worker \d+ least", alt)


# In a notebook


def test_the_html_is_one_block_that_one_rule_replaces():
    block = gantt(failing_pool())._repr_html_()
    rule = re.compile(r'<div class="chart">.*?<!--/chart-->', re.DOTALL)
    assert rule.sub("CHART", block) == "CHART"
    assert rule.sub("CHART", f"a{block}b{block}c") == "aCHARTbCHARTc"


def test_the_html_holds_the_picture_and_the_text():
    chart = gantt(pool(4, FIVE))
    found = re.search(
        r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)"', chart._repr_html_()
    )
    assert html.unescape(found[1]) == chart.alt
    picture = Image.open(io.BytesIO(base64.b64decode(found[2])))
    assert picture.size == tuple(np.round(chart.figure.get_size_inches() * 100).astype(int))
    assert picture.width == WIDTH


def test_the_text_of_a_chart_never_changes():
    assert repr(gantt(pool(4, FIVE))) == repr(gantt(predict([1], 1))) == "Chart"


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


def test_html_in_calls_is_only_text():
    timeline = pool(1, [1.0, 1.0])
    evil = '<script>alert("x")</script><!--/chart-->'
    timeline.tasks.calls = [f"f({evil!r})", f"g('{evil}')"]
    timeline.tasks.errors = {0: evil}
    timeline.tasks.outcome = np.array([RAISED, RETURNED], np.uint8)
    timeline.processes[0] = timeline.processes[0]._replace(name=evil, role="process")
    block = gantt(timeline)._repr_html_()
    assert "<script" not in block
    assert block.count("<!--/chart-->") == 1
    assert "alert" in block


def hover_boxes(chart):
    pattern = (
        r'<div title="([^"]*)" style="position:absolute;left:([\d.]+)%;'
        r'top:([\d.]+)%;width:([\d.]+)%;height:([\d.]+)%"></div>'
    )
    return [
        (html.unescape(text), *map(float, numbers))
        for text, *numbers in re.findall(pattern, chart._repr_html_())
    ]


def test_hover_boxes_lie_over_their_bars_and_tell_more():
    timeline = pool(4, FIVE, on_core=np.full(5, 0.5))
    chart = gantt(timeline)
    axes, figure = chart.figure.axes[0], chart.figure
    boxes = [box for box in hover_boxes(chart) if box[0].startswith("long_time_task")]
    assert len(boxes) == 5
    for text, left, top, width, height in boxes:
        place = next(i for i in range(5) if text.startswith(timeline.tasks.call(i)))
        task, bar = timeline.tasks[place], extents(chart, "task")[place]
        (x0, y0), (x1, y1) = axes.transData.transform([(bar[0], bar[3]), (bar[1], bar[2])])
        assert left == pytest.approx(100 * x0 / figure.bbox.width, abs=0.1)
        assert left + width == pytest.approx(100 * x1 / figure.bbox.width, abs=0.1)
        assert top == pytest.approx(100 - 100 * y1 / figure.bbox.height, abs=0.1)
        assert top + height == pytest.approx(100 - 100 * y0 / figure.bbox.height, abs=0.1)
        for fact in (f"worker {task.lane}, pid {task.pid}", "on a core 50 %", "returned"):
            assert fact in text
    assert any("asked 0.000 s" in box[0] and "exit code 0" in box[0] for box in hover_boxes(chart))


def test_hover_boxes_are_capped_and_the_widest_are_kept():
    durations = [1.0] * 2000 + [20.0]
    boxes = hover_boxes(gantt(pool(16, durations)))
    assert len(boxes) <= MOST_HOVER_BOXES
    assert any(box[0].startswith("long_time_task(2000)") for box in boxes)


@pytest.mark.parametrize("bad", [None, [], "timeline", [pool(1, [1])]])
def test_what_is_no_timeline_is_refused(bad):
    with pytest.raises(TypeError, match="gantt draws a timeline, such as"):
        gantt(bad)


def test_pyplot_knows_nothing_of_the_charts():
    """pyplot keeps every figure alive, and is not to be used from a widget's thread."""
    import matplotlib.pyplot as plt

    gantt(pool(4, FIVE))
    assert plt.get_fignums() == []


# No text over another, at any size


def worst_names():
    """All kinds of things at once, with long names."""
    timeline = queue_lesson("ABCDEFGH", parent_sends=True)
    long_names = [p._replace(name=p.name * 5) for p in timeline.processes]
    timeline.processes[:] = [
        *long_names,
        worker(3, pid=4194304),
        worker(1, role="manager", pid=4194303),
    ]
    timeline.messages.append(Message("q", 0.8, NAN, 501, 0, "x" * 50))
    timeline.tasks = tasks_of(
        ["a_function_with_a_rather_long_name(1)"] * 5,
        pid=[501, 502, 4194304, 4194304, 4194304],
        lane=[1, 2, 3, 3, 3],
        started=[0.2, 0.21, 0.3, 0.6, 0.9],
        finished=[1.9, 2.0, 0.6, 0.9, NAN],
        on_core=[0.2, NAN, 0.9, NAN, NAN],
        outcome=[RETURNED, LOST, RETURNED, RAISED, RUNNING],
    )
    return timeline


def several(number):
    rng = random.Random(0)
    return [rng.random() + 0.05 for _ in range(number)]


def matrix(workers, tasks, with_prediction):
    durations = several(tasks)
    return pool(workers, durations), predict(durations, workers) if with_prediction else None


CASES = {
    f"{workers} lanes, {tasks} tasks, {'with' if both else 'without'} prediction": (
        lambda workers=workers, tasks=tasks, both=both: matrix(workers, tasks, both)
    )
    for workers in (1, 4, 16, 60)
    for tasks in (1, 5, 5000)
    for both in (False, True)
} | {
    "prediction much shorter": lambda: (pool(4, FIVE), predict([0.1], 4)),
    "prediction shorter": lambda: (pool(4, FIVE), predict([0.9], 4)),
    "prediction much longer": lambda: (pool(4, FIVE), predict([50.0], 4)),
    "1000 lanes": lambda: matrix(1000, 3000, True),
    "running": lambda: (running_pool(), predict(FIVE, 4)),
    "failing": lambda: (failing_pool(), None),
    "queue": lambda: (queue_lesson(), None),
    "queue, many messages": lambda: (queue_lesson("x" * 40, parent_sends=True), None),
    "worst names": lambda: (worst_names(), predict([0.3] * 9, 3)),
    "empty": lambda: (Timeline(tasks_of([])), None),
}


@pytest.mark.parametrize("case", CASES)
def test_texts_are_large_enough_inside_the_picture_and_clear_of_each_other(case):
    chart = gantt(*CASES[case]())
    shown = texts(chart)
    assert min(t.get_fontsize() for t in shown) >= SMALL_FONT >= 11
    renderer = chart.figure.canvas.get_renderer()
    boxes = np.array([t.get_window_extent(renderer).extents for t in shown])
    left, bottom, right, top = boxes.T
    picture = chart.figure.bbox
    outside = (left < 0) | (bottom < 0) | (right > picture.x1) | (top > picture.y1)
    assert not outside.any(), [t.get_text() for t, out in zip(shown, outside, strict=True) if out]
    touch = (left[:, None] < right) & (left < right[:, None])
    touch &= (bottom[:, None] < top - 1) & (bottom < top[:, None] - 1)
    pairs = np.argwhere(np.triu(touch, 1))
    assert not len(pairs), [(shown[a].get_text(), shown[b].get_text()) for a, b in pairs]


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


@settings(deadline=None, max_examples=15)
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
    assert all(one.x1 <= chart.figure.bbox.x1 for one in rulers)


# Any size


def size(chart):
    return tuple(chart.figure.get_size_inches())


def test_the_size_depends_on_the_number_of_lanes_alone():
    finished = size(gantt(pool(4, FIVE)))
    assert size(gantt(running_pool(), predict(FIVE, 4))) == finished
    assert size(gantt(failing_pool())) == finished
    assert size(gantt(predict([9] * 500, 4))) == finished


def test_more_lanes_make_a_taller_picture_up_to_a_limit():
    heights = [size(gantt(predict([1], workers)))[1] for workers in (1, 4, 13, 60, 1000, 10_000)]
    assert heights[:3] == sorted(heights[:3])
    assert max(heights) <= (LANES_HEIGHT + 250) / 100
    assert heights[0] * 100 > 3 * TALLEST_LANE


@pytest.mark.parametrize("workers", [101, 1000, 1024])
def test_lanes_that_do_not_fit_share_rows_and_every_lane_is_in_one(workers):
    chart = gantt(pool(workers, [1.0] * workers))
    rows = int(chart.figure.axes[0].get_ylim()[0])
    assert rows <= 100
    together = math.ceil(workers / rows)
    assert f"workers 1–{together}" in words_on(chart)
    assert not shapes(chart, "task")  # all by coverage
    assert f"{workers:,} spawn workers, {workers:,} tasks: makespan 1.00 s" in words_on(chart)


def coverage_pixels(chart):
    """The coverage picture as rows, lines of pixels, columns, colours; None if there is none."""
    images = [one for one in chart.figure.axes[0].images if one.get_gid() == "coverage"]
    return np.asarray(images[0].get_array()) if images else None


def share_of(chart, kind, palette=LIGHT):
    """Which part of all lanes' area has the colour of a kind."""
    pixels = coverage_pixels(chart)
    style = palette.kinds[kind]
    wanted = [int((style.flat or style.fill)[i : i + 2], 16) for i in (1, 3, 5)]
    painted = pixels[..., 3] > 0
    return ((pixels[..., :3] == wanted).all(axis=-1) & painted).sum() / painted.sum()


def test_coverage_pictures_lie_only_where_tasks_are_below_two_pixels():
    assert coverage_pixels(gantt(pool(4, FIVE))) is None
    assert coverage_pixels(gantt(pool(4, [0.001] * 5000))) is not None


def test_below_a_pixel_the_shares_of_work_and_core_are_true():
    """Half of the time work, of which a quarter on a core; gaps too narrow to be seen."""
    n = 40_000
    started = 0.0 + np.arange(n) * 0.001
    tasks = tasks_of(
        ["f()"] * n,
        lane=np.ones(n),
        started=started,
        finished=started + 0.0005,
        on_core=np.full(n, 0.25),
    )
    life = worker(1, asked=NAN, ready=0.0, ended=40.0)
    chart = gantt(Timeline(tasks, [life], method="spawn", workers=1, now=40.0))
    pixels = coverage_pixels(chart)
    height = int((pixels[..., 3] > 0).any(axis=1).sum())
    column = pixels[:, pixels.shape[1] // 2]
    bar = chart.figure.axes[0].collections[0].get_paths()[0].vertices
    tall = round((bar[:, 1].max() - bar[:, 1].min()) * pixels.shape[0])
    assert height == pytest.approx(tall / 2, abs=1)
    core = (column[:, :3] == (0, 0x5A, 0x8C)).all(axis=1).sum()
    assert core == pytest.approx(tall / 8, abs=1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 10), st.floats(0, 5), st.floats(0, 1)),
        min_size=1,
        max_size=30,
    )
)
def test_coverage_is_the_overlap_of_spans_and_pixels(rows):
    lane, left, length, share = (np.array(column, float) for column in zip(*rows, strict=True))
    spans = Spans(lane.astype(int), left, left + length, share, np.arange(len(rows)))
    covered, core = coverage(spans, spans.lane, (3, 20), 1.0, 2.0)
    edges = 1.0 + np.arange(21) / 2.0
    for row, pixel in itertools.product(range(3), range(20)):
        overlap = np.clip(
            np.minimum(spans.right, edges[pixel + 1]) - np.maximum(spans.left, edges[pixel]), 0, 1
        )
        mine = spans.lane == row
        assert covered[row, pixel] == pytest.approx(2 * overlap[mine].sum(), abs=1e-9)
        assert core[row, pixel] == pytest.approx(2 * (overlap * share)[mine].sum(), abs=1e-9)


def test_grouped_rows_show_the_average_of_their_lanes():
    """1,000 lanes, every second one busy: half of the picture is work, half idle."""
    lanes = np.arange(1, 1001, 2)
    tasks = tasks_of(["f()"] * 500, lane=lanes, started=np.zeros(500), finished=np.ones(500))
    lives = [worker(lane, asked=NAN, ready=0.0, ended=1.0) for lane in range(1, 1001)]
    chart = gantt(Timeline(tasks, lives, method="spawn", workers=1000, now=1.0))
    assert share_of(chart, "task") == pytest.approx(0.5, abs=0.11)  # rows are a few pixels tall
    assert share_of(chart, "task") + share_of(chart, "idle") == pytest.approx(1)


def test_coverage_stands_on_the_picture_pixel_for_pixel():
    chart = gantt(pool(1000, [0.1 + n % 7 for n in range(5000)]))
    pixels = coverage_pixels(chart)
    left, bottom = chart.figure.axes[0].bbox.min.round().astype(int)
    picture = np.asarray(Image.open(io.BytesIO(chart.png)).convert("RGB"))
    below = len(picture) - bottom
    there = picture[below - len(pixels) : below, left : left + pixels.shape[1]]
    painted = pixels[..., 3] > 0
    painted[:, 0] = False  # the rulers' first line
    same = (there == pixels[..., :3]).all(axis=-1)
    assert same[painted].mean() > 0.98  # the rulers' other lines run across


def test_a_chart_of_many_tasks_can_be_saved_twice_as_large():
    chart, file = gantt(pool(4, [0.001] * 5000)), io.BytesIO()
    chart.figure.savefig(file, format="png", dpi=2 * DPI)
    small, large = (Image.open(one).convert("RGB") for one in (io.BytesIO(chart.png), file))
    assert large.size == (2 * small.width, 2 * small.height)
    x, up = chart.figure.axes[0].transData.transform((1, 1.5)).astype(int).tolist()
    y = small.height - up
    assert large.getpixel((2 * x, 2 * y)) == small.getpixel((x, y))


def test_a_hundred_thousand_tasks_keep_exact_figures_in_the_title():
    chart = gantt(pool(8, [0.001] * 100_000))
    assert "8 spawn workers, 100,000 tasks: makespan 12.50 s" in words_on(chart)
    assert len(chart.figure.axes[0].collections) < 20


def test_tasks_below_a_pixel_lie_before_the_idle_time_of_their_worker():
    chart = gantt(pool(1, [0.001] * 5000))
    picture = np.asarray(Image.open(io.BytesIO(chart.png)).convert("RGB"))
    x, y = chart.figure.axes[0].transData.transform((2.0, 0.5))
    wanted = [int(LIGHT.kinds["task"].fill[i : i + 2], 16) for i in (1, 3, 5)]
    assert picture[round(len(picture) - y), round(x)].tolist() == wanted


def test_narrow_tasks_beside_wide_ones_leave_no_hole():
    """Every column of a lane that worked without a pause is painted from top to bottom."""
    rng = random.Random(3)
    durations = [rng.random() ** 20 for _ in range(600)]
    timeline = pool(1, durations)
    pixels = coverage_pixels(gantt(timeline))
    painted = pixels[..., 3] > 0
    tall = painted.sum(axis=0).max()
    scale = pixels.shape[1] / (last_moment(timeline) * 1.02)
    first, last = (math.ceil(READY * scale), int((timeline.makespan + READY) * scale))
    assert (painted.sum(axis=0)[first:last] == tall).all()


def test_an_open_pool_with_nothing_to_do_does_not_stretch_the_axis():
    timeline = pool(4, FIVE)
    timeline.processes[:] = [worker(lane) for lane in range(1, 5)]
    timeline.now = 600.0
    assert gantt(timeline).figure.axes[0].get_xlim()[1] < 4


# Colours


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2's contrast ratio, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lightness(colour):
    """CIE L*, from 0 (black) to 100 (white): what is left of a colour in a grey print."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


@PALETTES
def test_texts_have_the_contrast_that_wcag_asks_for(palette):
    for colour in (palette.ink, palette.muted, palette.predicted):
        assert contrast(colour, palette.card) >= 4.5  # the card is also the halo's colour
    for kind in ("task", "running", "idle", "process", "manager"):
        assert contrast(palette.ink, palette.kinds[kind].fill) >= 4.5


@PALETTES
def test_outlines_and_lines_have_the_contrast_that_wcag_asks_for(palette):
    for kind in LEGEND:
        if kind in palette.kinds:
            assert contrast(palette.kinds[kind].edge, palette.card) >= 3, kind
    assert contrast(palette.message, palette.card) >= 3


@PALETTES
def test_neighbours_differ_in_grey(palette):
    grey = {kind: lightness(style.flat or style.fill) for kind, style in palette.kinds.items()}
    pairs = [
        "task core",
        "task idle",
        "task startup",
        "startup idle",
        "task process",
        "task raised",
    ]
    for pair in pairs:
        one, other = pair.split()
        assert abs(grey[one] - grey[other]) >= 8, f"{pair}: {grey[one]:.0f} {grey[other]:.0f}"


@PALETTES
def test_kinds_of_tasks_differ_by_more_than_colour(palette):
    looks = [(palette.kinds[k].hatch, palette.kinds[k].dashed) for k in ("task", "raised", "lost")]
    assert len(set(looks)) == 3
    assert palette.kinds["ghost"].dashed


def test_grey_bars_can_be_told_from_idle_time_in_the_finished_picture():
    chart = gantt(pool(4, FIVE))
    grey = np.asarray(Image.open(io.BytesIO(chart.png)).convert("L"), float)
    axes, height = chart.figure.axes[0], grey.shape[0]

    def pixel(time, row):
        x, y = axes.transData.transform((time, row))
        return grey[round(height - y), round(x)]

    assert pixel(0.9, 0.3) + 25 < pixel(2.0, 0.3)  # worker 1: at work, then idle


def test_the_dark_chart_is_dark_and_says_the_same():
    light, dark = gantt(failing_pool()), gantt(failing_pool(), dark=True)
    brightness = [
        np.asarray(Image.open(io.BytesIO(c.png)).convert("L")).mean() for c in (light, dark)
    ]
    assert brightness[0] > 200
    assert brightness[1] < 70
    assert light.alt == dark.alt
    assert words_on(light) == words_on(dark)


def test_the_card_is_opaque():
    for dark in (False, True):
        picture = Image.open(io.BytesIO(gantt(pool(1, [1.0]), dark=dark).png)).convert("RGBA")
        assert np.asarray(picture)[..., 3].min() == 255


def test_bars_are_batches_whatever_their_number():
    few, many = gantt(pool(4, FIVE)), gantt(pool(4, [0.1] * 400))
    kinds = [len(c.figure.axes[0].findobj(PolyCollection)) for c in (few, many)]
    assert kinds[0] == kinds[1]


def test_a_chart_is_what_gantt_returns():
    assert isinstance(gantt(pool(1, [1.0])), Chart)


# Charts that are compared


def test_charts_alongside_each_other_show_a_second_equally_long_at_the_same_place():
    timelines = [pool(16, FIVE), pool(1, FIVE), queue_lesson(), predict([20.0], 2)]
    charts = [gantt(one, alongside=timelines) for one in timelines]
    places = [chart.figure.axes[0].get_position().intervalx.tolist() for chart in charts]
    ends = [chart.figure.axes[0].get_xlim() for chart in charts]
    assert places == [places[0]] * 4
    assert ends == [pytest.approx(ends[0])] * 4
    assert ends[0][1] > 20
    assert len({gantt(one).figure.axes[0].get_xlim()[1] for one in timelines}) == 4


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


# Hosts


def on_hosts(*hosts):
    """A worker with one task on each of these hosts."""
    lanes = range(1, len(hosts) + 1)
    processes = [worker(lane, host=host) for lane, host in zip(lanes, hosts, strict=True)]
    tasks = tasks_of(
        [f"f({n})" for n in lanes],
        lane=list(lanes),
        pid=[process.pid for process in processes],
        started=[0.2 for _ in lanes],
        finished=[1.0 for _ in lanes],
    )
    return Timeline(tasks, processes, workers=len(hosts), now=1.0)


def brackets(chart):
    """The rows that the brackets beside the lanes reach over."""
    lines = chart.figure.axes[0].lines
    return [np.round(line.get_ydata()).tolist() for line in lines if line.get_gid() == "host"]


def test_lanes_on_one_host_are_a_group_with_its_name() -> None:
    chart = gantt(on_hosts("north", "north", "south"))
    assert brackets(chart) == [[0, 2], [2, 3]]
    texts = [text.get_text() for text in chart.figure.axes[0].texts]
    assert {"north", "south"} <= set(texts)
    assert "3 workers on 2 hosts" in chart.alt
    assert "Worker 3 on south (pid 4103)" in chart.alt


def test_the_name_of_a_host_is_cut_to_its_lanes() -> None:
    texts = [text.get_text() for text in gantt(on_hosts("n" * 60)).figure.axes[0].texts]
    assert any(text.startswith("n") and text.endswith("…") and len(text) < 10 for text in texts)


def test_on_one_machine_nothing_is_said_of_hosts() -> None:
    chart = gantt(on_hosts("", ""))
    assert brackets(chart) == []
    assert "host" not in chart.alt
