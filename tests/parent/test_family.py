"""What a task starts, by whatever means, ends with the process in which it was started."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from helpers.observed import get_context
from helpers.parent import family
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.plain import ANYWHERE, IN_A_POOL, all_have_ended, plain_ones


def start_in_a_process(mp, folder):
    process = mp.Process(target=workers.start_plain_ones, args=(folder,))
    process.start()
    return process


def start_in_an_executor(mp, folder):
    executor = ProcessPoolExecutor(2, mp_context=mp)
    executor.submit(workers.start_plain_ones, folder)
    return executor


def start_in_a_pool(mp, folder):
    pool = mp.Pool(2)
    pool.apply_async(workers.start_plain_ones, (folder,))
    return pool


WAYS = [
    (start_in_a_process, ANYWHERE),
    (start_in_an_executor, ANYWHERE),
    (start_in_a_pool, IN_A_POOL),
]


@pytest.mark.parametrize(("start", "names"), WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_a_stop_ends_what_tasks_have_started(method: str, start, names, tmp_path) -> None:
    mp = get_context(method)
    started = start(mp, str(tmp_path))
    plain = plain_ones(tmp_path, names)
    mp.stop()
    all_have_ended(plain)
    del started


@pytest.mark.parametrize("method", METHODS)
def test_the_end_of_a_pool_ends_what_its_tasks_have_started(method: str, tmp_path) -> None:
    with get_context(method).Pool(1) as pool:
        pool.apply_async(workers.start_plain_ones, (str(tmp_path),))
        plain = plain_ones(tmp_path, IN_A_POOL)
    all_have_ended(plain)


def test_processes_that_are_no_descendants_are_left_alone(tmp_path) -> None:
    one, other = get_context("spawn"), get_context("spawn")
    start_in_a_process(one, str(tmp_path))
    plain = plain_ones(tmp_path)
    bystander = other.Process(target=workers.sleep, args=(60,))
    bystander.start()
    found = family.descendants_of({bystander.pid})
    other.stop()
    assert found == []
    assert all(process.is_running() for process in plain)
    one.stop()
    all_have_ended(plain)
