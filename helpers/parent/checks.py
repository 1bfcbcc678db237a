"""Refuse bad input before anything starts: numbers of workers, functions that cannot travel.

Standard library only.
"""

import contextlib
import os
import pickle
import sys
import warnings
from multiprocessing import spawn

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


def check_reaches_child(function, method: str) -> None:
    """Refuse a function that another process could not find by its name.

    Functions travel between processes as the name of their module and their own. A lambda and a
    function inside a function have no name to be found by; a function from a notebook cell has
    one in this process only.

    Args:
        function: what a process or a task is to call.
        method: the start method, such as 'spawn'.

    Raises:
        pickle.PicklingError: with the remedy.
    """
    function = getattr(function, "func", function)  # inside a functools.partial
    name = str(getattr(function, "__qualname__", ""))
    if "<lambda>" in name or "<locals>" in name:
        where = "is a lambda" if "<lambda>" in name else "is defined inside another function"
    elif (
        method != "fork"
        and getattr(function, "__module__", "") == "__main__"
        and not _main_is_a_file()
    ):
        where = "is defined in this notebook"
    else:
        return
    raise pickle.PicklingError(
        f"{name} {where}, where a child process cannot find it; "
        "move it to helpers/mine.py (or helpers/tasks.py) and import it from there"
    )


def _main_is_a_file():
    """Tell whether a spawned child can import our `__main__`: a script, yes; a notebook, no."""
    return any(key.startswith("init_main") for key in spawn.get_preparation_data("check"))


_seen = {}  # of each module that was imported: its spec, and when its file was last edited then


def warn_of_edited_modules() -> None:
    """Warn if a file of worker functions has changed since this process imported it."""
    for name in ("helpers.tasks", "helpers.mine"):
        module = sys.modules.get(name)
        if module is None:
            continue
        with contextlib.suppress(OSError):
            edited = os.stat(module.__file__).st_mtime_ns
            spec, imported = _seen.get(name, (None, 0))
            if spec is not module.__spec__:  # imported or reloaded since the last look
                _seen[name] = module.__spec__, edited
            elif edited != imported:
                warnings.warn(
                    f"{name.replace('.', '/')}.py was edited after this kernel imported it: "
                    "fork would run the old code, spawn the new. "
                    f"Restart the kernel, or run importlib.reload({name}).",
                    stacklevel=3,
                )
