"""Commands from outside Python are noted, and run as they would without that."""

import codecs
import io
import math
import select
import shutil
import subprocess as standard
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.external import brief, get_subprocess, name_of
from helpers.gantt import gantt
from helpers.lookups import nslookup_command
from helpers.nameserver import NameServer
from helpers.timeline import start_ups
from tests.support.anything import examples
from tests.support.charts import legend
from tests.support.within import until

ECHO = [
    sys.executable,
    "-c",
    "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)",
]
SHOUT = [sys.executable, "-c", "import sys; sys.stdout.write('x' * 200_000)"]
FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def subprocess():
    return get_subprocess()


def messages(subprocess) -> list[tuple[str, str]]:
    return [(message.queue, message.value) for message in subprocess.timeline().messages]


# As the standard library


def test_the_standard_module_is_left_alone(subprocess):
    assert subprocess.Popen is not standard.Popen
    assert standard.run.__globals__["Popen"] is standard.Popen
    assert issubclass(subprocess.Popen, standard.Popen)


@pytest.mark.parametrize("name", ["SubprocessError", "TimeoutExpired", "CalledProcessError"])
def test_its_exceptions_are_the_standard_ones(subprocess, name):
    assert getattr(subprocess, name) is getattr(standard, name)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("run", {"capture_output": True}),
        ("run", {"capture_output": True, "text": True, "input": "a\nb\n"}),
        ("call", {"stdout": standard.DEVNULL}),
        ("check_output", {"input": b"hello\n"}),
        ("check_output", {"text": True, "stdin": standard.DEVNULL}),
    ],
)
@pytest.mark.parametrize("command", [ECHO, SHOUT], ids=["echo", "shout"])
def test_a_function_returns_what_the_standard_one_returns(subprocess, function, arguments, command):
    if "stdin" not in arguments and "input" not in arguments:
        arguments = {**arguments, "stdin": standard.DEVNULL}
    expected = getattr(standard, function)(command, **arguments)
    result = getattr(subprocess, function)(command, **arguments)
    assert getattr(result, "__dict__", result) == getattr(expected, "__dict__", expected)


def test_more_than_a_pipe_holds_goes_both_ways(subprocess):
    text = "line\n" * 100_000
    done = subprocess.run(ECHO, input=text, capture_output=True, text=True)
    assert done.stdout == text.upper()
    assert messages(subprocess) == [("stdin", "100000 lines"), ("stdout", "100000 lines")]


def test_a_failing_command_raises_if_it_is_checked(subprocess):
    with pytest.raises(standard.CalledProcessError) as caught:
        subprocess.run(python("raise SystemExit(3)"), check=True)
    assert caught.value.returncode == 3
    assert [process.exitcode for process in subprocess.timeline().processes] == [3]


def test_a_missing_program_raises_and_is_no_process(subprocess):
    with pytest.raises(FileNotFoundError):
        subprocess.run(["no-such-program-anywhere"])
    assert subprocess.timeline().processes == []


def test_a_command_is_killed_at_its_time_limit(subprocess):
    with pytest.raises(standard.TimeoutExpired):
        subprocess.run(FOREVER, capture_output=True, timeout=0.2)
    (process,) = subprocess.timeline().processes
    assert process.exitcode not in (0, None)
    assert not psutil.pid_exists(process.pid)


def test_one_command_can_feed_another(subprocess):
    with (
        subprocess.Popen(python("print('one'); print('two')"), stdout=subprocess.PIPE) as first,
        subprocess.Popen(ECHO, stdin=first.stdout, stdout=subprocess.PIPE, text=True) as second,
    ):
        first.stdout.close()
        assert second.communicate()[0].split() == ["ONE", "TWO"]


# What is noted


def test_a_command_is_noted_from_its_start_to_its_end(subprocess):
    with subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        (alive,) = subprocess.timeline().processes
        child.stdin.close()
    (process,) = subprocess.timeline().processes
    assert alive.pid == process.pid == child.pid
    assert (alive.exitcode, process.exitcode) == (None, 0)
    assert math.isnan(alive.ended)
    assert 0 == process.asked <= process.born <= process.ended <= subprocess.timeline().now


def test_two_experiments_know_nothing_of_each_other(subprocess):
    other = get_subprocess()
    other.run(python("pass"))
    assert subprocess.timeline().processes == []
    assert len(other.timeline().processes) == 1


def test_commands_at_the_same_time_have_lanes_of_their_own(subprocess):
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: subprocess.run(python("pass")), range(8)))
    processes = subprocess.timeline().processes
    assert sorted(process.lane for process in processes) == list(range(1, 9))
    assert [process.exitcode for process in processes] == [0] * 8


def test_communicate_is_one_message_in_and_one_out(subprocess):
    child = subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.communicate(b"a\nb\n")[0].split() == [b"A", b"B"]
    assert messages(subprocess) == [("stdin", "2 lines"), ("stdout", "2 lines")]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_communicate_with_a_single_pipe_is_noted_once(subprocess, stream):
    code = f"import sys; print('hello', file=sys.{stream})"
    child = subprocess.Popen(python(code), **{stream: subprocess.PIPE})
    child.communicate()
    assert messages(subprocess) == [(stream, "hello")]


