"""Worker functions for the tests: importable, so that every start method finds them."""

import getpass
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings


class Oops(Exception):
    """An exception of our own, whose arguments must reach the parent unchanged."""


def double(number):
    return 2 * number


def add(a, b=0):
    return a + b


def report(*args, **kwargs):
    """Return the arguments of the call."""
    return args, sorted(kwargs.items())


def raise_oops(number):
    raise Oops("oops", number)


class Picky(Exception):
    """An exception that can be pickled but not rebuilt, since that would take two arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first}, {second}")


def raise_picky(number):
    raise Picky("picky", number)


class Rebuilt:
    """A value that is unpickled by calling a function, which may fail or do anything else."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class Pickled:
    """A value that calls a function when it is pickled, which may fail or do anything else."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        function, args = self.call
        return int, (function(*args),)


def fail(error):
    """Raise an error, of which other processes know the class."""
    raise error


def make_pickled(function, *args):
    """Return a result that calls a function when it is pickled."""
    return Pickled(function, *args)


def make_rebuilt(function, *args):
    """Return a result that calls a function when it is unpickled."""
    return Rebuilt(function, *args)


def close_task_queue(_=None):
    """Close the pipe by which a pool's worker gets its tasks, as who closes everything does."""
    multiprocessing.current_process()._args[0]._reader.close()


def odd_is_wrong(number):
    if number % 2:
        raise Oops("odd", number)
    return number


def stop_at_odd(number):
    """Raise StopIteration, which `list(map(...))` takes for the end of the numbers."""
    if number % 2:
        raise StopIteration
    return number


def make_lambda(_):
    """Return a result that cannot be pickled."""
    return lambda: None


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def ask(by):
    """Ask the student something, by `input` or by `getpass`."""
    return getpass.getpass("? ") if by == "getpass" else input("? ")


def own_pid(_=None):
    return os.getpid()


def exit_at_once(code):
    os._exit(code)


def exit_when(path, code):
    wait_for(path)
    os._exit(code)


def exit_politely(code):
    sys.exit(code)


class Stray(BaseException):
    """What is no `Exception` goes through a worker, and ends it."""


def raise_stray(name):
    import asyncio  # here, since every child of a test would wait for it

    kinds = {"CancelledError": asyncio.CancelledError, "GeneratorExit": GeneratorExit}
    raise {**kinds, "Stray": Stray, "KeyboardInterrupt": KeyboardInterrupt}[name]("stray")


def kill_yourself(number=0):
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def ignore_sigint():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def ignore_sigterm_and_sleep(path, seconds):
    """Ignore SIGTERM, say so by creating a file, and sleep."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(path, "w").close()
    time.sleep(seconds)


def touch_and_sleep(path, seconds=60):
    """Write our pid into a file, which says that the task has begun, and sleep."""
    write_pid(path)
    time.sleep(seconds)


def pool_of_sleepers(mp, paths):
    """Start a pool inside a child, with a task for each path."""
    with mp.Pool(len(paths)) as pool:
        pool.map(touch_and_sleep, paths, chunksize=1)


def write_pid(path):
    """Write our pid into a file."""
    write_text(path, str(os.getpid()))


def write_text(path, text):
    """Write a file that appears only when it is complete."""
    with open(f"{path}.{os.getpid()}", "w") as file:
        file.write(text)
    os.replace(f"{path}.{os.getpid()}", path)


def wait_for(path):
    """Wait until the file is there; return our pid."""
    while not os.path.exists(path):
        time.sleep(0.005)
    return os.getpid()


def meet(barrier, number):
    """Return when as many tasks as the barrier counts are running at once."""
    barrier.wait(30)
    return number


barrier = None


def take_barrier(given):
    """Keep a barrier, as an initializer does: a worker can only inherit it."""
    global barrier
    barrier = given


def meet_others(number):
    barrier.wait(30)
    return number


constant = None


def set_constant(value):
    """Keep a value, as an initializer does."""
    global constant
    constant = value


def add_constant(number):
    return number + constant


def fail_initially(message="no start"):
    """Raise, as an initializer may."""
    raise Oops(message)


def exit_initially():
    """End the process, as an initializer may."""
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
    """Fork inside a process; the child leaves by `os._exit`, as the child of a fork should."""
    print("before", flush=True)
    pid = os.fork()
    if pid == 0:
        print("in the fork", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("after", flush=True)


def blocked_signals():
    """Return the signals that this process does not receive."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])


