"""Constructed runs, as a panel keeps them, for tests that compare runs."""

from typing import NamedTuple

from helpers.schedule import predict
from helpers.timeline import Process, Tasks, Timeline

FIVE = [0.93, 0.48, 1.28, 1.88, 2.37]
METHODS = ("spawn", "fork", "forkserver")


class Setting(NamedTuple):
    method: str
    numbers: dict


class Result(NamedTuple):
    setting: Setting
    timeline: Timeline
    trouble: str = ""


def run(workers, method="spawn", *, start_up=0.2, stretch=1.0, durations=FIVE, trouble="", **more):
    """Return a pool's run: tasks start `start_up` seconds late and take `stretch` times as long."""
    plan = predict([stretch * duration for duration in durations], workers).tasks
    columns = {name: more.pop(name) for name in ("outcome", "errors", "on_core") if name in more}
    tasks = Tasks.from_columns(
        more.pop("calls", [f"f({i})" for i in range(len(plan))]),
        pid=4100 + plan.lane,
        lane=plan.lane,
        started=plan.started + start_up,
        finished=plan.finished + start_up,
        received=plan.finished + start_up,
        **columns,
    )
    processes = [_process(lane, "worker", method, start_up) for lane in range(1, workers + 1)]
    timeline = Timeline(tasks, processes, method=method, workers=workers, now=99.0, parent=4000)
    return Result(Setting(method, {"workers": workers} | more), timeline, trouble)


def readers(number, writers=1, method="spawn", trouble=""):
    """Return a run of processes that share out no tasks."""
    total = number + writers
    lanes = range(1, total + 1)
    tasks = Tasks.from_columns(
        ["read(q)"] * total,
        pid=[4100 + lane for lane in lanes],
        lane=lanes,
        started=[0.2] * total,
        finished=[2 + 1 / number] * total,
    )
    processes = [_process(lane, "process", method, 0.2) for lane in lanes]
    timeline = Timeline(tasks, processes, method=method, workers=total, now=99.0, parent=4000)
    return Result(Setting(method, {"readers": number, "writers": writers}), timeline, trouble)


def nothing(workers=4, trouble="stopped"):
    """Return a run that was stopped before anything happened."""
    return Result(Setting("spawn", {"workers": workers}), Timeline(Tasks.from_columns([])), trouble)


def _process(lane, role, method, ready):
    times = {"asked": 0.0, "born": ready, "ready": ready, "ended": 8.0}
    return Process(f"P-{lane}", 4100 + lane, 4000, lane, role, method, **times, exitcode=0)


def forty(methods=METHODS):
    """Return forty runs, a little different from each other, with 1 to 16 workers."""
    return [
        run(
            1 + i * 7 % 16,
            methods[i % len(methods)],
            start_up=0.1 + i * 31 % 17 / 50,
            stretch=1 + i * 13 % 11 / 100,
        )
        for i in range(40)
    ]
