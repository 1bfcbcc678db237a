"""The table of all runs: their numbers as text and as HTML, for those who cannot see the chart."""

import html
import math
from collections.abc import Sequence

from helpers.chart import words
from helpers.chart.scene import Scene
from helpers.runs.comparison import speed_up_of_each
from helpers.runs.runner import Result

CAPTION = (
    "All runs. Start-up: until the first task started. Total: from the first call to the last "
    "result. Speed-up: the total with one worker, started the same way, over the total of the run."
)
MEASURES = ("tasks", "makespan", "total", "start-up", "utilisation", "speed-up")
"""The names of the columns that `_measured` fills."""


def table(results: Sequence[Result]) -> str:
    """Return the numbers of all runs as text, one line a run. A cell without a number is empty."""
    rows = _rows(results)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def table_html(results: Sequence[Result]) -> str:
    """Return the same as an HTML table that a screen reader can walk through."""
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


def number_names(results: Sequence[Result]) -> list[str]:
    """Return the names of all numbers that any run has, in the order of their first run."""
    return list(dict.fromkeys(name for result in results for name in result.setting.numbers))


def _rows(results):
    """Return the table's head and its rows; all cells are texts."""
    names = number_names(results)
    rows = [("run", "start method", *names, *MEASURES, "trouble")]
    pairs = zip(results, speed_up_of_each(results), strict=True)
    for run, (result, speed_up) in enumerate(pairs, start=1):
        numbers = [str(result.setting.numbers.get(name, "")) for name in names]
        measured = _measured(result.timeline, speed_up)
        rows.append((str(run), result.setting.method, *numbers, *measured, result.trouble))
    return rows


def _measured(timeline, speed_up):
    """Return what was measured of one run, as texts; one is empty where nothing was measured."""
    scene = Scene(timeline)
    shares = scene.shares_tasks
    start_up = scene.first_start if len(timeline.tasks) else math.nan
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
