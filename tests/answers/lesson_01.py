"""Answers to the exercises of lesson 1."""

import os

from helpers.tasks import square
from tests.answers import SERIAL, right, wrong


def greet():
    print("Hello from", os.getpid())


def wait_for_all_and_leave(parent):
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    if os.getpid() != parent:
        os._exit(0)


@right("1.1")
def each_waits_for_its_own():
    first = os.fork()
    second = os.fork()
    greet()
    if second:
        os.waitpid(second, 0)
    if first and second:
        os.waitpid(first, 0)
    if not (first and second):
        os._exit(0)


@right("1.1")
def wait_for_whoever_is_there():
    parent = os.getpid()
    os.fork()
    os.fork()
    greet()
    wait_for_all_and_leave(parent)


@wrong("1.1", "Three said hello: the second fork stands where only one of the two comes.")
def second_fork_in_the_child():
    pid = os.fork()
    if pid == 0:
        second = os.fork()
        greet()
        if second:
            os.waitpid(second, 0)
        os._exit(0)
    greet()
    os.waitpid(pid, 0)


@wrong(
    "1.1",
    "Everybody said hello, and a child is left behind, which becomes a zombie: who forks must "
    "wait.",
)
def nobody_waits():
    parent = os.getpid()
    os.fork()
    os.fork()
    greet()
    if os.getpid() != parent:
        os._exit(0)


@wrong(
    "1.1",
    "A child came back from your function, and would go on with what is the parent's: end it by "
    "os._exit(0).",
)
def children_come_back():
    first = os.fork()
    second = os.fork()
    greet()
    if second:
        os.waitpid(second, 0)
    if first and second:
        os.waitpid(first, 0)


@wrong("1.1", "8 lines were printed, and four greetings are wanted.")
def three_forks():
    parent = os.getpid()
    for _ in range(3):
        os.fork()
    greet()
    wait_for_all_and_leave(parent)


@wrong(
    "1.1",
    "A line came twice: a process said hello before it was forked, or again after it.",
)
def hello_twice():
    parent = os.getpid()
    os.fork()
    os.fork()
    greet()
    greet()
    wait_for_all_and_leave(parent)


@wrong("1.1", "A process ended with an error: ChildProcessError*")
def waits_for_somebody_elses_child():
    first = os.fork()
    second = os.fork()
    if second == 0 and first:
        os.waitpid(first, 0)  # which is a sister
    os._exit(0)


@wrong(
    "1.1",
    "It did not come to its end: somebody waits for a process that is no child of his.",
)
def waits_for_ever():
    reader, _ = os.pipe()
    os.fork()
    os.read(reader, 1)


@wrong("1.1", SERIAL)
def no_fork():
    greet()


# 1.2


def have_a_child(mp, join=True):
    child = mp.Process(target=square, args=(1,))
    child.start()
    if join:
        child.join()


def have_a_child_that_has_one(mp):
    child = mp.Process(target=have_a_child, args=(mp,))
    child.start()
    child.join()


def have_a_child_and_fail(mp):
    have_a_child(mp)
    raise SystemExit(3)


def started_and_joined(mp, target, *args, **options):
    child = mp.Process(target=target, args=args, **options)
    child.start()
    child.join()


@right("1.2")
def child_and_grandchild(mp):
    started_and_joined(mp, have_a_child, mp)


@wrong(
    "1.2",
    "Both have the notebook as parent: the tree is one level too flat. Let the child start the "
    "other one.",
)
def two_children(mp):
    started_and_joined(mp, square, 1)
    started_and_joined(mp, square, 2)


@wrong(
    "1.2",
    "A child raised AssertionError: daemonic processes are not allowed to have children",
)
def daemonic_child(mp):
    started_and_joined(mp, have_a_child, mp, daemon=True)


@wrong(
    "1.2",
    "The tree has 3 processes below the notebook, and two were asked for: count who starts whom.",
)
def three_generations(mp):
    started_and_joined(mp, have_a_child_that_has_one, mp)


@wrong("1.2", "The child has no child of its own.")
def one_child(mp):
    started_and_joined(mp, square, 1)


@right("1.2")
def joined_by_python_at_the_childs_end(mp):
    started_and_joined(mp, have_a_child, mp, False)


@wrong("1.2", "The notebook did not wait for its child: join it in run.")
def child_not_joined(mp):
    child = mp.Process(target=have_a_child, args=(mp,))
    child.start()
    while child.is_alive():
        pass


@wrong("1.2", "The exit codes were *: twice 0 is the aim.")
def child_that_fails(mp):
    started_and_joined(mp, have_a_child_and_fail, mp)


@wrong("1.2", SERIAL)
def no_process(mp):
    square(1)
