"""Measure what pictures cost: the frames of the live chart, the finished chart, the prediction."""

import io
import random
from functools import partial
from heapq import heapreplace

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.measure import cpu, figure, ratios
from benchmarks.timelines import SECONDS, WORKERS, snapshot
from helpers.chart.live import LiveChart
from helpers.chart.png import SOON, png_of
from helpers.chart.style import DPI, WIDTH
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import Timeline

FRAMES = 40


def growing(bars: int) -> list[Timeline]:
    """Return snapshots of the last quarter of a run of that many tasks."""
    return [snapshot(bars, now) for now in np.linspace(0.75 * SECONDS, SECONDS, FRAMES + 1)]


def frame_costs(bars: int) -> list[float]:
    """Return the milliseconds of each frame but the first, which draws the empty chart."""
    live, (first, *others) = LiveChart(WORKERS, SECONDS), growing(bars)
    live.frame(first)
    return [1000 * cpu(live.frame, timeline) for timeline in others]


@figure("a frame of the live chart with 20 bars", "ms CPU")
def frame_20():
    return frame_costs(20)


@figure("a frame of the live chart with 200 bars", "ms CPU")
def frame_200():
    return frame_costs(200)


@figure(
    "a frame of the live chart with 2,000 bars",
    "ms CPU",
    bar=20,
    floor="not known: a bare blit of as many bars takes longer (frame_2000_vs_blit); within an hour"
    " the same code took 10 ms when the machine was quick and 17 when it was slow",
)
def frame_2000():
    return frame_costs(2000)


class Blit:
    """The least that a frame can be: a background, one collection of rectangles, a PNG."""

    def __init__(self, height: int):
        self.figure = Figure((WIDTH / DPI, height / DPI), dpi=DPI)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_subplot(xlim=(0, SECONDS), ylim=(WORKERS + 1, 0))
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def frame(self, timeline: Timeline) -> bytes:
        tasks, ends = timeline.tasks, timeline.ends
        x = np.stack([tasks.started, tasks.started, ends, ends], axis=1)
        y = tasks.lane[:, None] + np.array([0.1, 0.9, 0.9, 0.1])
        self.canvas.restore_region(self.background)
        bars = PolyCollection(np.stack([x, y], axis=2), facecolor="tab:blue")
        self.axes.add_collection(bars, autolim=False)
        self.axes.draw_artist(bars)
        bars.remove()
        return png_of(self.canvas, SOON)


def frame_over_blit(bars: int) -> list[float]:
    live, (first, *others) = LiveChart(WORKERS, SECONDS), growing(bars)
    blit = Blit(Image.open(io.BytesIO(live.frame(first))).height)
    blit.frame(first)
    return [cpu(live.frame, timeline) / cpu(blit.frame, timeline) for timeline in others]


@figure("frame_20 over a bare Agg blit of as many rectangles", "ratio")
def frame_20_vs_blit():
    return frame_over_blit(20)


@figure("frame_200 over a bare Agg blit of as many rectangles", "ratio")
def frame_200_vs_blit():
    return frame_over_blit(200)


@figure("frame_2000 over a bare Agg blit of as many rectangles", "ratio", bar=2)
def frame_2000_vs_blit():
    return frame_over_blit(2000)


def drawn(durations: list[float], workers: int) -> list[float]:
    """Return the milliseconds of processor time until a prediction is ready for the page."""
    return [
        1000 * cpu(lambda: gantt(predict(durations, workers)).html_for_now()) for _ in range(15)
    ]


@figure("prediction of 5 tasks on 7 workers to HTML, without the browser's part", "ms CPU", bar=150)
def predict_redraw():
    return drawn([0.93, 0.48, 1.28, 1.88, 2.37], 7)


@figure("prediction of 5,000 tasks on 1,000 workers to HTML", "ms CPU", bar=150)
def predict_redraw_1000():
    return drawn([random.Random(n).random() * 3 for n in range(5000)], 1000)


def empty_figure(chart: Figure) -> bytes:
    """Draw a figure of the same size with axes and ticks, and nothing in it."""
    bare, buffer = Figure(chart.get_size_inches(), dpi=DPI), io.BytesIO()
    bare.add_subplot()
    bare.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def gantt_over_empty(bars: int) -> list[float]:
    timeline = snapshot(bars, 2 * SECONDS)
    chart = gantt(timeline).figure
    return ratios(lambda: cpu(lambda: gantt(timeline).png), partial(cpu, empty_figure, chart), 9)


@figure("a chart of 10 tasks to PNG over an empty figure to PNG", "ratio", bar=3)
def gantt_10():
    return gantt_over_empty(10)


@figure("a chart of 10,000 tasks to PNG over an empty figure to PNG", "ratio", bar=4)
def gantt_10k():
    return gantt_over_empty(10_000)


@figure("a chart of 1,000,000 tasks to PNG over an empty figure to PNG", "ratio", bar=8)
def gantt_1m():
    return gantt_over_empty(1_000_000)


def bar_by_bar(timeline: Timeline) -> bytes:
    """Draw the chart as one would write it first: with a call of `barh` for each task."""
    plain, buffer = Figure((WIDTH / DPI, 4), dpi=DPI), io.BytesIO()
    axes = plain.add_subplot()
    for task in timeline.tasks:
        axes.barh(task.lane, task.finished - task.started, left=task.started)
    plain.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


@figure("10,000 tasks drawn bar by bar with barh, over our chart", "ratio", bar=40, at_least=True)
def gantt_vs_barh_10k():
    timeline = snapshot(10_000, 2 * SECONDS)
    gantt(timeline)  # the first chart of all loads the fonts
    return [cpu(bar_by_bar, timeline) / cpu(lambda: gantt(timeline).png) for _ in range(3)]


def bare_loop(durations: list[float], workers: int) -> None:
    free = [0.0] * workers
    for duration in durations:
        heapreplace(free, free[0] + duration)


@figure(
    "predict 1,000,000 tasks on 1,024 workers over a bare heapreplace loop",
    "ratio",
    bar=5,
)
def predict_1m():
    numbers = random.Random(1)
    durations = [numbers.random() for _ in range(1_000_000)]
    return ratios(lambda: cpu(predict, durations, 1024), lambda: cpu(bare_loop, durations, 1024), 5)
