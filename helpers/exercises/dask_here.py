"""What the exercises of lesson 13 share: they need Dask, which may be missing."""

import importlib.util

from helpers.exercises import exercise
from helpers.exercises.watching import Seen, watch


class DaskExercise(exercise.Exercise):
    """An exercise whose answer is given a cluster instead of a context."""

    call = "run(dask)"

    def missing(self) -> str:
        """Say so where Dask is not installed."""
        found = all(map(importlib.util.find_spec, ("dask", "distributed")))
        return "" if found else "Dask is not installed here."

    def watch_with_dask(self, answer, *arguments) -> Seen:
        """Watch an answer that is called with a context for Dask, and more arguments."""
        from helpers.cluster import LocalClusters  # which needs Dask

        return watch(answer, *arguments, method="spawn", context=LocalClusters)

    def watch(self, answer):
        return [self.watch_with_dask(answer)]
