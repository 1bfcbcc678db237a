"""On a machine that others use too, we run nothing that we read and answer nobody from outside.

Other files hold more of this: `tests/parent/test_folders.py` that log folders are private and safe
against planted links, `tests/test_nameserver.py` that the name server withstands noise,
`tests/test_cluster.py` and `tests/lessons/test_lesson_13.py` that Dask stays on loopback.
"""

import ast
import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dnslib import DNSRecord

import helpers
import start
from helpers.nameserver import NameServer
from helpers.observed import get_context
from tests.support.methods import METHODS
from tests.support.within import until, within

ROOT = Path(helpers.__file__).parent.parent
ROOMS = {
    path.stem: ast.parse(path.read_text("utf-8"))
    for path in sorted(Path(helpers.__file__).parent.rglob("*.py"))
    if path.stem != "mine"  # its student's
}
LONG = 60
"""Seconds that a call may take which must not hang: a limit, not a measurement."""

# Nothing that is read is unpickled or evaluated

RUNS_WHAT_IT_READS = {
    "eval", "exec", "compile", "__import__", "load", "loads", "Unpickler", "run_path", "run_module",
    "allow_pickle", "literal_eval",
}  # fmt: skip
"""Functions, and an option of numpy, that turn bytes into more than data."""

HARMLESS = {"json.loads", "json.load", "re.compile"}

OWN_PIPE = "a task, from the pipe of its own pool"
ALLOWED = {
    ("transfers", "ForkingPickler.loads"): OWN_PIPE,
    ("unpickling", "pickle.Unpickler"): OWN_PIPE,
    ("unpickling", "unpickler.load"): OWN_PIPE,
    ("tasks", "pickle.loads"): "lesson 7: what the lesson itself has pickled, a cell before",
}
"""The calls that are allowed, and where their bytes come from: never from a file."""


def what_runs_things(tree: ast.Module) -> set[str]:
    """Return the names in a room, as written there, that turn bytes into more than data."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in RUNS_WHAT_IT_READS:
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Name) and node.id in RUNS_WHAT_IT_READS:
            if isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, ast.keyword) and node.arg in RUNS_WHAT_IT_READS:
            found.add(node.arg)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names} & RUNS_WHAT_IT_READS
    return found - HARMLESS


def test_nothing_that_is_read_is_unpickled_or_evaluated() -> None:
    found = {(room, name) for room, tree in ROOMS.items() for name in what_runs_things(tree)}
    assert found - ALLOWED.keys() - {("transfers", "loads")} == set()
    assert ALLOWED.keys() <= found, "it is allowed but no longer there"


@pytest.mark.parametrize(
    "code",
    [
        "pickle.load(file)", "from pickle import loads", "eval(text)", "np.load(p, allow_pickle=1)",
        "yaml.load(f)", "marshal.loads(b)", "run = exec", "runpy.run_path(p)", "pickle.Unpickler",
    ],
)  # fmt: skip
def test_the_check_sees_what_it_looks_for(code: str) -> None:
    assert what_runs_things(ast.parse(code))


def test_no_room_knows_a_library_whose_files_can_run_code() -> None:
    banned = {"marshal", "shelve", "yaml", "dill", "cloudpickle", "joblib", "dbm"}
    for room, tree in ROOMS.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {name.partition(".")[0] for name in names}, room


def test_a_file_named_like_a_log_that_holds_a_pickle_is_no_more_than_bytes(tmp_path) -> None:
    """Loading the pickle would create a file."""
    from helpers.logs.reader import read_timeline

    proof = tmp_path / "proof"
    bomb = b"cbuiltins\nopen\n(V" + str(proof).encode() + b"\nVw\ntR."
    (tmp_path / f"{os.getpid()}-1.0.log").write_bytes(bomb)
    assert read_timeline(str(tmp_path)).processes == []
    assert not proof.exists()


# Log folders


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
@pytest.mark.parametrize("method", METHODS)
def test_no_log_can_be_read_by_others_whoever_wrote_it(method: str) -> None:
    """The same holds for the child's files, and with any umask."""
    before = os.umask(0)
    try:
        mp = get_context(method)
        with mp.Pool(1) as pool:
            pool.apply(abs, (-1,))
        folder = Path(mp.watcher.recorder.folder)
        assert len(list(folder.iterdir())) == 2
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == os.getuid()
        assert folder.parent == Path(tempfile.gettempdir())
    finally:
        os.umask(before)


