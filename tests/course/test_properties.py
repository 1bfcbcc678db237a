"""Whatever goes in, a documented result comes out or a documented error, soon, and nobody is left.

A function's documented errors are those that its docstring names behind the word "Raises". Each
public function of helpers/ has a property here or in the file of its room, or a reason to have
none. `tests/course/test_rooms.py` holds that, so that a new function cannot come without one.

That no process is left is held for every test by `tests/support/leftovers.py`.
"""

import ast
import builtins
import contextlib
import functools
import math
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import helpers
from helpers import (
    before_class,
    external,
    extras,
    forking,
    gantt,
    laws,
    lookups,
    machine,
    nameserver,
    observed,
    panel,
    schedule,
    script,
    tasks,
    timeline,
    tree,
)
from helpers.chart import words as chart_words
from helpers.child import events, labels, process, recorder, transfers, workers
from helpers.child import locks as sharing
from helpers.logs import reader as logs
from helpers.logs import segments
from helpers.parent import checks, folders, tracker
from helpers.programs import nslookup
from helpers.runs import comparison as compare
from helpers.runs import difference, files, table, trace
from tests.support.anything import ANYTHING, NUMBERS, PLAIN, PREDICTIONS, TEXTS, results, timelines
from tests.support.within import within

pytestmark = pytest.mark.filterwarnings("ignore:Glyph")  # no font has every letter there is
ROOT = Path(helpers.__file__).parent.parent
SECONDS = 60
"""A limit, not a measurement: far beyond what a slow machine needs."""

MORE = 4 if os.environ.get("CI") == "true" else 1
"""So many times the examples that are tried by default."""

COVERED: set[str] = set()
"""The functions that a property below is about, as `room.function`."""

ELSEWHERE = {
    "lookups.answers": "tests/test_lookups.py::test_no_text_is_too_strange_to_be_read",
    "lookups.find_nslookup": "tests/test_lookups.py::test_a_closed_server_is_refused",
    "cluster.kill_at_work": "tests/lessons/test_lesson_13.py",
    "cluster.timeline_of": "tests/test_cluster.py",
    "extras.skip_without": "tests/test_extras.py",
    "second_kernel.in_a_throwaway_kernel": "tests/test_second_kernel.py",
    "before_class.check_pool": "tests/test_before_class.py",
    "before_class.check_pools": "tests/test_before_class.py",
    "before_class.run_a_pool": "tests/test_before_class.py",
    "before_class.pre_class_check": "tests/test_before_class.py",
    "checks.say_what_was_edited": "tests/test_observed.py::"
    "test_an_edited_module_is_noticed_until_it_is_reloaded",
    "processes.in_spite_of_interrupts": "tests/test_observed.py::"
    "test_an_interrupt_breaks_off_the_wait_for_an_end_and_not_the_end",
    "processes.end": "tests/faults/test_worker_events.py::test_task_that_ignores_sigterm",
}
"""Functions of which a property would have to start too much, and the tests that hold them."""

EXCUSED = {
    "cluster_aboard": "needs Dask, which need not be there: tests/test_cluster.py",
    "chart_arrows": "draws for `gantt`, whose property comes through here",
    "chart_bars": "draws for `gantt`",
    "chart_canvas": "draws for `gantt`",
    "chart_compare": "draws for `comparison` and `law_chart`",
    "chart_data": "counts for `gantt`",
    "chart_png": "writes the picture of every chart",
    "chart_sharing": "draws for `gantt`",
    "chart_text": "writes the texts of every chart",
    "tasks": "the lessons' worker functions: they do what the text beside them says, "
    "and lesson 11 wants some of them to fail",
    "mine": "its student's",
    "mine_template": "what its student begins with",
    "do_fork": "a script",
    "process.leave_with_parent": "a thread for the rest of a child's life: tests/faults",
    "process.record_interrupts": "sets a child's signal handler: tests/faults",
    "process.rebuild": "only pickle calls it, in a child: tests/faults under spawn",
    "process.run": "a child's whole life: tests/faults",
    "recorder.start_recording": "gives away the streams of its process, which must be a child",
    "recorder.log_stream": "tests/child/test_recorder.py",
    "recorder.map_new_file": "tests/parent/test_folders.py",
    "workers.record_worker_tasks": "a worker's whole life: tests/test_timeline.py",
    "before_class.give_up": "ends its own process; tests/test_before_class.py calls it in another",
    "before_class.main": "prints `pre_class_check` with `as_text`",
    "nslookup.main": "a program: tests/test_lookups.py runs it as one",
}


