"""Colours and hatches can be told apart, in light, dark and grey."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers.chart.frame import LEGEND
from helpers.chart.style import DARK, LIGHT
from helpers.gantt import gantt
from tests.support.charts import FIVE, pool
from tests.support.colours import contrast, lightness

PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


@PALETTES
def test_texts_have_the_contrast_that_wcag_asks_for(palette):
    for colour in (palette.ink, palette.muted, palette.predicted):
        assert contrast(colour, palette.card) >= 4.5  # the card is also the halo's colour
    for kind in ("task", "running", "idle", "process", "manager"):
        assert contrast(palette.ink, palette.kinds[kind].fill) >= 4.5


@PALETTES
def test_outlines_and_lines_have_the_contrast_that_wcag_asks_for(palette):
    for kind in LEGEND:
        if kind in palette.kinds:
            assert contrast(palette.kinds[kind].edge, palette.card) >= 3, kind
    assert contrast(palette.message, palette.card) >= 3


@PALETTES
def test_neighbours_differ_in_grey(palette):
    grey = {kind: lightness(style.flat or style.fill) for kind, style in palette.kinds.items()}
    pairs = [
        "task core",
        "task idle",
        "task startup",
        "startup idle",
        "task process",
        "task raised",
    ]
    for pair in pairs:
        kind, other = pair.split()
        assert abs(grey[kind] - grey[other]) >= 8, f"{pair}: {grey[kind]:.0f} {grey[other]:.0f}"


@PALETTES
def test_kinds_of_tasks_differ_by_more_than_colour(palette):
    patterns = [
        (palette.kinds[k].hatch, palette.kinds[k].dashed) for k in ("task", "raised", "lost")
    ]
    assert len(set(patterns)) == 3
    assert palette.kinds["ghost"].dashed


def test_grey_bars_can_be_told_from_idle_time_in_the_finished_picture():
    chart = gantt(pool(4, FIVE))
    grey = np.asarray(Image.open(io.BytesIO(chart.png)).convert("L"), float)
    axes, height = chart.figure.axes[0], grey.shape[0]

    def pixel(time, row):
        x, y = axes.transData.transform((time, row))
        return grey[round(height - y), round(x)]

    assert pixel(0.9, 0.3) + 25 < pixel(2.0, 0.3)  # worker 1: at work, then idle
