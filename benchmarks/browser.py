"""Measure what a person waits for in the browser: from a hand on the mouse to a new picture.

Both ends of each time are taken by the page's own clock, so that nothing of the program that
steers the browser is in it. A picture counts when it has been decoded and a frame was drawn.
"""

import contextlib
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import NotHere, figure

FEW = [0.93, 0.48, 1.28, 1.88, 2.37]
MANY = "[random.Random(n).random() * 3 for n in range(5000)]"

EXPERIMENT = """
import random, time
from helpers.observed import get_context
from helpers.panel import explore

def run(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, {tasks}, chunksize=1)

panel = explore(run, workers=4, most={most}, durations={durations})
"""

STOPWATCH = """() => {
    window.stopwatch = { begin: 0, pictures: [] };
    document.addEventListener('pointerup', event => {
        stopwatch.begin = event.timeStamp;
        stopwatch.pictures = [];
    }, true);
    let last = '';
    new MutationObserver(async () => {
        const image = document.querySelector('.jp-OutputArea .chart img');
        if (!image || image.src === last) return;
        last = image.src;
        await image.decode().catch(() => 0);
        requestAnimationFrame(() => requestAnimationFrame(() => {
            stopwatch.pictures.push({ alt: image.alt, at: performance.now() });
        }));
    }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['src'] });
}"""


@contextlib.contextmanager
def opened_panel(most: int, durations: object, tasks: list[float]) -> Iterator:
    """Open a panel in a browser, with a stopwatch on its page.

    Its experiment sleeps for `tasks`, in seconds: as many as there are durations, or none.

    Raises NotHere if there is no browser.
    """
    try:
        from tools import lab
        from tools.panel_on_page import PanelOnPage
    except ImportError as error:
        raise NotHere(f"{error.name} is not installed") from None
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cell["source"] = EXPERIMENT.format(most=most, durations=durations, tasks=tasks)
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        source = Path(folder) / "source" / "bench.ipynb"
        source.parent.mkdir()
        source.write_text(json.dumps(content), encoding="utf-8")
        lab.copy_notebook(source, Path(folder))
        try:
            browser = stack.enter_context(lab.browser())
        except lab.NoBrowser as error:
            raise NotHere(str(error)) from None
        server = stack.enter_context(lab.jupyterlab(Path(folder)))
        page = browser.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
        notebook = lab.Notebook.open(page, server, source.name)
        notebook.run_all()
        page.evaluate(STOPWATCH)
        panel = PanelOnPage(notebook)
        panel.slider().scroll_into_view_if_needed()
        yield panel
        notebook.end_kernel()


def seconds_until_a_picture(panel, act: Callable[[], None], says: str) -> float:
    """Return the seconds from when `act` releases the mouse until a picture says something."""
    act()
    there = f"() => stopwatch.pictures.find(picture => picture.alt.includes({json.dumps(says)}))"
    picture = panel.page.wait_for_function(there).json_value()
    return (picture["at"] - panel.page.evaluate("() => stopwatch.begin")) / 1000


def redrawn(most: int, durations: object, numbers: list[int]) -> list[float]:
    """Return the milliseconds from a press of "I don't know" to the prediction, for each number."""
    with opened_panel(most, durations, []) as panel:
        return [1000 * _seconds_to_redraw(panel, number, most) for number in numbers]


def _seconds_to_redraw(panel, number, most):
    panel.drag_slider(number, most)
    panel.page.mouse.up()
    number = int(float(panel.slider().get_attribute("aria-valuenow")))
    workers = f"Predicted: {number:,} worker"
    panel.status.get_by_text(f"workers={number}:").wait_for()
    return seconds_until_a_picture(panel, panel.unknown.click, workers)


@figure("from a press of I don't know to the drawn prediction in the browser", "ms", bar=150)
def press_to_redraw():
    return redrawn(16, FEW, [7, 2, 12, 5, 16, 3, 9] * 5)


@figure(
    "the same with 5,000 tasks on up to 1,000 workers",
    "ms",
    bar=150,
    floor="press_to_redraw, the same with 5 tasks: there is hardly anything to draw, and yet a"
    " figure to be made, messages to be sent and two frames to be waited for",
)
def press_to_redraw_1000():
    return redrawn(1000, MANY, [1000, 300, 700, 500, 900, 150, 800] * 3)


def run_again(panel, says: str) -> float:
    """Press Run and wait for the run's end; return the seconds until a picture said something."""
    seconds = seconds_until_a_picture(panel, panel.run.click, says)
    panel.wait_until_ready()
    return seconds


@figure("from Run to the first bar in the browser: a process that starts up", "ms")
def run_to_first_bar():
    return _after_run("The run goes on.")


@figure("from Run to the first bar of a task in the browser, by spawn", "ms", bar=250)
def run_to_first_task():
    return _after_run("still running")


@figure("the same beyond a plain pool's first result, pair by pair", "ms", bar=150)
def first_task_beyond_pool():
    return _after_run("still running", less=seconds_to_first_result)


def seconds_to_first_result() -> float:
    """Return how long a plain pool takes from its creation to its first result, by spawn."""
    begin = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.imap_unordered(time.sleep, [0] * 4).next()
        return time.perf_counter() - begin


def _after_run(says, less=lambda: 0.0):
    """Return the milliseconds from Run to such a picture, minus those that something else takes."""
    with opened_panel(16, FEW, FEW) as panel:
        panel.run_to_the_end()  # with a guess; it does not count
        return [1000 * (run_again(panel, says) - less()) for _ in range(11)]