def public_functions() -> dict[str, str]:
    """Every public function of helpers/, as `room.function`, with its docstring."""
    return {
        f"{path.stem}.{node.name}": ast.get_docstring(node) or ""
        for path in Path(helpers.__file__).parent.rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def unheld() -> list[str]:
    """The public functions that have neither a property nor a reason to have none."""
    known = COVERED | ELSEWHERE.keys() | EXCUSED.keys()
    return sorted(name for name in public_functions() if not {name, name.partition(".")[0]} & known)


def examples(number: int) -> settings:
    """So many examples, the same at every run: a test must not depend on luck."""
    return settings(
        max_examples=number * MORE,
        derandomize=True,
        phases=[
            Phase.explicit,
            Phase.generate,
        ],  # a red comes soon, not after a search for a short one
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def about(*functions: Callable) -> Callable:
    """A test is a property of these functions."""
    for function in functions:
        COVERED.add(f"{function.__module__.partition('.')[2]}.{function.__name__}")
    return lambda test: test


def documented_errors(function: Callable) -> tuple[type[Exception], ...]:
    """The errors that a function's docstring names behind the word "Raises"."""
    _, *said = re.split(r"\b[Rr]aises\b", function.__doc__ or "")
    names = re.findall(r"\b[A-Z]\w*(?:Error|Expired)\b", " ".join(said))
    found = [getattr(subprocess, n, getattr(pickle, n, getattr(builtins, n, None))) for n in names]
    return tuple(filter(None, found))


def result_of(function: Callable, *args: object, **kwargs: object) -> object:
    """What a function returns; None if it raises what it says that it may raise."""
    with contextlib.suppress(documented_errors(function)):
        return within(SECONDS, functools.partial(function, *args, **kwargs))
    return None


def test_what_a_function_may_raise_is_read_from_its_docstring() -> None:
    assert documented_errors(schedule.predict) == (TypeError, ValueError)
    assert subprocess.TimeoutExpired in documented_errors(forking.run_as_in_a_terminal)
    assert documented_errors(tree.nodes_of) == ()


def test_the_lists_name_what_there_is() -> None:
    there = public_functions()
    rooms = {name.partition(".")[0] for name in there} | {"do_fork", "mine"}
    named = COVERED | ELSEWHERE.keys() | EXCUSED.keys()
    assert not {name for name in named if name not in there and name not in rooms}
    assert not COVERED & (ELSEWHERE.keys() | EXCUSED.keys())
    for place in ELSEWHERE.values():
        path, _, test = place.partition("::")
        assert f"def {test}" in (ROOT / path).read_text("utf-8"), place


# What students call: here anything at all may come


@about(schedule.predict)
@given(
    st.lists(NUMBERS, max_size=6) | ANYTHING,
    st.integers(-1, 9) | ANYTHING,
    st.integers(-1, 9) | ANYTHING,
)
@examples(150)
def test_predict(durations, workers, chunksize) -> None:
    predicted = result_of(schedule.predict, durations, workers, chunksize)
    if predicted is not None:
        began, ended = predicted.tasks.started, predicted.tasks.finished
        assert np.isfinite([began, ended]).all()
        assert (began >= 0).all()
        assert (ended >= began).all()
        assert 1 <= predicted.tasks.lane.min() <= predicted.tasks.lane.max() <= workers


@about(observed.get_context, machine.start_methods)
@given(st.sampled_from(machine.start_methods()) | ANYTHING)
@examples(60)
def test_get_context(method) -> None:
    mp = result_of(observed.get_context, method)
    assert mp is None or mp.timeline().processes == []


@about(checks.check_workers)
@given(ANYTHING)
@examples(100)
def test_check_workers(workers) -> None:
    assert result_of(checks.check_workers, workers) is None


@about(checks.check_reaches_child)
@given(ANYTHING | st.sampled_from([lambda: 1, tasks.square, functools.partial(lambda: 1)]))
@examples(60)
def test_check_reaches_child(function) -> None:
    for method in machine.start_methods():
        assert result_of(checks.check_reaches_child, function, method) is None


def run_nothing(mp, workers) -> None:
    """An experiment that starts no process."""


@about(panel.explore)
@given(
    ANYTHING | st.just(run_nothing),
    st.integers(0, 20) | ANYTHING,
    st.none() | st.lists(NUMBERS, max_size=4) | ANYTHING,
    st.dictionaries(st.sampled_from(["workers", "other"]), st.integers(0, 20) | PLAIN),
)
@examples(30)
def test_explore(run, most, durations, numbers) -> None:
    assume(run is not object)  # that one takes a context, as any class may
    shown = result_of(panel.explore, run, most=most, durations=durations, **numbers)
    assert shown is None or len(shown.results) == 1


@about(
    gantt.gantt, gantt.rulers_for, gantt.rulers_of, gantt.picture_html, chart_words.alt_text,
    chart_words.title, chart_words.subtitle, chart_words.shares_tasks, chart_words.on_core,
    chart_words.how_many, chart_words.hover_task, chart_words.hover_process,
    chart_words.beginning, chart_words.zero_of, chart_words.task_lanes,
)  # fmt: skip
@given(timelines(), st.none() | PREDICTIONS, st.none() | st.floats(0, 1e6), st.booleans())
@examples(8)
def test_gantt(one, predicted, guess, dark) -> None:
    chart = result_of(gantt.gantt, one, predicted, guess=guess, dark=dark)
    assert chart.alt
    assert chart.png.startswith(b"\x89PNG")
    assert chart._repr_html_().startswith('<div class="chart">')
    assert chart_words.title(one)
    assert all(chart_words.subtitle(one, predicted))
    assert chart_words.shares_tasks(one) in (True, False)
    assert 0 <= chart_words.how_many(one, timeline.RUNNING) <= len(one.tasks)


@about(gantt.gantt, tree.process_tree, tree.tree_as_text, difference.difference)
@given(ANYTHING, ANYTHING)
@examples(40)
def test_what_is_no_timeline_is_refused(thing, other) -> None:
    for function in (gantt.gantt, tree.process_tree, tree.tree_as_text):
        assert result_of(function, thing) is None, function
    assert result_of(difference.difference, thing, other) is None


@about(tree.process_tree, tree.tree_as_text, tree.nodes_of)
@given(timelines())
@examples(20)
def test_trees(one) -> None:
    nodes = result_of(tree.nodes_of, one)
    assert nodes[0].parent is None
    assert result_of(tree.tree_as_text, one).splitlines()
    assert result_of(tree.process_tree, one).alt


@about(timeline.start_ups)
@given(st.lists(timelines(), max_size=3))
@examples(30)
def test_start_ups(several) -> None:
    together = result_of(timeline.start_ups, *several)
    assert len(together.processes) == sum(len(one.processes) for one in several)


@about(difference.difference, difference.parts_of)
@given(timelines(), st.lists(st.floats(0, 1e3), min_size=1, max_size=4))
@examples(60)
def test_difference(one, durations) -> None:
    predicted = schedule.predict(durations, 2)
    assert result_of(difference.difference, one, predicted) != ""
    with np.errstate(all="ignore"):
        if len(one.tasks) == len(durations):
            assert len(result_of(difference.parts_of, one, predicted)) == 5


@about(laws.amdahl, laws.gustafson)
@given(NUMBERS, NUMBERS)
@examples(150)
def test_laws(serial, workers) -> None:
    for law in (laws.amdahl, laws.gustafson):
        speed_up = result_of(law, serial, workers)
        assert speed_up is None or speed_up > 0


@about(laws.law_chart)
@given(
    st.dictionaries(st.integers(1, 64), st.floats(0, 100), max_size=4),
    st.dictionaries(st.integers(1, 64), st.floats(0, 100), max_size=4),
    NUMBERS,
    st.integers(1, 300),
)
@examples(10)
def test_law_chart(fixed, grown, serial, cores) -> None:
    chart = result_of(laws.law_chart, fixed, grown, serial, cores)
    assert chart is None or chart.alt


@about(compare.comparison, compare.charts_together, compare.speed_up_of_each)
@given(results(), st.integers(-1, 300) | ANYTHING)
@examples(6)
def test_comparisons(runs, cores) -> None:
    chart = result_of(compare.comparison, runs, cores)
    assert chart is None or chart.alt
    assert len(result_of(compare.speed_up_of_each, runs)) == len(runs)
    assert result_of(compare.charts_together, runs) is not None


@about(table.table, table.table_html, table.number_names)
@given(results())
@examples(40)
def test_tables(runs) -> None:
    assert len(result_of(table.table, runs).split("\n")) >= 1
    assert result_of(table.table_html, runs).count("<tr>") == len(runs) + 1


@about(files.save_runs, files.to_csv, files.to_png, trace.to_trace)
@given(results(), st.booleans(), PREDICTIONS)
@examples(5)
def test_files_of_runs(runs, there, predicted) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        mine = Path("runs_1.csv")
        if there:
            mine.write_text("mine")
        saved = result_of(files.save_runs, runs, 2, predicted=predicted) or []
        assert all(path.exists() for path in saved)
        assert len(saved) == (4 if runs else 0)
        assert not there or mine.read_text() == "mine"


@about(external.brief, external.name_of)
@given(
    st.none() | st.text() | st.binary(),
    st.text() | st.binary() | st.lists(st.text(), min_size=1),
)
@examples(100)
def test_external(data, args) -> None:
    assert isinstance(result_of(external.brief, data), str)
    assert isinstance(result_of(external.name_of, args), str)


@about(external.get_subprocess)
def test_every_experiment_has_a_subprocess_of_its_own() -> None:
    one, other = (result_of(external.get_subprocess) for _ in range(2))
    assert len({one.Popen, other.Popen, subprocess.Popen}) == 3


@about(forking.in_a_fork)
@given(
    st.sampled_from([print, len, sys.exit, os.getpid, os._exit]) | ANYTHING,
    st.lists(PLAIN, max_size=2),
    st.just(10.0) | NUMBERS.filter(lambda seconds: not 0 < seconds < 5),
)
@examples(40)
def test_in_a_fork(function, args, seconds) -> None:
    forked = result_of(forking.in_a_fork, function, *args, seconds=seconds)
    assert forked is None or isinstance(forked.exitcode, int)


PROGRAMS = ["print(1)", "", "1/0", "(", "\0", "import os; os._exit(7)", "print('\\udc80')"]


@about(forking.run_as_in_a_terminal, script.run_script)
@given(st.sampled_from(PROGRAMS) | st.text(max_size=20))
@examples(6)
def test_scripts(source) -> None:
    done = result_of(script.run_script, source)
    assert isinstance(done.exitcode, int)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "program.py")
        file.write_text(source, "utf-8", "replace")
        printed = result_of(forking.run_as_in_a_terminal, file)
        assert printed is None or isinstance(printed, str)


@about(script.kill_family)
@given(st.integers(2**22 + 1, 2**31 - 1) | st.integers(2**31, 2**70))
@examples(30)
def test_killing_a_family_that_is_not_there(pid) -> None:
    """Beyond Linux's largest pid, so that it is nobody's."""
    assert result_of(script.kill_family, pid) is None


@about(segments.read_logs, logs.read_timeline, segments.read_log_of)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["7-1.0.log", "7-1.1.log", "8-2.0.log", "9" * 30 + "-1.0.log", "x"]),
            st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: HEADER + data),
        ),
        max_size=4,
    ),
    st.sampled_from([7, 8, -1, 0, 10**30]),
)
@examples(60)
def test_logs_of_any_bytes(files, pid) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            Path(folder, name).write_bytes(data)
        assert all(log.pid >= 0 for log in result_of(segments.read_logs, folder))
        log = result_of(segments.read_log_of, folder, pid)
        assert log is None or log.pid == pid
        assert logs.Reader(folder).unwritten >= 0
        assert result_of(logs.read_timeline, folder).table()


