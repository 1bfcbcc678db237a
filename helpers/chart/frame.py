"""Everything that stands around the lanes: names beside them, time below them, and the legend."""

import math

from matplotlib.patches import Rectangle

from helpers.chart import style
from helpers.chart.canvas import Canvas
from helpers.chart.lanes import hosts_of, only_threads
from helpers.chart.names import group_name, pids_of, short_name

LEGEND = {
    "task": "task",
    "core": "on a core",
    "cores": "on several cores",
    "running": "still running",
    "exited": f"{style.ARROW_OUT} exited with a code",
    "raised": f"{style.CROSS} raised an error",
    "lost": f"{style.DAGGER} lost: its process ended",
    "ghost": "predicted",
    "chunk": "chunk: one message",
    "startup": "start-up",
    "imports": "imports modules",
    "idle": "idle",
    "process": "process alive",
    "manager": "manager",
    "waits message": "waits for a message",
    "waits room": "waits for room",
    "waits lock": "waits for a lock",
    "waits others": "waits for others",
    "pickling": "pickles or unpickles",
    "sending": "sends a result",
    "read": "value read",
    "wrote": "value written",
    "message": "message",
    "message ends": "message: leaves, arrives",
    "not taken": "never taken",
}
GLYPHS = {"message": "→", "message ends": "↓", "not taken": "○", "read": "△", "wrote": "▼"}
"""What stands in the legend for kinds that are no bars."""


# Beside the lanes


def draw_lane_names(canvas: Canvas) -> None:
    """Write the lanes' names and pids; where lanes are thin, only some of them."""
    layout, lanes = canvas.layout, canvas.layout.lanes
    step = math.ceil(style.LINE_OF_TEXT / layout.lane_height)
    step *= 2 if layout.together > 1 else 1  # `workers 1–10` need not stand line by line
    stacked = layout.lane_height >= 2 * style.LINE_OF_TEXT
    for row in range(0, layout.rows if lanes else 0, step):
        y = 1 - (row + 0.5) / layout.rows
        in_row = lanes[row * layout.together : (row + 1) * layout.together]
        name = group_name(in_row) if layout.together > 1 else short_name(in_row[0])
        _write_beside(canvas, y, layout.pids and layout.pids + 12, name, style.LANE_FONT)
        if layout.together == 1:
            _write_beside(canvas, y, 0, pids_of(in_row[0], stacked), muted=True)
    if layout.pids:
        y = 1 + 0.5 * style.RULER_HEIGHT / layout.height
        _write_beside(canvas, y, 0, "id" if only_threads(lanes) else "pid", muted=True)
    if layout.together == 1:
        for host, first, last in hosts_of(lanes):
            _draw_host(canvas, host, first, last)


def _write_beside(canvas, y, away, text, size=style.SMALL_FONT, muted=False):
    """Write a text left of the axes, `away` pixels from them; `y` is in parts of their height."""
    canvas.axes.text(
        -(away + style.SIDE / 2) / canvas.layout.width,
        y,
        text,
        transform=canvas.axes.transAxes,
        fontsize=size,
        color=canvas.palette.muted if muted else canvas.palette.ink,
        ha="right",
        va="center" if "\n" in text else "center_baseline",  # one line with the other column
        linespacing=1.05,
        parse_math=False,
    )


def _draw_host(canvas, name, first, last):
    """Draw a bracket beside the lanes of one host, its name along it, and a line between hosts."""
    layout, axes = canvas.layout, canvas.axes
    x = (2 * style.SIDE - layout.left) / layout.width
    line = {"color": canvas.palette.muted, "clip_on": False}
    ends, across = [first + 0.08, last + 0.92], axes.get_yaxis_transform()
    axes.plot([x, x], ends, transform=across, linewidth=2, gid="host", **line)
    if first:
        axes.plot([x, 1], [first, first], transform=across, linewidth=0.8, **line)
    axes.text(
        x - 0.6 * style.SIDE / layout.width,
        (first + last + 1) / 2,
        canvas.cut(name, (last + 1 - first) * layout.lane_height),
        transform=across,
        fontsize=style.SMALL_FONT,
        color=canvas.palette.ink,
        rotation=90,
        ha="center",
        va="center",
        parse_math=False,
    )


# Below the lanes


def draw_time_axis(canvas: Canvas, zero: str) -> None:
    """Draw ticks and grid, and write what is counted: seconds since `zero`."""
    axes, palette = canvas.axes, canvas.palette
    axes.tick_params(
        axis="x", labelsize=style.SMALL_FONT, labelcolor=palette.ink, color=palette.muted
    )
    axes.yaxis.set_visible(False)
    axes.xaxis.get_major_formatter().set_useOffset(False)
    axes.grid(axis="x", color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(palette.muted)
    axes.set_xlabel(f"seconds since {zero}", fontsize=style.SMALL_FONT, color=palette.muted)
    # Without a place of its own, matplotlib would lay out all ticks again to find room for it.
    axes.xaxis.set_label_coords(0.5, -style.AXIS_LABEL / canvas.layout.height)


SWATCH, GAP, LEAST_GAP = 34, 20, 8
"""The pixels of the legend that a sample takes, and between two entries: usually, and at least."""


def draw_legend(canvas: Canvas, names: dict[str, str]) -> None:
    """Write what the kinds on this chart mean; `names` replaces the usual.

    There is room for two lines, and for three if they are closer.
    """
    entries = LEGEND | names
    shown = [kind for kind in LEGEND if kind in canvas.shown]
    widths = [SWATCH + canvas.text_width(entries[kind]) for kind in shown]
    places = _legend_places(widths, GAP)
    lines, step = 2, style.LEGEND_ROW
    if places and places[-1][1] > 1:
        places, lines, step = _legend_places(widths, LEAST_GAP), 3, style.LINE_OF_TEXT
    for kind, (x, row) in zip(shown, places, strict=True):
        y = style.BOTTOM + (lines - 0.5 - row) * step
        _draw_swatch(canvas, kind, x, y)
        canvas.text_at(x + SWATCH, y, entries[kind], gid="legend")


def _legend_places(widths, gap):
    """Return where entries of these widths stand, so far apart: pixels from the left, and line."""
    places, x, row = [], style.SIDE, 0
    for width in widths:
        if x + width > style.WIDTH - style.SIDE:
            x, row = style.SIDE, row + 1
        places.append((x, row))
        x += width + gap
    return places


def _draw_swatch(canvas, kind, x, y):
    """Draw a small sample of a kind, as it is drawn on the chart."""
    if kind in GLYPHS:
        canvas.text_at(x + 4, y, GLYPHS[kind], fontsize=style.TITLE_FONT)
        return
    tall = canvas.layout.figure_height
    kind_style = canvas.palette.kinds[kind]
    flat = canvas.shown[kind]
    fill = (kind_style.flat or kind_style.fill) if flat else kind_style.fill
    sample = Rectangle(
        (x / style.WIDTH, (y - 7) / tall),
        28 / style.WIDTH,
        14 / tall,
        facecolor="none" if kind == "ghost" and not flat else fill,
        edgecolor=kind_style.edge,
        hatch=None if flat else kind_style.hatch or None,
        linestyle=(0, (3, 1.5)) if kind_style.dashed else "solid",
        linewidth=1.2,
        gid=f"swatch {kind}",
    )
    canvas.figure.add_artist(sample)
