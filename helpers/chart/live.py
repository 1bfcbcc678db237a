"""The chart while a run goes on: the same picture as `gantt`'s, drawn bit by bit.

A frame costs what has changed since the last one. What has finished is drawn once and kept as a
background of pixels; only what still grows is drawn for every frame. That keeps a frame with
two thousand bars as cheap as one with twenty.
"""

import math

import numpy as np

from helpers.chart import words
from helpers.chart.bars import draw_ghosts, draw_labels, draw_spans
from helpers.chart.canvas import Canvas
from helpers.chart.png import SOON, png_of
from helpers.chart.spans import (
    SHARING_ROLES,
    Lane,
    Spans,
    first_start,
    ghost_spans,
    lanes_of,
    task_spans,
)
from helpers.chart.style import DARK, LIGHT
from helpers.gantt import rulers_for, rulers_of
from helpers.timeline import RUNNING, Timeline

MOST_WITH_GHOSTS = 40
"""With more lanes than this, none is tall enough to show its prediction."""

LONGER = 1.5
"""How much longer the time axis becomes when a run reaches its end."""


class LiveChart:
    """Draws a run while it goes on, frame by frame.

    Args:
        lanes: how many workers there will be, so that the picture has its final size from the
            start; 0 if nobody knows.
        end: how long the run may take, in seconds: the end of the time axis to begin with.
        predicted: the schedule to draw beside it.
        guess: the makespan that somebody expects, in seconds.
        dark: colours for a dark notebook.
    """

    def __init__(
        self,
        lanes: int,
        end: float,
        predicted: Timeline | None = None,
        guess: float | None = None,
        *,
        dark: bool = False,
    ):
        self._expected = [Lane(f"worker {n}", "worker", n, []) for n in range(1, lanes + 1)]
        self._end = max(end, 0.5)
        self._predicted = predicted
        self._guess = guess
        self._palette = DARK if dark else LIGHT
        self._canvas = None
        self._around = None  # what the empty chart was drawn for: its lanes and its end

    def frame(self, timeline: Timeline) -> bytes:
        """The picture of a snapshot, as the content of a PNG file."""
        while timeline.now > self._end:
            self._end *= LONGER
        self._end = max(self._end, self._expected_end(timeline))
        lanes = self._lanes(timeline)
        begun = len(np.unique(timeline.tasks.lane)) if len(lanes) <= MOST_WITH_GHOSTS else 1
        around = [(lane.name, *lane.pids) for lane in lanes], self._end, begun
        if around != self._around:
            self._around = around
            self._draw_empty_chart(lanes, timeline)
        stays, grows = self._split(timeline)
        self._canvas.figure.canvas.restore_region(self._background)
        if stays:
            self._draw(stays, timeline)
            self._background = self._pixels()
        self._draw(grows, timeline)
        self._draw_headings(timeline)
        return png_of(self._canvas.figure.canvas, SOON)

    def _expected_end(self, timeline):
        """When the run will be over, as predicted or guessed, in seconds."""
        makespans = [self._guess or 0.0]
        if self._predicted is not None:
            makespans.append(self._predicted.makespan)
        return first_start(timeline) + max(makespans)

    def _lanes(self, timeline):
        """The lanes there are, and the workers still to come."""
        lanes = lanes_of(timeline)
        there = {lane.number for lane in lanes if lane.role in SHARING_ROLES}
        alone = all(lane.role in (*SHARING_ROLES, "manager", "parent") for lane in lanes)
        return lanes + [lane for lane in self._expected if alone and lane.number not in there]

    def _draw_empty_chart(self, lanes, timeline):
        """Everything that does not change from frame to frame."""
        rulers = rulers_for(self._guess)
        ghosts = self._predicted is not None
        self._canvas = Canvas(lanes, self._end, self._palette, ghosts, rulers=rulers)
        self._canvas.lane_names()
        self._canvas.time_axis(words.beginning(lanes))
        if len(timeline.tasks):
            self._draw_expectations(timeline, lanes)
        self._canvas.figure.canvas.draw()
        self._forget_artists()
        self._background = self._pixels()
        self._drawn_until = {}
        self._started_up = set()

    def _draw_expectations(self, timeline, lanes):
        """What was predicted and guessed, from the first task's start on."""
        if self._predicted is not None:
            draw_ghosts(self._canvas, ghost_spans(self._predicted, timeline, lanes))
        expected = rulers_of(self._palette, None, self._predicted, self._guess)
        for row, ruler in enumerate(expected):
            self._canvas.ruler(row, first_start(timeline), *ruler)

    def _split(self, timeline):
        """What is finished and not drawn yet, and what still grows: spans by kind, each."""
        lanes = self._canvas.layout.lanes
        stays, grows = self._start_ups(timeline, lanes)
        tasks, gaps = _tasks_and_gaps(timeline, lanes)
        pids, place = np.unique(timeline.tasks.pid, return_inverse=True)
        until = np.array([self._drawn_until.get(pid, -math.inf) for pid in pids.tolist()])[place]
        running = timeline.tasks.outcome == RUNNING
        new = ~running & (timeline.tasks.finished > until)
        for chosen, spans in ((new, stays), (running, grows)):
            if chosen.any():
                spans["idle"] = gaps.where(chosen)
                kind = "running" if chosen is running else "task"
                spans[kind] = tasks.where(chosen)
        for pid, finished in zip(
            timeline.tasks.pid[new].tolist(), timeline.tasks.finished[new].tolist(), strict=True
        ):
            self._drawn_until[pid] = max(finished, self._drawn_until.get(pid, -math.inf))
        open_gaps = _open_gaps(timeline, lanes)
        if open_gaps is not None:
            grows["idle"] = _joined(grows.get("idle"), open_gaps)
        return stays, grows

    def _start_ups(self, timeline, lanes):
        """Start-ups that are over and not drawn yet, and those that go on."""
        over, going_on = [], []
        place = _places(lanes)
        for process in timeline.processes:
            lane = place.get((process.role == "manager", process.lane))
            up = _ready(process)
            key = process.pid, process.asked
            if lane is None or key in self._started_up:
                continue
            if math.isnan(up):
                going_on.append((lane, process.asked, timeline.now))
            else:
                over.append((lane, process.asked, up))
                self._started_up.add(key)
        found = (("startup", over), ("startup", going_on))
        return tuple({kind: _spans(rows)} if rows else {} for kind, rows in found)

    def _draw(self, spans, timeline):
        """Draw spans onto the pixels that are there, and forget them."""
        canvas = self._canvas
        wide = draw_spans(canvas, spans)
        labelled = {kind: wide[kind] for kind in wide if kind in LABELLED}
        draw_labels(canvas, timeline, labelled, short=True)
        artists = [*canvas.axes.collections, *canvas.axes.images, *canvas.axes.texts]
        renderer = canvas.figure.canvas.get_renderer()
        for artist in sorted(artists, key=lambda artist: artist.get_zorder()):
            artist.draw(renderer)
        self._forget_artists()

    def _draw_headings(self, timeline):
        """Title and subtitle above the lanes. They change with every frame."""
        figure = self._canvas.figure
        self._canvas.headings(words.title(timeline), words.subtitle(timeline))
        for text in figure.texts:
            text.draw(figure.canvas.get_renderer())
        self._forget_artists()

    def _forget_artists(self):
        canvas = self._canvas
        for artist in (
            *canvas.axes.collections,
            *canvas.axes.images,
            *canvas.axes.texts,
            *canvas.axes.lines,
            *canvas.figure.texts,
        ):
            artist.remove()
        canvas.forget_texts()

    def _pixels(self):
        canvas = self._canvas.figure.canvas
        return canvas.copy_from_bbox(self._canvas.figure.bbox)


