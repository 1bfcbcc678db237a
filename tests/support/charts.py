"""Made-up timelines to draw, and what one can read off a finished chart."""

import math

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from helpers.schedule import predict
from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Message, Process, Tasks, Timeline

NAN = math.nan


FIVE = [0.93, 0.48, 1.28, 1.88, 2.37]


READY = 0.2


def worker(lane, asked=0.0, ready=READY, ended=NAN, **other):
    values = {
        "name": f"SpawnPoolWorker-{lane}",
        "pid": 4100 + lane,
        "ppid": 4000,
        "lane": lane,
        "role": "worker",
        "method": "spawn",
        "asked": asked,
        "born": ready - 0.02,
        "ready": ready,
        "ended": ended,
        "exitcode": None if math.isnan(ended) else 0,
    }
    return Process(**(values | other))


def process(lane, born, ended, **other):
    values = {"name": f"SpawnProcess-{lane}", "role": "process", "born": born, "ready": NAN}
    return worker(lane, ended=ended, **(values | other))


def tasks_of(calls, **columns):
    return Tasks.from_columns(calls, **columns)


def pool(workers, durations, call="long_time_task({})", **columns):
    """A timeline as a pool with no cost but start-up would leave it."""
    plan = predict(durations, workers).tasks
    columns = {
        "pid": 4100 + plan.lane,
        "lane": plan.lane,
        "started": plan.started + READY,
        "finished": plan.finished + READY,
    } | columns
    tasks = tasks_of([call.format(i) for i in range(len(plan))], **columns)
    end = float(np.nanmax(tasks.finished)) + 0.05
    processes = [worker(lane, ended=end) for lane in range(1, workers + 1)]
    return Timeline(tasks, processes, method="spawn", workers=workers, now=end + 100, parent=4000)


def running_pool(now=1.5):
    """The five tasks on four workers, in mid run."""
    timeline = pool(4, FIVE)
    tasks = timeline.tasks
    late = tasks.finished > now
    return Timeline(
        tasks_of(
            [tasks.call(i) for i in range(5)],
            pid=tasks.pid,
            lane=tasks.lane,
            started=tasks.started,
            finished=np.where(late, NAN, tasks.finished),
            outcome=np.where(late, RUNNING, RETURNED),
        ),
        [worker(lane) for lane in range(1, 5)],
        method="spawn",
        workers=4,
        now=now,
        parent=4000,
    )


def failing_pool():
    outcome = [RETURNED, RAISED, RETURNED, LOST, RETURNED]
    return pool(4, FIVE, outcome=outcome, errors={1: "ValueError: boom"})


def queue_lesson(values="ABC", receiver=502, parent_sends=False):
    """Writer and reader; the reader is terminated."""
    messages = [
        Message("q", 0.3 + 0.5 * i, 0.31 + 0.5 * i, 501, receiver, repr(value))
        for i, value in enumerate(values)
    ]
    if parent_sends:
        messages.append(Message("q", 1.6, 1.7, 4000, 502, "None"))
    tasks = tasks_of(
        ["write(<Queue>)", "read(<Queue>)"],
        pid=[501, 502],
        lane=[1, 2],
        started=[0.2, 0.21],
        finished=[1.9, 2.0],
        outcome=[RETURNED, LOST],
    )
    processes = [
        process(1, 0.19, 1.95, pid=501, exitcode=0),
        process(2, 0.2, 2.0, pid=502, exitcode=-15),
    ]
    return Timeline(
        tasks, processes, messages=messages, method="spawn", workers=2, now=9.0, parent=4000
    )


def shapes(chart, name):
    """The corners of all shapes of one kind, in seconds and rows."""
    found = [
        collection
        for collection in chart.figure.axes[0].collections
        if collection.get_gid() == name
    ]
    return [path.vertices for collection in found for path in collection.get_paths()]


def extents(chart, name):
    """Left, right, top and bottom of all shapes of one kind."""
    return [
        (v[:, 0].min(), v[:, 0].max(), v[:, 1].min(), v[:, 1].max()) for v in shapes(chart, name)
    ]


def texts(chart):
    """All texts that are really drawn."""
    chart.figure.canvas.draw()
    low, high = chart.figure.axes[0].get_xlim() if chart.figure.axes else (0, 1)
    ticks = {id(t) for axes in chart.figure.axes for t in axes.get_xticklabels()}
    return [
        t
        for t in chart.figure.findobj(Text)
        if t.get_visible()
        and t.get_text().strip()
        and (id(t) not in ticks or low <= t.get_position()[0] <= high)
    ]


def words_on(chart):
    return [text.get_text() for text in texts(chart)]


def labels(chart):
    return [t.get_text() for t in texts(chart) if t.get_gid() == "label"]


def legend(chart):
    return [t.get_text() for t in texts(chart) if t.get_gid() == "legend"]


def arrows(chart):
    found = [c for c in chart.figure.axes[0].collections if isinstance(c, LineCollection)]
    return [
        segment
        for collection in found
        if collection.get_gid() == "message"
        for segment in collection.get_segments()
    ]
