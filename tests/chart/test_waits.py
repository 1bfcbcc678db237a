"""Who waits looks different from who works: in the lanes, the legend, the boxes and the words."""

import math
import re

import numpy as np
import pytest

from helpers.chart.style import DARK, LIGHT
from helpers.chart.waits import WAIT_KINDS
from helpers.gantt import gantt
from helpers.timeline import REASONS, Hold, Message, Timeline, Wait
from tests.support.charts import extents, legend, process, shapes, tasks_of, words_on
from tests.support.charts import worker as pool_worker


def two(waits=(), **more) -> Timeline:
    """A writer and a reader from 0.1 to 2.0."""
    tasks = tasks_of(
        ["write()", "read()"], pid=[4101, 4102], lane=[1, 2], started=[0.1] * 2, finished=[2.0] * 2
    )
    names = "writer", "reader"
    processes = [
        process(lane, born=0.1, ended=2.0, name=name) for lane, name in enumerate(names, start=1)
    ]
    return Timeline(
        tasks, processes, method="spawn", workers=2, now=9.0, parent=4000, waits=waits, **more
    )


@pytest.mark.parametrize(
    ("reason", "kind", "said"),
    [
        ("message", "waits message", "waits for a message"),
        ("pipe", "waits message", "waits for a message"),
        ("room", "waits room", "waits for room"),
        ("lock", "waits lock", "waits for a lock"),
        ("semaphore", "waits lock", "waits for a lock"),
        ("barrier", "waits others", "waits for others"),
        ("event", "waits others", "waits for others"),
        ("condition", "waits others", "waits for others"),
        ("end", "waits others", "waits for others"),
    ],
)
def test_a_wait_is_an_open_bar_over_the_task_and_says_what_for(reason, kind, said) -> None:
    chart = gantt(two([Wait(reason, "thing 1", 4102, 0.5, 1.5)]))
    ((left, right, top, bottom),) = extents(chart, kind)
    assert (left, right) == (0.5, 1.5)
    assert 1 < top < bottom < 2, "in the reader's lane"
    (shape,) = (c for c in chart.figure.axes[0].collections if c.get_gid() == kind)
    (task,) = (c for c in chart.figure.axes[0].collections if c.get_gid() == "task")
    assert shape.get_zorder() > task.get_zorder()
    assert said in legend(chart)
    assert "waits for" in chart._repr_html_()


def test_every_reason_is_told_in_the_alternative_text() -> None:
    waits = [Wait(reason, "thing 1", 4102, 0.5, 0.6) for reason in REASONS]
    alt = gantt(two(waits)).alt
    assert len(re.findall(r"1 wait for [^.]*, 0\.10 s in all", alt, re.IGNORECASE)) == len(REASONS)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_waits_are_open_and_differ_by_their_hatch(palette) -> None:
    styles = [palette.kinds[kind] for kind in WAIT_KINDS]
    assert {style.fill for style in styles} == {palette.card}
    assert len({style.hatch for style in styles}) == len(styles)


def test_a_wait_without_an_end_goes_on_to_the_end_of_its_process_and_was_in_vain() -> None:
    holds = [
        Hold("lock 1", 4101, 0.2, 0.2, math.nan),
        Hold("lock 1", 4102, 0.5, math.nan, math.nan),
    ]
    chart = gantt(two(holds=holds))
    ((left, right, *_),) = extents(chart, "waits lock")
    assert (left, right) == (0.5, 2.0)
    assert "Reader waits in vain for lock 1, which writer holds" in chart.alt
    assert "waits for lock 1, which writer holds" in chart._repr_html_()


def test_the_box_of_a_wait_says_where_and_how_long() -> None:
    page = gantt(two([Wait("message", "queue 1", 4102, 0.5, 1.5)]))._repr_html_()
    assert "waits for a message in queue 1\nreader, pid 4102\n0.500 to 1.500 s (1.00 s)" in page
    page = gantt(two([Wait("end", "pid 4101", 4102, 0.5, 1.5)]))._repr_html_()
    assert "waits for the end of writer" in page


