"""The chart while a run goes on: the same picture as `gantt`'s, drawn bit by bit.

A frame costs only what has changed since the last one. What has finished is drawn once and kept as
a background of pixels; what still grows is drawn for every frame. That keeps a frame with two
thousand bars as cheap as one with twenty.
"""

import itertools
import math

import numpy as np

from helpers.chart import words
from helpers.chart.bars import draw_ghosts, draw_labels, draw_spans
from helpers.chart.canvas import Canvas
from helpers.chart.frame import draw_lane_names, draw_time_axis
from helpers.chart.lanes import place_of, worker_lane
from helpers.chart.png import SOON, png_of
from helpers.chart.rulers import draw_rulers, expected_rulers, rulers_for
from helpers.chart.scene import Scene
from helpers.chart.settings import own_settings
from helpers.chart.spans import Spans, ghost_spans, task_spans
from helpers.chart.style import DARK, LIGHT
from helpers.chart.waits import draw_waits, wait_spans
from helpers.timeline import POOL_ROLES, RUNNING, Timeline

MOST_WITH_GHOSTS = 40
"""With more lanes than this, no lane is tall enough to show its prediction."""

LONGER = 1.5
"""How many times as long the time axis becomes when a run reaches its end."""

MOST_WAITS = 2_000
"""Of more waits than these none is drawn before the run is over: a frame must not cost too much."""

LABELLED = ("task", "running")
"""The kinds whose bars say what they are."""


