"""Subclasses of Process, Pool and contexts, made when this module is imported.

A child finds a class by the names of its module and of the class, so no two share a name.
"""

import multiprocessing
import multiprocessing.pool

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

    class NoDaemon(mp.Process):
        """A process that may have children, also as the worker of a pool."""

        @property
        def daemon(self):
            return False

        @daemon.setter
        def daemon(self, value):
            pass

    class StandardNoDaemon(multiprocessing.get_context(mp.get_start_method()).Process):
        """The same, of a context without us; and its `run` is its own."""

        daemon = NoDaemon.daemon

        def run(self):
            workers.set_constant(5)
            super().run()

    class NoDaemonContext(type(mp)):
        Process = NoDaemon

    class StandardNoDaemonContext(type(mp)):
        Process = StandardNoDaemon

    class NestablePool(multiprocessing.pool.Pool):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, context=NoDaemonContext())

    for made in (
        *(Doubler, Pickler, Raiser, Delegator, NoDaemon, StandardNoDaemon),
        *(NoDaemonContext, StandardNoDaemonContext, NestablePool),
    ):
        name = f"{made.__name__}_{kind}_{mp.get_start_method()}"
        made.__qualname__ = name
        globals()[name] = made


for _method in multiprocessing.get_all_start_methods():
    for _kind, _get in (("plain", multiprocessing.get_context), ("observed", get_context)):
        CONTEXTS[_kind, _method] = _get(_method)
        make_subclasses(CONTEXTS[_kind, _method], _kind)


def subclass(mp, name):
    """Return the subclass with this name for contexts of the same kind as `mp`."""
    kind = "observed" if hasattr(mp, "timeline") else "plain"
    return globals()[f"{name}_{kind}_{mp.get_start_method()}"]
