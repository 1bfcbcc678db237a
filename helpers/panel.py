"""`explore`: an experiment with a slider.

An experiment is a function of an observed context and some numbers, which the student can read
and edit:

    def run(mp, workers):
        with mp.Pool(workers) as pool:
            pool.map(long_time_task, range(5), chunksize=1)

    explore(run, workers=4)

It runs once as the cell runs, so that a saved notebook has its picture, and again whenever
somebody presses Run: then the bars grow while the processes work. The controls are widgets; the
picture is an ordinary output of the cell, since that is all that survives saving, exporting and
the end of the kernel.
"""

import contextlib
import html
import inspect
import itertools
import math
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from IPython.display import display, update_display

from helpers import machine
from helpers.chart import words as chart_words
from helpers.chart.live import LiveChart
from helpers.chart.spans import first_start, last_moment
from helpers.gantt import gantt, picture_html
from helpers.observed import get_context
from helpers.parent.checks import check_workers
from helpers.runs.comparison import charts_together, comparison
from helpers.runs.difference import difference
from helpers.runs.runner import (
    INTERRUPTED,
    LEFT_BEHIND,
    RUNNER,
    STOPPED,
    Attempt,
    Job,
    Result,
    Setting,
)
from helpers.runs.table import table_html, to_csv, to_png
from helpers.schedule import predict
from helpers.timeline import RUNNING

ONLY_STOP = "On Windows, only Stop ends what Run has started: an interrupt does not reach it."
"""What the panel says there. Elsewhere an interrupt reaches the children, and so ends the run."""

WITHOUT_KERNEL = "Run this cell to get its sliders."
"""What stands in place of the controls in a saved notebook."""

MOST_SECONDS = 3600
"""No guess is longer than a lesson."""

MOST_TOGETHER = 6
"""So many of the latest runs are shown as charts below one another."""

_display_ids = itertools.count(1)


def explore(
    run: Callable,
    *,
    most: int = 16,
    durations: Sequence[float] | None = None,
    context: Callable = get_context,
    **numbers: int,
) -> "Panel":
    """Run an experiment now, and give the student sliders to run it again.

    Args:
        run: the experiment, called as `run(mp, workers=4)` with an observed context and the
            numbers.
        most: the right end of the sliders.
        durations: how long each task will take, in seconds and in the order in which they are
            submitted, where that is known: the panel then shows the prediction for `workers`
            workers, in chunks of `chunksize` if that is one of the numbers and else of 1, beside
            what is measured.
        context: what makes the experiment's first argument, given a start method: anything that
            has a `timeline()` and can `stop()`. Its `methods` are the ones to choose from, if it
            does not know all of them.
        numbers: a slider for each, with the value to begin with; `workers=4` if none is given.

    Returns:
        The panel, which shows itself at once.

    Raises:
        TypeError, ValueError: for a `run` that cannot be called like that, and for numbers that
            are not whole numbers from 1 to `most`.
    """
    if not callable(run):
        raise TypeError(f"explore needs a function to run, such as run(mp, workers), not {run!r}")
    numbers = numbers or {"workers": 4}
    _check_takes(run, numbers)
    get_context()  # refuses a START_METHOD that does not exist here
    check_workers(most)
    for name, number in numbers.items():
        check_workers(number)
        if number > most:
            raise ValueError(
                f"{name}={number} is beyond the slider, which ends at {most}; give most="
            )
    if durations is not None:
        predict(durations, 1)  # refuses what is not a duration, before anything starts
        if "workers" not in numbers:
            raise ValueError("durations predict what a number of workers does: give workers= too")
    panel = Panel(run, numbers, most, durations, context)
    panel.run_in_this_cell()
    return panel


def _check_takes(run, numbers):
    """Raise TypeError unless `run` takes a context and these numbers."""
    signature = inspect.signature(run)
    try:
        signature.bind(None, **numbers)
    except TypeError:
        call = ", ".join(["mp", *(f"{name}={number}" for name, number in numbers.items())])
        raise TypeError(
            f"explore would call run({call}), but your function takes {signature}; "
            "let the names agree"
        ) from None


