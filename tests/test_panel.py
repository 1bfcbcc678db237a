"""The panel's logic, without a browser: real widgets, real processes, a picture that is caught."""

import functools
import html
import json
import re
import sys
import threading
import time
import warnings

import psutil
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers import machine, panel
from helpers.exercises.watching import watch
from helpers.panel import explore
from helpers.runs import controls, output
from helpers.runs.runner import RUNNER, Attempt, Setting
from helpers.schedule import predict
from tests.support.anything import ANYTHING, NUMBERS, PLAIN, examples
from tests.support.within import until


def status(shown: panel.Panel) -> str:
    """What the panel's status line says."""
    return html.unescape(re.sub("<.*?>", "", shown.status.value))


def is_idle(shown: panel.Panel) -> bool:
    return not shown.run_button.disabled and shown.stop_button.disabled


def run_again(shown: panel.Panel) -> None:
    """Press Run and wait for the end."""
    press_run(shown)
    until(lambda: is_idle(shown), "the run was over")


def press_run(shown: panel.Panel) -> None:
    """Guess something and press Run."""
    shown.guess.value = "2"
    shown.run_button.click()


class Page:
    """What would be on the page: widgets, and the HTML of each ordinary output that has an id."""

    def __init__(self, made):
        self.widgets, self.texts, self.html, self.updates = [], [], {}, []
        self._made = made

    def display(self, shown, *, raw=False, display_id=None):
        self.texts.append(shown["text/plain"] if raw else repr(shown))
        if display_id is None:
            self.widgets.append(shown)
        else:
            self.html[display_id] = shown["text/html"] if raw else shown._repr_html_()

    def update_display(self, shown, *, raw, display_id):
        assert display_id in self.html, "an update of something that was never shown"
        assert shown["text/plain"] == "Chart"
        self.html[display_id] = shown["text/html"]
        self.updates.append(display_id)

    def pictures(self):
        """The pictures of all panels, and what their runs have printed: what the widgets show."""
        return [made.chart.value for made in self._made]

    def kept(self):
        """The same as it will be in a saved notebook: the ordinary outputs."""
        return [value for name, value in self.html.items() if "plain-sight-chart-" in name]

    def alt(self):
        """The alternative text of the only panel's picture."""
        (picture,) = self.pictures()
        return alt_of(picture)

    def comparison(self):
        """What compares the runs of the only panel, as HTML."""
        (made,) = self._made
        return made.comparison.value

    def kept_comparison(self):
        """The same as it will be in a saved notebook."""
        (comparison,) = [value for name, value in self.html.items() if "comparison" in name]
        return comparison

    def is_empty(self):
        return not self.widgets and not self.html


def alt_of(picture):
    """The alternative text of a picture that is given as HTML."""
    return html.unescape(re.search(r'<img[^>]*\balt="([^"]*)"', picture)[1])


@pytest.fixture
def page(monkeypatch):
    """Catch what is displayed."""
    made = []

    class CaughtOutput(output.Output):
        def __init__(self):
            super().__init__()
            made.append(self)

    caught = Page(made)
    monkeypatch.setattr(panel, "Output", CaughtOutput)
    monkeypatch.setattr(output, "display", caught.display)
    monkeypatch.setattr(output, "update_display", caught.update_display)
    return caught


def nap(mp, workers):
    """Three short tasks."""
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, [0.01, 0.01, 0.01], chunksize=1)


def nap_and_hang(mp, workers):
    """A short task and then long ones, for those who want to stop it or move a slider meanwhile."""
    with mp.Pool(workers) as pool:
        pool.map(time.sleep, [0.01] + [600] * workers, chunksize=1)


def nap_then_hang():
    """An experiment that ends when it is run first, by its cell, and hangs from then on."""
    first = True

    def run(mp, workers):
        nonlocal first
        (nap if first else nap_and_hang)(mp, workers)
        first = False

    return run


class Switch:
    """An experiment that hangs when it is told to, and knows how many of it run at once."""

    def __init__(self):
        self.hang = False
        self.running = self.most_at_once = 0
        self.calls = []
        self._lock = threading.Lock()

    def run(self, mp, workers):
        with self._lock:
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
            self.calls.append(workers)
        try:
            if self.hang:
                mp.Queue().get()
        finally:
            with self._lock:
                self.running -= 1


@pytest.fixture
def switch():
    return Switch()


# The cell's own run


def test_the_cell_itself_makes_the_first_run_and_shows_its_picture_once(page):
    shown = explore(nap, workers=2)
    assert [len(result.timeline.tasks) for result in shown.results] == [3]
    assert len(page.pictures()) == 1
    assert "2 spawn workers, 3 tasks" in page.alt().replace(shown.method.value, "spawn")
    assert not page.updates  # display and update in one cell would trouble nbval


def test_after_the_first_run_the_status_says_what_the_chart_says(page):
    shown = explore(nap, workers=2)
    assert re.fullmatch(r"2 \w+ workers, 3 tasks: makespan [\d.]+ s\.", status(shown))
    assert is_idle(shown)


def test_without_numbers_there_is_a_slider_for_four_workers(page, switch):
    shown = explore(switch.run)
    assert switch.calls == [4]
    assert {name: slider.value for name, slider in shown.sliders.items()} == {"workers": 4}


