"""The name server on loopback, the stand-in for nslookup, and reading what nslookup prints."""

import gc
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
from dnslib import QTYPE, RCODE, DNSQuestion, DNSRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import nameserver
from helpers.nameserver import (
    MISSING,
    SILENT,
    STAND_IN,
    NameServer,
    answers,
    find_nslookup,
    nslookup_command,
    respond,
)
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


def servers_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("NameServer")]


def open_sockets() -> set[tuple]:
    """The internet sockets of this process that are bound to something."""
    connections = psutil.Process().net_connections(kind="inet")
    return {(c.fd, c.type, c.laddr) for c in connections if c.laddr}


@pytest.fixture(autouse=True)
def nothing_left():
    """No test leaves a server's thread or a socket behind. (Processes: see leftovers.py.)"""
    before = open_sockets()
    yield
    assert servers_threads() == []
    assert open_sockets() - before == set()


@pytest.fixture
def server():
    with NameServer() as server:
        yield server


@pytest.fixture
def real_nslookup():
    if shutil.which("nslookup") is None:
        pytest.skip("no nslookup on this machine: the real one is not tested here")


def ask(server, name, kind="A", tcp=False, timeout=LONG) -> DNSRecord:
    question = DNSRecord.question(name, kind)
    return DNSRecord.parse(question.send(server.address, server.port, tcp=tcp, timeout=timeout))


def records(section) -> list[tuple[str, str, str]]:
    return [(str(r.rname), QTYPE.get(r.rtype), str(r.rdata)) for r in section]


def run(command, lines="", **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=LONG, **options
    )


def stand_in(server, *arguments) -> list[str]:
    return nameserver._command_line(STAND_IN, server.port, arguments)


# --- Answers -------------------------------------------------------------------------------------


def test_an_alias_is_followed_to_its_address(server):
    reply = ask(server, "www.python.org")
    assert reply.header.rcode == RCODE.NOERROR
    assert records(reply.rr) == [
        ("www.python.org.", "CNAME", "python.map.fastly.net."),
        ("python.map.fastly.net.", "A", "199.27.79.223"),
    ]


def test_a_mail_exchanger_comes_with_its_addresses(server):
    reply = ask(server, "python.org", "MX")
    assert records(reply.rr) == [("python.org.", "MX", "50 mail.python.org.")]
    assert [(name, kind) for name, kind, _ in records(reply.ar)] == [
        ("mail.python.org.", "A"),
        ("mail.python.org.", "AAAA"),
    ]


@pytest.mark.parametrize("name", ["www.python.org", "python.org", MISSING])
def test_it_answers_as_a_resolver_and_not_as_the_owner_of_the_zone(server, name):
    header = ask(server, name).header
    assert (header.qr, header.aa, header.ra, header.rd) == (1, 0, 1, 1)


def test_it_knows_the_name_of_its_own_address_which_windows_asks_first(server):
    reply = ask(server, "1.0.0.127.in-addr.arpa", "PTR")
    assert records(reply.rr) == [("1.0.0.127.in-addr.arpa.", "PTR", "localhost.")]


@pytest.mark.parametrize(
    ("name", "kind"), [("python.org", "AAAA"), ("mail.python.org", "MX"), ("org", "A")]
)
def test_a_name_without_records_of_the_type_is_no_error(server, name, kind):
    reply = ask(server, name, kind)
    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


@pytest.mark.parametrize("name", [MISSING, "nothing.python.org", "ython.org", "python.org.lan"])
def test_an_unknown_name_does_not_exist(server, name):
    reply = ask(server, name)
    assert (reply.header.rcode, reply.rr) == (RCODE.NXDOMAIN, [])


def test_capitals_make_no_difference(server):
    assert len(ask(server, "WWW.Python.ORG").rr) == 2


@pytest.mark.parametrize("name", [SILENT, SILENT.upper()])
def test_the_silent_name_is_heard_and_never_answered(server, name):
    with pytest.raises(TimeoutError):
        ask(server, name, timeout=0.2)
    assert [(q.name.lower(), q.type) for q in server.questions] == [(SILENT, "A")]