class Panel:
    """The controls and the picture of one experiment."""

    def __init__(self, run, numbers, most, durations=None, context=get_context):
        self.results: list[Result] = []
        self._experiment, self._context = run, context
        self._durations = list(durations) if durations is not None else None
        number = next(_display_ids)
        self._chart_id = f"plain-sight-chart-{number}"
        self._comparison_id = f"plain-sight-comparison-{number}"
        self._lock = threading.RLock()  # callbacks come from more than one thread
        self._latest = None  # the attempt that was asked for last, until it is over
        self._guessed = False  # the student has committed to a guess once
        self._build(numbers, most)

    def __repr__(self):
        return "Panel"

    def _ipython_display_(self):
        """Nothing: `explore` has shown the panel already."""

    @property
    def setting(self) -> Setting:
        """What the controls say now."""
        numbers = {name: slider.value for name, slider in self.sliders.items()}
        return Setting(self.method.value, numbers)

    def run_in_this_cell(self):
        """The cell's own run: to the end, then the controls and the picture are shown.

        If somebody interrupts it, they are shown too. Then the cell ends as any interrupted cell
        does, so that the cells after it do not run.
        """
        attempt = Attempt(self._experiment, self.setting, self._context)
        result = RUNNER.make_here(attempt)
        self.results.append(result)
        self._say(_in_words(result))
        if result.trouble:
            print(_in_words(result))  # for those who read the notebook without its kernel
        controls = self.controls._repr_mimebundle_()
        controls["text/plain"] = WITHOUT_KERNEL  # the widgets' own differs from machine to machine
        display(controls, raw=True)
        chart = self._draw(result.timeline, self._prediction(result))
        display(chart, display_id=self._chart_id)
        display(_block(self._comparison()), raw=True, display_id=self._comparison_id)
        if attempt.broken_off:
            raise KeyboardInterrupt

    # Running again

    def request_run(self, _=None):
        """Run what the controls say, in the background; a run under way is given up for it."""
        with self._lock:
            try:
                guess = self._read_guess()
            except ValueError as error:
                return self._say(str(error))
            attempt = Attempt(self._experiment, self.setting, self._context)
            self._set_running(attempt)
            self._say(f"{attempt.setting}: running …")
            live = self._live_chart(attempt.setting, guess)
            RUNNER.request(
                Job(
                    attempt,
                    look=lambda timeline: self._look(attempt, timeline, live),
                    finish=lambda result: self._finish(attempt, result, guess),
                    drop=lambda: self._drop(attempt),
                )
            )

    def request_stop(self, _=None):
        """Stop the run that is under way."""
        RUNNER.stop()

    def _read_guess(self):
        """The student's guess in seconds; None where none is needed. ValueError says what to do."""
        text = self.guess.value.strip().removesuffix("s").strip().replace(",", ".")
        if not text:
            if self._guessed or "workers" not in self.sliders:
                return None
            raise ValueError(
                f"First your guess: how many seconds will {self.setting} take, from the first "
                "start to the last finish? Write it below the slider, then press Run."
            )
        try:
            guess = float(text)
        except ValueError:
            guess = math.nan
        if not 0 < guess < MOST_SECONDS:
            raise ValueError(f"A guess is a number of seconds, such as 2.5, not {text!r}.")
        self._guessed = True
        return guess

    def _look(self, attempt, timeline, live):
        """A frame: in the runner's thread, while the run goes on."""
        if self._latest is not attempt:
            return
        with self._told_if_it_fails():
            done = int(np.count_nonzero(timeline.tasks.outcome != RUNNING))
            expected = max(len(timeline.tasks), self._expected_tasks())
            self.progress.max, self.progress.value = max(expected, 1), done
            left = self._seconds_left(attempt.setting, timeline, done / max(expected, 1))
            self.so_far.value = f"{done} of {chart_words.count(expected, 'task')} done{left}"
            alt = f"{chart_words.title(timeline)}. The run goes on."
            self._update(self._chart_id, picture_html(live.frame(timeline), alt))

    def _finish(self, attempt, result, guess):
        """A run is over. Keep it, unless another was asked for in the meantime."""
        with self._lock:  # a slider that is moved now has its say after us
            if self._latest is not attempt:
                return
            self.results.append(result)
            predicted = self._prediction(result)
            with self._told_if_it_fails():
                self._say(_in_words(result, predicted, guess))
                self._show(result.timeline, predicted, guess)
            self.guess.value = ""
            self._set_running(None)
        with self._told_if_it_fails():
            self._update(self._comparison_id, self._comparison())

    def _drop(self, attempt):
        """A run was given up before it began. Say so, unless it was for another one."""
        with self._lock:
            if self._latest is attempt:
                self._set_running(None)
                self._say(f"{attempt.setting}: stopped before it began.")

    @contextlib.contextmanager
    def _told_if_it_fails(self):
        """A chart that cannot be drawn: told, since the runner's thread has nobody else to tell."""
        try:
            yield
        except Exception as error:
            self._say(f"the chart could not be drawn: {type(error).__name__}: {error}")

    def _set_running(self, attempt):
        self._latest = attempt
        self.run_button.disabled = attempt is not None
        self.stop_button.disabled = attempt is None
        self.progress.layout.visibility = "hidden" if attempt is None else "visible"
        self.progress.value, self.so_far.value = 0, ""

    def _moved(self, _):
        """A control has moved: show what is predicted, and begin again if a run is under way."""
        with self._lock:
            setting = self.setting
            if self._latest is not None:
                self._guessed = True  # what goes on must not wait for a guess
                return self.request_run()
            if self._durations is None:
                return self._say(f"{setting}: press Run.")
            predicted = self._predict(setting)
            self._show(predicted)
            makespan = chart_words.seconds(predicted.makespan)
            return self._say(f"{setting}: predicted makespan {makespan}. Press Run.")

    # What is shown

    def _predict(self, setting):
        """The schedule that is expected with these numbers."""
        numbers = setting.numbers
        return predict(self._durations, numbers["workers"], numbers.get("chunksize", 1))

    def _prediction(self, result):
        """The schedule to draw beside a whole run."""
        if self._durations is None or result.trouble:
            return None
        return self._predict(result.setting)

    def _live_chart(self, setting, guess):
        """The empty chart of a run that is about to begin, as large as it will be at its end."""
        before = self.results[-1].timeline
        workers, predicted = setting.numbers.get("workers", 0), None
        end = last_moment(before)
        if self._durations is not None:
            predicted = self._predict(setting)
            end = 1.05 * (first_start(before) + max(predicted.makespan, guess or 0))
        return LiveChart(workers, end, predicted, guess, dark=self.dark.value)

    def _seconds_left(self, setting, timeline, share):
        """How long the run may still take, in words: as predicted, else as it went so far."""
        so_far = timeline.now - first_start(timeline)
        if not 0 < share < 1:
            return ""
        left = so_far * (1 - share) / share
        if self._durations is not None:
            left = max(0.0, self._predict(setting).makespan - so_far)
        return f", about {chart_words.seconds(left)} to go"

    def _expected_tasks(self):
        if self._durations is not None:
            return len(self._durations)
        return len(self.results[-1].timeline.tasks)

    def _show(self, timeline, predicted=None, guess=None):
        chart = self._draw(timeline, predicted, guess)
        soon_over = timeline.predicted  # by the next one, or by a run
        self._update(self._chart_id, chart.html_for_now() if soon_over else chart._repr_html_())

    def _update(self, display_id, content):
        update_display(_block(content), raw=True, display_id=display_id)

    def _comparison(self):
        """All runs beside each other: to be unfolded, also where there is no kernel."""
        if len(self.results) < 2:
            return "<small>After the next run, all runs are compared here.</small>"
        dark, latest = self.dark.value, self.results[-MOST_TOGETHER:]
        curve = comparison(self.results, machine.usable_cores().count, dark=dark)
        charts = "".join(one._repr_html_() for one in charts_together(latest, dark=dark))
        return (
            f"<details><summary>Compare {chart_words.count(len(self.results), 'run')}</summary>"
            f"{curve._repr_html_()}{table_html(self.results)}</details>"
            f"<details><summary>The latest {len(latest)}, on one time axis</summary>"
            f"{charts}</details>"
        )

    def save(self, _=None):
        """Save the newest chart and the comparison as pictures, all tasks of all runs as CSV."""
        number = next(n for n in itertools.count(1) if not Path(f"runs_{n}.csv").exists())
        newest = self.results[-1]
        try:
            to_csv(self.results, f"runs_{number}.csv")
            pictures = to_png(
                self.results,
                machine.usable_cores().count,
                f"runs_{number}.png",
                predicted=self._prediction(newest),
                dark=self.dark.value,
            )
        except OSError as error:
            return self._say(f"Nothing could be saved here: {error}")
        names = ", ".join([f"runs_{number}.csv", *(path.name for path in pictures)])
        return self._say(f"Saved beside this notebook: {names}.")

    def _draw(self, timeline, predicted=None, guess=None):
        self._shown = timeline, predicted, guess
        return gantt(timeline, predicted, guess=guess, dark=self.dark.value)

    def _redraw(self, _):
        if self._latest is None:
            self._show(*self._shown)
            self._update(self._comparison_id, self._comparison())

    def _say(self, text):
        self.status.value = html.escape(text)

    def _build(self, numbers, most):
        """Make the widgets."""
        self.sliders = {name: _slider(name, number, most) for name, number in numbers.items()}
        methods = getattr(self._context, "methods", machine.start_methods())
        default = machine.default_start_method()
        self.method = widgets.Dropdown(
            options=methods,
            value=default if default in methods else methods[0],
            description="Start by",
            layout=widgets.Layout(width="190px"),
        )
        self.run_button = widgets.Button(description="Run", icon="play", button_style="success")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.save_button = widgets.Button(description="Save", icon="download")
        self.dark = widgets.Checkbox(value=False, description="Dark", indent=False)
        for widget in (self.run_button, self.stop_button, self.save_button, self.dark):
            widget.layout.width = "90px"
        self.guess = widgets.Text(
            description="Your guess",
            placeholder="seconds",
            # Told as a whole, when the field is left. The page holds letters back as long as the
            # kernel is busy, but not a click: Run would overtake the last of them.
            continuous_update=False,
            layout=widgets.Layout(width="190px"),
        )
        self.progress = widgets.IntProgress(
            layout=widgets.Layout(width="270px", visibility="hidden")
        )
        self.so_far = widgets.Label()  # not in the status, which is read aloud at every change
        self.status = widgets.HTML().add_class("panel-status")
        buttons = [self.method, self.run_button, self.stop_button, self.save_button, self.dark]
        guess = [self.guess] if "workers" in numbers else []
        rows = [
            *self._slider_rows(most),
            _row([*guess, self.progress, self.so_far]),
            _row(buttons),
            *([widgets.Label(ONLY_STOP)] if sys.platform == "win32" else []),
            self.status,
        ]
        self.controls = widgets.VBox([*rows, _script(ON_THE_PAGE)])
        self.run_button.on_click(self.request_run)
        self.stop_button.on_click(self.request_stop)
        self.save_button.on_click(self.save)
        for control in (*self.sliders.values(), self.method):
            control.observe(self._moved, "value")
        self.dark.observe(self._redraw, "value")

    def _slider_rows(self, most):
        """The sliders; below one that counts processes, the mark of the cores."""
        for name, slider in self.sliders.items():
            yield slider
            if name in ("workers", "processes"):
                self.core_mark = widgets.HTML(_core_mark(most), layout=CLOSE_BELOW)
                yield self.core_mark


