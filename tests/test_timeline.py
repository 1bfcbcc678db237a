"""The timeline tells what happened: figures by hand first, then real processes of every kind."""

import itertools
import math
import os
import sys
import threading
import time
import types
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from math import nan

import numpy as np
import pytest

from helpers.child import events
from helpers.child import workers as child_workers
from helpers.child.calls import SHORT_TASK, RecordedCall
from helpers.child.recorder import Recorder
from helpers.logs import segments
from helpers.observed import get_context
from helpers.timeline import LOST, RAISED, RETURNED, RUNNING, Message, Tasks, Timeline
from tests.support import workers
from tests.support.methods import AVAILABLE, METHODS
from tests.support.subclasses import CONTEXTS, subclass
from tests.support.within import within

# By hand


def by_hand(**columns) -> Tasks:
    columns = {"started": [1, 2, 3], "finished": [3, 4, 5]} | columns
    return Tasks.from_columns(["a(1)", "b(2)", "c(3)"], **columns)


def test_the_figures_are_those_of_the_definitions() -> None:
    timeline = Timeline(by_hand(received=[3.5, 6, nan]), workers=2)
    assert timeline.makespan == 4
    assert timeline.busy == 6
    assert timeline.utilisation == 6 / 8
    assert timeline.tasks_in_flight == 6 / 4
    assert timeline.total == 6


def test_a_task_that_is_still_running_counts_up_to_now() -> None:
    timeline = Timeline(by_hand(finished=[3, 4, nan]), workers=2, now=8)
    assert (timeline.makespan, timeline.busy, timeline.total) == (7, 9, 8)


def test_without_tasks_there_is_nothing_to_measure() -> None:
    timeline = Timeline(Tasks.from_columns([]), workers=0)
    for figure in ("makespan", "total", "busy", "utilisation", "tasks_in_flight"):
        assert math.isnan(getattr(timeline, figure))
    assert timeline.table().startswith("task")


def test_tasks_are_records_and_columns() -> None:
    tasks = by_hand(
        pid=[7, 8, 9],
        outcome=[RAISED, RUNNING, LOST],
        errors={0: "ValueError: boom"},
    )
    assert [task.outcome for task in tasks] == ["raised ValueError: boom", "running", "lost"]
    assert [len(tasks), tasks[-1].call, tasks.call(1), tasks[0].pid] == [3, "c(3)", "b(2)", 7]
    assert tasks.started.tolist() == [1, 2, 3]
    assert (tasks.pid.dtype, tasks.started.dtype) == (np.int64, np.float64)
    with pytest.raises(IndexError):
        tasks[3]


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="column started has the shape"):
        Tasks.from_columns(["a()"], started=[1, 2])
    with pytest.raises(TypeError, match="no such column: begun; there are"):
        Tasks.from_columns(["a()"], begun=[1])


def test_the_table_is_the_tasks_as_text() -> None:
    tasks = by_hand(lane=[1, 2, 1], pid=[71, 72, 71], on_core=[0.5, nan, 1])
    assert Timeline(tasks, workers=2).table().splitlines() == [
        "task  lane  pid  submitted  started  finished  received  on core  outcome",
        "a(1)     1   71               1.000     3.000                50%  returned",
        "b(2)     2   72               2.000     4.000                     returned",
        "c(3)     1   71               3.000     5.000               100%  returned",
    ]


# Of real processes


def calls(timeline: Timeline) -> list[str]:
    return sorted(task.call for task in timeline.tasks)


def expected(*numbers: int) -> list[str]:
    return sorted(f"double({n})" for n in numbers)


def assert_in_order(timeline: Timeline) -> None:
    """Every task lies within its process, and every moment behind the one before it."""
    processes = {process.pid: process for process in timeline.processes}
    for task in timeline.tasks:
        process = processes[task.pid]
        assert task.lane == process.lane
        moments = [
            process.asked, process.born, process.ready, task.submitted, task.started,
            task.finished, task.received,
        ]  # fmt: skip
        inside = [process.born, process.ready, task.started, task.finished, process.ended]
        for row in (moments[:3], moments[3:], inside):
            known = [moment for moment in row if not math.isnan(moment)]
            assert known == sorted(known)
        assert task.started >= 0
        assert math.isnan(task.on_core) or 0 <= task.on_core <= 1


def wait_until_told(iterator) -> None:
    list(iterator)