def test_each_number_has_a_slider_and_all_of_them_reach_the_experiment(page):
    calls = []
    shown = explore(
        lambda mp, readers, writers: calls.append((readers, writers)), readers=1, writers=2
    )
    shown.sliders["readers"].value = 3
    shown.sliders["writers"].value = 5
    run_again(shown)
    assert calls == [(1, 2), (3, 5)]


def test_the_words_that_are_saved_beside_controls_and_picture_are_the_same_on_every_machine(
    page, switch, monkeypatch
):
    texts = []
    for cores, methods in ((1, ["spawn"]), (96, ["fork", "spawn", "forkserver"])):
        monkeypatch.setattr(machine, "usable_cores", lambda n=cores: machine.Cores(n, "a test"))
        monkeypatch.setattr(machine, "start_methods", lambda m=methods: m)
        monkeypatch.setattr(machine, "default_start_method", lambda: "spawn")
        explore(switch.run, workers=4)
        texts.append(page.texts)
        page.texts = []
    assert texts[0] == texts[1] == ["Run this cell to get its sliders.", "Chart", "Chart"]


def test_the_panel_as_the_last_value_of_a_cell_is_not_shown_a_second_time(page, switch):
    shown = explore(switch.run)
    before = list(page.texts)
    assert shown._ipython_display_() is None
    assert page.texts == before
    assert repr(shown) == "Panel"


def test_the_first_run_starts_with_the_method_that_the_environment_names(page, switch, monkeypatch):
    for method in machine.start_methods():
        monkeypatch.setenv("START_METHOD", method)
        assert explore(nap, workers=1).results[0].timeline.method == method


def test_another_start_method_can_be_chosen(page):
    shown = explore(nap, workers=1)
    for method in machine.start_methods():
        shown.method.value = method
        run_again(shown)
        assert shown.results[-1].timeline.method == method
        assert method in page.alt()


# Prediction


def test_moving_the_slider_keeps_the_prediction_back_until_somebody_says_not_to_know(page, switch):
    shown = explore(switch.run, workers=4, durations=[1.0, 1.0, 1.0, 1.0, 1.0])
    before = set(psutil.Process().children(recursive=True))
    shown.sliders["workers"].value = 5
    assert not page.updates
    assert status(shown) == "workers=5: write your guess, then press Run."
    shown.unknown_button.click()
    assert "Predicted: 5 workers, 5 tasks: makespan 1.00 s" in page.alt()
    assert status(shown) == "workers=5: predicted makespan 1.00 s. Press Run."
    shown.sliders["workers"].value = 1
    assert "5.00" not in page.alt() + status(shown), "the next question is asked anew"
    shown.unknown_button.click()
    assert "Predicted: 1 worker, 5 tasks: makespan 5.00 s" in page.alt()
    assert switch.calls == [4]
    assert len(shown.results) == 1
    assert set(psutil.Process().children(recursive=True)) == before


def test_a_slider_for_the_chunk_size_moves_the_prediction(page, switch):
    def run(mp, workers, chunksize):
        switch.run(mp, workers)

    shown = explore(run, workers=2, chunksize=1, durations=[1.0, 1.0, 1.0, 1.0])
    shown.sliders["chunksize"].value = 3
    shown.unknown_button.click()
    assert "predicted makespan 3.00 s" in shown.status.value


def test_without_known_durations_moving_the_slider_asks_to_press_run(page, switch):
    shown = explore(switch.run, workers=4)
    shown.sliders["workers"].value = 5
    assert status(shown) == "workers=5: write your guess, then press Run."
    shown.unknown_button.click()
    assert status(shown) == "workers=5: then press Run, and see."
    assert not page.updates
    assert switch.calls == [4]
    shown.run_button.click()
    until(lambda: is_idle(shown), "the run was over")
    assert switch.calls == [4, 5], "who does not know need not guess"


def test_not_to_know_while_a_run_goes_on_changes_nothing_that_is_shown(page, switch):
    shown = explore(switch.run, workers=4, durations=[1.0])
    switch.hang = True
    press_run(shown)
    shown.unknown_button.click()
    assert status(shown) == "workers=4: running …"
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")


def test_the_prediction_stands_beside_what_was_measured(page):
    explore(nap, workers=2, durations=[0.01, 0.01, 0.01])
    assert "predicted makespan 0.02" in page.alt().lower()


def test_the_dark_palette_redraws_what_is_shown_and_runs_nothing(page, switch):
    shown = explore(switch.run, workers=4, durations=[1.0])
    shown.sliders["workers"].value = 3
    shown.unknown_button.click()
    light, alt = page.pictures(), page.alt()
    shown.dark.value = True
    assert page.alt() == alt
    assert page.pictures() != light
    shown.dark.value = False
    assert page.pictures() == light
    assert switch.calls == [4]


# Run


def test_run_works_in_the_background_and_then_updates_the_picture(page):
    shown = explore(nap, workers=1)
    shown.sliders["workers"].value = 3
    press_run(shown)
    assert status(shown) == "workers=3: running …"
    assert shown.run_button.disabled
    until(lambda: is_idle(shown), "the run was over")
    assert [result.timeline.workers for result in shown.results] == [1, 3]
    until(lambda: "3 tasks: makespan" in page.alt(), "the last picture was there")
    assert status(shown).startswith(f"3 {shown.method.value} workers, 3 tasks: makespan")
    assert len(page.pictures()) == 1  # the same picture, not another one below


