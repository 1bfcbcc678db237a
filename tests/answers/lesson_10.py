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
