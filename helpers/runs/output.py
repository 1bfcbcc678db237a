"""The ordinary output of a panel's cell: the chart, and below it what compares all runs.

Unlike the controls, an ordinary output survives saving, exporting and the end of the kernel.
"""

import base64
import itertools
from collections.abc import Sequence

from IPython.display import display, update_display

from helpers import machine
from helpers.chart import words
from helpers.runs.comparison import charts_together, comparison
from helpers.runs.runner import Result
from helpers.runs.table import table_html

MOST_TOGETHER = 6
"""So many of the latest runs are shown as charts below one another."""

_numbers = itertools.count(1)


class Output:
    """The picture and the comparison of one panel. Both are shown once, and then updated."""

    def __init__(self):
        number = next(_numbers)
        self._chart_id = f"plain-sight-chart-{number}"
        self._comparison_id = f"plain-sight-comparison-{number}"

    def show(self, controls: dict, chart: str, compared: str, png: bytes = b"") -> None:
        """Show the controls; then a picture and what compares the runs, both as HTML.

        `png` is the picture for pages without HTML, such as PDF files.
        """
        display(controls, raw=True)
        display(_block(chart, png), raw=True, display_id=self._chart_id)
        display(_block(compared), raw=True, display_id=self._comparison_id)

    def update_chart(self, content: str, png: bytes = b"") -> None:
        """Put a picture, as HTML and perhaps as PNG, in place of the one that is shown."""
        update_display(_block(content, png), raw=True, display_id=self._chart_id)

    def update_comparison(self, content: str) -> None:
        """Put another comparison, as HTML, in place of the one that is shown."""
        update_display(_block(content), raw=True, display_id=self._comparison_id)


def _block(content, png=b""):
    """Return HTML as an output; its plain text is always the same, because nbval compares it."""
    block = {"text/html": content, "text/plain": "Chart"}
    return block | {"image/png": base64.b64encode(png).decode("ascii")} if png else block


def compared_html(results: Sequence[Result], *, dark: bool) -> str:
    """Return all runs beside each other, as HTML to be unfolded, also where there is no kernel."""
    if len(results) < 2:
        return "<small>After the next run, all runs are compared here.</small>"
    latest = results[-MOST_TOGETHER:]
    curve = comparison(results, machine.usable_cores().count, dark=dark)
    charts = "".join(chart._repr_html_() for chart in charts_together(latest, dark=dark))
    return (
        f"<details><summary>Compare {words.count(len(results), 'run')}</summary>"
        f"{curve._repr_html_()}{table_html(results)}</details>"
        f"<details><summary>The latest {len(latest)}, on one time axis</summary>"
        f"{charts}</details>"
    )