SLIDER_WIDTH, LABEL_WIDTH = 460, 80
TRACK_LEFT, TRACK_WIDTH = 94, 284  # where ipywidgets draws the slider's track; a test looks
CLOSE_BELOW = widgets.Layout(margin="-10px 2px 0")


def _row(controls):
    return widgets.HBox(controls, layout=widgets.Layout(align_items="center"))


def _slider(name, number, most):
    """A slider that fires when it is let go, not at every step on the way."""
    return widgets.IntSlider(
        value=number,
        min=1,
        max=most,
        description=name.capitalize().replace("_", " "),
        continuous_update=False,
        layout=widgets.Layout(width=f"{SLIDER_WIDTH}px"),
        style={"description_width": f"{LABEL_WIDTH}px"},
    )


ON_THE_PAGE = """
requestAnimationFrame(() => {
    const panel = element.closest('.widget-vbox');
    for (const slider of panel.querySelectorAll('.widget-slider')) {
        const label = slider.querySelector('label').textContent;
        slider.querySelector('[role=slider]').setAttribute('aria-label', label);
        const readout = slider.querySelector('.widget-readout');
        readout.setAttribute('role', 'textbox');
        readout.setAttribute('aria-label', label + ' as a number');
    }
    const status = panel.querySelector('.panel-status');
    status.setAttribute('role', 'status');
    status.querySelector('.widget-html-content').style.lineHeight = '1.35';
});
"""
"""ipywidgets shows a slider's label, but does not tie it to the slider; nor has it live regions.
And it sets the lines of a text as far apart as buttons: then the picture would be out of sight."""


