"""What stands beside the lanes: their names and their pids, short enough for their columns."""

from helpers.chart.lanes import Lane
from helpers.chart.letters import shortened
from helpers.chart.words import plural

LONGEST_NAME = 24
"""Letters of a lane's name: a longer one would take the picture's room."""


def short_name(lane: Lane) -> str:
    """Return a lane's name, cut if it is too long."""
    return shortened(lane.name, LONGEST_NAME)


def group_name(lanes: list[Lane]) -> str:
    """Return what stands for the lanes of one row, such as `workers 1–10`."""
    first, last = lanes[0], lanes[-1]
    if first is last or first.role != last.role:
        return short_name(first) + ("" if first is last else " …")
    return f"{plural(first.role)} {first.number}–{last.number}"


def pids_of(lane: Lane, stacked: bool = True) -> str:
    """Return a lane's pid; if it has several, the first and the last, or their number."""
    pids = [pid for pid in lane.pids if pid]
    if len(pids) < 2:
        return "".join(map(str, pids))
    if not stacked:
        return f"{len(pids)} pids"
    return f"{pids[0]}\n{pids[-1]}" if len(pids) == 2 else f"{pids[0]}\n… {pids[-1]}"
