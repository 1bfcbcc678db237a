"""Observed contexts: what is refused, what is ended, and what is tidied away."""

import contextlib
import gc
import importlib
import os
import pickle
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil
import pytest

from helpers.observed import Stopped, get_context
from helpers.parent import checks, folders, pools, processes
from helpers.parent.checks import MOST_WORKERS, check_reaches_child, check_workers
from tests.support import workers
from tests.support.methods import AVAILABLE, METHODS
from tests.support.within import until, within

OUR_CHILDREN = METHODS[:2]
"""Those methods by which a process becomes a child of ours, not of the fork server."""

# Which context


def test_without_a_name_the_method_is_spawn(monkeypatch) -> None:
    monkeypatch.delenv("START_METHOD", raising=False)
    assert get_context().get_start_method() == "spawn"
    monkeypatch.setenv("START_METHOD", "")
    assert get_context().get_start_method() == "spawn"


@pytest.mark.parametrize("method", AVAILABLE)
def test_the_environment_names_the_default(monkeypatch, method: str) -> None:
    monkeypatch.setenv("START_METHOD", method)
    assert get_context().get_start_method() == method
    assert get_context("spawn").get_start_method() == "spawn"


@pytest.mark.parametrize("wrong", ["teleport", "", "Spawn", 5, True])
def test_an_unknown_method_is_refused_with_the_list_of_those_there_are(wrong) -> None:
    with pytest.raises(ValueError, match="choose one of ") as caught:
        get_context(wrong)
    assert repr(wrong) in str(caught.value)
    assert all(method in str(caught.value) for method in AVAILABLE)


def test_an_unknown_method_in_the_environment_is_said_to_be_there(monkeypatch) -> None:
    monkeypatch.setenv("START_METHOD", "teleport")
    with pytest.raises(ValueError, match="environment variable START_METHOD"):
        get_context()


@pytest.mark.parametrize("method", AVAILABLE)
def test_the_child_says_itself_how_it_was_started(method: str) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    assert mp.timeline().processes[0].method == method


# Bad input


@pytest.mark.parametrize("wrong", [0, -1, 10**6, MOST_WORKERS + 1])
def test_a_senseless_number_of_workers_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=f"from 1 to {MOST_WORKERS}, not {wrong}"):
        check_workers(wrong)
    with pytest.raises(ValueError, match="number of workers"):
        get_context("spawn").Pool(wrong)


@pytest.mark.parametrize("wrong", [1.5, "4", True, False, [2], 1.0])
def test_what_is_no_whole_number_of_workers_is_refused(wrong) -> None:
    with pytest.raises(TypeError, match="must be a whole number"):
        check_workers(wrong)
    with pytest.raises(TypeError, match="must be a whole number"):
        get_context("spawn").Pool(wrong)


def test_sensible_numbers_of_workers_pass() -> None:
    for right in (1, 16, MOST_WORKERS):
        check_workers(right)


def local():
    def inner():
        pass

    return inner


LAMBDA = lambda: None  # noqa: E731


@pytest.mark.parametrize("function", [LAMBDA, local()], ids=["lambda", "local"])
def test_a_function_without_a_name_to_find_it_by_is_refused_with_a_remedy(function) -> None:
    with pytest.raises(pickle.PicklingError, match=r"move it to helpers/mine\.py"):
        check_reaches_child(function, "spawn")
    mp = get_context("spawn")
    with pytest.raises(pickle.PicklingError):
        mp.Process(target=function).start()
    with pytest.raises(pickle.PicklingError):
        mp.Pool(1, initializer=function)
    assert mp.timeline().processes == [], "something was started"
    with mp.Pool(1) as pool:
        for use in (pool.map, pool.imap, pool.imap_unordered, pool.map_async, pool.starmap):
            with pytest.raises(pickle.PicklingError):
                use(function, [1])
        for use in (pool.apply, pool.apply_async):
            with pytest.raises(pickle.PicklingError):
                use(function)


@pytest.mark.skipif("fork" not in AVAILABLE, reason="there is no fork here")
def test_under_fork_a_process_takes_any_function() -> None:
    mp = get_context("fork")
    process = mp.Process(target=lambda: print("here"))
    process.start()
    process.join()
    assert (process.exitcode, mp.output()) == (0, "here")


