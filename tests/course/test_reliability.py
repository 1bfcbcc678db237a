"""The page about reliability names the tests that hold its promises: they are all there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", PAGE)))


def named_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in functions if name.startswith("test_")}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_what_the_page_names_is_there(file: str, test: str) -> None:
    assert (ROOT / file).is_file()
    assert not test or test in named_in(ROOT / file)
