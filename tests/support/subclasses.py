"""Subclasses of Process for every kind of context, made when this module is imported.

A child finds a class by the names of its module and of the class, so no two share a name.
"""

import multiprocessing

from helpers.observed import get_context
from tests.support import workers

CONTEXTS = {}


def make_subclasses(mp, kind):
    class Doubler(mp.Process):
        def __init__(self, pipe, number):
            super().__init__(daemon=True)
            self.pipe, self.number = pipe, number

        def run(self):
            self.pipe.send((2 * self.number, self.daemon, type(self).__name__ == "Doubler"))

    class Pickler(mp.Process):
        """A process that chooses which of its attributes go to the child."""

        def __init__(self, pipe):
            super().__init__()
            self.pipe, self.lock = pipe, "cannot be pickled, says the class"

        def __getstate__(self):
            return {**vars(self), "lock": "left at home"}

        def __setstate__(self, state):
            vars(self).update(state, arrived=True)

        def run(self):
            self.pipe.send((self.lock, getattr(self, "arrived", False)))

    class Raiser(mp.Process):
        def run(self):
            raise workers.Oops("in run")

    class Delegator(mp.Process):
        """A process whose `run` calls the standard one."""

        def run(self):
            super().run()

    for subclass_of_process in (Doubler, Pickler, Raiser, Delegator):
        name = f"{subclass_of_process.__name__}_{kind}_{mp.get_start_method()}"
        subclass_of_process.__qualname__ = name
        globals()[name] = subclass_of_process


for _method in multiprocessing.get_all_start_methods():
    for _kind, _get in (("plain", multiprocessing.get_context), ("observed", get_context)):
        CONTEXTS[_kind, _method] = _get(_method)
        make_subclasses(CONTEXTS[_kind, _method], _kind)


def subclass(mp, name):
    """Return the subclass with this name for contexts of the same kind as `mp`."""
    kind = "observed" if hasattr(mp, "timeline") else "plain"
    return globals()[f"{name}_{kind}_{mp.get_start_method()}"]
