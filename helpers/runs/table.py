"""Earlier runs in numbers: a table for those who cannot see the chart, and files to keep."""

import csv
import html
import math
from collections.abc import Sequence
from pathlib import Path

from helpers.chart import words
from helpers.chart.spans import first_start
from helpers.gantt import gantt
from helpers.runs.comparison import Result, comparison, speed_up_of_each
from helpers.timeline import Timeline

CAPTION = (
    "All runs. Start-up: until the first task started. Total: from the first call to the last "
    "result. Speed-up: the total with one worker, started the same way, over the total of the run."
)


def table(results: Sequence[Result]) -> str:
    """The numbers of all runs as text, one line a run. Empty where nothing was measured."""
    rows = _rows(results)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def table_html(results: Sequence[Result]) -> str:
    """The same as an HTML table that a screen reader can walk through."""
    head, *rows = [[html.escape(cell) for cell in row] for row in _rows(results)]
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f"<table><caption>{html.escape(CAPTION)}</caption>"
        f"<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    )


def _rows(results):
    """The table's head and its rows, all of them texts."""
    names = _number_names(results)
    measures = ("tasks", "makespan", "total", "start-up", "utilisation", "speed-up", "trouble")
    rows = [("run", "start method", *names, *measures)]
    for run, (result, speed_up) in enumerate(
        zip(results, speed_up_of_each(results), strict=True), start=1
    ):
        numbers = [str(result.setting.numbers.get(name, "")) for name in names]
        known = _known(result.timeline, speed_up)
        rows.append((str(run), result.setting.method, *numbers, *known, result.trouble))
    return rows


def _known(timeline, speed_up):
    """What was measured of one run, in words; empty where there is nothing to measure."""
    shares = words.shares_tasks(timeline)
    start_up = first_start(timeline) if len(timeline.tasks) else math.nan
    return (
        f"{len(timeline.tasks):,}",
        _or_empty(timeline.makespan if shares else math.nan, words.seconds),
        _or_empty(timeline.total, words.seconds),
        _or_empty(start_up, words.seconds),
        _or_empty(timeline.utilisation if shares else math.nan, words.percent),
        _or_empty(speed_up, "{:.2f}".format),
    )


def _or_empty(number, in_words):
    return in_words(number) if math.isfinite(number) else ""


def _number_names(results):
    """The names of all numbers that any run has, in the order in which they first occur."""
    return list(dict.fromkeys(name for result in results for name in result.setting.numbers))


# Files


def to_csv(results: Sequence[Result], path: str | Path) -> None:
    """Save every task of every run: one row a task, times in seconds, empty where not known.

    After the run's number and its start method there is a column for each slider. All cells are
    as they were recorded: a call begins with a function's name, an outcome with a known word, so
    none begins with the sign that makes a spreadsheet calculate.

    Raises:
        FileExistsError: if there is such a file already. It is never overwritten.
        ValueError: if there is no run to save.
    """
    _check_some(results)
    path = Path(path)
    _check_free(path)
    names = _number_names(results)
    with path.open("x", encoding="utf-8", newline="") as file:  # csv ends the lines itself
        writer = csv.writer(file)
        writer.writerow(["run", "method", *names, *TASK_COLUMNS])
        for run, result in enumerate(results, start=1):
            setting = result.setting
            numbers = [setting.numbers.get(name, "") for name in names]
            for task in result.timeline.tasks:
                writer.writerow([run, setting.method, *numbers, *map(_cell, _columns(task))])


TASK_COLUMNS = (
    "call",
    "lane",
    "pid",
    "submitted",
    "started",
    "finished",
    "received",
    "on_core",
    "outcome",
)


def _columns(task):
    return (getattr(task, name) for name in TASK_COLUMNS)


def _cell(value):
    """A value as it stands in the file: times to the microsecond, nothing where nan."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return value


def to_png(
    results: Sequence[Result],
    cores: int,
    path: str | Path,
    *,
    predicted: Timeline | None = None,
    dark: bool = False,
) -> list[Path]:
    """Save the newest run's chart and the comparison as two pictures.

    Args:
        results: the runs, the newest last.
        cores: how many cores this seat has.
        path: `runs.png` gives `runs_newest.png` and `runs_comparison.png`.
        predicted: the schedule to draw beside the newest run.
        dark: colours for a dark notebook.

    Returns:
        The paths of both files.

    Raises:
        FileExistsError: if there is such a file already. Then neither is written.
        ValueError: if there is no run to save.
    """
    _check_some(results)
    path = Path(path)
    paths = [path.with_name(f"{path.stem}_{what}.png") for what in ("newest", "comparison")]
    for one in paths:
        _check_free(one)
    newest = gantt(results[-1].timeline, predicted, dark=dark)
    for one, chart in zip(paths, (newest, comparison(results, cores, dark=dark)), strict=True):
        with one.open("xb") as file:
            file.write(chart.png)
    return paths


def _check_some(results):
    if not results:
        raise ValueError("there is no run to save yet: press Run first")


def _check_free(path):
    if path.exists():
        raise FileExistsError(f"{path} exists already: give another name, or move that file away")