HEADER = bytearray(events.HEADER_BYTES)
events.Header(events.MAGIC, 7, 0, 2**64 - 1, 3).write(HEADER)


@about(segments.read_logs, logs.read_timeline, segments.read_log_of, segments.log_files)
@given(TEXTS)
@examples(30)
def test_folders_that_are_none(name) -> None:
    with tempfile.TemporaryDirectory() as folder:
        missing = os.path.join(folder, "none", name)
        assert result_of(segments.log_files, missing) == {}
        assert result_of(segments.read_logs, missing) == []
        assert result_of(segments.read_log_of, missing, 7) is None
        assert logs.Reader(missing).unwritten == 0
        assert result_of(logs.read_timeline, missing).processes == []


@about(
    recorder.recorder_for, recorder.current_recorder, events.head_of_starts,
    events.write_more_text, sharing.recorder_of,
)  # fmt: skip
@given(
    TEXTS,
    st.integers(0, 255),
    st.binary(max_size=3 * events.MORE),
    st.text(max_size=40),
    st.binary(max_size=3 * events.MORE),
    st.integers(0, 0xFFFF),
    st.integers(0, events.NO_JOB),
)
@examples(20)
def test_recorders(name, kind, text, function, printed, number, job) -> None:
    """In a folder that is none, everything is counted as lost; in another, everything is kept."""
    assert recorder.current_recorder() is None
    with tempfile.TemporaryDirectory() as folder:
        for place, lost in ((os.path.join(folder, "none", name), True), (folder, False)):
            found = result_of(sharing.recorder_of, place)
            assert found is recorder.recorder_for(place)
            found.record(events.Kind(kind or 1), text=text)
            found.number_of(function)
            head = result_of(events.head_of_starts, number, job)
            found.record_numbered_start(head, item=0, number=1, at=2)
            found.record_text(events.STDOUT, printed)
            assert bool(found.lost_events) is lost


