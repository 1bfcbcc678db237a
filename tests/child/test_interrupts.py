"""An interrupt of a child that is just starting is recorded, and nobody reads where it came."""

import os
import subprocess
import sys

import pytest

from helpers.observed import get_context
from tests.support import workers
from tests.support.methods import METHODS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

AT_ONCE = """
import os, signal, sys, threading
from helpers.observed import get_context
from tests.support import workers
threading.Thread(target=threading.Event().wait, daemon=True).start()  # a kernel has some, too
mp = get_context(sys.argv[1])
children = [mp.Process(target=workers.sleep, args=(600,)) for _ in range(5)]
for child in children:
    child.start()
    os.kill(child.pid, signal.SIGINT)
for child in children:
    child.join()
print(mp.timeline().interrupts)
"""


def run(program: str, *args: str, **environment: str) -> tuple[str, str]:
    """Run a program that is no file, as a notebook is none; return what it has printed."""
    command = [sys.executable, "-W", "error", "-c", program, *args]
    env = os.environ | {"PYTHONPATH": os.getcwd()} | environment
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    return ran.stdout, ran.stderr


def test_an_interrupt_of_a_child_whose_interpreter_starts_is_recorded_and_not_told() -> None:
    assert run(AT_ONCE, "spawn") == ("5\n", "")


FROM_A_THREAD = """
import os, signal, sys, threading, warnings
from helpers.observed import get_context
from tests.support import workers
warnings.simplefilter("ignore", DeprecationWarning)
os.register_at_fork(after_in_child=lambda: signal.raise_signal(signal.SIGINT))
mp = get_context("fork")
child = mp.Process(target=workers.sleep, args=(600,))
thread = threading.Thread(target=child.start)
thread.start()
thread.join()
child.join()
print(mp.timeline().interrupts)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_an_interrupt_of_a_fork_that_a_thread_has_made_is_recorded_and_not_told() -> None:
    """In a thread, interrupts are not put off: they are never raised there."""
    assert run(FROM_A_THREAD) == ("1\n", "")


SLOW_IMPORT = """
import multiprocessing, pathlib, time
def never():
    pass
if hasattr(multiprocessing.current_process(), "_inheriting"):  # a child that unpickles
    pathlib.Path(__file__).with_suffix(".begun").touch()
    time.sleep(600)
"""
INTERRUPTED_IMPORT = """
import os, pathlib, signal, sys, threading, time
from helpers.observed import get_context
import slow_import
begun = pathlib.Path(slow_import.__file__).with_suffix(".begun")
threading.Thread(target=threading.Event().wait, daemon=True).start()
mp = get_context(sys.argv[1])
child = mp.Process(target=slow_import.never)
child.start()
while not begun.exists():
    time.sleep(0.01)
os.kill(child.pid, signal.SIGINT)
child.join()
print("it has ended")
"""


@pytest.mark.parametrize("method", [m for m in METHODS if "fork" not in getattr(m, "values", ())])
def test_a_child_whose_import_hangs_can_be_interrupted(method: str, tmp_path) -> None:
    (tmp_path / "slow_import.py").write_text(SLOW_IMPORT)
    path = os.pathsep.join([os.getcwd(), str(tmp_path)])
    assert run(INTERRUPTED_IMPORT, method, PYTHONPATH=path)[0] == "it has ended\n"


@pytest.mark.parametrize("method", METHODS)
def test_no_child_has_its_interrupts_blocked(method: str) -> None:
    with get_context(method).Pool(1) as pool:
        assert not pool.apply(workers.blocked_signals)
