"""The same timeline gives the same picture, whatever matplotlib's settings in the notebook are."""

import threading

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.chart.live import LiveChart
from helpers.chart.settings import own_settings
from helpers.gantt import gantt
from helpers.laws import law_chart
from helpers.runs.comparison import comparison
from helpers.runs.runner import Result, Setting
from helpers.schedule import predict
from helpers.tree import process_tree
from tests.support.charts import FIVE, failing_pool, pool, queue_lesson, running_pool

DRAWINGS = {
    "gantt": lambda: gantt(failing_pool(), predict(FIVE, 4), guess=2.0).png,
    "messages": lambda: gantt(queue_lesson()).png,
    "many tasks": lambda: gantt(pool(300, [0.01] * 900, on_core=np.full(900, 0.5))).png,
    "tree": lambda: process_tree(queue_lesson()).png,
    "laws": lambda: law_chart({1: 1.0, 2: 1.8}, {1: 1.0, 4: 3.7}, 0.1, 2).png,
    "comparison": lambda: (
        comparison(
            [Result(Setting("spawn", {"workers": n}), pool(n, FIVE), "") for n in (1, 4)], 2
        ).png
    ),
    "live": lambda: LiveChart(4, 3.0, predict(FIVE, 4), 2.0).frame(running_pool()),
    "for now": lambda: gantt(failing_pool()).html_for_now(),
}
SETTINGS = {
    "LaTeX": {"text.usetex": True},
    "a font": {"font.family": "serif", "font.size": 20, "font.weight": "bold"},
    "layout": {"figure.constrained_layout.use": True, "figure.autolayout": True},
    "lines": {"lines.linewidth": 9, "hatch.linewidth": 9, "lines.marker": "x"},
    "axes": {"axes.grid": True, "axes.linewidth": 9, "xtick.direction": "in", "axes.titlesize": 40},
    "comic": "xkcd",
    "dark": "dark_background",
    "ggplot": "ggplot",
}


def notebook_with(settings):
    """A context in which the notebook has these settings."""
    if settings == "xkcd":
        return plt.xkcd()
    if isinstance(settings, str):
        return plt.style.context(settings)
    return matplotlib.rc_context(settings)


@pytest.fixture(scope="module")
def usual():
    """Every picture with matplotlib's own settings."""
    return {name: draw() for name, draw in DRAWINGS.items()}


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_notebooks_settings_change_no_picture(settings, usual) -> None:
    with notebook_with(SETTINGS[settings]):
        differing = [name for name, draw in DRAWINGS.items() if draw() != usual[name]]
    assert differing == []


def test_a_chart_that_was_made_before_the_settings_were_changed_is_the_same(usual) -> None:
    chart = gantt(queue_lesson())
    with notebook_with("xkcd"):
        assert chart.png == usual["messages"]


def test_the_settings_of_the_notebook_are_kept() -> None:
    with notebook_with({"font.family": ["serif"], "lines.linewidth": 7}):
        before = dict(matplotlib.rcParams)
        gantt(failing_pool())._repr_html_()
        assert dict(matplotlib.rcParams) == before


def test_a_thread_that_has_drawn_takes_its_settings_from_no_other_one() -> None:
    """Charts are drawn by several threads, and settings belong to the whole kernel."""
    first_inside, second_inside, first_left = (threading.Event() for _ in range(3))
    seen = []

    def draw_first():
        with own_settings():
            first_inside.set()
            second_inside.wait(0.3)  # in vain: the second one has to wait for us
        first_left.set()

    def draw_second():
        first_inside.wait(10)
        with own_settings():
            second_inside.set()
            first_left.wait(10)
            seen.append(matplotlib.rcParams["lines.linewidth"])

    with notebook_with({"lines.linewidth": 7}):
        threads = [threading.Thread(target=draw) for draw in (draw_first, draw_second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert seen == [matplotlib.rcParamsDefault["lines.linewidth"]]
        assert matplotlib.rcParams["lines.linewidth"] == 7
