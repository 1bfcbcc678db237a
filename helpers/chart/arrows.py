"""Messages between the lanes: an arrow from the process that put to the one that got."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from helpers.chart.canvas import Canvas
from helpers.chart.letters import shortened
from helpers.chart.style import LINE_OF_TEXT, MOST_ARROWS
from helpers.timeline import Message, Timeline

FEW_ARROWS = 40
"""Up to so many messages, each message's value is written beside its arrow, if there is room."""
LONGEST_VALUE = 12
"""Letters of a value beside its arrow."""


LANES_TO_FOLLOW = 60
"""Lanes that may lie, in all, between senders and receivers if an eye is to follow the arrows."""
STUB = 12
"""The pixels of an arrow of which only the ends are drawn, at each end."""


class Spot(NamedTuple):
    """A place on the chart where messages can be pointed at: a time and a row."""

    time: float
    row: float
    messages: list[Message]


def draw_messages(canvas: Canvas, timeline: Timeline) -> list[Spot]:
    """Draw an arrow for each message whose sender has a lane; a circle if nobody took it.

    A message that was put before the first moment shown comes in at the left edge; one that was got
    at a moment that is not shown is left out. Where arrows pass over so many lanes that nobody
    could follow them, only their ends are drawn.

    Returns:
        Where each message leaves and arrives, and where the circles are.
    """
    lanes, lane = canvas.layout.lanes, canvas.layout.lane_of_pid
    begin, end = canvas.axes.get_xlim()
    known = [m for m in timeline.messages if m.sender in lane and m.put <= end]
    taken = [m for m in known if m.receiver in lane and begin <= m.got <= end][:MOST_ARROWS]
    waiting = [m for m in known if not math.isfinite(m.got)][:MOST_ARROWS]
    spots = _draw_arrows(canvas, taken, lane) if taken else []
    if waiting:
        senders = [lane[m.sender] for m in waiting]
        x = [max(m.put, begin) for m in waiting]
        y = [canvas.layout.row(i) + (0.5 if _is_line(lanes[i]) else canvas.bar[1]) for i in senders]
        circle = {"mec": canvas.palette.message, "mfc": canvas.palette.card, "ms": 8}
        canvas.axes.plot(x, y, "o", zorder=8, gid="not taken", clip_on=False, **circle)
        canvas.show("not taken")
        spots += _write_beside_circles(canvas, waiting, np.stack([x, y], axis=1))
    return spots


def draw_parent(canvas: Canvas, end: float) -> None:
    """Draw the parent as a thin line up to `end`, in seconds: it was there all the time."""
    for row, lane in enumerate(canvas.layout.lanes):
        if _is_line(lane):
            canvas.axes.plot([0, end], [row + 0.5] * 2, color=canvas.palette.muted, zorder=2)


def _is_line(lane):
    """Return whether a lane shows a thin line and no bars."""
    return lane.role == "parent"


def _draw_arrows(canvas, messages, lane):
    """Draw arrows, or only their ends, and the values beside them. Return where these ends are."""
    start, stop = _ends(canvas, messages, lane)
    few = len(messages) <= FEW_ARROWS
    if (np.abs(stop - start)[:, 1] - 1).clip(0).sum() <= LANES_TO_FOLLOW:
        lines = [("message", start, stop)]
        canvas.show("message")
    else:
        short = np.sign(stop - start) * (0, STUB / canvas.layout.lane_height)
        lines = [("message", stop - short, stop), ("message leaves", start, start + short)]
        canvas.show("message ends")
    for kind, tails, tips in lines:
        _draw_lines(canvas, kind, tails, tips, few)
    if few:
        for _, tails, tips in lines:
            for i, value in _values(canvas, messages, tails, tips).items():
                _write_value(canvas, value, tails, tips, i)
    ends = [*zip(stop, messages, strict=True), *zip(start, messages, strict=True)]
    return [Spot(*end, [message]) for end, message in ends]


def _draw_lines(canvas, kind, tails, tips, few):
    """Draw lines of one kind; those of messages have a head."""
    paint = {"color": canvas.palette.message, "linewidth": 1.8 if few else 0.7}
    lines = LineCollection(
        np.stack([tails, tips], axis=1), gid=kind, zorder=7, clip_on=False, **paint
    )
    canvas.axes.add_collection(lines, autolim=False)
    if kind == "message":
        heads = _heads(canvas, tails, tips, 10 if few else 6)
        heads = PolyCollection(
            heads, facecolor=canvas.palette.message, linewidth=0, zorder=7, clip_on=False
        )
        canvas.axes.add_collection(heads, autolim=False)


