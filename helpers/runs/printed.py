"""Keep what an experiment prints, shows and plots, to put it under the chart of its run.

A later run is made in a thread, and Jupyter shows nothing that a thread prints after its cell is
over. So while a run goes on, `sys.stdout`, `sys.stderr` and IPython's `display` lead here.
Other cells may run meanwhile: what their threads print goes where it always goes.
"""

import contextlib
import html
import os
import sys
import threading
from collections.abc import Iterator

from IPython import get_ipython

MOST_LETTERS = 20_000
"""How much printed text of one run is shown; a loop may print for ever."""


class Printed:
    """All that one run prints and shows, in order: texts, and outputs by their MIME types."""

    def __init__(self):
        self.outputs: list[str | dict] = []
        self.letters = 0
        self.is_over = False
        self._process = os.getpid()
        self._others = set(threading.enumerate()) - {threading.current_thread()}

    def is_from_here(self) -> bool:
        """Tell whether the caller belongs to the run: its own thread, or one that it started."""
        if self.is_over or os.getpid() != self._process:  # a fork writes where a fork always writes
            return False
        return threading.current_thread() not in self._others

    def add(self, text: str) -> None:
        """Keep a printed text."""
        self.letters += len(text)
        if self.letters <= MOST_LETTERS:
            self.outputs.append(text)

    def show(self, message: dict) -> dict | None:
        """Keep an output, given as one of Jupyter's messages; hand on messages of other kinds."""
        if message["msg_type"] != "display_data":
            return message
        self.outputs.append(message["content"]["data"])
        return None

    def as_html(self) -> str:
        """Return everything as HTML; nothing where nothing was printed or shown."""
        blocks, text = [], ""
        for output in self.outputs:
            if isinstance(output, str):
                text += output
            else:
                blocks += [_as_block(text), _shown(output)]
                text = ""
        blocks.append(_as_block(text))
        if self.letters > MOST_LETTERS:
            blocks.append(f"<small>… and more: {self.letters:,} letters in all</small>")
        return "".join(blocks)


def _as_block(text):
    return f'<pre style="margin:0">{html.escape(text)}</pre>' if text else ""


def _shown(data):
    """Return an output, given by its MIME types, as HTML."""
    if "text/html" in data:
        return f"<div>{data['text/html']}</div>"
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img src="data:{kind};base64,{data[kind]}" alt="a picture that the run shows">'
    return data.get("image/svg+xml") or _as_block(data.get("text/plain", ""))


class _Stream:
    """A stream that keeps what the run writes, and lets everything else through."""

    def __init__(self, usual, printed):
        self._usual, self._printed = usual, printed

    def write(self, text: str) -> int:
        if not self._printed.is_from_here():
            return self._usual.write(text)
        self._printed.add(text)
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._usual, name)


@contextlib.contextmanager
def keep_printed() -> Iterator[Printed]:
    """Keep what the caller's thread, and threads that it starts, print and show meanwhile."""
    printed = Printed()
    with (
        contextlib.redirect_stdout(_Stream(sys.stdout, printed)),
        contextlib.redirect_stderr(_Stream(sys.stderr, printed)),
        _displays_go_to(printed),
    ):
        try:
            yield printed
        finally:
            printed.is_over = True


@contextlib.contextmanager
def _displays_go_to(printed):
    """Hand the outputs that this thread displays to `printed`, where IPython can do that."""
    publisher = getattr(get_ipython(), "display_pub", None)
    if not hasattr(publisher, "register_hook"):
        yield
        return
    publisher.register_hook(printed.show)  # for this thread alone
    try:
        yield
    finally:
        publisher.unregister_hook(printed.show)