def test_while_a_run_goes_on_its_picture_and_its_progress_are_live(page):
    shown = explore(nap_then_hang(), workers=2, durations=[0.01, 600, 600])
    press_run(shown)
    until(lambda: "The run goes on." in page.alt(), "a frame was there")
    until(lambda: shown.so_far.value.startswith("1 of 3 tasks done, about "), "a task was done")
    assert (shown.progress.value, shown.progress.max) == (1, 3)
    assert shown.progress.layout.visibility == "visible"
    assert status(shown) == "workers=2: running …"  # a voice that reads it should not go on and on
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    until(lambda: "The run goes on." not in page.alt(), "the last picture was there")
    until(lambda: shown.progress.layout.visibility == "hidden", "the progress was gone")
    until(lambda: shown.so_far.value == "", "what was said of it was gone")


def test_many_requests_at_once_make_one_run_of_the_last(page, switch):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    switch.hang = False
    for workers in range(2, 9):  # as fast as an arrow key that is held down
        shown.sliders["workers"].value = workers
    until(lambda: is_idle(shown), "the run was over")
    assert switch.calls == [1, 1, 8]
    assert [result.setting.numbers["workers"] for result in shown.results] == [1, 8]


def test_slider_moved_before_a_run_has_begun_changes_that_run(page, switch, monkeypatch):
    shown = explore(switch.run, workers=1)
    begun_and_waiting(shown, switch, monkeypatch)
    shown.sliders["workers"].value = 3
    shown.request_run()  # at once, in place of the one that waits
    until(lambda: is_idle(shown), "the run was over")
    assert switch.calls == [1, 1, 3]


def begun_and_waiting(shown, switch, monkeypatch):
    """Begin a run that hangs, and move the slider: then a run of 2 workers waits to begin."""
    monkeypatch.setattr("helpers.runs.runner.DEBOUNCE", 600.0)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    shown.sliders["workers"].value = 2
    until(lambda: not switch.running, "the run was given up")
    switch.hang = False


def test_slider_moved_in_mid_run_stops_the_old_run_and_the_latest_wins(page, switch):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    shown.sliders["workers"].value = 2
    until(lambda: switch.calls == [1, 1, 2] and switch.running, "the second run hung too")
    assert status(shown) == "workers=2: running …"
    switch.hang = False
    shown.sliders["workers"].value = 3
    until(lambda: is_idle(shown), "the last run was over")
    assert switch.calls == [1, 1, 2, 3]
    assert switch.most_at_once == 1
    assert [result.setting.numbers["workers"] for result in shown.results] == [1, 3]
    assert [result.trouble for result in shown.results] == ["", ""]


def test_two_panels_never_run_over_each_other(page, switch):
    one, other = explore(switch.run, workers=1), explore(switch.run, workers=2)
    switch.hang = True
    press_run(one)
    until(lambda: switch.running, "the first panel's run hung")
    press_run(other)
    until(lambda: switch.calls == [1, 2, 1, 2] and switch.running, "the second panel's run hung")
    until(lambda: is_idle(one), "the first panel had given up")
    assert "stopped" in status(one)
    assert status(other) == "workers=2: running …"
    other.stop_button.click()
    until(lambda: is_idle(other), "the second panel had stopped")
    assert switch.most_at_once == 1


def test_a_panel_whose_run_had_not_begun_when_another_took_its_place_says_so(
    page, switch, monkeypatch
):
    one, other = explore(switch.run, workers=1), explore(switch.run, workers=2)
    begun_and_waiting(one, switch, monkeypatch)
    press_run(other)
    until(lambda: is_idle(one) and is_idle(other), "both were done")
    assert switch.calls == [1, 2, 1, 2]
    assert status(one) == "workers=2: stopped before it began."


def test_a_cell_that_is_run_again_ends_the_background_run_of_the_old_panel(page, switch):
    old = explore(switch.run, workers=1)
    switch.hang = True
    press_run(old)
    until(lambda: switch.running, "the run hung")
    switch.hang = False
    explore(switch.run, workers=3)
    assert switch.calls == [1, 1, 3]
    assert switch.most_at_once == 1
    until(lambda: is_idle(old), "the old panel had stopped")


def test_a_run_that_waits_for_the_run_of_another_cell_says_so(page, switch):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    attempt = Attempt(switch.run, Setting("spawn", {"workers": 2}))
    cell = threading.Thread(target=RUNNER.make_here, args=(attempt,), daemon=True)
    cell.start()
    until(lambda: switch.running, "the cell's run hung")
    press_run(shown)
    said = "workers=1: waits for the run of another cell …"
    until(lambda: status(shown) == said, "it was told")
    switch.hang = False
    attempt.stop()
    cell.join()
    until(lambda: is_idle(shown), "the run was over")
    assert status(shown).startswith("Nothing has run yet")
    assert switch.most_at_once == 1


