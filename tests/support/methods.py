"""The start methods that a test runs under: spawn always, the others with CI=true."""

import multiprocessing

import pytest

AVAILABLE = multiprocessing.get_all_start_methods()
METHODS = [
    "spawn",
    *(
        pytest.param(method, marks=pytest.mark.slow)
        for method in ("fork", "forkserver")
        if method in AVAILABLE
    ),
]
