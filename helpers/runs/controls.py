"""The controls of a panel: sliders, a field for the guess, buttons, and the line of its status.

They are widgets, and know nothing of runs. Their panel tells them what a press does: see `connect`.
"""

import html
import math
import sys
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from helpers import machine
from helpers.chart import words
from helpers.runs.runner import Setting

ONLY_STOP = "On Windows, only Stop ends what Run has started: an interrupt does not reach it."
"""What the panel says there. Elsewhere an interrupt reaches the children, and so ends the run."""

MOST_SECONDS = 3600
"""The longest guess: no lesson lasts longer."""

COUNT_PROCESSES = ("workers", "processes")
"""The sliders that count processes. The mark of the cores stands below them."""

SLIDER_WIDTH, LABEL_WIDTH, FIELD_WIDTH, BUTTON_WIDTH = "460px", "80px", "190px", "100px"
TRACK_LEFT, TRACK_WIDTH = 94, 284
"""Where ipywidgets draws a slider's track, in pixels; a test looks."""


class Controls:
    """The controls of one panel.

    Args:
        numbers: a slider for each, with the value to begin with.
        most: the right end of the sliders.
        methods: the start methods to choose from.
    """

    def __init__(self, numbers: dict[str, int], most: int, methods: Sequence[str]):
        self.sliders = {name: _slider(name, number, most) for name, number in numbers.items()}
        self.guess = _guess()
        self.unknown_button = _button("I don't know")
        self.method = _choice(methods)
        self.run_button = _button("Run", "play", button_style="success")
        self.stop_button = _button("Stop", "stop", disabled=True)
        self.save_button = _button("Save", "download")
        self.dark = widgets.Checkbox(value=False, description="Dark", indent=False)
        self.dark.layout.width = BUTTON_WIDTH
        self.progress = widgets.IntProgress()
        self.progress.layout = widgets.Layout(width="270px", visibility="hidden")
        self.so_far = widgets.Label()  # not in the status, which is read aloud at every change
        self.status = widgets.HTML().add_class("panel-status")
        self.core_mark = widgets.HTML(_core_mark(most), layout=_CLOSE_BELOW)
        self.controls = widgets.VBox([*self._rows(), self.status, _script(ON_THE_PAGE)])
        self._guessed = False  # the student has committed to a guess once

    def connect(
        self,
        *,
        run: Callable,
        stop: Callable,
        save: Callable,
        unknown: Callable,
        moved: Callable,
        redraw: Callable,
    ) -> None:
        """Say what is called, without arguments, when somebody uses a control.

        Args:
            run, stop, save, unknown: when that button is pressed.
            moved: when a slider, or the choice of the start method, has another value.
            redraw: when Dark is switched on or off.
        """
        for button, act in (
            (self.run_button, run),
            (self.stop_button, stop),
            (self.save_button, save),
            (self.unknown_button, unknown),
        ):
            button.on_click(lambda _, act=act: act())
        for control in (*self.sliders.values(), self.method):
            control.observe(lambda _: moved(), "value")
        self.dark.observe(lambda _: redraw(), "value")

    @property
    def setting(self) -> Setting:
        """What the controls say now."""
        numbers = {name: slider.value for name, slider in self.sliders.items()}
        return Setting(self.method.value, numbers)

    def say(self, text: str) -> None:
        """Say something in the status line."""
        self.status.value = html.escape(text)

    def show_running(self, running: bool) -> None:
        """Enable the buttons that make sense now, and begin the progress anew."""
        self.run_button.disabled = running
        self.stop_button.disabled = not running
        self.progress.layout.visibility = "visible" if running else "hidden"
        self.progress.value, self.so_far.value = 0, ""

    def show_progress(self, done: int, expected: int, to_go: str) -> None:
        """Say how many tasks are done, and how long the others will take, in words."""
        self.progress.max, self.progress.value = max(expected, 1), done
        self.so_far.value = f"{done} of {words.count(expected, 'task')} done{to_go}"

    @property
    def asks_for_guess(self) -> bool:
        """Whether there is a field for a guess: where it is about workers, and so about seconds."""
        return "workers" in self.sliders

    def read_guess(self) -> float | None:
        """Return the student's guess in seconds; None where there is none, and none is needed.

        Only the first run of the student's own needs one, and only if it is about workers.

        Raises:
            ValueError: if there is no guess, or it is no number of seconds. It says what to do.
        """
        text = self.guess.value.strip().removesuffix("s").strip().replace(",", ".")
        if not text:
            if self._guessed or not self.asks_for_guess:
                return None
            raise ValueError(
                f"First your guess: how many seconds will {self.setting} take, from the first "
                "start to the last finish? Write it below the slider, then press Run. Or press "
                "I don't know."
            )
        guess = _number(text)
        if not 0 < guess < MOST_SECONDS:
            raise ValueError(f"A guess is a number of seconds, such as 2.5, not {text!r}.")
        self._guessed = True
        return guess

    def need_no_guess(self) -> None:
        """Let the runs from now on begin without a guess."""
        self._guessed = True

    def _rows(self):
        """Yield the controls, row by row."""
        for name, slider in self.sliders.items():
            yield slider
            if name in COUNT_PROCESSES:
                yield self.core_mark
        progress = [self.progress, self.so_far]
        buttons = [self.method, self.run_button, self.stop_button, self.save_button, self.dark]
        if self.asks_for_guess:
            yield _row(self.guess, self.unknown_button, *progress)
            yield _row(*buttons)
        else:  # a row of its own would be empty until something runs
            yield _row(*buttons, *progress)
        if sys.platform == "win32":
            yield widgets.Label(ONLY_STOP)


