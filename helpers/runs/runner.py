"""Run experiments in the background: one at a time, the latest wins, Stop stops.

There are no widgets and no pictures here, so that all of it can be tested, and used, without them.
"""

import contextlib
import inspect
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from helpers.observed import Stopped, contexts_adopted_by, get_context
from helpers.parent import family
from helpers.parent.waits import in_spite_of_interrupts
from helpers.runs.printed import Printed, keep_printed
from helpers.timeline import Tasks, Timeline

DEBOUNCE = 0.2
"""Seconds that a slider's request waits for a later one: each press of an arrow key makes one."""

FIRST_LOOKS = 0.02
"""Seconds between two looks at a run before its first task has begun, which nobody should miss."""

FRAME = 0.15
"""Seconds between two looks at a run. More than eight looks a second keep the page too busy."""

GRACE = 0.4
"""Seconds that a stopped run has to return once its processes have ended.

A run that is stuck in something else is left behind.
"""

WAKES = sys.platform != "win32"
"""Whether an interrupt wakes a thread that waits for something. On Windows, the thread waits on."""

BETWEEN_INTERRUPTS = 3.0
"""Seconds after an interrupt of a cell's run during which a further one changes nothing."""


class Setting(NamedTuple):
    """The task of one run: the start method, and a number for each slider."""

    method: str
    numbers: dict[str, int]

    def __str__(self):
        return ", ".join(f"{name}={number}" for name, number in self.numbers.items())


class Result(NamedTuple):
    """The outcome of a run: its timeline, and a word or a sentence where it did not end well.

    `printed` is what it has printed and shown, where that is known. `others` are the pids of
    processes that were started meanwhile, but not by its context, and are still running:
    whoever started them, and by whatever means.
    """

    setting: Setting
    timeline: Timeline
    trouble: str
    printed: Printed | None = None
    others: tuple[int, ...] = ()


STOPPED, LEFT_BEHIND, INTERRUPTED = "stopped", "left behind", "interrupted"
OWN_CONTEXT = (
    "the run has made a context of its own, of which nothing is shown; "
    "use the one that it is given, its first argument"
)


class Attempt:
    """One run of a student's function on a context of its own. It may be stopped meanwhile."""

    def __init__(self, run: Callable, setting: Setting, get_context: Callable = get_context):
        self.context = get_context(setting.method)
        self._contexts = [self.context]  # and those that the run makes itself
        self.setting = setting
        self.over = threading.Event()
        self.result = None
        self.printed = None  # what it has printed and shown so far, once it has begun
        self.broken_off = False  # whether an interrupt is to end it, or has ended it
        self._run = run
        self._stopping = threading.Lock()
        self._ended_by = ""  # STOPPED or INTERRUPTED, once somebody has ended it
        self._ended_at = None
        self._here_before = set()  # this kernel's processes that the run has not started

    def make(self) -> Result:
        """Run to the end, or until it is stopped or interrupted."""
        trouble = ""
        self._here_before = family.all_descendants()
        _thread.is_inside_a_run = True
        try:
            with contexts_adopted_by(self._adopt), keep_printed() as self.printed:
                _check_has_run(self._run(self.context, **self.setting.numbers))
        except Stopped:
            trouble = STOPPED
        except KeyboardInterrupt:  # ours, or a child's that an executor has handed on
            self.broken_off = True
        except BaseException as error:  # SystemExit, GeneratorExit, a student's own: it is over
            trouble = _in_a_line(error)
        finally:
            _thread.is_inside_a_run = False
            ended_by = self._ended_by
            # No process that the run has started outlives it.
            in_spite_of_interrupts(self._end_processes)
        timeline = self.context.timeline()
        # Its children may have died of an interrupt before anybody looked.
        if self.broken_off or timeline.interrupts:
            ended_by = ended_by or INTERRUPTED
        if not timeline.processes and any(made.timeline().processes for made in self._contexts):
            trouble = trouble or OWN_CONTEXT
        # This counts more than what the run raised: joins that return, an executor that broke.
        return self.result_of(timeline, ended_by or trouble)

    def result_of(self, timeline: Timeline, trouble: str) -> Result:
        """Return the result, with those processes that nobody has ended.

        Args:
            timeline: of its context.
            trouble: a word or a sentence if it has not ended well.
        """
        alive = family.all_descendants() - self._here_before
        others = tuple(sorted(process.pid for process in alive))
        return Result(self.setting, timeline, trouble, self.printed, others)

    def start(self):
        """Do the same in a thread; `over` is set when `result` is there."""

        def work():
            try:
                self.result = self.make()
            except BaseException as error:  # an error of ours: nobody must wait for ever
                self.result = _nothing(self.setting, error)
            self.over.set()

        threading.Thread(target=work, name="experiment", daemon=True).start()

    def stop(self, why=STOPPED):
        """End all its processes; a call that waits for them raises `Stopped`."""
        self._ended_by = self._ended_by or why
        try:
            self._end_processes()
        finally:
            self._ended_at = self._ended_at or time.monotonic()

    def _end_processes(self):
        with self._stopping:  # a second caller waits until the first has ended them
            for context in list(self._contexts):
                context.stop()

    def _adopt(self, context):
        """Own a context that the run makes, instead of using the one that it is given."""
        self._contexts.append(context)
        if self._ended_by:  # what is made after a stop starts nothing
            context.stop()

    @property
    def stuck(self) -> bool:
        """Whether it was stopped and has not returned: it waits for something that is not ours."""
        ended = self._ended_at
        return ended is not None and time.monotonic() - ended > GRACE and not self.over.is_set()


