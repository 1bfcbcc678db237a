"""Callbacks, iterables and results may fail or wait: the threads of a pool go on, or it fails."""

import itertools
import sys
import threading

import pytest

from helpers.observed import Stopped, WorkerDied, get_context
from helpers.parent import results
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.within import until, within

pytestmark = pytest.mark.parametrize("method", METHODS)


def raises(error):
    """Return a callback that raises."""

    def callback(value):
        raise error

    return callback


ERRORS = [NameError("resuls"), SystemExit("resuls"), KeyboardInterrupt("resuls")]
ASYNCHRONOUS = {
    "apply_async": lambda pool, **more: pool.apply_async(workers.odd_is_wrong, (2,), **more),
    "map_async": lambda pool, **more: pool.map_async(workers.odd_is_wrong, [2], **more),
    "starmap_async": lambda pool, **more: pool.starmap_async(workers.odd_is_wrong, [(2,)], **more),
}


# Callbacks


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("submit", ASYNCHRONOUS.values(), ids=ASYNCHRONOUS)
def test_an_error_in_a_callback_is_printed_and_reaches_nobody(
    method: str, submit, error, capfd
) -> None:
    with get_context(method).Pool(1) as pool:
        result = submit(pool, callback=raises(error))
        assert within(60, result.get) in (2, [2])
        assert within(60, pool.apply, workers.double, (2,)) == 4
        pool.close()
        within(60, pool.join)
    assert f"{type(error).__name__}: resuls" in capfd.readouterr().err


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("value", [1, threading.Lock()], ids=["in the task", "while pickling"])
def test_an_error_in_an_error_callback_is_printed_and_reaches_nobody(
    method: str, value, error, capfd
) -> None:
    with get_context(method).Pool(1) as pool:
        failed = pool.apply_async(workers.odd_is_wrong, (value,), error_callback=raises(error))
        with pytest.raises((workers.Oops, TypeError)):
            within(60, failed.get)
        assert within(60, pool.apply, workers.double, (2,)) == 4
        pool.close()
        within(60, pool.join)
    assert f"{type(error).__name__}: resuls" in capfd.readouterr().err


def test_callbacks_are_called_before_their_result_is_there(method: str) -> None:
    told = []
    with get_context(method).Pool(1) as pool:
        within(60, pool.apply_async(workers.double, (2,), callback=told.append).get)
        within(60, pool.map_async(workers.double, [3], callback=told.append).get)
        failed = pool.apply_async(workers.raise_oops, (1,), error_callback=told.append)
        within(60, failed.wait)
    assert [*told[:2], type(told[2])] == [4, [6], workers.Oops]


