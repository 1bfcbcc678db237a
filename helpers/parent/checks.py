"""Refuse bad input before anything starts: numbers of workers, functions that cannot travel.

Standard library only.
"""

import builtins
import contextlib
import errno
import functools
import inspect
import io
import itertools
import operator
import os
import pickle
import sys
import types
import warnings
from multiprocessing import spawn

from helpers.child.unpickling import NOT_FOUND, REMEDY

MOST_PROCESSES = 60 if sys.platform == "win32" else 1000
"""The most workers that a pool may have, and the most processes of one experiment alive at once.

Windows can wait for about sixty processes at once.
"""


def check_workers(workers) -> None:
    """Refuse a number of workers that makes no sense.

    Args:
        workers: anything.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is below 1 or above `MOST_PROCESSES`.
    """
    if isinstance(workers, bool) or not hasattr(type(workers), "__index__"):
        raise TypeError(f"the number of workers must be a whole number, not {workers!r}")
    if not 1 <= workers <= MOST_PROCESSES:
        raise ValueError(f"the number of workers must be from 1 to {MOST_PROCESSES}, not {workers}")


@contextlib.contextmanager
def naming_shared_memory():
    """Name the folder in an error that says what is wrong, but not where; to be used in a `with`.

    On Linux, the semaphore of a lock is a file in /dev/shm, which may be full or read-only.
    """
    try:
        yield
    except OSError as error:
        if sys.platform == "linux" and error.errno in _TROUBLES_OF_A_FOLDER:
            error.filename = "/dev/shm"
        raise


_TROUBLES_OF_A_FOLDER = errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT


def check_not_importing() -> None:
    """Refuse to start a pool, an executor or a manager while this thread imports a module.

    A task or a value may need that module. Then whoever pickles or unpickles it in another thread
    waits until the import is over, and the import waits for the result.

    Raises:
        RuntimeError: with the remedy.
    """
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__spec__") if frame.f_code.co_name == "<module>" else None
        if getattr(module, "_initializing", False):
            raise RuntimeError(
                f"{module.name} starts a pool, an executor or a manager while it is being "
                "imported, and the import might never end: write that code into a function, and "
                "call the function from a notebook cell"
            )
        frame = frame.f_back


def check_reaches_child(value, method: str) -> None:
    """Refuse a function, or arguments, that another process could not find by its name.

    Functions and classes travel between processes as the name of their module and their own. A
    lambda and a function inside a function have no name to be found by; a function from a notebook
    cell has one in this process only. Of a partial, a bound method and an object, what it is made
    of has to be found.

    Args:
        value: what a process or a task is to call, or a collection of its arguments.
        method: the start method, such as 'spawn'.

    Raises:
        pickle.PicklingError: with the remedy.
    """
    for part, owner in itertools.islice(_parts(value), MOST_PARTS):
        reason = _why_it_is_not_found(part, method)
        if reason and _travels_by_name(part, owner):
            raise pickle.PicklingError(reason)


MOST_PARTS = 1000
"""How many functions and classes of a value are looked at, at most."""


def _parts(value):
    """Yield the functions and classes that a value needs, each with the object that needs it."""
    if _has_a_name(value):
        yield value, value
    elif type(value) is functools.partial:
        for inside in (value.func, value.args, value.keywords):
            yield from _parts(inside)
    elif type(value) in (tuple, list, set, frozenset):
        for item in value:
            yield from _parts(item)
    elif type(value) is dict:
        for item in value.values():
            yield from _parts(item)
    elif type(value) is types.MethodType:
        yield from _parts(value.__self__)
    elif type(value).__module__ != "builtins":
        yield type(value), value
        if callable(value):  # a decorator may keep its function so
            for attribute in getattr(value, "__dict__", {}).values():
                if _has_a_name(attribute):
                    yield attribute, value


def _has_a_name(value):
    """Tell whether a value is a function or a class, which travel by name."""
    return issubclass(type(value), (types.FunctionType, type))  # its type cannot pretend


