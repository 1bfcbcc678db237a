"""Worker functions for the tests: importable, so that every start method finds them."""

import os
import signal
import sys
import threading
import time
import warnings


class Oops(Exception):
    """An exception of our own, with arguments that must come home whole."""


def double(number):
    return 2 * number


def add(a, b=0):
    return a + b


def report(*args, **kwargs):
    """What a process was called with."""
    return args, sorted(kwargs.items())


def raise_oops(number):
    raise Oops("oops", number)


class Picky(Exception):
    """Can be pickled, but not rebuilt: that would take two arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first}, {second}")


def raise_picky(number):
    raise Picky("picky", number)


def odd_is_wrong(number):
    if number % 2:
        raise Oops("odd", number)
    return number


def stop_at_odd(number):
    """What `list(map(...))` takes for the end, though an iterator would have meant another."""
    if number % 2:
        raise StopIteration
    return number


def make_lambda(_):
    """A result that cannot be pickled."""
    return lambda: None


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def own_pid(_=None):
    return os.getpid()


def exit_at_once(code):
    os._exit(code)


def exit_when(path, code):
    wait_for(path)
    os._exit(code)


def exit_politely(code):
    sys.exit(code)


def kill_yourself(number=0):
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def ignore_sigterm_and_sleep(path, seconds):
    """Show by a file that SIGTERM is ignored from now on, then sleep."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(path, "w").close()
    time.sleep(seconds)


def touch_and_sleep(path, seconds=60):
    """Show by a file with our pid that the task has begun, then sleep."""
    write_pid(path)
    time.sleep(seconds)


def pool_of_sleepers(mp, paths):
    """Children of a child: a task for each path."""
    with mp.Pool(len(paths)) as pool:
        pool.map(touch_and_sleep, paths, chunksize=1)


def write_pid(path):
    """A file with our pid."""
    write_text(path, str(os.getpid()))


def write_text(path, text):
    """A file that is there only when it is whole."""
    with open(f"{path}.{os.getpid()}", "w") as file:
        file.write(text)
    os.replace(f"{path}.{os.getpid()}", path)


def wait_for(path):
    """Wait until somebody makes the file."""
    while not os.path.exists(path):
        time.sleep(0.005)
    return os.getpid()


def meet(barrier, number):
    """Return when as many tasks as the barrier counts are running at once."""
    barrier.wait(30)
    return number


barrier = None


def take_barrier(given):
    """Initializer: a barrier reaches a worker by inheritance only."""
    global barrier
    barrier = given


def meet_others(number):
    barrier.wait(30)
    return number


constant = None


def set_constant(value):
    """Initializer."""
    global constant
    constant = value


def add_constant(number):
    return number + constant


def fail_initially(message="no start"):
    """Initializer that raises."""
    raise Oops(message)


def exit_initially():
    """Initializer that ends the process."""
    os._exit(7)


def print_lines(name, lines):
    for n in range(lines):
        print(f"{name} {n}")


def print_to_both(text):
    print(text)
    print(f"{text}, wrong", file=sys.stderr)


def print_much(characters):
    for _ in range(characters // 100):
        print("x" * 99)


def print_without_newline(text):
    print(text, end="")


def print_from_threads(threads, lines):
    crew = [threading.Thread(target=print_lines, args=(n, lines)) for n in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()


def subprocess_with_our_stdout(_):
    import subprocess

    return subprocess.run([sys.executable, "-c", "print()"], stdout=sys.stdout).returncode


def modules_loaded(_=None):
    return sorted(sys.modules)


def warn_is_error():
    warnings.simplefilter("error")


def put_all(queue, values):
    for value in values:
        queue.put(value)


def take(queue, results, how_many):
    for _ in range(how_many):
        results.put((os.getpid(), queue.get()))


def take_until_none(queue):
    while queue.get() is not None:
        pass


def fork_and_print():
    """A raw fork inside a process; the child ends as raw children should."""
    print("before", flush=True)
    pid = os.fork()
    if pid == 0:
        print("in the fork", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("after", flush=True)


class Labelled:
    """Has a label that is no text, and no repr of its own."""

    label = 5


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


class BadStr(Exception):
    def __str__(self):
        raise RuntimeError("no str")


def raise_bad_str(_):
    raise BadStr("hidden")


def take_anything(value):
    return type(value).__name__


class CallableWithOddName:
    """A callable whose name is no text."""

    __qualname__ = "CallableWithOddName"

    def __init__(self):
        self.__qualname__ = 5

    def __call__(self, value):
        return value


def become_another_program(seconds):
    """As `os.exec` does it: the pipe to the parent is closed, the process lives on."""
    os.execvp("sleep", ["sleep", str(seconds)])


def import_numpy(number):
    """What a task of a student may do first."""
    import numpy as np

    return int(np.square(number))


def takes_self(self):
    return self
