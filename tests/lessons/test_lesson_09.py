"""Statements of lesson 9 on cores, threads and laws that no cell shows."""

import math
import os
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.lines import Line2D

from helpers.laws import amdahl, gustafson, law_chart
from helpers.observed import get_context
from helpers.script import run_script
from helpers.tasks import count_primes, multiply, pin_to_one_core, prepare
from tools.notebooks import NOTEBOOKS, read

SHARES = st.floats(0, 1)
WORKERS = st.integers(1, 10_000)


def test_primes_are_counted():
    assert [count_primes(below) for below in (0, 2, 3, 10, 100, 1000)] == [0, 0, 1, 4, 25, 168]
    assert prepare(100) == 25


def test_a_product_of_ones_is_the_size():
    assert multiply(3, 2) == 3.0


# The laws


@given(SHARES, WORKERS)
def test_amdahl_is_never_above_the_workers_nor_one_over_the_serial_part(serial, workers):
    speed_up = amdahl(serial, workers)
    assert speed_up * (1 + 1e-9) >= 1
    assert speed_up <= workers * (1 + 1e-9)
    assert serial * speed_up <= 1 + 1e-9


@given(SHARES, WORKERS)
def test_gustafson_promises_at_least_what_amdahl_does(serial, workers):
    assert amdahl(serial, workers) <= gustafson(serial, workers) * (1 + 1e-9)
    assert gustafson(serial, workers) <= workers * (1 + 1e-9)


@given(st.floats(0.01, 1), st.integers(1, 100))
def test_gustafson_is_the_grown_job_alone_over_together(serial, workers):
    """One worker needs serial + n times the rest; n workers need serial + the rest, that is 1."""
    rest = 1 - serial
    assert gustafson(serial, workers) == pytest.approx((serial + workers * rest) / (serial + rest))


@given(st.floats(0.01, 1), st.integers(1, 100))
def test_amdahl_is_the_same_job_alone_over_together(serial, workers):
    rest = 1 - serial
    assert amdahl(serial, workers) == pytest.approx((serial + rest) / (serial + rest / workers))


@pytest.mark.parametrize("law", [amdahl, gustafson])
@pytest.mark.parametrize(
    ("serial", "workers"),
    [(-0.1, 2), (1.1, 2), (10**400, 2), (math.inf, 2), (math.nan, 2), (0.5, 0)],
)
def test_what_is_no_share_or_no_worker_is_refused(law, serial, workers):
    with pytest.raises(ValueError, match=r"from 0 to 1|at least one worker"):
        law(serial, workers)


def lines(chart, gid):
    """Return the points of the curves of this kind in both halves of the chart."""
    return [
        line.get_xydata().tolist()
        for axes in chart.figure.axes
        for line in axes.findobj(Line2D)
        if line.get_gid() == gid
    ]


def looks(chart, gid):
    """Return how the lines of this kind are drawn: plain or dashed."""
    found = chart.figure.findobj(Line2D)
    return {line.get_linestyle() for line in found if line.get_gid() == gid}


def test_the_chart_shows_the_measured_points_and_the_curves_of_the_laws():
    fixed, grown = {1: 1.0, 2: 1.5, 4: 1.6}, {1: 1.0, 2: 1.7, 4: 1.9}
    chart = law_chart(fixed, grown, 0.25, cores=2)
    assert lines(chart, "measured speed_up") == [
        [[1, 1.0], [2, 1.5], [4, 1.6]],
        [[1, 1.0], [2, 1.7], [4, 1.9]],
    ]
    for law, curve in zip((amdahl, gustafson), lines(chart, "law"), strict=True):
        assert len(curve) == 101
        assert all(y == pytest.approx(law(0.25, x)) for x, y in curve)
    assert len(lines(chart, "ceiling")) == 2
    assert [axes.get_ylabel() for axes in chart.figure.axes] == ["times as fast"] * 2
    assert looks(chart, "law") == {"-"}  # the plain line that the subtitle names
    assert looks(chart, "ceiling") == {"--"}
    assert "4 workers: measured 1.60, Amdahl 2.29" in chart.alt
    assert "4 workers: measured 1.90, Gustafson 3.25" in chart.alt
    assert "1 worker: measured" in chart.alt


def test_nothing_measured_is_nothing_drawn():
    with pytest.raises(ValueError, match="no speed-up was measured"):
        law_chart({}, {}, 0.25, cores=2)


# Cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity in this library")
def test_pinned_workers_may_use_one_core_and_the_parent_keeps_its_own():
    before = os.sched_getaffinity(0)
    mp = get_context()
    with mp.Pool(2, initializer=pin_to_one_core) as pool:
        allowed = pool.map(os.sched_getaffinity, [0] * 4, chunksize=1)
    assert allowed == [{min(before)}] * 4
    assert os.sched_getaffinity(0) == before


def test_where_there_is_no_affinity_a_worker_stays_as_it_is(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    pin_to_one_core()


@pytest.mark.skipif(
    sys.version_info < (3, 13) or not hasattr(os, "sched_setaffinity"),
    reason="process_cpu_count is new in Python 3.13",
)
def test_process_cpu_count_minds_the_affinity():
    program = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    assert run_script(program + "print(os.process_cpu_count())").stdout == "1\n"


# Other Pythons


@pytest.mark.skipif(sys.version_info < (3, 14), reason="new in Python 3.14")
def test_interpreters_can_run_the_lessons_task():
    from concurrent.futures import InterpreterPoolExecutor

    with InterpreterPoolExecutor(2) as executor:
        assert list(executor.map(count_primes, [100, 1000])) == [25, 168]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it is there since Python 3.14")
def test_before_python_314_there_is_no_executor_of_interpreters():
    import concurrent.futures

    assert not hasattr(concurrent.futures, "InterpreterPoolExecutor")


def test_the_gil_is_held_for_five_milliseconds():
    assert run_script("import sys; print(sys.getswitchinterval())").stdout == "0.005\n"


def arrive(lock, arrived, barrier):
    """Come to the barrier one after the other, and count who has come."""
    global arrivals
    arrivals = arrived
    with lock:
        time.sleep(0.2)
        arrived.value += 1
    barrier.wait()


def arrivals_seen(_):
    return arrivals.value


def test_a_barrier_lets_the_clock_start_when_all_workers_are_there():
    mp = get_context()
    barrier = mp.Barrier(4)
    with mp.Pool(3, arrive, (mp.Lock(), mp.Value("i", 0), barrier)) as pool:
        barrier.wait()
        assert pool.map(arrivals_seen, range(6), chunksize=1) == [3] * 6


def stored_output(words):
    """Return what the cell of the lesson that contains these words has printed."""
    cells = read(NOTEBOOKS / "09_how_fast_can_it_get.ipynb").cells
    (cell,) = (cell for cell in cells if cell.cell_type == "code" and words in cell.source)
    return "".join(output.get("text", "") for output in cell.outputs)


def test_the_bar_of_another_build_is_said_to_be_recorded_on_screen():
    (line,) = (s for s in stored_output("show_cores(").splitlines() if "without a GIL" in s)
    assert "RECORDED: Linux, 2 cores, Python 3.13.5 built free-threaded" in line
