"""`explore`: an experiment with a slider.

An experiment is a function of an observed context and some numbers, which the student can read
and edit:

    def run(mp, workers):
        with mp.Pool(workers) as pool:
            pool.map(long_time_task, range(5), chunksize=1)

    explore(run, workers=4)

It runs once as the cell runs, so that a saved notebook has its picture, and again whenever
somebody presses Run: then the bars grow while the processes work. The controls and the picture are
widgets; the picture is an ordinary output of the cell, too, since only that survives saving,
exporting and the end of the kernel: see `helpers/runs/output.py`.
"""

import contextlib
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from helpers import machine
from helpers.chart import words
from helpers.chart.live import LiveChart
from helpers.chart.picture import picture_html
from helpers.chart.scene import Scene
from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.parent.checks import check_workers
from helpers.runs.controls import Controls
from helpers.runs.files import save_runs
from helpers.runs.kernel_interrupts import tell_of_interrupts
from helpers.runs.outcome import outcome, to_go
from helpers.runs.output import Output, compared_html, compared_pieces
from helpers.runs.printed import Printed
from helpers.runs.runner import RUNNER, Attempt, Job, Result, Setting, is_inside_a_run
from helpers.schedule import predict
from helpers.timeline import RUNNING, Timeline

WORKERS = "workers"
"""The slider whose numbers are numbers of processes."""

LAST_ON_SLIDER = 100_000
"""The farthest end of a slider: a page with a longer one can no longer be moved by hand."""


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
            are not whole numbers from 1 to `most`, or a `most` beyond what a slider holds. A
            ValueError after the run, too, if it had another number of tasks than durations.
        RuntimeError: if it is called within an experiment.
    """
    if is_inside_a_run():
        raise RuntimeError("explore is for a cell, not for a function that a panel runs")
    _check_runs(run)
    numbers = numbers or {"workers": 4}
    _check_takes(run, numbers)
    get_context()  # refuses a START_METHOD that does not exist here
    _check_numbers(numbers, most)
    if durations is not None:
        durations = list(durations)
        predict(durations, 1)  # refuses what is not a duration, before anything starts
        if "workers" not in numbers:
            raise ValueError("durations predict what a number of workers does: give workers= too")
    panel = Panel(run, numbers, most, durations, context)
    panel.run_in_this_cell()
    return panel


def _check_runs(run):
    """Raise TypeError unless a call of `run` runs something."""
    if not callable(run):
        raise TypeError(f"explore needs a function to run, such as run(mp, workers), not {run!r}")
    kinds = inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction
    if any(is_of_kind(run) for is_of_kind in kinds):
        raise TypeError(
            "your function runs nothing when it is called: write a plain one, without async and "
            "yield"
        )


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


def _check_numbers(numbers, most):
    """Raise TypeError or ValueError unless all numbers lie on a slider from 1 to `most`."""
    if WORKERS in numbers:
        check_workers(most)
    for name, number in {"most": most, **numbers}.items():
        if name == WORKERS:
            check_workers(number)
        elif isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name} must be a whole number, not {number!r}")
        elif not 1 <= number <= LAST_ON_SLIDER:
            raise ValueError(f"{name} must be from 1 to {LAST_ON_SLIDER:,}, not {number!r}")
        if number > most:
            raise ValueError(
                f"{name}={number} is beyond the slider, which ends at {most}; give most="
            )


class _Shown(NamedTuple):
    """The content of a panel's picture: a run, or a prediction alone."""

    timeline: Timeline
    predicted: Timeline | None = None
    guess: float | None = None
    printed: Printed | None = None


def _as_html(printed):
    """Return what a run has printed as HTML; nothing if it has not begun."""
    return "" if printed is None else printed.as_html()