def test_a_check_ends_the_background_run_of_a_panel(page, switch):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    switch.hang = False
    assert watch(lambda mp: switch.run(mp, 7)).error is None
    assert switch.calls == [1, 1, 7]
    assert switch.most_at_once == 1
    until(lambda: is_idle(shown), "the panel had stopped")
    assert "stopped" in status(shown)


def test_a_panel_that_is_asked_to_run_during_a_check_waits_and_says_so(page, switch):
    shown = explore(switch.run, workers=1)
    said = []

    def answer(mp):
        press_run(shown)
        until(lambda: "waits" in status(shown), "the panel said so")
        said.append(status(shown))

    watch(answer)
    assert said == ["workers=1: waits for the run of another cell …"]
    until(lambda: is_idle(shown), "the run was over")
    assert switch.calls == [1, 1]


def test_all_panels_together_leave_at_most_one_idle_thread(page, switch):
    before = set(threading.enumerate())
    for _ in range(3):
        run_again(explore(switch.run, workers=1))
    until(lambda: extra_threads() <= before, "the other threads had ended")
    new = set(threading.enumerate()) - before
    assert [t.name for t in new].count("panel runner") <= 1


def extra_threads():
    """Threads that wait for the end of a context's processes."""
    return {thread for thread in threading.enumerate() if "watcher" in thread.name}


# The guess


def test_the_first_run_of_the_students_own_waits_for_a_guess(page, switch):
    shown = explore(switch.run, workers=2)
    shown.run_button.click()
    assert status(shown).startswith("First your guess: how many seconds will workers=2 take")
    assert is_idle(shown)
    assert switch.calls == [2]
    run_again(shown)
    shown.run_button.click()  # and no later run does
    until(lambda: is_idle(shown), "the run was over")
    assert switch.calls == [2, 2, 2]


@pytest.mark.parametrize("guess", ["soon", "0", "-1", "nan", "inf", "1e9", "2 3"])
def test_what_is_no_number_of_seconds_is_no_guess(page, switch, guess):
    shown = explore(switch.run, workers=2)
    shown.guess.value = guess
    shown.run_button.click()
    assert status(shown) == f"A guess is a number of seconds, such as 2.5, not {guess!r}."
    assert switch.calls == [2]


@pytest.mark.parametrize("guess", ["2.5", " 2.5 s", "2,5"])
def test_the_guess_is_held_against_what_was_measured_in_words_and_on_the_chart(page, guess):
    shown = explore(nap, workers=2)
    shown.guess.value = guess
    shown.run_button.click()
    until(lambda: is_idle(shown), "the run was over")
    assert re.search(r"You said 2\.50 s; it took [\d.]+ s\.", status(shown))
    until(lambda: "2.50 s" in page.alt(), "the guess was in the picture's words")
    assert shown.guess.value == ""  # ready for the next one


def test_where_no_number_of_workers_is_asked_for_no_guess_is(page):
    calls = []
    shown = explore(lambda mp, pieces: calls.append(pieces), pieces=2)
    shown.run_button.click()
    until(lambda: is_idle(shown), "the run was over")
    assert calls == [2, 2]
    assert not re.search("guess", repr(shown.controls.children))
    rows = [
        row for row in shown.controls.children if shown.progress in getattr(row, "children", ())
    ]
    assert [shown.run_button in row.children for row in rows] == [True], "no row is empty"


# What a run prints


def says(mp, workers):
    print(f"with {workers} workers & <none>")
    thread = threading.Thread(target=print, args=("from a thread of the run",))
    thread.start()
    thread.join()


def test_what_a_run_prints_stands_under_the_chart_of_that_run(page, capsys):
    shown = explore(says, workers=2)
    assert "with 2 workers &amp; &lt;none&gt;\nfrom a thread" in page.pictures()[0]
    shown.sliders["workers"].value = 3
    run_again(shown)
    (picture,) = page.pictures()
    assert "with 3 workers &amp;" in picture
    assert "with 2 workers" not in picture
    shown.dark.value = True
    assert "with 3 workers &amp;" in page.pictures()[0]
    assert capsys.readouterr().out == ""


def test_under_a_prediction_stands_nothing_that_was_printed(page):
    shown = explore(says, workers=2, durations=[1.0])
    shown.sliders["workers"].value = 3
    shown.unknown_button.click()
    assert "workers &amp;" not in page.pictures()[0]


def test_what_a_run_has_printed_so_far_is_there_while_it_goes_on(page, switch):
    def run(mp, workers):
        print("under way")
        switch.run(mp, workers)

    shown = explore(run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: "The run goes on." in page.alt() and "under way" in page.pictures()[0], "so far")
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    assert "under way" in page.pictures()[0]


def test_what_another_cell_prints_meanwhile_stays_with_that_cell(page, switch, capsys):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    print("from a cell")
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    assert capsys.readouterr().out == "from a cell\n"
    assert "from a cell" not in page.pictures()[0]


@pytest.mark.parametrize("method", machine.start_methods())
def test_what_children_print_is_recorded_as_ever(page, method):
    def run(mp, workers):
        with mp.Pool(workers) as pool:
            pool.map(print, ["from a child"])

    shown = explore(run, workers=1)
    shown.method.value = method
    run_again(shown)
    assert [line.text for line in shown.results[-1].timeline.lines] == ["from a child"]
    assert "from a child" not in page.pictures()[0].partition("<!--/chart-->")[2]


