"""Calls and values as short texts, for bars, tables and logs.

A text is made while a task waits to start, in the middle of somebody else's program. So it is made
quickly, also of a value of many megabytes, and no `__repr__` of a student's class is called for it.
Standard library only, because every child imports this file.
"""

import collections
import contextlib
import enum
import functools
import itertools
import operator
import reprlib
import types

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
    if type(function) is functools.partial:
        function = function.func
    if type(function) is types.MethodType:
        function = function.__func__
    try:
        name = object.__getattribute__(function, "__qualname__")  # runs no code of a class
    except AttributeError:
        name = ""
    return name if type(name) is str and name else type(function).__name__


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
    except Exception:  # whatever a strange class of classes may do
        return kind.__name__


def text_of_error(error: BaseException) -> bytes:
    """Return the type and the words of an exception, cut to `LONGEST_TEXT` bytes."""
    kind = type(error).__name__
    try:
        words = str(error)
    except BaseException:  # whatever a strange __str__ may do: the plain library calls it, too
        words = ""
    text = f"{kind}: {words}" if words else kind
    return text.encode("utf-8", "replace")[:LONGEST_TEXT]


def text_of_exit(error: SystemExit) -> bytes:
    """Return the exit code that a `SystemExit` asks for: of a text, the system makes a 1."""
    code = 0 if error.code is None else error.code
    return b"with code %d" % (code if type(code) in (int, bool) else 1)


def _is_short_integer(value):
    return type(value) is int and LEAST_INTEGER < value < MOST_INTEGER


def _cut(text):
    data = text.encode("utf-8", "replace")
    if len(data) <= LONGEST_LABEL:
        return data
    return data[: LONGEST_LABEL - 3].decode("utf-8", "ignore").encode() + "…".encode()


_LEAVES = {int, float, complex, bool, type(None), str, bytes, bytearray, range, type}
_LEAVES |= {type(...), type(NotImplemented)}
_CONTAINERS = {tuple, list, set, frozenset, dict, collections.deque}
_CONTAINERS |= {collections.Counter, collections.OrderedDict, collections.defaultdict}
_FUNCTIONS = {types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial}
_FUNCTIONS |= {types.MethodDescriptorType}
_LEAF_MODULES = {
    *("datetime", "decimal", "fractions", "ipaddress", "numpy", "pathlib", "uuid"),
}
"""The modules of values that hold no values of other classes, apart from `_holds_others`."""
_LABELLED = {
    *("helpers.child.barriers", "helpers.child.connections", "helpers.child.locks"),
    *("helpers.child.queues", "helpers.observed"),
}
"""The modules of barriers, pipes, locks, queues, shared values and contexts that have labels."""
_SHOWN_BY_NAME = {
    *("multiprocessing.managers", "multiprocessing.sharedctypes", "multiprocessing.synchronize"),
}
"""The modules of locks, barriers, proxies and shared arrays. A label leaves out their state, such
as who holds a lock just now."""


_MOST_BITS = 10_000
"""Of an integer that can still be written in decimal."""