def test_questions_are_kept_in_their_order(server):
    ask(server, "python.org", "MX")
    ask(server, "www.python.org", tcp=True)
    assert [(q.name, q.type) for q in server.questions] == [
        ("python.org", "MX"),
        ("www.python.org", "A"),
    ]
    assert server.questions[0].time < server.questions[1].time


@pytest.mark.parametrize("kind", ["A", "AAAA", "MX", "ANY"])
@pytest.mark.parametrize("name", ["www.python.org", "python.org", MISSING])
def test_tcp_says_the_same_as_udp(server, name, kind):
    udp, tcp = ask(server, name, kind), ask(server, name, kind, tcp=True)
    assert records(udp.rr + udp.ar) == records(tcp.rr + tcp.ar)
    assert udp.header.rcode == tcp.header.rcode


def test_it_listens_on_loopback_only():
    before = open_sockets()
    with NameServer() as server:
        new = [laddr for _, _, laddr in open_sockets() - before if laddr.port == server.port]
        assert {laddr.ip for laddr in new} == {"127.0.0.1"}
        assert len(new) == 2  # UDP and TCP


def test_it_prints_nothing(capfd):
    with NameServer() as server:
        ask(server, "www.python.org")
        ask(server, MISSING)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            noise.sendto(b"noise", (server.address, server.port))
        ask(server, "www.python.org")
    assert capfd.readouterr() == ("", "")


# --- Noise ---------------------------------------------------------------------------------------

REAL = [
    DNSRecord.question(name, kind).pack()
    for name in ("www.python.org", "python.org", SILENT)
    for kind in ("A", "MX", "ANY")
]
truncated = st.sampled_from(REAL).flatmap(
    lambda packet: st.integers(0, len(packet)).map(lambda end: packet[:end])
)


@st.composite
def damaged(draw):
    packet = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 4))):
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    return bytes(packet)


noise = st.binary(max_size=600) | truncated | damaged()


@settings(max_examples=1000, deadline=None)
@given(packet=noise)
def test_any_packet_gets_a_readable_reply_or_none(packet):
    reply = respond(packet, [])
    if reply is not None:
        assert DNSRecord.parse(reply).header.qr == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(packet=noise)
def test_the_server_goes_on_after_noise(server, packet):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(packet, (server.address, server.port))
    with socket.create_connection((server.address, server.port), timeout=LONG) as client:
        client.sendall(packet)
    assert len(ask(server, "www.python.org").rr) == 2
    assert len(ask(server, "www.python.org", tcp=True).rr) == 2


def test_a_reply_is_never_replied_to():
    question = DNSRecord.question("www.python.org")
    reply = respond(question.pack(), [])
    assert reply is not None
    assert respond(reply, []) is None


@pytest.mark.parametrize("count", [0, 2])
def test_a_packet_without_one_question_gets_no_reply(count):
    packet = DNSRecord(questions=[DNSQuestion("python.org")] * count).pack()
    assert respond(packet, []) is None


def test_what_it_cannot_do_it_says():
    question = DNSRecord.question("www.python.org")
    question.header.opcode = 5  # UPDATE
    reply = DNSRecord.parse(respond(question.pack(), []))
    assert reply.header.rcode == RCODE.NOTIMP


def test_a_client_that_says_nothing_keeps_nobody_waiting_for_ever(server):
    with socket.create_connection((server.address, server.port)):
        assert len(ask(server, "www.python.org").rr) == 2
        assert len(ask(server, "www.python.org", tcp=True).rr) == 2


def test_it_closes_while_a_client_is_connected():
    with NameServer() as server:
        client = socket.create_connection((server.address, server.port))
    with client:
        assert server.closed


# --- Beginning and end ---------------------------------------------------------------------------


def test_it_ends_with_its_with_block_even_by_an_error():
    server = NameServer()
    with pytest.raises(ZeroDivisionError), server:
        1 / 0  # noqa: B018
    assert server.closed
    assert servers_threads() == []


def test_it_works_across_cells_and_closes_twice():
    server = NameServer()
    assert not server.closed
    ask(server, "www.python.org")
    server.close()
    server.close()
    assert server.closed
    with pytest.raises(TimeoutError):
        ask(server, "www.python.org", timeout=0.1)


def test_several_live_side_by_side():
    with NameServer() as one, NameServer() as two:
        assert one.port != two.port
        ask(one, "www.python.org")
        assert two.questions == []


