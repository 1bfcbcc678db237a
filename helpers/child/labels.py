"""Calls and values as short texts, for bars, tables and logs.

A text is made while a task waits to start, in the middle of somebody else's program. So it is made
quickly, also of a value of many megabytes, and whatever a strange class does in its `__repr__` or
`__str__` harms nobody. Standard library only, because every child imports this file.
"""

import itertools
import reprlib

from helpers.child.events import INLINE, MORE
from helpers.child.recorder import LONGEST_TEXT

LONGEST_LABEL = INLINE + 2 * MORE
"""Bytes of a call's arguments, or of a message, that are kept."""
LONGEST_VALUE = 40
"""Characters that a single value may have in a text."""
LEAST_INTEGER, MOST_INTEGER = -(10**15), 10**15
"""Between these, an integer is short enough to be written as it is."""


def name_of(function) -> str:
    """Return what to call a function in the timeline."""
    function = getattr(function, "func", function)  # inside a functools.partial
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) and name else type(function).__name__


def label_of(value) -> bytes:
    """Return a value as text for a label, cut to `LONGEST_LABEL` bytes."""
    if _is_short_integer(value):  # they are frequent, and this is quicker
        return b"%d" % value
    return _cut(text_of(value))


def text_of_arguments(args: tuple, kwargs: dict) -> bytes:
    """Return the arguments of a call as they would be written, cut to `LONGEST_LABEL` bytes."""
    if len(args) == 1 and not kwargs:
        return label_of(args[0])
    texts = [text_of(value) for value in args]
    texts += [f"{name}={text_of(value)}" for name, value in kwargs.items()]
    return _cut(", ".join(texts))


def text_of(value) -> str:
    """Return a value as short text, for any value, however large or strange."""
    kind = type(value)
    if _is_short_integer(value) or (kind is str and len(value) < LONGEST_VALUE):
        return repr(value)
    try:
        return " ".join(_short_repr.repr(value).split())
    except Exception:  # whatever a strange class may do
        return kind.__name__


def text_of_error(error: BaseException) -> bytes:
    """Return the type and the words of an exception, cut to `LONGEST_TEXT` bytes."""
    kind = type(error).__name__
    try:
        words = str(error)
    except Exception:  # whatever a strange __str__ may do
        words = ""
    text = f"{kind}: {words}" if words else kind
    return text.encode("utf-8", "replace")[:LONGEST_TEXT]


def _is_short_integer(value):
    return type(value) is int and LEAST_INTEGER < value < MOST_INTEGER


def _cut(text):
    data = text.encode("utf-8", "replace")
    if len(data) <= LONGEST_LABEL:
        return data
    return data[: LONGEST_LABEL - 3].decode("utf-8", "ignore").encode() + "…".encode()


_SHOWN_BY_NAME = (
    "multiprocessing.synchronize",
    "multiprocessing.managers",
    "helpers.child.locks",
)
"""The modules of locks, barriers, proxies, shared values. A label names them, and leaves out their
state, such as who holds a lock just now."""


class _ShortRepr(reprlib.Repr):
    """Short texts of values: without addresses in memory, and quick for large values."""

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST_VALUE

    def repr_instance(self, value, level):
        kind = type(value)
        if kind.__repr__ is object.__repr__ or kind.__module__ in _SHOWN_BY_NAME:
            return str(getattr(value, "label", kind.__name__))  # not <... object at 0x7f...>
        try:
            text = repr(value)
        except Exception:  # whatever a strange __repr__ may do
            return kind.__name__
        return text if len(text) <= self.maxother else text[: self.maxother - 3] + "..."

    def repr_bytes(self, value, level):
        return self.repr_instance(value[: self.maxother], level)  # only the beginning of megabytes

    repr_bytearray = repr_bytes

    # Show only the first few of a large dictionary or set: the standard library would sort all.

    def repr_dict(self, value, level):
        return super().repr_dict(dict(itertools.islice(value.items(), self.maxdict + 1)), level)

    def repr_set(self, value, level):
        return super().repr_set(set(itertools.islice(value, self.maxset + 1)), level)

    def repr_frozenset(self, value, level):
        few = frozenset(itertools.islice(value, self.maxfrozenset + 1))
        return super().repr_frozenset(few, level)

    def repr_function(self, value, level):
        return name_of(value)

    repr_builtin_function_or_method = repr_function


_short_repr = _ShortRepr()
