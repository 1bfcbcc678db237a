"""What lies between the tasks or on top: waits for a lock, reads and writes of a value, transfers
of large messages.
"""

import math

import numpy as np
from matplotlib.collections import PolyCollection

from helpers.chart.bars import corners_of
from helpers.chart.canvas import Canvas
from helpers.chart.spans import Spans, last_moment
from helpers.chart.style import LINE_OF_TEXT, MOST_ARROWS
from helpers.timeline import Hold, Timeline

FEW_ACCESSES = 40
"""Up to here the value stands beside every mark, if it finds room."""
LOOKS = {"read": "^", "wrote": "v"}


def wait_of(hold: Hold, end: float) -> tuple[float, float]:
    """From when to when somebody waited for a lock; to `end`, in seconds, if nothing ended it."""
    known = [time for time in (hold.got, hold.released) if math.isfinite(time)]
    return hold.wanted, known[0] if known else end


def draw_waits(canvas: Canvas, timeline: Timeline) -> None:
    """Every wait for a lock that is long enough to be seen, over the task that waits."""
    lane, end = _lane_of_each_pid(canvas), last_moment(timeline)
    ends = {p.pid: p.ended for p in timeline.processes if math.isfinite(p.ended)}
    rows = [
        (lane[hold.pid], *wait_of(hold, ends.get(hold.pid, end)))
        for hold in timeline.holds
        if hold.pid in lane
    ]
    _strips(canvas, "waiting", rows)


KIND_OF = {"unpickled": "pickling", "pickled": "pickling", "sent": "sending"}


def draw_transfers(canvas: Canvas, timeline: Timeline) -> None:
    """What large messages cost the workers, before and after the tasks."""
    lane = _lane_of_each_pid(canvas)
    for kind in ("pickling", "sending"):
        rows = [
            (lane[one.pid], one.began, one.ended)
            for one in timeline.transfers
            if KIND_OF.get(one.action) == kind and one.pid in lane
        ]
        _strips(canvas, kind, rows)


def _strips(canvas, kind, rows):
    """Strips of one kind over what lies in the lanes, where they are long enough to be seen.

    `rows` holds the lane, the beginning and the end of each, in seconds.
    """
    rows = [row for row in rows if canvas.layout.x(row[2] - row[1]) >= 1]
    if not rows:
        return
    lanes, left, right = np.array(rows).T
    unknown = np.full(len(rows), math.nan)
    spans = Spans(lanes.astype(np.int64), left, right, unknown, np.arange(len(rows)))
    style = canvas.palette.kinds[kind]
    shapes = PolyCollection(
        corners_of(canvas, spans, *canvas.bar),
        gid=kind,
        zorder=4.5,  # over the task and what it was on a core, under its outline
        facecolor=style.fill,
        edgecolor=style.edge,
        hatch=style.hatch,
        linewidth=0.8,
    )
    canvas.axes.add_collection(shapes, autolim=False)
    canvas.show(kind)


def draw_accesses(canvas: Canvas, timeline: Timeline) -> None:
    """A mark for each read and each write of a shared value, in the lane of who did it.

    Often a read follows a write at once. So what is written stands a little higher than what is
    read, if bars are tall enough for two texts.
    """
    lane, end = _lane_of_each_pid(canvas), canvas.axes.get_xlim()[1]
    seen = [
        one
        for one in timeline.accesses
        if one.pid in lane and one.time <= end and one.action in LOOKS
    ][:MOST_ARROWS]
    ink, card = canvas.palette.ink, canvas.palette.card
    apart = 0.5 * LINE_OF_TEXT / canvas.layout.lane_height
    apart *= canvas.bar_height >= 1.7 * LINE_OF_TEXT
    height = {"read": 0.5 + apart, "wrote": 0.5 - apart}
    for action, marker in LOOKS.items():
        mine = [one for one in seen if one.action == action]
        if mine:
            x = [one.time for one in mine]
            y = [canvas.layout.row(lane[one.pid]) + height[action] for one in mine]
            fill = card if action == "read" else ink
            looks = {"mec": ink, "mfc": fill, "ms": 8 if len(seen) <= FEW_ACCESSES else 4}
            canvas.axes.plot(x, y, marker, zorder=8, gid=action, **looks)
            canvas.show(action)
    for one in seen if len(seen) <= FEW_ACCESSES else ():
        away = (canvas.text_width(one.value) / 2 + 9) / canvas.layout.scale
        y = canvas.layout.row(lane[one.pid]) + height[one.action]
        any(canvas.label_if_free(one.time + side * away, y, one.value) for side in (1, -1))


def _lane_of_each_pid(canvas):
    return {pid: place for place, lane in enumerate(canvas.layout.lanes) for pid in lane.pids}
