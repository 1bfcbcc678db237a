"""A DNS server on loopback, so that the real `nslookup` answers in a room without a network.

Lessons 4 and 5 talk to `nslookup`, a program from outside Python. It needs a name server, and a
classroom may have none. This one lives in two threads of the notebook's kernel, listens on
127.0.0.1 only, and knows a handful of names:

    with NameServer() as server:
        subprocess.call(nslookup_command(server, "www.python.org"))

Its answers are those printed in the tutorial, as they were in 2015. They are a recording, not
today's internet: `www.python.org` lives elsewhere now.
"""

import os
import socket
import socketserver
import sys
import threading
import time
import weakref
from typing import NamedTuple

from dnslib import CLASS, QTYPE, RCODE, RR, DNSError, DNSLabel, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

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

WAIT_FOR_CLIENT = 0.05  # seconds, after which the server looks whether it is to end
TCP_TIMEOUT = 1.0  # seconds that one TCP client gets to put its question


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
        resolver = Resolver()
        self.questions: list[Question] = resolver.questions
        servers = _listening(resolver)
        self.port: int = servers[0].server.server_address[1]
        for server, protocol in zip(servers, ("udp", "tcp"), strict=True):
            server.start_thread()
            server.thread.name = f"NameServer-{protocol}-{self.port}"
        # Runs once at most: when called, when the interpreter exits, or when nobody holds this
        # object any longer, say because its cell ran again. (The threads do not hold it.)
        self._end = weakref.finalize(self, _end, os.getpid(), servers)

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


def _end(owner: int, servers: tuple[DNSServer, ...]) -> None:
    """End both servers and wait for their threads."""
    if os.getpid() != owner:
        return  # a forked copy of the kernel: the server is its parent's, not its own
    for server in servers:
        server.server.ending.set()
    for server in servers:
        # A thread of the server may collect garbage, and so end the server.
        if server.thread is not threading.current_thread():
            server.thread.join()


# --- Listening -----------------------------------------------------------------------------------


class Listener(socketserver.BaseServer):
    """The base of our UDP and our TCP server. Both answer one client after the other."""

    def server_bind(self) -> None:
        self.ending = threading.Event()
        # Windows lets a second program take over a port unless the first says no.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        self.socket.settimeout(WAIT_FOR_CLIENT)  # so long does `handle_request` wait at most
        super().server_bind()

    def serve_forever(self) -> None:
        """Answer until `ending` is set, then close the socket."""
        with self:
            while not self.ending.is_set():
                self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Do nothing: a client that has gone away or talks nonsense must not disturb the others."""


class UDPListener(Listener, socketserver.UDPServer):
    """Our UDP server."""


class TCPListener(Listener, socketserver.TCPServer):
    """Our TCP server."""

    request_queue_size = 128

    def get_request(self) -> tuple[socket.socket, tuple]:
        client, address = super().get_request()
        return Connection(fileno=client.detach()), address


class Connection(socket.socket):
    """A connection to a TCP client, which has `TCP_TIMEOUT` seconds in all to put its question."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._deadline = time.monotonic() + TCP_TIMEOUT

    def recv(self, size: int) -> bytes:
        self.settimeout(max(self._deadline - time.monotonic(), 0.001))
        return super().recv(size)


def _listening(resolver: BaseResolver) -> tuple[DNSServer, DNSServer]:
    """Return a UDP and a TCP server on one and the same port of loopback."""
    for port in (*FIRST_PORTS, *[0] * TRIES):
        try:
            udp = _server(UDPListener, port, resolver)
        except OSError as error:
            reason = error
            continue
        try:
            return udp, _server(TCPListener, udp.server.server_address[1], resolver)
        except OSError as error:
            reason = error
            udp.server.server_close()
    raise OSError(
        f"no port free for a name server on {ADDRESS} ({reason}). Close other programs that use "
        "the network, or restart the kernel, and try again."
    )


def _server(listener: type[Listener], port: int, resolver: BaseResolver) -> DNSServer:
    """Return a server that is bound to a port, and has no thread yet. It logs nothing."""
    silent = DNSLogger("-request,-reply,-truncated,-error")
    return DNSServer(resolver, ADDRESS, port, logger=silent, server=listener)


# --- The answers ---------------------------------------------------------------------------------


class Resolver(BaseResolver):
    """Knows the answers, and notes each question in `questions`."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def resolve(self, request: DNSRecord, handler: DNSHandler | None) -> DNSRecord:
        """Return the reply to one request.

        Raises DNSError, so that no reply is sent, for what is no question and for `SILENT`.
        """
        # A reply must never be replied to: two servers would keep each other busy for ever.
        if request.header.qr or len(request.questions) != 1:
            raise DNSError("this is no question")
        question = request.q
        name = str(question.qname).rstrip(".")
        self.questions.append(Question(time.perf_counter(), name, QTYPE.get(question.qtype)))
        if question.qname == DNSLabel(SILENT):
            raise DNSError("this name is never answered")
        # A resolver says "I asked around for you" (RA), and not "this zone is mine" (AA).
        reply = request.reply(ra=1, aa=0)
        if request.header.opcode != 0 or question.qclass != CLASS.IN:
            reply.header.rcode = RCODE.NOTIMP
        else:
            reply.header.rcode, answers, extra = look_up(question.qname, question.qtype)
            reply.add_answer(*answers)
            reply.add_ar(*extra)
        return reply


def look_up(name: DNSLabel, qtype: int) -> tuple[int, list[RR], list[RR]]:
    """Return (code, answers, extra records) for one question.

    The code is NXDOMAIN for a name that does not exist and NOERROR for one that does, whether it
    has records of this type or not (RFC 2308). An alias is followed to its end (RFC 1034, 3.6.2).
    The extra records are the addresses of the mail servers in the answer.
    """
    answers: list[RR] = []
    while True:
        same_name = [record for record in RECORDS if record.rname == name]
        found = [record for record in same_name if qtype in (record.rtype, QTYPE.ANY)]
        alias = [record for record in same_name if record.rtype == QTYPE.CNAME]
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
