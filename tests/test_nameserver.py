"""The name server on loopback: its answers, noise and slow clients, its beginning and end."""

import gc
import os
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
from dnslib import QTYPE, RCODE, DNSError, DNSQuestion, DNSRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import nameserver
from helpers.nameserver import MISSING, SILENT, NameServer, Resolver

LONG = 30  # seconds: a limit for what should take well under one


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


def ask(server, name, kind="A", tcp=False, timeout=LONG) -> DNSRecord:
    question = DNSRecord.question(name, kind)
    return DNSRecord.parse(question.send(server.address, server.port, tcp=tcp, timeout=timeout))


def records(section) -> list[tuple[str, str, str]]:
    return [(str(r.rname), QTYPE.get(r.rtype), str(r.rdata)) for r in section]


def respond(packet: bytes) -> bytes | None:
    """What is sent back for a packet, or None where that is nothing."""
    try:
        return Resolver().resolve(DNSRecord.parse(packet), None).pack()
    except DNSError:
        return None


def run(command, lines="", **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=LONG, **options
    )


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


@settings(max_examples=1000)
@given(packet=noise)
def test_any_packet_gets_a_readable_reply_or_none(packet):
    reply = respond(packet)
    if reply is not None:
        assert DNSRecord.parse(reply).header.qr == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    reply = respond(question.pack())
    assert reply is not None
    assert respond(reply) is None


@pytest.mark.parametrize("count", [0, 2])
def test_a_packet_without_one_question_gets_no_reply(count):
    packet = DNSRecord(questions=[DNSQuestion("python.org")] * count).pack()
    assert respond(packet) is None


def test_what_it_cannot_do_it_says():
    question = DNSRecord.question("www.python.org")
    question.header.opcode = 5  # UPDATE
    reply = DNSRecord.parse(respond(question.pack()))
    assert reply.header.rcode == RCODE.NOTIMP


def test_a_client_that_says_nothing_keeps_nobody_waiting_for_ever(server):
    with socket.create_connection((server.address, server.port)):
        assert len(ask(server, "www.python.org").rr) == 2
        assert len(ask(server, "www.python.org", tcp=True).rr) == 2


def test_a_client_that_talks_slowly_has_its_second_and_no_more(server):
    began = time.monotonic()
    with socket.create_connection((server.address, server.port), timeout=0.2) as client:
        client.sendall(b"\xff\xff")  # 65,535 bytes are to come
        while time.monotonic() < began + LONG:
            try:
                client.sendall(b"?")
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue  # it still listens
            except ConnectionError:
                break
        else:
            pytest.fail("the server still waits for the end of the question")
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