class LiveChart:
    """The picture of a run while it goes on, frame by frame.

    Args:
        lanes: how many workers there will be, so that the picture has its final size from the
            start; 0 if that is not known.
        end: how long the run may take, in seconds: where the time axis ends at first.
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
        self._expected = [worker_lane(number) for number in range(1, lanes + 1)]
        self._end = max(end, 0.5)
        self._predicted = predicted
        self._guess = guess
        self._palette = DARK if dark else LIGHT
        self._canvas = None
        self._drawn_for = None  # of the empty chart: its lanes, its end, the lanes with tasks

    @own_settings()
    def frame(self, timeline: Timeline) -> bytes:
        """Return the picture of a snapshot, as the content of a PNG file."""
        scene = Scene(timeline)
        while timeline.now > self._end:
            self._end *= LONGER
        self._end = max(self._end, self._expected_end(scene))
        lanes = self._lanes(scene)
        begun = len(np.unique(timeline.tasks.lane)) if len(lanes) <= MOST_WITH_GHOSTS else 1
        drawn_for = [(lane.name, *lane.pids) for lane in lanes], self._end, begun
        if drawn_for != self._drawn_for:
            self._drawn_for = drawn_for
            self._draw_empty_chart(lanes, scene)
        stays, grows = self._split(timeline)
        waited, waits = self._split_waits(scene)
        self._canvas.figure.canvas.restore_region(self._background)
        if stays or waited:
            self._draw(stays, timeline, waited)
            self._background = self._pixels()
        self._draw(grows, timeline, waits)
        self._draw_headings(scene)
        return png_of(self._canvas.figure.canvas, SOON)

    def _expected_end(self, scene):
        """Return when the run will be over, as predicted or guessed, in seconds."""
        makespans = [self._guess or 0.0]
        if self._predicted is not None:
            makespans.append(self._predicted.makespan)
        return scene.first_start + max(makespans)

    def _lanes(self, scene):
        """Return the lanes that exist, and those of the workers that are still to come."""
        lanes = scene.lanes
        there = {lane.number for lane in lanes if lane.role in POOL_ROLES}
        if any(lane.role == "process" for lane in lanes):
            return lanes
        return lanes + [lane for lane in self._expected if lane.number not in there]

    def _draw_empty_chart(self, lanes, scene):
        """Draw everything that does not change from frame to frame."""
        rulers = rulers_for(self._guess)
        ghosts = self._predicted is not None
        self._canvas = Canvas(lanes, self._end, self._palette, ghosts, rulers=rulers)
        draw_lane_names(self._canvas)
        draw_time_axis(self._canvas, words.beginning(lanes))
        if len(scene.timeline.tasks):
            self._draw_expectations(scene, lanes)
        self._canvas.figure.canvas.draw()
        self._forget_artists()
        self._background = self._pixels()
        self._drawn_until = {}
        self._started_up = set()
        self._waits_drawn = set()

    def _draw_expectations(self, scene, lanes):
        """Draw what was predicted and guessed, from the first task's start on."""
        if self._predicted is not None:
            draw_ghosts(self._canvas, ghost_spans(self._predicted, scene, lanes))
        rulers = expected_rulers(self._palette, self._predicted, self._guess)
        draw_rulers(self._canvas, scene.first_start, rulers)

    def _split(self, timeline):
        """Return what has finished and is not drawn yet, and what still grows: spans by kind."""
        lanes = self._canvas.layout.lanes
        stays, grows = self._start_ups(timeline, lanes)
        tasks, gaps = _tasks_and_gaps(timeline, lanes)
        pids, place = np.unique(timeline.tasks.pid, return_inverse=True)
        until = np.array([self._drawn_until.get(pid, -math.inf) for pid in pids.tolist()])[place]
        running = timeline.tasks.outcome == RUNNING
        new = ~running & (timeline.tasks.finished > until)
        for kind, chosen, spans in (("task", new, stays), ("running", running, grows)):
            if chosen.any():
                spans["idle"] = gaps.where(chosen)
                spans[kind] = tasks.where(chosen)
        for pid, finished in zip(
            timeline.tasks.pid[new].tolist(), timeline.tasks.finished[new].tolist(), strict=True
        ):
            self._drawn_until[pid] = max(finished, self._drawn_until.get(pid, -math.inf))
        open_gaps = _open_gaps(timeline, lanes)
        if open_gaps is not None:
            grows["idle"] = grows["idle"].joined(open_gaps) if "idle" in grows else open_gaps
        return stays, grows

    def _start_ups(self, timeline, lanes):
        """Return the start-ups that are over and not drawn yet, and those that go on."""
        over, going_on = [], []
        place = place_of(lanes)
        for process in timeline.processes:
            lane = place.get((process.role == "manager", process.lane))
            up = _start_up_end(process)
            key = process.pid, process.asked
            if lane is None or key in self._started_up:
                continue
            if math.isnan(up):
                going_on.append((lane, process.asked, timeline.now, 0))
            else:
                over.append((lane, process.asked, up, 0))
                self._started_up.add(key)
        return tuple({"startup": Spans.of_rows(rows)} if rows else {} for rows in (over, going_on))

    def _split_waits(self, scene):
        """Return the waits that are over and not drawn yet, and those to be drawn in every frame.

        A task that goes on is drawn anew in every frame, and so are the waits that lie over it.
        """
        timeline = scene.timeline
        if len(timeline.waits) > MOST_WAITS:
            return {}, {}
        tasks, going_on = timeline.tasks, timeline.tasks.outcome == RUNNING
        began = tasks.started[going_on].tolist()
        began = dict(zip(tasks.pid[going_on].tolist(), began, strict=True))
        stays, grows = {}, {}
        for kind, spans in wait_spans(scene, self._canvas.layout.lane_of_pid).items():
            waits = [timeline.waits[item] for item in spans.item]
            over = np.array([wait.ended <= began.get(wait.pid, math.inf) for wait in waits])
            names = [(kind, wait.pid, wait.began) for wait in waits]
            drawn = np.array([name in self._waits_drawn for name in names])
            self._waits_drawn.update(itertools.compress(names, over))
            stays[kind], grows[kind] = spans.where(over & ~drawn), spans.where(~over)
        return _not_empty(stays), _not_empty(grows)

    def _draw(self, spans, timeline, waits):
        """Draw spans onto the pixels that are there, waits over them, and forget their shapes."""
        canvas = self._canvas
        wide = draw_spans(canvas, spans)
        draw_waits(canvas, waits, spans)
        labelled = {kind: wide[kind] for kind in wide if kind in LABELLED}
        draw_labels(canvas, timeline, labelled, short=True)
        artists = [*canvas.axes.collections, *canvas.axes.images, *canvas.axes.texts]
        renderer = canvas.figure.canvas.get_renderer()
        for artist in sorted(artists, key=lambda artist: artist.get_zorder()):
            artist.draw(renderer)
        self._forget_artists()

    def _draw_headings(self, scene):
        """Draw title and subtitle above the lanes. They change with every frame."""
        figure = self._canvas.figure
        self._canvas.headings(words.title(scene), words.subtitle(scene))
        for text in figure.texts:
            text.draw(figure.canvas.get_renderer())
        self._forget_artists()

    def _forget_artists(self):
        """Take all shapes and texts off the canvas, whose pixels stay."""
        canvas = self._canvas
        for artist in (
            *canvas.axes.collections,
            *canvas.axes.images,
            *canvas.axes.texts,
            *canvas.axes.lines,
            *canvas.figure.texts,
        ):
            artist.remove()
        canvas.forget_labels()

    def _pixels(self):
        canvas = self._canvas.figure.canvas
        return canvas.copy_from_bbox(self._canvas.figure.bbox)


def _not_empty(spans):
    """Return those kinds of spans of which there are any."""
    return {kind: of_kind for kind, of_kind in spans.items() if len(of_kind)}


def _start_up_end(process):
    """Return when a process had started up, or ended before that; nan as long as it starts."""
    return process.ended if math.isnan(process.up) else process.up


def _tasks_and_gaps(timeline, lanes):
    """Return all tasks, and for each the stretch before it in which its worker had no task."""
    tasks, pids = task_spans(timeline, lanes), timeline.tasks.pid
    ready = {process.pid: _start_up_end(process) for process in timeline.processes}
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
    """Return the stretch since its last task for each process without one; None if all have one."""
    place, rows = place_of(lanes), []
    pids, finished = timeline.tasks.pid, timeline.tasks.finished
    busy = set(pids[timeline.tasks.outcome == RUNNING].tolist())
    last = dict(zip(pids.tolist(), finished.tolist(), strict=True))
    for process in timeline.processes:
        lane = place.get((process.role == "manager", process.lane))
        since = last.get(process.pid, _start_up_end(process))
        if lane is not None and process.pid not in busy and not math.isnan(since):
            until = timeline.now if math.isnan(process.ended) else process.ended
            rows.append((lane, since, max(since, until), 0))
    return Spans.of_rows(rows) if rows else None
