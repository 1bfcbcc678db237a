"""Use a panel on a page: its controls, its status line and its picture."""

import re

from playwright.sync_api import Locator, expect

from tools import lab

SECONDS = 60
"""The seconds that we wait for a condition: the machine may be slow."""
expect.set_options(timeout=SECONDS * 1000)

KEEP_A_DIARY = """cell => {
    window.diary = [];
    if (cell.keepsADiary) return;
    cell.keepsADiary = true;
    new MutationObserver(() => {
        const picture = cell.querySelector('.chart img');
        const lines = [...cell.querySelectorAll('.panel-widgets > .widget-vbox')].map(
            controls => controls.textContent);
        if (picture) lines.push(picture.alt);
        for (const line of lines)
            if (!window.diary.includes(line)) window.diary.push(line);
    }).observe(cell, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
"""JavaScript that notes all texts of the panel, so that a look that comes late misses none."""


class PanelOnPage:
    """The last panel of a notebook whose cell has a text in it.

    Args:
        notebook: the notebook, open and run.
        code: that text. A lesson's panel on the core path is called `panel`; others may be folded.
    """

    def __init__(self, notebook: lab.Notebook, code: str = "explore(") -> None:
        self.notebook, self.page = notebook, notebook.page
        self.cell = notebook.cell(code).last
        self.run = self.cell.get_by_role("button", name="Run")
        self.stop = self.cell.get_by_role("button", name="Stop")
        self.guess = self.cell.get_by_role("textbox", name="Your guess")
        self.unknown = self.cell.get_by_role("button", name="I don't know")
        self.status = self.cell.get_by_role("status")
        self.shown = self.cell.locator(
            ".panel-widgets"
        ).last  # all that is there with a kernel alone
        self.controls = self.shown.locator("> .widget-vbox")
        self.picture = self.cell.locator(".chart img").first  # below it, runs are compared

    def slider(self, name: str = "Workers") -> Locator:
        return self.cell.get_by_role("slider", name=name)

    def drag_slider(self, number: int, most: int = 16) -> None:
        """Drag the slider's handle to a number with the mouse, and keep the button pressed."""
        handle, track = self.slider().bounding_box(), self.cell.locator(".noUi-base").bounding_box()
        y = handle["y"] + handle["height"] / 2
        self.page.mouse.move(handle["x"] + handle["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + track["width"] * (number - 1) / (most - 1), y, steps=8)

    def set_slider(self, number: int, name: str = "Workers") -> None:
        """Move the slider to a number with the arrow keys."""
        slider = self.slider(name)
        slider.focus()
        now = int(float(slider.get_attribute("aria-valuenow")))
        for _ in range(abs(number - now)):
            self.page.keyboard.press("ArrowRight" if number > now else "ArrowLeft")
        expect(slider).to_have_attribute("aria-valuenow", f"{number}.0")
        if number != now:
            expect(self.status).to_contain_text(f"{name.lower()}={number}")

    def wait_until_ready(self) -> None:
        expect(self.run).to_be_enabled()
        expect(self.stop).to_be_disabled()

    def press_run(self, guess: str = "3") -> None:
        """Write a guess if there is a field for it, press Run, and wait until the kernel knows."""
        if self.guess.count():
            self.guess.fill(guess)
            self.guess.press("Tab")  # the kernel learns of it when the field is left
        self.keep_a_diary()
        self.run.click()
        self.wait_until_said("running …")

    def keep_a_diary(self) -> None:
        """Note what the panel says from now on, for `wait_until_said`."""
        self.cell.evaluate(KEEP_A_DIARY)

    def wait_until_said(self, pattern: str) -> None:
        """Wait until the panel has said something, even if only for a moment.

        The pattern is a regular expression of JavaScript.
        """
        said = "pattern => window.diary.some(line => new RegExp(pattern).test(line))"
        self.page.wait_for_function(said, arg=pattern, timeout=SECONDS * 1000)

    def run_to_the_end(self) -> None:
        """Press Run, and wait for the end of the run and for its picture."""
        self.press_run()
        self.wait_until_ready()
        self.wait_for_newest_picture()

    def wait_for_newest_picture(self) -> None:
        """Wait until the picture is that of the newest run, as it was at its end."""
        scene = "__import__('helpers.chart.scene').chart.scene.Scene(t)"
        title = self.last_run(f"__import__('helpers.chart.words').chart.words.title({scene})")
        expect(self.picture).to_have_attribute("alt", re.compile(re.escape(title)))
        expect(self.picture).not_to_have_attribute("alt", re.compile("The run goes on"))

    def lanes(self) -> int:
        """Return how many lanes the picture shows, according to its alternative text."""
        return len(re.findall(r"Worker \d+ \(pid", self.picture.get_attribute("alt")))

    def last_run(self, expression: str) -> object:
        """Return the value of an expression in which `t` is the timeline of the last result."""
        return self.notebook.ask_kernel(f"[{expression} for t in [panel.results[-1].timeline]][0]")