def test_a_server_that_nobody_holds_any_longer_ends():
    server = NameServer()  # a cell that runs twice does just this
    server = NameServer()
    gc.collect()
    assert len(servers_threads()) == 2
    server.close()


def test_it_ends_with_the_interpreter():
    code = "from helpers.nameserver import NameServer; server = NameServer(); print('up')"
    done = run([sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (0, "up\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork on this platform")
def test_a_forked_copy_of_the_kernel_does_not_end_its_parents_server():
    code = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "from dnslib import DNSRecord; from helpers.nameserver import NameServer\n"
        "server = NameServer(); pid = os.fork()\n"
        "if pid == 0: sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "DNSRecord.question('python.org').send('127.0.0.1', server.port, timeout=10)\n"
        "print('still there')\n"
    )
    done = run([sys.executable, "-c", code])
    assert (done.stdout, done.stderr) == ("7\nstill there\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork on this platform")
def test_it_closes_while_a_forked_copy_of_the_kernel_lives_on():
    code = (
        "import os, sys, warnings; warnings.simplefilter('ignore')\n"
        "from helpers.nameserver import NameServer\n"
        "server = NameServer(); wait, go = os.pipe()\n"
        "if os.fork() == 0: os.close(go); os.read(wait, 1); os._exit(0)\n"
        "server.close(); print('closed', flush=True)\n"
        "os.close(go); os.wait()\n"
    )
    done = run([sys.executable, "-c", code])
    assert (done.stdout, done.stderr) == ("closed\n", "")


def test_a_port_that_is_taken_is_passed_over(monkeypatch):
    with NameServer() as first:
        monkeypatch.setattr(nameserver, "FIRST_PORTS", (first.port,))
        with NameServer() as second:
            assert second.port not in (0, first.port)


def test_no_free_port_is_said_clearly(monkeypatch):
    monkeypatch.setattr(nameserver, "ADDRESS", "192.0.2.1")  # nobody's address (RFC 5737)
    with pytest.raises(OSError, match=r"no port free .* restart the kernel"):
        NameServer()


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
    command = nameserver._command_line(["nslookup"], 53, ["www.python.org"])
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
    monkeypatch.setattr(nameserver.shutil, "which", lambda name: None)
    found = find_nslookup(server)
    assert (found.command, found.stand_in) == (STAND_IN, True)
    assert "bind9-dnsutils" in found.note
    assert answers(run(nslookup_command(server, "www.python.org")).stdout) == WWW_FACTS


def test_an_nslookup_that_cannot_reach_us_is_not_used(server, monkeypatch):
    monkeypatch.setattr(nameserver.shutil, "which", lambda name: sys.executable)
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
    done = run(nameserver._command_line(program, server.port, ["www.python.org"]))
    assert printed(done.stdout, server) == (
        "Server: 127.0.0.1\nAddress: 127.0.0.1#53\n\n"
        "Non-authoritative answer:\n"
        "www.python.org canonical name = python.map.fastly.net.\n"
        "Name: python.map.fastly.net\nAddress: 199.27.79.223\n\n"
    )
    assert done.returncode == 0
    assert answers(done.stdout) == WWW_FACTS


def test_the_dialogue_of_the_tutorial_prints_what_is_in_the_tutorial(server, program):
    done = run(nameserver._command_line(program, server.port, []), MX_DIALOGUE)
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
    assert run(nameserver._command_line(program, server.port, arguments)).returncode == code


def test_a_lookup_without_an_answer_gives_up_after_its_timeout(server, program):
    arguments = ["-timeout=1", "-retry=1", SILENT]
    done = run(nameserver._command_line(program, server.port, arguments))
    assert done.returncode == 1
    assert "timed out" in done.stdout
    assert answers(done.stdout) == []


def test_a_lookup_without_an_answer_can_be_cut_short_from_outside(server, program):
    command = nameserver._command_line(program, server.port, [SILENT])
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=1)


def test_answers_stay_inside_until_the_program_ends(server, program, monkeypatch):
    """Lesson 5 shows it: through a pipe, a line goes in at once and its answer waits."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    command = nameserver._command_line(program, server.port, ["-type=mx"])
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
    real = run(nameserver._command_line(["nslookup"], server.port, arguments), lines)
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
