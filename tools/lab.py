"""Start a real JupyterLab and a headless browser, and drive a notebook in them.

The browser tests and `tools/look.py` share this. Nothing of the user is touched: JupyterLab gets
settings of its own in a temporary folder, a free port and its usual token.
"""

import ast
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

SECONDS_TO_START = 60
SECONDS_TO_END = 10
SECONDS_PER_NOTEBOOK = 180
WIDTH, HEIGHT = 1280, 720  # what a classroom's projector often shows

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHANNELS = ("chrome", "msedge")  # Playwright knows where they are on macOS and Windows
FLAGS = ["--disable-gpu", "--disable-background-networking"]

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}
ALL_CELLS_DRAWN = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
"""Settings that draw also the cells out of sight, so that a picture can show everything."""


class NoBrowser(RuntimeError):
    """An error: this machine has no browser of the Chromium family."""


# --- the server -----------------------------------------------------------------------------------


class Server:
    """A running JupyterLab: its address, its token, and the folder that it shows."""

    def __init__(self, root: Path, process: subprocess.Popen, info: dict) -> None:
        self.root, self.pid = root, process.pid
        self._url, self._token = info["url"], info["token"]

    def address(self, path: str) -> str:
        """Return the address at which JupyterLab opens a notebook of its folder."""
        return f"{self._url}lab/tree/{path}?reset&token={self._token}"


