"""Results that are pending in a pool: their callbacks, who may wait for them, and how they fail.

The standard library calls a callback in the thread that receives the pool's results. So an error
in a callback would end that thread, and a callback that waits for a result of the same pool would
wait for ever, and everybody else with it.

This file leans on private names of the standard library's results (a test holds that they are
there). Standard library only.
"""

import functools
import threading
import traceback
from collections.abc import Callable
from multiprocessing.pool import IMapIterator, MapResult

from helpers.parent.waits import free

LONGEST_HOLD = 1.0
"""Seconds that a thread holds a result's lock, at most, even if it has to wait for a core; and
that error callbacks may take before those who wait for the results are told in spite of them."""

_this_thread = threading.local()  # `called_by`: the cache of the pool whose callback runs here


def guarded(callback: Callable | None, cache) -> Callable | None:
    """Return a callback whose error is printed, as that of a thread is, and reaches nobody else.

    Args:
        callback: what the student passed.
        cache: the pending results of the pool.
    """
    if not callback:
        return callback

    def call(value):
        _this_thread.called_by = cache
        try:
            callback(value)
        except BaseException:  # of SystemExit the thread would end as well
            traceback.print_exc()
        finally:
            _this_thread.called_by = None

    return call


def check_may_wait(cache) -> None:
    """Refuse to wait for a pool in a callback of the same pool.

    Args:
        cache: the pending results of the pool.

    Raises:
        RuntimeError: if this thread has been called back by the pool.
    """
    if getattr(_this_thread, "called_by", None) is cache:
        raise RuntimeError(
            "a callback cannot wait for its own pool: it runs in the thread that receives the "
            "pool's results. Let it store what it is given, and wait where the pool was made"
        )


def refuse_endless_wait(result) -> None:
    """Let `wait` and `get` of a result refuse to wait for ever in a callback of its pool."""
    result.wait = functools.partial(_wait, result._event, result._cache)


def _wait(event, cache, timeout=None):
    if timeout is None and not event.is_set():
        check_may_wait(cache)
    event.wait(timeout)


def fail_all(results: list, error: Exception, call_back: bool) -> None:
    """Fail results, whatever the pool's own thread is doing with them just now.

    Args:
        results: what a pool's methods have returned, and nobody else will complete.
        error: what they will raise.
        call_back: whether error callbacks are called. They may wait for ever; those who wait for
            the results do not wait for them any longer than `LONGEST_HOLD`.
    """
    waited_for = []
    told = []
    for result in results:
        if isinstance(result, IMapIterator):
            _fail_iterator(result, error)
            continue
        waited_for.append(result)
        if not _is_complete(result):
            _give_error(result, error)
            told.append(result)
    if call_back:
        _call_back([result for result in told if result._error_callback])
    for result in waited_for:
        _wake(result)


def _is_complete(result):
    """Tell whether the outcome is there already: then a callback is just being called."""
    if isinstance(result, MapResult):
        return result._number_left == 0
    return hasattr(result, "_success")


def _give_error(result, error):
    if getattr(result, "_success", True):  # else a chunk of a map has failed before
        result._success, result._value = False, error


def _call_back(results):
    """Call error callbacks in a thread of their own, and give them some time."""

    def call_all():
        for result in results:
            result._error_callback(result._value)
            _wake(result)

    if results:
        thread = threading.Thread(target=call_all, name="error callbacks", daemon=True)
        thread.start()
        thread.join(LONGEST_HOLD)


def _wake(result):
    free(result._event._cond, LONGEST_HOLD)
    result._event.set()


def _fail_iterator(iterator, error):
    """Make the error the last item of what `imap` or `imap_unordered` returned."""
    free(iterator._cond, LONGEST_HOLD)
    with iterator._cond:
        iterator._items.append((False, error))
        iterator._index += 1
        iterator._length = iterator._index
        iterator._cond.notify_all()


def with_ordinary_errors(iterable):
    """Yield what an iterable yields. Its SystemExit, say, becomes a RuntimeError.

    A thread of the pool asks for the items. It passes on an `Exception`, but any other would end
    the thread.
    """
    iterator = iter(iterable)
    while True:
        try:
            item = with_ordinary_error(next, iterator)
        except StopIteration:
            return
        yield item


def with_ordinary_error(function: Callable, *args):
    """Return what a function returns. Its SystemExit, say, becomes a RuntimeError.

    Args:
        function: what to call, in a thread of the pool.
        args: its arguments.

    Raises:
        RuntimeError: instead of what is no `Exception`.
    """
    try:
        return function(*args)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__} in a thread of the pool: {error}") from error