# Servers


def test_only_the_name_server_can_listen() -> None:
    """Whoever adds another server must look at this test. (Dask's servers are programs.)"""
    servers = {
        "socket", "socketserver", "http.server", "asyncio", "tornado", "xmlrpc.server",
        "dnslib.server",
    }  # fmt: skip
    listening = {
        room
        for room, tree in ROOMS.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and servers & {alias.name for alias in node.names})
        or (isinstance(node, ast.ImportFrom) and node.module in servers)
    }
    assert listening == {"nameserver"}


def other_addresses() -> list[str]:
    """Return the addresses of this machine that others can reach."""
    everything = (address for addresses in psutil.net_if_addrs().values() for address in addresses)
    return [
        address.address
        for address in everything
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]


def test_the_name_server_answers_nobody_but_loopback() -> None:
    addresses = other_addresses()
    if not addresses:
        pytest.skip("this machine has no address but loopback's")
    question = DNSRecord.question("www.python.org").pack()
    with NameServer() as server:
        assert server.address == "127.0.0.1"
        assert server.port not in (0, 53) or sys.platform == "win32"
        for address in addresses:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(0.2)
                with contextlib.suppress(OSError):  # refused, or no answer
                    client.sendto(question, (address, server.port))
                    pytest.fail(f"{address} has answered: {client.recv(512)}")
            with contextlib.suppress(OSError):
                socket.create_connection((address, server.port), timeout=LONG).close()
                pytest.fail(f"{address} takes connections")
        assert server.questions == []


def test_a_flood_of_noise_and_of_half_open_connections_ends_no_name_server() -> None:
    noise = [bytes([n % 256]) * (n % 600) for n in range(500)]
    before = set(threading.enumerate())
    with NameServer() as server, contextlib.ExitStack() as clients:
        where = server.address, server.port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for packet in noise:
                client.sendto(packet, where)
        for packet in noise[:2]:  # these clients send something and stay connected
            client = clients.enter_context(socket.create_connection(where, timeout=LONG))
            client.sendall(packet)
        assert len(answer_of(where, tcp=True).rr) == 2
        threads = set(threading.enumerate()) - before
        assert len(threads) == 2, "no thread for each client"
        until(lambda: len(answer_of(where, tcp=False).rr) == 2)
    assert not any(thread.is_alive() for thread in threads)


def answer_of(where: tuple[str, int], tcp: bool) -> DNSRecord:
    """Return the server's answer, or an empty one where UDP lost the question in the flood."""
    try:
        question = DNSRecord.question("www.python.org")
        return DNSRecord.parse(question.send(*where, tcp=tcp, timeout=LONG if tcp else 1))
    except TimeoutError:
        return DNSRecord()


# JupyterLab

WEAKER = re.compile(r"token|password|allow|disable_check|\bip\b|certfile|root\b|remote", re.I)


def test_jupyterlab_is_started_with_nothing_that_weakens_it() -> None:
    assert not [option for option in start.LAB if WEAKER.search(option)]


@pytest.fixture
def lab(tmp_path) -> Iterator[str]:
    """Start JupyterLab as `start.py` does; yield the address that it prints for its student."""
    environment = dict(os.environ, JUPYTER_CONFIG_DIR=str(tmp_path), JUPYTER_NO_CONFIG="1")
    environment.pop("JUPYTER_TOKEN", None)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, *start.LAB, "--no-browser", f"--port={port}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container; a student is not root
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            address = within(LONG, address_in, server.stderr)
            within(LONG, wait_for, address)
            yield address
        finally:
            server.terminate()
            server.stderr.read()


def address_in(lines) -> str:
    for line in lines:
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\S*\?(token=\w{32,})", line):
            return f"{found[1]}/api/kernels?{found[2]}"
    raise AssertionError("JupyterLab has not said its address")


def wait_for(address: str) -> None:
    """Wait until the server listens: it prints its address a moment before."""
    while True:
        try:
            urllib.request.urlopen(address, timeout=LONG).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return


@pytest.mark.slow
def test_jupyterlab_wants_its_token(lab: str) -> None:
    with urllib.request.urlopen(lab, timeout=LONG) as answer:
        assert answer.status == 200
    for without in (lab.partition("?")[0], re.sub(r"token=.", "token=x", lab)):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(without, timeout=LONG)
