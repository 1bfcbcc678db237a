"""Answers to the exercises of lesson 2."""

import sys
import time

from helpers.tasks import exit_with, meet, nap, square
from tests.answers import SERIAL, right, wrong


def started(mp, target, arguments):
    children = [mp.Process(target=target, args=args) for args in arguments]
    for child in children:
        child.start()
    return children


@right("2.1")
def two_loops(mp):
    barrier = mp.Barrier(3)
    for child in started(mp, meet, [(barrier,)] * 3):
        child.join()


@wrong("2.1", "The first child waits for the other two, and your loop waits for the first.")
def join_in_the_loop_that_starts(mp):
    barrier = mp.Barrier(3)
    for _ in range(3):
        child = mp.Process(target=meet, args=(barrier,))
        child.start()
        child.join()


@wrong(
    "2.1",
    "Your code called the function itself, and waits at the barrier; a child should: give its "
    "name, without brackets.",
)
def with_brackets(mp):
    barrier = mp.Barrier(3)
    for child in [mp.Process(target=meet(barrier)) for _ in range(3)]:
        child.start()
        child.join()


@wrong("2.1", "Exit code -15: they were ended before they were done.")
def terminate_for_join(mp):
    barrier = mp.Barrier(4)
    for child in started(mp, meet, [(barrier,)] * 3):
        child.terminate()
        child.join()


@wrong("2.1", "Of three children 3 had not ended when you were done: join each of them.")
def nobody_waits(mp):
    barrier = mp.Barrier(4)  # so that they cannot have ended by chance
    nobody_waits.kept = barrier, started(mp, meet, [(barrier,)] * 3)


@wrong("2.1", "The number of children was 2, and the barrier is for three.")
def two_children(mp):
    barrier = mp.Barrier(2)
    for child in started(mp, meet, [(barrier,)] * 2):
        child.join()


@wrong("2.1", "Somebody waits at the barrier for one who never comes.")
def barrier_for_four(mp):
    barrier = mp.Barrier(4)
    for child in started(mp, meet, [(barrier,)] * 3):
        child.join()


@wrong("2.1", "0 of them went to the barrier: the target is meet.")
def something_else(mp):
    for child in started(mp, square, [(1,)] * 3):
        child.join()


@wrong("2.1", "They were never all there at one moment: one came after the other, and none met.")
def one_after_the_other(mp):
    barrier = mp.Barrier(1)
    for _ in range(3):
        child = mp.Process(target=meet, args=(barrier,))
        child.start()
        child.join()


@wrong("2.1", "A child raised BrokenBarrierError")
def broken_barrier(mp):
    barrier = mp.Barrier(4)
    children = started(mp, meet, [(barrier,)] * 3)
    while barrier.n_waiting < 3:
        time.sleep(0.01)
    barrier.abort()
    for child in children:
        child.join()


@wrong("2.1", SERIAL)
def nobody_is_started(mp):
    meet(mp.Barrier(1))


# 2.2


def exit_with_text():
    sys.exit("3")


def three_ends(mp, codes=(0, 3), join=True, end="terminate", last=None):
    ends = [mp.Process(target=exit_with, args=(code,)) for code in codes]
    ends.append(mp.Process(target=nap, args=(60,)))
    for child in ends:
        child.start()
    getattr(ends[-1], end)()
    if join:
        for child in ends:
            child.join()
    return {child.name: child.exitcode for child in ends}


@right("2.2")
def joined_before_asked(mp):
    return three_ends(mp)


@right("2.2")
def each_by_its_own_name(mp):
    well = mp.Process(target=square, args=(1,), name="well")
    three = mp.Process(target=exit_with, args=(3,), name="three")
    long = mp.Process(target=nap, args=(60,), name="long")
    for child in (well, three, long):
        child.start()
    long.terminate()
    for child in (well, three, long):
        child.join()
    return {"well": well.exitcode, "three": three.exitcode, "long": long.exitcode}


@wrong("2.2", "You returned None: a child had not ended when you asked. Join it first.")
def asked_before_the_end(mp):
    return three_ends(mp, join=False)


@wrong(
    "2.2",
    "One ended with 1: a text as exit code is printed and becomes 1, and so does an error.",
)
def text_as_code(mp):
    return three_ends(mp, codes=(0, "3"))


@wrong(
    "2.2",
    "-9 is another signal, that of kill: nobody can tidy up after it. Use terminate.",
)
def killed(mp):
    return three_ends(mp, end="kill")


@wrong("2.2", "The number of children was 2: start one for each of the three ends.")
def two_ends(mp):
    return three_ends(mp, codes=(3,))


@wrong("2.2", "The exit codes were 0, 4, -15; 0, 3 and -15 were asked for.")
def another_code(mp):
    return three_ends(mp, codes=(0, 4))


@wrong(
    "2.2",
    "Return a dict with each child's name and its exit code: {p.name: p.exitcode, …}.",
)
def a_list(mp):
    return list(three_ends(mp).values())


@wrong("2.2", "A child had not ended when your function returned: join each of them.")
def not_asked_at_all(mp):
    three_ends(mp, join=False)


@wrong("2.2", SERIAL)
def nothing_started(mp):
    return {"a": 0, "b": 3, "c": -15}
