"""Answers to the exercises of lesson 10."""

import time

from tests.answers import SERIAL, right, wrong


def outside(lock, counter, times, seconds):
    for _ in range(times):
        time.sleep(seconds)
        with lock:
            counter.value += 1


def inside(lock, counter, times, seconds):
    for _ in range(times):
        with lock:
            time.sleep(seconds)
            counter.value += 1


def without(lock, counter, times, seconds):
    for _ in range(times):
        time.sleep(seconds)
        counter.value += 1


def read_outside(lock, counter, times, seconds):
    for _ in range(times):
        seen = counter.value
        time.sleep(seconds)
        with lock:
            counter.value = seen + 1


def in_two_holds(lock, counter, times, seconds):
    for _ in range(times):
        with lock:
            seen = counter.value
        time.sleep(seconds)
        with lock:
            counter.value = seen + 1


def three_adders(mp, function, locks, counter):
    adders = [mp.Process(target=function, args=(lock, counter, 4, 0.1)) for lock in locks]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    return counter.value


@right("10.1")
def work_outside(mp):
    return three_adders(mp, outside, 3 * [mp.Lock()], mp.Value("i", 0))


@right("10.1")
def lock_of_the_value(mp):
    counter = mp.Value("i", 0)
    return three_adders(mp, outside, 3 * [counter.get_lock()], counter)


@wrong("10.1", "Still one at a time: the work lies under the lock.")
def work_inside(mp):
    return three_adders(mp, inside, 3 * [mp.Lock()], mp.Value("i", 0))


@wrong("10.1", "There was an access without a lock. That nothing was lost was luck.")
def no_lock(mp):
    return three_adders(mp, without, 3 * [mp.Lock()], mp.Value("i", 0))


@wrong("10.1", "No child touched the counter: give each of them the mp.Value and the lock.")
def counter_of_another_kind(mp):
    return three_adders(mp, without, 3 * [mp.Lock()], mp.Value("i", 0, lock=False))


@wrong(
    "10.1",
    "You gave the lock back between the read and the write: a number was written twice.",
)
def two_holds(mp):
    return three_adders(mp, in_two_holds, 3 * [mp.Lock()], mp.Value("i", 0))


@wrong("10.1", "There were 8 additions, and 12 were asked for.")
def two_processes(mp):
    return three_adders(mp, outside, 2 * [mp.Lock()], mp.Value("i", 0))


@wrong("10.1", "You read before you had the lock: meanwhile others write, and updates are lost.")
def lock_for_the_write_only(mp):
    return three_adders(mp, read_outside, 3 * [mp.Lock()], mp.Value("i", 0))


@wrong("10.1", "Each has a lock of its own, so none keeps anybody out.")
def three_locks(mp):
    return three_adders(mp, outside, [mp.Lock() for _ in range(3)], mp.Value("i", 0))


@wrong("10.1", SERIAL)
def in_this_process(mp):
    lock, counter = mp.Lock(), mp.Value("i", 0)
    for _ in range(3):
        outside(lock, counter, 4, 0.01)
    return counter.value


# 10.2


def move_in_order(accounts, locks, source, target, amount):
    first, second = sorted((source, target))
    with locks[first], locks[second]:
        accounts[source].value -= amount
        accounts[target].value += amount


def move_as_it_comes(accounts, locks, source, target, amount):
    with locks[source]:
        accounts[source].value -= amount
        with locks[target]:
            accounts[target].value += amount


def move_one_after_the_other(accounts, locks, source, target, amount):
    with locks[source]:
        accounts[source].value -= amount
    with locks[target]:
        accounts[target].value += amount


def move_with_one_lock(accounts, locks, source, target, amount):
    accounts[source].value -= amount
    with locks[target]:
        accounts[target].value += amount


def move_too_little(accounts, locks, source, target, amount):
    move_in_order(accounts, locks, source, target, amount)
    with locks[target]:
        accounts[target].value -= 1


def move_within_one(accounts, locks, source, target, amount):
    with locks[0]:
        accounts[0].value -= amount
        accounts[0].value += amount


def move_and_fail(accounts, locks, source, target, amount):
    move_in_order(accounts, locks, source, target, amount)
    raise SystemExit(3)


def three_movers(mp, move):
    accounts = mp.Value("i", 100), mp.Value("i", 100)
    locks = mp.Lock(), mp.Lock()
    ways = (0, 1), (1, 0), (0, 1)
    movers = [mp.Process(target=move, args=(accounts, locks, *way, 10)) for way in ways]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    return accounts[0].value + accounts[1].value


@right("10.2")
def always_the_first_lock_first(mp):
    return three_movers(mp, move_in_order)


@right("10.2")
def never_two_locks_at_once(mp):
    return three_movers(mp, move_one_after_the_other)


@wrong(
    "10.2",
    "One process took lock * and then lock *, another one the other way round: "
    "with bad luck both wait for ever.",
)
def locks_from_source_to_target(mp):
    return three_movers(mp, move_as_it_comes)


@wrong(
    "10.2",
    "An account was touched without its lock, or each time under another one. "
    "That nothing was lost was luck.",
)
def lock_for_the_deposit_only(mp):
    return three_movers(mp, move_with_one_lock)


@wrong("10.2", "There were 200 at first, and at last there were 197.")
def a_fee(mp):
    return three_movers(mp, move_too_little)


@wrong("10.2", "1 mp.Value was used by processes, and there are two accounts.")
def one_account(mp):
    return three_movers(mp, move_within_one)


@wrong("10.2", "The exit codes were [3, 3, 3]; three processes should end with 0.")
def ends_with_three(mp):
    return three_movers(mp, move_and_fail)


@wrong("10.2", SERIAL)
def moved_here(mp):
    accounts = mp.Value("i", 100), mp.Value("i", 100)
    move_in_order(accounts, (mp.Lock(), mp.Lock()), 0, 1, 10)
    return 200