def plant(path: Path, kind: str) -> None:
    """Put a folder, a file or a link into nowhere at a place."""
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(b"x")
    else:
        path.symlink_to(path.with_name("nowhere"))


SEAT = folders.seat()
FOLDER_NAMES = st.builds(
    "{}{}-{}-{}-{}".format,
    st.just(folders.PREFIX),
    st.sampled_from(["1", "0", "4194305", "9" * 30, "٣", "9" * 200]),  # an Arabic three, too
    st.sampled_from([SEAT, "0" * 12]),
    st.sampled_from(["0", "9" * 30]),
    st.sampled_from(["x", "_", "é"]),
)


@about(folders.make_folder, folders.sweep, folders.seat)
@given(st.lists(FOLDER_NAMES, max_size=3), st.sampled_from(["folder", "file", "link"]))
@examples(30)
def test_a_temporary_folder_with_anything_in_it(names, kind) -> None:
    class Owner:
        """Somebody whose end is the folder's."""

    assert result_of(folders.seat) == SEAT
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        for name in set(names):
            with contextlib.suppress(OSError):  # a name may be too long
                plant(Path(folder, name), kind)
        owner = Owner()
        made = Path(result_of(folders.make_folder, owner))
        assert made.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
        result_of(folders.sweep)
        del owner
        assert not made.exists()


