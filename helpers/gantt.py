"""The chart: which process did what, when. One lane a worker, one bar a task, time to the right.

`gantt(mp.timeline())` draws a measured timeline, `gantt(predict(...))` a predicted one, and
`gantt(mp.timeline(), predict(...))` both. What was measured is filled. What was predicted is
an outline, dashed and in a colour of its own.

The drawing itself is in `chart/`: `scene` works out what the chart shows, `words` says it, `canvas`
gives each thing its place, `bars`, `waits`, `arrows` and `marks` draw what is in the lanes, `frame`
and `rulers` what is around them, and `style` knows the colours and sizes.
"""

from collections.abc import Sequence

from helpers.chart import words
from helpers.chart.arrows import draw_messages, draw_parent
from helpers.chart.bars import (
    draw_chunks,
    draw_exit_codes,
    draw_ghosts,
    draw_labels,
    draw_marks,
    draw_spans,
)
from helpers.chart.canvas import Canvas
from helpers.chart.frame import draw_lane_names, draw_legend, draw_time_axis
from helpers.chart.hover import hover_boxes
from helpers.chart.marks import draw_accesses, draw_imports, draw_transfers
from helpers.chart.picture import Chart
from helpers.chart.rulers import draw_rulers, expected_rulers, measured_rulers, rulers_for
from helpers.chart.scene import Scene
from helpers.chart.settings import own_settings
from helpers.chart.spans import chunk_spans, ghost_spans, spans_of
from helpers.chart.style import DARK, LIGHT
from helpers.chart.waits import draw_waits, wait_spans
from helpers.timeline import Timeline


@own_settings()
def gantt(
    timeline: Timeline,
    predicted: Timeline | None = None,
    *,
    dark: bool = False,
    guess: float | None = None,
    bound: float | None = None,
    alongside: Sequence[Timeline] = (),
    since: float = 0.0,
    until: float | None = None,
) -> Chart:
    """Return the chart of a timeline; with `predicted`, that schedule is drawn beside it.

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
        since: the first moment shown, in seconds; what was before is left out.
        until: the last moment shown, in seconds; without it, the end.

    Raises:
        TypeError: for anything that is not a timeline.
        ValueError: if there is nothing between the two moments.
    """
    for given in (timeline, *([] if predicted is None else [predicted]), *alongside):
        if not isinstance(given, Timeline):
            raise TypeError(
                "gantt draws a timeline, such as mp.timeline() or predict([1.0], 2), "
                f"not {repr(given)[:80]}"
            )
    scene = Scene(timeline, predicted)
    section = _section(scene, since, until)
    headings = words.title(scene), words.subtitle(scene)
    canvas = _empty_canvas(scene, guess, bound, alongside, DARK if dark else LIGHT, section)
    wide, spots = _draw_lanes(canvas, scene, section)
    canvas.headings(*headings)
    _draw_surroundings(canvas, scene, guess, bound, section)
    alt = words.alt_text(scene, headings, guess, bound, section)
    return Chart(canvas.figure, alt, hover_boxes(canvas, scene, wide, spots))


def _section(scene, since, until):
    """Return the first and the last moment shown, in seconds; None if all is shown.

    Raises:
        ValueError: if there is nothing between them.
    """
    if since == 0 and until is None:
        return None
    end = scene.end if until is None else min(until, scene.end)
    if not 0 <= since < end:
        raise ValueError(
            f"there is nothing to show from {since} to {until or 'the end'}: "
            f"this timeline goes from 0 to {scene.end:.3f} seconds"
        )
    return since, end


def _empty_canvas(scene, guess, bound, alongside, palette, section):
    """Return a canvas with room for both timelines, and for those that it is compared with."""
    others = [Scene(timeline) for timeline in alongside]
    lengths = [length for length in (guess, bound) if length is not None]
    if scene.predicted is not None:
        lengths.append(Scene(scene.predicted).end)
    ends = [other.end for other in others] + [scene.first_start + length for length in lengths]
    begin, end = section or (0.0, max([scene.end, *ends]))
    return Canvas(
        scene.lanes,
        end,
        palette,
        ghosts=scene.predicted is not None,
        arrows=bool(scene.timeline.messages),
        others=[other.lanes for other in others],
        rulers=rulers_for(guess, bound),
        begin=begin,
        beyond=1.0 if section else 1.02,
    )


def _draw_lanes(canvas, scene, section):
    """Draw what happened, from the back to the front. Return what one can point at.

    These are spans that are wide enough, by kind, and the spots of messages.
    """
    timeline, spans = scene.timeline, spans_of(scene)
    waits = wait_spans(scene, canvas.layout.lane_of_pid)
    if section:
        spans, waits = (
            {kind: of_kind.between(*section) for kind, of_kind in group.items()}
            for group in (spans, waits)
        )
    wide = draw_spans(canvas, spans)
    if scene.predicted is not None:
        draw_ghosts(canvas, ghost_spans(scene.predicted, scene, scene.lanes))
    draw_chunks(canvas, chunk_spans(timeline, scene.lanes))
    draw_parent(canvas, scene.end)
    waits = draw_waits(canvas, waits, spans)
    draw_imports(canvas, timeline)
    draw_transfers(canvas, timeline)
    if not timeline.accesses:  # their marks stand where the labels would
        draw_labels(canvas, timeline, wide)
    draw_marks(canvas, spans)
    spots = draw_messages(canvas, timeline)
    draw_accesses(canvas, timeline)
    draw_exit_codes(canvas, timeline, wide)
    return wide | waits, spots


def _draw_surroundings(canvas, scene, guess, bound, section):
    """Draw everything around the lanes, and the measures across them: a section has none."""
    if not scene.lanes:
        canvas.axes.remove()
        return
    draw_lane_names(canvas)
    draw_time_axis(canvas, words.zero_of(scene))
    if not section:
        rulers = measured_rulers(canvas.palette, scene)
        rulers += expected_rulers(canvas.palette, scene.predicted, guess, bound)
        draw_rulers(canvas, scene.first_start, rulers)
    draw_legend(canvas, _legend_names(canvas, scene.timeline))


OF_COMMANDS = {
    "startup": "asked for, until the system had started it",
    "process": "runs; inside: not observed",
}
"""What the legend says of commands, whose own start-up is unknown."""


def _legend_names(canvas, timeline):
    """Return what the legend calls tasks: by their function, if labels are its arguments."""
    if timeline.commands:
        return OF_COMMANDS
    task = f"task {canvas.function}" if 0 < len(canvas.function) < 32 else "task"
    if timeline.predicted:
        return {"ghost": f"predicted {task}"}
    measured = f"{task}, off the core" if "core" in canvas.shown else task
    return {"task": measured, "ghost": "task, predicted"}
