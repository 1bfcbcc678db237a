"""The worker functions of all lessons.

They live in a file, not in a notebook cell, because a process started by spawn or forkserver
imports what it runs: a function typed into a cell has no file to be imported from.
Every function here is plain Python that you could run anywhere; nothing in it knows that it is
being watched.
"""

import multiprocessing
import os
import random
import subprocess
import sys
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
    """Put three letters into the queue: the tutorial's writer.

    The tutorial draws a new pause at every run; here it is drawn from the letter.
    """
    print("Process to write: %s" % os.getpid())
    for value in ["A", "B", "C"]:
        print("Put %s to queue..." % value)
        q.put(value)
        time.sleep(random.Random(f"letter-{value}").random())


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
        raise ValueError("task 2 has failed")
    return "task %s is fine" % name


def square(number):
    """A task that returns something."""
    return number * number


def introduce():
    """Say who this process is and who asked for it."""
    me, parent = multiprocessing.current_process(), multiprocessing.parent_process()
    print("I am %s, pid %s, and my parent is %s." % (me.name, me.pid, parent.pid))


def exit_with(code):
    """Work for a moment, then leave the process with an exit code of one's own."""
    time.sleep(0.3)
    sys.exit(code)


def append_to(numbers):
    """Append to a list, and say what it looks like from here."""
    numbers.append(4)
    print("The child's list: %s" % numbers)


def write_as(q, letter):
    """Put three values that name their writer, such as A1, A2 and A3."""
    for number in (1, 2, 3):
        value = "%s%s" % (letter, number)
        print("Put %s to queue..." % value)
        q.put(value)
        time.sleep(random.Random(f"value-{value}").random() / 2)


def read_until_sentinel(q, seconds=0.0):
    """Take from the queue until None comes; work on each value for that many seconds."""
    while True:
        value = q.get(True)
        if value is None:
            break
        print("Get %s from queue." % value)
        time.sleep(seconds)


def put_large(q, size):
    """Put one large text, and say when `put` has returned."""
    q.put("x" * size)
    print("put has returned.")


def descend(mp, generations):
    """Start a child, which starts a child, until there are that many generations."""
    if generations > 1:
        name = multiprocessing.current_process().name
        name = ("great-" if name.startswith("g") else "grand") + name
        p = mp.Process(target=descend, args=(mp, generations - 1), name=name)
        p.start()
        p.join()
    time.sleep(0.2)


colour = "red"


def say_colour():
    """Say what colour this module's variable has in this process."""
    print("colour:", colour)


def look_up(command, number):
    """Run an external command and wait until it has ended: lookup number so-and-so."""
    done = subprocess.run(command, capture_output=True)
    print("Lookup %s: exit code %s" % (number, done.returncode))
    return done.returncode


WRITE_PIECES = "import sys; sys.stdout.write('x' * 4096 * int(sys.argv[1]))"


def wait_then_read(pieces, limit=2.0):
    """Wait for a child that writes so many pieces of 4 KiB, then read: it may never end."""
    command = [sys.executable, "-c", WRITE_PIECES, str(pieces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            child.kill()
            raise TimeoutError(f"the child has not ended after {limit} s") from None
        return len(child.stdout.read())


def read_all_the_while(pieces):
    """The same, but `communicate` reads while it waits."""
    command = [sys.executable, "-c", WRITE_PIECES, str(pieces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        output, _ = child.communicate()
    return len(output)
