"""Ask a name server with `nslookup`, and read what it answers, alike on every platform.

    with NameServer() as server:
        done = subprocess.run(nslookup_command(server, "www.python.org"), ...)
    answers(done.stdout)

Lessons 4 and 5 run the machine's own `nslookup` against the course's `NameServer`. Where there is
none that can do this, a stand-in from `programs/` plays its part and says so.
"""

import ipaddress
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from helpers.nameserver import ADDRESS, DNS_PORT, NameServer

STAND_IN = (sys.executable, "-m", "helpers.programs.nslookup")


class Nslookup(NamedTuple):
    """The program that plays nslookup on this machine."""

    command: tuple[str, ...]  # ("nslookup",), or how to start the stand-in
    stand_in: bool
    note: str  # one or two sentences for the student


def find_nslookup(server: NameServer) -> Nslookup:
    """Return the machine's own nslookup if it can talk to `server`, else the stand-in.

    It is not enough that one is installed: some versions cannot be told a port, and some have no
    dialogue. So it is tried once, on the questions of lessons 4 and 5. The trial takes about 0.1 s.
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
    return command_line(find_nslookup(server).command, server.port, arguments)


def command_line(program: Iterable[str], port: int, arguments: Iterable[str]) -> list[str]:
    """Return the command line that runs a certain nslookup against the server on a port."""
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
    """Return whether the nslookup at `path` brings the expected answers from our server."""
    for arguments, lines, facts in _TRIALS:
        command = command_line([path], port, arguments)
        try:
            done = subprocess.run(command, input=lines, capture_output=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if answers(done.stdout.decode(errors="replace")) != facts:
            return False
    return True


# How nslookup writes records: BIND's on Linux and macOS, and that of Windows where it differs.
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
            # nslookup begins with the address of its server, and repeats it before each answer.
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
