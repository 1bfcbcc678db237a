"""Run a submitted answer under limits of time, memory and processes, apart from everything else.

What a student has written is code that will run. It runs in a process of its own, in a folder of
its own with a copy of the helpers, without the teacher's environment variables; and where we are
root and may become somebody else, as the user *nobody*. A student who wants to can still do harm
with what that user, or you, may do.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from teaching.submission import Submitted

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
ONE_ANSWER = Path(__file__).with_name("one_answer.py")
LONGEST = 180.0
"""Seconds that an answer may take. The check itself gives up what hangs, or goes on, before."""
MOST_PROCESSES = 100
MOST_BYTES = 4 * 2**30
"""Of all processes of an answer together; what several of them share counts several times."""
LOOK = 0.1
"""Seconds between two looks at the processes of an answer."""
NOBODY = 65534
KEPT = ("PATH", "LANG", "SYSTEMROOT", "START_METHOD")
"""The environment variables that an answer gets. Windows needs the third."""


def who_runs() -> str:
    """Say in a sentence as whom the answers run."""
    if _may_be_nobody():
        return "The answers run as the user nobody."
    return "The answers run as you: what you may do, a student's code may do."


def verdict_on(answer: Submitted) -> dict[str, str]:
    """Run an answer and return its state and what the check, or a limit, says.

    Raises:
        KeyboardInterrupt: if somebody breaks it off; all its processes have been ended then.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _fill(Path(folder), answer.mine)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if _may_be_nobody() else {}
        if os.name == "posix":
            options["start_new_session"] = True
        process = subprocess.Popen(
            [sys.executable, "-P", ONE_ANSWER],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **options,
        )
        family = _Family(process)
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                process.stdin.write(json.dumps(answer._asdict()).encode())
                process.stdin.close()
            beyond = family.watch()
        finally:
            family.end()
        return _understood(process, beyond)


def _fill(folder, mine):
    """Put a copy of the helpers with the student's `mine.py` into a folder."""
    ignore = shutil.ignore_patterns("__pycache__", "mine.py")
    shutil.copytree(HELPERS, folder / "helpers", ignore=ignore)
    (folder / "helpers" / "mine.py").write_text(mine, "utf-8")
    if _may_be_nobody():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)


def _environment(folder):
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    own = {"PYTHONPATH": folder, "HOME": folder, "TMPDIR": folder, "TEMP": folder, "TMP": folder}
    return kept | own | {"PYTHONDONTWRITEBYTECODE": "1"}


@functools.cache
def _may_be_nobody():
    """Tell whether we are root, and the user nobody can run this Python."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    command = [sys.executable, "-c", "import numpy"]
    try:
        tried = subprocess.run(command, user=NOBODY, group=NOBODY, capture_output=True)
    except OSError:
        return False
    return tried.returncode == 0


def _understood(process, beyond):
    """Return the verdict that a process has written, or what its end says."""
    if beyond:
        return {"state": "not judged", "sentence": beyond}
    try:
        verdict = json.loads(process.stdout.read(100_000))
        return {"state": str(verdict["state"]), "sentence": str(verdict["sentence"])}
    except (ValueError, KeyError, TypeError):
        sentence = f"The answer has ended its own process, with exit code {process.returncode}."
        return {"state": "not judged", "sentence": sentence}


class _Family:
    """A process and all its descendants, those included whose parents have ended."""

    def __init__(self, process: subprocess.Popen):
        self._process = process
        self._known = {}
        with contextlib.suppress(psutil.Error):
            self._known[process.pid] = psutil.Process(process.pid)

    def watch(self) -> str:
        """Wait for the end of the process. Return a sentence if a limit was reached before."""
        deadline = time.monotonic() + LONGEST
        while self._process.poll() is None:
            alive = self._look()
            if len(alive) > MOST_PROCESSES:
                return f"It started more than {MOST_PROCESSES} processes, and was ended."
            if sum(map(_bytes_of, alive)) > MOST_BYTES:
                return f"It took more than {MOST_BYTES >> 30} GiB of memory, and was ended."
            if time.monotonic() > deadline:
                return f"It had not ended after {LONGEST:.0f} seconds, and was ended."
            time.sleep(LOOK)
        return ""

    def end(self) -> None:
        """End all of them, again and again as long as there are new ones."""
        while alive := self._look():
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.suspend()  # so that it starts no others meanwhile
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(alive, timeout=1)
        self._process.wait()

    def _look(self):
        """Return those that are alive, after looking for new ones."""
        for process in list(self._known.values()):
            with contextlib.suppress(psutil.Error):
                self._known |= {child.pid: child for child in process.children(recursive=True)}
        return [process for process in self._known.values() if _is_alive(process)]


def _is_alive(process):
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _bytes_of(process):
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0
