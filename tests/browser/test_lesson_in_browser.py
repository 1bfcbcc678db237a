"""Lesson 3 as a student meets it: in JupyterLab, with mouse and keyboard.

The lesson runs once, from its first cell to its last; then each test uses its panel. The tests read
the picture's alternative text and the timeline in the kernel.
"""

import re
import shutil
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from helpers.runs.output import WITHOUT_KERNEL
from tools import lab
from tools.panel_on_page import SECONDS, PanelOnPage

LESSON = "03_pool.ipynb"


@pytest.fixture(scope="module")
def opened(open_for_module) -> lab.Notebook:
    """Open the lesson as it was committed, not yet run."""
    return open_for_module(LESSON)


@pytest.fixture(scope="module")
def seen_at_first(opened) -> str:
    """Return all text that is to be seen on the page before anything is run or unfolded."""
    cells = opened.page.locator(".jp-NotebookPanel:visible .jp-Cell").all()
    return "\n".join(cell.inner_text() for cell in cells)


@pytest.fixture(scope="module")
def as_committed(opened, seen_at_first) -> tuple[str, str]:
    """Unfold what the panel's cell has saved, and return its text, and the picture's."""
    panel = PanelOnPage(opened)
    expect(panel.picture).not_to_be_attached()
    panel.cell.locator(".jp-OutputPlaceholder").click()
    expect(panel.picture).to_be_attached()
    return panel.cell.text_content(), panel.picture.get_attribute("alt")


@pytest.fixture(scope="module")
def lesson(opened, as_committed) -> lab.Notebook:
    """Run the lesson from its first cell to its last."""
    opened.run_all()
    return opened


@pytest.fixture
def panel(lesson) -> PanelOnPage:
    """Return the lesson's panel, in sight and idle."""
    found = PanelOnPage(lesson)
    found.slider().scroll_into_view_if_needed()
    if found.stop.is_enabled():  # a test before this one has failed half-way
        found.stop.click()
    found.wait_until_ready()
    return found


LONG = """
lessons_own = globals().get('lessons_own', panel.experiment)
def lasts_until_it_is_stopped(mp, workers):
    with mp.Pool(workers) as pool:
        pool.map(__import__('time').sleep, [0.1] + [600] * 4, chunksize=1)
panel.experiment = lasts_until_it_is_stopped
"""


@pytest.fixture
def long_run(panel):
    """Return a function that begins a run which lasts until a test ends it.

    The first run after that has tasks of ten minutes; the runs that follow are the lesson's own.
    """

    def begin(workers: int) -> None:
        panel.notebook.ask_kernel(f"exec({LONG!r}, globals())")
        panel.set_slider(workers)
        panel.press_run()
        waits = "panel.attempt is not None and len(panel.attempt.context.timeline().tasks)"
        deadline = time.monotonic() + SECONDS
        while panel.notebook.ask_kernel(waits) < 2:
            assert time.monotonic() < deadline, "waited in vain for a long task"
        panel.notebook.ask_kernel("setattr(panel, 'experiment', lessons_own)")

    yield begin
    panel.notebook.ask_kernel("setattr(panel, 'experiment', lessons_own)")


def test_before_it_is_run_the_lesson_shows_no_answer_to_its_questions(seen_at_first):
    assert "my_guess = 2.0" in seen_at_first, "the question is there"
    for told_later in ("makespan 2.", "tasks: 5", "You guessed 2"):
        assert told_later not in seen_at_first


def test_unfolded_before_it_is_run_the_panel_shows_the_picture_of_the_last_time(as_committed):
    text, alt = as_committed
    assert re.search(r"4 \w+ workers, 5 tasks: makespan", alt)
    assert WITHOUT_KERNEL in text


def test_all_cells_of_the_lesson_run_without_an_error(lesson):
    assert lesson.errors() == []
    run, written = lesson.cells_run()
    assert run == written > 10


def test_first_run_asks_for_a_guess_then_bars_grow_and_the_guess_is_told(panel, keep):
    panel.set_slider(2)
    panel.run.click()
    expect(panel.status).to_contain_text("First your guess")
    keep(panel.notebook, "asked", show=panel.picture)
    panel.press_run("3.5")
    panel.wait_until_said("still running: .* so far.* The run goes on")
    panel.wait_until_said("[1-4] of 5 tasks done, about .* to go")
    keep(panel.notebook, "live", show=panel.picture)
    panel.wait_until_ready()
    expect(panel.status).to_contain_text("You said 3.50 s; it took")
    panel.wait_for_newest_picture()
    expect(panel.picture).to_have_attribute("alt", re.compile("Your guess was 3.50 s"))
    assert panel.lanes() == 2
    keep(panel.notebook, "measured", show=panel.picture)


