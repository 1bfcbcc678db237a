"""Stand in for `nslookup` on machines that have none: `python -m helpers.programs.nslookup`.

This is a program of its own, as nslookup is: lessons 4 and 5 start it from outside and talk to it
through pipes. It takes the same arguments, holds the same dialogue and formats its answers as the
nslookup of BIND 9.18 does. Its first line says that it is not the real one.

It can do what the lessons need and no more: names and addresses, the types below, the options
`port`, `timeout`, `retry` and `type`. The server has to be named.
"""

import ipaddress
import signal
import sys

from dnslib import QTYPE, RCODE, DNSError, DNSRecord
from dnslib.label import DNSLabelError

FIRST_LINE = "This is the course's stand-in for nslookup, written in Python. It is not nslookup."
USAGE = (
    "usage: python -m helpers.programs.nslookup"
    " [-port=N] [-type=T] [-timeout=S] [-retry=N] NAME SERVER"
)
TYPES = ("a", "aaaa", "cname", "mx", "ptr")


class Session:
    """One run of the program: its server, its options, and whether its lookups have worked."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.numbers = {"port": 53, "timeout": 5, "retry": 3}  # BIND's own defaults
        self.type = ""  # not chosen: ask for A, then for AAAA
        self.answered = self.failed = False

    @property
    def exit_code(self) -> int:
        """0 if there were questions and every reply was without an error, else 1."""
        return 0 if self.answered and not self.failed else 1

    def set(self, option: str) -> None:
        """Carry out `set OPTION` or the argument `-OPTION`: type=mx, timeout=2, ..."""
        key, sign, value = option.partition("=")
        if not sign:
            print(f"*** Invalid option: {option}")
        elif key in ("q", "type", "querytype") and value.lower() in TYPES:
            self.type = value.lower()
        elif key in ("q", "type", "querytype"):
            print(f"unknown query type: {value}")
        elif key in self.numbers and value.isdecimal() and len(value) < 6 and int(value) < 1 << 16:
            self.numbers[key] = int(value)  # a greater number is no port
        else:
            print(f"*** Invalid option: {option}")

    def look_up(self, name: str) -> None:
        """Ask about one name or one address, and print the answer."""
        if is_address(name):
            pointer = ipaddress.ip_address(name).reverse_pointer
            self.ask(pointer, "ptr", header=bool(self.type))
        elif self.type:
            self.ask(name, self.type)
        else:
            reply = self.ask(name, "a", complain=False)
            if reply is None:
                return
            canonical = str(reply.rr[-1].rname if reply.rr else name)
            second = self.ask(canonical, "aaaa", header=False, complain=False)
            if second is not None and not reply.rr and not second.rr:
                print(f"*** Can't find {name}: No answer")

    def ask(
        self, name: str, kind: str, header: bool = True, complain: bool = True
    ) -> DNSRecord | None:
        """Send one question, print the reply and return it; None for an error or no reply."""
        try:
            question = DNSRecord.question(name, kind.upper())
            question.pack()
        except (DNSLabelError, UnicodeError):
            print(f"nslookup: '{name}' is not a legal name", file=sys.stderr)
            sys.exit(10)  # as the real one does
        reply = self.send(question)
        if reply is None:
            self.failed = True
            print(";; no servers could be reached")
            return None
        if header:
            print(f"Server:\t\t{self.server}\nAddress:\t{self.server}#{self.numbers['port']}\n")
        if reply.header.rcode != RCODE.NOERROR:
            self.failed = True
            print(f"** server can't find {name}: {RCODE.get(reply.header.rcode)}")
            return None
        self.answered = True
        if header and not reply.header.aa:
            print("Non-authoritative answer:")
        for record in reply.rr:
            print(answer_line(record))
        if complain and not reply.rr:
            print(f"*** Can't find {name}: No answer")
        if kind not in ("a", "aaaa"):
            print("\nAuthoritative answers can be found from:")
            for record in reply.ar:
                print(extra_line(record))
        return reply

    def send(self, question: DNSRecord) -> DNSRecord | None:
        """Send a question until a reply comes; None if none does."""
        port, timeout = self.numbers["port"], self.numbers["timeout"]
        for _ in range(max(1, self.numbers["retry"])):
            try:
                return DNSRecord.parse(question.send(self.server, port, timeout=timeout))
            except (OSError, DNSError) as error:
                problem = error  # "timed out", most likely
            print(f";; communications error to {self.server}#{port}: {problem}")
        return None


def answer_line(record) -> str:
    """Return one record of the answer as BIND's nslookup writes it."""
    name = str(record.rname).rstrip(".")
    match record.rtype:
        case QTYPE.A | QTYPE.AAAA:
            return f"Name:\t{name}\nAddress: {shortest(record)}"
        case QTYPE.CNAME:
            return f"{name}\tcanonical name = {record.rdata.label}"
        case QTYPE.MX:
            return f"{name}\tmail exchanger = {record.rdata.preference} {record.rdata.label}"
        case QTYPE.PTR:
            return f"{name}\tname = {record.rdata.label}"
    return f"{name}\t{QTYPE.get(record.rtype)} = {record.rdata}"


def extra_line(record) -> str:
    """Return one additional record as BIND's nslookup writes it."""
    name = str(record.rname).rstrip(".")
    link = "has AAAA address" if record.rtype == QTYPE.AAAA else "internet address ="
    return f"{name}\t{link} {shortest(record)}"


def shortest(record) -> str:
    """Return the address in its usual short spelling: 2001:888:2000:d::a6."""
    return str(ipaddress.ip_address(str(record.rdata)))


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def talk(session: Session) -> None:
    """Hold the dialogue: one command or one name a line, until `exit` or the end of stdin.

    Like the real one it does not flush: through a pipe, the answers come when the program ends.
    """
    for line in sys.stdin:
        command, *rest = line.split() or [""]
        if command == "exit":
            return
        if command == "set" and rest:
            session.set(rest[0])
        elif command:
            session.look_up(command)


def main(arguments: list[str]) -> int:
    """Run the program; return its exit code."""
    print(FIRST_LINE, flush=True)  # at once: it must be seen even if the program is stopped early
    options = [text[1:] for text in arguments if text.startswith("-") and text != "-"]
    names = [text for text in arguments if text == "-" or not text.startswith("-")]
    if len(names) != 2 or not is_address(names[1]):
        print(USAGE)
        return 1
    name, server = names
    session = Session(server)
    for option in options:
        session.set(option)
    if name == "-":
        talk(session)
    else:
        session.look_up(name)
    print()
    return session.exit_code


if __name__ == "__main__":
    # An interrupt ends it without a traceback, and every name can be printed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    sys.stdout.reconfigure(write_through=False)  # whatever PYTHONUNBUFFERED says: see talk()
    sys.exit(main(sys.argv[1:]))
