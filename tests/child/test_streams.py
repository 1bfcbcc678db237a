"""What a child prints is in its log, by whatever way it goes to `sys.stdout` or `sys.stderr`.

Each program is a module whose first lines set up the streams in a way that is common in programs.
Some children import it before they begin to record, and some afterwards. It is run in a Python of
its own, on a plain context and on an observed one: both give the same results, and what the plain
one's children have printed is what the observed one's log has.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.methods import METHODS

PROGRAM = """
import sys

SETUP

def work(number):
    say(f"working on {number}")
    return number

def run(mp):
    with mp.Pool(1) as pool:
        results = pool.map(work, range(2), 1)
        pool.close()
        pool.join()
    process = mp.Process(target=work, args=(7,))
    process.start()
    process.join()
    return results, process.exitcode
"""

DRIVER = """
import importlib
import json
import sys

import program  # as a cell of a notebook does: a worker imports it with its first task

method, module, report = sys.argv[1:]
mp = importlib.import_module(module).get_context(method)
said = {"results": str(program.run(mp))}
if hasattr(mp, "output"):
    said["stdout"], said["stderr"] = mp.output(), mp.output(stream="stderr")
with open(report, "w") as file:
    json.dump(said, file)
"""

FILE = "open(__file__ + '.txt', 'a')"
SETUPS = {
    "as it is": "say = print",
    "wrapped again": """
import io
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
say = print
""",
    "wrapped again, and held until a block is full": """
import io
sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding="utf-8")
def say(text):
    print(text, file=sys.stderr)
""",
    "detached and wrapped again": """
import io
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")
say = print
""",
    "wrapped by a codec": """
import codecs
sys.stdout = codecs.getwriter("utf-8")(sys.stdout.buffer)
say = print
""",
    "reconfigured": """
sys.stdout.reconfigure(encoding="utf-8", line_buffering=False, write_through=True)
say = print
""",
    "in an object that flushes": """
class Unbuffered:
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        self.stream.write(text)
        self.stream.flush()
    def __getattr__(self, name):
        return getattr(self.stream, name)
sys.stdout = Unbuffered(sys.stdout)
say = print
""",
    "in an object that marks its lines": """
class Marked:
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        return self.stream.write(text.replace("working", "[worker] working"))
    def flush(self):
        self.stream.flush()
sys.stdout = Marked(sys.stdout)
say = print
""",
    "the original one": """
def say(text):
    print(text, file=sys.__stdout__)
    sys.__stderr__.writelines([text + "\\n"])
""",
    "imported by its name": """
from sys import stderr, stdout
def say(text, file=stdout):
    print(text, file=file)
    stderr.write(text + "\\n")
""",
    "as bytes": """
raw, buffer = sys.stdout.buffer.raw, sys.stderr.buffer
def say(text):
    raw.write(text.encode() + b"\\n")
    buffer.write(text.encode() + b"\\n")
    buffer.flush()
""",
    "logged": """
import logging
logging.basicConfig(format="LOG %(levelname)s %(message)s", level=logging.INFO)
say = logging.getLogger("mine").info
""",
    "logged by two": """
import logging
log = logging.getLogger("mine")
log.addHandler(logging.StreamHandler(sys.stdout))
log.addHandler(logging.StreamHandler(sys.stderr))
say = log.error
""",
    "a warning": """
import warnings
def say(text):
    warnings.warn_explicit(text, UserWarning, "mine.py", 1, registry={})
""",
    "stderr is stdout": """
sys.stderr = sys.stdout
def say(text):
    print(text, file=sys.stderr)
""",
    "a file in its place": f"""
sys.stdout = {FILE}
say = print
""",
    "nothing in its place": """
sys.stderr = None
def say(text):
    print(text, file=sys.stderr)
""",
}


def run(setup: str, method: str, module: str, folder: Path) -> dict[str, str]:
    """Run a program; return its results, and the lines that its children printed or wrote."""
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM.replace("SETUP", SETUPS[setup]))
    report = folder / "report"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, method, module, str(report)],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(report.read_text())
    printed = {"stdout": done.stdout, "stderr": done.stderr}
    if "stdout" in said:
        assert printed == {"stdout": "", "stderr": ""}, "this went past the log"
    files = {file.suffix: file.read_text() for file in folder.glob("*.txt")}
    return {name: sorted(text.splitlines()) for name, text in (printed | said | files).items()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("setup", SETUPS)
def test_what_children_print_is_in_the_log_however_the_streams_were_set_up(
    setup: str, method: str, tmp_path
) -> None:
    plain = run(setup, method, "multiprocessing", tmp_path / "plain")
    observed = run(setup, method, "helpers.observed", tmp_path / "observed")
    assert observed == plain
    assert plain["results"] == ["([0, 1], 0)"]
    said = str(plain)
    assert setup == "nothing in its place" or all(f"working on {n}" in said for n in (0, 1, 7))


IN_A_KERNEL = """
import contextlib
import io
import logging
import sys

class KernelStream(io.TextIOBase):
    def write(self, text):
        sys.__stdout__.write("the kernel's: " + text)

sys.stdout, sys.stderr = KernelStream(), KernelStream()

from helpers.observed import get_context

class Marked:
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        self.stream.write(text.replace("printed", "marked"))

logging.basicConfig(format="%(message)s", level=logging.INFO)  # which keeps the kernel's stream

def work(mark):
    logging.info("logged")
    print("printed", mark)

mp = get_context("fork")
process = mp.Process(target=work, args=("first",))
process.start()
process.join()
with contextlib.redirect_stdout(Marked(sys.stdout)):
    process = mp.Process(target=work, args=("second",))
    process.start()
    process.join()
with contextlib.redirect_stdout(io.StringIO()):  # as %%capture does
    process = mp.Process(target=work, args=("third",))
    process.start()
    process.join()
print(mp.output(), file=sys.__stdout__)
print(mp.output(stream="stderr"), file=sys.__stdout__)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_a_kernel_writes_to_its_log_what_would_go_to_the_kernels_streams() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_KERNEL],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = ["printed first", "marked second", "printed third"]
    assert done.stdout.splitlines() == [*printed, *["logged"] * 3]


KERNEL_WITH_A_LOG = """
import os
from helpers.observed import get_context

os.dup2(os.pipe()[1], 1)  # so ipykernel catches what goes to the descriptor
mp = get_context("fork")
child = mp.Process(target=print, args=("caf\\u00e9",))
child.start()
child.join()
with open("said", "w", encoding="utf-8") as file:
    print(child.exitcode, mp.output(), end="", file=file)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_a_kernel_whose_output_went_to_a_file_writes_to_its_log(tmp_path) -> None:
    """Python takes the stream for a file still, and asks where in it the next text would go."""
    with open(tmp_path / "kernel.log", "a") as log:
        subprocess.run(
            [sys.executable, "-c", KERNEL_WITH_A_LOG],
            stdout=log,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=60,
            check=True,
        )
    assert (tmp_path / "said").read_text("utf-8") == "0 café"
