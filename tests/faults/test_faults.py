"""What may go wrong in a pool: nothing hangs, nothing is left behind, and a sentence says it."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.pool import MaybeEncodingError
from multiprocessing.process import BaseProcess

import psutil
import pytest

from helpers.logs import segments
from helpers.observed import WorkerDied, get_context
from helpers.parent import folders
from tests.support import workers
from tests.support.methods import METHODS
from tests.support.within import until, within

pytestmark = pytest.mark.parametrize("method", METHODS)
ON_WINDOWS = sys.platform == "win32"
KILLED = (
    f"ended with exit code {signal.SIGTERM.value}"
    if ON_WINDOWS
    else r"was killed by signal 9 \(SIGKILL\)"
)


def died(call, *args) -> str:
    """Return the sentence with which a call fails because a worker died."""
    with pytest.raises(WorkerDied) as caught:
        within(60, call, *args)
    return str(caught.value)


def says(sentence: str, how: str, doing: str) -> None:
    assert re.fullmatch(rf"worker \d+ \(pid \d+\) {how} {doing}", sentence), sentence


USES = {
    "apply": lambda pool: pool.apply(workers.kill_yourself, (0,)),
    "apply_async": lambda pool: pool.apply_async(workers.kill_yourself, (0,)).get(),
    "map": lambda pool: pool.map(workers.kill_yourself, range(1)),
    "map in chunks": lambda pool: pool.map(workers.kill_yourself, range(6), chunksize=3),
    "imap": lambda pool: list(pool.imap(workers.kill_yourself, range(1))),
    "imap_unordered": lambda pool: list(pool.imap_unordered(workers.kill_yourself, range(1))),
    "imap in chunks": lambda pool: list(pool.imap(workers.kill_yourself, range(6), chunksize=3)),
    "starmap": lambda pool: pool.starmap(workers.kill_yourself, [(0,)]),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_worker_killed_in_a_task_fails_the_call(method: str, use) -> None:
    mp = get_context(method)
    with mp.Pool(2) as pool:
        says(died(use, pool), KILLED, r"while doing kill_yourself\([03]\)")


def test_everything_pending_fails_and_so_does_what_comes_later(method: str, tmp_path) -> None:
    mp = get_context(method)
    failed, go = [], tmp_path / "go"
    with mp.Pool(1) as pool:
        doomed = (str(go), 3)
        first = pool.apply_async(workers.exit_when, doomed, error_callback=failed.append)
        rest = [pool.apply_async(workers.sleep, (60,)) for _ in range(3)]
        iterator = pool.imap(workers.double, range(3))
        go.touch()  # after everything is submitted: a broken pool takes nothing more
        sentences = {died(result.get) for result in (first, *rest)} | {died(next, iterator)}
        assert len(sentences) == 1
        says(*sentences, "ended with exit code 3", r"while doing exit_when\(.*, 3\)")
        assert within(60, list, iterator) == [], "after its error an iterator is at its end"
        assert {died(pool.apply, workers.double, (1,))} == sentences
        assert {died(pool.map, workers.double, [1])} == sentences
        assert [str(error) for error in failed] == [*sentences]
        within(60, pool.close)
        within(60, pool.join)


def test_a_task_that_leaves_by_sys_exit_is_told(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(1) as pool:
        sentence = died(pool.apply, workers.exit_politely, (4,))
    says(sentence, "ended with exit code 4", r"while doing exit_politely\(4\)")


def test_an_error_callback_that_raises_stops_nobody(method: str, capfd, tmp_path) -> None:
    def complain(error):
        raise workers.Oops("in the callback")

    mp, go = get_context(method), tmp_path / "go"
    with mp.Pool(1) as pool:
        first = pool.apply_async(workers.exit_when, (str(go), 3), error_callback=complain)
        second = pool.apply_async(workers.sleep, (60,))
        go.touch()
        died(first.get)
        died(second.get)
    with mp.Pool(1) as pool:  # its watch goes on
        died(pool.apply, workers.exit_at_once, (3,))
    assert "in the callback" in capfd.readouterr().err


@pytest.mark.parametrize("attempt", range(3))
def test_an_idle_worker_that_is_killed_hangs_nobody(method: str, attempt: int) -> None:
    mp = get_context(method)
    with mp.Pool(2) as pool:
        pool.map(workers.double, range(4), chunksize=1)
        # Only when both have said that they wait is the one with the queue's lock among them.
        until(lambda: all(p.ready == p.ready for p in mp.timeline().processes))
        for worker in list(pool._pool)[: attempt or None]:
            worker.kill()
        until(lambda: pool._error is not None)
        says(died(pool.map, workers.double, range(4)), ".*", "while idle")
        within(60, pool.terminate)


def test_an_initializer_that_raises_does_not_respawn_for_ever(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(2, workers.fail_initially, ("no start",)) as pool:
        sentence = died(pool.apply_async(workers.double, (1,)).get) if not pool._error else ""
        sentence = sentence or str(pool._error)
        until(lambda: not pool._worker_handler.is_alive(), "and nobody is replaced any more")
    says(sentence, "ended with exit code 1", "while starting; its last words: .*Oops: no start")
    # The plain pool starts hundreds within seconds, for ever. Here a few until it is noticed.
    assert len(mp.timeline().processes) <= 50


def test_an_initializer_that_ends_its_worker_is_told(method: str) -> None:
    mp = get_context(method)
    with pytest.raises(WorkerDied) as caught, mp.Pool(1, workers.exit_initially) as pool:
        within(60, pool.apply, workers.double, (1,))
    says(str(caught.value), "ended with exit code 7", "while starting")


# A worker that leaves politely, though nobody asked it to

NO_FILE = r"FileNotFoundError: \[Errno 2\] No such file or directory: 'no file'"
UNPICKLABLE = {
    "a file that is gone": (workers.Rebuilt(open, "no file"), NO_FILE),
    "an end of file": (workers.Rebuilt(workers.fail, EOFError("nobody types")), "EOFError: .*"),
    "a broken pipe": (workers.Rebuilt(workers.fail, BrokenPipeError(32, "x")), "BrokenPipe.*"),
    "an error in two lines": (workers.Rebuilt(workers.fail, ValueError("a\nb")), "ValueError: a b"),
    "sys.exit": (workers.Rebuilt(sys.exit, 0), "SystemExit: 0"),
}


@pytest.mark.parametrize(("value", "error"), UNPICKLABLE.values(), ids=UNPICKLABLE)
@pytest.mark.parametrize("bytes_more", [0, 10**6], ids=["small", "large"])
def test_a_task_that_cannot_be_unpickled_is_told(method: str, value, error, bytes_more) -> None:
    mp = get_context(method)
    with mp.Pool(2) as pool:
        sentence = died(pool.apply, workers.report, (value, b"x" * bytes_more))
    reason = f"UnpicklingError: a task could not be unpickled: {error}"
    says(sentence, "ended with exit code 1", f"while idle; its last words: .*{reason}")


@pytest.mark.parametrize("use", ["map", "imap", "imap_unordered"])
def test_a_task_among_others_that_cannot_be_unpickled_is_told(method: str, use: str) -> None:
    values = [1, workers.Rebuilt(open, "no file"), 3]
    mp = get_context(method)
    with mp.Pool(2, maxtasksperchild=5) as pool:
        assert "No such file" in died(lambda: list(getattr(pool, use)(workers.report, values)))


LEAVES_POLITELY = {
    "sys.exit(0)": (workers.exit_politely, 0),
    "os._exit(0)": (workers.exit_at_once, 0),
    "os._exit(0) while unpickling": (workers.report, workers.Rebuilt(os._exit, 0)),
    "sys.exit(0) while pickling the result": (workers.make_pickled, sys.exit),
    "os._exit(0) while pickling the result": (workers.make_pickled, os._exit, 0),
}


@pytest.mark.parametrize("log", ["a log", "no log"])
@pytest.mark.parametrize(
    ("function", "args"), [(f, a) for f, *a in LEAVES_POLITELY.values()], ids=LEAVES_POLITELY
)
def test_a_worker_that_leaves_with_exit_code_0_is_told(
    method: str, function, args, log: str, monkeypatch
) -> None:
    mp = get_context(method)
    with mp.Pool(1) as pool:
        if log == "no log":  # as when the disk is full
            monkeypatch.setattr(segments, "read_log_of", lambda *_: None)
        sentence = died(pool.apply, function, args)
    says(sentence, "ended with exit code 0", "while .*")


@pytest.mark.parametrize("leave", [sys.exit, os._exit], ids=["sys.exit", "os._exit"])
def test_an_initializer_that_leaves_with_exit_code_0_is_told(method: str, leave) -> None:
    mp = get_context(method)
    with pytest.raises(WorkerDied) as caught, mp.Pool(1, leave, (0,)) as pool:
        within(60, pool.apply, workers.double, (1,))
    says(str(caught.value), "ended with exit code 0", "while starting")


def test_an_initializer_that_cannot_be_unpickled_is_told(method: str) -> None:
    """There is no log of such a worker. Under fork nothing is pickled."""
    arguments = (workers.Rebuilt(sys.exit, 0),)
    with pytest.raises(WorkerDied) as caught, get_context(method).Pool(1, int, arguments) as pool:
        within(60, pool.apply, workers.double, (1,))
    code = 0 if method == "spawn" else 1  # a fork passes no number; a fork server has its own way
    says(str(caught.value), f"ended with exit code {code}", "while starting.*")


def test_a_worker_that_closes_its_queue_of_tasks_is_told(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(1) as pool:
        within(60, pool.apply, workers.close_task_queue)
        until(lambda: pool._error is not None)
        sentence = died(pool.apply, workers.double, (1,))
    says(sentence, "ended with exit code 1", "while idle; its last words: .*queue of tasks.*")


@pytest.mark.parametrize("error", [EOFError, OSError, BrokenPipeError, SystemExit])
def test_a_result_that_fails_to_be_pickled_is_told(method: str, error) -> None:
    with get_context(method).Pool(1) as pool, pytest.raises((MaybeEncodingError, WorkerDied)):
        within(60, pool.apply, workers.make_pickled, (workers.fail, error("no")))


@pytest.mark.parametrize("value", [value for value, _ in UNPICKLABLE.values()], ids=UNPICKLABLE)
def test_an_executor_breaks_by_a_call_that_cannot_be_unpickled(method: str, value) -> None:
    executor = ProcessPoolExecutor(2, mp_context=get_context(method))
    with executor, pytest.raises(BrokenProcessPool):
        executor.submit(workers.report, value).result(60)


def test_workers_that_were_meant_to_end_break_no_pool(method: str) -> None:
    mp = get_context(method)
    with mp.Pool(2, maxtasksperchild=1) as pool:
        assert within(60, pool.map, workers.double, range(8), 1) == [2 * n for n in range(8)]
        pool.close()
        within(60, pool.join)
        assert pool._error is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_cannot_be_replaced_fails_its_pool(method: str, monkeypatch) -> None:
    """As at a limit of processes: the thread that replaces workers ends by the error."""
    mp = get_context(method)
    with mp.Pool(1, maxtasksperchild=1) as pool:

        def refuse(process):
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(BaseProcess, "start", refuse)
        results = [pool.apply_async(workers.double, (n,)) for n in range(5)]
        with pytest.raises(RuntimeError, match=r"could not be replaced.*temporarily unavailable"):
            within(60, results[-1].get)
        within(60, pool.close)
        within(60, pool.join)
    assert mp.timeline().alive == 0


def test_a_large_message_cut_off_by_a_kill_hangs_nobody(method: str, tmp_path) -> None:
    mp, go = get_context(method), tmp_path / "go"
    with mp.Pool(2) as pool:
        results = [pool.apply_async(workers.exit_when, (str(go), 3))]
        results += [pool.apply_async(len, (b"x" * 10**6,)) for _ in range(20)]
        results += [pool.apply_async(bytes, (10**6,)) for _ in range(20)]
        go.touch()
        died(results[0].get)
        within(60, pool.terminate)
        within(60, pool.join)


def test_a_task_that_ignores_sigterm_does_not_hold_its_pool(method: str, tmp_path) -> None:
    mp = get_context(method)
    ready = str(tmp_path / "ready")
    with mp.Pool(1) as pool:
        pool.apply_async(workers.ignore_sigterm_and_sleep, (ready, 60))
        workers.wait_for(ready)
        within(60, pool.terminate)
        within(60, pool.join)


def test_a_process_that_is_killed_is_told_with_what_it_did_last(method: str) -> None:
    mp = get_context(method)
    process = mp.Process(target=workers.kill_yourself)
    process.start()
    within(60, process.join)
    (task,) = mp.timeline().tasks
    assert (task.call, task.outcome) == ("kill_yourself()", "lost")
    assert mp.timeline().processes[0].exitcode == process.exitcode


PARENT = """
import sys, time
from helpers.observed import get_context
from tests.support import workers
if __name__ == "__main__":
    mp = get_context(sys.argv[1])
    processes = [mp.Process(target=workers.sleep, args=(60,)) for _ in range(2)]
    for process in processes:
        process.start()
    pool = mp.Pool(2)
    pool.map(workers.double, range(4), chunksize=1)
    pids = [child.pid for child in processes + pool._pool]
    print(*pids, flush=True)
    time.sleep(60)