# What is kept


def test_of_each_run_the_last_chart_is_kept_and_no_frame_and_no_prediction(page, switch):
    shown = explore(switch.run, workers=2, durations=[1.0])
    kept = page.kept()
    assert kept[0] in page.pictures()[0]
    shown.sliders["workers"].value = 3
    shown.unknown_button.click()
    assert "Predicted: 3 workers" in page.alt()
    switch.hang = True
    press_run(shown)
    until(lambda: "The run goes on." in page.alt(), "a frame was there")
    assert page.kept() == kept
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    assert page.kept() != kept
    assert page.kept()[0] in page.pictures()[0]


def test_the_comparison_that_is_kept_is_the_one_that_is_shown(page):
    shown = explore(nap, workers=1)
    assert page.kept_comparison() in page.comparison()
    run_again(shown)
    until(lambda: "Compare 2 runs" in page.kept_comparison(), "two runs were compared")
    assert page.kept_comparison() in page.comparison()


# Earlier runs


def test_from_the_second_run_on_all_runs_are_compared(page):
    shown = explore(nap, workers=1)
    assert "Compare" not in page.comparison()
    run_again(shown)
    until(lambda: "Compare 2 runs" in page.comparison(), "two runs were compared")
    run_again(shown)
    until(lambda: "Compare 3 runs" in page.comparison(), "three runs were compared")
    assert "<table" in page.comparison()


def test_a_press_does_not_wait_until_all_runs_are_compared(page, switch, monkeypatch):
    drawn = []

    def run(mp, workers):
        drawn.append("run")
        switch.run(mp, workers)

    def draw_comparison(*args, **options):
        drawn.append("comparison")
        if drawn.count("comparison") == 1:
            press_run(shown)
        return comparison(*args, **options)

    def draw_together(*args, **options):
        for chart in charts_together(*args, **options):
            drawn.append("chart")
            yield chart

    shown = explore(run, workers=1)
    comparison, charts_together = output.comparison, output.charts_together
    monkeypatch.setattr(output, "comparison", draw_comparison)
    monkeypatch.setattr(output, "charts_together", draw_together)
    run_again(shown)
    until(lambda: "Compare 3 runs" in page.comparison(), "three runs were compared")
    assert drawn == ["run", "run", "comparison", "run", "comparison", "chart", "chart", "chart"]


def test_a_press_that_is_taken_back_leaves_all_runs_compared(page, switch, monkeypatch):
    def draw_comparison(*args, **options):
        if not pressed:
            pressed.append(True)
            press_run(shown)
            shown.stop_button.click()
        return comparison(*args, **options)

    pressed, shown = [], explore(switch.run, workers=1)
    comparison = output.comparison
    monkeypatch.setattr(output, "comparison", draw_comparison)
    run_again(shown)
    until(lambda: "Compare 2 runs" in page.comparison(), "two runs were compared")


def test_runs_by_each_start_method_stand_below_each_other_under_their_names(page):
    shown = explore(nap, workers=1)
    for method in machine.start_methods():
        shown.method.value = method
        run_again(shown)
    used = [result.setting.method for result in shown.results]
    until(
        lambda: f"The latest {len(used)}, on one time axis" in page.comparison(), "all were there"
    )
    curve, *charts = re.findall(r'<img[^>]*\balt="([^"]*)"', page.comparison())
    assert [re.search(r"1 (\w+) worker, 3 tasks", alt)[1] for alt in charts] == used
    assert all(f"1 worker, {method}" in curve for method in used)
    assert re.findall(r'<th scope="row">\d+</th><td>(\w+)</td>', page.comparison()) == used


