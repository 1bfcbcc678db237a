"""Answers to the exercises of lesson 7."""

import random
import tempfile
from functools import partial
from multiprocessing import get_all_start_methods

import numpy as np

from helpers.observed import get_context
from tests.answers import SERIAL, right, wrong

limit = 10


def is_below(number, other_limit=None):
    return number < (limit if other_limit is None else other_limit)


def set_limit(number):
    global limit
    limit = number


def mapped(mp, function):
    with mp.Pool(2) as pool:
        return pool.map(function, [5, 50, 500])


@right("7.1")
def passed_as_argument(mp):
    return mapped(mp, partial(is_below, other_limit=100))


@right("7.1")
def set_by_an_initializer(mp):
    with mp.Pool(2, initializer=set_limit, initargs=(100,)) as pool:
        return pool.map(is_below, [5, 50, 500])


@wrong("7.1", "Under * the child has the file's value, and you return *: pass it what it needs.")
def global_set_by_the_parent(mp):
    set_limit(100)
    try:
        return mapped(mp, is_below)
    finally:
        set_limit(10)


@wrong("7.1", "A lambda, or a function in a function, has no name by which a child finds it.")
def a_lambda(mp):
    return mapped(mp, lambda number: number < 100)


def is_below_what_stands_in(file, number):
    return number < int(file.read())


@wrong("7.1", "An open file does not travel: give its name, and open it in the child.")
def an_open_file(mp):
    with tempfile.TemporaryFile("w+") as file:
        return mapped(mp, partial(is_below_what_stands_in, file))


@wrong("7.1", "You return [True, False, False], and [True, True, False] is right.")
def the_files_value(mp):
    return mapped(mp, is_below)


@wrong("7.1", SERIAL)
def always_spawn(mp):
    return mapped(get_context("spawn"), partial(is_below, other_limit=100))


@wrong("7.1", "It hangs: for ten seconds nothing happened. Look at who waits, and for what.")
def waits_for_ever(mp):
    with mp.Pool(1):
        mp.Queue().get()


@wrong("7.1", SERIAL)
def no_child(mp):
    return [is_below(number, 100) for number in (5, 50, 500)]


# 7.2


def draw_from_own_seed(q, seed, child):
    q.put(np.random.default_rng([seed, child]).random())


def draw_from_own_name(q, seed, child):
    q.put(random.Random(f"{seed}-{child}").random())


def draw_from_given_seed(q, seed, child):
    q.put(np.random.default_rng(seed).random())


def draw_from_the_global_generator(q, seed, child):
    q.put(np.random.random())


def draw_from_the_systems_noise(q, seed, child):
    q.put(np.random.default_rng().random())


def four_children(mp, draw, children=4):
    q = mp.Queue()
    children = [mp.Process(target=draw, args=(q, 7, child)) for child in range(children)]
    for child in children:
        child.start()
    numbers = [q.get() for _ in children]
    for child in children:
        child.join()
    return numbers


@right("7.2")
def a_seed_for_each_child(mp):
    return four_children(mp, draw_from_own_seed)


@right("7.2")
def a_name_for_each_child(mp):
    return four_children(mp, draw_from_own_name)


@wrong(
    "7.2",
    "Under fork some drew the same: a forked child has a copy of the generator as it stands. "
    "Give each a seed of its own."
    if "fork" in get_all_start_methods()
    else "They are different at the next run, so nobody can repeat yours: make each seed from "
    "one number and the child's.",
)
def seeded_in_the_parent(mp):
    np.random.seed(7)
    return four_children(mp, draw_from_the_global_generator)


@wrong(
    "7.2",
    "Some drew the same number under each start method: they begin from the same seed.",
)
def the_same_seed_for_all(mp):
    return four_children(mp, draw_from_given_seed)


@wrong(
    "7.2",
    "They are different at the next run, so nobody can repeat yours: make each seed from one "
    "number and the child's.",
)
def no_seed(mp):
    return four_children(mp, draw_from_the_systems_noise)


@wrong("7.2", "Start four children, and return their four numbers.")
def three_children(mp):
    return four_children(mp, draw_from_own_seed, children=3)


@wrong("7.2", "Start four children, and return their four numbers.")
def nothing_returned(mp):
    four_children(mp, draw_from_own_seed)


def draw_nothing(q, seed, child):
    pass


@wrong("7.2", "It hangs: for ten seconds nothing happened. Look at who waits, and for what.")
def nothing_is_put(mp):
    return four_children(mp, draw_nothing)


@wrong("7.2", SERIAL)
def drawn_here(mp):
    return [np.random.default_rng([7, child]).random() for child in range(4)]
