"""Who waits for whom: the picture in which a deadlock is a circle.

An arrow leads from a process to the lock that it waits for, and from a lock to the process that
holds it. Processes that can be walked to in a circle wait for each other, and so for ever. Source:
R. C. Holt, Some deadlock properties of computer systems, ACM Computing Surveys 4 (3), 1972; that a
deadlock needs such a circle: E. G. Coffman et al., System deadlocks, the same, 3 (2), 1971.
"""

import math
from typing import NamedTuple

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers.chart import style
from helpers.chart.picture import Chart
from helpers.chart.settings import own_settings
from helpers.chart.sheet import Sheet
from helpers.timeline import Timeline

HEIGHT, BOX_WIDTH, BOX_HEIGHT = 400, 130, 46

RADIUS = (330, 130)
"""Pixels: half the width and half the height of the ellipse on which the boxes stand."""


class Arrow(NamedTuple):
    """One arrow: from a waiting process to a lock, or from a lock to the process that holds it."""

    start: str
    meaning: str
    end: str

    def __str__(self):
        return f"{self.start} {self.meaning} {self.end}"


def arrows_at(timeline: Timeline, moment: float) -> list[Arrow]:
    """Return who waits for which lock at a moment, and who holds that lock.

    Args:
        timeline: from `mp.timeline()`.
        moment: in seconds, as on the chart's axis.
    """
    names = {process.pid: process.name for process in timeline.processes}
    order = list(names)  # that in which they were asked for, however chance let them wait
    waits = [wait for wait in timeline.waits_at(moment) if wait.pid in names]
    found = []
    for wait in sorted(waits, key=lambda wait: order.index(wait.pid)):
        if wait.reason == "lock":
            found.append(Arrow(names[wait.pid], "waits for", wait.name))
            found += [
                Arrow(wait.name, "is held by", names.get(pid, f"pid {pid}"))
                for pid in timeline.holders_of(wait.name, moment)
            ]
    return list(dict.fromkeys(found))


def circle_of(arrows: list[Arrow]) -> list[str]:
    """Return the boxes of a circle of arrows, in the order of the arrows; none if there is none.

    A process waits for one lock at most, and a lock has one holder. So there is one way on from
    each box, and whoever follows it comes to an end or back to a box that was passed.
    """
    way_on = {arrow.start: arrow.end for arrow in arrows}
    for box in way_on:
        passed = []
        while box in way_on and box not in passed:
            passed.append(box)
            box = way_on[box]
        if box in passed:
            return passed[passed.index(box) :]
    return []


@own_settings()
def wait_graph(timeline: Timeline, moment: float, *, dark: bool = False) -> Chart:
    """Return the picture of who waits for which lock at a moment, and who holds it.

    Args:
        timeline: from `mp.timeline()`.
        moment: in seconds, as on the chart's axis.
        dark: colours for a dark notebook.
    """
    arrows = arrows_at(timeline, moment)
    circle = circle_of(arrows)
    sheet = Sheet(style.DARK if dark else style.LIGHT)
    sheet.set_height(HEIGHT)
    title = "A circle: each waits for the next" if circle else "No circle of locks"
    sheet.headings(title, [f"{moment:.2f} s after the first process was asked for"])
    axes = sheet.axes_at(0, 0, style.WIDTH, HEIGHT)
    axes.set_axis_off()
    axes.set(xlim=(0, style.WIDTH), ylim=(0, HEIGHT))
    processes = {process.name for process in timeline.processes}
    boxes = {
        text: _draw_box(axes, sheet, place, text, "process" if text in processes else "manager")
        for text, place in _places(circle, arrows).items()
    }
    for arrow in arrows:
        _draw_arrow(axes, sheet, boxes[arrow.start], boxes[arrow.end], arrow.meaning)
    return Chart(sheet.figure, f"{title}. " + " ".join(f"{arrow}." for arrow in arrows), [])


def _places(circle, arrows):
    """Return the middle of each box: on an ellipse, those of the circle first, clockwise."""
    boxes = dict.fromkeys([*circle, *(end for arrow in arrows for end in (arrow.start, arrow.end))])
    centre = (
        style.WIDTH / 2,
        (HEIGHT - style.TOP - style.TITLE_HEIGHT - style.SUBTITLE_HEIGHT) / 2,
    )
    places = {}
    for number, box in enumerate(boxes):
        angle = math.pi - 2 * math.pi * number / len(boxes)
        places[box] = (
            centre[0] + RADIUS[0] * math.cos(angle),
            centre[1] + RADIUS[1] * math.sin(angle),
        )
    return places


def _draw_box(axes, sheet, place, text, kind):
    """Draw a process with round corners, or a lock with square ones, and return the box."""
    colours = sheet.palette.kinds[kind]
    box = FancyBboxPatch(
        (place[0] - BOX_WIDTH / 2, place[1] - BOX_HEIGHT / 2),
        BOX_WIDTH,
        BOX_HEIGHT,
        boxstyle="round,pad=0,rounding_size=14" if kind == "process" else "square,pad=0",
        facecolor=colours.fill,
        edgecolor=colours.edge,
        linewidth=1.5,
    )
    axes.add_patch(box)
    text = sheet.cut(text, BOX_WIDTH - 12, style.LANE_FONT, "bold")
    font = {"fontsize": style.LANE_FONT, "fontweight": "bold", "color": sheet.palette.ink}
    axes.text(*place, text, ha="center", va="center_baseline", **font)
    return box


def _draw_arrow(axes, sheet, start, end, meaning):
    """Draw an arrow from box to box, with what it means beside its middle."""
    middles = [(box.get_x() + BOX_WIDTH / 2, box.get_y() + BOX_HEIGHT / 2) for box in (start, end)]
    arrow = FancyArrowPatch(
        *middles,
        patchA=start,
        patchB=end,
        arrowstyle="-|>",
        mutation_scale=22,
        linestyle="--" if meaning == "waits for" else "-",
        linewidth=2,
        color=sheet.palette.ink,
    )
    axes.add_patch(arrow)
    place = [sum(numbers) / 2 for numbers in zip(*middles, strict=True)]
    plate = {"facecolor": sheet.palette.card, "edgecolor": "none", "pad": 2}
    font = {"fontsize": style.SMALL_FONT, "color": sheet.palette.ink, "bbox": plate}
    axes.text(*place, meaning, ha="center", va="center", **font)
