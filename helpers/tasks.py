"""The worker functions of all lessons.

They live in a file, not in a notebook cell, because a process started by spawn or forkserver
imports what it runs: a function typed into a cell has no file to be imported from.
Every function here is plain Python that you could run anywhere; none of them knows that it is
watched.
"""

import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter


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


def put_numbers(q, count):
    """Put so many numbers into the queue, one after the other, without a pause."""
    for number in range(count):
        q.put(number)


def read(q):
    """Take from the queue and print what came: the tutorial's reader."""
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


def meet(barrier):
    """Wait at a barrier until all have come."""
    barrier.wait()


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


def count_primes(below):
    """Count the prime numbers below a number by trial division: nothing but computing."""
    primes = 0
    for number in range(2, below):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        primes += divisor * divisor > number
    return primes


def add_one(counter, barrier, pause):
    """Read a counter and write one more than was read; the barrier lets both read first."""
    barrier.wait()
    time.sleep(pause)
    seen = counter.value
    barrier.wait()
    time.sleep(pause)
    counter.value = seen + 1


def load(size):
    """Load the data that all tasks of this worker will need: an initializer for a pool."""
    global squares
    squares = [number * number for number in range(size)]
    print("Squares loaded in process %s." % os.getpid())


def look_into(place):
    """Return the square at a place of the data that this worker has loaded."""
    return squares[place]


def add_locked(lock, counter, times, seconds):
    """Add one to a counter so many times, each with the lock held for that many seconds."""
    for _ in range(times):
        with lock:
            seen = counter.value
            time.sleep(seconds)
            counter.value = seen + 1


LIBRARY = os.path.dirname(os.__file__)
"""The folder with the standard library's own files."""

LEAVE_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}
"""The names of folders in it that are not the library itself, or are its tests."""


def library_files():
    """Return the bytes of each Python file of the standard library, by its path in `LIBRARY`."""
    sizes = {}
    for folder, inner, files in os.walk(LIBRARY):
        inner[:] = set(inner) - LEAVE_OUT
        for path in (os.path.join(folder, file) for file in files if file.endswith(".py")):
            sizes[os.path.relpath(path, LIBRARY)] = os.path.getsize(path)
    return sizes


def count_names(file):
    """Parse a file of the standard library and count how often each name is used in it."""
    import ast  # here: only this lesson needs it, and every child waits for what stands on top

    with open(os.path.join(LIBRARY, file), "rb") as source:
        tree = ast.parse(source.read())
    return Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def count_word(word, file):
    """How often some letters stand in a file of the standard library: a very small task."""
    with open(os.path.join(LIBRARY, file), "rb") as source:
        return source.read().count(word.encode())


def look_around(file_number, file_name):
    """What this process has of what its parent set, loaded, opened and started."""
    try:
        has_file = os.path.samestat(os.fstat(file_number), os.stat(file_name))
    except OSError:  # nothing is open under this number here
        has_file = False
    return {
        "the variable colour": colour,
        "the last of sys.argv": sys.argv[-1],
        "COLOUR in the environment": os.environ.get("COLOUR"),
        "NumPy is loaded": "numpy" in sys.modules,
        "the file is open": has_file,
        "the thread is there": "ticker" in [thread.name for thread in threading.enumerate()],
    }


def find_again(pickled):
    """Unpickle what another process has pickled, and say what is missing if it cannot be done."""
    try:
        return "found %s" % pickle.loads(pickled).__name__
    except AttributeError:
        return "AttributeError: no such name here"  # each Python says it in words of its own


def read_line_of(file):
    """Read one line of a file that is already open."""
    print("The child reads:", file.readline().decode().strip())


def prepare(below):
    """Do what has to be done by one worker alone before the rest of a job can begin."""
    return count_primes(below)


def pin_to_one_core():
    """Let this process use a single core from now on, where the system can do that (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def multiply(size, times):
    """Multiply two matrices so many times; NumPy's library does it with threads of its own."""
    import numpy  # here: the workers of the other lessons need not load it

    matrix = numpy.ones((size, size))
    for _ in range(times):
        product = matrix @ matrix
    return float(product[0, 0])


def add_many(counter, times):
    """Add one to a counter so many times, as one would write it without a second thought."""
    for _ in range(times):
        counter.value += 1


def write_own_place(array, place):
    """Write into one place of a shared array, which nobody else touches."""
    array[place] = place * place


def register(shared, name):
    """Write into a manager's dictionary: the right way, and one that changes a copy only."""
    shared[name] = "was here"
    shared["names"].append(name)


def sum_of(array):
    """Sum up an array that came as a message: this process has a copy of it."""
    return float(array.sum())


def sum_shared(memory_name, size):
    """Sum up an array of that many floats that lies in shared memory: nothing is copied."""
    from multiprocessing.shared_memory import SharedMemory

    import numpy

    memory = SharedMemory(memory_name)
    array = numpy.frombuffer(memory.buf, count=size)
    total = float(array.sum())
    del array  # as long as it looks into the memory, that cannot be closed
    memory.close()
    return total


def take_two(first, second, ready):
    """Wait until all are ready, then take one lock and, a moment later, another."""
    ready.wait()
    with first:
        time.sleep(0.5)
        with second:
            print("I have both.")


def doomed_task(name):
    """Sleep for a moment and return; but task 2 takes its whole process with it."""
    time.sleep(0.3)
    if name == 2:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has the second
    return "task %s is fine" % name


def put_items(q, items, done):
    """Put so many items of 2 KiB into a queue, then say so."""
    for number in range(items):
        q.put("%-2048d" % number)
    done.set()


def nap(seconds):
    """Sleep for so many seconds, and return how many."""
    time.sleep(seconds)
    return seconds


def nap_as(seconds, name):
    """Sleep for so many seconds, and return a name."""
    time.sleep(seconds)
    return name
