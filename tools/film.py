"""Make docs/panel.gif, the animated picture in README.md, from the real panel in a real browser.

    python tools/film.py

The panel of lesson 3: the slider is moved, a guess is written, Run is pressed, the bars grow, and
the guess is told. It is played three times and then rests on its last frame.
"""

import io
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from tools import lab
from tools.look import COURSE, README_NOTEBOOK, open_copy
from tools.panel_on_page import PanelOnPage

FILM = COURSE / "docs/panel.gif"
WORKERS, GUESS = 2, "3.5"
SHOWN, READ = 1.6, 6.0  # seconds that a step is shown, and the last one
BETWEEN = 0.3  # seconds from one picture of the run to the next
SIZE = 960, 1400  # of the browser's window, so that all of the panel is in sight
MARGIN = 8
TIMES = 3

Frame = tuple[Image.Image, float]
"""A picture and the seconds for which it is shown."""


def film() -> list[Frame]:
    """Use the panel as a student does, and take pictures of it."""
    with open_copy(README_NOTEBOOK, SIZE) as notebook:
        notebook.run_all()
        panel = PanelOnPage(notebook)
        panel.slider().scroll_into_view_if_needed()
        panel.set_slider(WORKERS)
        camera = Camera(notebook, panel)
        frames = [(camera.take(), SHOWN)]
        for end in range(1, len(GUESS) + 1):
            panel.guess.fill(GUESS[:end])
            frames.append((camera.take(), SHOWN if GUESS[:end] == GUESS else BETWEEN))
        frames += run(panel, camera)
        frames.append((camera.take(), READ))
    return frames


def run(panel: PanelOnPage, camera: "Camera") -> list[Frame]:
    """Press Run, and take pictures until the run is over."""
    frames = []
    panel.press_run(GUESS)
    while panel.stop.is_enabled():
        began = time.monotonic()
        picture = camera.take()
        time.sleep(max(0, began + BETWEEN - time.monotonic()))
        frames.append((picture, time.monotonic() - began))
    panel.wait_until_ready()
    panel.wait_for_newest_picture()
    return frames


class Camera:
    """Takes pictures of the panel: its controls and its chart, without what lies below."""

    def __init__(self, notebook: lab.Notebook, panel: PanelOnPage) -> None:
        self._notebook, self._panel = notebook, panel
        self._area = panel.cell.locator(".jp-OutputArea-output").first.bounding_box()

    def take(self) -> Image.Image:
        """Return a picture of the panel as it is now."""
        self._notebook.settle()
        left, top, wide = (self._area[name] for name in ("x", "y", "width"))
        chart = None
        while chart is None:  # another picture is just taking its place
            chart = self._panel.picture.bounding_box()
        tall = chart["y"] + chart["height"] - top
        clip = {"x": left, "y": top, "width": wide, "height": tall}
        return Image.open(io.BytesIO(self._notebook.page.screenshot(clip=clip))).convert("RGB")


def of_one_size(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return the pictures with a margin, and with white below so that all are equally tall."""
    size = pictures[0].width + 2 * MARGIN, max(picture.height for picture in pictures) + 2 * MARGIN
    sheets = []
    for picture in pictures:
        sheets.append(Image.new("RGB", size, "white"))
        sheets[-1].paste(picture, (MARGIN, MARGIN))
    return sheets


def save(frames: list[Frame], path: Path) -> None:
    """Save as a GIF. All frames share the colours of the first and the last, so none flickers."""
    sheets = of_one_size([picture for picture, _ in frames])
    width, height = sheets[0].size
    both = Image.new("RGB", (width, 2 * height))
    both.paste(sheets[0])
    both.paste(sheets[-1], (0, height))
    palette = both.quantize(255)
    pictures = [sheet.quantize(palette=palette, dither=Image.Dither.NONE) for sheet in sheets]
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=[round(1000 * seconds) for _, seconds in frames],
        loop=TIMES - 1,
        optimize=False,
    )


if __name__ == "__main__":
    frames = film()
    save(frames, FILM)
    seconds = sum(seconds for _, seconds in frames)
    size = FILM.stat().st_size / 1e6
    print(f"{FILM}: {len(frames)} frames, {seconds:.0f} s, {size:.2f} MB")
