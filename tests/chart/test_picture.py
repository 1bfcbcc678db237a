"""A chart in a notebook: one block of HTML with the picture, its words and its hover boxes."""

import base64
import html
import io
import re

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbconvert import LatexExporter
from PIL import Image

from helpers.chart.style import MOST_HOVER_BOXES, WIDTH
from helpers.gantt import gantt
from helpers.schedule import predict
from helpers.timeline import RAISED, RETURNED
from tests.support.charts import FIVE, extents, failing_pool, pool


def test_the_html_is_one_block_that_one_rule_replaces():
    block = gantt(failing_pool())._repr_html_()
    rule = re.compile(r'<div class="chart">.*?<!--/chart-->', re.DOTALL)
    assert rule.sub("CHART", block) == "CHART"
    assert rule.sub("CHART", f"a{block}b{block}c") == "aCHARTbCHARTc"


def test_the_html_holds_the_picture_and_the_text():
    chart = gantt(pool(4, FIVE))
    found = re.search(
        r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)"', chart._repr_html_()
    )
    assert html.unescape(found[1]) == chart.alt
    picture = Image.open(io.BytesIO(base64.b64decode(found[2])))
    assert picture.size == tuple(np.round(chart.figure.get_size_inches() * 100).astype(int))
    assert picture.width == WIDTH


def test_the_text_of_a_chart_never_changes():
    assert repr(gantt(pool(4, FIVE))) == repr(gantt(predict([1], 1))) == "Chart"


def test_html_in_calls_is_only_text():
    timeline = pool(1, [1.0, 1.0])
    evil = '<script>alert("x")</script><!--/chart-->'
    timeline.tasks.calls = [f"f({evil!r})", f"g('{evil}')"]
    timeline.tasks.errors = {0: evil}
    timeline.tasks.outcome = np.array([RAISED, RETURNED], np.uint8)
    timeline.processes[0] = timeline.processes[0]._replace(name=evil, role="process")
    block = gantt(timeline)._repr_html_()
    assert "<script" not in block
    assert block.count("<!--/chart-->") == 1
    assert "alert" in block


def hover_boxes(chart):
    pattern = (
        r'<div title="([^"]*)" style="position:absolute;left:([\d.]+)%;'
        r'top:([\d.]+)%;width:([\d.]+)%;height:([\d.]+)%"></div>'
    )
    return [
        (html.unescape(text), *map(float, numbers))
        for text, *numbers in re.findall(pattern, chart._repr_html_())
    ]


def test_hover_boxes_lie_over_their_bars_and_tell_more():
    timeline = pool(4, FIVE, on_core=np.full(5, 0.5))
    chart = gantt(timeline)
    axes, figure = chart.figure.axes[0], chart.figure
    boxes = [box for box in hover_boxes(chart) if box[0].startswith("long_time_task")]
    assert len(boxes) == 5
    for text, left, top, width, height in boxes:
        place = next(i for i in range(5) if text.startswith(timeline.tasks.call(i)))
        task, bar = timeline.tasks[place], extents(chart, "task")[place]
        (x0, y0), (x1, y1) = axes.transData.transform([(bar[0], bar[3]), (bar[1], bar[2])])
        assert left == pytest.approx(100 * x0 / figure.bbox.width, abs=0.1)
        assert left + width == pytest.approx(100 * x1 / figure.bbox.width, abs=0.1)
        assert top == pytest.approx(100 - 100 * y1 / figure.bbox.height, abs=0.1)
        assert top + height == pytest.approx(100 - 100 * y0 / figure.bbox.height, abs=0.1)
        for fact in (f"worker {task.lane}, pid {task.pid}", "on a core 50 %", "returned"):
            assert fact in text
    assert any("asked 0.000 s" in box[0] and "exit code 0" in box[0] for box in hover_boxes(chart))


def test_hover_boxes_are_capped_and_the_widest_are_kept():
    durations = [1.0] * 2000 + [20.0]
    boxes = hover_boxes(gantt(pool(16, durations)))
    assert len(boxes) <= MOST_HOVER_BOXES
    assert any(box[0].startswith("long_time_task(2000)") for box in boxes)


def test_the_card_is_opaque():
    for dark in (False, True):
        picture = Image.open(io.BytesIO(gantt(pool(1, [1.0]), dark=dark).png)).convert("RGBA")
        assert np.asarray(picture)[..., 3].min() == 255


def test_pages_without_html_show_a_smaller_picture_of_the_same_size():
    chart = gantt(failing_pool())
    data, _ = InteractiveShell.instance().display_formatter.format(chart)
    assert {"text/html", "text/plain", "image/png"} <= data.keys()
    printed = Image.open(io.BytesIO(data["image/png"]))
    shown = Image.open(io.BytesIO(chart.png)).convert("RGB")
    assert printed.size == shown.size
    assert len(data["image/png"]) < 0.6 * len(chart.png)
    difference = np.asarray(printed.convert("RGB"), int) - np.asarray(shown, int)
    assert np.abs(difference).max() < 32


def test_a_chart_is_a_picture_in_latex():
    data, _ = InteractiveShell.instance().display_formatter.format(gantt(pool(4, FIVE)))
    data["image/png"] = base64.b64encode(data["image/png"]).decode("ascii")
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data)])
    latex, resources = LatexExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert len(resources["outputs"]) == 1
    assert "includegraphics" in latex
