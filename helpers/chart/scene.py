"""What a chart shows, worked out once and handed to all that draw it or say it in words."""

import math
from functools import cached_property

import numpy as np

from helpers.chart.lanes import Lane, lanes_of, with_workers
from helpers.timeline import OUTCOMES, POOL_ROLES, RUNNING, Timeline, Wait


class Scene:
    """A timeline, perhaps with a prediction beside it, and what a chart needs to know of both.

    Each fact is worked out when the first part of a chart asks for it, and kept for the others.

    Args:
        timeline: what happened.
        predicted: the schedule to compare it with, if any.
    """

    def __init__(self, timeline: Timeline, predicted: Timeline | None = None):
        self.timeline = timeline
        self.predicted = predicted

    @cached_property
    def own_lanes(self) -> list[Lane]:
        """The lanes of the timeline alone, from top to bottom."""
        return lanes_of(self.timeline)

    @cached_property
    def lanes(self) -> list[Lane]:
        """The lanes of the chart: those of the timeline, and those that were only predicted."""
        if self.predicted is None or not self.predicted.predicted:
            return self.own_lanes
        return with_workers(self.own_lanes, set(range(1, self.predicted.workers + 1)))

    @cached_property
    def shares_tasks(self) -> bool:
        """Whether workers share out tasks; if not, makespan and utilisation measure nothing.

        A process of its own has one task, its function, and nobody chose it for that task.
        """
        return len(self.timeline.tasks) > 0 and any(
            lane.role in POOL_ROLES for lane in self.own_lanes
        )

    @cached_property
    def outcomes(self) -> np.ndarray:
        """How many tasks have each outcome, by its code."""
        return np.bincount(self.timeline.tasks.outcome, minlength=len(OUTCOMES))

    @cached_property
    def on_core(self) -> float:
        """The share of the task time that was on a core, over the tasks where it is known."""
        tasks = self.timeline.tasks
        known = np.isfinite(tasks.on_core) & np.isfinite(tasks.finished)
        time = (tasks.finished - tasks.started)[known]
        on_core = (time * tasks.on_core[known]).sum()
        return float(on_core / time.sum()) if time.sum() > 0 else math.nan

    @cached_property
    def first_start(self) -> float:
        """When the first task started, in seconds; 0 if there is none."""
        tasks = self.timeline.tasks
        return float(tasks.started.min()) if len(tasks) else 0.0

    @cached_property
    def end(self) -> float:
        """Where the time axis ends, in seconds, if nothing else needs a longer one.

        A pool that is left open with nothing to do would stretch the axis to the moment of the
        snapshot and squeeze all that happened. So its idle time counts only while something runs.
        """
        timeline = self.timeline
        moments = [timeline.tasks.finished, timeline.tasks.started]
        moments += [np.array([(p.asked, p.born, p.ready, p.ended) for p in timeline.processes])]
        moments += [np.array([(m.put, m.got) for m in timeline.messages])]
        moments += [np.array([transfer.ended for transfer in timeline.transfers])]
        known = [float(np.nanmax(times)) for times in moments if np.isfinite(times).any()]
        if self._something_runs():
            known.append(timeline.now)
        return max(known, default=0.0)

    @cached_property
    def _ends(self):
        """When each process ended, by its pid, as far as that is known."""
        return {p.pid: p.ended for p in self.timeline.processes if math.isfinite(p.ended)}

    def end_of(self, wait: Wait) -> float:
        """Return when a wait was over; without an end, when its process or the scene ended."""
        return wait.ended if math.isfinite(wait.ended) else self._ends.get(wait.pid, self.end)

    def _something_runs(self):
        """Return whether a task, a process of its own or a start-up was still under way."""
        return bool(self.outcomes[RUNNING]) or any(
            math.isnan(p.ended)
            and (p.role == "process" or (p.role in POOL_ROLES and math.isnan(p.ready)))
            for p in self.timeline.processes
        )
