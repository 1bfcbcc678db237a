"""Answers to the exercises of lesson 3."""

from helpers.tasks import duration_of, fragile_task, long_time_task
from tests.answers import SERIAL, right, wrong

LONGEST_FIRST = sorted(range(5), key=duration_of, reverse=True)


def in_a_pool(mp, tasks, workers=3):
    with mp.Pool(workers) as pool:
        pool.map(long_time_task, tasks, chunksize=1)


@right("3.1")
def longest_first(mp):
    in_a_pool(mp, LONGEST_FIRST)


@right("3.1")
def longest_first_one_by_one(mp):
    pool = mp.Pool(3)
    for task in LONGEST_FIRST:
        pool.apply_async(long_time_task, (task,))
    pool.close()
    pool.join()


@right("3.1")
def another_order_that_does(mp):
    in_a_pool(mp, [4, 1, 0, 3, 2])


@wrong("3.1", "Task 4, the longest, began last, and all wait for it.")
def in_the_given_order(mp):
    in_a_pool(mp, range(5))


@wrong("3.1", "Task 4, the longest, began last, and all wait for it.")
def shortest_first(mp):
    in_a_pool(mp, LONGEST_FIRST[::-1])


@wrong(
    "3.1",
    "In this order another task ends later than the longest: begin with the longest, then the "
    "next longest, and so on.",
)
def only_the_longest_in_front(mp):
    in_a_pool(mp, [4, 0, 2, 1, 3])


@wrong("3.1", "5 workers can do it, too. Three are enough, if they begin with the right tasks.")
def five_workers(mp):
    in_a_pool(mp, LONGEST_FIRST, workers=5)


@wrong("3.1", "The pool had 2 workers: this is about three.")
def two_workers(mp):
    in_a_pool(mp, LONGEST_FIRST, workers=2)


@wrong("3.1", "The tasks 2, 3, 4 were done, and 0 to 4 were asked for.")
def some_left_out(mp):
    in_a_pool(mp, [4, 3, 2])


@wrong("3.1", SERIAL)
def a_loop(mp):
    long_time_task(1)


# 3.2


def what_came(result):
    try:
        return result.get()
    except ValueError as error:
        return error


def asked(mp, ask, numbers=range(5)):
    with mp.Pool(4) as pool:
        results = [pool.apply_async(fragile_task, (number,)) for number in numbers]
        return [ask(result) for result in results]


@right("3.2")
def each_result_asked(mp):
    return asked(mp, what_came)


@right("3.2")
def asked_after_the_end(mp):
    pool = mp.Pool(2)
    results = [pool.apply_async(fragile_task, (number,)) for number in range(5)]
    pool.close()
    pool.join()
    return list(map(what_came, results))


@right("3.2")
def the_error_as_text(mp):
    return [str(came) for came in asked(mp, what_came)]


@wrong(
    "3.2",
    "Of five tasks * came to an end: the end of `with` throws away what is not done yet, "
    "so ask for the results inside.",
)
def nobody_asks_inside(mp):
    with mp.Pool(4) as pool:
        return [pool.apply_async(fragile_task, (number,)) for number in range(5)]


@wrong(
    "3.2",
    "The error of task 2 ended your function, and four results that were fine are lost: "
    "catch it where you ask for this result.",
)
def by_map(mp):
    with mp.Pool(4) as pool:
        return pool.map(fragile_task, range(5))


@wrong(
    "3.2",
    "Nobody heard the error of task 2: ask each result for what came of it, and return that.",
)
def nobody_asks_after_the_end(mp):
    pool = mp.Pool(4)
    results = [pool.apply_async(fragile_task, (number,)) for number in range(5)]
    pool.close()
    pool.join()
    return results


@wrong("3.2", "You return 4 things, and there were five tasks: say of each what came of it.")
def without_the_error(mp):
    return [came for came in asked(mp, what_came) if not isinstance(came, ValueError)]


@wrong("3.2", "What you return for task 2 does not tell its error: return the error itself.")
def nothing_for_the_error(mp):
    return [None if isinstance(came, ValueError) else came for came in asked(mp, what_came)]


@wrong("3.2", "The other four are not the results of tasks 0, 1, 3 and 4, in this order.")
def in_another_order(mp):
    return asked(mp, what_came, (4, 1, 2, 3, 0))


@wrong("3.2", SERIAL)
def done_here(mp):
    return [fragile_task(0)]
