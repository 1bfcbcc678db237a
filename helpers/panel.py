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
import inspect
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
        return ", ".join(f"{name}={number}" for name, number in self.numbers.items())


class Result(NamedTuple):
    """What came of a run: its timeline, and a sentence where it did not end well."""

    setting: Setting
    timeline: Timeline
    trouble: str


_one_run_at_a_time = threading.Lock()


class Attempt:
    """One run of a student's function on a context of its own, which may be stopped meanwhile."""

    def __init__(self, run: Callable, setting: Setting):
        self.context = get_context(setting.method)
        self.setting = setting
        self._run = run
        self._stopping = threading.Lock()

    def make(self) -> Result:
        """Run to the end, or until stopped; in the whole kernel only one runs at a time."""
        with _one_run_at_a_time:
            trouble = ""
            try:
                self._run(self.context, **self.setting.numbers)
            except Stopped:
                trouble = "stopped"
            except (Exception, SystemExit) as error:
                first_line = str(error).partition("\n")[0]
                trouble = f"{type(error).__name__}: {first_line}" if first_line else repr(error)
            finally:
                self.stop()  # nothing that the run may have left behind outlives it
            return Result(self.setting, self.context.timeline(), trouble)

    def stop(self):
        """End all its processes. Who asks while somebody else does it waits until they have."""
        with self._stopping:
            self.context.stop()


class Job(NamedTuple):
    """What a runner is asked to do."""

    work: Callable[[], None]  # called in the runner's thread
    stop: Callable[[], None]  # called if it is given up in mid run; `work` then ends soon
    drop: Callable[[], None]  # called if it is given up before it began


class Runner:
    """A thread that does what was asked for last. An earlier job is given up for a later one.

    One for the whole kernel, so that two panels never run over each other.
    """

    def __init__(self):
        self._condition = threading.Condition()
        self._waiting = None
        self._current = None
        self._thread = None

    def request(self, job: Job):
        """Have a job done, in place of what runs and what waits."""
        with self._condition:
            self._give_up()
            self._waiting = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="panel runner", daemon=True)
                self._thread.start()
            self._condition.notify()

    def stop(self):
        """Give up what runs and what waits."""
        with self._condition:
            self._give_up()

    def _give_up(self):
        if self._waiting is not None:
            _in_background(self._waiting.drop)
            self._waiting = None
        if self._current is not None:
            _in_background(self._current.stop)

    def _work(self):
        while True:
            job = self._next_job()
            try:
                job.work()
            finally:
                with self._condition:
                    self._current = None

    def _next_job(self):
        """Wait for a job, and then until no other has come for a while."""
        with self._condition:
            job = None
            while job is None or job is not self._waiting:
                self._condition.wait_for(lambda: self._waiting is not None)
                job = self._waiting
                self._condition.wait(DEBOUNCE)
            self._waiting, self._current = None, job
            return job


def _in_background(function):
    """Ending children takes a moment, for which nobody who moves a slider should wait."""
    threading.Thread(target=function, daemon=True).start()


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
    panel = Panel(run, numbers, most, durations)
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

    def __init__(self, run, numbers, most, durations=None):
        self.results: list[Result] = []
        self._experiment = run
        self._durations = list(durations) if durations is not None else None
        self._display_id = f"plain-sight-chart-{next(_display_ids)}"
        self._lock = threading.RLock()  # callbacks come from more than one thread
        self._latest = None  # the attempt that was asked for last, until it is over
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
        result = Attempt(self._experiment, self.setting).make()
        self.results.append(result)
        self._say(_in_words(result))
        if result.trouble:
            print(_in_words(result))  # for those who read the notebook without its kernel
        controls = self.controls._repr_mimebundle_()
        controls["text/plain"] = WITHOUT_KERNEL  # the widgets' own differs from machine to machine
        display(controls, raw=True)
        display(self._draw(*self._pictured(result)), display_id=self._display_id)

    def request_run(self, _=None):
        """Run what the controls say, in the background; a run under way is given up for it."""
        with self._lock:
            attempt = Attempt(self._experiment, self.setting)
            self._set_running(attempt)
            self._say(f"{attempt.setting}: running …")
            _runner.request(
                Job(
                    work=lambda: self._run(attempt),
                    stop=attempt.stop,
                    drop=lambda: self._finish(
                        attempt, f"{attempt.setting}: stopped before it began."
                    ),
                )
            )

    def request_stop(self, _=None):
        """Stop the run that is under way."""
        _runner.stop()

    def _run(self, attempt):
        """In the runner's thread."""
        try:
            result = attempt.make()
            words = _in_words(result)
            if self._latest is attempt:  # else another was asked for, and is about to begin
                self.results.append(result)
                self._show(*self._pictured(result))
        except Exception as error:  # of ours: told, since a thread has nobody else to tell
            words = f"the chart could not be drawn: {type(error).__name__}: {error}"
        self._finish(attempt, words)

    def _finish(self, attempt, words):
        """A run is over. Say so, unless another was asked for in the meantime."""
        with self._lock:
            if self._latest is attempt:
                self._set_running(None)
                self._say(words)

    def _set_running(self, attempt):
        self._latest = attempt
        self.run_button.disabled = attempt is not None
        self.stop_button.disabled = attempt is None

    def _moved(self, _):
        """A control has moved: show what is predicted, and begin again if a run is under way."""
        with self._lock:
            setting = self.setting
            wish = f"{setting}: press Run."
            if self._durations is not None:
                predicted = predict(self._durations, setting.numbers["workers"])
                self._show(predicted)
                wish = f"{setting}: predicted makespan {predicted.makespan:.2f} s. Press Run."
            if self._latest is None:
                self._say(wish)
            else:
                self.request_run()

    def _pictured(self, result):
        """What is drawn of a result: its timeline and, after a whole run, the prediction."""
        if self._durations is None or result.trouble:
            return result.timeline, None
        return result.timeline, predict(self._durations, result.setting.numbers["workers"])

    def _show(self, timeline, predicted=None):
        update_display(self._draw(timeline, predicted), display_id=self._display_id)

    def _draw(self, timeline, predicted):
        self._shown = timeline, predicted
        return gantt(timeline, predicted, dark=self.dark.value)

    def _redraw(self, _):
        self._show(*self._shown)

    def _say(self, text):
        self.status.value = html.escape(text)

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
        self.status = widgets.HTML().add_class("panel-status")
        buttons = [self.method, self.run_button, self.stop_button, self.dark]
        rows = [*self._slider_rows(most), _row(buttons), self.status]
        self.controls = widgets.VBox([*rows, _script(FOR_SCREEN_READERS)])
        self.run_button.on_click(self.request_run)
        self.stop_button.on_click(self.request_stop)
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


FOR_SCREEN_READERS = """
requestAnimationFrame(() => {
    const panel = element.closest('.widget-vbox');
    for (const slider of panel.querySelectorAll('.widget-slider')) {
        const label = slider.querySelector('label').textContent;
        slider.querySelector('[role=slider]').setAttribute('aria-label', label);
        const readout = slider.querySelector('.widget-readout');
        readout.setAttribute('role', 'textbox');
        readout.setAttribute('aria-label', label + ' as a number');
    }
    panel.querySelector('.panel-status').setAttribute('role', 'status');
});
"""
"""ipywidgets shows a slider's label, but does not tie it to the slider; nor has it live regions."""


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


def _in_words(result):
    """One line about a run, for the status."""
    if result.trouble == "stopped":
        return f"{result.setting}: stopped. The chart shows what had happened until then."
    if result.trouble:
        return f"{result.setting}: {result.trouble}"
    return chart_words.title(result.timeline)
