"""A DNS server on loopback, so that the real `nslookup` answers in a room without a network.

Lessons 4 and 5 talk to `nslookup`, a program from outside Python. It needs a name server, and a
classroom may have none. This one lives in a thread of the notebook's kernel, listens on 127.0.0.1
only, and knows a handful of names:

    with NameServer() as server:
        subprocess.call(nslookup_command(server, "www.python.org"))

Its answers are those printed in the tutorial, as they were in 2015. They are a recording, not
today's internet: `www.python.org` lives elsewhere now.
"""

import ipaddress
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from dnslib import CLASS, QTYPE, RCODE, RR, DNSLabel, DNSRecord

# A zone in the format of RFC 1035, section 5. The tutorial prints every address here but the one
# of python.org itself: that one is from the range kept for documentation (RFC 5737). The last
# line is for Windows, whose nslookup asks for the server's own name before anything else.
ZONE = """
www.python.org.          300 IN CNAME python.map.fastly.net.
python.map.fastly.net.   300 IN A     199.27.79.223
python.org.              300 IN A     192.0.2.10
python.org.              300 IN MX    50 mail.python.org.
mail.python.org.         300 IN A     82.94.164.166
mail.python.org.         300 IN AAAA  2001:888:2000:d::a6
1.0.0.127.in-addr.arpa.  300 IN PTR   localhost.
"""
RECORDS = RR.fromZone(ZONE)

# Two names for lookups that fail (RFC 2606 keeps .example free for such uses).
MISSING = "missing.example"  # "there is no such name", said at once, as for every unknown name
SILENT = "silent.example"  # no answer at all: something real to time out on

ADDRESS = "127.0.0.1"
DNS_PORT = 53  # where nslookup asks unless it is told otherwise

# On Windows anybody may listen on port 53, and there `-port` is said not to work everywhere. So
# 53 comes first there. Port 0 lets the system choose a free one, anywhere.
FIRST_PORTS = (DNS_PORT,) if sys.platform == "win32" else ()
TRIES = 20  # a port that is free for UDP may be taken for TCP; then we ask for another
PATIENCE = 1.0  # seconds that one TCP client gets to put its question

STAND_IN = (sys.executable, "-m", "helpers.programs.nslookup")


class Question(NamedTuple):
    """One question as it reached the server."""

    time: float  # seconds, by time.perf_counter()
    name: str  # "www.python.org"
    type: str  # "A", "AAAA", "MX", ...


class NameServer:
    """A DNS server on 127.0.0.1, UDP and TCP, that ends with its `with`, `close()` or the kernel.

    `address` and `port` say where it listens; the system chooses the port. `questions` lists what
    it was asked so far, oldest first.

    Raises OSError if this machine has no port free on loopback.
    """

    address = ADDRESS

    def __init__(self) -> None:
        udp, tcp = _bind()
        self.port: int = udp.getsockname()[1]
        self.questions: list[Question] = []
        wake, stop = socket.socketpair()
        # The threads get what they need and not `self`: a server that nobody holds any longer,
        # say because its cell ran again, can then be collected, and is closed by that.
        threads = [
            threading.Thread(
                target=_serve,
                args=(listener, stop.dup(), answer, self.questions),
                name=f"NameServer-{protocol}-{self.port}",
                daemon=True,
            )
            for protocol, listener, answer in (("udp", udp, _answer_udp), ("tcp", tcp, _answer_tcp))
        ]
        stop.close()
        for thread in threads:
            thread.start()
        # Runs once at most: when called, when collected, or when the interpreter exits.
        self._end = weakref.finalize(self, _end, os.getpid(), wake, threads)

    @property
    def closed(self) -> bool:
        """Whether the server has ended."""
        return not self._end.alive

    def close(self) -> None:
        """End the server: threads gone, sockets closed. A second call does nothing."""
        self._end()

    def __enter__(self) -> "NameServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<NameServer on {self.address}, {'closed' if self.closed else 'listening'}>"