def _why_it_is_not_found(part, method):
    """Return why a child finds no such function or class, and what helps; nothing if it does."""
    name, module = str(part.__qualname__), sys.modules.get(str(part.__module__))
    if "<lambda>" in name:
        return f"{name} is a lambda, {NOT_FOUND}; {REMEDY}"
    if "<locals>" in name:
        return _why_inner(part, name, module)
    if method != "fork" and part.__module__ == "__main__" and not _main_is_a_file():
        return f"{name} is defined in this notebook, {NOT_FOUND}; {REMEDY}"
    try:
        found = operator.attrgetter(name)(module)
    except AttributeError:
        return ""  # which the standard library tells well
    return "" if found is part else _why_another(part, name, found)


def _why_inner(part, name, module):
    """Say why a function inside a function is not found, where a decorator may have made it."""
    outer = name.partition(".<locals>")[0]
    public = [key for key, value in vars(module or builtins).items() if value is part]
    if public:
        return (
            f"{public[0]} was made by {outer} and calls itself {name}, {NOT_FOUND}; "
            f"if {outer} is a decorator, write @functools.wraps(function) above its inner def, "
            f"else write {public[0]} with a def of its own, in helpers/mine.py"
        )
    if part.__module__ in WORKER_MODULES:
        return (
            f"{name} is defined inside another function, {NOT_FOUND}; "
            f"move its def out of {outer}, to the left margin of {_file(part.__module__)}"
        )
    return f"{name} is defined inside another function, {NOT_FOUND}; {REMEDY}"


def _why_another(part, name, found):
    """Say why there is another object in the module under the name of this function or class."""
    if hasattr(part, "__wrapped__") or not _has_a_name(found):
        return (
            f"{name} was decorated, and is not the {name} that a child process finds in "
            f"{part.__module__}; write the decorator as a function, with @functools.wraps, and put "
            f"it above the def of {name} there"
        )
    return (
        f"{name} is not the {name} that is in {part.__module__} now: that was read again since; "
        f"run `from {part.__module__} import {name.partition('.')[0]}` once more"
    )


def _travels_by_name(part, owner):
    """Tell whether a function or class goes by its name when its owner is pickled.

    A class may be pickled as something else. It may also be unable to say how without a child.
    """
    pickler = _NameFinder(part)
    with contextlib.suppress(Exception):
        pickler.dump(owner)
    return pickler.found


class _NameFinder(pickle.Pickler):
    """A pickler that only looks whether a function or class goes by its name."""

    def __init__(self, wanted):
        super().__init__(io.BytesIO())
        self.found, self._wanted = False, wanted

    def reducer_override(self, value):
        if value is self._wanted:
            self.found = True
            raise pickle.PicklingError("this is all that we wanted to know")
        return NotImplemented


def _main_is_a_file():
    """Tell whether a spawned child can import our `__main__`: a script, yes; a notebook, no."""
    return any(key.startswith("init_main") for key in spawn.get_preparation_data("check"))


WORKER_MODULES = "helpers.tasks", "helpers.mine"
"""The files of worker functions, which a student may edit while a kernel has them imported."""

_seen = {}
"""For each imported module: its spec, when its file was edited last, and its names then."""


def warn_of_edited_modules() -> None:
    """Warn if a file of worker functions has changed since this process imported it.

    If it was reloaded since, what the notebook has imported from it is imported again: a child
    would not find the old functions, since their names belong to new ones.
    """
    for name in WORKER_MODULES:
        module = sys.modules.get(name)
        if module is None:
            continue
        with contextlib.suppress(OSError):
            edited = os.stat(module.__file__).st_mtime_ns
            spec, imported, names = _seen.get(name, (None, 0, {}))
            if spec is not module.__spec__:  # imported or reloaded since the last look
                _seen[name] = module.__spec__, edited, dict(vars(module))
                _import_again(module, names)
            elif edited != imported:
                warnings.warn(
                    f"{_file(name)} was edited after this kernel imported it: "
                    "fork would run the old code, spawn the new. "
                    "Restart the kernel, then run the cells again from the first.",
                    stacklevel=3,
                )


def _import_again(module, names):
    """Let what the notebook imported from a module be what the module has now.

    Args:
        module: it was reloaded.
        names: what it had before.
    """
    old = {id(value): name for name, value in names.items() if _has_a_name(value)}
    notebook = vars(sys.modules["__main__"])
    for key, value in list(notebook.items()):
        if id(value) in old:
            notebook[key] = getattr(module, old[id(value)])


def _file(module):
    return module.replace(".", "/") + ".py"