def test_slider_by_keyboard_then_run_shows_seven_lanes(panel, keep):
    panel.set_slider(7)
    expect(panel.status).to_contain_text("workers=7: write your guess, then press Run.")
    panel.unknown.click()
    expect(panel.picture).to_have_attribute("alt", re.compile("Predicted: 7 workers"))
    expect(panel.status).to_contain_text("workers=7: predicted makespan 2.37 s")
    keep(panel.notebook, "predicted", show=panel.picture)
    runs = panel.notebook.ask_kernel("len(panel.results)")
    panel.run_to_the_end()
    assert panel.lanes() == 7
    assert panel.last_run("(t.workers, len(t.tasks), len(t.processes))") == (7, 5, 7)
    assert panel.notebook.ask_kernel("len(panel.results)") == runs + 1
    keep(panel.notebook, "measured", show=panel.picture)


def test_slider_by_mouse_fires_when_it_is_let_go_and_run_shows_its_lanes(panel, keep):
    panel.set_slider(1)
    expect(panel.status).to_contain_text("workers=1: write your guess")
    panel.drag_slider(6)
    expect(panel.slider()).to_have_attribute("aria-valuenow", "6.0")
    assert panel.notebook.ask_kernel("panel.sliders['workers'].value") == 1
    panel.page.mouse.up()
    expect(panel.status).to_contain_text("workers=6: write your guess")
    panel.run_to_the_end()
    assert panel.lanes() == 6
    assert panel.last_run("(t.workers, len(t.tasks))") == (6, 5)
    keep(panel.notebook, show=panel.picture)


def test_stop_in_mid_run_ends_the_processes_and_the_next_run_is_right(panel, long_run, keep):
    long_run(1)
    panel.stop.click()
    panel.wait_until_ready()
    expect(panel.status).to_contain_text("workers=1: stopped. The chart shows what had happened")
    assert panel.last_run("[task.outcome for task in t.tasks]") == ["returned", "lost"]
    assert panel.notebook.ask_kernel(CHILDREN) == []
    panel.wait_for_newest_picture()
    assert panel.lanes() == 1
    keep(panel.notebook, "stopped", show=panel.picture)
    panel.set_slider(8)
    panel.run_to_the_end()
    assert panel.last_run("[task.outcome for task in t.tasks]") == ["returned"] * 5
    assert panel.notebook.ask_kernel(CHILDREN) == []


def test_slider_in_mid_run_gives_the_run_up_for_the_latest(panel, long_run, keep):
    long_run(1)
    panel.notebook.ask_kernel("globals().update(given_up=panel.attempt)")
    runs = panel.notebook.ask_kernel("len(panel.results)")
    panel.set_slider(5)
    panel.wait_until_ready()
    ends = panel.notebook.ask_kernel("[t.outcome for t in given_up.context.timeline().tasks]")
    assert ends == ["returned", "lost"]
    assert panel.last_run("(t.workers, [task.outcome for task in t.tasks])") == (
        5,
        ["returned"] * 5,
    )
    panel.wait_for_newest_picture()
    assert panel.lanes() == 5
    assert panel.notebook.ask_kernel("len(panel.results)") == runs + 1
    assert panel.notebook.ask_kernel(CHILDREN) == []
    keep(panel.notebook, show=panel.picture)


def test_the_controls_stay_in_sight_below_a_tall_chart(panel, keep):
    """At 16 workers the chart is taller than what one sees of the page."""
    panel.set_slider(16)
    panel.run_to_the_end()
    panel.picture.evaluate("picture => picture.scrollIntoView({ block: 'end' })")
    panel.notebook.settle()
    expect(panel.run).to_be_in_viewport()
    top = panel.picture.bounding_box()["y"]
    assert top < panel.run.bounding_box()["y"], "the top of the chart is out of sight"
    keep(panel.notebook)


def test_all_runs_are_compared_below_the_picture(panel, keep):
    panel.run_to_the_end()
    runs = panel.notebook.ask_kernel("len(panel.results)")
    summary = panel.shown.get_by_text(re.compile(rf"Compare (\d+ of )?{runs} runs"))
    summary.click()
    table = panel.shown.locator("table")
    expect(table).to_be_visible()
    expect(table.locator("tbody tr")).to_have_count(runs)
    keep(panel.notebook, show=table)
    summary.click()


def test_the_kernel_is_free_while_a_run_goes_on(panel, long_run):
    long_run(2)
    assert panel.notebook.ask_kernel("6 * 7") == 42
    expect(panel.stop).to_be_enabled()
    panel.stop.click()
    panel.wait_until_ready()