_thread = threading.local()
"""Whether this very thread makes an attempt, as the attribute `is_inside_a_run`."""


def is_inside_a_run() -> bool:
    """Tell whether the caller is a function that an attempt runs."""
    return getattr(_thread, "is_inside_a_run", False)


def _check_has_run(returned):
    """Raise TypeError if a call has returned something that could run, and nothing has run yet."""
    if inspect.iscoroutine(returned):
        returned.close()  # or Python would warn of it later, anywhere
    elif not inspect.isasyncgen(returned):  # a generator may be what an executor's map returns
        return
    raise TypeError(
        f"nothing has run: the call returned a {type(returned).__name__}; "
        "write a plain function, without async"
    )


def _in_a_line(error):
    """Return an error's kind and the first line of its text."""
    first_line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first_line}" if first_line else repr(error)


def _nothing(setting, error):
    """Return the result of a run of which nothing is known but an error."""
    return Result(setting, Timeline(Tasks.from_columns([])), _in_a_line(error))


class Job(NamedTuple):
    """An attempt for a runner to make, and functions to call in the runner's thread."""

    attempt: Attempt
    look: Callable[[Timeline], None]  # called every now and then while it runs
    finish: Callable[[Result], None]  # called when it is over
    drop: Callable[[], None]  # called instead of both, if it was given up before it began
    wait: Callable[[bool], None] | None = None  # called if a cell's run is in the way, and after it


