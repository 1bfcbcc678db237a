"""`check` and `%%mine` in a real kernel, and what a check says of a wrong use."""

import os
import shutil
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import v4

import helpers
from helpers import check as door
from helpers import progress
from helpers.check import check
from helpers.exercises import exercise, verdict
from helpers.exercises.exercise import ENDLESS, HANGS, SERIAL, Fact
from helpers.exercises.watching import Seen
from helpers.timeline import Process, Tasks, Timeline
from tests.support.methods import METHODS

CHILD = Process("P", 2, 1, 1, "process", "spawn", 0.0, 0.1, 0.1, 1.0, 0)
WITH_A_CHILD = Timeline(Tasks.from_columns([]), [CHILD], parent=1)


class Sample(exercise.Exercise):
    """An exercise with one fact: the answer has returned 3."""

    number = "77.1"

    def __init__(self, seen: Seen):
        self.seen = seen

    def watch(self, answer):
        return [self.seen]

    def facts(self, seen):
        yield Fact("You returned three.", seen.returned == 3, f"You returned {seen.returned}.")


@pytest.fixture
def notes(tmp_path, monkeypatch: pytest.MonkeyPatch) -> list:
    """The notes of progress that a check makes, instead of the student's file."""
    made = []
    monkeypatch.setattr(progress, "note", lambda *note: made.append(note) or "")
    return made


def found(seen: Seen) -> verdict.Verdict:
    return verdict.judge(Sample(seen), lambda mp: None)


def test_what_holds_and_what_does_not_is_said() -> None:
    good, bad = (found(Seen(WITH_A_CHILD, returned)) for returned in (3, 4))
    assert (good.state, good.holds, good.sentence) == ("done", ("You returned three.",), "")
    assert (bad.state, bad.holds, bad.sentence) == ("not yet", (), "You returned 4.")
    assert good.counts_as_done
    assert not bad.counts_as_done
    assert bad.as_text() == "77.1: not yet.\nYou returned 4."
    assert good.picture is not None


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (Seen(Timeline(Tasks.from_columns([])), 3), SERIAL),
        (Seen(WITH_A_CHILD, 3, error=ValueError("no\nmore")), "Your code raised ValueError: no"),
        (Seen(WITH_A_CHILD, 3, error=KeyError()), "Your code raised KeyError."),
        (Seen(WITH_A_CHILD, 3, hung=True), HANGS),
        (Seen(WITH_A_CHILD, 3, endless=True), ENDLESS),
        (Seen(WITH_A_CHILD, 4, hung=True), "You returned 4."),  # causes before symptoms
    ],
)
def test_every_exercise_asks_the_same_of_all_answers(seen: Seen, sentence: str) -> None:
    assert found(seen).sentence == sentence


@pytest.mark.parametrize("number", progress.exercises())
def test_an_answer_with_the_parameters_that_the_check_names_is_called(number: str) -> None:
    exercise = door.exercise_of(number)
    parameters = exercise.call.partition("(")[2].rstrip(")")
    assert not door._wrong_parameters(exercise, eval(f"lambda {parameters}: None"))


def test_what_a_system_lacks_counts_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sample, "missing", lambda self: "There is no fork here.")
    assert found(Seen(WITH_A_CHILD, 4)).counts_as_done


def test_a_verdict_is_spoken_and_escaped() -> None:
    page = verdict.Verdict("77.1", "not yet", ("a < b",), "<script>").as_html()
    assert 'role="status"' in page
    assert "<script>" not in page
    assert "a &lt; b" in page


@pytest.mark.parametrize(
    ("number", "answer", "says"),
    [
        ("99.1", print, "There is no exercise '99.1'. There are "),
        (10.1, print, "There is no exercise 10.1. There are "),
        ("10.1", None, "give your function's name without brackets: check('10.1', run)"),
        ("10.1", lambda: 3, "the check would call run(mp), but your function takes ()"),
        ("1.1", lambda mp: 3, "the check would call run(), but your function takes (mp)"),
    ],
)
def test_a_wrong_use_gets_a_sentence(number, answer, says: str, notes, capsys) -> None:
    check(number, answer)
    assert says in capsys.readouterr().out
    assert notes == []