def describe_interrupts():
    """Print what an interrupt meets here, and in a fork."""
    pid = os.fork()
    print(blocked_signals(), signal.getsignal(signal.SIGINT).__name__, flush=True)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


class Labelled:
    """A callable whose label is no text."""

    label = 5


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


def _exit(*_):
    raise SystemExit("asked for a text")


def _die(*_):
    os._exit(3)


def _hang(*_):
    time.sleep(600)


class Exits:
    __repr__ = __str__ = __len__ = __iter__ = __lt__ = __eq__ = __bool__ = __format__ = _exit
    __hash__ = object.__hash__
    label = property(_exit)


class Dies:
    __repr__ = __str__ = __len__ = __iter__ = __lt__ = __eq__ = __bool__ = __format__ = _die
    __hash__ = object.__hash__
    label = property(_die)


class Hangs:
    __repr__ = __str__ = __len__ = __iter__ = __lt__ = __eq__ = __bool__ = __format__ = _hang
    __hash__ = object.__hash__
    label = property(_hang)

    def __call__(self, value):
        return value


class HangingTuple(tuple):
    __repr__ = _hang


class HangingDict(dict):
    __repr__ = _hang


class HangingError(ValueError):
    __repr__ = __str__ = _hang


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
    """Become another program: the pipe to the parent is closed, but the process lives on."""
    os.execvp("sleep", ["sleep", str(seconds)])


def import_numpy(number):
    """Import numpy in a task, as a student's task may do."""
    import numpy as np

    return int(np.square(number))


def takes_self(self):
    return self


def start_plain_ones(folder):
    """Start processes in every way that is not observed; write their pids into files; sleep."""
    import multiprocessing
    import subprocess

    sleeper = f"from tests.support.workers import touch_and_sleep as f; f({folder!r} + '/program')"
    subprocess.Popen([sys.executable, "-c", sleeper])
    if not multiprocessing.current_process().daemon:  # as a worker of a pool is
        plain = multiprocessing.get_context("spawn")
        plain.Process(target=start_plain_child, args=(folder,)).start()
    if hasattr(os, "fork") and os.fork() == 0:
        touch_and_sleep(f"{folder}/fork")
        os._exit(0)
    time.sleep(60)


def start_plain_child(folder):
    """Be a plain process, and start another one: a grandchild."""
    import multiprocessing

    child = multiprocessing.get_context("spawn").Process(
        target=touch_and_sleep, args=(f"{folder}/grandchild",)
    )
    child.start()
    touch_and_sleep(f"{folder}/child")


def close_everything_and_sleep(path, seconds):
    """Close every descriptor, as a program does that becomes a daemon; live on, and say so."""
    os.closerange(3, 256)
    time.sleep(seconds)
    write_pid(path)


def close_everything_and_wait(path):
    """Close every descriptor; then those numbers stand for others: pipes that are hung up."""
    os.closerange(3, 256)
    for _ in range(30):
        os.close(os.pipe()[1])
    touch_and_sleep(path)


def start_one_that_waits_for_our_end(mp, path):
    """Start a process that waits for the end of this one and then says so; sleep."""
    mp.Process(target=wait_for_parent, args=(path,)).start()
    time.sleep(60)


def wait_for_parent(path):
    """Write a file when our parent has ended, and another one in `finally`."""
    import multiprocessing

    try:
        write_pid(f"{path}.begun")
        multiprocessing.parent_process().join()
        write_text(f"{path}.joined", "joined")
    finally:
        write_text(f"{path}.finally", "finally")


def keep_a_core_busy():
    """Compute until the process is ended from outside."""
    while True:
        pass