def _write_beside_circles(canvas, messages, places):
    """Write beside each circle what nobody took; of several at one place, how many they are."""
    spots = []
    for i, *others in _side_by_side(canvas, places):
        value = shortened(messages[i].value, LONGEST_VALUE)
        text = f"{1 + len(others)} messages" if others else value
        x, y = places[i]
        away = (canvas.text_width(text) / 2 + 9) / canvas.layout.scale
        last = places[others[-1] if others else i, 0]
        canvas.label_at_first_free([(last + away, y), (x - away, y)], text)
        spots.append(Spot(x, y, [messages[n] for n in (i, *others)]))
    return spots


def _ends(canvas, messages, lane):
    """Return tail and head of each arrow, as times and rows, from one bar's edge to the other's."""
    rows = canvas.layout.row(np.array([[lane[m.sender], lane[m.receiver]] for m in messages]))
    down = np.sign(rows[:, 1] - rows[:, 0])
    top, bottom = canvas.bar
    leave = np.where(down > 0, bottom, np.where(down < 0, top, 0.5))
    reach = np.where(down > 0, top, np.where(down < 0, bottom, 0.5))
    on_line = np.array([_is_line(lane) for lane in canvas.layout.lanes])
    pairs = np.array([[lane[m.sender], lane[m.receiver]] for m in messages])
    leave[on_line[pairs[:, 0]]] = 0.5
    reach[on_line[pairs[:, 1]]] = 0.5
    start = np.stack([[m.put for m in messages], rows[:, 0] + leave], axis=1)
    stop = np.stack([[m.got for m in messages], rows[:, 1] + reach], axis=1)
    way = stop - start
    before = canvas.layout.begin - start[:, :1]
    start += way * np.clip(before / np.maximum(way[:, :1], 1e-12), 0, 1)  # from the edge on
    return start, stop


def _heads(canvas, start, stop, size):
    """Return the triangles of the arrows' heads, turned in pixels, given in the axes' units."""
    unit = np.array([canvas.layout.scale, canvas.layout.lane_height])
    along = (stop - start) * unit
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    across = along[:, ::-1] * (-1, 1)
    corners = [0, across * 0.45 - along, -across * 0.45 - along]
    return np.stack([stop + corner * size / unit for corner in corners], axis=1)


def _values(canvas, messages, start, stop):
    """Return what to write beside which arrows; for several side by side, how many they are."""
    return {
        i: f"{1 + len(others)} messages" if others else shortened(messages[i].value, LONGEST_VALUE)
        for i, *others in _side_by_side(canvas, start, stop)
    }


def _side_by_side(canvas, *ends):
    """Return groups of those things whose ends lie so close that they look like one, by number."""
    unit = [canvas.layout.scale, canvas.layout.lane_height]
    ends = np.hstack([end * unit for end in ends])  # in pixels
    groups = []
    for i in np.argsort(ends[:, 0], kind="stable").tolist():
        beside = [group for group in groups if np.abs(ends[group[-1]] - ends[i]).max() <= 8]
        if beside:
            beside[0].append(i)
        else:
            groups.append([i])
    return groups


def _write_value(canvas, value, starts, stops, i):
    """Write a value beside arrow i, at the first place where nothing else stands, if there is one.

    Over another arrow it would seem to belong to that one. The box under the mouse tells it anyway.
    """
    start, stop = starts[i], stops[i]
    shift = (canvas.text_width(value) / 2 + 7) / canvas.layout.scale
    along, rows = stop - start, abs(stop[1] - start[1])
    # First in the gaps between the bars, where the arrow leaves and where it arrives.
    gap = along * (min(canvas.bar[0] / rows, 0.5) if rows else 0)
    up = np.array([0, 0.5 * LINE_OF_TEXT / canvas.layout.lane_height * np.sign(along[1])])
    beside = (start + gap, stop - gap, start - up, stop + up, start + along / 2)
    places = [(x + side, y) for x, y in beside for side in (shift, -shift)]
    clear = [place for place in places if not canvas.is_crossed(*place, value, starts, stops)]
    canvas.label_at_first_free(clear, value)
