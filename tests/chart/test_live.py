"""The chart while a run goes on: bit by bit it becomes the picture that would be drawn at once."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from helpers.chart.live import LiveChart
from helpers.chart.style import LIGHT, TITLE_HEIGHT, TOP
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import RETURNED, RUNNING, Process, Tasks, Timeline, Wait

START_UP = 0.25


def snapshot(now, lengths=(0.5, 1.0, 0.75), lanes=2, cut=math.inf):
    """What two workers had done by `now`: each does the tasks one after the other."""
    rows = []
    for lane in range(1, lanes + 1):
        start = START_UP
        for length in lengths:
            if start < now:
                rows.append((lane, start, start + length if start + length <= now else math.nan))
            start += length + 0.1
    lane, started, finished = (
        (np.array(column) for column in zip(*rows, strict=True))
        if rows
        else (
            [],
            [],
            [],
        )
    )
    tasks = Tasks.from_columns(
        [f"task({i})" for i in range(len(rows))],
        lane=lane,
        pid=np.array(lane, np.int64) + 100,
        started=started,
        finished=finished,
        outcome=np.where(np.isnan(np.array(finished, float)), RUNNING, RETURNED),
    )
    up = START_UP if now >= START_UP else math.nan
    processes = [
        Process(f"w{n}", 100 + n, 1, n, "worker", "spawn", 0.0, up, up, math.nan, None)
        for n in range(1, lanes + 1)
    ]
    return Timeline(tasks, processes, method="spawn", workers=lanes, now=now)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def share_that_differs(picture, other):
    return float((np.abs(pixels(picture) - pixels(other)).max(axis=2) > 8).mean())


def test_frames_one_after_the_other_give_the_picture_drawn_at_once():
    live, at_once = LiveChart(2, 4.0), LiveChart(2, 4.0)
    for now in np.arange(0.05, 3.0, 0.15):
        last = live.frame(snapshot(now))
    assert share_that_differs(last, at_once.frame(snapshot(now))) < 0.002


@pytest.mark.parametrize("lanes", [1, 4, 16])
def test_frame_and_final_chart_have_the_same_size(lanes):
    timeline = snapshot(1.0, lanes=lanes)
    frame = Image.open(io.BytesIO(LiveChart(lanes, 2.0).frame(timeline)))
    assert frame.size == Image.open(io.BytesIO(gantt(timeline).png)).size


def test_first_frame_has_its_size_before_any_worker_is_there():
    live = LiveChart(4, 2.0)
    empty = Image.open(io.BytesIO(live.frame(snapshot(0.01, lanes=1))))
    full = Image.open(io.BytesIO(live.frame(snapshot(1.0, lanes=4))))
    assert empty.size == full.size


def width_of(colour, png):
    """How many columns of a picture show a colour somewhere."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(pixels(png) - rgb).max(axis=2) < 4).any(axis=0).sum())


def test_a_running_task_grows_from_frame_to_frame():
    live = LiveChart(1, 4.0)
    fill = LIGHT.kinds["running"].fill
    widths = [width_of(fill, live.frame(snapshot(now, (3.0,), 1))) for now in (0.5, 1.0, 1.5, 2.0)]
    assert widths == sorted(set(widths))


def test_the_axis_becomes_longer_when_a_run_takes_longer_than_expected():
    live, fill = LiveChart(1, 1.0), LIGHT.kinds["running"].fill
    before = width_of(fill, live.frame(snapshot(0.95, (3.0,), 1)))
    after = width_of(fill, live.frame(snapshot(1.05, (3.0,), 1)))
    assert after < before


