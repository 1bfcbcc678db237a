"""nslookup, asked from outside: the command line, the stand-in, and reading what is printed."""

import re
import shutil
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import lookups
from helpers.lookups import STAND_IN, answers, command_line, find_nslookup, nslookup_command
from helpers.nameserver import MISSING, SILENT, NameServer
from helpers.programs import nslookup

LONG = 30  # seconds: a limit for what should take well under one
MX_DIALOGUE = "set q=mx\npython.org\nexit\n"
WWW_FACTS = [
    "python.map.fastly.net address = 199.27.79.223",
    "www.python.org canonical name = python.map.fastly.net",
]
MX_FACTS = [
    "mail.python.org address = 2001:888:2000:d::a6",
    "mail.python.org address = 82.94.164.166",
    "python.org mail exchanger = 50 mail.python.org",
]


@pytest.fixture
def server():
    with NameServer() as server:
        yield server


@pytest.fixture
def real_nslookup():
    if shutil.which("nslookup") is None:
        pytest.skip("no nslookup on this machine: the real one is not tested here")


def run(command, lines="", **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=LONG, **options
    )


def stand_in(server, *arguments) -> list[str]:
    return command_line(STAND_IN, server.port, arguments)


# --- The command line ----------------------------------------------------------------------------


def test_the_command_is_the_tutorials_with_a_server(server, real_nslookup):
    assert nslookup_command(server, "www.python.org") == [
        *find_nslookup(server).command,
        f"-port={server.port}",
        "www.python.org",
        "127.0.0.1",
    ]


def test_options_go_before_the_name_and_no_name_means_a_dialogue(server):
    command = nslookup_command(server, "-timeout=1", SILENT)
    assert command[-4:] == [f"-port={server.port}", "-timeout=1", SILENT, "127.0.0.1"]
    assert nslookup_command(server)[-2:] == ["-", "127.0.0.1"]
    assert nslookup_command(server, "-")[-2:] == ["-", "127.0.0.1"]


def test_the_usual_port_need_not_be_said():
    command = command_line(["nslookup"], 53, ["www.python.org"])
    assert command == ["nslookup", "www.python.org", "127.0.0.1"]


@pytest.mark.parametrize("names", [("python.org", "example.org"), ("",)])
def test_two_names_or_an_empty_one_are_refused(server, names):
    with pytest.raises(ValueError, match="Give one name, or none"):
        nslookup_command(server, *names)


def test_a_closed_server_is_refused():
    server = NameServer()
    server.close()
    with pytest.raises(ValueError, match="closed: start another one"):
        nslookup_command(server, "python.org")


def test_where_nslookup_is_missing_the_stand_in_answers_and_says_how_to_get_it(server, monkeypatch):
    monkeypatch.setattr(lookups.shutil, "which", lambda name: None)
    found = find_nslookup(server)
    assert (found.command, found.stand_in) == (STAND_IN, True)
    assert "bind9-dnsutils" in found.note
    assert answers(run(nslookup_command(server, "www.python.org")).stdout) == WWW_FACTS


def test_an_nslookup_that_cannot_reach_us_is_not_used(server, monkeypatch):
    monkeypatch.setattr(lookups.shutil, "which", lambda name: sys.executable)
    found = find_nslookup(server)
    assert (found.command, found.stand_in) == (STAND_IN, True)
    assert "does not talk to a server of our own" in found.note


def test_an_nslookup_that_talks_to_us_is_used(server, real_nslookup):
    version = run(["nslookup", "-version"])
    if "nslookup 9." not in version.stdout + version.stderr:
        pytest.skip("this machine's nslookup is not the one from BIND: it may know no port")
    found = find_nslookup(server)
    assert (found.command, found.stand_in) == (("nslookup",), False)


# --- The real nslookup and the stand-in ----------------------------------------------------------


@pytest.fixture(params=["real", "stand-in"])
def program(request, server):
    """The command to start nslookup or the stand-in."""
    if request.param == "stand-in":
        return STAND_IN
    request.getfixturevalue("real_nslookup")
    found = find_nslookup(server)
    if found.stand_in or sys.platform == "win32":
        pytest.skip("this machine's nslookup is not the one from BIND that talks to us")
    return found.command