def test_save_writes_tasks_pictures_and_a_trace_beside_the_notebook(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = explore(nap, workers=1)
    for number in (1, 2):  # never over what was saved before
        shown.save_button.click()
        assert status(shown) == (
            f"Saved beside this notebook: runs_{number}.csv, runs_{number}_newest.png, "
            f"runs_{number}_comparison.png, and the newest run as a trace for ui.perfetto.dev "
            f"or chrome://tracing: runs_{number}.json."
        )
        said = set(re.findall(r"runs_\w+\.\w+", status(shown)))
        assert said <= {path.name for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 8


def test_the_trace_that_save_writes_is_that_of_the_newest_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = explore(nap, workers=1)
    shown.sliders["workers"].value = 3
    run_again(shown)
    shown.save_button.click()
    trace = json.loads((tmp_path / "runs_1.json").read_text("utf-8"))
    bars = [event for event in trace["traceEvents"] if event.get("cat") == "tasks"]
    newest = shown.results[-1].timeline
    assert trace["otherData"]["workers"] == 3
    assert [(bar["name"], bar["pid"]) for bar in bars] == [(t.call, t.pid) for t in newest.tasks]


def test_where_not_everything_can_be_saved_the_status_says_so(page, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    shown = explore(nap, workers=1)
    monkeypatch.setattr(panel, "save_runs", full)
    shown.save_button.click()
    assert status(shown) == "Not everything could be saved here: No space left on device"


# Stop


def test_stop_ends_a_run_and_its_processes_and_shows_what_had_happened_until_then(page):
    shown = explore(nap_then_hang(), workers=2, durations=[0.01] * 3)
    before = set(psutil.Process().children(recursive=True))
    press_run(shown)
    until(lambda: new_children(before) and not shown.stop_button.disabled, "children were there")
    attempt = shown.attempt
    until(lambda: "returned" in outcomes(attempt.context.timeline()), "the short task was done")
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    until(lambda: not new_children(before), "the children had gone")
    words = "workers=2: stopped. The chart shows what had happened until then: 1 of 3 tasks done."
    assert status(shown) == words
    assert shown.results[-1].trouble == "stopped"
    last = shown.results[-1].timeline
    assert outcomes(last).count("returned") == 1
    assert "running" not in outcomes(last)
    assert all(process.exitcode is not None for process in last.processes)
    assert "sleep(0.01)" in page.alt()
    assert "redicted" not in page.alt()  # a run that was cut off is not held against it


def new_children(before):
    """Children, grandchildren and so on. A helper of the standard library lives on by design."""
    found = set(psutil.Process().children(recursive=True)) - before
    return [p for p in found if not is_helper(p)]


def is_helper(process):
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return True
    return "resource_tracker" in command or "forkserver" in command


def outcomes(timeline):
    return [task.outcome for task in timeline.tasks]


def test_after_stop_the_next_run_is_right(page, switch):
    shown = explore(switch.run, workers=1)
    switch.hang = True
    press_run(shown)
    until(lambda: switch.running, "the run hung")
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel had stopped")
    switch.hang = False
    shown.sliders["workers"].value = 2
    run_again(shown)
    assert switch.calls == [1, 1, 2]
    assert [result.trouble for result in shown.results] == ["", "stopped", ""]
    assert "stopped" not in status(shown)


def test_stop_before_the_run_has_begun_leaves_the_panel_ready(page, switch, monkeypatch):
    shown = explore(switch.run, workers=1)
    begun_and_waiting(shown, switch, monkeypatch)
    shown.stop_button.click()
    until(lambda: is_idle(shown), "the panel was ready")
    assert status(shown) == "workers=2: stopped before it began."
    assert RUNNER._waiting is None
    run_again(shown)
    assert switch.calls == [1, 1, 2]


# An experiment that fails


def fails_with(error):
    def run(mp, workers):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("boom"), "workers=1: ValueError: boom"),
        (ValueError("boom\nand a long story"), "workers=1: ValueError: boom"),
        (KeyError(), "workers=1: KeyError()"),
        (SystemExit("enough"), "workers=1: SystemExit: enough"),
        (ValueError("<b>&"), "workers=1: ValueError: <b>&"),
    ],
)
def test_an_error_in_the_experiment_becomes_one_sentence_in_the_status(page, error, sentence):
    shown = explore(fails_with(error), workers=1)
    assert status(shown) == sentence
    run_again(shown)
    assert status(shown) == sentence


def test_an_error_in_the_cells_own_run_stands_in_the_cell_too(page, capsys):
    explore(fails_with(ValueError("boom")), workers=1)
    assert capsys.readouterr().out == "workers=1: ValueError: boom\n"
    explore(nap, workers=1)
    assert capsys.readouterr().out == ""


def test_after_an_error_the_next_run_is_right(page, switch):
    errors = [SystemExit(1), ValueError("boom"), None]

    def run(mp, workers):
        if error := errors.pop(0):
            raise error

    shown = explore(run, workers=1)
    run_again(shown)
    run_again(shown)
    assert [bool(result.trouble) for result in shown.results] == [True, True, False]


def test_an_error_in_a_worker_is_told_and_its_chart_drawn(page):
    def run(mp, workers):
        with mp.Pool(workers) as pool:
            pool.map(int, ["1", "two"], chunksize=1)

    shown = explore(run, workers=1)
    assert status(shown).startswith("workers=1: ValueError: invalid literal")
    assert "raised an error" in page.alt() or "raised" in page.alt()


@pytest.mark.parametrize(
    ("room", "broken"), [(panel, "gantt"), (output, "comparison"), (panel, "picture_html")]
)
def test_a_chart_that_cannot_be_drawn_is_told_and_the_next_run_is_right(
    page, switch, monkeypatch, room, broken
):
    shown = explore(switch.run, workers=1)

    def no_ink(*_, **__):
        raise RuntimeError("no ink")

    switch.hang = broken == "picture_html"  # which draws the frames of a run that goes on
    with monkeypatch.context() as patched:
        patched.setattr(room, broken, no_ink)
        press_run(shown)
        told = "the chart could not be drawn: RuntimeError: no ink"
        until(lambda: status(shown) == told, "it was told")
        shown.stop_button.click()
        until(lambda: is_idle(shown), "the run was over")
    switch.hang = False
    run_again(shown)
    assert [result.trouble for result in shown.results][::2] == ["", ""]
    assert "could not" not in status(shown)


def test_an_interrupt_of_the_cells_own_run_ends_its_processes_and_shows_the_panel(page, capsys):
    before = set(psutil.Process().children(recursive=True))

    def run(mp, workers):
        mp.Process(target=time.sleep, args=(600,)).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(run, workers=1)
    until(lambda: not new_children(before), "the child had gone")
    words = "workers=1: interrupted. The chart shows what had happened until then.\n"
    assert capsys.readouterr().out == words
    assert len(page.pictures()) == 1