def test_every_control_is_named_and_reached_by_tab(panel):
    panel.slider().focus()
    reached = []
    while panel.controls.locator(":focus").count() and len(reached) < 20:
        focused = panel.page.locator(":focus")
        reached.append(focused.aria_snapshot().splitlines()[0])
        panel.page.keyboard.press("Tab")
    wanted = ["slider .Workers", "textbox .Workers", "combobox .Start by", "textbox .Your guess"]
    wanted += [
        "button .I don't know",
        "button .*Run",
        "button .*Save",
        "checkbox .Dark",
    ]  # Stop is off while nothing runs
    for pattern in wanted:
        assert sum(bool(re.search(pattern, place)) for place in reached) == 1, (pattern, reached)
    assert len(reached) == len(wanted)


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_guess_run_and_stop_by_keyboard_alone(panel, long_run, keep, key):
    keyboard = panel.page.keyboard
    long_run(2)  # the run that is stopped; it is begun by a click
    panel.run.focus()
    keyboard.press("Tab")
    expect(panel.stop).to_be_focused()
    keyboard.press(key)
    panel.wait_until_ready()
    expect(panel.status).to_contain_text("workers=2: stopped")
    panel.guess.focus()
    keyboard.type("4.5")
    keyboard.press("Tab")
    expect(panel.unknown).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(panel.run).to_be_focused()
    panel.keep_a_diary()
    keyboard.press(key)
    panel.wait_until_said("running …")
    panel.wait_until_ready()
    expect(panel.status).to_contain_text("You said 4.50 s; it took")
    keep(panel.notebook, show=panel.picture)


def test_axe_finds_nothing_serious_in_the_panel(panel, keep):
    keep(panel.notebook, show=panel.picture)
    assert serious_problems(panel) == []


def serious_problems(panel):
    """Return what axe-core calls serious, or worse, in the panel's cell."""
    panel.cell.locator(".jp-OutputArea").first.evaluate("area => { area.id = 'the-panel'; }")
    report = Axe().run(panel.page, context="#the-panel").response
    assert report["passes"], "axe has looked at nothing"
    bad = [v for v in report["violations"] if v["impact"] in ("serious", "critical")]
    return [(v["id"], [node["html"] for node in v["nodes"]]) for v in bad]


def test_on_a_projector_controls_and_picture_are_in_sight_together(panel, keep):
    assert panel.page.viewport_size == {"width": 1280, "height": 720}
    panel.set_slider(4)
    panel.run_to_the_end()
    keep(panel.notebook, show=panel.picture)
    room = panel.page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer")
    assert room.evaluate("room => room.scrollWidth <= room.clientWidth"), "scrolls to the side"
    slider, picture = panel.slider().bounding_box(), panel.picture.bounding_box()
    tall = picture["y"] + picture["height"] - slider["y"]
    assert tall < room.bounding_box()["height"] - 40, "room for two more lines of words"


def test_the_mark_stands_under_the_number_of_cores(panel, keep):
    cores = panel.notebook.ask_kernel("__import__('helpers.machine').machine.usable_cores().count")
    panel.set_slider(min(cores, 16))  # of more cores than the slider has numbers: its end
    handle = panel.cell.locator(".noUi-handle").bounding_box()
    mark = panel.cell.locator(".core-mark").bounding_box()
    assert middle(mark) == pytest.approx(middle(handle), abs=2)
    assert 0 < mark["y"] - handle["y"] < 30
    keep(panel.notebook, show=panel.picture)


def middle(box):
    return box["x"] + box["width"] / 2


def test_panel_in_the_dark_theme(panel, keep):
    lab.dark_theme(panel.page)
    try:
        panel.cell.get_by_role("checkbox", name="Dark").check()
        wait_for_corner(panel, "dark")
        keep(panel.notebook, show=panel.picture)
        assert serious_problems(panel) == []
        panel.cell.get_by_role("checkbox", name="Dark").uncheck()
        wait_for_corner(panel, "light")
    finally:
        lab.dark_theme(panel.page, False)


CORNER = """([image, wanted]) => {
    const canvas = document.createElement('canvas').getContext('2d');
    canvas.drawImage(image, 0, 0);
    const [red, green, blue] = canvas.getImageData(2, 2, 1, 1).data;
    return red + green + blue > 382 ? wanted === 'light' : wanted === 'dark';
}"""


def wait_for_corner(panel, wanted):
    """Wait until the picture is dark, or light, by the pixels of its corner."""
    panel.page.wait_for_function(
        f"wanted => ({CORNER})([document.getElementById('the-panel').querySelector('.chart img'), "
        "wanted])",
        arg=wanted,
    )


def test_reopened_without_a_kernel_the_last_picture_is_there(panel, server, open_notebook, keep):
    panel.set_slider(3)
    panel.run_to_the_end()
    alt = panel.picture.get_attribute("alt")
    assert re.search(r"3 \w+ workers, 5 tasks: makespan", alt)
    panel.notebook.save()
    shutil.copy(server.root / LESSON, server.root / "reopened.ipynb")
    again = open_notebook("reopened.ipynb")
    again.end_kernel()
    picture = PanelOnPage(again).picture
    assert picture.get_attribute("alt") == alt
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0
    assert again.ask("panel.sessionContext.session") is None
    keep(again, show=picture)


CHILDREN = (
    "[p.name() for p in __import__('psutil').Process().children()"
    " if not any(name in ' '.join(p.cmdline()) for name in ('resource_tracker', 'forkserver'))]"
)
