"""The history of an experiment: its timeline and its output, read from the logs.

Standard library only, until somebody asks: what reads the logs needs numpy.
"""

import os
import threading
import time
import warnings
from math import isnan
from multiprocessing import util

from helpers.parent.waits import LONGEST_GOODBYE, POLL


class History:
    """The history of one experiment. It may be asked for while the experiment goes on.

    Args:
        watcher: the `Watcher` of the experiment.
    """

    def __init__(self, watcher):
        self._watcher = watcher
        self._last_timeline = None  # once the experiment was stopped
        self._said_that_incomplete = False
        self._begin_reading()
        util.register_after_fork(self, History._begin_reading)

    def _begin_reading(self):
        """Begin with nothing read; after a fork, too: a thread of the parent may hold the lock."""
        self._reading = threading.Lock()
        self._reader = None

    def timeline(self):
        """Return what has happened so far, as a `Timeline`."""
        from helpers.logs.reader import Reader  # here, since it needs numpy

        if self._last_timeline is not None:
            return self._last_timeline
        over = self._watcher.all_have_ended()
        with self._reading:  # what was read for the last snapshot is not read again
            reader = self._reader or Reader(self._watcher.recorder.folder)
            self._reader = None if over else reader  # of a run that is over, nothing need be kept
            timeline, unwritten = reader.timeline(last=over), reader.unwritten
        self._warn_if_incomplete(timeline, unwritten)
        return timeline

    def close(self) -> None:
        """Wait for the children of our children, and keep the timeline as it is then."""
        deadline = time.monotonic() + LONGEST_GOODBYE
        timeline = self.timeline()
        while timeline.alive and time.monotonic() < deadline:
            time.sleep(POLL)
            timeline = self.timeline()
        self._last_timeline, self._reader = timeline, None

    def output(self, by: str, stream: str) -> str:
        """Return what the children have printed so far; see `ObservedContext.output`."""
        for given, allowed in ((by, ("process", "time")), (stream, ("stdout", "stderr"))):
            if given not in allowed:
                raise ValueError(f"{given!r} is not known here; choose one of {', '.join(allowed)}")
        timeline = self.timeline()
        lines = [line for line in timeline.lines if line.stream == stream]
        if by == "process":
            order = {child.pid: place for place, child in enumerate(timeline.processes)}
            lines.sort(key=lambda line: order.get(line.pid, len(order)))
        texts = [line.text for line in lines]
        if timeline.lost_text:
            texts.append(f"({timeline.lost_text:,} more bytes were printed and not kept)")
        return "\n".join(texts)

    def _warn_if_incomplete(self, timeline, unwritten):
        """Warn, once, if the recorder could not write down everything."""
        recorder = self._watcher.recorder
        if self._said_that_incomplete or recorder.folder.startswith(os.devnull):  # that was said
            return
        silent = [p for p in timeline.processes if p.exitcode == 0 and isnan(p.born)]
        gone = not os.path.isdir(recorder.folder)
        if recorder.lost_events or gone or silent or unwritten:
            self._said_that_incomplete = True
            warnings.warn(
                "the timeline is incomplete, since the logs could not be written: "
                "the disk is full, or their folder is gone",
                stacklevel=4,  # the line that asked the context for its timeline
            )