# The inner rooms: here comes what the rooms around them hand over


@about(
    workers.role_of, labels.name_of, labels.text_of, labels.text_of_arguments, labels.label_of,
    labels.text_of_error, process.start_method_of, transfers.record_transfers,
)  # fmt: skip
@given(ANYTHING, st.lists(ANYTHING, max_size=3), st.dictionaries(st.text(max_size=5), ANYTHING))
@examples(150)
def test_labels(value, args, kwargs) -> None:
    assert result_of(workers.role_of, value) in events.ROLES
    assert result_of(labels.name_of, value)
    assert result_of(labels.text_of, value) is not None
    assert len(result_of(labels.label_of, value)) <= labels.LONGEST_LABEL
    assert len(result_of(labels.text_of_arguments, tuple(args), kwargs)) <= labels.LONGEST_LABEL
    assert result_of(process.start_method_of, os.getppid()) in events.METHODS
    assert result_of(labels.text_of_error, ValueError(value))
    assert result_of(transfers.record_transfers, value, object(), None) is None


CELLS = st.lists(
    st.sampled_from(
        [
            "import a.b as c", "from . import x", "from .. import *", "from a import b as c",
            "def f(): return g", "class A: b = 1", "x = y", "for i in j: pass", "(w := 1)",
            "try: 1\nexcept E as e: pass", "match m:\n case {**n}: o", "lambda z: z", "del d",
        ]
    )
).map("\n".join)  # fmt: skip


