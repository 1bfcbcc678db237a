"""Answers to the exercises of lesson 9."""

import time
from concurrent.futures import ProcessPoolExecutor

from helpers import machine
from helpers.tasks import count_primes, nap
from helpers.threads import ThreadPoolExecutor
from tests.answers import SERIAL, right, wrong

NAPS, COUNTS = [0.3] * 8, [60_000] * 8


def in_threads(mp, function, arguments, threads=8):
    with ThreadPoolExecutor(threads, mp_context=mp) as executor:
        return list(executor.map(function, arguments))


def in_processes(mp, function, arguments, workers):
    with mp.Pool(workers) as pool:
        return pool.map(function, arguments, chunksize=1)


@right("9.1")
def each_where_it_belongs(mp):
    in_threads(mp, nap, NAPS)
    in_processes(mp, count_primes, COUNTS, machine.usable_cores().count)


@wrong("9.1", "Whole Pythons were started to sleep: a thread can do that.")
def processes_for_naps(mp):
    in_processes(mp, nap, NAPS, 8)
    in_processes(mp, count_primes, COUNTS, 2)


@wrong("9.1", "The counts were threads of one process: they computed in turns.")
def threads_for_primes(mp):
    in_threads(mp, nap, NAPS)
    in_threads(mp, count_primes, COUNTS)


@wrong("9.1", "Only 2 could sleep at once, and a thread that waits costs little.")
def two_threads(mp):
    in_threads(mp, nap, NAPS, threads=2)
    in_processes(mp, count_primes, COUNTS, 2)


@wrong("9.1", "One process counted alone, and the other cores had nothing to do.")
def one_process(mp):
    in_threads(mp, nap, NAPS)
    in_processes(mp, count_primes, COUNTS, 1)


@wrong("9.1", "There were * processes, and * cores are yours: the others had to wait.")
def more_processes_than_cores(mp):
    in_threads(mp, nap, NAPS)
    in_processes(mp, count_primes, COUNTS, machine.usable_cores().count + 2)


@wrong("9.1", "There were 0 naps and 8 counts of primes, and 8 of each were asked for.")
def no_naps(mp):
    in_processes(mp, count_primes, COUNTS, 2)


@wrong("9.1", SERIAL)
def a_loop(mp):
    return [count_primes(below) for below in COUNTS]


# 9.2


def timed(mp, workers, warm=True, times=4, clock_first=False, really=None, below=20_000):
    if clock_first:
        start = time.perf_counter()
    with mp.Pool(really or workers) as pool:
        if warm:
            pool.map(nap, [0.2] * workers, chunksize=1)
        if not clock_first:
            start = time.perf_counter()
        pool.map(count_primes, [below] * times, chunksize=1)
        return time.perf_counter() - start


@right("9.2")
def clock_of_the_warm(mp, workers):
    return timed(mp, workers)


@right("9.2")
def in_an_executor(mp, workers):
    with ProcessPoolExecutor(workers, mp_context=mp) as executor:
        list(executor.map(nap, [0.2] * workers))
        start = time.perf_counter()
        list(executor.map(count_primes, [20_000] * 4))
        return time.perf_counter() - start


@wrong(
    "9.2",
    "A count began before all workers were warm: let each of them take a short nap first, "
    "and wait for it.",
)
def clock_of_the_cold(mp, workers):
    return timed(mp, workers, warm=False)


@wrong("9.2", "Your time holds the start of Python: start the clock when the workers are warm.")
def clock_before_the_pool(mp, workers):
    return timed(mp, workers, clock_first=True)


@wrong("9.2", "One worker counted 2 times, two counted 4 times: no comparison.")
def less_work_for_fewer(mp, workers):
    return timed(mp, workers, times=2 * workers)


@wrong("9.2", "The two did different counts, or none: no comparison.")
def smaller_work_for_fewer(mp, workers):
    return timed(mp, workers, below=10_000 * workers)


@wrong("9.2", "Asked for 1 and then for 2 workers, your pools had 2 and 2.")
def always_two(mp, workers):
    return timed(mp, workers, really=2)


@wrong("9.2", "Return the seconds that the counts took, as one number.")
def nothing_returned(mp, workers):
    timed(mp, workers)


@wrong("9.2", SERIAL)
def counted_here(mp, workers):
    return count_primes(1000)