@pytest.mark.parametrize(
    "function", [workers.double, len, str.upper, workers.CallableWithOddName(), [].append, int]
)
def test_functions_that_can_be_found_pass(function) -> None:
    check_reaches_child(function, "spawn")


NOTEBOOK = """
from helpers.observed import get_context
def f(x): return x
mp = get_context("spawn")
for use in (lambda: mp.Process(target=f).start(), lambda: mp.Pool(1).map(f, [1])):
    try:
        use()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_function_from_a_cell_is_refused_instead_of_hanging() -> None:
    program = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60, check=False
    )
    sentence = "PicklingError f is defined in this notebook"
    assert [line[: len(sentence)] for line in program.stdout.splitlines()] == [sentence] * 2
    assert program.stderr == ""


# Stop


@pytest.mark.parametrize("method", METHODS)
def test_stop_ends_everything_and_fails_what_is_pending(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun, ends = tmp_path / "begun", []

    def run() -> None:
        with mp.Pool(2) as pool:
            results = [pool.apply_async(workers.touch_and_sleep, (str(begun),)) for _ in range(5)]
            for use in (results[-1].get, lambda: pool.map(workers.double, [1]), mp.Queue().get):
                try:
                    use()
                except BaseException as error:
                    ends.append(error)

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    workers.wait_for(begun)
    within(30, mp.stop)
    within(30, runner.join)
    assert [type(error) for error in ends] == [Stopped] * 3
    timeline = mp.timeline()
    assert not any(psutil.pid_exists(process.pid) for process in timeline.processes)
    assert {task.outcome for task in timeline.tasks} == {"lost"}
    assert mp.timeline() is timeline, "what happened before the stop stays as it was"
    within(30, mp.stop)


@pytest.mark.skipif(sys.platform == "win32", reason="signals reach no certain thread there")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("tidy_up", ["pool", "context"])
def test_an_interrupt_breaks_off_the_wait_for_an_end_and_not_the_end(monkeypatch, tidy_up) -> None:
    """Interrupted on its way, the standard pool would go on replacing its workers for ever."""
    mp = get_context("spawn")
    pool = mp.Pool(2)
    begun, interrupted, go_on = threading.Event(), threading.Event(), threading.Event()
    terminate = pool._terminate

    def interrupt() -> None:
        assert begun.wait(30)
        while not interrupted.is_set():  # what comes just before a wait is noticed at its end only
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            interrupted.wait(0.05)

    def once(number: int, frame: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def slowly() -> None:
        begun.set()
        assert go_on.wait(30)
        terminate()

    monkeypatch.setattr(pool, "_terminate", slowly)
    signal.signal(signal.SIGINT, once)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        pool.terminate() if tidy_up == "pool" else mp.stop()
    go_on.set()
    pids = [process.pid for process in mp.timeline().processes]
    until(lambda: not any(map(psutil.pid_exists, pids)))
    until(lambda: not pool._worker_handler.is_alive())
    assert len(mp.timeline().processes) == 2, "nobody was replaced"


def test_what_goes_wrong_at_a_pools_end_is_raised_where_it_was_asked_for(monkeypatch) -> None:
    pool = get_context("spawn").Pool(1)
    with monkeypatch.context() as broken:
        broken.setattr(pool, "_terminate", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pool.terminate()
    pool.terminate()


AT_THE_END = """
from helpers.observed import get_context
from tests.support.workers import double

def doubled(mp):
    with mp.Pool(1) as pool:
        yield from pool.imap(double, range(3))

if __name__ == "__main__":
    left_open = doubled(get_context("spawn"))
    print(next(left_open))
