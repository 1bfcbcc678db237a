"""Judge one answer, in a process that can be thrown away: begun by `teaching/trial.py`.

It reads what to judge from its standard input, and writes the verdict to its standard output, as
JSON. Whatever the answer prints goes nowhere.
"""

import json
import os
import sys
from pathlib import Path

LONGEST = 1000
"""The characters of a sentence at most: a pipe that nobody reads yet must hold the verdict."""


def main() -> None:
    """Judge the answer that the standard input tells of."""
    job = json.load(sys.stdin)
    verdict_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    verdict = verdict_on(job["number"], job["name"], job["code"])
    os.write(verdict_to, json.dumps(verdict).encode())
    os._exit(0)  # whatever threads the answer has left


def verdict_on(number: str, name: str, code: str) -> dict[str, str]:
    """Return the state of an exercise, and what the check says."""
    from helpers.check import exercise_of
    from helpers.exercises.gaps import is_begun
    from helpers.exercises.verdict import judge

    file = Path("answer.py")  # where inspect finds the code, to look for gaps
    file.write_text(code, "utf-8")
    names = {"__name__": "answer"}
    try:
        exec(compile(code, file, "exec"), names)
        if not is_begun(names[name]):
            return {"state": "not begun", "sentence": ""}
        verdict = judge(exercise_of(number), names[name])
    except BaseException as error:
        return {"state": "not yet", "sentence": f"{type(error).__name__}: {error}"[:LONGEST]}
    return {"state": verdict.state, "sentence": verdict.sentence[:LONGEST]}


if __name__ == "__main__":
    main()
