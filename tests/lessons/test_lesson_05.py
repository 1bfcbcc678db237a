"""Statements of lesson 5 that its cells cannot show."""

import ast
import subprocess
import sys
import threading

import pytest

from helpers import tasks
from helpers.lookups import nslookup_command
from helpers.nameserver import NameServer
from helpers.script import run_script
from tests.support.without_nslookup import assert_same_without_nslookup
from tools import notebooks

WRITE = "import sys; sys.stdout.write('x' * {})"
LESSON = "05_talking_to_a_process"
LARGE = 200_000  # more than any pipe holds


@pytest.fixture
def server():
    with NameServer() as server:
        yield server


@pytest.mark.slow
def test_the_compared_text_is_the_same_without_nslookup(tmp_path):
    assert_same_without_nslookup(LESSON, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="the lesson says it of Linux")
def test_the_answer_does_not_come_out_before_exit(server):
    process = subprocess.Popen(
        nslookup_command(server), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    came = threading.Event()

    def listen():
        for line in process.stdout:
            if b"mail exchanger" in line:
                came.set()

    with process:
        listener = threading.Thread(target=listen)
        listener.start()
        asked = len(server.questions)
        process.stdin.write(b"set q=mx\npython.org\n")
        process.stdin.flush()
        while len(server.questions) == asked:
            assert process.poll() is None
        assert not came.wait(0.2)
        process.stdin.write(b"exit\n")
        process.stdin.close()
        listener.join()
    assert came.is_set()


@pytest.mark.skipif(sys.platform != "linux", reason="the lesson says it of Linux")
@pytest.mark.parametrize(("pieces", "gets_through"), [(16, True), (17, False)])
def test_a_pipe_holds_sixteen_pieces_on_linux(pieces, gets_through):
    command = [sys.executable, "-c", tasks.WRITE_PIECES, str(pieces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        if gets_through:
            assert child.wait(timeout=60) == 0
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=0.5)
        assert len(child.stdout.read()) == 4096 * pieces


def test_the_tasks_of_the_panel_read_all_or_stop_at_the_limit():
    assert tasks.wait_then_read(1, limit=60) == 4096
    assert tasks.read_all_the_while(32) == 32 * 4096
    with pytest.raises(TimeoutError, match=r"not ended after 0\.2 s"):
        tasks.wait_then_read(32, limit=0.2)


DEADLOCK = """
import subprocess, sys
p = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE)
p.wait()
print(len(p.stdout.read()))
"""


def test_the_deadlock_is_one_and_a_hundredth_of_the_output_is_none():
    assert run_script(DEADLOCK, WRITE.format(LARGE), timeout=1).exitcode is None
    done = run_script(DEADLOCK, WRITE.format(LARGE // 100), timeout=60)
    assert (done.stdout.strip(), done.exitcode) == (str(LARGE // 100), 0)


def test_a_parent_that_writes_much_to_a_stuck_child_is_stuck_too():
    program = f"""
import subprocess, sys
child = "import sys; sys.stdout.write('x' * {LARGE}); sys.stdin.read()"
p = subprocess.Popen([sys.executable, '-c', child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print('writing')
p.stdin.write(b'x' * {LARGE})
print('written')
"""
    script = run_script(program, timeout=1)
    assert (script.stdout.split(), script.exitcode) == (["writing"], None)


def test_communicate_cannot_be_called_with_input_twice():
    echo = [sys.executable, "-c", "print(input())"]
    with subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.communicate(b"one\n")
        with pytest.raises(ValueError, match=r"after|closed"):
            child.communicate(b"two\n")


def test_without_flush_a_line_stays_in_our_own_buffer():
    echo = [sys.executable, "-c", "print(input(), flush=True)"]
    with subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        print("one", file=child.stdin)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=0.3)
        child.stdin.flush()
        assert child.stdout.readline() == "one\n"


def test_without_exit_the_end_of_input_ends_the_dialogue(server):
    command = nslookup_command(server)
    outputs = [
        subprocess.run(command, input=lines, capture_output=True).stdout
        for lines in (b"set q=mx\npython.org\nexit\n", b"set q=mx\npython.org\n")
    ]
    assert outputs[0] == outputs[1]


WAITS = {"run", "call", "communicate", "wait", "read"}
"""The methods by which a cell waits for a command."""

READS_ON = """
import subprocess, sys, time
reads_on = "import sys; sys.stdin.read(); print('the end of input')"
nslookup_command = lambda server: [sys.executable, '-c', reads_on]
get_subprocess = lambda: subprocess
gantt = lambda timeline: None
subprocess.timeline = lambda questions: None
class server: questions = []
"""
"""As BIND 9.20's nslookup does at times: it ends with its input, whatever was said before."""


def cells_with_nslookup(lesson: str) -> list[str]:
    cells = notebooks.read(notebooks.NOTEBOOKS / f"{lesson}.ipynb").cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    return [source for source in sources if "nslookup_command(" in source]


@pytest.mark.parametrize("lesson", ["04_external_commands", "05_talking_to_a_process"])
def test_a_cell_with_a_foreign_program_has_a_time_limit(lesson):
    cells = [source for source in cells_with_nslookup(lesson) if "run_script(" not in source]
    assert len(cells) > 3
    for source in cells:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
        for call in calls:
            if getattr(call.func, "attr", "") in WAITS and "show" not in ast.unparse(call):
                assert "timeout" in [keyword.arg for keyword in call.keywords], ast.unparse(call)


def test_the_dialogue_ends_with_a_program_that_reads_on_after_exit():
    (dialogue,) = [cell for cell in cells_with_nslookup(LESSON) if "'python.org', 'exit'" in cell]
    script = run_script(READS_ON + dialogue + "\nprint(text)", timeout=20)
    assert (script.stdout.strip(), script.exitcode) == ("the end of input", 0), script.stderr