"""


def test_a_pool_that_python_ends_as_it_ends_itself_does_not_hang(tmp_path) -> None:
    program = tmp_path / "program.py"
    program.write_text(AT_THE_END)
    command = [sys.executable, program]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=True)
    assert ended.stdout.strip() == b"0"


def test_stop_frees_the_lock_of_a_result_whose_waiting_thread_was_interrupted(monkeypatch) -> None:
    monkeypatch.setattr(pools, "LONGEST_HOLD", 0.1)
    mp = get_context("spawn")
    pool = mp.Pool(1)
    result, items = pool.apply_async(time.sleep, (60,)), pool.imap(time.sleep, [60])
    until(lambda: items._length is not None)  # the pool's own thread has let go of it
    result._event._cond.acquire()
    items._cond.acquire()
    within(30, mp.stop)
    with pytest.raises(Stopped):
        within(30, result.get)
    with pytest.raises(Stopped):
        within(30, items.next)


def test_after_stop_nothing_starts() -> None:
    mp = get_context("spawn")
    mp.stop()
    for use in (lambda: mp.Pool(1), mp.Process(target=workers.double, args=(1,)).start):
        with pytest.raises(Stopped, match="get_context"):
            use()


def test_stop_frees_who_waits_for_a_queue() -> None:
    mp = get_context("spawn")
    full, empty = mp.Queue(1), mp.Queue()
    full.put(1)
    ends = []

    def wait(use, *args) -> None:
        try:
            use(*args)
        except BaseException as error:
            ends.append(type(error))

    waiting = [
        threading.Thread(target=wait, args=args, daemon=True)
        for args in ((full.put, 2), (empty.get,))
    ]
    for thread in waiting:
        thread.start()
    mp.stop()
    for thread in waiting:
        within(30, thread.join)
    assert ends == [Stopped] * 2


def outer(mp, begun) -> None:
    with mp.Pool(2) as pool:
        pool.apply(workers.touch_and_sleep, (begun,))


@pytest.mark.parametrize("method", METHODS)
def test_stop_ends_the_children_of_children(method: str, tmp_path) -> None:
    mp = get_context(method)
    begun = str(tmp_path / "begun")
    mp.Process(target=outer, args=(mp, begun)).start()
    workers.wait_for(begun)
    mp.stop()
    timeline = mp.timeline()
    assert len(timeline.processes) == 3
    assert timeline.alive == 0
    assert {task.outcome for task in timeline.tasks} == {"lost"}


def test_stop_while_workers_are_being_replaced_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(3):
        mp = get_context("spawn")
        pool = mp.Pool(2, maxtasksperchild=1)
        results = [pool.apply_async(workers.double, (n,)) for n in range(20)]
        results[2].get(30)
        within(30, mp.stop)
    until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_ignores_sigterm_is_killed(method: str, tmp_path) -> None:
    mp = get_context(method)
    ready = str(tmp_path / "ready")
    mp.Process(target=workers.ignore_sigterm_and_sleep, args=(ready, 60)).start()
    workers.wait_for(ready)
    within(30, mp.stop)
    assert mp.timeline().processes[0].exitcode not in (None, 0)


@pytest.mark.parametrize("method", METHODS)
def test_processes_beyond_the_most_are_refused_and_an_executors_ended(
    monkeypatch, method: str
) -> None:
    monkeypatch.setattr(checks, "MOST_WORKERS", 2)
    mp = get_context(method)

    def submit() -> None:
        with ProcessPoolExecutor(5, mp_context=mp) as executor:
            for _ in range(5):
                executor.submit(time.sleep, 60)

    with pytest.raises(ValueError, match="2 processes of this experiment are alive"):
        within(30, submit)
    assert mp.timeline().alive == 0
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("tasks", [0, 1, 7, 8, 9])
def test_a_map_in_the_moment_when_all_workers_have_just_died_is_cut_as_usual(
    tasks: int, monkeypatch
) -> None:
    mp = get_context("spawn")
    with mp.Pool(2) as pool:
        usual = pool.map_async(workers.double, range(tasks))
        monkeypatch.setattr(pool, "_pool", [])  # what the standard library counts
        result = pool.map_async(workers.double, range(tasks))
        assert result.get(60) == [2 * n for n in range(tasks)]
        monkeypatch.undo()
    assert result._chunksize == usual._chunksize


# Forgotten things


def test_a_forgotten_pool_ends_its_workers() -> None:
    mp = get_context("spawn")
    pool = mp.Pool(1)
    pool.apply(workers.double, (1,))
    known, pids = weakref.ref(pool), [worker.pid for worker in pool._pool]
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        pool = gc.collect()
    assert known() is None
    until(lambda: not any(map(psutil.pid_exists, pids)))


@pytest.mark.skipif(sys.platform == "win32", reason="counts file descriptors")
def test_pools_and_processes_that_are_over_keep_no_file_open() -> None:
    mp = get_context("spawn")
    gc.disable()
    try:
        for n in range(4):
            process = mp.Process(target=workers.double, args=(n,))
            process.start()
            process.join()
            with mp.Pool(1) as pool:
                pool.map(workers.double, range(2))
            until(lambda: mp._watcher is None)
            del process, pool
            if n == 0:
                gc.collect()
                before = psutil.Process().num_fds()
        gc.collect()
        assert psutil.Process().num_fds() <= before
    finally:
        gc.enable()


# Log folders


def log_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{folders.PREFIX}*"))


def is_collected(folder: Path) -> bool:
    """Has a folder gone with its context? A thread that ends just now may still hold that."""
    gc.collect()
    return not folder.exists()


def test_a_folder_is_private_and_goes_with_its_context() -> None:
    mp = get_context("spawn")
    before = log_folders()
    process = mp.Process(target=workers.double, args=(1,))
    process.start()
    process.join()
    (folder,) = log_folders() - before
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    until(lambda: mp._watcher is None)
    mp = process = None
    until(lambda: is_collected(folder))


MAPPED_AT_THE_END = """
import gc, sys
import psutil
from helpers.child import events
from helpers.parent import folders
from helpers.observed import get_context