class Panel(Controls):
    """The controls and the picture of one experiment, and the results of all its runs."""

    def __init__(self, run, numbers, most, durations=None, context=get_context):
        super().__init__(numbers, most, getattr(context, "methods", machine.start_methods()))
        self.results: list[Result] = []
        self.attempt = None  # the attempt that was asked for last, until it is over
        self.experiment = run
        self._context = context
        self._durations = durations
        self._output = Output()
        self._lock = threading.RLock()  # callbacks come from more than one thread
        self.connect(
            run=self.request_run,
            stop=self.request_stop,
            save=self.save,
            unknown=self._guess_nothing,
            moved=self._moved,
            redraw=self._redraw,
        )

    def __repr__(self):
        return "Panel"

    def _ipython_display_(self):
        """Show nothing: `explore` has shown the panel already."""

    # The cell's own run

    def run_in_this_cell(self) -> None:
        """Run to the end, then show the controls and the picture.

        They are shown after an interrupt, too. Then the cell ends as any interrupted cell does, so
        that the cells after it do not run.
        """
        tell_of_interrupts(RUNNER.interrupt)
        attempt = self._new_attempt()
        result = RUNNER.make_here(attempt)
        self.results.append(result)
        self.say(outcome(result))
        if result.trouble:
            print(outcome(result))  # for those who read the notebook without its kernel
        shown = _Shown(result.timeline, self._prediction_beside(result), None, result.printed)
        chart, png = self._draw(shown)
        compared = compared_html(self.results, dark=self.dark.value)
        self._output.show(self.controls, chart, compared, png)
        if attempt.broken_off:
            raise KeyboardInterrupt
        self._check_durations(result)

    def _check_durations(self, result):
        """Raise ValueError if a whole run had another number of tasks than was predicted."""
        ran = len(result.timeline.tasks)
        if self._durations is None or result.trouble or ran in (0, len(self._durations)):
            return
        raise ValueError(
            f"durations has {words.count(len(self._durations), 'number')}, but the run had "
            f"{words.count(ran, 'task')}: give one for each, in the order of their submission"
        )

    # Running again

    def request_run(self, *, settle: bool = False) -> None:
        """Run what the controls say, in the background; a run under way is given up for it.

        With `settle`, the run waits a moment for a later request.
        """
        with self._lock:
            try:
                guess = self.read_guess()
            except ValueError as error:
                return self.say(str(error))
            try:
                self._request(guess, settle)
            except Exception as error:  # no more threads, no more memory, no room for logs
                self._set_running(None)
                self.say(f"The run could not begin: {type(error).__name__}: {error}")

    def _request(self, guess, settle):
        """Ask the runner for an attempt at what the controls say."""
        attempt = self._new_attempt()
        self._set_running(attempt)
        self._wait(attempt, False)
        predicted = self._prediction(attempt.setting)
        live = self._live_chart(attempt.setting, predicted, guess)
        job = Job(
            attempt,
            look=lambda timeline: self._look(attempt, timeline, predicted, live),
            finish=lambda result: self._finish(attempt, result, guess),
            drop=lambda: self._drop(attempt),
            wait=lambda waits: self._wait(attempt, waits),
        )
        RUNNER.request(job, settle=settle)

    def request_stop(self) -> None:
        """Stop the run that is under way."""
        RUNNER.stop()

    def _new_attempt(self):
        return Attempt(self.experiment, self.setting, self._context)

    def _set_running(self, attempt):
        self.attempt = attempt
        self.show_running(attempt is not None)

    def _wait(self, attempt, waits):
        """Say whether a run is under way, or waits for another one."""
        with self._lock:
            if self.attempt is attempt:
                does = "waits for the run of another cell …" if waits else "running …"
                self.say(f"{attempt.setting}: {does}")

    def _look(self, attempt, timeline, predicted, live):
        """Draw a frame: in the runner's thread, while the run goes on."""
        if self.attempt is not attempt:
            return
        with self._told_if_it_fails():
            done = int(np.count_nonzero(timeline.tasks.outcome != RUNNING))
            expected = max(len(timeline.tasks), self._expected_tasks())
            self.show_progress(done, expected, to_go(timeline, expected, predicted))
            alt = f"{words.title(Scene(timeline))}. The run goes on."
            picture = picture_html(live.frame(timeline), alt)
            self._output.show_for_now(picture + _as_html(attempt.printed))

    def _finish(self, attempt, result, guess):
        """Keep a run that is over, unless another one was asked for in the meantime."""
        with self._lock:  # a slider that is moved now is heard after us
            if self.attempt is not attempt:
                return
            expected = self._expected_tasks()
            self.results.append(result)
            with self._told_if_it_fails():
                predicted = self._prediction_beside(result)
                self.say(outcome(result, predicted, guess, expected))
                self._show(_Shown(result.timeline, predicted, guess, result.printed))
            self.guess.value = ""
            self._set_running(None)
        with self._told_if_it_fails():
            self._show_compared()

    def _drop(self, attempt):
        """Say that a run was given up before it began, unless it was for another one."""
        with self._lock:
            if self.attempt is attempt:
                self._set_running(None)
                self.say(f"{attempt.setting}: stopped before it began.")
        with self._told_if_it_fails():
            self._show_compared()  # the request may have kept this from being done

    @contextlib.contextmanager
    def _told_if_it_fails(self):
        """Tell of a chart that cannot be drawn: the runner's thread has nobody else to tell."""
        try:
            yield
        except Exception as error:
            self.say(f"the chart could not be drawn: {type(error).__name__}: {error}")

    # Using the other controls

    def _moved(self):
        """Ask for a run; if one is under way, begin again with the new numbers.

        What is predicted comes with the run, since it would answer what is to be guessed.
        """
        with self._lock:
            if self.attempt is not None:
                self.need_no_guess()  # what goes on must not wait for one
                return self.request_run(settle=True)
            guess = "write your guess, then " if self.asks_for_guess else ""
            self.say(f"{self.setting}: {guess}press Run.")

    def _guess_nothing(self):
        """Show a student who does not know what is predicted, where that is known."""
        with self._lock:
            self.need_no_guess()
            if self.attempt is not None:
                return
            predicted = self._prediction(self.setting)
            if predicted is None:
                return self.say(f"{self.setting}: then press Run, and see.")
            self._show(_Shown(predicted))
            makespan = words.seconds(predicted.makespan)
            self.say(f"{self.setting}: predicted makespan {makespan}. Press Run.")

    def _redraw(self):
        """Draw everything once more, after Dark was switched."""
        if self.attempt is None:
            self._show(self._shown)
            self._show_compared()

    def save(self) -> None:
        """Save all runs as files beside the notebook: see `helpers/runs/files.py`."""
        newest, cores = self.results[-1], machine.usable_cores().count
        predicted, dark = self._prediction_beside(newest), self.dark.value
        try:
            paths = save_runs(self.results, cores, predicted=predicted, dark=dark)
        except OSError as error:
            return self.say(f"Not everything could be saved here: {error}")
        *pictures, trace = [path.name for path in paths]
        self.say(
            f"Saved beside this notebook: {', '.join(pictures)}, and the newest run as a trace for "
            f"ui.perfetto.dev or chrome://tracing: {trace}."
        )

    # What is expected

    def _prediction(self, setting: Setting) -> Timeline | None:
        """Return the schedule that is expected with these numbers, where durations are known."""
        if self._durations is None:
            return None
        numbers = setting.numbers
        return predict(self._durations, numbers["workers"], numbers.get("chunksize", 1))

    def _prediction_beside(self, result: Result) -> Timeline | None:
        """Return the schedule to draw beside a run; beside a run with trouble there is none."""
        return None if result.trouble else self._prediction(result.setting)

    def _expected_tasks(self):
        """Return how many tasks the next run will have: as many as are predicted, or as before.

        After a run with trouble, that is not known.
        """
        if self._durations is not None:
            return len(self._durations)
        before = self.results[-1]
        return 0 if before.trouble else len(before.timeline.tasks)

    # What is shown

    def _live_chart(self, setting, predicted, guess):
        """Return the empty chart of a run that is about to begin, as large as it will be."""
        before = self.results[-1].timeline
        end = Scene(before).end
        if predicted is not None:
            end = 1.05 * (Scene(before).first_start + max(predicted.makespan, guess or 0))
        workers = setting.numbers.get("workers", 0)
        return LiveChart(workers, end, predicted, guess, dark=self.dark.value)

    def _show(self, shown):
        """Put a chart, and what its run has printed, in place of the one that is shown.

        A prediction is soon replaced by the next one, or by a run: it is not kept.
        """
        if shown.timeline.predicted:
            self._output.show_for_now(self._chart(shown).html_for_now())
        else:
            self._output.update_chart(*self._draw(shown))

    def _draw(self, shown):
        """Return a chart, and what its run has printed, as HTML; and the chart as a PNG file."""
        chart = self._chart(shown)
        return chart._repr_html_() + _as_html(shown.printed), chart._repr_png_()

    def _chart(self, shown):
        self._shown = shown
        dark = self.dark.value
        return gantt(shown.timeline, shown.predicted, guess=shown.guess, dark=dark)

    def _show_compared(self):
        """Compare all runs. A press gives that up: the runs are compared after the new one, too."""
        pieces = []
        for piece in compared_pieces(self.results, dark=self.dark.value):
            if self.attempt is not None:
                return
            pieces.append(piece)
        self._output.update_comparison("".join(pieces))