def printed(output: str, server: NameServer) -> str:
    """What was printed, without the stand-in's first line, in the tutorial's spelling."""
    text = output.removeprefix(nslookup.FIRST_LINE + "\n").replace(f"#{server.port}", "#53")
    return re.sub(r"[ \t]+", " ", text)


def test_the_first_program_of_the_tutorial_prints_what_is_in_the_tutorial(server, program):
    done = run(command_line(program, server.port, ["www.python.org"]))
    assert printed(done.stdout, server) == (
        "Server: 127.0.0.1\nAddress: 127.0.0.1#53\n\n"
        "Non-authoritative answer:\n"
        "www.python.org canonical name = python.map.fastly.net.\n"
        "Name: python.map.fastly.net\nAddress: 199.27.79.223\n\n"
    )
    assert done.returncode == 0
    assert answers(done.stdout) == WWW_FACTS


def test_the_dialogue_of_the_tutorial_prints_what_is_in_the_tutorial(server, program):
    done = run(command_line(program, server.port, []), MX_DIALOGUE)
    assert printed(done.stdout, server) == (
        "Server: 127.0.0.1\nAddress: 127.0.0.1#53\n\n"
        "Non-authoritative answer:\n"
        "python.org mail exchanger = 50 mail.python.org.\n\n"
        "Authoritative answers can be found from:\n"
        "mail.python.org internet address = 82.94.164.166\n"
        "mail.python.org has AAAA address 2001:888:2000:d::a6\n\n"
    )
    assert done.returncode == 0
    assert answers(done.stdout) == MX_FACTS


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["python.org"], 0), (["-type=aaaa", "python.org"], 0), ([MISSING], 1), ([], 1)],
)
def test_the_exit_code_tells_whether_the_lookup_worked(server, program, arguments, code):
    assert run(command_line(program, server.port, arguments)).returncode == code


def test_a_lookup_without_an_answer_gives_up_after_its_timeout(server, program):
    arguments = ["-timeout=1", "-retry=1", SILENT]
    done = run(command_line(program, server.port, arguments))
    assert done.returncode == 1
    assert "timed out" in done.stdout
    assert answers(done.stdout) == []


def test_a_lookup_without_an_answer_can_be_cut_short_from_outside(server, program):
    command = command_line(program, server.port, [SILENT])
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=1)


def test_answers_stay_inside_until_the_program_ends(server, program, monkeypatch):
    """Lesson 5 shows it: through a pipe, a line goes in at once and its answer waits."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    command = command_line(program, server.port, ["-type=mx"])
    server.questions.clear()  # finding the program may have asked some
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for asked in (1, 2):
            process.stdin.write(b"python.org\n")
            process.stdin.flush()
            # The second question is put when the first answer has been printed.
            deadline = time.monotonic() + LONG
            while len(server.questions) < asked and time.monotonic() < deadline:
                time.sleep(0.01)
        process.kill()
        output = process.stdout.read().decode()
    assert len(server.questions) == 2
    assert output.removeprefix(nslookup.FIRST_LINE).strip() == ""


SAME_IN_BOTH = [
    (["WWW.Python.org."], ""),
    (["mail.python.org"], ""),
    (["127.0.0.1"], ""),
    (["10.0.0.1"], ""),
    (["org"], ""),
    (["-type=mx", "www.python.org"], ""),
    (["-type=cname", "www.python.org"], ""),
    (["-type=aaaa", "mail.python.org"], ""),
    (["-nonsense=1", "python.org"], ""),
    (["-timeout=1", "-retry=1", SILENT], ""),
    ([], "set q=mx\nmail.python.org\npython.org\n"),
    ([], f"www.python.org\n{MISSING}"),
    ([], "127.0.0.1\n\nset q=foo\nset foo\nset type=a\npython.org\nexit\npython.org\n"),
    ([], "set querytype=PTR\n127.0.0.1\nset q\n"),
]


@pytest.mark.parametrize(("arguments", "lines"), SAME_IN_BOTH)
def test_the_stand_in_prints_what_bind_9_18_prints(server, real_nslookup, arguments, lines):
    version = run(["nslookup", "-version"])
    if "9.18." not in version.stdout + version.stderr:
        pytest.skip("the layout of the stand-in is that of BIND 9.18, which is not here")
    real = run(command_line(["nslookup"], server.port, arguments), lines)
    played = run(stand_in(server, *arguments), lines)
    assert played.stdout.removeprefix(nslookup.FIRST_LINE + "\n") == real.stdout
    assert played.returncode == real.returncode


def test_the_stand_in_says_what_it_is_in_its_first_line(server):
    first = run(stand_in(server, "www.python.org")).stdout.splitlines()[0]
    assert "stand-in" in first
    assert "not nslookup" in first


def test_the_stand_in_starts_from_any_folder(server, tmp_path):
    done = run(stand_in(server, "www.python.org"), cwd=tmp_path)
    assert answers(done.stdout) == WWW_FACTS


@pytest.mark.parametrize("name", ["a..b", "a" * 64, "a." * 200, "\ufffd"])
def test_the_stand_in_refuses_what_is_no_name(server, name):
    done = run(stand_in(server), name + "\n", encoding="utf-8")
    assert done.returncode == 10
    assert "is not a legal name" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["python.org"], ["python.org", "localhost"], ["a"] * 3])
def test_the_stand_in_asks_for_a_name_and_a_server(arguments):
    done = run([*STAND_IN, *arguments])
    assert done.returncode == 1
    assert nslookup.USAGE in done.stdout


# --- Reading what nslookup prints ----------------------------------------------------------------

# The layout of BIND 9.18 on Debian, with one more address than ours.
BIND = """\
Server:\t\t192.168.19.4
Address:\t192.168.19.4#53

