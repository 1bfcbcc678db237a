"""Small programs, each a function of a multiprocessing context, that return what they saw.

`test_plain_and_observed.py` runs each on a plain context and on an observed one. The programs leave
out whatever depends on the run: pids, times, which worker did what.
"""

import contextlib
import functools
import multiprocessing
import multiprocessing.connection
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor

from tests.support import workers
from tests.support.subclasses import subclass

PROGRAMS = []


def program(function):
    PROGRAMS.append(function)
    return function


def fate(call, *args, **kwargs):
    """Return what a call returns, or the exception it raises, in a form that can be compared."""
    try:
        return "returned", call(*args, **kwargs)
    except BaseException as error:
        return "raised", type(error), error.args


def finish(*processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


# Process


def _send_report(pipe, *args, **kwargs):
    process = multiprocessing.current_process()
    parent = multiprocessing.parent_process()
    pipe.send((args, kwargs, process.name, process.daemon, parent.pid == os.getppid()))
    pipe.close()


@program
def process_arguments(mp):
    here, there = mp.Pipe(duplex=False)
    process = mp.Process(
        target=_send_report, name="Ann", args=(there, 1), kwargs={"b": 2}, daemon=True
    )
    before = process.exitcode, process.pid, process.name, process.daemon, process.is_alive()
    process.start()
    received = here.recv()[:-1]
    process.join()
    after = process.exitcode, process.is_alive(), process.pid is None
    return before, received, after


@program
def process_class(mp):
    process = mp.Process()
    return (
        isinstance(process, multiprocessing.process.BaseProcess),
        isinstance(process, mp.Process),
        isinstance(mp.Process, type),
        mp.Process.__name__,
        finish(process),
    )


@program
def process_exit_codes(mp):
    return finish(
        mp.Process(target=workers.double, args=(1,)),
        mp.Process(target=workers.exit_politely, args=(3,)),
        mp.Process(target=workers.exit_politely, args=(None,)),
        mp.Process(target=workers.exit_politely, args=("a sentence",)),
        mp.Process(target=workers.exit_at_once, args=(4,)),
        mp.Process(target=workers.raise_oops, args=(5,)),
        mp.Process(target=workers.kill_yourself),
    )


@program
def process_terminate_and_kill(mp):
    codes = []
    for end in ("terminate", "kill"):
        process = mp.Process(target=workers.sleep, args=(60,))
        process.start()
        alive, waited = process.is_alive(), process.join(0.01)
        getattr(process, end)()
        process.join()
        codes.append((alive, waited, process.exitcode, process.is_alive()))
    return codes


@program
def process_misused(mp):
    process = mp.Process(target=workers.double, args=(1,))
    fates = [fate(process.join), fate(process.terminate)[:2], fate(lambda: process.sentinel)]
    process.start()
    fates.append(fate(process.start))
    process.join()
    fates += [fate(process.join), fate(process.join, 0), fate(process.close)]
    fates += [fate(process.join), fate(lambda: process.exitcode), fate(process.is_alive)]
    running = mp.Process(target=workers.sleep, args=(60,))
    running.start()
    fates.append(fate(running.close))
    running.kill()
    running.join()
    fates += [fate(mp.Process, workers.double), fate(mp.Process, target=1, name=5)[0]]
    return fates


@program
def process_sentinel(mp):
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    ready = multiprocessing.connection.wait([process.sentinel], 30)
    process.join()
    return ready == [process.sentinel]


@program
def active_children(mp):
    process = mp.Process(target=workers.sleep, args=(60,))
    process.start()
    seen = process in mp.active_children()
    process.kill()
    process.join()
    return seen, process in mp.active_children()


def _add_children(mp, number):
    here, there = mp.Pipe(duplex=False)
    inner = mp.Process(target=_send_report, args=(there, number), name="inner")
    code = finish(inner)
    return here.recv()[:4], code


def _nested(pipe, mp):
    pipe.send(_add_children(mp, 5))
    with mp.Pool(2) as pool:
        pipe.send(pool.map(workers.double, range(4)))


@program
def nested_processes(mp):
    here, there = mp.Pipe(duplex=False)
    process = mp.Process(target=_nested, args=(there, mp))
    process.start()
    results = here.recv(), here.recv()
    process.join()
    return results, process.exitcode


def _try_child(pipe, mp):
    pipe.send(fate(mp.Process(target=workers.double, args=(1,)).start))


@program
def daemons_have_no_children(mp):
    here, there = mp.Pipe(duplex=False)
    process = mp.Process(target=_try_child, args=(there, mp), daemon=True)
    process.start()
    result = here.recv()
    process.join()
    return result


# Subclasses of Process


@program
def subclass_of_process(mp):
    here, there = mp.Pipe(duplex=False)
    process = subclass(mp, "Doubler")(there, 21)
    code = finish(process)
    return here.recv(), code, isinstance(process, multiprocessing.process.BaseProcess)


@program
def subclass_that_pickles_itself(mp):
    here, there = mp.Pipe(duplex=False)
    code = finish(subclass(mp, "Pickler")(there))
    return here.recv(), code


@program
def subclass_with_a_target(mp):
    here, there = mp.Pipe(duplex=False)
    code = finish(subclass(mp, "Delegator")(target=_send_report, args=(there, 1), name="Del"))
    return here.recv(), code


@program
def subclass_that_raises(mp):
    return finish(subclass(mp, "Raiser")())


# Pool


def in_pool(work):
    """Make a program of a function of a context and a pool of two."""

    @functools.wraps(work)
    def with_pool(mp):
        with mp.Pool(2) as pool:
            return work(pool)

    return program(with_pool)


@in_pool
def pool_apply(pool):
    return [
        pool.apply(workers.report, (1,), {"b": 2}),
        pool.apply(workers.add, kwds={"a": 1}),
        fate(pool.apply, workers.raise_oops, (3,)),
        fate(pool.apply, workers.add, (1, 2, 3)),
        fate(pool.apply, workers.make_lambda, (1,))[:2],
    ]


@in_pool
def pool_apply_async(pool):
    done, failed = [], []
    results = [
        pool.apply_async(workers.double, (4,), {}, done.append, failed.append),
        pool.apply_async(
            workers.raise_oops, [5], callback=done.append, error_callback=failed.append
        ),
        pool.apply_async(func=workers.add, args=(1,), kwds={"b": 1}),
    ]
    fates = [fate(result.get, 30) for result in results]
    return (
        fates,
        [(result.ready(), result.successful()) for result in results],
        done,
        [error.args for error in failed],
        fate(pool.apply_async(workers.sleep, (0.3,)).get, 0.01),
    )


@in_pool
def pool_map(pool):
    return [
        pool.map(workers.double, range(10)),
        pool.map(workers.double, range(10), 3),
        pool.map(workers.double, (n for n in range(5)), chunksize=1),
        pool.map(func=workers.double, iterable=[]),
        fate(pool.map, workers.odd_is_wrong, [0, 1, 2], 1),
        fate(pool.map, workers.odd_is_wrong, [0, 1, 2], 3),
        pool.map(workers.stop_at_odd, [0, 2, 1, 4], 4),
        fate(pool.apply, workers.stop_at_odd, (1,)),
        pool.map(functools.partial(workers.add, b=5), [1, 2]),
        pool.map(len, ["a", "ab"]),
        pool.map(str.upper, ["a"]),
        fate(pool.map, workers.double, 5),
    ]


@in_pool
def pool_map_async(pool):
    done, failed = [], []
    good = pool.map_async(workers.double, range(5), 2, done.append, failed.append)
    bad = pool.map_async(workers.odd_is_wrong, range(2), 2, done.append, failed.append)
    return fate(good.get, 30), fate(bad.get, 30), done, [error.args for error in failed]


def _until_error(iterator):
    items = []
    with contextlib.suppress(StopIteration):
        for _ in range(20):
            items.append(fate(next, iterator))
            if items[-1][:2] == ("raised", StopIteration):
                break
    return items


@in_pool
def pool_imap(pool):
    return [
        list(pool.imap(workers.double, range(10))),
        list(pool.imap(workers.double, range(10), chunksize=3)),
        _until_error(pool.imap(workers.odd_is_wrong, range(4))),
        _until_error(pool.imap(workers.odd_is_wrong, range(4), chunksize=2)),
        fate(pool.imap, workers.double, range(3), 0),
        pool.imap(workers.double, [4]).next(timeout=30),
        fate(list, pool.imap(workers.double, 5)),
    ]


@in_pool
def pool_imap_unordered(pool):
    return [
        sorted(pool.imap_unordered(workers.double, range(10))),
        sorted(pool.imap_unordered(workers.double, range(10), chunksize=3)),
        sorted(map(str, _until_error(pool.imap_unordered(workers.odd_is_wrong, range(4))))),
        fate(pool.imap_unordered, workers.double, range(3), 0),
    ]


@in_pool
def pool_starmap(pool):
    pairs = [(1, 2), (3, 4), (5, 6)]
    return [
        pool.starmap(workers.add, pairs),
        pool.starmap(workers.add, pairs, chunksize=2),
        fate(pool.starmap, workers.add, [(1, 2), (1, "a")]),
        pool.starmap_async(workers.add, pairs).get(30),
        fate(pool.starmap_async(workers.raise_oops, [(1,)]).get, 30),
    ]


def _broken_iterable():
    yield 1
    raise workers.Oops("in the iterable")


HARMFUL = [
    *(workers.Exits(), workers.Dies(), workers.Hangs()),
    *(workers.HangingTuple([1]), workers.HangingDict(a=1), workers.HangingError(1)),
]


@in_pool
def pool_with_arguments_whose_texts_do_harm(pool):
    """Give harmful values, and what holds them: a text of that would ask them for theirs."""
    holders = [{1: HARMFUL[0]}, (HARMFUL[1],), deque([HARMFUL[2]]), ValueError(HARMFUL[2])]
    return [
        pool.map(workers.take_anything, HARMFUL + holders),
        pool.apply(workers.report, (HARMFUL[2],), {"a": HARMFUL[2]})[1][0][0],
        pool.map(workers.Hangs(), [1]),
    ]


@program
def process_and_queue_with_values_whose_texts_do_harm(mp):
    queue = mp.Queue()
    process = mp.Process(target=workers.put_all, args=(queue, HARMFUL))
    process.start()
    kinds = [type(queue.get()).__name__ for _ in HARMFUL]
    process.join()
    return kinds, process.exitcode


@in_pool
def pool_with_an_iterable_that_raises(pool):
    return [
        fate(pool.map, workers.double, _broken_iterable()),
        _until_error(pool.imap(workers.double, _broken_iterable())),
    ]


@in_pool
def pool_states(pool):
    fates = [fate(pool.join), fate(pool.close), fate(pool.apply, workers.double, (1,))]
    fates += [fate(pool.join), fate(pool.close), fate(pool.terminate), fate(pool.join)]
    return fates, fate(pool.map, workers.double, [1]), fate(pool.__enter__)


@program
def pool_initializer(mp):
    with mp.Pool(2, workers.set_constant, (100,)) as pool:
        return pool.map(workers.add_constant, range(4))


@program
def pool_maxtasksperchild(mp):
    with mp.Pool(1, maxtasksperchild=2) as pool:
        pids = pool.map(workers.own_pid, range(6), chunksize=1)
    return [pids.index(pid) for pid in pids]


@program
def pool_arguments_refused(mp):
    return [
        fate(mp.Pool, 0)[:2],
        fate(mp.Pool, -1)[:2],
        fate(mp.Pool, "2")[:2],
        fate(mp.Pool, 1, maxtasksperchild=0),
        fate(mp.Pool, 1, initializer=5),
    ]


def _double_in_a_pool(mp, number):
    with mp.Pool(2) as pool:
        return pool.map(workers.double, range(number))


@program
def pool_in_the_workers_of_a_pool(mp):
    """Nest pools by a context with a `Process` of its own, as answers on the web advise."""
    plain = multiprocessing.get_context(mp.get_start_method())
    results = []
    for pool in (
        subclass(mp, "NoDaemonContext")().Pool(2),
        subclass(mp, "StandardNoDaemonContext")().Pool(2),
        subclass(mp, "NestablePool")(2),
    ):
        with pool:
            results.append(pool.starmap(_double_in_a_pool, [(plain, 2), (plain, 3)]))
    return results


def _send_constant(pipe, mp):
    pipe.send((workers.constant, type(mp).__name__, mp.get_start_method()))


@program
def context_with_a_process_of_its_own(mp):
    here, there = mp.Pipe(duplex=False)
    results = []
    for name in ("NoDaemonContext", "StandardNoDaemonContext"):
        context = subclass(mp, name)()
        code = finish(context.Process(target=_send_constant, args=(there, context)))
        results.append((here.recv(), code, isinstance(context.Process, type)))
    return results


# Queues, pipes, locks, shared memory


def _echo(into, out):
    for item in iter(into.get, None):
        out.put(item)


def _through(mp, into, out, items):
    process = mp.Process(target=_echo, args=(into, out))
    process.start()
    for item in items:
        into.put(item)
    back = [out.get() for _ in items]
    into.put(None)
    process.join()
    return back, process.exitcode


ITEMS = [1, "two", [3.0], {"four": None}, b"5" * 100_000]


@program
def queue_there_and_back(mp):
    return _through(mp, mp.Queue(), mp.Queue(), ITEMS)


@program
def simple_queue_there_and_back(mp):
    into, out = mp.SimpleQueue(), mp.SimpleQueue()
    return _through(mp, into, out, ITEMS), into.empty()


@program
def queue_full_and_empty(mp):
    box = mp.Queue(1)
    fates = [fate(box.get_nowait), fate(box.get, False), fate(box.get, True, 0.01)]
    fates += [fate(box.get, timeout=-1), fate(box.put, 1), fate(box.put_nowait, 2)]
    fates += [fate(box.put, 2, True, 0.01), fate(box.put, 2, block=False), fate(box.full)]
    fates += [fate(box.get, timeout=30), fate(box.close), fate(box.put, 1)[:2]]
    fates += [fate(box.get)[:2], fate(box.join_thread)]
    return fates


def _do_tasks(tasks):
    for _ in range(3):
        tasks.get()
        tasks.task_done()


@program
def joinable_queue(mp):
    tasks = mp.JoinableQueue()
    for n in range(3):
        tasks.put(n)
    process = mp.Process(target=_do_tasks, args=(tasks,))
    process.start()
    tasks.join()
    process.join()
    return process.exitcode, fate(tasks.task_done)


@program
def pipe(mp):
    here, there = mp.Pipe()
    process = mp.Process(target=_send_report, args=(there, ITEMS))
    process.start()
    there.close()
    received = here.recv()[:2]
    process.join()
    return received, fate(here.recv)[:2], process.exitcode


def _use_all(lock, rlock, semaphore, event, condition, barrier, value, array):
    with lock, rlock, rlock, semaphore:
        value.value += 1
        array[0] += 1
    event.wait(30)
    with condition:
        condition.notify()
    barrier.wait(30)


@program
def locks_and_shared_memory(mp):
    value, array = mp.Value("i", 5), mp.Array("d", [0.5, 1])
    event, condition, barrier = mp.Event(), mp.Condition(), mp.Barrier(2)
    locks = mp.Lock(), mp.RLock(), mp.Semaphore(2)
    with condition:
        process = mp.Process(
            target=_use_all, args=(*locks, event, condition, barrier, value, array)
        )
        process.start()
        event.set()
        notified = condition.wait(30)
    barrier.wait(30)
    process.join()
    bounded = mp.BoundedSemaphore(1)
    raw = mp.RawValue("i", 1).value, list(mp.RawArray("i", [1, 2]))
    return notified, process.exitcode, value.value, array[:], fate(bounded.release), raw


def _fill(shared_list, shared_dict, namespace):
    shared_list.append(1)
    shared_dict["a"] = 2
    namespace.x = 3


@program
def manager(mp):
    with mp.Manager() as server:
        things = server.list([0]), server.dict(), server.Namespace()
        box = server.Queue()
        code = finish(mp.Process(target=_fill, args=things))
        box.put(5)
        return (
            code,
            list(things[0]),
            dict(things[1]),
            things[2].x,
            box.get(),
            fate(things[0].index, 77),
        )


# Executor


@program
def executor_submit(mp):
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        futures = [
            executor.submit(workers.add, 1, b=2),
            executor.submit(workers.raise_oops, 3),
            executor.submit(workers.exit_politely, 3),
            executor.submit(functools.partial(workers.add, 5), 6),
        ]
        unpicklable = executor.submit(workers.make_lambda, 1)
        return [fate(future.result, 30) for future in futures], unpicklable.exception(30) is None


@program
def executor_map(mp):
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        return [
            list(executor.map(workers.double, range(7))),
            list(executor.map(workers.add, range(7), range(7), chunksize=3)),
            fate(list, executor.map(workers.odd_is_wrong, range(4), chunksize=2)),
            fate(executor.map, workers.double, [1], chunksize=0),
        ]


@program
def executor_initializer(mp):
    with ProcessPoolExecutor(
        1, mp_context=mp, initializer=workers.set_constant, initargs=(5,)
    ) as executor:
        return executor.submit(workers.add_constant, 1).result(30)


@program
def executor_broken(mp):
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        first = executor.submit(workers.exit_at_once, 3)
        return fate(first.result, 30)[:2], fate(executor.submit, workers.double, 1)[:2]


@program
def executor_broken_initializer(mp):
    with ProcessPoolExecutor(1, mp_context=mp, initializer=workers.fail_initially) as executor:
        return fate(executor.submit(workers.double, 3).result, 30)[:2]


@program
def executor_max_tasks_per_child(mp):
    if mp.get_start_method() == "fork":
        return fate(ProcessPoolExecutor, 1, mp_context=mp, max_tasks_per_child=2)
    with ProcessPoolExecutor(1, mp_context=mp, max_tasks_per_child=2) as executor:
        pids = [executor.submit(workers.own_pid).result(30) for _ in range(5)]
    return [pids.index(pid) for pid in pids]


# The context itself


@program
def context(mp):
    return (
        mp.get_start_method(),
        mp.cpu_count(),
        mp.get_context() is mp,
        mp.get_context("spawn").get_start_method(),
        fate(mp.get_context, "teleport")[:2],
        fate(mp.set_start_method, "spawn"),
        mp.current_process().name,
        mp.parent_process(),
        mp.TimeoutError,
    )