@pytest.mark.parametrize(("system", "said"), [("win32", 1), ("linux", 0), ("darwin", 0)])
def test_that_only_stop_ends_a_run_is_said_on_windows_alone(
    page, switch, monkeypatch, system, said
):
    monkeypatch.setattr(sys, "platform", system)
    shown = explore(switch.run, workers=1)
    texts = [getattr(widget, "value", "") for widget in shown.controls.children]
    sentence = "On Windows, only Stop ends what Run has started: an interrupt does not reach it."
    assert texts.count(sentence) == said


# The end of a run is always told


def test_a_panel_within_an_experiment_is_refused_in_a_cell_and_in_the_background(page):
    shown = explore(lambda mp, workers: explore(nap), workers=1)
    said = "workers=1: RuntimeError: explore is for a cell, not for a function that a panel runs"
    assert status(shown) == said
    run_again(shown)
    assert status(shown) == said
    assert len(page.pictures()) == 1


def test_a_run_that_cannot_begin_is_told_and_the_panel_is_ready(page, switch, monkeypatch):
    def no_thread(*_, **__):
        raise RuntimeError("can't start new thread")

    shown = explore(switch.run, workers=1)
    for place in ((RUNNER, "request"), (panel, "LiveChart"), (panel, "Attempt")):
        with monkeypatch.context() as patched:
            patched.setattr(*place, no_thread)
            press_run(shown)
        assert status(shown) == "The run could not begin: RuntimeError: can't start new thread"
        assert is_idle(shown)
    run_again(shown)
    assert [result.trouble for result in shown.results] == ["", ""]


def test_a_panel_is_ready_after_a_run_whose_end_could_not_be_told(page, switch, monkeypatch):
    shown = explore(switch.run, workers=1)

    def fails(*_, **__):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(shown, "_prediction_beside", fails)
        run_again(shown)
    run_again(shown)
    assert status(shown).startswith("Nothing has run yet")


@pytest.mark.parametrize("method", machine.start_methods())
def test_where_warnings_are_errors_a_run_ends_all_the_same(page, method):
    shown = explore(nap, workers=1)
    shown.method.value = method
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_again(shown)
    run_again(shown)
    assert shown.results[-1].trouble == ""


# Bad input


async def asynchronous(mp, workers):
    """Such a call runs nothing."""


def generator(mp, workers):
    yield


@pytest.mark.parametrize("run", [asynchronous, generator, functools.partial(generator)])
def test_a_function_whose_call_runs_nothing_is_refused(page, run):
    with pytest.raises(TypeError, match="runs nothing when it is called"):
        explore(run, workers=1)
    assert page.is_empty()


def test_durations_may_come_one_by_one_and_an_exhausted_iterator_is_refused(page, switch):
    durations = iter([1.0, 1.0])
    shown = explore(switch.run, workers=1, durations=durations)
    shown.sliders["workers"].value = 2
    shown.unknown_button.click()
    assert status(shown) == "workers=2: predicted makespan 1.00 s. Press Run."
    with pytest.raises(ValueError, match="there are no durations"):
        explore(switch.run, workers=1, durations=durations)


@pytest.mark.parametrize("durations", [[0.01], [0.01] * 4])
def test_durations_of_another_number_of_tasks_are_an_error_and_the_chart_is_there(page, durations):
    said = f"durations has {len(durations)} .* the run had 3 tasks: give one for each"
    with pytest.raises(ValueError, match=said):
        explore(nap, workers=1, durations=durations)
    assert len(page.pictures()) == 1


@pytest.mark.parametrize("workers", [0, -1, 1.5, "4", True, None, 10**6])
def test_a_number_of_workers_that_is_none_is_refused_before_anything_starts(page, switch, workers):
    with pytest.raises((TypeError, ValueError), match="number of workers must be"):
        explore(switch.run, workers=workers)
    with pytest.raises((TypeError, ValueError), match="number of workers must be"):
        explore(switch.run, workers=1, most=workers)
    assert_nothing_happened(page, switch)


def test_a_number_beyond_the_sliders_end_is_refused_with_the_remedy(page, switch):
    with pytest.raises(ValueError, match=r"workers=17 is beyond .* 16; give most="):
        explore(switch.run, workers=17)
    assert_nothing_happened(page, switch)
    assert explore(switch.run, workers=17, most=32).sliders["workers"].max == 32


@pytest.mark.parametrize("durations", [[], [-1.0], [float("nan")], [float("inf")], ["1"], [None]])
def test_durations_that_are_none_are_refused_before_anything_starts(page, switch, durations):
    with pytest.raises((TypeError, ValueError)):
        explore(switch.run, workers=1, durations=durations)
    assert_nothing_happened(page, switch)


def test_durations_without_workers_are_refused_before_anything_starts(page):
    calls = []
    with pytest.raises(ValueError, match="give workers="):
        explore(lambda mp, readers: calls.append(readers), readers=1, durations=[1.0])
    assert not calls


@pytest.mark.parametrize("run", [None, 4, "run", [print]])
def test_what_cannot_be_called_is_refused(page, run):
    with pytest.raises(TypeError, match=r"a function to run, such as run\(mp, workers\)"):
        explore(run, workers=4)
    assert page.is_empty()


