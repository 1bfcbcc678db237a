"""Look at a notebook as a student sees it: open it in JupyterLab, run it, and take pictures.

    python tools/look.py notebooks/03_pool.ipynb --out pictures/
    python tools/look.py notebooks/03_pool.ipynb --out pictures/ --dark --no-run

The notebook is copied first, so that the one in the checkout stays as it is.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import lab

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
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.jupyterlab(Path(folder), lab.ALL_CELLS_DRAWN) as server,
        lab.browser() as browser,
    ):
        lab.copy_notebook(notebook, Path(folder))
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        opened = lab.Notebook.open(page, server, notebook.name)
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        if dark:
            lab.dark_theme(page)
        if run:
            opened.run_all()
        for number, picture in enumerate(_screens(opened), 1):
            file = out / f"{notebook.stem}-{number:02}.png"
            file.write_bytes(picture)
            print(file)
        errors = opened.errors()
        opened.close()
    for error in errors:
        print(f"ERROR {error}", file=sys.stderr)
    return int(bool(errors))


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
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--dark", action="store_true", help="in JupyterLab's dark theme")
    parser.add_argument("--no-run", dest="run", action="store_false", help="show it as saved")
    parser.add_argument("--width", type=int, default=lab.WIDTH)
    parser.add_argument("--height", type=int, default=lab.HEIGHT)
    options = parser.parse_args()
    size = options.width, options.height
    return look(options.notebook, options.out, dark=options.dark, run=options.run, size=size)


if __name__ == "__main__":
    sys.exit(main())
