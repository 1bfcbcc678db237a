"""Running experiments in the background: one at a time, the latest wins, Stop stops.

No widgets and no pictures here, so that all of it can be tested, and used, without either.
"""

import contextlib
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from helpers.observed import Stopped, get_context
from helpers.parent.processes import in_spite_of_interrupts
from helpers.timeline import Tasks, Timeline

DEBOUNCE = 0.2
"""Seconds that a request waits for a later one: each press of an arrow key is a request."""

FRAME = 0.15
"""Seconds between two looks at a run. More than eight a second would keep the page too busy."""

GRACE = 0.4
"""Seconds that a stopped run has to come back once its processes have ended.

What is stuck elsewhere is left behind.
"""

WAKES = sys.platform != "win32"
"""Does an interrupt wake a thread that waits for something? On Windows it waits on."""

BETWEEN_INTERRUPTS = 3.0
"""Seconds after an interrupt of a cell's run in which a further one changes nothing."""


class Setting(NamedTuple):
    """What one run is asked to do: the start method, and a number for each slider."""

    method: str
    numbers: dict[str, int]

    def __str__(self):
        return ", ".join(f"{name}={number}" for name, number in self.numbers.items())


class Result(NamedTuple):
    """What came of a run: its timeline, and a word or a sentence where it did not end well."""

    setting: Setting
    timeline: Timeline
    trouble: str


STOPPED, LEFT_BEHIND, INTERRUPTED = "stopped", "left behind", "interrupted"


class Attempt:
    """One run of a student's function on a context of its own, which may be ended meanwhile."""

    def __init__(self, run: Callable, setting: Setting, get_context: Callable = get_context):
        self.context = get_context(setting.method)
        self.setting = setting
        self.over = threading.Event()
        self.result = None
        self.broken_off = False  # by a KeyboardInterrupt
        self._run = run
        self._stopping = threading.Lock()
        self._ended_by = ""  # STOPPED or INTERRUPTED, when somebody has ended it
        self._ended_at = None

    def make(self) -> Result:
        """Run to the end, or until it is stopped or interrupted."""
        trouble = ""
        try:
            self._run(self.context, **self.setting.numbers)
        except Stopped:
            trouble = STOPPED
        except KeyboardInterrupt:  # ours, or a child's that an executor has handed on
            self.broken_off = True
        except (Exception, SystemExit) as error:
            first_line = str(error).partition("\n")[0]
            trouble = f"{type(error).__name__}: {first_line}" if first_line else repr(error)
        finally:
            ended_by = self._ended_by
            # Nothing that the run may have left behind outlives it.
            in_spite_of_interrupts(self._end_processes)
        timeline = self.context.timeline()
        # Its children may have died of an interrupt before anybody had looked.
        if self.broken_off or timeline.interrupts:
            ended_by = ended_by or INTERRUPTED
        # Whatever the run made of its end: joins that come back, an executor that broke.
        return Result(self.setting, timeline, ended_by or trouble)

    def start(self):
        """The same in a thread; `over` is set when `result` is there."""

        def work():
            try:
                self.result = self.make()
            except Exception as error:  # of ours: whoever waits must not wait for ever
                self.result = Result(self.setting, Timeline(Tasks.from_columns([])), repr(error))
            self.over.set()

        threading.Thread(target=work, name="experiment", daemon=True).start()

    def stop(self, why=STOPPED):
        """End all its processes; what waits for them comes back with `Stopped`."""
        self._ended_by = self._ended_by or why
        try:
            self._end_processes()
        finally:
            self._ended_at = self._ended_at or time.monotonic()

    def _end_processes(self):
        with self._stopping:  # who asks while somebody else does it waits until they have
            self.context.stop()

    @property
    def stuck(self) -> bool:
        """Was it stopped, and has not come back? It waits for something that is not ours."""
        ended = self._ended_at
        return ended is not None and time.monotonic() - ended > GRACE and not self.over.is_set()


