"""The rulers above the lanes: makespan, prediction, guess and bound, each a measure of seconds."""

from typing import NamedTuple

from helpers.chart import style
from helpers.chart.canvas import Canvas
from helpers.chart.scene import Scene
from helpers.chart.style import Palette
from helpers.chart.words import seconds
from helpers.timeline import RUNNING, Timeline


class Ruler(NamedTuple):
    """A measure from the first task's start on: its length in seconds, its words, its style."""

    length: float
    text: str
    colour: str
    dashed: bool


def rulers_for(*lengths: float | None) -> int:
    """Return how many rulers to leave room for: makespan, prediction, and each length given."""
    return 2 + sum(length is not None for length in lengths)


def measured_rulers(palette: Palette, scene: Scene) -> list[Ruler]:
    """Return the ruler of the makespan, if workers share out tasks."""
    if not scene.shares_tasks:
        return []
    timeline = scene.timeline
    length = seconds(timeline.makespan)
    text = f"{length} so far" if scene.outcomes[RUNNING] else f"makespan {length}"
    colour = palette.predicted if timeline.predicted else palette.ink
    return [Ruler(timeline.makespan, text, colour, timeline.predicted)]


def expected_rulers(
    palette: Palette,
    predicted: Timeline | None,
    guess: float | None,
    bound: float | None = None,
) -> list[Ruler]:
    """Return the rulers of what was expected: a prediction, a guess and a bound, if they exist."""
    rulers = []
    if predicted is not None and len(predicted.tasks):
        text = f"predicted {seconds(predicted.makespan)}"
        rulers.append(Ruler(predicted.makespan, text, palette.predicted, True))
    if guess is not None:
        rulers.append(Ruler(guess, f"your guess {seconds(guess)}", palette.guess, True))
    if bound is not None:
        rulers.append(Ruler(bound, f"bound {seconds(bound)}", palette.muted, True))
    return rulers


def draw_rulers(canvas: Canvas, left: float, rulers: list[Ruler]) -> None:
    """Draw rulers from `left` seconds on, the shortest at the bottom.

    A longer ruler is above a shorter one, so that neither crosses the other's words.
    """
    for row, ruler in enumerate(sorted(rulers, key=lambda ruler: ruler.length)):
        _draw_ruler(canvas, row, left, ruler)


def _draw_ruler(canvas, row, left, ruler):
    """Draw a line above the lanes with its words, and from its end a line down through the lanes.

    Rows are counted upwards from 0.
    """
    axes, right = canvas.axes, left + ruler.length
    y, up = (1 + (row + part) * style.RULER_HEIGHT / canvas.layout.height for part in (0.5, 0.85))
    line = {
        "color": ruler.colour,
        "linewidth": 2,
        "linestyle": (0, (4, 2)) if ruler.dashed else "solid",
        "clip_on": False,
        "transform": axes.get_xaxis_transform(),
        "zorder": 6,
    }
    axes.plot([left, right], [y, y], **line)
    axes.plot([left, left], [1, up], **(line | {"linewidth": 1}))
    axes.plot([right, right], [0, up], gid=f"{ruler.text} end", **line)
    axes.text(
        _middle_of_words(canvas, left, right, ruler.text),
        y,
        ruler.text,
        transform=axes.get_xaxis_transform(),
        fontsize=style.SUBTITLE_FONT,
        fontweight="bold",
        color=ruler.colour,
        ha="center",
        va="center",
        parse_math=False,
        zorder=8,
        bbox={"facecolor": canvas.palette.card, "edgecolor": "none", "pad": 2},
    )


def _middle_of_words(canvas, left, right, text):
    """Return where a ruler's words stand: in its middle if they fit, else beside its end."""
    half = (canvas.text_width(text, style.SUBTITLE_FONT, "bold") / 2 + 8) / canvas.layout.scale
    if right - left > 2 * half:
        return (left + right) / 2
    beside = right + half
    return beside if beside + half < canvas.axes.get_xlim()[1] else left - half