# --- The threads ---------------------------------------------------------------------------------


def _bind() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket on one and the same port of loopback."""
    for port in (*FIRST_PORTS, *[0] * TRIES):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            for listener in (udp, tcp):
                # Windows lets a second program take over a port unless the first says no.
                if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
                # A packet may be announced and then dropped: never wait for it.
                listener.setblocking(False)
            udp.bind((ADDRESS, port))
            tcp.bind(udp.getsockname())
            tcp.listen()
        except OSError as error:
            udp.close()
            tcp.close()
            reason = error
        else:
            return udp, tcp
    raise OSError(
        f"no port free for a name server on {ADDRESS} ({reason}). Close other programs that use "
        "the network, or restart the kernel, and try again."
    )


def _serve(
    listener: socket.socket,
    stop: socket.socket,
    answer: Callable[[socket.socket, list[Question]], None],
    questions: list[Question],
) -> None:
    """Answer on one socket until `stop` has something to read."""
    with listener, stop, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(stop, selectors.EVENT_READ)
        while stop not in [key.fileobj for key, _ in selector.select()]:
            # A client that has gone away, or was too slow, is no reason to stop for the others.
            try:
                answer(listener, questions)
            except OSError:
                continue


def _end(owner: int, wake: socket.socket, threads: list[threading.Thread]) -> None:
    """Wake the threads for the last time and wait for them."""
    if os.getpid() != owner:
        return  # a forked copy of the kernel: the server is its parent's, not its own
    with wake:
        wake.send(b"!")
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join()


def _answer_udp(listener: socket.socket, questions: list[Question]) -> None:
    packet, client = listener.recvfrom(65535)
    reply = respond(packet, questions)
    if reply is not None:
        listener.sendto(reply, client)


def _answer_tcp(listener: socket.socket, questions: list[Question]) -> None:
    """Over TCP each message is preceded by its length in two bytes (RFC 1035, 4.2.2)."""
    client, _ = listener.accept()
    with client:
        deadline = time.monotonic() + PATIENCE
        length = int.from_bytes(_receive(client, 2, deadline))
        reply = respond(_receive(client, length, deadline), questions)
        if reply is not None:
            client.sendall(len(reply).to_bytes(2) + reply)


def _receive(client: socket.socket, count: int, deadline: float) -> bytes:
    """Return `count` bytes from the client; raise OSError if they do not come in time."""
    data = b""
    while len(data) < count:
        client.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = client.recv(count - len(data))
        if not piece:
            raise ConnectionError("the client closed the connection in mid question")
        data += piece
    return data


# --- The answers ---------------------------------------------------------------------------------


def respond(packet: bytes, questions: list[Question]) -> bytes | None:
    """Return the reply to one packet, or None where there is none to give.

    Noise and the name `SILENT` get no reply. Every question that could be read is appended to
    `questions`.
    """
    try:
        request = DNSRecord.parse(packet)
    except Exception:  # whatever noise does to the parser, the server goes on
        return None
    # A reply must never be replied to: two servers would keep each other busy for ever.
    if request.header.qr or len(request.questions) != 1:
        return None
    question = request.q
    name = str(question.qname).rstrip(".")
    questions.append(Question(time.perf_counter(), name, QTYPE.get(question.qtype)))
    if question.qname == DNSLabel(SILENT):
        return None
    # As a resolver does: "I asked around for you" (RA), and not "this zone is mine" (AA).
    reply = request.reply(ra=1, aa=0)
    if request.header.opcode != 0 or question.qclass != CLASS.IN:
        reply.header.rcode = RCODE.NOTIMP
    else:
        reply.header.rcode, answers, extra = look_up(question.qname, question.qtype)
        reply.add_answer(*answers)
        reply.add_ar(*extra)
    return reply.pack()


def look_up(name: DNSLabel, qtype: int) -> tuple[int, list[RR], list[RR]]:
    """Return (code, answers, extra records) for one question.

    The code is NXDOMAIN for a name that does not exist and NOERROR for one that does, whether it
    has records of this type or not (RFC 2308). An alias is followed to its end (RFC 1034, 3.6.2).
    The extra records are the addresses of the mail servers in the answer.
    """
    answers: list[RR] = []
    while True:
        here = [record for record in RECORDS if record.rname == name]
        found = [record for record in here if qtype in (record.rtype, QTYPE.ANY)]
        alias = [record for record in here if record.rtype == QTYPE.CNAME]
        answers += found or alias
        if found or not alias:
            break
        name = alias[0].rdata.label
    # A name exists too if only names below it have records: `org` does.
    exists = any(record.rname.matchSuffix(name) for record in RECORDS)
    mail = [record.rdata.label for record in answers if record.rtype == QTYPE.MX]
    extra = [
        record
        for record in RECORDS
        if record.rname in mail and record.rtype in (QTYPE.A, QTYPE.AAAA)
    ]
    return (RCODE.NOERROR if exists else RCODE.NXDOMAIN), answers, extra


# --- nslookup, from the outside ------------------------------------------------------------------


class Nslookup(NamedTuple):
    """The program that plays nslookup on this machine."""

    command: tuple[str, ...]  # ("nslookup",), or how to start the stand-in
    stand_in: bool
    note: str  # one or two sentences for the student


def find_nslookup(server: NameServer) -> Nslookup:
    """Return the machine's own nslookup if it can talk to `server`, else the stand-in.

    Being installed is not enough: some versions cannot be told a port, and some have no
    dialogue. So it is tried once, on the questions of lessons 4 and 5. Takes about 0.1 s, the
    first time only.
    """
    if server.closed:
        raise ValueError("this NameServer is closed: start another one with NameServer()")
    path = shutil.which("nslookup")
    if path is None:
        return Nslookup(
            STAND_IN,
            True,
            "This machine has no nslookup, so a stand-in written for this course asks. To get "
            "the real one: apt install bind9-dnsutils (Debian, Ubuntu), dnf install bind-utils "
            "(Fedora), apk add bind-tools (Alpine). macOS and Windows have it from the start.",
        )
    if not _talks_to(path, server.port):
        return Nslookup(
            STAND_IN,
            True,
            "The nslookup of this machine does not talk to a server of our own, so a stand-in "
            "written for this course asks.",
        )
    return Nslookup(
        ("nslookup",),
        False,
        "This machine's own nslookup asks, and this notebook's server answers.",
    )


def nslookup_command(server: NameServer, *arguments: str) -> list[str]:
    """Return the command line that runs nslookup against `server`.

    `arguments` are what you would type after `nslookup`: options that begin with a minus sign,
    then one name. Without a name the dialogue begins, and nslookup reads lines from its stdin.

        nslookup_command(server, "www.python.org")   ['nslookup', '-port=40123',
                                                      'www.python.org', '127.0.0.1']
        nslookup_command(server)                     ['nslookup', '-port=40123', '-', '127.0.0.1']

    The tutorial's `nslookup www.python.org` asks the name server of the network. Ours must be
    named, and no setting outside the command line does that for one program alone.

    Raises ValueError for more than one name, or for a server that is closed.
    """
    return _command_line(find_nslookup(server).command, server.port, arguments)


def _command_line(program: Iterable[str], port: int, arguments: Iterable[str]) -> list[str]:
    options = [text for text in arguments if text.startswith("-") and text != "-"]
    names = [text for text in arguments if text not in options]
    if len(names) > 1 or "" in names:
        raise ValueError(
            f"nslookup takes one name, and was given {names}. Give one name, or none for a "
            "dialogue; the server is added for you."
        )
    where = [] if port == DNS_PORT else [f"-port={port}"]
    return [*program, *where, *options, *(names or ["-"]), ADDRESS]


_TRIALS = (  # arguments, lines for stdin, the facts that must come back
    (
        ("www.python.org",),
        b"",
        [
            "python.map.fastly.net address = 199.27.79.223",
            "www.python.org canonical name = python.map.fastly.net",
        ],
    ),
    (
        (),
        b"set q=mx\npython.org\nexit\n",
        [
            "mail.python.org address = 2001:888:2000:d::a6",
            "mail.python.org address = 82.94.164.166",
            "python.org mail exchanger = 50 mail.python.org",
        ],
    ),
)


@cache
def _talks_to(path: str, port: int) -> bool:
    """Whether the nslookup at `path` brings the expected answers from our server on `port`."""
    for arguments, lines, facts in _TRIALS:
        command = _command_line([path], port, arguments)
        try:
            done = subprocess.run(command, input=lines, capture_output=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if answers(done.stdout.decode(errors="replace")) != facts:
            return False
    return True


# How records are written: by BIND's nslookup (Linux, macOS), and where it differs by Windows'.
_RECORD_LINES = tuple(
    (re.compile(pattern), fact)
    for pattern, fact in (
        (r"(\S+)\s+canonical name = (\S+)", "{} canonical name = {}"),
        (r"(\S+)\s+mail exchanger = (\d+) (\S+)", "{} mail exchanger = {} {}"),
        (r"(\S+)\s+MX preference = (\d+), mail exchanger = (\S+)", "{} mail exchanger = {} {}"),
        (r"(\S+)\s+internet address = (\S+)", "{} address = {}"),
        (r"(\S+)\s+has AAAA address (\S+)", "{} address = {}"),
        (r"(\S+)\s+AAAA IPv6 address = (\S+)", "{} address = {}"),
        (r"(\S+)\s+name = (\S+)", "{} name = {}"),
    )
)
_PROMPTS = re.compile(r"^(> ?)+")
_ADDRESS_LINE = re.compile(r"(?:Address(?:es)?:)?\s*([0-9A-Fa-f.:]+)(?:#\d+)?")
_ALIAS_LINE = re.compile(r"Aliases:\s+(\S+)")  # Windows' way to write a canonical name
_LABEL_LINE = re.compile(r"[^:]+:\s+(\S+)")  # "Name:" or "Server:", in the system's own language


def answers(text: str) -> list[str]:
    """Return the facts in what nslookup printed, in one spelling for every platform, sorted.

    `text` is the output of nslookup from BIND (Linux, macOS), of the one from Windows, or of the
    stand-in. Facts read `www.python.org canonical name = python.map.fastly.net`,
    `mail.python.org address = 82.94.164.166`, `python.org mail exchanger = 50 mail.python.org`.
    A lookup that failed has none: the list is empty.
    """
    facts: set[str] = set()
    name = server = ""
    for raw in text.split("\n"):
        line = _PROMPTS.sub("", raw).strip()
        address = _address_in(line)
        if address:
            # nslookup begins by saying whom it asks, and says it again before each answer.
            server = server or address
            if address != server:
                facts.add(f"{name} address = {address}")
        elif alias := _ALIAS_LINE.fullmatch(line):
            facts.add(f"{alias[1]} canonical name = {name}")
        elif label := _LABEL_LINE.fullmatch(line):
            name = label[1].rstrip(".")
        else:
            facts.update(_record_in(line))
    return sorted(facts)


def _address_in(line: str) -> str:
    """Return the address in a line `Address: …`, or standing alone as Windows lists them."""
    match = _ADDRESS_LINE.fullmatch(line)
    try:
        return str(ipaddress.ip_address(match[1])) if match else ""
    except ValueError:
        return ""


def _record_in(line: str) -> list[str]:
    """Return the fact in a line about one record, as a list of one or none."""
    for pattern, fact in _RECORD_LINES:
        if match := pattern.fullmatch(line):
            return [fact.format(*(part.rstrip(".") for part in match.groups()))]
    return []
