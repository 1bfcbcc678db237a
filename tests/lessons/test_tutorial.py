"""The six programs of the tutorial: what they print, and that the lessons print the same.

The programs stand here as in the tutorial, except that nslookup is told which server to ask. The
tests expect what the tutorial shows. The second program prints something else than the tutorial
shows: there the program is right. Process ids and times differ from run to run and are left out.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest

from helpers.nameserver import NameServer
from tools.notebooks import NOTEBOOKS

SECONDS = 60

FORK = """
import os

print('Process (%s) start...' % os.getpid())
# Only works on Unix/Linux/Mac:
pid = os.fork()
if pid == 0:
    print('I am child process (%s) and my parent is %s.' % (os.getpid(), os.getppid()))
else:
    print('I (%s) just created a child process (%s).' % (os.getpid(), pid))
"""

PROCESS = """
from multiprocessing import Process
import os

def run_proc(name):
    print('Run child process %s (%s)...' % (name, os.getpid()))

if __name__=='__main__':
    print('Parent process %s.' % os.getpid())
    p = Process(target=run_proc, args=('test',))
    print('Child process will start.')
    p.start()
    p.join()
    print('Child process end.')
"""

POOL = """
from multiprocessing import Pool
import os, time, random

def long_time_task(name):
    print('Run task %s (%s)...' % (name, os.getpid()))
    start = time.time()
    time.sleep(random.random() * 3)
    end = time.time()
    print('Task %s runs %0.2f seconds.' % (name, (end - start)))

if __name__=='__main__':
    print('Parent process %s.' % os.getpid())
    p = Pool(4)
    for i in range(5):
        p.apply_async(long_time_task, args=(i,))
    print('Waiting for all subprocesses done...')
    p.close()
    p.join()
    print('All subprocesses done.')
"""

CALL = """
import subprocess

print('$ nslookup www.python.org', flush=True)
r = subprocess.call(NSLOOKUP + ['www.python.org', '127.0.0.1'])
print('Exit code:', r)
"""

COMMUNICATE = """
import subprocess

print('$ nslookup')
p = subprocess.Popen(NSLOOKUP + ['-', '127.0.0.1'], stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
output, err = p.communicate(b'set q=mx\\npython.org\\nexit\\n')
print(output.decode('utf-8'))
print('Exit code:', p.returncode)
"""

QUEUE = """
from multiprocessing import Process, Queue
import os, time, random

def write(q):
    print('Process to write: %s' % os.getpid())
    for value in ['A', 'B', 'C']:
        print('Put %s to queue...' % value)
        q.put(value)
        time.sleep(random.random())

def read(q):
    print('Process to read: %s' % os.getpid())
    while True:
        value = q.get(True)
        print('Get %s from queue.' % value)

if __name__=='__main__':
    q = Queue()
    pw = Process(target=write, args=(q,))
    pr = Process(target=read, args=(q,))
    pw.start()
    pr.start()
    pw.join()
    pr.terminate()
"""

PROGRAMS = {
    "01_fork": (
        FORK,
        """
        Process (N) start...
        I (N) just created a child process (N).
        I am child process (N) and my parent is N.
        """,
    ),
    "02_process": (
        PROCESS,
        """
        Parent process N.
        Child process will start.
        Run child process test (N)...
        Child process end.
        """,
    ),
    "03_pool": (
        POOL,
        """
        Parent process N.
        Waiting for all subprocesses done...
        Run task 0 (N)...
        Run task 1 (N)...
        Run task 2 (N)...
        Run task 3 (N)...
        Task 0 runs T seconds.
        Run task 4 (N)...
        Task 1 runs T seconds.
        Task 2 runs T seconds.
        Task 3 runs T seconds.
        Task 4 runs T seconds.
        All subprocesses done.
        """,
    ),
    "04_external_commands": (
        CALL,
        """
        $ nslookup www.python.org
        Server: 127.0.0.1
        Address: 127.0.0.1#N
        Non-authoritative answer:
        www.python.org canonical name = python.map.fastly.net.
        Name: python.map.fastly.net
        Address: 199.27.79.223
        Exit code: 0
        """,
    ),
    "05_talking_to_a_process": (
        COMMUNICATE,
        """
        $ nslookup
        Server: 127.0.0.1
        Address: 127.0.0.1#N
        Non-authoritative answer:
        python.org mail exchanger = 50 mail.python.org.
        Authoritative answers can be found from:
        mail.python.org internet address = 82.94.164.166
        mail.python.org has AAAA address 2001:888:2000:d::a6
        Exit code: 0
        """,
    ),
    "06_queue": (
        QUEUE,
        """
        Process to write: N
        Put A to queue...
        Process to read: N
        Get A from queue.
        Put B to queue...
        Get B from queue.
        Put C to queue...
        Get C from queue.
        """,
    ),
}

PIDS = re.compile(
    r"(?<=\()\d+(?=\))|(?<=process )\d+(?=\.)|(?<=is )\d+(?=\.)|(?<=(?:rite|read): )\d+"
)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without pids, times, ports and white space."""
    text = PIDS.sub("N", text)
    text = re.sub(r"\d+\.\d+(?= seconds)", "T", text)
    text = re.sub(r"(?<=127\.0\.0\.1#)\d+", "N", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def run_in_a_terminal(program: Path) -> str:
    """Return what a program and its children print to a terminal, which shows each line at once."""
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, program], stdin=subprocess.DEVNULL, stdout=theirs, env=environment
    )
    os.close(theirs)
    limit = threading.Timer(SECONDS, process.kill)
    limit.start()
    printed = b""
    with contextlib.suppress(OSError):  # Linux raises it when no writer is left
        while piece := os.read(ours, 4096):
            printed += piece
    limit.cancel()
    os.close(ours)
    assert process.wait(SECONDS) == 0
    return printed.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither os.fork nor terminals")
@pytest.mark.parametrize("lesson", PROGRAMS)
def test_the_tutorials_program_prints_what_the_tutorial_shows(lesson: str, tmp_path: Path) -> None:
    program, shown = PROGRAMS[lesson]
    if "NSLOOKUP" in program and shutil.which("nslookup") is None:
        pytest.skip("there is no nslookup here")
    with NameServer() as server:
        path = tmp_path / "program.py"
        command = ["nslookup", f"-port={server.port}"]
        path.write_text(f"NSLOOKUP = {command}\n{program}", encoding="utf-8")
        printed = run_in_a_terminal(path)
    # Sorted, because no process is sure to print first.
    assert sorted(lines_of(printed)) == sorted(lines_of(shown))


@pytest.mark.parametrize("lesson", PROGRAMS)
def test_the_lesson_prints_what_the_tutorial_shows(lesson: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    printed = lines_of("\n".join(output.get("text", "") for output in outputs))
    missing = [line for line in lines_of(PROGRAMS[lesson][1]) if line not in printed]
    assert missing == []


def test_an_error_in_a_task_of_the_tutorials_pool_is_heard_by_nobody(tmp_path) -> None:
    """Its results are never asked for: what lesson 0 says of it."""
    failing = POOL.replace("    time.sleep(random.random() * 3)", "    raise ValueError('unheard')")
    assert failing != POOL
    program = tmp_path / "pool.py"
    program.write_text(failing)
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=SECONDS
    )
    assert "unheard" not in done.stdout + done.stderr
    assert done.stdout.endswith("All subprocesses done.\n")
