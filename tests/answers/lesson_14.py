"""Answers to the exercises of lesson 14."""

import ast
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from helpers import machine
from helpers.tasks import LIBRARY, library_files
from tests.answers import SERIAL, right, wrong

CORES = machine.usable_cores().count


def tree_of(file):
    with open(os.path.join(LIBRARY, file), "rb") as source:
        return ast.parse(source.read())


def calls_of(tree):
    calls = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name:
                calls[name] += 1
    return calls


def count_calls(file):
    return calls_of(tree_of(file))


def count_plain_calls(file):
    nodes = ast.walk(tree_of(file))
    return Counter(n.func.id for n in nodes if isinstance(n, ast.Call) and hasattr(n.func, "id"))


def sorted_by_size(files):
    return sorted(files, key=library_files().get, reverse=True)


def in_a_pool(mp, files, count=count_calls, workers=CORES, chunksize=1):
    with mp.Pool(workers) as pool:
        return sum(pool.map(count, files, chunksize), Counter())


@right("14.1")
def largest_first(mp, files):
    return in_a_pool(mp, sorted_by_size(files))


@wrong(
    "14.1",
    "* large messages came home: count where the file was read, and send back the counts.",
)
def trees_home(mp, files):
    with mp.Pool(CORES) as pool:
        return sum(map(calls_of, pool.map(tree_of, sorted_by_size(files), 1)), Counter())


@wrong("14.1", "*: * with your pool, * without.")
def plain_names_only(mp, files):
    return in_a_pool(mp, sorted_by_size(files), count_plain_calls)


@wrong("14.1", "* workers on * core*.")
def more_workers_than_cores(mp, files):
    return in_a_pool(mp, sorted_by_size(files), workers=CORES + 1)


@wrong("14.1", "One message held * files, and while they last nobody can help.")
def in_one_piece(mp, files):
    return in_a_pool(mp, sorted_by_size(files), chunksize=len(files))


@wrong("14.1", "The largest file, *, was not among the first: all may have to wait for it.")
def smallest_first(mp, files):
    return in_a_pool(mp, sorted_by_size(files)[::-1])


@wrong("14.1", "Which tasks an executor sends in one message is not seen here: use mp.Pool.")
def by_an_executor(mp, files):
    with ProcessPoolExecutor(CORES, mp_context=mp) as executor:
        return sum(executor.map(count_calls, sorted_by_size(files)), Counter())


@wrong("14.1", SERIAL)
def counted_here(mp, files):
    return sum(map(count_calls, files), Counter())


# 14.2


def both_ways(mp, numbers, workers=2, chunksize=1, error=0):
    loop = sum(map(abs, numbers))
    with mp.Pool(workers) as pool:
        return loop, sum(pool.map(abs, numbers, chunksize)) + error


@right("14.2")
def the_same_sum(mp):
    return both_ways(mp, range(-8, 8))


@wrong("14.2", "Your loop says 64, and your pool says 65.")
def another_sum(mp):
    return both_ways(mp, range(-8, 8), error=1)


@wrong("14.2", "Return two things: the answer of your loop, and that of your pool.")
def one_answer(mp):
    return both_ways(mp, range(-8, 8))[1]


@wrong("14.2", "The pool had one worker: it cannot be quicker than the loop.")
def one_worker(mp):
    return both_ways(mp, range(-8, 8), workers=1)


@wrong("14.2", "There was one task, so one worker did it all: cut the work.")
def one_task(mp):
    return both_ways(mp, [-5])


@wrong("14.2", SERIAL)
def no_pool(mp):
    return 1, 1