def look(folder, ignore_errors):
    maps = psutil.Process().memory_maps(grouped=False)
    print("mapped:", sum(folder in one.path for one in maps))
    remove(folder, ignore_errors)

remove, folders.shutil.rmtree = folders.shutil.rmtree, look
mp = get_context("spawn")
print("mapped:", mp._recorder.record(events.READY)[0] is not None)
mp.timeline()
if sys.argv[1] == "collected":
    mp = None
    gc.collect()
    print("collected")
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="there, nobody tells what is mapped")
@pytest.mark.parametrize("how", ["collected", "at exit"])
def test_no_log_is_mapped_when_its_folder_is_removed(how) -> None:
    """Windows would not remove it."""
    command = [sys.executable, "-c", MAPPED_AT_THE_END, how]
    ran = subprocess.run(command, capture_output=True, text=True)
    said = ["mapped: True", "mapped: 0", *(["collected"] if how == "collected" else [])]
    assert ran.stdout.splitlines() == said, ran.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", METHODS)
def test_a_join_ends_when_somebody_else_has_waited_for_the_child(method) -> None:
    mp = get_context(method)
    processes = [mp.Process(target=workers.exit_politely, args=(3,)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        with contextlib.suppress(ChildProcessError):  # the context itself was quicker
            os.waitpid(process.pid, 0)
    for process in processes:
        within(20, process.join)
        assert process.exitcode in (3, None)
    until(lambda: mp._watcher is None)  # nobody looks for ever


@pytest.mark.parametrize("method", METHODS)
def test_a_process_whose_start_was_interrupted_can_be_joined(method, monkeypatch) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.double, args=(1,))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mp, "_note_start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        process.start()
    monkeypatch.undo()
    within(20, process.join)
    assert process.exitcode == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", OUR_CHILDREN)
def test_two_who_ask_at_once_both_learn_the_exit_code(method, monkeypatch) -> None:
    process = get_context(method).Process(target=workers.exit_politely, args=(3,))
    told, really_wait = [], os.waitpid
    other = threading.Thread(target=lambda: told.append(process._popen.poll()))

    def wait(pid, options):
        ended, status = really_wait(pid, options)
        if ended == process.pid and other.ident is None:  # we have the code, and nobody knows yet
            other.start()
            other.join(0.2)
        return ended, status

    monkeypatch.setattr(os, "waitpid", wait)
    with process._context._lock:  # the watching thread does not come to ask
        process.start()
        until(
            lambda: (
                processes._reaped_by_others(process._popen) or process._popen.returncode is not None
            )
        )
    other.join()
    assert told == [3]
    within(20, process.join)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps exit codes for all who ask")
@pytest.mark.parametrize("method", OUR_CHILDREN)
def test_a_worker_whose_exit_code_somebody_else_took_is_told(method, tmp_path) -> None:
    begun = tmp_path / "begun"
    with get_context(method).Pool(1) as pool:
        result = pool.map_async(workers.touch_and_sleep, [str(begun)])
        until(begun.exists)
        (worker,) = pool._pool
        with worker._popen.exit_code_lock:  # nobody else can take it
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
        with pytest.raises(
            pools.WorkerDied, match=r"worker 1 \(pid \d+\) ended, unknown how, while doing"
        ):
            result.get(20)


def test_a_child_that_nobody_joined_keeps_no_folder() -> None:
    mp = get_context("spawn")
    before = log_folders()
    mp.Process(target=workers.double, args=(1,)).start()
    (folder,) = log_folders() - before
    until(lambda: mp._watcher is None)  # it has ended, and was seen off
    mp = None
    until(lambda: is_collected(folder))


def test_a_context_that_starts_nothing_makes_no_folder() -> None:
    before = log_folders()
    mp = get_context("spawn")
    mp.Lock(), mp.Value("i", 1), mp.Process(target=workers.double)
    assert log_folders() == before


DIE_WITH_FOLDER = """
import os, signal, sys
from helpers.observed import get_context
from helpers.tasks import run_proc
if __name__ == "__main__":
    mp = get_context("spawn")
    print(mp._recorder.folder, flush=True)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_the_folder_of_a_dead_owner_is_swept_and_that_of_a_living_one_is_not() -> None:
    mp = get_context("spawn")
    own = Path(mp._recorder.folder)
    dead = Path(
        subprocess.run(
            [sys.executable, "-c", DIE_WITH_FOLDER], capture_output=True, text=True, timeout=60
        ).stdout.strip()
    )
    assert dead.is_dir()
    folders.sweep()
    assert not dead.exists()
    assert own.exists()


def test_the_next_experiment_sweeps_the_folder_of_a_dead_owner() -> None:
    ran = subprocess.run([sys.executable, "-c", DIE_WITH_FOLDER], capture_output=True, text=True)
    dead = Path(ran.stdout.strip())
    assert dead.is_dir()
    process = get_context("spawn").Process(target=workers.double, args=(1,))
    process.start()
    until(lambda: not dead.exists())
    process.join()


def test_no_start_of_a_pools_worker_waits_for_a_thread_of_ours_or_for_a_sweep(monkeypatch) -> None:
    """Both took a tenth or more of the time until the first result (`bench spawn_startup`)."""
    steps = []

    def noting(step, function):
        def noted(*args):
            steps.append(step)
            return function(*args)

        return noted

    mp = get_context("spawn")
    monkeypatch.setattr(mp, "_note_start", noting("process", mp._note_start))
    monkeypatch.setattr(mp, "_watch", noting("watch", mp._watch))
    monkeypatch.setattr(folders, "sweep", noting("sweep", folders.sweep))
    with mp.Pool(3):
        until(lambda: "sweep" in steps)
    assert steps == ["process"] * 3 + ["watch", "sweep"]


def test_a_folder_whose_pid_now_belongs_to_another_process_is_swept() -> None:
    mp = get_context("spawn")
    folder = Path(mp._recorder.folder)
    begin, end = folders.NAME.fullmatch(folder.name).span("start")
    earlier = folder.rename(folder.with_name(f"{folder.name[:begin]}12345{folder.name[end:]}"))
    folders.sweep()
    assert not earlier.exists()


def test_an_end_is_noticed_while_a_sweep_goes_on(monkeypatch) -> None:
    """There may be much to remove. Meanwhile a pool would replace workers that fail, and fail."""
    swept = threading.Event()
    monkeypatch.setattr(folders, "sweep", swept.wait)
    mp = get_context()
    with mp.Pool(1) as pool:
        result = pool.apply_async(time.sleep, (60,))
        os.kill(pool._pool[0].pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        with pytest.raises(pools.WorkerDied):
            result.get(timeout=30)
    swept.set()


def test_setting_the_clock_sweeps_no_living_folder(monkeypatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux counts a process's start from the system's")
    mp = get_context("spawn")
    folder = Path(mp._recorder.folder)
    start = psutil.boot_time()
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: start + 3600)
    folders.sweep()
    assert folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_does_not_remove_its_parents_folder() -> None:
    program = (
        "import os\n"
        "from helpers.observed import get_context\n"
        "mp = get_context('fork')\n"
        "folder = mp._recorder.folder\n"
        "if os.fork() == 0:\n"
        "    raise SystemExit\n"
        "os.wait()\n"
        "print(os.path.isdir(folder))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "True\n", ran.stderr


@pytest.mark.skipif(os.name != "posix", reason="plants symbolic links")
def test_planted_links_are_neither_followed_nor_removed(tmp_path) -> None:
    (tmp_path / "precious").write_text("keep")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owner = f"{folders.PREFIX}{dead.pid}-{folders.seat()}-0"
    link = Path(tempfile.gettempdir()) / f"{owner}-link"
    folder = Path(tempfile.gettempdir()) / f"{owner}-folder"
    link.symlink_to(tmp_path)
    folder.mkdir()
    (folder / "inside").symlink_to(tmp_path)
    try:
        folders.sweep()
        assert not folder.exists()
        assert (tmp_path / "precious").exists()
    finally:
        link.unlink()


def test_without_a_place_for_logs_the_experiment_runs_all_the_same(monkeypatch) -> None:
    def no_space(**_):
        raise OSError("no space")

    monkeypatch.setattr(tempfile, "mkdtemp", no_space)
    mp = get_context("spawn")
    with pytest.warns(UserWarning, match="nothing will be recorded"):
        folder = mp._recorder.folder
    monkeypatch.undo()
    assert not os.path.exists(folder)
    with mp.Pool(1, maxtasksperchild=1) as pool:
        assert pool.map(workers.double, range(3), chunksize=1) == [0, 2, 4]
    queue = mp.Queue()
    queue.put(5)
    assert queue.get() == 5
    assert len(mp.timeline().tasks) == 0


def test_a_folder_deleted_in_mid_run_harms_no_task() -> None:
    mp = get_context("spawn")
    with mp.Pool(1, maxtasksperchild=1) as pool:
        pool.apply(workers.double, (1,))
        folders._remove(mp._recorder.folder, os.getpid())
        assert pool.map(workers.double, range(3), chunksize=1) == [0, 2, 4]
    with pytest.warns(UserWarning, match="the timeline is incomplete"):
        mp.timeline()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mp.timeline()  # which has been said once


# What was edited


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module helpers.mine of our own, freshly imported."""
    import helpers

    file = tmp_path / "mine.py"
    file.write_text("def f():\n    return 1\n")
    monkeypatch.setattr(helpers, "__path__", [*helpers.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "helpers.mine", raising=False)
    if importlib.util.find_spec("helpers.mine").origin != str(file):
        monkeypatch.setattr(helpers, "__path__", [str(tmp_path), *helpers.__path__])
    importlib.invalidate_caches()
    yield importlib.import_module("helpers.mine"), file
    sys.modules.pop("helpers.mine", None)
    checks._seen.pop("helpers.mine", None)


def edit(file) -> None:
    file.write_text("def f():\n    return 2\n")
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 10**10))


