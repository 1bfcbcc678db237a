"""Write docs/figures.md from a measurement: python -m benchmarks.report FOUND.json [REMARK]

What is measured, and the bars, come from the figures themselves, so the page says the same as
`python3 start.py bench` does.
"""

import json
import os
import platform
import sys
from pathlib import Path

from benchmarks import runner  # noqa: F401  all figures are known then
from benchmarks.compare import misses
from benchmarks.measure import FIGURES

PAGE = Path(__file__).parent.parent / "docs" / "figures.md"

HEAD = """# What it costs

Made by `python3 start.py bench --json found.json`, then `python -m benchmarks.report found.json` in
the course's environment. The ratios are of two things measured in turn in one run, so that they
mean the same on other machines; the other units belong to this one. Where a value differs from time
to time, it is the median of several. Other work on the machine still shows: the same code may
differ by a tenth from run to run, and what is measured by the clock on the wall by much more while
other programs run. How far a value is beyond its bar stands behind the bar: 3 × is a third of what
was allowed, or three times what was asked for. A figure that is not in the table was not measured
this time. `python -m benchmarks.compare BEFORE.json AFTER.json` compares two measurements.

Measured with Python {python} on {system}, {cores} cores.{remark}

| Figure | Value | Bar | Beyond it | Unit | What is measured |
| --- | ---: | ---: | ---: | --- | --- |
"""

GROWTH = """
## How costs grow

![Seconds of processor time against the number of tasks, from 10 to 1,000,000, on logarithmic axes:
recording grows in step with the number throughout, reading and predicting from 10,000 tasks on;
drawing a chart is nearly level up to 10,000 tasks.](growth.png)

Made by `python -m benchmarks.growth`.
"""


def main(arguments: list[str]) -> int:
    """Write the page, and return the exit code."""
    if len(arguments) not in (1, 2):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    found = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    PAGE.write_text(page(found, *arguments[1:]), encoding="utf-8")
    return 0


def page(found: dict[str, dict], remark: str = "") -> str:
    """Return the page for a measurement, in the order of the figures, with a remark."""
    facts = {"python": platform.python_version(), "system": platform.system()}
    rows = [row(name, found[name]) for name in FIGURES if name in found]
    missed = [name for name in FIGURES if name in found and misses(found[name])]
    facts["remark"] = f" {remark}" if remark else ""
    text = HEAD.format(**facts, cores=os.cpu_count()) + "\n".join(rows) + "\n"
    if missed:
        text += "\n## What misses its bar\n\n" + "\n".join(map(reason, missed)) + "\n"
    return text + GROWTH


def row(name: str, measured: dict) -> str:
    """Return a line of the table."""
    value, unit, bar = measured["value"], measured["unit"], ""
    if measured["bar"] is not None:
        bar = f"{'≥' if measured.get('at_least') else '≤'} {measured['bar']:g}"
    cells = (f"`{name}`", f"{value:.3g}", bar, beyond(measured), unit, FIGURES[name].what)
    return f"| {' | '.join(cells)} |"


def beyond(measured: dict) -> str:
    """Return how many times better than its bar a figure is, or that it misses the bar."""
    value, bar = measured["value"], measured["bar"]
    if bar is None:
        return ""
    if misses(measured):
        return "missed"
    times = value / bar if measured.get("at_least") else bar / value
    return f"{times:.2g} ×" if times < 10 else f"{times:.0f} ×"


def reason(name: str) -> str:
    """Return why a figure misses its bar, as far as it is known."""
    floor = FIGURES[name].floor
    return f"- `{name}`: " + (f"the floor is {floor}." if floor else "no floor is known.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