@about(extras.needed, extras.used, extras.made)
@given(CELLS)
@examples(40)
def test_cells_of_any_kind(source) -> None:
    for look in (extras.needed, extras.used, extras.made):
        assert all(isinstance(name, str) for name in result_of(look, ast.parse(source)))


@about(
    chart_words.seconds, chart_words.count, chart_words.plural, chart_words.percent,
    chart_words.one_line, chart_words.short_labels, before_class.gigabytes,
)  # fmt: skip
@given(
    st.floats() | st.floats(0, 2),
    st.integers(0, 2**70),
    st.text(max_size=12),
    st.lists(st.text(max_size=12) | st.sampled_from(["f(1)", "f(2)", "f(", "()"]), max_size=5),
)
@examples(150)
def test_words(number, whole, text, calls) -> None:
    assert result_of(chart_words.seconds, number).endswith(" s")
    assert result_of(chart_words.percent, number).endswith(" %")
    assert result_of(before_class.gigabytes, number).endswith(" GB")
    assert result_of(chart_words.count, whole, text).startswith(f"{whole:,} ")
    assert result_of(chart_words.plural, text).startswith(text)
    assert "\n" not in result_of(chart_words.one_line, text)
    assert len(result_of(chart_words.short_labels, calls)[0]) == len(calls)


@about(tracker.start_apart, tracker.see_off_fork_server)
def test_the_tracker_starts_once() -> None:
    for _ in range(3):
        assert result_of(tracker.start_apart) is None
        assert result_of(tracker.see_off_fork_server) is None


@about(sharing.value_of)
@given(st.sampled_from(["i", "d", "c", "?"]), ANYTHING)
@examples(60)
def test_shared_values(typecode, value) -> None:
    """As the standard library's: what it refuses is refused in its words."""
    try:
        expected = observed.multiprocessing.Value(typecode, value, lock=False).value
    except Exception as error:
        with pytest.raises(type(error)):
            CONTEXT.Value(typecode, value)
    else:
        got = sharing.value_of(typecode, value, lock=True, ctx=CONTEXT).value
        assert got == expected or expected != expected


CONTEXT = observed.get_context("spawn")

SYSTEM_TEXTS = st.text(max_size=60) | st.sampled_from(
    [
        "150000 100000", "max 100000", "0 0", "-1 5", "5 -1", "9" * 400 + " 1", "1 2 3",
        "0::/a\n", "1:cpu,x:/a/..\n:::\n", "29 1 0:26 / {} rw - cgroup2 cgroup rw\n",
        "29 1 0:26 /a {} rw - cgroup cgroup cpu\n - cgroup2 x\n", "MemAvailable:  12 kB",
        "MemAvailable: " + "9" * 400 + " kB", "٣ ٣",
    ]
)  # fmt: skip


