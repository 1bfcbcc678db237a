"""Measure what the course costs, and show one table.

python3 start.py bench [NAME ...] [--json FILE]

Without a NAME all figures are measured. The value is the median; beside it stands how many values
it is the median of, and between which two the middle half of them lies. A figure that misses its
bar is marked, and nothing else follows from it: the exit code is 0. What cannot be measured on this
machine is skipped, with the reason.
"""

import argparse
import compileall
import json
import platform
import sys
from pathlib import Path

from benchmarks import (  # noqa: F401  each notes its figures
    browser,
    chart,
    logs,
    observing,
    others,
    panel,
    seats,
)
from benchmarks.measure import FIGURES, Figure, NotHere, Value, value_of

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    wishes = _parser().parse_args(arguments)
    unknown = [name for name in wishes.names if name not in FIGURES]
    if unknown:
        print(f"no figure is called {unknown[0]}: there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    for folder in ("helpers", "benchmarks"):  # compiled, as after a first use
        compileall.compile_dir(ROOT / folder, quiet=1)
    print(f"Python {platform.python_version()}, {platform.system()}\n\n{HEAD}", flush=True)
    found = {}
    for name in wishes.names or FIGURES:
        try:
            found[name] = value_of(FIGURES[name])
        except NotHere as reason:
            print(f"{name:<22} skipped: {reason}", flush=True)
            continue
        print(row(FIGURES[name], found[name]), flush=True)
        if FIGURES[name].floor and FIGURES[name].misses(found[name].median):
            print(f"{'':<22} floor: {FIGURES[name].floor}", flush=True)
        if wishes.json:  # after each figure, so that an interrupt loses none
            wishes.json.write_text(json.dumps(as_json(found), indent=2) + "\n", encoding="utf-8")
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="start.py bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the values to a file")
    return parser


COLUMNS = "{:<22} {:>9} {:>7} {:<6} {:<7} {:>5} {:>17}  {}"
HEAD = COLUMNS.format("figure", "value", "bar", "unit", "", "times", "middle half", "what")


def row(figure: Figure, value: Value) -> str:
    """Return a line of the table."""
    bar = "" if figure.bar is None else f"{'≥ ' * figure.at_least}{figure.bar:g}"
    missed = "missed" if figure.misses(value.median) else ""
    half = f"{value.low:.3g} to {value.high:.3g}"
    cells = (f"{value.median:.3g}", bar, figure.unit, missed, value.times, half)
    return COLUMNS.format(figure.name, *cells, figure.what)


def as_json(found: dict[str, Value]) -> dict[str, dict]:
    """Return the table for programs: value, bar and unit of each figure."""
    return {name: _fields(FIGURES[name], value) for name, value in found.items()}


def _fields(figure, value):
    fields = {"value": value.median, "bar": figure.bar, "unit": figure.unit}
    return fields | ({"at_least": True} if figure.at_least else {})
