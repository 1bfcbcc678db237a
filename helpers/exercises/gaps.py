"""Gaps: an exercise's stub has `...` wherever the student is to write something."""

import ast
import inspect
import textwrap
from collections.abc import Callable


class Stub:
    """Stands under a function's name in the notebook as long as the function has gaps."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self):
        return f"{self.name}: not begun"

    def __call__(self, *arguments, **keywords):
        raise NotImplementedError(f"{self.name} is not begun: fill in each ... in its cell")


def has_gaps(source: str) -> bool:
    """Tell whether code has a `...` to be filled in; within square brackets it means something.

    Raises:
        SyntaxError: if it is no Python.
    """
    return any(_is_gap(node) for node in _outside_brackets(ast.parse(source)))


def _is_gap(node):
    return isinstance(node, ast.Constant) and node.value is ...


def _outside_brackets(node):
    """Yield the nodes of a tree, without what stands in square brackets after a name."""
    yield node
    inside = [node.value] if isinstance(node, ast.Subscript) else ast.iter_child_nodes(node)
    for child in inside:
        yield from _outside_brackets(child)


def is_begun(answer: Callable) -> bool:
    """Tell whether an answer, and each function of the notebook that it uses, has no gaps."""
    if isinstance(answer, Stub):
        return False
    try:
        source = textwrap.dedent(inspect.getsource(answer))
        if has_gaps(source):
            return False
    except (OSError, TypeError, SyntaxError):  # no source to be had: a callable of another kind
        pass
    used = _names_used(getattr(answer, "__code__", None))
    return not any(isinstance(vars_of(answer).get(name), Stub) for name in used)


def vars_of(answer: Callable) -> dict:
    """Return the global names of a function's module."""
    return getattr(answer, "__globals__", {})


def _names_used(code):
    """Return the global names that a function's code uses, functions within it included."""
    if code is None:
        return set()
    inner = [constant for constant in code.co_consts if inspect.iscode(constant)]
    return set(code.co_names).union(*map(_names_used, inner))
