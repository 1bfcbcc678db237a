"""Matplotlib's own settings for every chart, whatever settings the notebook has.

A student may want LaTeX, another font or the style of a comic for figures of their own. The same
timeline must give the same picture all the same.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib

BACKENDS = {"backend", "backend_fallback", "interactive"}
"""The settings that choose a window system, which our figures do not use."""

DEFAULTS = {
    name: value for name, value in matplotlib.rcParamsDefault.items() if name not in BACKENDS
}

_lock = threading.RLock()


@contextmanager
def own_settings() -> Iterator[None]:
    """Draw with matplotlib's defaults inside this context or, as a decorator, in this function.

    Settings belong to the whole kernel, and charts are drawn by several threads. So only one thread
    at a time changes them, and none does where the notebook has the defaults.
    """
    with _lock:
        settings = matplotlib.rcParams
        changed = {name: value for name, value in DEFAULTS.items() if settings[name] != value}
        if not changed:
            yield
            return
        with matplotlib.rc_context(changed):
            yield
