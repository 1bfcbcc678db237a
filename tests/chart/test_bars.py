"""Every span has its place: tasks, start-ups, idle time and ghosts, as bars or as coverage."""

import io
import itertools
import math
import random
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from PIL import Image

from helpers.chart.scene import Scene
from helpers.chart.spans import Spans, coverage
from helpers.chart.style import DPI, LIGHT
from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.schedule import predict
from helpers.timeline import RAISED, RETURNED, RUNNING, Timeline
from tests.support.charts import (
    FIVE,
    NAN,
    READY,
    extents,
    failing_pool,
    labels,
    legend,
    pool,
    process,
    queue_lesson,
    running_pool,
    shapes,
    tasks_of,
    texts,
    words_on,
    worker,
)


def test_every_task_is_a_bar_from_its_start_to_its_finish_in_its_lane():
    timeline = pool(4, FIVE)
    bars = extents(gantt(timeline), "task")
    assert len(bars) == 5
    for task, (left, right, top, bottom) in zip(timeline.tasks, bars, strict=True):
        assert (left, right) == (pytest.approx(task.started), pytest.approx(task.finished))
        assert task.lane - 1 < top < bottom < task.lane


def test_start_up_reaches_from_asked_to_ready_and_is_hatched():
    chart = gantt(pool(3, [1, 1, 1]))
    assert [extent[:2] for extent in extents(chart, "startup")] == [(0, READY)] * 3
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
    assert [extent[:2] for extent in extents(gantt(timeline), "idle")] == [(READY, end)] * 4


def test_a_worker_that_never_got_ready_is_starting_until_it_ended():
    starter = worker(1, ready=NAN, born=NAN, ended=0.4)
    chart = gantt(Timeline(tasks_of([]), [starter], method="spawn", workers=1, now=9))
    assert extents(chart, "startup")[0][:2] == (0, 0.4)


def test_each_bar_is_filled_to_its_share_on_a_core_where_that_is_known():
    chart = gantt(pool(2, [1, 1, 1], on_core=[0.25, NAN, 1.0]))
    bars, filled = extents(chart, "task"), extents(chart, "core")
    height = bars[0][3] - bars[0][2]
    assert [extent[3] - extent[2] for extent in filled] == pytest.approx([height * 0.25, height])
    assert [extent[3] for extent in filled] == pytest.approx([bars[0][3], bars[2][3]])


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
    assert max(extent[1] for extent in extents(chart, "idle")) == pytest.approx(1.5)


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
    assert [extent[:2] for extent in extents(chart, "startup")] == [(0, 0.2), (1.1, 1.3)]
    assert [extent[:2] for extent in extents(chart, "idle")] == [(0.2, 1.0), (1.3, 2.0)]
    assert len(chart.figure.axes[0].get_ylim()) == 2
    assert chart.figure.axes[0].get_ylim() == (1, 0)


def test_exit_codes_other_than_zero_are_told():
    assert "exit code −15" in labels(gantt(queue_lesson()))
    assert not any("exit code 0" in text for text in words_on(gantt(queue_lesson())))


def test_a_prediction_is_outlined_and_dashed_and_never_filled():
    chart = gantt(predict(FIVE, 4))
    assert not shapes(chart, "task")
    assert len(shapes(chart, "ghost outline")) == 5
    for collection in chart.figure.axes[0].collections:
        if collection.get_gid() == "ghost outline":
            assert collection.get_facecolor().size == 0
            assert collection.get_linestyle()[0][1] is not None
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
            bar[:2] for bar in bars if bar[0] <= x <= bar[1] and bar[2] <= y <= bar[3]
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


def test_bars_are_batches_whatever_their_number():
    few, many = gantt(pool(4, FIVE)), gantt(pool(4, [0.1] * 400))
    kinds = [len(c.figure.axes[0].findobj(PolyCollection)) for c in (few, many)]
    assert kinds[0] == kinds[1]


def coverage_pixels(chart):
    """The coverage picture as rows, lines of pixels, columns, colours; None if there is none."""
    images = [image for image in chart.figure.axes[0].images if image.get_gid() == "coverage"]
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


@settings(max_examples=60)
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
    small, large = (Image.open(picture).convert("RGB") for picture in (io.BytesIO(chart.png), file))
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
    scale = pixels.shape[1] / (Scene(timeline).end * 1.02)
    first, last = (math.ceil(READY * scale), int((timeline.makespan + READY) * scale))
    assert (painted.sum(axis=0)[first:last] == tall).all()


def test_the_tasks_of_a_chunk_are_in_one_frame_since_they_are_one_message():
    """Tasks that came back at the same moment; a chunk of one task needs no frame."""
    timeline = pool(1, [0.5, 0.5, 0.5, 0.5, 0.5], received=[1.25, 1.25, 2.3, 2.3, 2.8])
    chart = gantt(timeline)
    frames = extents(chart, "chunk")
    assert np.array(frames)[:, :2] == pytest.approx(np.array([(0.2, 1.2), (1.2, 2.2)]))
    bars = extents(chart, "task")
    assert all(top < bars[0][2] and bottom > bars[0][3] for *_, top, bottom in frames)
    assert "chunk: one message" in legend(chart)


def test_tasks_of_two_workers_are_never_in_one_frame():
    assert not extents(gantt(pool(2, [0.5, 0.5], received=[0.7, 0.7])), "chunk")


def test_there_is_no_frame_where_nothing_was_received_or_each_task_came_back_alone():
    assert not extents(gantt(pool(2, FIVE)), "chunk")
    alone = gantt(pool(2, FIVE, received=[1.0, 2.0, 3.0, 4.0, 5.0]))
    assert not extents(alone, "chunk")
    assert "chunk: one message" not in legend(alone)


@pytest.mark.parametrize("chunksize", [1, 3])
def test_the_chunks_of_a_pool_have_frames(chunksize):
    mp = get_context("spawn")
    with mp.Pool(2) as workers:
        workers.map(time.sleep, [0.05] * 6, chunksize)
    frames = extents(gantt(mp.timeline()), "chunk")
    assert len(frames) == (0 if chunksize == 1 else 2)


def test_a_task_whose_threads_kept_several_cores_busy_says_how_many():
    chart = gantt(pool(2, [1, 1, 1], on_core=[0.5, 1.9, 1.0]))
    ((left, right, top, bottom),) = extents(chart, "cores")
    bars = extents(chart, "task")
    assert (left, right, top, bottom) == bars[1]
    filled = extents(chart, "core")
    assert all(bar[2] <= extent[2] for extent, bar in zip(filled, bars, strict=True)), "no higher"
    assert "on several cores" in legend(chart)
    assert "on 1.9 cores" in chart._repr_html_()
    assert "on 1.1 cores" in chart.alt, "on average"
    assert not extents(gantt(pool(2, [1, 1, 1], on_core=[0.5, 0.9, 1.0])), "cores")


def test_in_short_tasks_several_cores_fill_no_more_than_their_time():
    chart = gantt(pool(1, [0.01] * 3000, on_core=[1.9] * 3000))
    assert coverage_pixels(chart) is not None
    assert share_of(chart, "core") + share_of(chart, "startup") == pytest.approx(1, abs=0.02)