@contextlib.contextmanager
def jupyterlab(root: Path, settings: dict[str, dict] | None = None) -> Iterator[Server]:
    """Run JupyterLab on a folder, with the user settings given by plugin, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as place:
        own = Path(place)
        for plugin, values in {**SETTINGS, **(settings or {})}.items():
            file = own / "settings" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        with (own / "log.txt").open("w") as log:
            process = subprocess.Popen(
                _command(root), env=_environment(own), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield Server(root, process, _wait_for_server(process, own))
        finally:
            _end(process)


def _command(root):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]


def _environment(own):
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, **{name: str(own / folder) for name, folder in folders.items()}}
    # Under pytest, ipykernel treats the output of children otherwise than for a student.
    environment.pop("PYTEST_CURRENT_TEST", None)
    return environment


def _wait_for_server(process, own):
    """Return what the server says about itself, once it answers."""
    file = own / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            info = json.loads(file.read_text(encoding="utf-8"))
            with urllib.request.urlopen(f"{info['url']}api?token={info['token']}", timeout=5):
                return info
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + (own / "log.txt").read_text())


def _end(process):
    """End JupyterLab, which ends its kernels."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the browser ----------------------------------------------------------------------------------


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a headless browser of the Chromium family; raise NoBrowser where there is none."""
    with sync_playwright() as playwright:
        opened = _launch(playwright.chromium)
        try:
            yield opened
        finally:
            opened.close()


def _launch(chromium):
    candidates = [{"executable_path": path} for path in map(shutil.which, BROWSERS) if path]
    candidates += [{"channel": channel} for channel in CHANNELS]
    candidates += [{}]  # Playwright's own, if it is installed
    for candidate in candidates:
        try:
            return chromium.launch(args=FLAGS, **candidate)
        except Error as error:
            if "executable_path" in candidate:
                raise NoBrowser(f"{candidate['executable_path']} does not start: {error}") from None
    raise NoBrowser("there is no Chromium, Chrome or Edge on this machine")


# --- a notebook -----------------------------------------------------------------------------------


def copy_notebook(notebook: Path, folder: Path) -> None:
    """Copy a notebook with the pictures beside it.

    Name its kernel if the notebook does not, so that JupyterLab need not ask.
    """
    if (pictures := notebook.parent / "pictures").is_dir():
        shutil.copytree(pictures, folder / "pictures", dirs_exist_ok=True)
    content = json.loads(notebook.read_text(encoding="utf-8"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content["metadata"].setdefault("kernelspec", kernel)
    (folder / notebook.name).write_text(json.dumps(content), encoding="utf-8")


class Notebook:
    """A notebook that is open in JupyterLab; `page` does what a person would do."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    def open(cls, page: Page, server: Server, path: str) -> "Notebook":
        """Open a notebook and wait until it is shown and its kernel is ready."""
        page.set_default_timeout(SECONDS_TO_START * 1000)
        page.goto(server.address(path))
        return cls(page).wait_until_shown()

    def wait_until_shown(self) -> "Notebook":
        """Wait until the page shows the notebook and its kernel is ready; return the notebook."""
        self.wait_for("panel && panel.isVisible && panel.content.model")
        self.wait_for("panel.sessionContext.isReady")
        self.wait_until_idle()
        return self

    def ask(self, expression: str) -> object:
        """Return the value of an expression of JavaScript in which `panel` is the open notebook."""
        return self.page.evaluate(_with_panel(expression))

    def wait_for(self, condition: str, seconds: float = SECONDS_TO_START) -> None:
        """Wait until such an expression is true."""
        self.page.wait_for_function(_with_panel(condition), timeout=seconds * 1000)

    def wait_until_idle(self, seconds: float = SECONDS_TO_START) -> None:
        """Wait until the kernel has nothing to do."""
        self.wait_for("panel.sessionContext.kernelDisplayStatus === 'idle'", seconds)

    def run_all(self) -> None:
        """Run all cells and wait for the last one."""
        self.page.evaluate(
            """() => {
                window.cellsDone = false;
                jupyterapp.commands.execute('notebook:run-all-cells')
                    .finally(() => { window.cellsDone = true; });
            }"""
        )
        self.wait_for("window.cellsDone", SECONDS_PER_NOTEBOOK)

    def cells_run(self) -> tuple[int, int]:
        """Return how many cells this kernel has run, and how many cells with code there are."""
        code = [cell for cell in self.as_json()["cells"] if cell["cell_type"] == "code"]
        written = sum(bool("".join(cell["source"]).strip()) for cell in code)
        return self.ask_kernel("sum(bool(cell) for cell in In)"), written

    def save(self) -> None:
        """Save the notebook as the menu does."""
        self.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")

    def as_json(self) -> dict:
        """Return the notebook as it stands in the browser, in the format of an .ipynb file."""
        return self.ask("panel.content.model.toJSON()")

    def errors(self) -> list[str]:
        """Return the errors among the outputs, apart from those of cells that mean to fail."""
        found = []
        for cell in self.as_json()["cells"]:
            if "raises-exception" in cell["metadata"].get("tags", []):
                continue
            outputs = [o for o in cell.get("outputs", []) if o["output_type"] == "error"]
            found += [f"{o['ename']}: {o['evalue']}, in: {cell['source']}" for o in outputs]
        return found

    def settle(self) -> None:
        """Wait until the page has drawn what it has been told and all pictures are loaded."""
        self.page.evaluate(
            """async () => {
                await Promise.all([...document.images].map(image => image.decode().catch(() => 0)));
                await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            }"""
        )

    def cell(self, text: str) -> Locator:
        """Return the code cell whose source contains a text."""
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=text)
        )

    def ask_kernel(self, expression: str) -> object:
        """Return the value of an expression of Python in the kernel: numbers, texts, lists."""
        answer = self.page.evaluate(
            """async expression => {
                const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const user_expressions = { answer: expression };
                const wish = { code: '', silent: true, store_history: false, user_expressions };
                const reply = await kernel.requestExecute(wish).done;
                const { answer } = reply.content.user_expressions;
                return answer.data ? answer.data['text/plain'] : answer;
            }""",
            expression,
        )
        if not isinstance(answer, str):
            raise RuntimeError(f"the kernel could not tell {expression}: {answer['evalue']}")
        return ast.literal_eval(answer)

    def end_kernel(self) -> None:
        """End the kernel; the page stays as it is."""
        self.ask("panel.sessionContext.shutdown()")


def dark_theme(page: Page, wanted: bool = True) -> None:
    """Switch JupyterLab to its dark theme, or back."""
    theme = f"JupyterLab {'Dark' if wanted else 'Light'}"
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")


def _with_panel(expression):
    return f"""() => {{
        const app = window.jupyterapp;
        const panel = app && app.shell && app.shell.currentWidget;
        return {expression};
    }}"""
