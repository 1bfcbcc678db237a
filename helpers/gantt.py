"""The chart: who did what, when. One lane a worker, one bar a task, time from left to right.

`gantt(mp.timeline())` draws a measured timeline, `gantt(predict(...))` a predicted one, and
`gantt(mp.timeline(), predict(...))` both. What was measured is filled. What was predicted is
an outline, dashed and in a colour of its own.

The work is shared out: `chart_data` says what lies where, `chart_words` says it in words,
`chart_canvas` draws everything around the lanes, `chart_bars`, `chart_arrows` and
`chart_sharing` what is in them, and `chart_style` knows the colours and sizes.
"""

import base64
import html
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure

from helpers.chart import words
from helpers.chart.arrows import draw_messages, draw_parent
from helpers.chart.bars import (
    TASK_KINDS,
    draw_exit_codes,
    draw_ghosts,
    draw_labels,
    draw_marks,
    draw_spans,
)
from helpers.chart.canvas import Canvas
from helpers.chart.letters import Paper
from helpers.chart.marks import draw_accesses, draw_transfers, draw_waits
from helpers.chart.png import SMALL, SOON, png_of
from helpers.chart.spans import first_start, ghost_spans, lanes_of, last_moment, spans_of
from helpers.chart.style import DARK, LIGHT, MOST_HOVER_BOXES, WIDTH
from helpers.timeline import RUNNING, Timeline


class Chart:
    """A finished picture of a timeline.

    `figure` is matplotlib's, `alt` says the same in words, `png` is the content of a PNG file. In
    a notebook the chart shows itself: the picture with that text, and boxes over it that tell more
    when the mouse rests on them.
    """

    def __init__(self, figure: Figure, alt: str, boxes: list[tuple]):
        self.figure = figure
        self.alt = alt
        self._boxes = boxes

    def __repr__(self):
        return "Chart"  # the same for every run, because nbval compares it

    @cached_property
    def png(self) -> bytes:
        return self._png(SMALL)

    def _png(self, effort):
        canvas = Paper(self.figure)
        canvas.draw()
        return png_of(canvas, effort)

    def _repr_html_(self):
        return picture_html(self.png, self.alt, self._boxes)

    def html_for_now(self) -> str:
        """The same for a page that will soon show another chart: made sooner, and larger."""
        return picture_html(self._png(SOON), self.alt, self._boxes)


def picture_html(png: bytes, alt: str, boxes: list[tuple] = ()) -> str:
    """A picture, with what it says, as one block: one rule can stand for it in comparisons."""
    picture = base64.b64encode(png).decode("ascii")
    boxes = "".join(_hover_html(*box) for box in boxes)
    return (
        '<div class="chart"><div style="position:relative;display:inline-block;max-width:100%">'
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" '
        f'style="display:block;max-width:100%;height:auto">{boxes}</div></div><!--/chart-->'
    )


def _hover_html(text, left, top, width, height):
    return (
        f'<div title="{html.escape(text)}" style="position:absolute;left:{left:.2f}%;'
        f'top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"></div>'
    )


def gantt(
    timeline: Timeline,
    predicted: Timeline | None = None,
    *,
    dark: bool = False,
    guess: float | None = None,
    bound: float | None = None,
    alongside: Sequence[Timeline] = (),
) -> Chart:
    """The chart of a timeline; with `predicted`, that schedule is drawn beside it.

    A prediction knows no start-up, so it is drawn from the first task's start on. Each of its
    lanes lies beside the measured lane that worked most alike.

    Args:
        timeline: what to draw, from `mp.timeline()` or `predict(...)`.
        predicted: the schedule to compare it with, from `predict(...)`.
        dark: colours for a dark notebook.
        guess: the makespan that somebody expected, in seconds; it becomes a line of its own.
        bound: a makespan that theory says cannot be exceeded, in seconds; another line.
        alongside: timelines on other charts that this one is compared with. If each of those
            charts is told the same, a second is equally long and lies at the same place on all.

    Raises:
        TypeError: for anything that is not a timeline.
    """
    for one in (timeline, *([] if predicted is None else [predicted]), *alongside):
        if not isinstance(one, Timeline):
            raise TypeError(
                "gantt draws a timeline, such as mp.timeline() or predict([1.0], 2), "
                f"not {repr(one)[:80]}"
            )
    canvas = _canvas(timeline, predicted, guess, bound, alongside, DARK if dark else LIGHT)
    wide = _draw_lanes(canvas, timeline, predicted)
    _draw_frame(canvas, timeline, predicted, guess, bound)
    alt = words.alt_text(timeline, predicted)
    if guess is not None:
        alt += f" Your guess was {words.seconds(guess)}."
    if bound is not None:
        alt += f" The bound is {words.seconds(bound)}."
    return Chart(canvas.figure, alt, _hover_boxes(canvas, timeline, wide))


