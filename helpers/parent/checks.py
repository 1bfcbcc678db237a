"""Bad input is refused before anything starts: numbers of workers, functions that cannot travel.

Standard library only.
"""

import contextlib
import os
import pickle
import sys
import warnings
from multiprocessing import spawn

MOST_WORKERS = 60 if sys.platform == "win32" else 1000
"""More workers than this, or more processes alive in one experiment, are refused.

Windows can wait for about sixty processes at once.
"""


def check_workers(workers) -> None:
    """Refuse what is no sensible number of workers.

    Raises TypeError for what is no whole number, ValueError for too few or too many.
    """
    if isinstance(workers, bool) or not hasattr(type(workers), "__index__"):
        raise TypeError(f"the number of workers must be a whole number, not {workers!r}")
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"the number of workers must be from 1 to {MOST_WORKERS}, not {workers}")


def check_reaches_child(function, method: str) -> None:
    """Refuse a function that another process could not find by its name: raises PicklingError.

    Functions travel between processes as the name of their module and their own. A lambda and a
    function inside a function have no name to be found by; a function from a notebook cell has
    one in this process only.
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
    """Can a spawned child import our `__main__`? A script, yes; a notebook, no."""
    return any(key.startswith("init_main") for key in spawn.get_preparation_data("check"))


_seen = {}


def say_what_was_edited():
    """Warn if a file of worker functions has changed since this process imported it."""
    for name in ("helpers.tasks", "helpers.mine"):
        module = sys.modules.get(name)
        if module is None:
            continue
        with contextlib.suppress(OSError):
            edited = os.stat(module.__file__).st_mtime_ns
            spec, imported = _seen.get(name, (None, 0))
            if spec is not module.__spec__:  # imported, or reloaded, since we last looked
                _seen[name] = module.__spec__, edited
            elif edited != imported:
                warnings.warn(
                    f"{name.replace('.', '/')}.py was edited after this kernel imported it: "
                    "fork would run the old code, spawn the new. "
                    f"Restart the kernel, or run importlib.reload({name}).",
                    stacklevel=3,
                )
