"""What a panel shows: its controls, the chart, and below it what compares all runs.

Chart and comparison are shown by widgets, as the controls are: then all of them tell of the same
run wherever the panel is shown, also on a page that was loaded again or opened a second time. But
widgets are gone with the kernel. So both are ordinary outputs, too: these survive saving and
exporting. Where the widgets are shown, they hide the ordinary outputs.
"""

import base64
import itertools
from collections.abc import Iterator, Sequence

import ipywidgets as widgets
from IPython.display import display, update_display

from helpers import machine
from helpers.chart import words
from helpers.runs.comparison import charts_together, compared, comparison
from helpers.runs.runner import Result
from helpers.runs.table import table_html

MOST_TOGETHER = 6
"""So many of the latest runs are shown as charts below one another."""

WITHOUT_KERNEL = "Run this cell to get its sliders."
"""What stands in place of the widgets in a saved notebook."""

STYLES = """<style>
.jp-OutputArea-child:has(> * > .panel-widgets) + .jp-OutputArea-child:has(.chart),
.jp-OutputArea-child:has(> * > .panel-widgets) + .jp-OutputArea-child:has(.chart)
    + .jp-OutputArea-child { display: none; }
.panel-widgets > .widget-html > .widget-html-content { line-height: normal; }
.panel-widgets > .widget-vbox { position: sticky; top: 0; z-index: 2;
    background: var(--jp-layout-color0, white); }
.jp-OutputArea:has(.panel-widgets), .jp-OutputArea-child:has(.panel-widgets),
.jp-OutputArea-output:has(.panel-widgets), .widget-box.panel-widgets { overflow: visible; }
</style>"""
"""Rules for a page that shows the widgets. They hide the two outputs that follow those: the same
chart and the same comparison. ipywidgets sets the lines of a text as far apart as buttons. The
controls stay at the top of the page while one reads a chart that is taller than the page: for that,
nothing around them may have a scroll bar of its own."""

_numbers = itertools.count(1)


class Output:
    """The chart and the comparison of one panel. All is shown once, and then updated."""

    def __init__(self):
        number = next(_numbers)
        self._chart_id = f"plain-sight-chart-{number}"
        self._comparison_id = f"plain-sight-comparison-{number}"
        self.chart, self.comparison = widgets.HTML(), widgets.HTML()

    def show(self, controls: widgets.Widget, chart: str, compared: str, png: bytes = b"") -> None:
        """Show the controls; then a chart and what compares the runs, both as HTML.

        `png` is the chart for pages without HTML, such as PDF files.
        """
        self.show_for_now(chart)
        self.comparison.value = _as_on_the_page(compared)
        display(self._widgets(controls), raw=True)
        display(_block(chart, png), raw=True, display_id=self._chart_id)
        display(_block(compared), raw=True, display_id=self._comparison_id)

    def show_for_now(self, content: str) -> None:
        """Show another chart, as HTML, that nobody will want to keep."""
        self.chart.value = STYLES + _as_on_the_page(content)

    def update_chart(self, content: str, png: bytes = b"") -> None:
        """Put a chart, as HTML and perhaps as PNG, in place of the one that is shown."""
        self.show_for_now(content)
        update_display(_block(content, png), raw=True, display_id=self._chart_id)

    def update_comparison(self, content: str) -> None:
        """Put another comparison, as HTML, in place of the one that is shown."""
        self.comparison.value = _as_on_the_page(content)
        update_display(_block(content), raw=True, display_id=self._comparison_id)

    def _widgets(self, controls):
        """Return all widgets as a notebook's output; their plain text says what to do."""
        box = widgets.VBox([controls, self.chart, self.comparison]).add_class("panel-widgets")
        bundle = box._repr_mimebundle_()
        bundle["text/plain"] = WITHOUT_KERNEL  # the widgets' own differs from machine to machine
        return bundle


def _block(content, png=b""):
    """Return HTML as an output; its plain text is always the same, because nbval compares it."""
    block = {"text/html": content, "text/plain": "Chart"}
    return block | {"image/png": base64.b64encode(png).decode("ascii")} if png else block


def _as_on_the_page(content):
    """Return HTML for a widget that looks like an ordinary output of JupyterLab."""
    return f'<div class="jp-RenderedHTMLCommon jp-RenderedHTML">{content}</div>'


def compared_html(results: Sequence[Result], *, dark: bool) -> str:
    """Return all runs beside each other, as HTML to be unfolded, also where there is no kernel."""
    return "".join(compared_pieces(results, dark=dark))


def compared_pieces(results: Sequence[Result], *, dark: bool) -> Iterator[str]:
    """Yield the same piece by piece: to draw them all takes longer than a press should wait."""
    if len(results) < 2:
        yield "<small>After the next run, all runs are compared here.</small>"
        return
    latest = results[-MOST_TOGETHER:]
    shown, runs = compared(results), words.count(len(results), "run")
    told = runs if shown in (0, len(results)) else f"{shown} of {runs}"
    yield f"<details><summary>Compare {told}</summary>"
    yield comparison(results, machine.usable_cores().count, dark=dark)._repr_html_()
    yield f"{table_html(results)}</details>"
    yield f"<details><summary>The latest {len(latest)}, on one time axis</summary>"
    for chart in charts_together(latest, dark=dark):
        yield chart._repr_html_()
    yield "</details>"