def _script(code):
    """A widget that runs a script where it is shown."""
    output = {
        "output_type": "display_data",
        "data": {"application/javascript": code},
        "metadata": {},
    }
    return widgets.Output(outputs=(output,), layout=widgets.Layout(height="0", margin="0"))


def _core_mark(most):
    """A mark below the sliders at the number of cores that this seat has."""
    cores = machine.usable_cores()
    place = TRACK_LEFT + TRACK_WIDTH * (min(cores.count, most) - 1) / max(1, most - 1)
    arrow = "▲" if cores.count <= most else "▶"  # beyond the slider's end
    return (
        f'<div title="{html.escape(cores.reason)}" style="position:relative;line-height:1.2">'
        f'<span class="core-mark" style="position:absolute;left:{place:.0f}px;'
        f'transform:translateX(-50%)">{arrow}</span>'
        f'<span style="margin-left:{place + 10:.0f}px">'
        f"{chart_words.count(cores.count, 'core')} here</span></div>"
    )


def _block(content):
    """HTML as an output; its plain text is the same for every run, because nbval compares it."""
    return {"text/html": content, "text/plain": "Chart"}


def _in_words(result, predicted=None, guess=None):
    """A line about a run, for the status."""
    if result.trouble in HOW_IT_ENDED:
        return f"{result.setting}: {HOW_IT_ENDED[result.trouble]}"
    if result.trouble:
        return f"{result.setting}: {result.trouble}"
    words = f"{chart_words.title(result.timeline)}."
    if not len(result.timeline.tasks):
        return words
    if guess is not None:
        took = chart_words.seconds(result.timeline.makespan)
        words += f" You said {chart_words.seconds(guess)}; it took {took}."
    if predicted is not None:
        words += f" {difference(result.timeline, predicted)}"
    return words


HOW_IT_ENDED = {
    STOPPED: "stopped. The chart shows what had happened until then.",
    INTERRUPTED: "interrupted. The chart shows what had happened until then.",
    LEFT_BEHIND: (
        "stopped. Its processes have ended, but your function is stuck in something else; "
        "it was left behind, and what it still does is not shown."
    ),
}
