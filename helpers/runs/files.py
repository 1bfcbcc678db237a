"""What the panel's Save button writes: all tasks as a table, two pictures, and a trace.

No file is ever overwritten: it may be somebody's homework.
"""

import csv
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from helpers.gantt import gantt
from helpers.runs.comparison import comparison
from helpers.runs.runner import Result
from helpers.runs.table import number_names
from helpers.runs.trace import to_trace
from helpers.timeline import Task, Timeline

ENDINGS = (".csv", "_newest.png", "_comparison.png", ".json")
"""What the names of the saved files end with, in the order in which `save_runs` writes them."""


FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Signs that begin a formula in a spreadsheet; the last four are their wide forms."""

CONTROLS = ("\t", "\r", "\n")
"""Characters that some spreadsheets skip before they look for such a sign."""


def save_runs(
    results: Sequence[Result],
    cores: int,
    *,
    predicted: Timeline | None = None,
    dark: bool = False,
) -> list[Path]:
    """Save all runs in the current folder, under the first number that is free.

    `runs_1.csv` has every task of every run, `runs_1_newest.png` the newest run's chart,
    `runs_1_comparison.png` the comparison of all runs, and `runs_1.json` the newest run as a trace.

    Args:
        results: the runs, the newest last.
        cores: how many cores this seat has.
        predicted: the schedule to draw beside the newest run.
        dark: whether the pictures have the colours for a dark notebook.

    Returns:
        The paths of the files.

    Raises:
        OSError: if they cannot be written here.
        ValueError: if there is no run to save.
    """
    if not results:
        raise ValueError("there is no run to save yet: press Run first")
    tasks, newest, compared, trace = paths = _free_paths()
    to_csv(results, tasks)
    to_png(gantt(results[-1].timeline, predicted, dark=dark), newest)
    to_png(comparison(results, cores, dark=dark), compared)
    to_trace(results[-1].timeline, trace)
    return paths


def _free_paths():
    """Return the paths of files that do not exist yet."""
    for number in itertools.count(1):
        paths = [Path(f"runs_{number}{ending}") for ending in ENDINGS]
        if not any(path.exists() for path in paths):
            return paths


def to_csv(results: Sequence[Result], path: str | Path) -> None:
    """Write every task of every run: one row a task, times in seconds, empty where not known.

    After the run's number and its start method there is a column for each slider. The last column
    says how long the task waited for others. A text is as it
    was recorded, unless a spreadsheet would take it for a formula: then an apostrophe comes first.

    Raises:
        FileExistsError: if there is such a file already.
    """
    names = number_names(results)
    with open(path, "x", encoding="utf-8", newline="") as file:  # csv ends the lines itself
        writer = csv.writer(file)
        writer.writerow(map(_cell, ["run", "method", *names, *Task._fields, "waited"]))
        for run, result in enumerate(results, start=1):
            setting = result.setting
            settings = [run, setting.method, *(setting.numbers.get(name, "") for name in names)]
            waited = result.timeline.waited().tolist()
            for task, seconds in zip(result.timeline.tasks, waited, strict=True):
                writer.writerow(map(_cell, [*settings, *task, seconds]))


def _cell(value):
    """Return a value as it stands in the file: times to the microsecond, nothing for nan."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return harmless(value)


def harmless(value: object) -> object:
    """Return a value so that no spreadsheet takes it for a formula.

    What comes from elsewhere, such as the name of a function, may be a formula that harms whoever
    opens the file. Source: OWASP, "CSV Injection".
    """
    if isinstance(value, str) and (value.lstrip().startswith(FORMULA) or value[:1] in CONTROLS):
        return "'" + value
    return value


def to_png(chart, path: str | Path) -> None:
    """Write a chart as a picture.

    Raises:
        FileExistsError: if there is such a file already.
    """
    with open(path, "xb") as file:
        file.write(chart.png)