class _ShortRepr(reprlib.Repr):
    """Short texts of values: without addresses in memory, and quick for large values.

    Only Python's own values are asked for their text. Of a value of any other class we write what
    is stored in it. So no `__repr__`, `__len__` or `__lt__` of a student's class is ever called:
    the plain library would not call it either, and it may raise `SystemExit` or never return.
    """

    def __init__(self):
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST_VALUE

    def repr1(self, value, level):
        if _is_short_integer(value):
            return repr(value)
        kind = type(value)
        if kind in _CONTAINERS or kind in _LEAVES or kind.__module__ == "array":
            return super().repr1(value, level)  # which goes by the names of types
        if kind in _FUNCTIONS:
            return name_of(value)
        if kind.__module__ in _LABELLED:
            return str(getattr(value, "label", kind.__name__))
        if kind.__repr__ is object.__repr__ or kind.__module__ in _SHOWN_BY_NAME:
            return kind.__name__  # not <... object at 0x7f...>
        if kind.__module__ in _LEAF_MODULES and not _holds_others(value):
            return self.repr_instance(value, level)
        if issubclass(kind, type):
            return type.__repr__(value)
        if issubclass(kind, enum.Enum):
            return f"{kind.__name__}.{object.__getattribute__(value, '_name_')}"
        return kind.__name__ + self._in_brackets(_parts_of(value, kind), level)

    def _in_brackets(self, parts, level):
        """Return the parts of a value, given by their names: `(x=1, y=2)`; nothing without any."""
        if level <= 0 or not parts:
            return "(...)" if parts else ""
        texts = [
            (f"{name}=" if name else "") + self.repr1(part, level - 1)
            for name, part in parts[: self.maxtuple]
        ]
        return f"({', '.join(texts + ['...'] * (len(parts) > self.maxtuple))})"

    def repr_instance(self, value, level):
        text = repr(value)
        return text if len(text) <= self.maxother else text[: self.maxother - 3] + "..."

    def repr_int(self, value, level):
        if value.bit_length() > _MOST_BITS:
            return "int"
        return super().repr_int(value, level)

    def repr_bytes(self, value, level):
        return self.repr_instance(value[: self.maxother], level)  # of megabytes the beginning

    repr_bytearray = repr_bytes

    # Of a large dictionary or set only the first few, in order if they are numbers or texts: the
    # standard library would sort all of it.

    def repr_dict(self, value, level):
        few = itertools.islice(value.items(), self.maxdict + 1)
        few = _sorted(few, key=operator.itemgetter(0))[: self.maxdict]
        if level <= 0 and few:
            return "{...}"
        texts = [f"{self.repr1(key, level - 1)}: {self.repr1(of, level - 1)}" for key, of in few]
        return f"{{{', '.join(texts + ['...'] * (len(value) > self.maxdict))}}}"

    def repr_Counter(self, value, level):
        return f"{type(value).__name__}({self.repr_dict(value, level)})"

    repr_OrderedDict = repr_defaultdict = repr_Counter

    def repr_set(self, value, level):
        few = _sorted(itertools.islice(value, self.maxset + 1))
        return f"{{{self.repr_list(few, level)[1:-1]}}}" if few else "set()"

    def repr_frozenset(self, value, level):
        return f"frozenset({self.repr_set(value, level)})" if value else "frozenset()"


_short_repr = _ShortRepr()


def _holds_others(value):
    """Tell whether this is an array of objects, or a time with a student's own time zone."""
    zone = type(getattr(value, "tzinfo", None)).__module__
    dtype = getattr(value, "dtype", None)
    return getattr(dtype, "hasobject", False) or zone not in ("builtins", "datetime", "zoneinfo")


def _parts_of(value, kind):
    """Return what is stored in a value, with names or None, without running code of its class."""
    if issubclass(kind, BaseException):
        return [(None, part) for part in BaseException.args.__get__(value)]
    if issubclass(kind, tuple):
        parts = list(tuple.__iter__(value))
        names = getattr(kind, "_fields", [None] * len(parts))  # of a named tuple
        return list(zip(names, parts, strict=True))
    if kind is slice:
        return [(None, part) for part in (value.start, value.stop, value.step)]
    stored = []
    for base in reversed(kind.__mro__):
        for name, member in vars(base).items() if "__slots__" in vars(base) else ():
            if type(member) is types.MemberDescriptorType:
                with contextlib.suppress(AttributeError):  # nothing is stored there
                    stored.append((name, member.__get__(value)))
    with contextlib.suppress(AttributeError):
        stored += object.__getattribute__(value, "__dict__").items()
    return [(name, part) for name, part in stored if not name.startswith("_")]


def _sorted(values, key=None):
    """Return a list of values, sorted if these are all numbers or all texts."""
    values = list(values)
    kinds = {type(value if key is None else key(value)) for value in values}
    return sorted(values, key=key) if kinds <= {int, float, bool} or kinds == {str} else values
