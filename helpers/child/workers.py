"""Workers of the standard library's pools and executors: their tasks, recorded in the worker.

The function of such a process is a loop of the standard library, which takes tasks out of a queue.
So the queue's `get` is replaced by one that records the function inside each task. Nothing is
wrapped in the parent.

Private names of the standard library are used here: `pool.worker` and
`futures.process._process_worker`, with the functions they use for chunks. Were they gone, tasks
would be missing from the timeline, never invented; a test checks that they are there.
"""

import functools
import sys

from helpers.child import events
from helpers.child.calls import RecordedCall
from helpers.child.transfers import record_transfers

_POOL, _FUTURES = "multiprocessing.pool", "concurrent.futures.process"


def role_of(target) -> str:
    """Return what a process is there for, by its target: 'worker', 'manager' or 'process'."""
    if _is_machinery(target):
        return "worker"
    if getattr(target, "__module__", None) == "multiprocessing.managers":
        return "manager"
    return "process"


def record_worker_tasks(target, tasks, results, recorder) -> None:
    """Record every task that this process takes out of its queue from now on, and large messages.

    A pool's worker takes an OSError for the end of its queue, and leaves as if it had been told to.
    Its parent must know better. So the worker gets another error instead, and ends by it.

    Args:
        target: the function of this process; unless it is a worker of a pool or of an executor,
            nothing is recorded.
        tasks: the queue out of which it takes its tasks.
        results: the queue into which it puts their results.
        recorder: the recorder of this process.
    """
    if _is(target, _POOL, "worker"):
        observe = _observe_pool_task
    elif _is(target, _FUTURES, "_process_worker"):
        observe = _observe_call_item
    else:
        return
    record_transfers(tasks, results, recorder)
    get, is_ready = tasks.get, False

    def recorded_get(*args, **kwargs):
        nonlocal is_ready
        if not is_ready:
            recorder.record(events.READY)
            is_ready = True
        try:
            task = get(*args, **kwargs)
        except (EOFError, OSError) as error:
            raise RuntimeError(f"the queue of tasks cannot be read any more: {error!r}") from error
        return None if task is None else observe(task, recorder)

    tasks.get = recorded_get


def _observe_pool_task(task, recorder):
    """Return a task of `Pool` with its function recorded; of a chunk, the function inside."""
    job, item, function, args, kwargs = task
    if _is(function, _POOL, "mapstar"):
        ((inner, chunk),) = args
        function, args = RecordedCall(inner, recorder, job, item).map, (chunk,)
    elif _is(function, _POOL, "starmapstar"):
        ((inner, chunk),) = args
        args = ((RecordedCall(inner, recorder, job, item), chunk),)
    elif not _is_machinery(function):
        function = RecordedCall(function, recorder, job, item)
    return job, item, function, args, kwargs


def _observe_call_item(call, recorder):
    """Return a call of `ProcessPoolExecutor` with its function recorded; of a chunk, the inner."""
    function = call.fn
    inside = getattr(function, "func", None)  # of a functools.partial
    if _is(inside, _FUTURES, "_process_chunk"):
        (inner,) = function.args
        call.fn = functools.partial(inside, RecordedCall(inner, recorder))
    elif not _is_machinery(inside):
        call.fn = RecordedCall(function, recorder)
    return call


def _is_machinery(function):
    """Tell whether this is a function of the standard library's pools: a call is nobody's task."""
    return getattr(function, "__module__", None) in (_POOL, _FUTURES)


def _is(function, module, name):
    """Tell whether this is the function of that name in the module, if the module has one."""
    module = _loaded(module)
    return hasattr(module, name) and function is getattr(module, name)


def _loaded(module):
    """Return a module if this process has imported it, else None: it holds no function then."""
    return sys.modules.get(module)