POOL_METHODS = {
    "apply": lambda pool: [pool.apply(workers.double, (n,)) for n in range(6)],
    "apply_async": lambda pool: [
        result.get() for result in [pool.apply_async(workers.double, (n,)) for n in range(6)]
    ],
    "map": lambda pool: pool.map(workers.double, range(6)),
    "map in chunks": lambda pool: pool.map(workers.double, range(6), chunksize=4),
    "map_async": lambda pool: pool.map_async(workers.double, range(6), chunksize=1).get(),
    "imap": lambda pool: list(pool.imap(workers.double, range(6))),
    "imap in chunks": lambda pool: list(pool.imap(workers.double, range(6), chunksize=4)),
    "imap_unordered": lambda pool: list(pool.imap_unordered(workers.double, range(6))),
    "imap_unordered in chunks": lambda pool: list(
        pool.imap_unordered(workers.double, range(6), chunksize=4)
    ),
    "starmap": lambda pool: pool.starmap(workers.double, [(n,) for n in range(6)]),
    "starmap_async": lambda pool: pool.starmap_async(
        workers.double, [(n,) for n in range(6)], chunksize=4
    ).get(),
}


@pytest.mark.parametrize("name", ["map", "starmap"])
@pytest.mark.parametrize("method", METHODS)
def test_a_chunk_is_recorded_up_to_the_task_that_raises(method: str, name: str) -> None:
    mp = get_context(method)
    values = [0, 2, 1, 4] if name == "map" else [(0,), (2,), (1,), (4,)]
    with mp.Pool(1) as pool, pytest.raises(workers.Oops):
        getattr(pool, name)(workers.odd_is_wrong, values, chunksize=4)
    assert [(task.call, task.outcome) for task in mp.timeline().tasks] == [
        ("odd_is_wrong(0)", "returned"),
        ("odd_is_wrong(2)", "returned"),
        ("odd_is_wrong(1)", "raised Oops: ('odd', 1)"),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_every_task_of_every_pool_method_is_there_once(method: str) -> None:
    for use in POOL_METHODS.values():
        mp = get_context(method)
        with mp.Pool(2) as pool:
            use(pool)
            timeline = mp.timeline()
        assert calls(timeline) == expected(*range(6))
        assert {task.outcome for task in timeline.tasks} == {"returned"}
        for task in timeline.tasks:
            assert not math.isnan(task.submitted + task.started + task.finished + task.received)
        assert_in_order(timeline)
        assert (timeline.method, timeline.workers) == (method, 2)


@pytest.mark.parametrize("method", METHODS)
def test_every_task_of_an_executor_is_there_once(method: str) -> None:
    mp = get_context(method)
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        executor.submit(workers.double, 0).result()
        list(executor.map(workers.double, range(1, 4)))
        list(executor.map(workers.double, range(4, 9), chunksize=3))
        failed = executor.submit(workers.raise_oops, 9).exception()
    assert failed is not None
    timeline = mp.timeline()
    assert calls(timeline) == expected(*range(9)) + ["raise_oops(9)"]
    assert_in_order(timeline)
    assert np.isnan(timeline.tasks.submitted).all(), "nobody recorded that, so nobody knows"


def test_tasks_of_a_pool_and_of_an_executor_are_not_taken_for_each_other() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool, ProcessPoolExecutor(1, mp_context=mp) as executor:
        for n in range(3):
            first = pool.apply_async(workers.double, (n,))
            first.get()
        for n in range(first._job + 3):  # so that each pool's job has a namesake
            executor.submit(workers.own_pid, n).result()
    for task in mp.timeline().tasks:
        assert math.isnan(task.submitted) == (task.call.startswith("own_pid"))


@pytest.mark.parametrize("method", METHODS)
def test_how_tasks_end(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun = tmp_path / "begun"
    with mp.Pool(1) as pool:
        pool.apply(workers.double, (1,))
        with pytest.raises(workers.Oops):
            pool.apply(workers.raise_oops, (2,))
        pool.apply_async(workers.touch_and_sleep, (str(begun),))
        workers.wait_for(begun)
        during = mp.timeline()
    outcomes = [task.outcome for task in mp.timeline().tasks]
    assert outcomes == ["returned", "raised Oops: ('oops', 2)", "lost"]
    running = during.tasks[2]
    assert (running.outcome, running.call[:16]) == ("running", "touch_and_sleep(")
    assert math.isnan(running.finished)
    assert running.started < during.now
    ended = mp.timeline().processes[0]
    assert mp.timeline().tasks[2].finished == ended.ended
    assert ended.exitcode != 0
    assert math.isnan(during.processes[0].ended)


def test_exceptions_and_values_that_cannot_be_told_harm_no_task() -> None:
    mp = get_context("spawn")
    odd = workers.CallableWithOddName()
    values = [workers.BadRepr(), workers.Labelled(), b"x" * 10**7, "\udc80", 10**9000, {1: [2]}]
    with mp.Pool(1) as pool:
        assert pool.map(workers.take_anything, values)[0] == "BadRepr"
        assert pool.map(odd, [5]) == [5]
        with pytest.raises(workers.BadStr):
            pool.apply(workers.raise_bad_str, (1,))
        pool.apply(workers.add, (), {"a": 1, "b": 2})
        pool.apply(workers.take_anything, ("word " * 100,))
        pool.apply(workers.take_anything, ([workers.double, workers.Labelled, len],))
    tasks = mp.timeline().tasks
    assert [task.call for task in tasks][:2] == ["take_anything(BadRepr)", "take_anything(5)"]
    assert max(len(task.call) for task in tasks) < 100
    assert tasks[5].call == "take_anything({1: [2]})"
    assert tasks[6].call == "CallableWithOddName(5)"
    assert tasks[7].outcome == "raised BadStr"
    assert tasks[8].call == "add(a=1, b=2)"
    assert not any(" at 0x" in task.call for task in tasks)


def test_a_task_that_computes_is_on_a_core_and_one_that_sleeps_is_not() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.apply(workers.sleep, (0.5,))
    assert mp.timeline().tasks[0].on_core < 0.5


def test_tasks_too_short_for_a_clock_are_there_with_their_times_and_no_share() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        pool.map(workers.double, range(500), chunksize=100)
    tasks = mp.timeline().tasks
    assert [task.call for task in tasks] == [f"double({n})" for n in range(500)]
    assert set(tasks.outcome) == {RETURNED}
    assert (tasks.finished > tasks.started).all()
    assert (tasks.finished[:-1] <= tasks.started[1:]).all()
    short = tasks.finished - tasks.started < SHORT_TASK / 1e9 * 0.99
    assert short.any()
    assert np.isnan(tasks.on_core[short]).all()


@pytest.mark.parametrize("in_a_chunk", [False, True])
def test_what_a_task_computed_is_counted_in_full_also_behind_short_ones(
    in_a_chunk, tmp_path
) -> None:
    """Its clock is not asked for every short task, so what they leave over must be taken off."""

    def compute(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    task = RecordedCall(compute, Recorder(str(tmp_path)), name="compute")
    asked = [0, 0, 0, 0.003, 0, 0.002]
    if in_a_chunk:
        task.map(asked)
    else:
        for seconds in asked:
            task(seconds)
    (log,) = segments.read_logs(str(tmp_path))
    computed = sorted(log.events_of(events.FINISHED)["computed"])[-2:]
    for us, seconds in zip(computed, (0.002, 0.003), strict=True):
        assert 0.99 * seconds <= us / 1e6 <= 2 * seconds


# Processes and lanes


@pytest.mark.parametrize("method", METHODS)
def test_processes_are_told_from_birth_to_end(method: str) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.exit_politely, args=(3,), name="Ann")
    process.start()
    process.join()
    (seen,) = mp.timeline().processes
    assert (seen.name, seen.pid, seen.ppid) == ("Ann", process.pid, os.getpid())
    assert (seen.lane, seen.role, seen.method, seen.exitcode) == (1, "process", method, 3)
    assert 0 == seen.asked < seen.born < seen.ended
    assert [task.call for task in mp.timeline().tasks] == ["exit_politely(3)"]


@pytest.mark.parametrize("method", METHODS)
def test_a_replaced_worker_continues_its_lane(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(2, maxtasksperchild=1) as pool:
        pool.map(workers.double, range(6), chunksize=1)
    timeline = mp.timeline()
    assert calls(timeline) == expected(*range(6))
    assert {process.lane for process in timeline.processes} == {1, 2} == set(timeline.tasks.lane)
    assert timeline.workers == 2
    for lane in (1, 2):
        own = [process for process in timeline.processes if process.lane == lane]
        assert not any(after.born < before.ended for before, after in itertools.pairwise(own))
    assert len(set(timeline.tasks.pid)) == 6


def test_an_executor_that_replaces_its_worker_loses_no_task() -> None:
    mp = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=mp, max_tasks_per_child=1) as executor:
        for n in range(3):
            executor.submit(workers.double, n).result()
    timeline = mp.timeline()
    assert len(set(timeline.tasks.pid)) == 3
    assert calls(timeline) == expected(0, 1, 2)


def test_a_second_pool_has_lanes_of_its_own() -> None:
    mp = get_context("spawn")
    for _ in range(2):
        with mp.Pool(2) as pool:
            pool.map(workers.double, [1])
    assert [process.lane for process in mp.timeline().processes] == [1, 2, 3, 4]


def test_a_managers_server_has_a_lane_of_its_own_kind_and_no_task() -> None:
    mp = get_context("spawn")
    with mp.Manager() as manager:
        manager.list()
        process = mp.Process(target=workers.double, args=(1,))
        process.start()
        process.join()
    timeline = mp.timeline()
    assert [(one.role, one.lane) for one in timeline.processes] == [("manager", 1), ("process", 1)]
    assert (calls(timeline), timeline.workers) == (["double(1)"], 1)


def run_inner(mp) -> None:
    with mp.Pool(2) as pool:
        pool.map(workers.double, range(2), chunksize=1)


@pytest.mark.parametrize("method", METHODS)
def test_nested_processes_have_lanes_behind_those_of_their_parent(method: str) -> None:
    mp = get_context(method)
    outer = [mp.Process(target=run_inner, args=(mp,)) for _ in range(2)]
    for process in outer:
        process.start()
    for process in outer:
        process.join()
    timeline = mp.timeline()
    lanes = {process.pid: process.lane for process in timeline.processes}
    assert [lanes[process.pid] for process in outer] == [1, 2]
    assert sorted(lanes.values()) == [1, 2, 3, 4, 5, 6]
    parents = Counter(process.ppid for process in timeline.processes)
    assert parents == {os.getpid(): 2, outer[0].pid: 2, outer[1].pid: 2}
    assert timeline.parent == os.getpid()
    inner = [task for task in timeline.tasks if task.call.startswith("double")]
    assert sorted(task.call for task in inner) == expected(0, 0, 1, 1)
    assert not any(math.isnan(task.submitted + task.received) for task in inner)


def test_a_subclass_is_recorded_by_its_run() -> None:
    timeline_of = {}
    for name in ("Doubler", "Delegator"):
        mp = CONTEXTS["observed", "spawn"]
        here, there = mp.Pipe()
        kind = subclass(mp, name)
        before = len(mp.timeline().tasks)
        arguments = (there, 1) if name == "Doubler" else ()
        process = kind(*arguments) if arguments else kind(target=workers.double, args=(4,))
        process.start()
        process.join()
        timeline_of[name] = mp.timeline().tasks[before].call
        here.close()
    assert timeline_of["Doubler"].endswith(".run()")
    assert timeline_of["Delegator"] == "double(4)"


# Printed lines


@pytest.mark.parametrize("method", METHODS)
def test_printed_lines_come_with_pid_and_time(method: str) -> None:
    mp = get_context(method)
    names = "Ann", "Bob"
    processes = [mp.Process(target=workers.print_lines, args=(name, 3)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    lines = mp.timeline().lines
    for name, process in zip(names, processes, strict=True):
        own = [line for line in lines if line.pid == process.pid]
        assert [line.text for line in own] == [f"{name} {n}" for n in range(3)]
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert mp.output() == "\n".join(f"{name} {n}" for name in names for n in range(3))
    by_time = mp.output(by="time").splitlines()
    assert sorted(by_time) == sorted(mp.output().splitlines())
    assert by_time == [line.text for line in lines]


def test_output_process_by_process_is_in_the_order_of_their_start() -> None:
    mp = get_context("spawn")
    barrier = mp.Barrier(3)
    processes = [mp.Process(target=print_in_turn, args=(barrier, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert mp.output() == "0\n0\n1\n1\n2\n2"
    assert mp.output(by="time") == "2\n1\n0\n0\n1\n2"


def print_in_turn(barrier, number) -> None:
    for turn in (2, 1, 0, 0, 1, 2):
        barrier.wait(30)
        if turn == number:
            print(number)


def test_streams_are_kept_apart_and_wrong_words_refused() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_to_both, args=("words",))
    process.start()
    process.join()
    assert (mp.output(), mp.output(stream="stderr")) == ("words", "words, wrong")
    with pytest.raises(ValueError, match="'pid' is not known here; choose one of process, time"):
        mp.output(by="pid")
    with pytest.raises(ValueError, match="choose one of stdout, stderr"):
        mp.output(stream="both")


def test_a_last_line_without_an_end_is_kept() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_without_newline, args=("no end",))
    process.start()
    process.join()
    assert mp.output() == "no end"


def test_a_mebibyte_of_output_is_kept_and_the_rest_counted() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_much, args=(1_500_000,))
    process.start()
    process.join()
    *lines, last = mp.output().splitlines()
    rest = 1_500_000 - (1 << 20)
    assert last == f"({rest:,} more bytes were printed and not kept)"
    assert set(lines[:-1]) == {"x" * 99}
    assert (mp.timeline().lost_text, process.exitcode) == (rest, 0)


def test_threads_of_a_child_print_into_one_log() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.print_from_threads, args=(4, 100))
    process.start()
    process.join()
    assert len("".join(mp.output()).split()) == 4 * 100 * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_raw_fork_of_a_child_prints_is_told_under_its_own_pid() -> None:
    mp = get_context("spawn")
    process = mp.Process(target=workers.fork_and_print)
    process.start()
    process.join()
    lines = mp.timeline().lines
    assert [line.text for line in lines] == ["before", "in the fork", "after"]
    assert lines[0].pid == lines[2].pid == process.pid != lines[1].pid


def test_a_childs_stdout_can_be_handed_to_a_subprocess() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        assert pool.apply(workers.subprocess_with_our_stdout, (1,)) == 0


# Messages


@pytest.mark.parametrize("method", METHODS)
def test_messages_of_many_writers_find_their_readers(method: str) -> None:
    mp = get_context(method)
    queue, results = mp.Queue(), mp.SimpleQueue()
    writers = [
        mp.Process(target=workers.put_all, args=(queue, [f"{name}{n}" for n in range(3)]))
        for name in "ab"
    ]
    readers = [mp.Process(target=workers.take, args=(queue, results, 3)) for _ in range(2)]
    for process in writers + readers:
        process.start()
    taken = dict(reversed(results.get()) for _ in range(6))
    for process in writers + readers:
        process.join()
    messages = mp.timeline().messages
    assert sorted(message.value for message in messages) == sorted(map(repr, taken))
    sender = {"a": writers[0].pid, "b": writers[1].pid}
    for message in messages:
        value = message.value.strip("'")
        assert message.receiver == taken[value]
        assert message.sender == sender[value[0]]
        assert message.put <= message.got
        assert message.queue == "queue 1"


def test_a_message_that_nobody_took_has_no_receiver() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    queue.put("first")
    assert queue.get() == "first"
    queue.put("second")
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    first, second = mp.timeline().messages
    assert isinstance(first, Message)
    assert (first.sender, first.receiver) == (os.getpid(), os.getpid())
    assert (math.isnan(second.got), second.receiver, second.value) == (True, 0, "'second'")
    assert queue.get() == "second"


def test_queues_are_told_apart_by_number_and_named_in_calls() -> None:
    mp = get_context("spawn")
    queues = [mp.Queue(), mp.JoinableQueue()]
    for queue in queues:
        process = mp.Process(target=workers.put_all, args=(queue, [1]))
        process.start()
        queue.get()
        process.join()
    timeline = mp.timeline()
    assert [message.queue for message in timeline.messages] == ["queue 1", "queue 2"]
    assert calls(timeline) == ["put_all(queue 1, [1])", "put_all(queue 2, [1])"]


def test_a_message_may_be_anything_of_any_size() -> None:
    mp = get_context("spawn")
    queue = mp.Queue()
    for value in (workers.BadRepr(), b"x" * 10**6, None):
        queue.put(value)
        queue.get()
    values = [message.value for message in mp.timeline().messages]
    assert (values[0], values[2]) == ("BadRepr", "None")
    assert len(values[1]) < 100


# A snapshot while it runs


def test_a_snapshot_can_be_taken_again_and_again_while_it_runs() -> None:
    mp = get_context("spawn")
    done = threading.Event()
    seen = []

    def look() -> None:
        while not done.is_set():
            timeline = mp.timeline()
            assert_in_order(timeline)
            seen.append(len(timeline.tasks))

    def run() -> None:
        with mp.Pool(2) as pool:
            pool.map(workers.print_lines, [], chunksize=1)
            pool.starmap(workers.print_lines, [(n, 2) for n in range(200)], chunksize=1)
        done.set()

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    try:
        within(60, look)
    finally:
        runner.join()
    assert seen == sorted(seen)
    assert len(mp.timeline().tasks) == 200


# What the standard library must still have


def test_the_names_that_are_leaned_on_are_still_there() -> None:
    import inspect
    from concurrent.futures import process as futures_process
    from multiprocessing import managers, pool, popen_fork, process, util

    for module, name in (
        (pool, "worker"),
        (pool, "mapstar"),
        (pool, "starmapstar"),
        (pool, "_helper_reraises_exception"),
        (pool.Pool, "_setup_queues"),
        (pool.Pool, "_map_async"),
        (pool.Pool, "_check_running"),
        (pool.IMapIterator, "_set_length"),
        (futures_process, "_process_worker"),
        (futures_process, "_process_chunk"),
        (managers.BaseManager, "_run_server"),
        (process.BaseProcess, "_bootstrap"),
        (util, "_exit_function"),
        (popen_fork.Popen if sys.platform != "win32" else process.BaseProcess, "__init__"),
    ):
        assert callable(getattr(module, name)), f"{module.__name__} has no {name} any more"
    assert list(inspect.signature(pool.worker).parameters)[:2] == ["inqueue", "outqueue"]
    assert next(iter(inspect.signature(futures_process._process_worker).parameters)) == "call_queue"
    assert list(inspect.signature(pool.Pool._terminate_pool).parameters) == [
        "taskqueue", "inqueue", "outqueue", "pool", "change_notifier", "worker_handler",
        "task_handler", "result_handler", "cache",
    ]  # fmt: skip
    assert {"_target", "_args", "_kwargs", "_popen", "_parent_pid", "_closed"} <= set(
        vars(process.BaseProcess())
    )


def test_a_pool_has_what_is_leaned_on() -> None:
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        assert {"_quick_put", "_quick_get", "_cache", "_pool", "_worker_handler"} <= set(vars(pool))
        result, iterator = pool.map_async(workers.double, [1]), pool.imap(workers.double, [1])
        assert {"_job", "_event", "_number_left", "_success"} <= set(vars(result))
        assert {"_cond", "_items", "_index", "_length", "_job"} <= set(vars(iterator))
        result.get()
        next(iterator)


FORK_ONLY = pytest.mark.skipif("fork" not in AVAILABLE, reason="the change must reach the workers")


def without(module, missing: str) -> types.SimpleNamespace:
    """A module as a later Python might have it: one of its functions is gone."""
    return types.SimpleNamespace(**{n: v for n, v in vars(module).items() if n != missing})


@FORK_ONLY
@pytest.mark.parametrize(
    ("missing", "seen"),
    [
        ("worker", [4, 5]),
        ("mapstar", [0, 3, 4, 5]),
        ("starmapstar", [0, 1, 2, 4, 5]),
        ("_process_worker", [0, 1, 2, 3]),
        ("_process_chunk", [0, 1, 2, 3, 4]),
    ],
)
def test_without_a_name_tasks_are_absent_and_none_is_invented(monkeypatch, missing, seen) -> None:
    monkeypatch.setattr(child_workers, "_loaded", lambda name: without(sys.modules[name], missing))
    mp = get_context("fork")
    with mp.Pool(1) as pool:
        results = [pool.apply(workers.double, (0,)), *pool.map(workers.double, [1, 2], 2)]
        results += pool.starmap(workers.double, [(3,)])
    with ProcessPoolExecutor(1, mp_context=mp) as executor:
        results.append(executor.submit(workers.double, 4).result())
        results += executor.map(workers.double, [5], chunksize=2)
    assert results == [0, 2, 4, 6, 8, 10]
    timeline = mp.timeline()
    assert calls(timeline) == expected(*seen)
    assert [process.role for process in timeline.processes] == ["worker", "worker"]
