"""Answers to the exercises of lesson 8."""

from concurrent.futures import ProcessPoolExecutor

from helpers.tasks import nap
from tests.answers import SERIAL, right, wrong

NAPS = [0.02 * length for length in (3, 9, 1, 12, 6, 16, 2, 8, 5, 14, 4, 11, 7, 15, 10, 13)]


def longest_first(mp, workers=2, chunksize=1, naps=None):
    with mp.Pool(workers) as pool:
        return pool.map(nap, naps or sorted(NAPS, reverse=True), chunksize)


@right("8.1")
def in_chunks_of_one(mp):
    return longest_first(mp)


@right("8.1")
def in_chunks_of_two(mp):
    return longest_first(mp, chunksize=2)


@wrong("8.1", "One message held 8 tasks, and nobody can help the worker that has it.")
def in_halves(mp):
    return longest_first(mp, chunksize=8)


@wrong("8.1", "The longest began last, and at the end one worker waits for the other.")
def shortest_first(mp):
    return longest_first(mp, naps=sorted(NAPS))


@wrong("8.1", "The longest began late: begin with it, and fill the gaps with short ones.")
def as_they_come(mp):
    return longest_first(mp, naps=NAPS)


@wrong("8.1", "The pool had 1 worker: this is about two.")
def one_worker(mp):
    return longest_first(mp, workers=1)


@wrong("8.1", "12 tasks returned, and 16 were asked for.")
def some_left_out(mp):
    return longest_first(mp, naps=sorted(NAPS, reverse=True)[:12])


@wrong("8.1", "Which tasks an executor sends in one message is not seen here: use mp.Pool.")
def by_an_executor(mp):
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        return list(executor.map(nap, sorted(NAPS, reverse=True)))


@wrong("8.1", SERIAL)
def a_loop(mp):
    return [nap(seconds / 10) for seconds in NAPS]


# 8.2

PIECES = [(begin, begin + 2_000_000) for begin in range(0, 8_000_000, 2_000_000)]


def sum_between(begin, end):
    return sum(range(begin, end))


def sum_of_list(numbers):
    return sum(numbers)


def numbers_between(begin, end):
    return list(range(begin, begin + (end - begin) // 20))


def in_a_pool(mp, pieces, workers=2):
    with mp.Pool(workers) as pool:
        return sum(pool.starmap(sum_between, pieces, 1))


@right("8.2")
def send_the_ends(mp):
    return in_a_pool(mp, PIECES)


@right("8.2")
def send_the_range(mp):
    with mp.Pool(3) as pool:
        return sum(pool.map(sum_of_list, [range(*piece) for piece in PIECES], 1))


@wrong(
    "8.2",
    "Large messages went to the workers: send where a piece begins and ends, not its numbers.",
)
def send_the_numbers(mp):
    with mp.Pool(2) as pool:
        pieces = [list(range(begin, begin + 100_000)) for begin, _ in PIECES]
        pool.map(sum_of_list, pieces, 1)
    return sum(sum_between(*piece) for piece in PIECES)


@wrong("8.2", "A worker sent back what nobody needs: sum up there.")
def send_the_numbers_back(mp):
    with mp.Pool(2) as pool:
        pool.starmap(numbers_between, PIECES, 1)
    return sum(sum_between(*piece) for piece in PIECES)


@wrong("8.2", "There was 1 task; cut the work in four, or one worker does it all.")
def one_task(mp):
    return in_a_pool(mp, [(0, 8_000_000)])


@wrong("8.2", "There were 2 tasks, and four were asked for.")
def two_tasks(mp):
    return in_a_pool(mp, [(0, 4_000_000), (4_000_000, 8_000_000)])


@wrong("8.2", "The pool had one worker, which did it all.")
def one_worker_for_all(mp):
    return in_a_pool(mp, PIECES, workers=1)


@wrong("8.2", "The sum is 31,999,996,000,000, and you return 31,999,976,000,004.")
def ends_left_out(mp):
    return in_a_pool(mp, [(begin, end - 1) for begin, end in PIECES])


@wrong("8.2", SERIAL)
def summed_here(mp):
    return sum(range(8_000_000))