def _number(text):
    """Return the number that a text says; nan if it says none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


# The widgets


_CLOSE_BELOW = widgets.Layout(margin="-10px 2px 0")


def _row(*controls):
    return widgets.HBox(controls, layout=widgets.Layout(align_items="center"))


def _slider(name, number, most):
    """Make a slider that fires when it is let go, not at every step on the way."""
    return widgets.IntSlider(
        value=number,
        min=1,
        max=most,
        description=name.capitalize().replace("_", " "),
        continuous_update=False,
        layout=widgets.Layout(width=SLIDER_WIDTH),
        style={"description_width": LABEL_WIDTH},
    )


def _guess():
    """Make the field for a guess. It tells its text as a whole, when the field is left.

    The page holds letters back as long as the kernel is busy, but not a click: Run would overtake
    the last letters.
    """
    return widgets.Text(
        description="Your guess",
        placeholder="seconds",
        continuous_update=False,
        layout=widgets.Layout(width=FIELD_WIDTH),
    )


def _choice(methods):
    """Make the choice of a start method, beginning with the course's default."""
    default = machine.default_start_method()
    return widgets.Dropdown(
        options=methods,
        value=default if default in methods else methods[0],
        description="Start by",
        layout=widgets.Layout(width=FIELD_WIDTH),
    )


def _button(description, icon="", **more):
    layout = widgets.Layout(width=BUTTON_WIDTH)
    return widgets.Button(description=description, icon=icon, layout=layout, **more)


def _core_mark(most):
    """Return a mark, as HTML, for below a slider: at the number of cores that this seat has."""
    cores = machine.usable_cores()
    place = TRACK_LEFT + TRACK_WIDTH * (min(cores.count, most) - 1) / max(1, most - 1)
    arrow = "▲" if cores.count <= most else "▶"  # beyond the slider's end
    return (
        f'<div title="{html.escape(cores.reason)}" style="position:relative;line-height:1.2">'
        f'<span class="core-mark" style="position:absolute;left:{place:.0f}px;'
        f'transform:translateX(-50%)">{arrow}</span>'
        f'<span style="margin-left:{place + 10:.0f}px">'
        f"{words.count(cores.count, 'core')} here</span></div>"
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
"""ipywidgets shows a slider's label, but does not tie it to the slider, and it has no live regions.
It also sets the lines of a text as far apart as buttons: then the picture would be out of sight."""


def _script(code):
    """Make a widget that runs a script where it is shown."""
    output = {
        "output_type": "display_data",
        "data": {"application/javascript": code},
        "metadata": {},
    }
    return widgets.Output(outputs=(output,), layout=widgets.Layout(height="0", margin="0"))