WAITS = {
    "apply": lambda pool, result: pool.apply(workers.double, (1,)),
    "map": lambda pool, result: pool.map(workers.double, [1]),
    "imap": lambda pool, result: list(pool.imap(workers.double, [1])),
    "get of another result": lambda pool, result: result.get(),
    "close and join": lambda pool, result: (pool.close(), pool.join()),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_callback_cannot_wait_for_its_own_pool(method: str, wait, capfd, tmp_path) -> None:
    go = tmp_path / "go"
    with get_context(method).Pool(1) as pool:
        first = pool.apply_async(
            workers.double, (2,), callback=lambda _: (wait(pool, second), go.touch())
        )
        second = pool.apply_async(workers.wait_for, (str(go),))
        assert within(60, first.get) == 4
        go.touch()
        assert within(60, second.get)
        pool.close()
        within(60, pool.join)
    assert "RuntimeError: a callback cannot wait for its own pool" in capfd.readouterr().err


def test_a_callback_may_wait_for_another_pool_and_submit_to_its_own(method: str) -> None:
    more = []
    with get_context(method).Pool(1) as pool, get_context(method).Pool(1) as other:

        def go_on(value):
            more.append(other.apply(workers.double, (value,)))
            more.append(pool.apply_async(workers.double, (2 * value,)))

        within(60, pool.apply_async(workers.double, (2,), callback=go_on).get)
        assert more[0] == 8
        assert within(60, more[1].get) == 16


def test_a_callback_may_terminate_its_pool(method: str) -> None:
    """As who looks for one solution does. What nobody gives any more is not waited for."""
    with get_context(method).Pool(4) as pool:
        endless = pool.apply_async(workers.sleep, (60,)), pool.map_async(workers.sleep, [60])
        items = pool.imap(workers.sleep, [60])
        found = pool.apply_async(workers.double, (2,), callback=lambda _: pool.terminate())
        assert within(60, found.get) == 4
        for wait in (endless[0].get, endless[1].get, items.next):
            with pytest.raises(RuntimeError, match="the pool was terminated"):
                within(60, wait)
        within(60, pool.join)


@pytest.fixture
def for_ever():
    """Yield a callback that waits for ever, and has said so."""
    begun, never = threading.Event(), threading.Event()

    def wait(value):
        begun.set()
        never.wait(100)

    wait.begun = begun
    yield wait
    never.set()


@pytest.mark.parametrize("use", ["get", "join"])
def test_stop_ends_the_wait_for_a_callback_that_waits_for_ever(method: str, use, for_ever) -> None:
    mp = get_context(method)
    pool = mp.Pool(1)
    result = pool.apply_async(workers.double, (2,), callback=for_ever)
    behind = pool.apply_async(workers.double, (3,))
    pool.close()
    waits = threading.Thread(target=behind.wait if use == "get" else pool.join, daemon=True)
    waits.start()
    assert for_ever.begun.wait(60)
    within(60, mp.stop)
    waits.join(60)
    assert not waits.is_alive()
    with pytest.raises(Stopped):
        within(60, behind.get)
    assert within(60, result.get) == 4, "it had come"


def test_a_pool_ends_whose_callback_waits_for_ever(method: str, for_ever) -> None:
    mp = get_context(method)
    with mp.Pool(1) as pool:
        pool.apply_async(workers.double, (2,), callback=for_ever)
        assert for_ever.begun.wait(60)
        within(60, pool.terminate)
        within(60, pool.join)
    assert mp.timeline().alive == 0


def test_an_error_callback_that_waits_for_ever_delays_no_news_of_a_death(
    method: str, monkeypatch, for_ever
) -> None:
    monkeypatch.setattr(results, "LONGEST_HOLD", 0.1)
    with get_context(method).Pool(1) as pool:
        pending = [
            pool.apply_async(workers.exit_at_once, (3,), error_callback=for_ever),
            pool.map_async(workers.sleep, [60], error_callback=for_ever),
        ]
        for result in pending:
            with pytest.raises(WorkerDied):
                within(60, result.get)
    assert for_ever.begun.is_set()


# Iterables


def faulty(error):
    yield 1
    yield 2
    raise error


class Sized:
    """An iterable that says how long it is, and then fails, or ends too early."""

    def __init__(self, error=None):
        self.error = error

    def __len__(self):
        return 5

    def __iter__(self):
        return faulty(self.error) if self.error else iter([1, 2])


BASE_ERRORS = [ValueError("no"), SystemExit("no"), KeyboardInterrupt("no"), GeneratorExit("no")]


@pytest.mark.parametrize("error", BASE_ERRORS, ids=repr)
@pytest.mark.parametrize("kind", [faulty, Sized])
def test_an_iterable_for_map_that_raises_raises_where_map_was_called(
    method: str, kind, error
) -> None:
    with get_context(method).Pool(1) as pool:
        with pytest.raises(type(error), match="no"):
            within(60, pool.map, workers.double, kind(error), 1)
        assert within(60, pool.map, workers.double, Sized(), 1) == [2, 4]


@pytest.mark.parametrize("error", BASE_ERRORS, ids=repr)
@pytest.mark.parametrize("use", ["imap", "imap_unordered"])
@pytest.mark.parametrize("chunksize", [1, 2])
def test_an_iterable_for_imap_that_raises_fails_its_item(
    method: str, use, chunksize, error
) -> None:
    with get_context(method).Pool(1) as pool:
        iterator = getattr(pool, use)(workers.double, faulty(error), chunksize)
        assert within(60, lambda: [next(iterator), next(iterator)]) == [2, 4]
        with pytest.raises((ValueError, RuntimeError), match="no"):
            within(60, next, iterator)
        assert within(60, list, iterator) == []
        assert within(60, list, pool.imap(workers.double, [3])) == [6]
        pool.close()
        within(60, pool.join)


def test_an_endless_iterable_for_imap_ends_with_its_pool(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(2) as pool:
        firsts = list(itertools.islice(pool.imap(workers.double, itertools.count()), 10))
    assert firsts == [2 * n for n in range(10)]
    assert mp.timeline().alive == 0
    assert not pool._task_handler.is_alive()


def test_an_iterable_that_waits_for_ever_does_not_hold_its_pool(method: str, for_ever) -> None:
    def endless():
        yield 1
        for_ever(2)

    mp = get_context(method)
    with mp.Pool(1) as pool:
        items = pool.imap(workers.double, endless())
        assert within(60, next, items) == 2
        assert for_ever.begun.wait(60)
        within(60, mp.stop)
        with pytest.raises(Stopped):
            within(60, next, items)


# What goes through the pipes


@pytest.mark.parametrize("error", BASE_ERRORS, ids=repr)
def test_a_task_that_cannot_be_pickled_fails_alone(method: str, error) -> None:
    task = workers.Pickled(workers.fail, error)
    with get_context(method).Pool(1) as pool:
        with pytest.raises((ValueError, RuntimeError), match="no"):
            within(60, pool.apply, workers.report, (task,))
        with pytest.raises((ValueError, RuntimeError), match="no"):
            within(60, pool.map, workers.report, [1, task, 3], 1)
        items = pool.imap(workers.double, [1, task])
        assert within(60, next, items) == 2
        with pytest.raises((ValueError, RuntimeError), match="no"):
            within(60, next, items)
        assert within(60, pool.apply, workers.double, (3,)) == 6


@pytest.mark.parametrize("function", [sys.exit, workers.fail])
def test_a_result_that_cannot_be_rebuilt_fails_what_is_pending(method: str, function) -> None:
    with get_context(method).Pool(1) as pool, pytest.raises(Exception, match="cannot be rebuilt"):
        within(60, pool.apply, workers.make_rebuilt, (function, EOFError("no")))


# What the standard library must still have


def test_what_is_leaned_on_is_there(method: str) -> None:
    with get_context(method).Pool(1) as pool:
        result, chunks = pool.apply_async(workers.double, (1,)), pool.map_async(abs, [1])
        assert {"_event", "_cache", "_error_callback", "_job"} <= set(vars(result))
        assert {"_number_left", "_success", "_value"} <= set(vars(chunks))
        until(result.ready)
        assert result._success