def _canvas(timeline, predicted, guess, bound, alongside, palette):
    """An empty chart with room for both timelines, and for those that it is compared with."""
    end = max(map(last_moment, (timeline, *alongside)))
    if predicted is not None:
        end = max(end, first_start(timeline) + last_moment(predicted))
    for line in (guess, bound):
        if line is not None:
            end = max(end, first_start(timeline) + line)
    lanes = lanes_of(timeline, predicted)
    others = [lanes_of(one) for one in alongside]
    ghosts, arrows = predicted is not None, bool(timeline.messages)
    return Canvas(lanes, end, palette, ghosts, arrows, others, rulers_for(guess, bound))


def rulers_for(*lines: float | None) -> int:
    """How many rulers a chart has room for: makespan, prediction, and each of `lines` there is."""
    return 2 + sum(line is not None for line in lines)


def _draw_lanes(canvas, timeline, predicted):
    """What happened, from the back to the front. Returns the spans wide enough to point at."""
    spans = spans_of(timeline, canvas.layout.lanes, last_moment(timeline))
    wide = draw_spans(canvas, spans)
    if predicted is not None:
        draw_ghosts(canvas, ghost_spans(predicted, timeline, canvas.layout.lanes))
    draw_parent(canvas, last_moment(timeline))
    draw_waits(canvas, timeline)
    draw_transfers(canvas, timeline)
    if not timeline.accesses:  # the marks of those stand where the labels would
        draw_labels(canvas, timeline, wide)
    draw_marks(canvas, spans)
    draw_messages(canvas, timeline)
    draw_accesses(canvas, timeline)
    draw_exit_codes(canvas, timeline, wide)
    return wide


def _draw_frame(canvas, timeline, predicted, guess, bound):
    """Everything around the lanes, and the measures across them."""
    canvas.headings(words.title(timeline), words.subtitle(timeline, predicted))
    if not canvas.layout.lanes:
        canvas.axes.remove()
        return
    canvas.lane_names()
    canvas.time_axis(words.zero_of(timeline, canvas.layout.lanes))
    for row, ruler in enumerate(rulers_of(canvas.palette, timeline, predicted, guess, bound)):
        canvas.ruler(row, first_start(timeline), *ruler)
    canvas.legend(_legend_names(canvas, timeline))


def rulers_of(palette, timeline, predicted, guess, bound=None) -> list[tuple]:
    """Makespan, prediction, guess and bound, the shortest first: length, words, colour, dashed."""
    rulers = []
    if timeline is not None and words.shares_tasks(timeline):
        length = words.seconds(timeline.makespan)
        running = words.how_many(timeline, RUNNING)
        text = f"{length} so far" if running else f"makespan {length}"
        colour = palette.predicted if timeline.predicted else palette.ink
        rulers.append((timeline.makespan, text, colour, timeline.predicted))
    if predicted is not None and len(predicted.tasks):
        text = f"predicted {words.seconds(predicted.makespan)}"
        rulers.append((predicted.makespan, text, palette.predicted, True))
    if guess is not None:
        rulers.append((guess, f"your guess {words.seconds(guess)}", palette.guess, True))
    if bound is not None:
        rulers.append((bound, f"bound {words.seconds(bound)}", palette.muted, True))
    return sorted(rulers, key=lambda ruler: ruler[0])


def _legend_names(canvas, timeline):
    """The legend says what the labels in the bars are arguments of, if that is short."""
    task = f"task {canvas.function}" if 0 < len(canvas.function) < 32 else "task"
    if timeline.predicted:
        return {"ghost": f"predicted {task}"}
    return {"task": f"{task}, off the core" if "core" in canvas.shown else task}


# Boxes that tell more when the mouse rests on them


def _hover_boxes(canvas, timeline, wide):
    """A text and a place in percent of the picture: processes, if few, and the widest tasks."""
    boxes = []
    starts = wide.get("startup")
    if starts is not None and len(starts) <= MOST_HOVER_BOXES // 3:
        for i, item in enumerate(starts.item):
            text = words.hover_process(timeline.processes[item])
            boxes.append((text, *_percent(canvas, starts, i)))
    lanes = words.task_lanes(canvas.layout.lanes)
    for spans, i in _widest(wide, MOST_HOVER_BOXES - len(boxes)):
        task = timeline.tasks[int(spans.item[i])]
        text = words.hover_task(task, lanes[task.lane].name, timeline.now)
        boxes.append((text, *_percent(canvas, spans, i)))
    return boxes


def _widest(wide, most):
    """The longest tasks of all kinds, as pairs (spans, place)."""
    found = []
    for kind in TASK_KINDS:
        if kind in wide:
            length = wide[kind].right - wide[kind].left
            places = np.argsort(-length, kind="stable")[:most]
            found += [(float(length[i]), wide[kind], i) for i in places]
    found.sort(key=lambda one: one[0], reverse=True)
    return [(spans, i) for _, spans, i in found[:most]]


def _percent(canvas, spans, i):
    """Left, top, width and height of a bar, in percent of the picture."""
    layout = canvas.layout
    y = layout.top + (layout.row(spans.lane[i]) + canvas.bar[0]) * layout.lane_height
    return (
        100 * (layout.left + layout.x(spans.left[i])) / WIDTH,
        100 * y / layout.figure_height,
        max(0.4, 100 * layout.x(spans.right[i] - spans.left[i]) / WIDTH),
        100 * canvas.bar_height / layout.figure_height,
    )