def test_an_edited_module_is_noticed_until_it_is_reloaded(mine, recwarn) -> None:
    module, file = mine
    get_context("spawn")
    assert not [w for w in recwarn if "edited" in str(w.message)]
    edit(file)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"helpers/mine\.py was edited"):
            get_context("spawn")
    importlib.reload(module)
    recwarn.clear()
    get_context("spawn")
    assert not [w for w in recwarn if "edited" in str(w.message)]


@pytest.mark.skipif(sys.platform == "win32", reason="exec begins a new process there")
def test_a_child_that_becomes_another_program_is_stopped_like_any_other():
    mp = get_context()
    child = mp.Process(target=workers.become_another_program, args=(60,))
    child.start()
    while psutil.Process(child.pid).name() != "sleep":
        time.sleep(0.01)
    within(20, mp.stop)
    assert child.exitcode == -signal.SIGTERM


def test_a_task_may_have_an_argument_called_self():
    with get_context().Pool(1) as pool:
        assert pool.apply(workers.takes_self, kwds={"self": 3}) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_workers_can_import_while_others_are_replaced(tmp_path):
    """In a Python of its own, where numpy is not imported yet when the first worker ends."""
    program = tmp_path / "program.py"
    program.write_text(
        "from helpers.observed import get_context\n"
        "from tests.support.workers import import_numpy\n"
        "with get_context('fork').Pool(2, maxtasksperchild=1) as pool:\n"
        "    print(pool.map_async(import_numpy, range(6), chunksize=1).get(60))\n"
    )
    ran = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.stdout.strip() == "[0, 1, 4, 9, 16, 25]", ran.stderr


def test_of_a_run_that_is_over_nothing_but_the_timeline_is_kept():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.apply(abs, (-1,))
        mp.timeline()
        assert mp._reader is not None  # while it goes on, only what is new is read
    mp.timeline()
    assert mp._reader is None
    process = mp.Process(target=abs, args=(-2,))
    process.start()
    process.join()
    assert list(mp.timeline().tasks.calls) == ["abs(-1)", "abs(-2)"]