def test_a_stub_is_not_begun(notes, capsys) -> None:
    def run(mp): ...

    check("10.1", run)
    assert capsys.readouterr().out == "10.1: not begun.\n"
    assert notes == []


def test_an_error_of_the_check_itself_is_told_as_such(
    notes, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr(door, "_show", lambda verdict, where: shown.append(verdict))
    monkeypatch.setattr(door, "judge", lambda exercise, answer: 1 / 0)
    check("10.1", lambda mp: None)
    assert shown[0].state == verdict.NOT_JUDGED
    assert "This is no fault of your answer" in shown[0].sentence
    assert notes[0][:2] == ("10.1", False)


WORKER = """%%mine
import time

def adder(lock, counter, times, seconds):
    for _ in range(times):
"""
CELLS = [
    "from helpers.check import check",
    "%%mine\ndef adder(lock, counter, times, seconds):\n    ...",
    """def run(mp):
    lock, counter = mp.Lock(), mp.Value('i', 0)
    adders = [mp.Process(target=adder, args=(lock, counter, 4, 0.1)) for _ in range(3)]
    for p in adders:
        p.start()
    for p in adders:
        p.join()

check('10.1', run)""",
    WORKER + "        with lock:\n            time.sleep(seconds)\n            counter.value += 1",
    "check('10.1', run)",
    WORKER + "        time.sleep(seconds)\n        with lock:\n            counter.value += 1",
    "check('10.1', run)",
    "%%mine\nprint(3)",
    "%%mine\ndef adder(:",
]


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_is_mended_without_a_restart_of_the_kernel(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tmp_path / "course"
    shutil.copytree(Path(helpers.__file__).parent, course / "helpers")
    (course / "notebooks").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(course))
    monkeypatch.setenv("START_METHOD", method)
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in CELLS])
    resources = {"metadata": {"path": str(course / "notebooks")}}
    client = NotebookClient(notebook, kernel_name="python3", allow_errors=True, resources=resources)
    client.execute()
    said = ["".join(map(text_of, cell.outputs)) for cell in notebook.cells]
    assert said[:2] == ["", ""]
    assert said[2] == "10.1: not begun.\n"
    assert "10.1: not yet." in said[4]
    assert "Still one at a time: the work lies under the lock." in said[4]
    assert "10.1: done." in said[6]
    assert "Chart" in said[6]
    assert "line 1 is none: print(3). Write it into another cell." in said[7]
    assert "this cell, line 1: " in said[8]
    kept = (course / "notebooks" / "my_progress.jsonl").read_text("utf-8").split()
    assert [word for word in kept if word in ("true,", "false,")] == ["false,", "true,"]


def text_of(output) -> str:
    """The plain text of a cell's output."""
    return output.get("text") or output.get("data", {}).get("text/plain", "")


NOISE = """import os, sys
def noisy(number):
    os.write(2, b'noise from a child')
    print('more noise', file=sys.stderr)
    return number"""
GRADED = """def run(mp):
    print('noise of the answer itself', file=sys.stderr)
    with mp.Pool(2) as pool:
        return {loop}, pool.map(noisy, [1, 2])

points('14.2', run, 5)"""


def test_points_for_an_autograder_are_the_cells_value_and_nothing_goes_to_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a kernel as a student has it, what children write to their stderr reaches the cell."""
    shutil.copytree(Path(helpers.__file__).parent, tmp_path / "helpers")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sources = [
        "import sys\nfrom helpers.check import points",
        f"%%mine\n{NOISE}",
        GRADED.format(loop="[1, 2]"),
        GRADED.format(loop="[1, 3]"),
        "points('14.2', 3)",
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    NotebookClient(notebook, kernel_name="python3").execute(env=environment)
    outputs = [cell.outputs for cell in notebook.cells[2:]]
    assert [
        [o.data["text/plain"] for o in cell if o.output_type == "execute_result"]
        for cell in outputs
    ] == [["5"], ["0"], ["0"]]
    assert [o for cell in outputs for o in cell if o.get("name") == "stderr"] == []