READERS = {
    "read1": lambda stream: stream.read1(),
    "readinto": lambda stream: stream.readinto(bytearray(100)),
    "readinto1": lambda stream: stream.readinto1(bytearray(100)),
    "readlines": lambda stream: stream.readlines(1),
    "wrapped": lambda stream: io.TextIOWrapper(stream).readline(),
    "wrapped and iterated": lambda stream: list(io.TextIOWrapper(stream, newline="\n")),
    "by a codec": lambda stream: codecs.getreader("utf-8")(stream).readline(),
    "raw": lambda stream: stream.raw.read(100),
    "raw, all": lambda stream: stream.raw.readall(),
    "detached": lambda stream: stream.detach().readall(),
    "copied": lambda stream: shutil.copyfileobj(stream, io.BytesIO()),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_whatever_way_a_pipe_is_read_it_is_noted(subprocess, name, reader):
    code = f"import sys; sys.{name}.write('hello')"
    results = []
    for module in (standard, subprocess):
        child = module.Popen(python(code), **{name: module.PIPE})
        result = READERS[reader](getattr(child, name))
        child.wait()
        results.append(result)
    assert results[1] == results[0]
    assert messages(subprocess) == [(name, "hello")]


WRITERS = {
    "writelines": lambda stream: stream.writelines([b"one\n"]),
    "wrapped": lambda stream: print("one", file=io.TextIOWrapper(stream, write_through=True)),
    "raw": lambda stream: stream.raw.write(b"one\n"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_whatever_way_a_pipe_is_written_it_is_noted(subprocess, writer):
    child = subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with child:
        WRITERS[writer](child.stdin)
    assert messages(subprocess) == [("stdin", "one")]


def test_the_bytes_below_a_stream_of_text_are_noted(subprocess):
    code = "import sys; print(sys.stdin.readline(), end='')"
    with subprocess.Popen(python(code), stdin=-1, stdout=-1, text=True) as child:
        child.stdin.buffer.write(b"one\n")
        child.stdin.close()
        assert child.stdout.buffer.readline().strip() == b"one"
    assert messages(subprocess) == [("stdin", "one"), ("stdout", "one")]


def test_stdout_and_stderr_are_told_apart(subprocess):
    code = "import sys; print('result'); print('trouble', file=sys.stderr)"
    subprocess.run(python(code), capture_output=True)
    assert messages(subprocess) == [("stdout", "result"), ("stderr", "trouble")]


SAYS_AND_WAITS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("late")))
print("early", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM, and pipes to wait for")
@pytest.mark.parametrize("text", [True, False])
def test_what_a_command_said_before_its_time_limit_is_noted_and_noted_once(subprocess, text):
    child = subprocess.Popen(python(SAYS_AND_WAITS), stdout=-1, stderr=-1, text=text)
    until(lambda: select.select([child.stdout], [], [], 0)[0])
    with pytest.raises(standard.TimeoutExpired) as caught:
        child.communicate(timeout=0.1)
    assert caught.value.output.strip() == b"early"
    assert messages(subprocess) == [("stdout", "early")]
    child.terminate()
    assert child.communicate()[0].split() == (["early", "late"] if text else [b"early", b"late"])
    assert messages(subprocess) == [("stdout", "early"), ("stdout", "late")]


@pytest.mark.skipif(sys.platform == "win32", reason="the library reads on when it has killed")
def test_what_run_has_read_before_its_time_limit_is_noted(subprocess):
    code = "import time; print('early', flush=True); time.sleep(600)"
    with pytest.raises(standard.TimeoutExpired):
        subprocess.run(python(code), capture_output=True, timeout=2)
    assert messages(subprocess) == [("stdout", "early")]


@pytest.mark.parametrize("text", [True, False])
def test_a_dialogue_by_hand_is_noted_line_by_line(subprocess, text):
    child = subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=text)
    with child:
        for line in ("one\n", "two\n"):
            child.stdin.write(line if text else line.encode())
            child.stdin.flush()
            assert child.stdout.readline().strip() in ("ONE", "TWO", b"ONE", b"TWO")
        child.stdin.close()
        assert list(child.stdout) == []
    expected = [("stdin", "one"), ("stdout", "ONE"), ("stdin", "two"), ("stdout", "TWO")]
    assert messages(subprocess) == expected
    here, there = subprocess.timeline().parent, child.pid
    between = [(message.sender, message.receiver) for message in subprocess.timeline().messages]
    assert between == [(here, there), (there, here)] * 2


def test_print_into_a_pipe_and_iterating_are_noted(subprocess):
    child = subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        with child.stdin:
            print("one", file=child.stdin)
            print("two", file=child.stdin)
        assert [line.strip() for line in child.stdout] == ["ONE", "TWO"]
    assert [text for _, text in messages(subprocess)] == ["one", "two", "ONE", "TWO"]


def test_reading_all_that_is_left_is_one_message(subprocess):
    child = subprocess.Popen(python("print('one'); print('two')"), stdout=subprocess.PIPE)
    with child:
        assert child.stdout.read().split() == [b"one", b"two"]
    assert messages(subprocess) == [("stdout", "2 lines")]


def test_a_write_into_a_full_pipe_lasts_until_it_is_through(subprocess):
    child = subprocess.Popen(
        python("import sys; print(flush=True); sys.stdin.read()"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        child.stdout.readline()
        child.stdin.write(b"x" * 500_000)
    (message,) = subprocess.timeline().messages
    assert message.value == "500 kB"
    assert message.put <= message.got


def test_a_name_servers_questions_come_from_the_command(subprocess):
    with NameServer() as server:
        command = nslookup_command(server, "www.python.org")
        subprocess.run(command, capture_output=True)
        timeline = subprocess.timeline(server.questions)
    (process,) = timeline.processes
    asked = [message for message in timeline.messages if message.queue == "name server"]
    assert {(message.sender, message.receiver) for message in asked} == {
        (process.pid, timeline.parent)
    }
    assert asked[0].value in ("A?", "PTR?")  # Windows asks for the server's own name first
    assert all(process.asked <= message.put <= process.ended for message in asked)


def test_nothing_run_is_an_empty_timeline(subprocess):
    with NameServer() as server:
        timeline = subprocess.timeline(server.questions)
    assert (timeline.processes, timeline.messages, len(timeline.tasks)) == ([], [], 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, ""),
        (b"", ""),
        ("\n", ""),
        ("set q=mx\n", "set q=mx"),
        (b"set q=mx\r\n", "set q=mx"),
        ("a\nb\n", "2 lines"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        ("x" * 200_000, "200 kB"),
    ],
)
def test_what_went_through_is_told_in_a_few_words(data, words):
    assert brief(data) == words


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("nslookup", "nslookup"),
        (["nslookup", "-port=4711", "www.python.org", "127.0.0.1"], "nslookup www.python.org"),
        (["nslookup", "-port=4711", "-", "127.0.0.1"], "nslookup"),
        (["nslookup"], "nslookup"),
        (
            ["python", "-m", "helpers.programs.nslookup", "-port=1", "a.b", "127.0.0.1"],
            "nslookup a.b",
        ),
        (["/usr/bin/python3", "-u", "-c", "print(1)"], "python3"),
        ([b"ls", b"-l"], "ls"),
    ],
)
def test_a_lane_is_named_after_its_command(command, name):
    assert name_of(command) == name


