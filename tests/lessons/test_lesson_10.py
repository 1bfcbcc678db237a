"""Statements of lesson 10 on shared memory that no cell shows."""

import multiprocessing
import queue
import subprocess
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

from helpers.gantt import gantt
from helpers.observed import get_context
from helpers.script import run_script
from helpers.tasks import add_many, register, sum_of, sum_shared, write_own_place
from tests.support.methods import METHODS
from tests.support.within import within

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource tracker")


@pytest.fixture
def memory():
    """Lend eight thousand bytes of shared memory and remove them at the end."""
    memory = SharedMemory(create=True, size=8_000)
    yield memory
    memory.close()
    memory.unlink()


def test_alone_nothing_is_lost():
    counter = multiprocessing.Value("i", 0)
    add_many(counter, 100)
    assert counter.value == 100


def test_a_values_own_lock_can_be_taken_twice_and_a_plain_one_cannot():
    plain = multiprocessing.get_context("spawn")
    with plain.Value("i", 0).get_lock() as first:
        assert first
    lock = plain.RLock()
    assert lock.acquire()
    assert lock.acquire(timeout=0)
    lock.release()
    lock.release()
    lock = plain.Lock()
    assert lock.acquire()
    assert not lock.acquire(timeout=0.01)
    lock.release()


def test_a_lock_is_given_back_after_an_error():
    lock = get_context().Lock()
    with pytest.raises(ValueError, match="an error"), lock:
        raise ValueError("an error")
    assert lock.acquire(block=False)
    lock.release()


def test_a_place_of_the_array_is_written_and_no_other():
    array = [0, 0, 0, 0]
    write_own_place(array, 3)
    assert array == [0, 0, 0, 9]


def test_a_shared_value_cannot_be_sent_with_a_task_and_reaches_a_pool_by_its_initializer():
    mp = get_context()
    counter = mp.Value("i", 0)
    with mp.Pool(1) as pool, pytest.raises(RuntimeError, match="through inheritance"):
        within(60, pool.apply, add_many, (counter, 1))
    with mp.Pool(1, initializer=add_many, initargs=(counter, 5)) as pool:
        within(60, pool.apply, abs, (1,))
    assert counter.value == 5


def test_an_inner_list_of_a_manager_is_a_copy_unless_the_manager_keeps_it():
    mp = get_context()
    with mp.Manager() as manager:
        shared = manager.dict(names=[])
        register(shared, "Ann")
        assert shared["names"] == []
        shared["names"] = manager.list()
        register(shared, "Ben")
        assert list(shared["names"]) == ["Ben"]
    assert [process.role for process in mp.timeline().processes] == ["manager"]
    assert "Manager" in gantt(mp.timeline()).alt


def test_both_sums_are_of_the_same_numbers(memory):
    array = np.frombuffer(memory.buf, count=1000)
    array[:] = np.arange(1000)
    assert sum_of(array) == sum_shared(memory.name, 1000) == 499500
    del array


LOOK_AFTER_CLOSE = """
import numpy as np
from multiprocessing.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=8_000_000)
array = {}
memory.unlink()
memory.close()
print("closed", flush=True)
array.sum()
"""


@POSIX
def test_an_array_made_by_frombuffer_forbids_to_close_the_memory_and_ndarray_does_not():
    careful, careless = (
        subprocess.run(
            [sys.executable, "-c", LOOK_AFTER_CLOSE.format(array)], capture_output=True, text=True
        )
        for array in ("np.frombuffer(memory.buf)", "np.ndarray(1_000_000, buffer=memory.buf)")
    )
    assert careful.stdout == ""
    assert "BufferError: cannot close exported pointers exist" in careful.stderr
    assert careless.stdout == "closed\n"
    assert careless.returncode < 0  # killed by a signal


@POSIX
def test_children_that_open_the_memory_do_not_take_it_along(memory):
    mp = get_context()
    with mp.Pool(2) as pool:
        assert within(60, pool.starmap, sum_shared, [(memory.name, 10)] * 4) == [0.0] * 4
    SharedMemory(memory.name).close()


POOL_AND_MEMORY = """
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
import sys
import time

def look_into(name):
    SharedMemory(name).close()

if __name__ == '__main__':
    first, method, seconds = sys.argv[1:]
    early = SharedMemory(create=True, size=1000) if first == 'memory' else None
    with get_context(method).Pool(1) as pool:
        memory = early or SharedMemory(create=True, size=1000)
        pool.apply(look_into, (memory.name,))
        pool.close()
        pool.join()
    deadline = time.monotonic() + float(seconds)  # a tracker is a process, and takes its time
    try:
        while time.monotonic() < deadline:
            SharedMemory(memory.name).close()
            time.sleep(0.05)
        print('still there')
        memory.unlink()
    except FileNotFoundError:
        print('gone')
"""


@POSIX
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("first", ["memory", "pool"])
def test_a_forked_child_takes_memory_along_that_was_made_after_it(first, method):
    takes_it_along = (first, method) == ("pool", "fork")
    seconds = "60" if takes_it_along else "2"
    said = run_script(POOL_AND_MEMORY, first, method, seconds, timeout=90).stdout
    assert said == ("gone\n" if takes_it_along else "still there\n")


@POSIX
def test_track_is_new_in_python_313():
    new = sys.version_info >= (3, 13)
    program = (
        "from multiprocessing.shared_memory import SharedMemory\n"
        "memory = SharedMemory(create=True, size=10, track=False)\n"
        "memory.close(); memory.unlink()"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode == 0) == new
    assert ("TypeError" in run.stderr) != new


@POSIX
def test_the_tracker_is_a_process_of_its_own():
    resource_tracker.ensure_running()
    assert resource_tracker._resource_tracker._pid not in (None, 0)


def test_the_sentence_about_queues_is_true():
    """Put a shared value into a queue and return the error of the thread that would pickle it."""
    counter = multiprocessing.Value("i", 0)
    waiting = multiprocessing.get_context("spawn").Queue()
    waiting._on_queue_feeder_error = lambda error, _: errors.put(error)
    errors = queue.Queue()
    waiting.put(counter)
    assert "through inheritance" in str(errors.get(timeout=60))
    waiting.close()
    waiting.join_thread()