def test_an_experiment_that_does_not_take_these_numbers_is_refused(page, switch):
    with pytest.raises(TypeError, match=r"run\(mp, readers=4\).* takes \(mp, workers\)"):
        explore(switch.run, readers=4)
    assert_nothing_happened(page, switch)


def test_a_start_method_of_the_environment_that_does_not_exist_is_refused(
    page, switch, monkeypatch
):
    monkeypatch.setenv("START_METHOD", "teleport")
    with pytest.raises(ValueError, match="no start method 'teleport'"):
        explore(switch.run, workers=1)
    assert_nothing_happened(page, switch)


def assert_nothing_happened(page, switch):
    assert not switch.calls
    assert page.is_empty()


# The mark of the cores


@pytest.mark.parametrize(
    ("cores", "most", "words", "share"),
    [
        (1, 16, "▲ 1 core here", 0),
        (2, 16, "▲ 2 cores here", 1 / 15),
        (16, 16, "▲ 16 cores here", 1),
        (64, 16, "▶ 64 cores here", 1),
        (1, 1, "▲ 1 core here", 0),
    ],
)
def test_a_mark_shows_the_cores_of_this_seat_and_why_they_are_so_many(
    page, switch, monkeypatch, cores, most, words, share
):
    monkeypatch.setattr(machine, "usable_cores", lambda: machine.Cores(cores, "a test's <wish>"))
    shown = explore(switch.run, workers=1, most=most)
    text = shown.core_mark.value
    assert re.sub("<.*?>", " ", text).split() == words.split()
    left = float(re.search(r"left:(\d+)px", text)[1])
    assert left == pytest.approx(controls.TRACK_LEFT + share * controls.TRACK_WIDTH, abs=1)
    assert "a test&#x27;s &lt;wish&gt;" in text


@pytest.mark.parametrize(
    ("numbers", "marks"),
    [
        ({"workers": 3}, 1),
        ({"processes": 3}, 1),
        ({"pieces": 3}, 0),
        ({"readers": 1, "writers": 1}, 0),
    ],
)
def test_only_a_slider_that_counts_processes_has_a_mark_of_the_cores(page, numbers, marks):
    shown = explore(lambda mp, **numbers: None, **numbers)
    texts = [getattr(widget, "value", None) for widget in shown.controls.children]
    assert len([text for text in texts if "core-mark" in str(text)]) == marks


class Clockwork:
    """A context of another kind: nothing but what `explore` asks of one."""

    methods = ("spawn",)

    def __init__(self, method):
        self.method, self.durations, self.stopped = method, [], threading.Event()

    def timeline(self):
        return predict(self.durations or [1.0], 2)

    def stop(self):
        self.stopped.set()


def test_an_experiment_may_have_a_context_of_another_kind(page, monkeypatch):
    monkeypatch.setenv("START_METHOD", machine.start_methods()[-1])
    contexts = []

    def run(clockwork, workers):
        contexts.append(clockwork)
        clockwork.durations += [1.0] * workers

    shown = explore(run, workers=3, context=Clockwork)
    assert shown.method.options == ("spawn",)
    assert "3 tasks" in page.alt()
    shown.sliders["workers"].value = 4
    run_again(shown)
    assert "4 tasks" in page.alt()
    assert [context.method for context in contexts] == ["spawn", "spawn"]
    assert all(context.stopped.is_set() for context in contexts)


def test_a_context_of_another_kind_is_told_to_stop(page):
    def run(clockwork, workers):
        if len(shown):
            clockwork.stopped.wait()

    shown = []
    shown.append(explore(run, workers=3, context=Clockwork))
    press_run(shown[0])
    until(lambda: not shown[0].stop_button.disabled, "it could be stopped")
    shown[0].stop_button.click()
    until(lambda: is_idle(shown[0]), "it was stopped")
    assert "stopped" in status(shown[0])


def run_nothing(mp, workers) -> None:
    """An experiment that starts no process."""


@given(
    ANYTHING | st.just(run_nothing),
    st.integers(0, 20) | ANYTHING,
    st.none() | st.lists(NUMBERS, max_size=4) | ANYTHING,
    st.dictionaries(st.sampled_from(["workers", "other"]), st.integers(0, 20) | PLAIN),
)
@examples(30)
def test_anything_at_all_is_run_once_or_refused(run, most, durations, numbers):
    assume(run is not object)  # a class takes a context, too
    try:
        shown = explore(run, most=most, durations=durations, **numbers)
    except (TypeError, ValueError):
        return
    assert len(shown.results) == 1


def test_a_slider_that_counts_no_processes_may_go_further_than_there_can_be_processes(page):
    panel = explore(lambda mp, chunksize: None, chunksize=3000, most=3000)
    assert panel.setting.numbers == {"chunksize": 3000}


@pytest.mark.parametrize("chunksize", [0, True, 1.5, 10**6])
def test_a_number_that_no_slider_holds_is_refused_before_anything_starts(page, switch, chunksize):
    with pytest.raises((TypeError, ValueError), match="chunksize must be"):
        explore(lambda mp, chunksize: switch.run(mp), chunksize=chunksize, most=3000)
    assert_nothing_happened(page, switch)
