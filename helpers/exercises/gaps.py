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
    return not any(isinstance(one, Stub) or _has_gaps(one) for one in _functions_used(answer))


def _has_gaps(function):
    try:
        return has_gaps(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # no source to be had: a callable of another kind
        return False


def _functions_used(answer):
    """Return an answer, the stubs and functions of its module that it uses, those they use, …"""
    found, waiting = [], [answer]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.append(one)
        around = getattr(one, "__globals__", {})
        used = (around.get(name) for name in _names_used(getattr(one, "__code__", None)))
        waiting += [other for other in used if _is_of_the_notebook(other, around)]
    return found


def _is_of_the_notebook(thing, around):
    """Tell whether a thing is a stub, or a function whose global names are these."""
    return isinstance(thing, Stub) or getattr(thing, "__globals__", None) is around


def _names_used(code):
    """Return the global names that a function's code uses, functions within it included."""
    if code is None:
        return set()
    inner = [constant for constant in code.co_consts if inspect.iscode(constant)]
    return set(code.co_names).union(*map(_names_used, inner))
