"""The chart that a class should see: a lesson's first chart, measured on few cores or predicted."""

import contextlib
import os
from collections.abc import Iterator

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from helpers import facts
from helpers.chart import words
from helpers.gantt import gantt
from helpers.machine import usable_cores
from helpers.schedule import predict
from helpers.timeline import Timeline
from tools.notebooks import NOTEBOOKS, is_question

SECONDS_PER_CELL = 120
MANY = 8
"""As many cores as a common laptop has. Where this machine has fewer, that chart is predicted."""

MOSTLY_WAITING = 0.1
"""Tasks that are on a core for a smaller share of their time sleep or wait, rather than compute."""

PREDICT_HERE = f"from teaching.expected import show_predicted\nshow_predicted(mp, {MANY})"


def charts_of(lesson: str) -> Iterator[tuple[str, str]]:
    """Run a lesson up to its first chart, on 1, 2 and 8 cores; yield a label and a chart each.

    Args:
        lesson: the lesson's number with two digits, such as '03'.

    Yields:
        What was measured or predicted, as a sentence; and the chart as HTML, empty where there is
        none.
    """
    have = usable_cores().count
    if not hasattr(os, "sched_setaffinity"):
        yield f"Measured on this machine, with {words.count(have, 'core')}.", charts_here(lesson)[0]
        return
    predicted = ""
    for cores in (1, 2, MANY):
        if cores <= have:
            with only(cores):
                measured, predicted = charts_here(lesson)
            yield f"Measured on this machine, kept to {words.count(cores, 'core')}.", measured
    if have < MANY and predicted:
        yield f"PREDICTED for {MANY} cores, from what was measured on fewer.", predicted


@contextlib.contextmanager
def only(cores: int) -> Iterator[None]:
    """Keep this process and its children to some cores meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def charts_here(lesson: str) -> tuple[str, str]:
    """Run a lesson up to its first chart after a question.

    Args:
        lesson: the lesson's number.

    Returns:
        That chart, and the one predicted for many cores, as HTML; empty where there is none.
    """
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    part = until_first_chart(nbformat.read(path, as_version=4))
    part.cells.append(nbformat.v4.new_code_cell(PREDICT_HERE))
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    client = NotebookClient(
        part, kernel_name="python3", timeout=SECONDS_PER_CELL, resources=resources
    )
    with contextlib.suppress(CellExecutionError):  # the last cell, in a lesson without an `mp`
        client.execute()
    return last_chart(part.cells[-2]), last_chart(part.cells[-1])


def last_chart(cell: NotebookNode) -> str:
    """Return the last chart that a cell has shown, as HTML; empty if it has shown none."""
    charts = [output.data["text/html"] for output in cell.outputs if has_chart(output)]
    return charts[-1] if charts else ""


def until_first_chart(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook's code up to the first cell after a question that has stored a chart."""
    part = nbformat.v4.new_notebook(metadata=notebook.metadata)
    asked = False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            part.cells.append(nbformat.v4.new_code_cell(cell.source, metadata=cell.metadata))
            if asked and any(map(has_chart, cell.outputs)):
                return part
            asked = asked or is_question(cell)
    return part


def has_chart(output: NotebookNode) -> bool:
    """Tell whether an output is a chart."""
    return 'class="chart"' in output.get("data", {}).get("text/html", "")


def show_predicted(mp, cores: int) -> None:
    """Display what the tasks of a context would look like with a core for each worker.

    Args:
        mp: an observed context.
        cores: how many cores there would be.
    """
    from IPython.display import display

    timeline = mp.timeline()
    if len(timeline.tasks) > 1 and timeline.workers > 1:
        workers = min(timeline.workers, cores)
        chunk = facts.most_tasks_in_a_message(timeline)
        display(gantt(predict(seconds_alone(timeline), workers, max(1, chunk))))


def seconds_alone(timeline: Timeline) -> list[float]:
    """Return how long each task would take with a core of its own, in the order of submission.

    A task that computes needs the time that it was on a core; one that mostly sleeps, all its time.
    """
    tasks = timeline.tasks
    lasted, share = timeline.ends - tasks.started, np.nan_to_num(tasks.on_core)
    alone = np.where(share < MOSTLY_WAITING, lasted, lasted * share)
    return alone[np.argsort(tasks.submitted, kind="stable")].tolist()
