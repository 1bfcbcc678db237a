"""Answers to the exercises of lesson 13. Without Dask there is nothing to be tried."""

import importlib.util
import os
import time
from concurrent.futures import as_completed
from pathlib import Path

from helpers.tasks import nap
from tests.answers import SERIAL, right, wrong

if importlib.util.find_spec("distributed"):
    import dask as dask_itself

    from helpers.cluster import kill_at_work


def naps_and_losses(dask, losses=2, asked=8):
    with dask.client(4) as client, client.get_executor(pure=False) as executor:
        futures = [executor.submit(nap, 1.0) for _ in range(8)]
        for _ in range(losses):
            kill_at_work(client)
        return [future.result() for future in futures[:asked]]


@right("13.1")
def two_killed_at_work(dask):
    return naps_and_losses(dask)


@right("13.1")
def one_now_and_one_later(dask):
    with dask.client(3) as client, client.get_executor(pure=False) as executor:
        futures = [executor.submit(nap, 0.5) for _ in range(8)]
        kill_at_work(client)
        next(as_completed(futures))
        kill_at_work(client)
        return [future.result() for future in futures]


@wrong("13.1", "1 worker was lost, and two were asked for.")
def one_killed(dask):
    return naps_and_losses(dask, losses=1)


@wrong("13.1", "3 workers were lost, and two were asked for.")
def three_killed(dask):
    return naps_and_losses(dask, losses=3)


@wrong("13.1", "No worker was lost: kill two in the middle of their work.")
def nobody_killed(dask):
    return naps_and_losses(dask, losses=0)


@wrong(
    "13.1",
    "A worker was killed when it had nothing in hand: too late, so nothing had to be done again.",
)
def killed_when_all_is_done(dask):
    with dask.client(2) as client, client.get_executor(pure=False) as executor:
        results = [executor.submit(nap, 0.1).result() for _ in range(8)]
        (pid, *_) = client.run(os.getpid).values()
        os.kill(pid, 9)
        while pid in client.run(os.getpid, on_error="ignore").values():
            time.sleep(0.05)
        time.sleep(0.5)
    return results


@wrong("13.1", "You return 7 results of 8: ask each future.")
def one_result_left_out(dask):
    return naps_and_losses(dask, asked=7)


@wrong(
    "13.1",
    "KilledWorker: the scheduler was told to give a task up when its worker dies; let it try "
    "again elsewhere.",
)
def no_failure_allowed(dask):
    with dask_itself.config.set({"distributed.scheduler.allowed-failures": 0}):
        return naps_and_losses(dask)


@wrong("13.1", SERIAL)
def no_cluster(dask):
    return [nap(0.01) for _ in range(8)]


# 13.2


def keep_in_a_file_of_its_own(folder, number):
    path = Path(folder, f"{number}.txt")
    path.with_suffix(".new").write_text(f"{number * number}\n")
    path.with_suffix(".new").replace(path)
    time.sleep(0.3)


def add_to_a_log(folder, number):
    with Path(folder, "log.txt").open("a") as log:
        log.write(f"{number * number}\n")
    time.sleep(0.3)


def write_the_number_itself(folder, number):
    Path(folder, f"{number}.txt").write_text(f"number {number}\n")
    time.sleep(0.3)


def write_more_than_asked(folder, number):
    keep_in_a_file_of_its_own(folder, number)
    Path(folder, f"done-{number}.txt").write_text("done\n")


def kept(dask, folder, keep, kill=True):
    with dask.client(2) as client, client.get_executor(pure=False) as executor:
        futures = [executor.submit(keep, folder, number) for number in range(6)]
        if kill:
            for future in futures[:4]:
                future.result()
            kill_at_work(client)
        for future in futures:
            future.result()


@right("13.2")
def beside_then_renamed(dask, folder):
    kept(dask, folder, keep_in_a_file_of_its_own)


@wrong(
    "13.2",
    "* is there twice: what was done again has added to what it had written. Let it write over "
    "it, in a file of its own.",
)
def one_log_for_all(dask, folder):
    kept(dask, folder, add_to_a_log)


@wrong(
    "13.2",
    "No call was made twice: kill a worker that has results, while you hold their futures.",
)
def nobody_dies(dask, folder):
    kept(dask, folder, keep_in_a_file_of_its_own, kill=False)


@wrong(
    "13.2",
    "* cannot be found in the folder: write each square on a line of its own.",
)
def other_words(dask, folder):
    kept(dask, folder, write_the_number_itself)


@wrong("13.2", "'done' should not be there: six squares were asked for.")
def more_than_asked(dask, folder):
    kept(dask, folder, write_more_than_asked)


@wrong("13.2", SERIAL)
def written_here(dask, folder):
    for number in range(6):
        Path(folder, f"{number}.txt").write_text(f"{number * number}\n")