def test_prediction_and_guess_are_lines_of_their_own_and_fit_on_the_axis():
    timeline, predicted = snapshot(0.5), predict([0.5, 1.0], 2)
    plain = LiveChart(2, 1.0).frame(timeline)
    both = LiveChart(2, 1.0, predicted, guess=2.5).frame(timeline)
    assert width_of(LIGHT.predicted, plain) == width_of(LIGHT.guess, plain) == 0
    assert width_of(LIGHT.predicted, both) > 100
    assert width_of(LIGHT.guess, both) > width_of(LIGHT.predicted, both)
    assert not (pixels(both)[:, -12:] < 128).any()  # nothing is cut off at the right


def test_two_thousand_tasks_are_drawn_only_once_each(monkeypatch):
    """Only what is new is drawn: that is what keeps a frame cheap."""
    drawn = []
    live = LiveChart(2, 60.0)
    real = live._draw

    def counting(spans, *others):
        drawn.append(sum(len(bars) for kind, bars in spans.items() if kind == "task"))
        real(spans, *others)

    monkeypatch.setattr(live, "_draw", counting)
    lengths = [0.01] * 1000
    for now in (20.0, 40.0, 60.0):
        live.frame(snapshot(now, lengths))
    assert sum(drawn) == int((snapshot(60.0, lengths).tasks.outcome == RETURNED).sum())


def test_a_frame_is_a_png_of_exactly_the_pixels_drawn():
    live = LiveChart(2, 4.0)
    drawn = pixels(live.frame(snapshot(1.0)))
    assert (drawn == np.asarray(live._canvas.figure.canvas.buffer_rgba())[..., :3]).all()


def heading_boxes(png):
    """Where title and subtitle stand: top, bottom, left and right of each."""
    boxes = []
    for rows in (pixels(png)[TOP : TOP + TITLE_HEIGHT], pixels(png)[TOP + TITLE_HEIGHT :][:24]):
        y, x = np.nonzero((rows < 160).any(axis=2))
        boxes.append((y.min(), y.max(), x.min(), x.max()))
    return np.array(boxes)


def test_title_and_subtitle_stand_where_the_final_chart_has_them():
    timeline = snapshot(9.0)
    live, final = LiveChart(2, 4.0).frame(timeline), gantt(timeline).png
    assert np.abs(heading_boxes(live) - heading_boxes(final)).max() <= 6
    assert np.abs(heading_boxes(live) - heading_boxes(final))[:, :3].max() <= 1


# Waits


def waiting(now):
    """The same two workers, and what each waited for by `now`: once in each task, and once more."""
    begins = (0.35, 0.9, 1.4, 2.0)
    waits = [
        Wait(
            "message", "queue 1", 100 + lane, began, began + 0.2 if began + 0.2 <= now else math.nan
        )
        for lane in (1, 2)
        for began in begins
        if began <= now
    ]
    timeline = snapshot(now)
    timeline.waits = sorted(waits, key=lambda wait: wait.began)
    return timeline


def test_waits_frame_by_frame_give_the_picture_drawn_at_once():
    live, at_once = LiveChart(2, 4.0), LiveChart(2, 4.0)
    for now in np.arange(0.05, 3.5, 0.15):
        last = live.frame(waiting(now))
    whole = at_once.frame(waiting(now))
    assert share_that_differs(last, whole) < 0.002
    assert share_that_differs(last, LiveChart(2, 4.0).frame(snapshot(now))) > 0.005


def test_a_wait_that_goes_on_is_open_while_the_task_runs():
    fill = LIGHT.kinds["running"].fill
    frames = [LiveChart(2, 4.0).frame(make(0.5)) for make in (snapshot, waiting)]
    plain, open_ = (width_of(fill, frame) for frame in frames)
    assert open_ < 0.7 * plain


def test_more_waits_than_a_frame_can_bear_are_left_to_the_final_chart():
    timeline = snapshot(1.0)
    timeline.waits = [Wait("lock", "lock 1", 101, 0.4, 0.5)] * 2001
    assert (
        share_that_differs(
            LiveChart(2, 4.0).frame(timeline), LiveChart(2, 4.0).frame(snapshot(1.0))
        )
        == 0
    )
