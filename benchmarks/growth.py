"""Plot how costs grow with the number of tasks: python -m benchmarks.growth [docs/growth.png]

From 10 tasks to 1,000,000: recording them, reading the logs, predicting and drawing, in seconds of
processor time. Both axes are logarithmic, so a cost in step with the number is a line at 45°, and
one that does not depend on it is level.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.logs import made_up_logs
from benchmarks.measure import cpu
from benchmarks.timelines import SECONDS, snapshot
from helpers.chart.style import DPI, LIGHT, SMALL_FONT, TITLE_FONT, WIDTH
from helpers.gantt import gantt
from helpers.logs.reader import read_timeline
from helpers.schedule import predict

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
PICTURE = Path(__file__).parent.parent / "docs" / "growth.png"
MARKERS = {"chart": "o", "read": "s", "record": "^", "predict": "v"}
NAMES = {
    "chart": "draw the chart",
    "read": "read the logs into a timeline",
    "record": "record, in all processes together",
    "predict": "predict for 1,024 workers",
}


def costs(tasks: int) -> dict[str, float]:
    """Return the seconds of processor time that each step takes with so many tasks."""
    timeline = snapshot(tasks, 2 * SECONDS)
    rng = random.Random(tasks)
    durations = [rng.random() for _ in range(tasks)]
    found = {
        "chart": least(lambda: gantt(timeline).png, tasks),
        "predict": least(lambda: predict(durations, 1024), tasks),
    }
    with made_up_logs(0) as logs:
        found["record"] = cpu(logs.add, tasks)
        found["read"] = least(lambda: read_timeline(logs.folder), tasks)
    return found


def least(work: Callable[[], object], tasks: int) -> float:
    """Return the least of several tries: other work on the machine can only add to it."""
    work()
    return min(cpu(work) for _ in range(3 if tasks > 10_000 else 15))


def picture(found: dict[int, dict[str, float]]) -> Figure:
    """Draw the plot: a line for each step, with its name beside its end."""
    figure = Figure((WIDTH / DPI, 5.2), dpi=DPI, facecolor=LIGHT.card, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", facecolor=LIGHT.card)
    colours = ("#005A8C", "#B34A00", "#00664B", "#8C2F69")
    for (kind, marker), colour in zip(MARKERS.items(), colours, strict=True):
        values = [found[tasks][kind] for tasks in found]
        style = {"color": colour, "marker": marker, "markersize": 8, "linewidth": 2}
        axes.plot(list(found), values, label=NAMES[kind], **style)
    axes.set_title("What a run of so many tasks costs", fontsize=TITLE_FONT, loc="left")
    axes.set_xlabel("tasks", fontsize=SMALL_FONT)
    axes.set_ylabel("seconds of processor time", fontsize=SMALL_FONT)
    axes.set_xticks(SIZES, [f"{tasks:,}" for tasks in SIZES])
    axes.tick_params(labelsize=SMALL_FONT)
    axes.grid(color=LIGHT.grid)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=SMALL_FONT, frameon=False, loc="upper left")
    return figure


def main(arguments: list[str]) -> int:
    """Measure, print a table, and write the picture."""
    path = Path(arguments[0]) if arguments else PICTURE
    print(f"{'tasks':>9} " + " ".join(f"{kind:>10}" for kind in MARKERS))
    found = {}
    for tasks in SIZES:
        found[tasks] = costs(tasks)
        print(f"{tasks:>9,} " + " ".join(f"{found[tasks][kind]:>8.5f} s" for kind in MARKERS))
    figure = picture(found)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