"""


def test_when_the_parent_is_killed_its_children_leave(method: str, tmp_path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, script, method],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        pids = [int(pid) for pid in within(60, parent.stdout.readline).split()]
        assert len(pids) == 4
        parent.kill()
    until(lambda: not any(is_running(pid) for pid in pids))
    folders.sweep()  # as the next experiment does: the dead cannot tidy up


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


INTERRUPTED = """
import sys
from helpers.observed import get_context
from tests.support import workers
if __name__ == "__main__":
    method, use, begun = sys.argv[1:]
    mp = get_context(method)
    try:
        if use == "pool":
            with mp.Pool(1) as pool:  # a second worker might still be on its way
                result = pool.apply_async(workers.touch_and_sleep, (begun,))
                workers.wait_for(begun)
                print("ready", flush=True)
                result.get()
        elif use == "process":
            process = mp.Process(target=workers.touch_and_sleep, args=(begun,))
            process.start()
            workers.wait_for(begun)
            print("ready", flush=True)
            process.join()
        else:
            queue = mp.Queue()
            print("ready", flush=True)
            queue.get()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.skipif(ON_WINDOWS, reason="there is no interrupting a whole group of processes there")
@pytest.mark.parametrize("use", ["pool", "process", "queue"])
def test_ctrl_c_comes_back_at_once_and_prints_nothing(
    interruptible, method: str, use: str, tmp_path
) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    with subprocess.Popen(
        [sys.executable, script, method, use, tmp_path / "begun"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as a kernel has
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as program:
        try:
            assert within(60, program.stdout.readline) == "ready\n"
            os.killpg(program.pid, signal.SIGINT)
            assert within(60, program.communicate) == ("interrupted\n", "")
        finally:
            if program.poll() is None:  # else the `with` would wait for it, perhaps for ever
                os.killpg(program.pid, signal.SIGKILL)
    assert program.returncode == 0


SCRIPT = """
import sys
from helpers.observed import get_context
def triple(number):
    return 3 * number
if __name__ == "__main__":
    mp = get_context(sys.argv[1])
    with mp.Pool(2) as pool:
        print(pool.map(triple, range(3)))
    print(sorted(task.call for task in mp.timeline().tasks))
"""


def test_a_function_of_a_script_is_found_as_ever(method: str, tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, script, method],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["[0, 3, 6]", "['triple(0)', 'triple(1)', 'triple(2)']"]