@given(
    st.none() | st.text() | st.binary(), st.text() | st.binary() | st.lists(st.text(), min_size=1)
)
@examples(100)
def test_any_message_is_told_in_one_line_and_any_command_has_a_name(data, args):
    assert len(brief(data).splitlines()) <= 1
    assert name_of(args) is not None


def test_nothing_is_said_of_a_commands_own_start_up(subprocess):
    """When `Popen` returns, the system has started a program that is not ready for long."""
    subprocess.run([sys.executable, "-c", "pass"])
    timeline = subprocess.timeline()
    chart = gantt(timeline)
    assert timeline.commands
    assert "start-up" not in chart.alt.lower()
    assert "ready" not in chart.alt
    assert "started by the system" in chart.alt.lower()
    assert legend(chart) == [
        "asked for, until the system had started it",
        "runs; inside: not observed",
    ]
    assert start_ups(timeline, timeline).commands


def test_a_write_into_a_full_pipe_is_a_wait_for_room_until_it_is_over(subprocess):
    child = "import sys, time; sys.stdin.buffer.read(1); time.sleep(0.5); sys.stdin.buffer.read()"
    with subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE) as p:
        writer = threading.Thread(target=p.stdin.write, args=(b"x" * 1_000_000,))
        writer.start()
        until(lambda: rooms(subprocess), "somebody waits for room")
        (wait,) = rooms(subprocess)
        assert math.isnan(wait.ended)
        writer.join()
    (wait,) = rooms(subprocess)
    assert wait.ended > wait.began


def rooms(subprocess):
    """The waits for room in a pipe."""
    return [wait for wait in subprocess.timeline().waits if wait.reason == "room"]


def test_a_read_that_has_to_wait_and_a_wait_for_the_end_are_noted(subprocess):
    child = "import time; time.sleep(0.3); print('there', flush=True); time.sleep(0.3)"
    p = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
    assert p.stdout.readline().strip() == b"there"
    p.wait()
    p.stdout.close()
    told = [(wait.reason, wait.name) for wait in subprocess.timeline().waits]
    assert told[-1] == ("end", f"pid {p.pid}")
    assert told[0][0] == "pipe"
    assert told[0][1].endswith("'s stdout")


def test_stop_ends_what_still_runs(subprocess):
    p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    subprocess.stop()
    assert p.returncode not in (None, 0)
    assert subprocess.timeline().alive == 0
    subprocess.stop()