class Job(NamedTuple):
    """What a runner is asked to do, and whom it tells. All are called in the runner's thread."""

    attempt: Attempt
    look: Callable[[Timeline], None]  # every now and then while it runs
    finish: Callable[[Result], None]  # when it is over
    drop: Callable[[], None]  # instead of all that, if it was given up before it began


class Runner:
    """A thread that makes the attempt that was asked for last, in place of any earlier one."""

    def __init__(self):
        self._condition = threading.Condition()
        self._waiting = None
        self._current = None
        self._thread = None
        self._alone = threading.Lock()

    def request(self, job: Job):
        """Have an attempt made, in place of what runs and what waits."""
        with self._condition:
            self._give_up()
            self._waiting = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="panel runner", daemon=True)
                self._thread.start()
            self._condition.notify()

    def stop(self):
        """Give up what runs and what waits."""
        with self._condition:
            self._give_up()

    def make_here(self, attempt: Attempt) -> Result:
        """Make an attempt in the thread that asks, after stopping what runs in the background."""
        self.stop()
        with self._alone, _ended_by_an_interrupt(attempt):
            return attempt.make() if WAKES else _made_in_a_thread(attempt)

    def _give_up(self):
        if self._waiting is not None:
            _in_background(self._waiting.drop)
            self._waiting = None
        if self._current is not None:
            _in_background(self._current.attempt.stop)

    def _work(self):
        while True:
            self._serve(self._next_job())

    def _serve(self, job):
        """Make one job's attempt. When we return, nobody here holds it, or its logs, any more."""
        try:
            with self._alone:
                job.finish(self._make(job))
        except Exception:  # one job's error must not end the thread that serves all panels
            traceback.print_exc()
        with self._condition:
            self._current = None

    def _make(self, job):
        """Have the attempt made in a thread of its own, and look at it meanwhile.

        Who interrupts the kernel wants this run to end, too. We are not told, since an idle kernel
        ignores the signal, but the children are, and they write it down.
        """
        attempt = job.attempt
        attempt.start()
        while not attempt.over.wait(FRAME):
            timeline = attempt.context.timeline()
            if attempt.stuck:
                return Result(attempt.setting, timeline, LEFT_BEHIND)
            if timeline.interrupts:
                attempt.stop(INTERRUPTED)
            job.look(timeline)
        return attempt.result

    def _next_job(self):
        """Wait for a job, and then until no other has come for a while."""
        with self._condition:
            job = None
            while job is None or job is not self._waiting:
                self._condition.wait_for(lambda: self._waiting is not None)
                job = self._waiting
                self._condition.wait(DEBOUNCE)
            self._waiting, self._current = None, job
            return job


def _made_in_a_thread(attempt):
    """Make an attempt where an interrupt does not wake who waits: we look up every now and then."""
    attempt.start()
    while not attempt.over.wait(FRAME):
        if attempt.stuck:
            return Result(attempt.setting, attempt.context.timeline(), LEFT_BEHIND)
    return attempt.result


def _in_background(function):
    """Ending children takes a moment, for which nobody who moves a slider should wait."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


@contextlib.contextmanager
def _ended_by_an_interrupt(attempt):
    """While this lasts, an interrupt of the kernel ends the attempt's processes, too.

    The run itself may wait for them in vain. Impatient further interrupts change nothing for a
    while: raised in the middle of the first one's way out, they could leave a lock held that the
    executor's own thread needs, and then nothing would ever end.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield  # no signal reaches this thread
        return
    over, quiet_until = threading.Event(), 0.0

    def handle(number, frame):
        nonlocal quiet_until
        attempt.broken_off = True
        if WAKES and time.monotonic() >= quiet_until:
            quiet_until = time.monotonic() + BETWEEN_INTERRUPTS
            usual(number, frame)  # which raises KeyboardInterrupt

    def watch():
        while not over.wait(FRAME):
            if attempt.broken_off:
                return attempt.stop(INTERRUPTED)

    _in_background(watch)
    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        over.set()


RUNNER = Runner()
"""One for the whole kernel, so that two panels never run over each other."""
