"""Look at a notebook as a student sees it: open it in JupyterLab, run it, and take pictures.

    python tools/look.py notebooks/03_pool.ipynb --out pictures/
    python tools/look.py notebooks/03_pool.ipynb --out pictures/ --dark --no-run
    python tools/look.py --readme                make docs/panel.png, the picture in README.md

The notebook is copied first, so that the one in the checkout stays as it is.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image

from tools import lab
from tools.panel_on_page import PanelOnPage

COURSE = Path(__file__).resolve().parent.parent
README_NOTEBOOK, README_PICTURE = COURSE / "notebooks/03_pool.ipynb", COURSE / "docs/panel.png"
README_WORKERS = 7

OVERLAP = 40  # pixels that two pages share, so that no line is cut in both
TURN_THE_PAGE = """(area, overlap) => {
    const cells = area.querySelectorAll('.jp-Cell');
    const end = cells[cells.length - 1].getBoundingClientRect().bottom;
    const more = end > area.getBoundingClientRect().bottom;
    area.scrollTop += area.clientHeight - overlap;
    return more;
}"""


def look(notebook: Path, out: Path, *, dark=False, run=True, size=(lab.WIDTH, lab.HEIGHT)) -> int:
    """Save pictures of a notebook, screen by screen, into folder `out`.

    `size` is the browser window's, in pixels. Returns 1 if a cell failed unexpectedly, else 0.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open_copy(notebook, size) as opened:
        if dark:
            lab.dark_theme(opened.page)
        if run:
            opened.run_all()
        for number, picture in enumerate(_screens(opened), 1):
            file = out / f"{notebook.stem}-{number:02}.png"
            file.write_bytes(picture)
            print(file)
        errors = opened.errors()
    for error in errors:
        print(f"ERROR {error}", file=sys.stderr)
    return int(bool(errors))


def picture_for_readme() -> int:
    """Run the lesson of the pool, move its slider, press Run, and save what the panel shows."""
    with open_copy(README_NOTEBOOK, (lab.WIDTH, 2 * lab.HEIGHT)) as opened:
        opened.run_all()
        panel = PanelOnPage(opened)
        panel.set_slider(README_WORKERS)
        panel.run_to_the_end()
        panel.status.click()  # so that the slider loses the focus, which would be drawn
        opened.settle()
        picture = Image.open(io.BytesIO(panel.cell.screenshot()))
    README_PICTURE.parent.mkdir(exist_ok=True)
    picture.convert("RGB").quantize(256).save(README_PICTURE, optimize=True)
    print(f"{README_PICTURE}: {picture.size}, {README_PICTURE.stat().st_size / 1e3:.0f} kB")
    return 0


@contextlib.contextmanager
def open_copy(notebook, size):
    """Provide a copy of a notebook, open in JupyterLab with the side bar closed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.jupyterlab(Path(folder), lab.ALL_CELLS_DRAWN) as server,
        lab.browser() as browser,
    ):
        lab.copy_notebook(notebook, Path(folder))
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        opened = lab.Notebook.open(page, server, notebook.name)
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        yield opened
        opened.end_kernel()


def _screens(notebook):
    """Yield a picture for each screenful of a notebook, from its top to its end."""
    area = notebook.page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer")
    area.evaluate("area => { area.scrollTop = 0; }")
    more = True
    while more:
        notebook.settle()
        yield notebook.page.screenshot()
        more = area.evaluate(TURN_THE_PAGE, OVERLAP)


def main() -> int:
    """Do what the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("notebook", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="make the picture in README.md")
    parser.add_argument("--dark", action="store_true", help="in JupyterLab's dark theme")
    parser.add_argument("--no-run", dest="run", action="store_false", help="show it as saved")
    parser.add_argument("--width", type=int, default=lab.WIDTH)
    parser.add_argument("--height", type=int, default=lab.HEIGHT)
    options = parser.parse_args()
    if options.readme:
        return picture_for_readme()
    if options.notebook is None or options.out is None:
        parser.error("say which notebook to look at, and with --out where the pictures go")
    size = options.width, options.height
    return look(options.notebook, options.out, dark=options.dark, run=options.run, size=size)


if __name__ == "__main__":
    sys.exit(main())