class Runner:
    """A thread that makes the latest attempt that was requested, in place of any earlier one."""

    def __init__(self):
        self._condition = threading.Condition()
        self._waiting = None
        self._begins_at = 0.0  # when the one that waits may begin
        self._current = None
        self._thread = None
        self._alone = threading.Lock()

    def request(self, job: Job, *, settle: bool = False):
        """Have an attempt made, in place of the one that runs and the one that waits.

        Args:
            job: the attempt.
            settle: whether to wait a moment for a later request, since a slider that is moved makes
                many. Without it, the attempt begins at once.
        """
        with self._condition:
            self._start_thread()
            given_up = self._give_up()
            self._waiting = job
            self._begins_at = time.monotonic() + (DEBOUNCE if settle else 0.0)
            self._condition.notify()
        _do_in_background(given_up)

    def stop(self):
        """Give up the attempt that runs and the one that waits."""
        with self._condition:
            given_up = self._give_up()
        _do_in_background(given_up)

    def interrupt(self):
        """Give up the attempt that runs in the background. For a handler: it waits for no lock."""
        job = self._current
        if job is not None:
            job.attempt.broken_off = True

    def make_here(self, attempt: Attempt) -> Result:
        """Make an attempt in the caller's thread, after stopping the one in the background."""
        self.stop()
        with self._alone, _ended_by_an_interrupt(attempt):
            return attempt.make() if WAKES else _made_in_a_thread(attempt)

    def watch_here(self, attempt: Attempt, look: Callable[[Timeline], None]) -> Result:
        """Make an attempt in a thread of its own, and look at it from the caller's meanwhile.

        No panel runs at the same time: what one has under way is stopped, and what is requested
        waits. `look` may stop the attempt.

        Raises:
            KeyboardInterrupt: if the caller is interrupted; the attempt is stopped before.
        """
        self.stop()
        with self._alone, _ended_by_an_interrupt(attempt):
            attempt.start()
            try:
                return _looked_at(attempt, look)
            except BaseException:
                attempt.stop(INTERRUPTED)
                raise

    def _start_thread(self):
        """Have a thread that serves all requests. Raises RuntimeError if there are no more."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="panel runner", daemon=True)
            thread.start()
            self._thread = thread

    def _give_up(self):
        """Return what must be done, outside the lock, to give up what runs and what waits."""
        given_up = []
        if self._waiting is not None:
            given_up.append(self._waiting.drop)
            self._waiting = None
        if self._current is not None:
            given_up.append(self._current.attempt.stop)
        return given_up

    def _work(self):
        while True:
            self._serve(self._next_job())

    def _serve(self, job):
        """Make one job's attempt, and tell its end, whatever happens.

        After that, nothing here refers to the attempt, or to its logs.
        """
        with self._alone_for(job):
            try:
                result = self._make(job)
            except Exception as error:  # no thread, no memory: it must be told all the same
                _do_in_background([job.attempt.stop])
                result = _nothing(job.attempt.setting, error)
            _tell(job.finish, result)  # one job's error must not end the thread that serves all
        with self._condition:
            self._current = None

    @contextlib.contextmanager
    def _alone_for(self, job):
        """Let no cell make a run meanwhile; if one is making a run, tell that we wait for it."""
        if not self._alone.acquire(blocking=False):
            _tell(job.wait, True)
            self._alone.acquire()
            _tell(job.wait, False)
        try:
            yield
        finally:
            self._alone.release()

    def _make(self, job):
        """Have the attempt made in a thread of its own, and look at it meanwhile.

        Whoever interrupts the kernel wants this run to end, too. The children receive the signal
        and record it, and we read that. Where they ignore it, the kernel has told `interrupt`.
        """
        attempt, observer = job.attempt, _Observer(job.attempt.context)
        attempt.start()
        while not attempt.over.wait(observer.pause):
            timeline = observer.read()
            if attempt.stuck:
                return attempt.result_of(timeline, LEFT_BEHIND)
            if timeline.interrupts or attempt.broken_off:
                attempt.stop(INTERRUPTED)
            if observer.is_frame_due(timeline):
                job.look(timeline)
        return attempt.result

    def _next_job(self):
        """Wait for a job, and then until it may begin."""
        with self._condition:
            while self._waiting is None or time.monotonic() < self._begins_at:
                left = None if self._waiting is None else self._begins_at - time.monotonic()
                self._condition.wait(left)
            self._current, self._waiting = self._waiting, None
            return self._current


def _tell(function, *arguments):
    """Call a function, if there is one; its error is shown, and stops nothing."""
    try:
        if function is not None:
            function(*arguments)
    except Exception:
        traceback.print_exc()


class _Observer:
    """Reads a run while it goes on, and tells when it is to be drawn.

    A run is drawn at its first process, at its first task, and then at every FRAME. Until its first
    task it is read more often than that, but reading takes no more than a tenth of the time.
    """

    def __init__(self, context):
        self.pause = FIRST_LOOKS  # seconds to wait before it is read again
        self._context = context
        self._begun = 0  # 1 with the first process, 2 with the first task
        self._drawn_at = time.monotonic()

    def read(self) -> Timeline:
        """Return what has happened so far."""
        before = time.thread_time()
        timeline = self._context.timeline()
        quick = max(FIRST_LOOKS, 10 * (time.thread_time() - before))
        self.pause = FRAME if len(timeline.tasks) else min(quick, FRAME)
        return timeline

    def is_frame_due(self, timeline: Timeline) -> bool:
        """Tell whether this is to be drawn."""
        now, before = time.monotonic(), self._begun
        self._begun = 2 if len(timeline.tasks) else int(len(timeline.processes) > 0)
        if self._begun == before and now - self._drawn_at < FRAME:
            return False
        self._drawn_at = now
        return True


def _made_in_a_thread(attempt):
    """Make an attempt in a thread, and wake every now and then, since no interrupt wakes us."""
    attempt.start()
    return _looked_at(attempt, look=lambda timeline: None)


def _looked_at(attempt, look):
    """Look at an attempt that has been started until it is over or stuck, and return its result."""
    while not attempt.over.wait(FRAME):
        timeline = attempt.context.timeline()
        look(timeline)
        if attempt.stuck:
            return attempt.result_of(timeline, LEFT_BEHIND)
    return attempt.result


def _do_in_background(functions):
    """Do something in threads: nobody who moves a slider should wait for the end of children."""
    for function in functions:
        try:
            threading.Thread(target=function, name="giving up", daemon=True).start()
        except RuntimeError:  # there are no more threads to be had
            function()


@contextlib.contextmanager
def _ended_by_an_interrupt(attempt):
    """Let an interrupt of the kernel end the attempt's processes, too, while this lasts.

    The run itself may wait for them in vain. Further, impatient interrupts change nothing for a
    while: a KeyboardInterrupt that is raised while the first one unwinds could leave a lock held
    that the executor's own thread needs, and then nothing would ever end.
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
            usual(number, frame)  # raises KeyboardInterrupt

    def watch():
        while not over.wait(FRAME):
            if attempt.broken_off:
                return attempt.stop(INTERRUPTED)

    with contextlib.suppress(RuntimeError):  # without a thread, the interrupt itself must do
        threading.Thread(target=watch, name="interrupt watcher", daemon=True).start()
    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        over.set()


RUNNER = Runner()
"""One for the whole kernel, so that two panels never run over each other."""
