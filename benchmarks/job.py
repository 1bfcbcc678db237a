"""Hand out 20,000 empty tasks, and print how many seconds that took.

python -m benchmarks.job plain|observed
"""

import multiprocessing
import sys
import time

from benchmarks.workers import nothing


def main(how: str) -> None:
    if how == "observed":
        from helpers.observed import get_context
    else:
        get_context = multiprocessing.get_context
    with get_context("spawn").Pool(2) as pool:
        pool.map(nothing, range(2), chunksize=1)  # until both workers have started
        begin = time.perf_counter()
        pool.map(nothing, range(20_000), chunksize=1)
        print(time.perf_counter() - begin, flush=True)
        pool.close()
        pool.join()  # a tracer's workers write their records when they end


if __name__ == "__main__":
    main(sys.argv[1])
