"""Answers to the exercises of lesson 11."""

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from helpers.tasks import doomed_task, take_two
from tests.answers import SERIAL, right, wrong


def take_both_or_give_up(first, second, ready):
    ready.wait()
    with first:
        ready.wait()
        if second.acquire(timeout=0.3):
            second.release()
        ready.wait()


def take_one(first, second, ready):
    ready.wait()
    with first:
        pass


def take_two_and_fail(first, second, ready):
    with first, second:
        raise SystemExit(3)


def three_takers(mp, orders, take=take_two, together=True):
    locks = {letter: mp.Lock() for letter in "abc"}
    ready = mp.Barrier(len(orders) if together else 1)
    takers = [
        mp.Process(target=take, args=(locks[first], locks[second], ready))
        for first, second in orders
    ]
    for taker in takers:
        taker.start()
        if not together:
            taker.join()
    for taker in takers:
        taker.join()


@right("11.1")
def last_order_turned(mp):
    three_takers(mp, ["ab", "bc", "ac"])


@right("11.1")
def first_order_turned(mp):
    three_takers(mp, ["ba", "bc", "ca"])


@wrong("11.1", "Each holds what the next one wants: lock *. So all wait for ever.")
def nothing_turned(mp):
    three_takers(mp, ["ab", "bc", "ca"])


@wrong("11.1", "Nobody hung, and the circle is still there: lock *.")
def one_after_the_other(mp):
    three_takers(mp, ["ab", "bc", "ca"], together=False)


@wrong("11.1", "You took the second lock away from a process; the task was to keep both.")
def one_lock_each(mp):
    three_takers(mp, ["ab", "bc", "ca"], take_one)


@wrong(
    "11.1",
    "Some take the same two locks: keep three different pairs, and change an order only.",
)
def the_same_two(mp):
    three_takers(mp, ["ab", "ab", "ab"])


@wrong("11.1", "A process did without its second lock.")
def give_up_after_a_while(mp):
    three_takers(mp, ["ab", "bc", "ca"], take_both_or_give_up)


@wrong("11.1", "There were 2 of them.")
def two_takers(mp):
    three_takers(mp, ["ab", "bc"])


@wrong("11.1", "The exit codes were [3, 3, 3]; each process should end with 0.")
def end_with_three(mp):
    three_takers(mp, ["ab", "bc", "ac"], take_two_and_fail)


@wrong("11.1", SERIAL)
def taken_here(mp):
    a, b, c = mp.Lock(), mp.Lock(), mp.Lock()
    for first, second in ((a, b), (b, c), (a, c)):
        with first, second:
            pass


# 11.2


def tried(mp, name, times):
    for _ in range(times):
        try:
            with ProcessPoolExecutor(1, mp_context=mp) as executor:
                return executor.submit(doomed_task, name).result()
        except BrokenProcessPool:
            pass
    return "given up"


@right("11.2")
def each_alone(mp):
    return [tried(mp, name, 3) for name in range(5)]


@right("11.2")
def what_is_missing_alone(mp):
    results = dict.fromkeys(range(5))
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        futures = {name: executor.submit(doomed_task, name) for name in results}
    for name, future in futures.items():
        results[name] = tried(mp, name, 2) if future.exception() else future.result()
    return list(results.values())


@wrong(
    "11.2",
    "Your code raised BrokenProcessPool, and nothing caught it: catch it where you ask "
    "for a result, and make a new executor, since this one stays broken.",
)
def again_on_the_broken_one(mp):
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        try:
            return list(executor.map(doomed_task, range(5)))
        except BrokenProcessPool:
            return list(executor.map(doomed_task, range(5)))


@wrong(
    "11.2",
    "You return 4 things: say of each of the 5 tasks what came of it, of doomed_task(2), too.",
)
def without_the_doomed_one(mp):
    results = [tried(mp, name, 3) for name in range(5)]
    return [result for result in results if result != "given up"]


@wrong("11.2", "Task 2 dies each time, and you tried for the 4th time; somebody must give up.")
def for_ever(mp):
    return [tried(mp, name, 1_000_000) for name in range(5)]


@wrong("11.2", "Task 2 was tried 1 time; the first may have been bad luck.")
def once_each(mp):
    return [tried(mp, name, 1) for name in range(5)]


@wrong(
    "11.2",
    "doomed_task(3) has no result, and nothing is wrong with it: it went down with its "
    "neighbour. Try each task alone.",
)
def all_in_one_row(mp):
    results = {}
    for _ in range(3):
        missing = [name for name in range(5) if name not in results]
        with ProcessPoolExecutor(1, mp_context=mp) as executor:
            futures = {name: executor.submit(doomed_task, name) for name in missing}
        results |= {name: f.result() for name, f in futures.items() if not f.exception()}
    return [results.get(name, "given up") for name in range(5)]


@wrong("11.2", "doomed_task(0) was done twice: try again only what is missing.")
def all_once_more(mp):
    for name in (0, 1):
        tried(mp, name, 1)
    return [tried(mp, name, 2) for name in range(5)]


@wrong("11.2", "Processes live on after your answer: shut each executor down.")
def one_left_open(mp):
    executor = ProcessPoolExecutor(1, mp_context=mp)
    last = executor.submit(doomed_task, 4).result()
    one_left_open.kept = executor  # or the end of the function would be the executor's
    return [*(tried(mp, name, 2) for name in range(4)), last]


@wrong("11.2", SERIAL)
def done_here(mp):
    return [doomed_task(name) for name in (0, 1)]
