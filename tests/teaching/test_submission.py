"""What is taken from a student's notebook, and what is not."""

import json
from pathlib import Path

from teaching.submission import answers_in, submitted_by

MINE = "%%mine\nimport time\n\n\ndef outside(lock):\n    time.sleep(1)\n"
RUN = "numbers = [1, 2]\n\n\ndef run(mp):\n    return numbers\n\n\ncheck('10.1', run)"


def notebook(folder: Path, *cells: str, name: str = "10.ipynb") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written = {"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}
    (folder / name).write_text(json.dumps(written), "utf-8")


def test_of_other_cells_imports_and_functions_are_taken_and_nothing_is_run() -> None:
    cells = ["import os\nfrom helpers.tasks import nap", "panel = explore(run)", "%pip x", RUN]
    (answer,) = answers_in(cells, "")
    assert (answer.number, answer.name) == ("10.1", "run")
    assert "import os" in answer.code
    assert "numbers = [1, 2]" in answer.code
    assert "explore" not in answer.code
    assert "check(" not in answer.code


def test_functions_for_children_go_to_mine_and_are_imported_from_there() -> None:
    (answer,) = answers_in([MINE, RUN], "LIMIT = 3\n")
    assert "LIMIT = 3" in answer.mine
    assert "def outside(lock):" in answer.mine
    assert "from helpers.mine import outside" in answer.code


def test_a_stub_for_children_is_a_stub_and_not_kept() -> None:
    (answer,) = answers_in(["%%mine\ndef outside(lock):\n    ...", RUN], "LIMIT = 3\n")
    assert answer.mine == "LIMIT = 3\n"
    names = {}
    exec(answer.code, names)
    assert repr(names["outside"]) == "outside: not begun"


def test_of_several_checks_the_last_counts_and_mine_is_found_at_any_depth(tmp_path: Path) -> None:
    later = RUN.replace("numbers = [1, 2]", "numbers = [3]")
    notebook(tmp_path / "notebooks", RUN, later)
    notebook(tmp_path / "notebooks" / ".ipynb_checkpoints", RUN)
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "mine.py").write_text("MINE = 7\n")
    found = submitted_by(tmp_path, "TEMPLATE = 1\n")
    assert list(found) == ["10.1"]
    assert "numbers = [3]" in found["10.1"].code
    assert found["10.1"].mine == "MINE = 7\n"


def test_what_is_no_notebook_harms_no_other(tmp_path: Path) -> None:
    notebook(tmp_path, RUN)
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "list.ipynb").write_text("[]")
    assert list(submitted_by(tmp_path, "")) == ["10.1"]
