"""Whose memory it is after a fork: measured by the system, and a picture of it.

A fork copies no memory at first. Parent and child share every page, and the system copies a page at
the moment when one of them writes on it (copy-on-write). `fork_and_change` runs a program that
forks and writes; `memory_chart` draws what it measured.
"""

from pathlib import Path
from typing import NamedTuple

from helpers.chart import style
from helpers.chart.picture import Chart
from helpers.chart.settings import own_settings
from helpers.chart.sheet import Sheet
from helpers.forking import CAN_FORK
from helpers.script import run_script

MB = 1_048_576
COPY_ON_WRITE = Path(__file__).parent / "programs" / "copy_on_write.py"
"""A script that forks with 64 MB of data, of which its child changes half."""

ROW, BAR, NAMES = 40, 24, 310
"""Pixels: a row, the bar in it, and the room for the names at the left."""


class Held(NamedTuple):
    """One measurement: who, when, and the bytes that this process alone holds."""

    who: str
    moment: str
    private: int


RECORDED = [
    Held("parent", "alone", 72 * MB),
    Held("child", "after the fork", 1 * MB),
    Held("parent", "after the fork", 1 * MB),
    Held("child", "after the child's change", 33 * MB),
    Held("parent", "after the child's change", 33 * MB),
]
"""What was measured on Linux with Python 3.11, for systems that have no fork."""


def fork_and_change() -> list[Held]:
    """Run the script and return what parent and child measured, in the order of the moments.

    The bytes are what psutil calls the unique set size: the pages that would be free if this
    process ended. Where there is no `os.fork`, nothing runs and `RECORDED` is returned.

    Raises:
        RuntimeError: if the script failed, with its last line.
    """
    if not CAN_FORK:
        return RECORDED
    run = run_script(COPY_ON_WRITE.read_text(encoding="utf-8"))
    if run.exitcode != 0:
        raise RuntimeError(f"the script failed: {run.stderr.strip().splitlines()[-1]}")
    rows = [line.split(",") for line in run.stdout.splitlines() if line.count(",") == 2]
    return [Held(who, moment, int(private)) for who, moment, private in rows]


@own_settings()
def memory_chart(measured: list[Held], *, dark: bool = False) -> Chart:
    """Return a chart with a bar for each measurement: what a process holds alone, in MB.

    Args:
        measured: what `fork_and_change` returned.
        dark: colours for a dark notebook.
    """
    sheet = Sheet(style.DARK if dark else style.LIGHT)
    head = style.TOP + style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT
    sheet.set_height(head + len(measured) * ROW + style.AXIS_HEIGHT + style.BOTTOM)
    title = "Memory that a process holds alone"
    recorded = ["RECORDED on Linux, not run here"] if measured is RECORDED else []
    sheet.headings(title, [*recorded, "the rest of its memory is shared with the other one"])
    width = style.WIDTH - NAMES - 2 * style.SIDE
    axes = sheet.axes_at(NAMES, head, width, len(measured) * ROW)
    for row, held in enumerate(measured):
        _draw_bar(axes, sheet.palette, row, held)
    axes.set(xlim=(0, 1.15 * max(held.private for held in measured) / MB))
    axes.set(ylim=(len(measured) - 0.5, -0.5), yticks=range(len(measured)))
    axes.set_yticklabels([f"{held.who}, {held.moment}" for held in measured])
    axes.set_xlabel("MB", fontsize=style.SMALL_FONT, color=sheet.palette.muted)
    axes.tick_params(labelsize=style.SMALL_FONT, labelcolor=sheet.palette.ink, length=0)
    axes.spines[:].set_visible(False)
    told = "; ".join(f"{who}, {moment}: {private / MB:.0f} MB" for who, moment, private in measured)
    return Chart(sheet.figure, f"{title}. {' '.join(recorded)} {told}.".replace("  ", " "), [])


def _draw_bar(axes, palette, row, held):
    """Draw one measurement, with its number behind the bar."""
    colours = palette.kinds["process" if held.who == "child" else "task"]
    size = held.private / MB
    axes.barh(row, size, BAR / ROW, color=colours.fill, edgecolor=colours.edge)
    place = {"va": "center_baseline", "color": palette.ink, "fontsize": style.SMALL_FONT}
    axes.text(size, row, f"  {size:.0f} MB", **place)