def opened(chart) -> np.ndarray:
    """Which part of each column is left open for short waits, rows by columns."""
    (picture,) = (i for i in chart.figure.axes[0].images if i.get_gid() == "short waits")
    pixels = np.asarray(picture.get_array())[..., 3] > 0
    rows = int(chart.figure.axes[0].get_ylim()[0])
    height = pixels.shape[0] // rows
    bar = round(0.86 * height) - round(0.14 * height)
    return pixels.reshape(rows, height, -1).sum(axis=1) / bar


def test_many_short_waits_leave_as_much_of_the_bar_open_as_they_take() -> None:
    begins = np.arange(0.5, 1.5, 0.0002)
    waits = [Wait("lock", "lock 1", 4102, began, began + 0.00005) for began in begins.tolist()]
    chart = gantt(two(waits))
    writer, reader = opened(chart)
    assert not writer.any()
    middle = reader[len(reader) // 3 : len(reader) // 2]
    assert np.abs(middle - 0.25).max() < 0.06
    assert "waits for a lock" in legend(chart)


def test_short_waits_of_short_tasks_leave_the_rest_of_the_tasks_filled() -> None:
    """Half of the time there is a task, and half of each task is a wait."""
    begins = np.arange(0.2, 9.8, 0.002)
    tasks = tasks_of(
        ["f()"] * len(begins),
        pid=np.full(len(begins), 4101),
        lane=np.ones(len(begins), int),
        started=begins,
        finished=begins + 0.001,
    )
    waits = [Wait("message", "queue 1", 4101, b, b + 0.0005) for b in begins.tolist()]
    timeline = Timeline(
        tasks, [pool_worker(1, ended=10.0)], method="spawn", workers=1, now=11.0, waits=waits
    )
    (row,) = opened(gantt(timeline))
    middle = row[len(row) // 3 : len(row) // 2]
    assert np.abs(middle - 0.25).max() < 0.06
    (coverage,) = (
        image for image in gantt(timeline).figure.axes[0].images if image.get_gid() == "coverage"
    )
    assert coverage.get_zorder() < 4.5


def test_a_wait_too_short_to_be_seen_is_no_kind_of_its_own_in_the_legend() -> None:
    chart = gantt(two([Wait("room", "queue 1", 4101, 1.0, 1.0001)]))
    assert "waits for room" not in legend(chart)
    assert not chart.figure.axes[0].images


def test_the_parent_has_a_lane_if_it_takes_part_but_not_for_joining_alone() -> None:
    join = Wait("end", "pid 4101", 4000, 0.2, 2.0)
    assert "parent" not in words_on(gantt(two([join])))
    chart = gantt(two([join, Wait("event", "event 1", 4000, 0.1, 0.2)]))
    assert "parent" in words_on(chart)
    assert len(extents(chart, "waits others")) == 2
    sent = Message("queue 1", 0.5, 0.6, 4000, 4102, "1")
    assert len(extents(gantt(two([join], messages=[sent])), "waits others")) == 1


def test_a_wait_from_before_the_beginning_is_shown_from_zero_on() -> None:
    chart = gantt(two([Wait("event", "event 1", 4000, -1.0, 0.5)]))
    assert extents(chart, "waits others")[0][:2] == (0, 0.5)


def test_a_label_over_a_hatch_stands_on_a_plate() -> None:
    chart = gantt(two([Wait("lock", "lock 1", 4102, 0.2, 1.9)]))
    plates = {
        text.get_text(): text.get_bbox_patch() is not None
        for text in chart.figure.axes[0].texts
        if text.get_gid() == "label"
    }
    assert plates == {"write()": False, "read()": True}


def test_unknown_reasons_and_processes_are_left_out() -> None:
    chart = gantt(two([Wait("tea", "pot", 4102, 0.5, 1.0), Wait("lock", "lock 1", 7, 0.5, 1.0)]))
    assert not any(shapes(chart, kind) for kind in WAIT_KINDS)