@about(
    machine.usable_cores, machine.cpu_quota, machine.control_groups, machine.free_memory,
    machine.own_and_outer_groups, machine.read, machine.hub_limit, machine.default_start_method,
    before_class.check_start_methods, before_class.check_cores,
)  # fmt: skip
@given(st.lists(SYSTEM_TEXTS, min_size=4, max_size=4), TEXTS)
@examples(80)
def test_system_files_of_any_kind(texts, limit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        proc = Path(folder)
        (proc / "self").mkdir()
        places = ("self/cgroup", "self/mountinfo", "meminfo", "cpu.max")
        for place, text in zip(places, texts, strict=True):
            (proc / place).write_text(text.replace("{}", folder), "utf-8", "replace")
        assert result_of(machine.usable_cores, proc, {"CPU_LIMIT": limit}).count >= 1
        quota = result_of(machine.cpu_quota, proc)
        assert quota is None or quota > 0
        hub = result_of(machine.hub_limit, {"CPU_LIMIT": limit})
        assert hub is None or 0 < hub < math.inf
        for controller in ("cpu", "memory"):
            assert all(map(Path, result_of(machine.control_groups, controller, proc)))
        memory = result_of(machine.free_memory, proc)
        assert memory is None or memory >= 0
        assert isinstance(result_of(machine.read, proc / "meminfo"), str)
    assert result_of(machine.default_start_method, {"START_METHOD": limit})
    assert result_of(before_class.check_start_methods, {"START_METHOD": limit}).state
    assert result_of(before_class.check_cores).state
    group = PurePosixPath("/", limit.replace("\0", ""))
    assert result_of(machine.own_and_outer_groups, group, PurePosixPath("/"), Path("/x"))


@about(
    before_class.check_python, before_class.is_compatible, before_class.check_packages,
    before_class.check_memory, before_class.as_text, before_class.what_the_pool_said,
    before_class.check_disk, before_class.check_nslookup, before_class.nslookup_version,
    before_class.run_in_a_process,
)  # fmt: skip
@given(
    st.lists(st.integers(0, 99), max_size=4).map(tuple),
    st.text(max_size=12),
    st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}\Z"),
    st.none() | st.integers(0, 2**70),
    st.text(max_size=30) | st.just("no.such~=1..2\npytest ~= .\nnumpy~=1.\n"),
)
@examples(40)
def test_checks_of_any_machine(version, text, pin, free, requirements) -> None:
    checks = [
        result_of(before_class.check_python, version),
        *result_of(before_class.check_memory, free),
    ]
    assert result_of(before_class.is_compatible, text, pin) in (True, False)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(requirements, "utf-8", "replace")
        checks.append(result_of(before_class.check_packages, file))
        checks.append(result_of(before_class.check_packages, Path(folder, "none")))
        checks.append(result_of(before_class.check_disk, Path(folder)))
        checks.append(result_of(before_class.check_disk, Path(folder, "none")))
    assert {check.state for check in checks} <= {
        before_class.OK,
        before_class.WORTH_KNOWING,
        before_class.FAILED,
    }
    assert result_of(before_class.as_text, checks).endswith(".")
    assert isinstance(result_of(before_class.what_the_pool_said, len(text), text, pin, 1.0), str)


def test_checks_that_start_a_program() -> None:
    assert result_of(before_class.check_nslookup).state
    assert result_of(before_class.nslookup_version, "no such program") == ""
    assert result_of(before_class.run_in_a_process, "import time; time.sleep(60)", 0.1)[0] is None


@about(nameserver.look_up)
@given(
    st.lists(st.binary(min_size=1, max_size=63), max_size=3) | st.just([b"python", b"org"]),
    st.integers(0, 65535),
)
@examples(100)
def test_names_of_any_kind(labels, qtype) -> None:
    assume(sum(map(len, labels)) + len(labels) < 250)
    code, found, extra = result_of(nameserver.look_up, nameserver.DNSLabel(labels), qtype)
    assert code in (nameserver.RCODE.NOERROR, nameserver.RCODE.NXDOMAIN)
    assert found or not extra


@about(lookups.nslookup_command, lookups.command_line)
@given(st.lists(st.text(max_size=8), max_size=3))
@examples(40)
def test_command_lines(arguments) -> None:
    with nameserver.NameServer() as server:
        command = result_of(lookups.nslookup_command, server, *arguments)
    assert command is None or command[-1] == nameserver.ADDRESS
    assert result_of(lookups.nslookup_command, server) is None, "it is closed"


RDATA = st.sampled_from(list(nameserver.RECORDS))


@about(
    nslookup.answer_line, nslookup.extra_line, nslookup.shortest, nslookup.is_address, nslookup.talk
)
@given(RDATA, st.text(max_size=12), st.lists(st.sampled_from(["set ", "exit"]) | st.text("=a1 ")))
@examples(60)
def test_the_stand_in(record, text, lines) -> None:
    assert result_of(nslookup.answer_line, record)
    if record.rtype in (nslookup.QTYPE.A, nslookup.QTYPE.AAAA):
        assert result_of(nslookup.extra_line, record).endswith(result_of(nslookup.shortest, record))
    assert result_of(nslookup.is_address, text) in (True, False)
    settings_only = [f"set x{line}" for line in lines] + [f"set port={line}" for line in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", iter(settings_only))
        session = nslookup.Session("127.0.0.1")
        assert result_of(nslookup.talk, session) is None
    assert session.exit_code == 1, "nothing was asked"
