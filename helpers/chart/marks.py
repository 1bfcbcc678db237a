"""Draw on top: imports, transfers of messages, reads and writes of shared values."""

from helpers.chart.bars import draw_strips
from helpers.chart.canvas import Canvas
from helpers.chart.spans import Spans
from helpers.chart.style import LINE_OF_TEXT, MOST_ARROWS
from helpers.chart.waits import OVER_TASKS
from helpers.timeline import Timeline

KIND_OF = {"unpickled": "pickling", "pickled": "pickling", "sent": "sending"}


def draw_transfers(canvas: Canvas, timeline: Timeline) -> None:
    """Draw what large messages cost the workers, before and after the tasks."""
    lane = canvas.layout.lane_of_pid
    for kind in ("pickling", "sending"):
        rows = [
            (lane[transfer.pid], transfer.began, transfer.ended, 0)
            for transfer in timeline.transfers
            if KIND_OF.get(transfer.action) == kind and transfer.pid in lane
        ]
        _draw_rows(canvas, kind, rows)


def draw_imports(canvas: Canvas, timeline: Timeline) -> None:
    """Draw when workers imported modules: they had no task yet, but were not idle."""
    lane = canvas.layout.lane_of_pid
    rows = [(lane[i.pid], i.began, i.ended, 0) for i in timeline.imports if i.pid in lane]
    _draw_rows(canvas, "imports", rows)


def _draw_rows(canvas, kind, rows):
    """Draw strips of one kind where they are long enough to be seen; see `Spans.of_rows`."""
    rows = [row for row in rows if canvas.layout.x(row[2] - row[1]) >= 1]
    spans = Spans.of_rows(rows).between(*canvas.axes.get_xlim()) if rows else ()
    if len(spans):
        draw_strips(canvas, kind, spans, OVER_TASKS)


FEW_ACCESSES = 40
"""Up to so many reads and writes, the value stands beside every mark, if there is room."""
MARKERS = {"read": "^", "wrote": "v"}


def draw_accesses(canvas: Canvas, timeline: Timeline) -> None:
    """Draw a mark for each read and each write of a shared value, in its process's lane.

    Often a read follows a write at once. So written values stand a little higher than read values,
    if bars are tall enough for two texts.
    """
    lane, (begin, end) = canvas.layout.lane_of_pid, canvas.axes.get_xlim()
    shown = [
        access
        for access in timeline.accesses
        if access.pid in lane and begin <= access.time <= end and access.action in MARKERS
    ][:MOST_ARROWS]
    few = len(shown) <= FEW_ACCESSES
    places = [
        (access.time, canvas.layout.row(lane[access.pid]) + _height(canvas, access.action))
        for access in shown
    ]
    for action in MARKERS:
        marked = [place for place, a in zip(places, shown, strict=True) if a.action == action]
        if marked:
            _draw_marks(canvas, action, marked, size=8 if few else 4)
    if few:
        for (x, y), access in zip(places, shown, strict=True):
            away = (canvas.text_width(access.value) / 2 + 9) / canvas.layout.scale
            canvas.label_at_first_free([(x + away, y), (x - away, y)], access.value)


def _height(canvas, action):
    """Return how far below the top of its row a mark stands, as part of the row's height."""
    if canvas.bar_height < 1.7 * LINE_OF_TEXT:
        return 0.5
    apart = 0.5 * LINE_OF_TEXT / canvas.layout.lane_height
    return 0.5 + apart if action == "read" else 0.5 - apart


def _draw_marks(canvas, action, places, size):
    """Draw the marks of one action; what is read is hollow, what is written is filled."""
    ink, card = canvas.palette.ink, canvas.palette.card
    paint = {"mec": ink, "mfc": card if action == "read" else ink, "ms": size}
    canvas.axes.plot(*zip(*places, strict=True), MARKERS[action], zorder=8, gid=action, **paint)
    canvas.show(action)
