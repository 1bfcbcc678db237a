"""`explore`: an experiment with a slider.

An experiment is a function of an observed context and some numbers, which the student can read
and edit:

    def run(mp, workers):
        with mp.Pool(workers) as pool:
            pool.map(long_time_task, range(5), chunksize=1)

    explore(run, workers=4)

It runs once as the cell runs, so that a saved notebook has its picture, and again whenever
somebody presses Run. The controls are widgets; the picture is an ordinary output of the cell,
since that is all that survives saving, exporting and the end of the kernel.
"""

import html
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets as widgets
from IPython.display import display, update_display

from helpers import chart_words, machine
from helpers.gantt import gantt
from helpers.observed import Stopped, check_workers, get_context
from helpers.schedule import predict
from helpers.timeline import Timeline

DEBOUNCE = 0.2
"""Seconds that a request waits for a later one: each press of an arrow key is a request."""

WITHOUT_KERNEL = "Run this cell to get its sliders."
"""What stands in place of the controls in a saved notebook."""

_display_ids = itertools.count(1)


class Setting(NamedTuple):
    """What one run is asked to do: the start method, and a number for each slider."""

    method: str
    numbers: dict[str, int]

    def __str__(self):
        return ", ".join(f"{number} {name}" for name, number in self.numbers.items())


class Result(NamedTuple):
    """What came of a run: its timeline, and a sentence where it did not end well."""

    setting: Setting
    timeline: Timeline
    trouble: str


_one_run_at_a_time = threading.Lock()


def run_once(run: Callable, setting: Setting, context) -> Result:
    """Run a student's function on a fresh context, to its end or until the context is stopped.

    In the whole kernel only one runs at a time, so that no run disturbs another.
    """
    with _one_run_at_a_time:
        trouble = ""
        try:
            run(context, **setting.numbers)
        except Stopped:
            trouble = "stopped"
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
        finally:
            context.stop()  # nothing that the run may have left behind outlives it
        return Result(setting, context.timeline(), trouble)


class Runner:
    """A thread that does what was asked for last. An earlier request is given up for a later one.

    One for the whole kernel, so that two panels never run over each other.
    """

    def __init__(self):
        self._condition = threading.Condition()
        self._wanted = None
        self._stop_current = None
        self._thread = None

    def request(self, job: Callable[[], None], stop: Callable[[], None]):
        """Have `job` called in the thread; `stop` is called if it is given up in mid run."""
        with self._condition:
            self._give_up_current()
            self._wanted = job, stop
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="panel runner", daemon=True)
                self._thread.start()
            self._condition.notify()

    def stop(self):
        """Give up what runs and what waits."""
        with self._condition:
            self._wanted = None
            self._give_up_current()

    def _give_up_current(self):
        if self._stop_current is not None:
            # Ending children takes a moment, for which nobody who moves a slider should wait.
            threading.Thread(target=self._stop_current, daemon=True).start()

    def _work(self):
        while True:
            job = self._latest()
            try:
                job()
            finally:
                with self._condition:
                    self._stop_current = None

    def _latest(self):
        """Wait for a request, and then until no other has come for a while."""
        with self._condition:
            self._condition.wait_for(lambda: self._wanted is not None)
            wanted = None
            while wanted is not self._wanted:
                wanted = self._wanted
                self._condition.wait(DEBOUNCE)
                if self._wanted is None:  # stopped before it began
                    self._condition.wait_for(lambda: self._wanted is not None)
            job, self._stop_current = self._wanted
            self._wanted = None
            return job


_runner = Runner()


def explore(
    run: Callable,
    *,
    most: int = 16,
    durations: Sequence[float] | None = None,
    **numbers: int,
) -> "Panel":
    """Run an experiment now, and give the student sliders to run it again.

    Args:
        run: the experiment, called as `run(mp, workers=4)` with an observed context and the
            numbers.
        most: the right end of the sliders.
        durations: how long each task will take, in seconds and in the order in which they are
            submitted, where that is known: the panel then shows the prediction for `workers`
            workers beside what is measured.
        numbers: a slider for each, with the value to begin with; `workers=4` if none is given.

    Returns:
        The panel, which shows itself at once.

    Raises:
        TypeError, ValueError: for a `run` that cannot be called and for numbers that are not
            whole numbers from 1 to `most`.
    """
    if not callable(run):
        raise TypeError(f"explore needs a function to run, such as run(mp, workers), not {run!r}")
    numbers = numbers or {"workers": 4}
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
    panel = Panel(run, numbers, most, durations)
    panel.run_in_this_cell()
    return panel


