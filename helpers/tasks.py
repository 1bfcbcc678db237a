"""The worker functions of all lessons.

They live in a file, not in a notebook cell, because a process started by spawn or forkserver
imports what it runs: a function typed into a cell has no file to be imported from.
Every function here is plain Python that you could run anywhere; nothing in it knows that it is
being watched.
"""

import os
import random
import time


def run_proc(name):
    """Say who runs: the tutorial's first child."""
    print("Run child process %s (%s)..." % (name, os.getpid()))


def long_time_task(name):
    """Sleep for up to three seconds, as the tutorial's task does.

    The tutorial draws a new length at every run. Here the generator is seeded with the task's
    name, so a task lasts the same in any pool and two pool sizes can be compared.
    """
    print("Run task %s (%s)..." % (name, os.getpid()))
    start = time.time()
    time.sleep(duration_of(name))
    end = time.time()
    print("Task %s runs %0.2f seconds." % (name, (end - start)))


def duration_of(name):
    """How many seconds `long_time_task(name)` sleeps."""
    return random.Random(f"long-{name}").random() * 3


def write(q):
    """Put three letters into the queue: the tutorial's writer."""
    print("Process to write: %s" % os.getpid())
    for value in ["A", "B", "C"]:
        print("Put %s to queue..." % value)
        q.put(value)
        time.sleep(random.random())


def read(q):
    """Take from the queue for ever: the tutorial's reader. It has to be terminated."""
    print("Process to read: %s" % os.getpid())
    while True:
        value = q.get(True)
        print("Get %s from queue." % value)


def fragile_task(name):
    """Sleep for a moment, or fail: task 2 always does."""
    time.sleep(0.3)
    if name == 2:
        raise ValueError('task 2 has failed')
    return 'task %s is fine' % name


def square(number):
    """A task that returns something."""
    return number * number
