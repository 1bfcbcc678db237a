"""Run the notebooks again and again, half of the rounds on a machine that is busy with other work.

python tools/rounds.py [--rounds 20] [--keep FOLDER] [NOTEBOOK ...]

What is right once may be right by luck. Each round runs every notebook by nbval, strictly, as the
tests do. The start method changes from round to round, and in every second round there is a
process for each core that computes without end. One line says how a round went. What pytest said
about a red one is kept in a file of FOLDER. The exit code is 0 if no round was red.
"""

import argparse
import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.machine import start_methods, usable_cores  # noqa: E402
from start import TWO_AT_A_TIME  # noqa: E402

BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"
"""A program that computes for as long as its parent lives."""


def main(arguments: list[str]) -> int:
    """Run the rounds that the command line asks for and return the exit code."""
    wishes = _parser().parse_args(arguments)
    wishes.keep.mkdir(parents=True, exist_ok=True)
    notebooks = wishes.notebooks or sorted(ROOT.glob("notebooks/*.ipynb"))
    red = 0
    methods = itertools.cycle(start_methods())
    for number, method in zip(range(1, wishes.rounds + 1), methods, strict=False):
        busy = number % 2 == 0
        with cores_kept_busy() if busy else contextlib.nullcontext():
            began = time.monotonic()
            code, said = one_round(notebooks, method)
        red += code != 0
        seconds = time.monotonic() - began
        load = "cores busy" if busy else "no load of ours"
        print(f"{number:3}  {method:10}  {load:15}  {seconds:4.0f} s  {verdict(said)}", flush=True)
        if code != 0:
            file = wishes.keep / f"round-{number}.txt"
            file.write_text(said, encoding="utf-8")
            print(f"     see {file}", flush=True)
    print(f"{red} of {wishes.rounds} rounds were red")
    return int(red > 0)


def one_round(notebooks: list[Path], method: str) -> tuple[int, str]:
    """Run the notebooks once. Return pytest's exit code and its output."""
    options = [*TWO_AT_A_TIME, "-q", "-p", "no:cacheprovider", "--color=no"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *notebooks],
        cwd=ROOT,
        env={**os.environ, "START_METHOD": method},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return finished.returncode, finished.stdout


def verdict(said: str) -> str:
    """Return pytest's last line without its frame: `1 failed, 117 passed in 100.37s`."""
    lines = [line for line in said.splitlines() if re.search(r"\b(passed|failed|error)", line)]
    return lines[-1].strip("= ") if lines else "pytest did not even begin"


@contextlib.contextmanager
def cores_kept_busy() -> Iterator[None]:
    """Keep every core busy with a process of its own while the `with` block runs."""
    with contextlib.ExitStack() as ending:
        for _ in range(usable_cores().count):
            process = ending.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
            ending.callback(process.kill)
        yield


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", metavar="NOTEBOOK", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        type=Path,
        default=Path(tempfile.gettempdir(), "plain-sight-rounds"),
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
