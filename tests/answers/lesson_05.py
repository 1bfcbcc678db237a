"""Answers to the exercises of lesson 5."""

import sys
import threading
import time

from helpers.lookups import nslookup_command
from tests.answers import SERIAL, right, wrong


def nslookup(subprocess, server):
    return subprocess.Popen(
        nslookup_command(server),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def dialogue(
    subprocess, server, lines=None, last=("exit",), flush=True, wait=True, close=True, end=True
):
    p = nslookup(subprocess, server)
    first, second = lines or (("set q=mx", "python.org"), ("set q=aaaa", "mail.python.org"))
    for line in first:
        print(line, file=p.stdin, flush=flush)
    while wait and not is_heard(server) and p.poll() is None:
        time.sleep(0.01)
    for line in (*second, *last):
        print(line, file=p.stdin, flush=flush)
    if close:
        p.stdin.close()
    if end:
        p.stdout.read()
        p.wait()
    return p


def is_heard(server):
    return any(question.name == "python.org" for question in server.questions)


@right("5.1")
def flushed_and_waited(subprocess, server):
    dialogue(subprocess, server)


@right("5.1")
def closed_without_exit(subprocess, server):
    dialogue(subprocess, server, last=())


@wrong(
    "5.1",
    "The server was asked for *; MX? and then AAAA? were wanted. A setting counts for the names "
    "that follow it.",
)
def setting_after_the_name(subprocess, server):
    lines = ("python.org", "set q=mx"), ("mail.python.org", "set q=aaaa")
    dialogue(subprocess, server, lines)


@wrong(
    "5.1",
    "The name server has heard nothing: your lines lie in a buffer of yours. Flush them.",
)
def no_flush(subprocess, server):
    dialogue(subprocess, server, flush=False)


@wrong(
    "5.1",
    "Both questions were asked, and nslookup waits for your next line for ever: say exit, and "
    "close its input.",
)
def neither_exit_nor_close(subprocess, server):
    dialogue(subprocess, server, last=(), close=False)


@wrong(
    "5.1",
    "All lines went in before anything was heard: send the second name when server.questions "
    "has the first question.",
)
def all_at_once(subprocess, server):
    p = nslookup(subprocess, server)
    p.communicate("set q=mx\npython.org\nset q=aaaa\nmail.python.org\nexit\n")


@wrong(
    "5.1",
    "The exit code of nslookup was None: let it come to its end, and wait for that.",
)
def nobody_waits(subprocess, server):
    nobody_waits.kept = dialogue(subprocess, server, last=(), close=False, end=False)
    while len(server.questions) < 2:
        time.sleep(0.01)


@wrong("5.1", SERIAL)
def nothing_started(subprocess, server):
    return "python.org"


# 5.2

ECHO = """
import sys
while piece := sys.stdin.buffer.read1(65536):
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
"""


def echo(subprocess, program=ECHO):
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@right("5.2")
def by_communicate(subprocess, data):
    output, _ = echo(subprocess).communicate(data)
    return output


@right("5.2")
def by_run(subprocess, data):
    done = subprocess.run([sys.executable, "-c", ECHO], input=data, stdout=subprocess.PIPE)
    return done.stdout


def write_and_close(p, data):
    p.stdin.write(data)
    p.stdin.close()


@right("5.2")
def a_thread_that_writes(subprocess, data):
    p = echo(subprocess)
    writer = threading.Thread(target=write_and_close, args=(p, data))
    writer.start()
    output = p.stdout.read()
    writer.join()
    p.wait()
    return output


@wrong(
    "5.2",
    "You write and it writes, and nobody reads: two full pipes. Do both at once.",
)
def write_all_then_read(subprocess, data):
    p = echo(subprocess)
    write_and_close(p, data)
    return p.stdout.read()


@wrong(
    "5.2",
    "You wait for its end, and it cannot end while its pipe is full: read, then wait.",
)
def wait_then_read(subprocess, data):
    p = echo(subprocess, "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    write_and_close(p, data)
    p.wait()
    return p.stdout.read()


@wrong(
    "5.2",
    "You wait for its answer, and it waits for the rest of your question: write all of it, and "
    "close its input.",
)
def read_first(subprocess, data):
    p = echo(subprocess)
    output = p.stdout.read()
    write_and_close(p, data)
    return output


@wrong("5.2", "10 bytes came back, and 1,048,584 went in.")
def a_part_of_it(subprocess, data):
    return by_communicate(subprocess, data)[:10]


@wrong("5.2", "What came back is not what went in.")
def something_else(subprocess, data):
    return by_communicate(subprocess, data)[::-1]


@wrong("5.2", "Its exit code was None: let it end by itself, and wait for that.")
def nobody_asks_for_the_end(subprocess, data):
    p = echo(subprocess)
    nobody_asks_for_the_end.kept = p
    threading.Thread(target=write_and_close, args=(p, data)).start()
    return p.stdout.read()


@wrong("5.2", SERIAL)
def nothing_is_started(subprocess, data):
    return data
