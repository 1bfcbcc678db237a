"""What tests ask of the tasks in a timeline."""

import math

from helpers.timeline import Timeline


def calls(timeline: Timeline) -> list[str]:
    return sorted(task.call for task in timeline.tasks)


def expected(*numbers: int) -> list[str]:
    return sorted(f"double({n})" for n in numbers)


def assert_in_order(timeline: Timeline) -> None:
    """Every task lies within its process, and every moment behind the one before it."""
    processes = {process.pid: process for process in timeline.processes}
    for task in timeline.tasks:
        process = processes[task.pid]
        assert task.lane == process.lane
        moments = [
            process.asked, process.born, process.ready, task.submitted, task.started,
            task.finished, task.received,
        ]  # fmt: skip
        inside = [process.born, process.ready, task.started, task.finished, process.ended]
        for row in (moments[:3], moments[3:], inside):
            known = [moment for moment in row if not math.isnan(moment)]
            assert known == sorted(known)
        assert task.started >= 0
        assert math.isnan(task.on_core) or 0 <= task.on_core <= 1