LABELLED = ("task", "running")


def _places(lanes):
    return {(lane.role == "manager", lane.number): i for i, lane in enumerate(lanes)}


def _ready(process):
    """When a process had started up; nan as long as it has not."""
    moment = process.ready if process.role in SHARING_ROLES else process.born
    return process.ended if math.isnan(moment) else moment


def _tasks_and_gaps(timeline, lanes):
    """All tasks, and for each the stretch before it in which its worker had nothing to do."""
    tasks = task_spans(timeline, lanes)
    pids, ready = timeline.tasks.pid, {one.pid: _ready(one) for one in timeline.processes}
    order = np.lexsort((tasks.left, pids))
    before = np.empty(len(order))
    before[1:] = tasks.right[order][:-1]
    first = np.ones(len(order), bool)
    first[1:] = pids[order][1:] != pids[order][:-1]
    before[first] = [ready.get(pid, math.nan) for pid in pids[order][first].tolist()]
    left = np.empty(len(order))
    left[order] = before
    left = np.where(np.isnan(left), tasks.left, np.minimum(left, tasks.left))
    return tasks, Spans(tasks.lane, left, tasks.left, tasks.share, tasks.item)


def _open_gaps(timeline, lanes):
    """The stretch since its last task, for each process that has none now; None if all have."""
    place, rows = _places(lanes), []
    pids, finished = timeline.tasks.pid, timeline.tasks.finished
    busy = set(pids[timeline.tasks.outcome == RUNNING].tolist())
    last = dict(zip(pids.tolist(), finished.tolist(), strict=True))
    for process in timeline.processes:
        lane = place.get((process.role == "manager", process.lane))
        since = last.get(process.pid, _ready(process))
        if lane is not None and process.pid not in busy and not math.isnan(since):
            until = timeline.now if math.isnan(process.ended) else process.ended
            rows.append((lane, since, max(since, until)))
    return _spans(rows) if rows else None


def _spans(rows):
    lane, left, right = np.array(rows).T
    unknown = np.full(len(rows), math.nan)
    return Spans(lane.astype(np.int64), left, right, unknown, np.zeros(len(rows), np.int64))


def _joined(some, others):
    if some is None:
        return others
    columns = zip(
        (some.lane, some.left, some.right, some.share, some.item),
        (others.lane, others.left, others.right, others.share, others.item),
        strict=True,
    )
    return Spans(*(np.concatenate(pair) for pair in columns))
