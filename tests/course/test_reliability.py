"""The page about reliability names the tests that hold its promises, and these tests exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", PAGE)))


def named_in(path: Path) -> set[str]:
    """Return the names of a file's test functions."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in functions if name.startswith("test_")}


def test_what_the_page_names_is_there() -> None:
    assert len(NAMED) > 20
    missing = [
        f"{file}::{test}"
        for file, test in NAMED
        if not (ROOT / file).is_file() or (test and test not in named_in(ROOT / file))
    ]
    assert missing == []
