"""Subclasses of Process, made at import as a student's are: for every kind of context.

A child finds a class by the name of its module and its own, so each class has a name of its own.
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
        """Says itself what of it goes to the child."""

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
        """Has a run of its own and calls the standard one."""

        def run(self):
            super().run()

    for one in (Doubler, Pickler, Raiser, Delegator):
        name = f"{one.__name__}_{kind}_{mp.get_start_method()}"
        one.__qualname__ = name
        globals()[name] = one


for _method in multiprocessing.get_all_start_methods():
    for _kind, _get in (("plain", multiprocessing.get_context), ("observed", get_context)):
        CONTEXTS[_kind, _method] = _get(_method)
        make_subclasses(CONTEXTS[_kind, _method], _kind)


def subclass(mp, name):
    """The subclass of this name, for contexts of the same kind as `mp`."""
    kind = "observed" if hasattr(mp, "timeline") else "plain"
    return globals()[f"{name}_{kind}_{mp.get_start_method()}"]
