"""Compare two measurements: python -m benchmarks.compare BEFORE.json AFTER.json

One line a figure: both values, the second over the first, and whether each misses its bar. Figures
that only one of the files has are named. The reader must judge whether a difference is more than
noise: on a shared machine the same code may well differ by a tenth.
"""

import json
import sys
from pathlib import Path

LINE = "{:<22} {:>10} {:>10} {:>8}  {:<6} {}"
HEAD = LINE.format("figure", "before", "after", "ratio", "unit", "").rstrip()


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    if len(arguments) != 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    try:
        before, after = (json.loads(Path(file).read_text(encoding="utf-8")) for file in arguments)
        lines = compared(before, after)
    except (OSError, ValueError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    except (AttributeError, KeyError, TypeError):
        print("no measurement: one of the files was not written by bench --json", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def compared(before: dict, after: dict) -> list[str]:
    """Return the lines of the comparison."""
    lines = [HEAD]
    for name in [*before, *(name for name in after if name not in before)]:
        if name in before and name in after:
            lines.append(line(name, before[name], after[name]))
        else:
            lines.append(f"{name:<22} only {'before' if name in before else 'after'}")
    return lines


def line(name: str, before: dict, after: dict) -> str:
    """Return the line of a figure that both measurements have."""
    old, new = before["value"], after["value"]
    ratio = f"{new / old:.2f}" if old else ""
    verdicts = {
        (False, True): "missed now",
        (True, False): "met now",
        (True, True): "missed, as before",
    }
    verdict = verdicts.get((misses(before), misses(after)), "")
    return LINE.format(name, f"{old:.3g}", f"{new:.3g}", ratio, after["unit"], verdict).rstrip()


def misses(found: dict) -> bool:
    """Return whether a value misses its bar."""
    value, bar = found["value"], found["bar"]
    if bar is None:
        return False
    return value < bar if found.get("at_least") else value > bar


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