class Panel:
    """The controls and the picture of one experiment."""

    def __init__(self, run, numbers, most, durations=None):
        self.results: list[Result] = []
        self._experiment = run
        self._durations = list(durations) if durations is not None else None
        self._display_id = f"plain-sight-chart-{next(_display_ids)}"
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
        """The cell's own run: to the end, then the controls and the picture are shown."""
        _runner.stop()
        setting = self.setting
        self._keep(run_once(self._experiment, setting, get_context(setting.method)))
        controls = self.controls._repr_mimebundle_()
        controls["text/plain"] = WITHOUT_KERNEL  # the widgets' own differs from machine to machine
        display(controls, raw=True)
        display(self._chart(self.results[-1]), display_id=self._display_id)

    def request_run(self, _=None):
        """Run what the controls say, in the background; a run under way is given up for it."""
        setting = self.setting
        self._say(f"{setting}: running …")
        context = get_context(setting.method)
        _runner.request(lambda: self._run(setting, context), context.stop)

    def request_stop(self, _=None):
        """Stop the run that is under way."""
        _runner.stop()

    def _run(self, setting, context):
        """In the runner's thread."""
        self.run_button.disabled, self.stop_button.disabled = True, False
        try:
            result = run_once(self._experiment, setting, context)
            self._keep(result)
            self._show(self._chart(result))
        except Exception as error:  # of ours: shown, since a thread has nobody else to tell
            self._say(f"the chart could not be drawn: {type(error).__name__}: {error}")
        finally:
            self.run_button.disabled, self.stop_button.disabled = False, True

    def _keep(self, result):
        self.results.append(result)
        self._say(_in_words(result))

    def _chart(self, result):
        predicted = None
        if self._durations is not None and not result.trouble:
            predicted = predict(self._durations, result.setting.numbers["workers"])
        return gantt(result.timeline, predicted, dark=self.dark.value)

    def _moved(self, _):
        """A control has moved: show what is predicted, or begin again if a run is under way."""
        if not self.stop_button.disabled:
            return self.request_run()
        if self._durations is None:
            return self._say(f"{self.setting}: press Run.")
        predicted = predict(self._durations, self.setting.numbers["workers"])
        self._show(gantt(predicted, dark=self.dark.value))
        self._say(f"{self.setting}: predicted makespan {predicted.makespan:.2f} s. Press Run.")
        return None

    def _redraw(self, _):
        self._show(self._chart(self.results[-1]))

    def _show(self, chart):
        update_display(chart, display_id=self._display_id)

    def _say(self, text):
        self.status.value = f'<span role="status" aria-live="polite">{html.escape(text)}</span>'

    def _build(self, numbers, most):
        """Make the widgets."""
        self.sliders = {name: _slider(name, number, most) for name, number in numbers.items()}
        methods = machine.start_methods()
        self.method = widgets.Dropdown(
            options=methods,
            value=machine.default_start_method(),
            description="Start by",
            layout=widgets.Layout(width="190px"),
        )
        self.run_button = widgets.Button(description="Run", icon="play", button_style="success")
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.dark = widgets.Checkbox(value=False, description="Dark", indent=False)
        for widget in (self.run_button, self.stop_button, self.dark):
            widget.layout.width = "90px"
        self.status = widgets.HTML()
        cores = widgets.HTML(_core_mark(most))
        buttons = [self.method, self.run_button, self.stop_button, self.dark]
        self.controls = widgets.VBox(
            [*self.sliders.values(), cores, widgets.HBox(buttons), self.status]
        )
        self.run_button.on_click(self.request_run)
        self.stop_button.on_click(self.request_stop)
        for control in (*self.sliders.values(), self.method):
            control.observe(self._moved, "value")
        self.dark.observe(self._redraw, "value")


SLIDER_WIDTH, LABEL_WIDTH, VALUE_WIDTH = 460, 80, 64


def _slider(name, number, most):
    """A slider that fires when it is let go, not at every step on the way."""
    return widgets.IntSlider(
        value=number,
        min=1,
        max=most,
        description=name.capitalize(),
        continuous_update=False,
        layout=widgets.Layout(width=f"{SLIDER_WIDTH}px"),
        style={"description_width": f"{LABEL_WIDTH}px"},
    )


def _core_mark(most):
    """A mark below the sliders at the number of cores that this seat has."""
    cores = machine.usable_cores()
    track = SLIDER_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    place = LABEL_WIDTH + track * (min(cores.count, most) - 1) / max(1, most - 1)
    return (
        f'<div style="margin-left:{place:.0f}px;line-height:1.2" '
        f'title="{html.escape(cores.reason)}">'
        f"▲ {chart_words.count(cores.count, 'core')} here</div>"
    )


def _in_words(result):
    """One line about a run, for the status."""
    if result.trouble == "stopped":
        return f"{result.setting}: stopped. The chart shows what had happened until then."
    if result.trouble:
        return f"{result.setting}: {result.trouble}"
    return chart_words.title(result.timeline)