Non-authoritative answer:
www.python.org\tcanonical name = python.map.fastly.net.
Name:\tpython.map.fastly.net
Address: 199.27.79.223
Name:\tpython.map.fastly.net
Address: 2001:db8::1

"""
# Older versions, as on macOS, print their prompts into a pipe. From reading, not from running.
BIND_PROMPTS = """\
> > Server:\t\t127.0.0.1
Address:\t127.0.0.1#40123

Non-authoritative answer:
python.org\tmail exchanger = 50 mail.python.org.

Authoritative answers can be found from:
mail.python.org\tinternet address = 82.94.164.166
mail.python.org\thas AAAA address 2001:888:2000:d::a6
> \n"""
BIND_PROMPT_ONLY = "> 1.0.0.127.in-addr.arpa\tname = localhost.\n> "
# Windows: the layout is known from public documentation and posts, not from running it.
WINDOWS = """\
Server:  localhost
Address:  127.0.0.1

Name:    python.map.fastly.net
Addresses:  2001:db8::1
\t  199.27.79.223
Aliases:  www.python.org

"""
WINDOWS_DIALOGUE = """\
Default Server:  localhost
Address:  127.0.0.1

> > Server:  localhost
Address:  127.0.0.1

python.org\tMX preference = 50, mail exchanger = mail.python.org
mail.python.org\tinternet address = 82.94.164.166
mail.python.org\tAAAA IPv6 address = 2001:888:2000:d::a6
> """
WINDOWS_CHINESE = """\
服务器:  UnKnown
Address:  127.0.0.1

非权威应答:
名称:    python.map.fastly.net
Address:  199.27.79.223
Aliases:  www.python.org

"""
WINDOWS_MISSING = """\
DNS request timed out.
    timeout was 2 seconds.
Server:  UnKnown
Address:  127.0.0.1

*** UnKnown can't find missing.example: Non-existent domain
"""
WWW_BOTH = [
    "python.map.fastly.net address = 199.27.79.223",
    "python.map.fastly.net address = 2001:db8::1",
    "www.python.org canonical name = python.map.fastly.net",
]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param(BIND, WWW_BOTH, id="bind"),
        pytest.param(BIND_PROMPTS, MX_FACTS, id="bind-prompts"),
        pytest.param(
            BIND_PROMPT_ONLY, ["1.0.0.127.in-addr.arpa name = localhost"], id="bind-pointer"
        ),
        pytest.param(WINDOWS, WWW_BOTH, id="windows"),
        pytest.param(WINDOWS_DIALOGUE, MX_FACTS, id="windows-dialogue"),
        pytest.param(WINDOWS_CHINESE, WWW_FACTS, id="windows-chinese"),
        pytest.param(WINDOWS_MISSING, [], id="windows-missing"),
        pytest.param("", [], id="nothing"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_the_facts_are_the_same_whoever_printed_them(text, facts, end):
    assert answers(text.replace("\n", end)) == facts


@given(text=st.text())
def test_no_text_is_too_strange_to_be_read(text):
    facts = answers(text)
    assert facts == sorted(set(facts))
