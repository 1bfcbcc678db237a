"""Around the lanes stands who they are, and a legend of what is there and nothing else."""

import numpy as np

from helpers.chart.lanes import lanes_of
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import Timeline
from tests.support.charts import (
    FIVE,
    NAN,
    labels,
    legend,
    pool,
    queue_lesson,
    tasks_of,
    words_on,
    worker,
)


def test_lanes_are_workers_then_managers_and_the_parent_if_it_took_part():
    manager = worker(1, name="SyncManager-1", role="manager", pid=600, ready=NAN)
    timeline = queue_lesson(parent_sends=True)
    timeline.processes.insert(0, manager)
    names = [lane.name for lane in lanes_of(timeline)]
    assert names == ["parent", "SpawnProcess-1", "SpawnProcess-2", "manager"]
    assert set(names) <= set(words_on(gantt(timeline)))
    assert "parent" not in [lane.name for lane in lanes_of(queue_lesson())]


def test_lanes_of_a_prediction_that_nobody_used_are_there_too():
    assert gantt(pool(2, [1, 1]), predict([1, 1, 1], 3)).figure.axes[0].get_ylim() == (3, 0)


def test_the_legend_names_a_function_only_where_labels_are_its_arguments():
    timeline = pool(1, [0.02, 0.02, 0.4])
    timeline.tasks.calls = ["f(1)", "f(2)", "g(an argument too long for its bar)"]
    chart = gantt(timeline, alongside=[pool(1, [10.0])])
    assert labels(chart) == []
    assert legend(chart)[0] == "task"


def test_the_legend_names_what_is_there_and_nothing_else():
    assert legend(gantt(pool(4, FIVE))) == ["task long_time_task(…)", "start-up", "idle"]
    assert legend(gantt(predict(FIVE, 4))) == ["predicted task"]
    core = legend(gantt(pool(4, FIVE, on_core=np.full(5, 0.5)), predict(FIVE, 4)))
    assert core == [
        "task long_time_task(…), off the core",
        "on a core",
        "task, predicted",
        "start-up",
        "idle",
    ]


def on_hosts(*hosts):
    """A worker with one task on each of these hosts."""
    lanes = range(1, len(hosts) + 1)
    processes = [worker(lane, host=host) for lane, host in zip(lanes, hosts, strict=True)]
    tasks = tasks_of(
        [f"f({n})" for n in lanes],
        lane=list(lanes),
        pid=[process.pid for process in processes],
        started=[0.2 for _ in lanes],
        finished=[1.0 for _ in lanes],
    )
    return Timeline(tasks, processes, workers=len(hosts), now=1.0)


def brackets(chart):
    """The rows that the brackets beside the lanes reach over."""
    lines = chart.figure.axes[0].lines
    return [np.round(line.get_ydata()).tolist() for line in lines if line.get_gid() == "host"]


def test_lanes_on_one_host_are_a_group_with_its_name() -> None:
    chart = gantt(on_hosts("north", "north", "south"))
    assert brackets(chart) == [[0, 2], [2, 3]]
    texts = [text.get_text() for text in chart.figure.axes[0].texts]
    assert {"north", "south"} <= set(texts)
    assert "3 workers on 2 hosts" in chart.alt
    assert "Worker 3 on south (pid 4103)" in chart.alt


def test_the_name_of_a_host_is_cut_to_its_lanes() -> None:
    texts = [text.get_text() for text in gantt(on_hosts("n" * 60)).figure.axes[0].texts]
    assert any(text.startswith("n") and text.endswith("…") and len(text) < 10 for text in texts)


def test_on_one_machine_nothing_is_said_of_hosts() -> None:
    chart = gantt(on_hosts("", ""))
    assert brackets(chart) == []
    assert "host" not in chart.alt
