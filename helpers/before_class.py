"""Check before class whether this machine has all that the course needs.

`python3 start.py check` prints the check, and notebook 00 shows it. Only the standard library is
imported here, so the check also runs on a machine where nothing has been installed yet.
"""

import importlib.metadata
import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

from helpers import machine
from helpers.parent import sockets

COURSE = Path(__file__).resolve().parent.parent

OLDEST_PYTHON = (3, 11)
DISK_NEEDED = 200 * 10**6  # bytes: the flight recorder keeps a few MB for each process of a lesson
MEMORY_WANTED = 10**9  # bytes: JupyterLab, one kernel and eight workers, with room to breathe
POOL_SECONDS = 20.0  # a Pool answers within a second; this is for a machine under heavy load

OK, WORTH_KNOWING, FAILED = "ok", "worth knowing", "FAILED"


class Check(NamedTuple):
    """The result of one check: its state, what was found, and the one thing to do about it."""

    name: str
    state: str
    found: str
    remedy: str = ""


def pre_class_check() -> list[Check]:
    """Check everything that a lesson needs. The Pools take most of the few seconds."""
    return [
        check_python(),
        check_packages(),
        check_imports(),
        check_start_methods(),
        check_cores(),
        check_nslookup(),
        check_disk(),
        *check_sockets(),
        check_locks(),
        *check_memory(),
        *check_pools(),
    ]


def as_text(checks: list[Check]) -> str:
    """Return the checks as a table, each remedy below its line, and a verdict."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.state:13}  {check.name:{width}}  {check.found}")
        if check.remedy:
            lines.append(f"{'':13}  {'':{width}}  to do: {check.remedy}")
    failed = sum(check.state == FAILED for check in checks)
    lines.append("")
    if failed:
        lines.append(
            f"{failed} of {len(checks)} checks failed: do what the line says, then check again."
        )
    else:
        lines.append("Nothing failed. This machine is ready for class.")
    return "\n".join(lines)


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Check whether this Python is new enough for the course."""
    found = f"{'.'.join(map(str, version))} on {platform.system()}"
    if version < OLDEST_PYTHON:
        return Check("Python", FAILED, found, "Install Python 3.11 or newer.")
    return Check("Python", OK, found)


def check_packages(requirements: Path = COURSE / "requirements.txt") -> Check:
    """Check whether all of requirements.txt is installed, in versions that it allows."""
    pins = re.findall(r"^([\w-]+)\s*~=\s*(\d+(?:\.\d+)*)", machine.read(requirements), re.MULTILINE)
    wrong = []
    for name, pin in pins:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
        else:
            if not is_compatible(version, pin):
                wrong.append(f"{name} is {version}, wanted ~={pin}")
    if wrong:
        remedy = (
            "Run `python3 start.py` in the course's folder."
            " On a hub, Binder or Colab: `python -m pip install -r requirements.txt` there."
        )
        return Check("packages", FAILED, "; ".join(wrong), remedy)
    return Check("packages", OK, f"all {len(pins)} of {requirements.name} are installed")


def is_compatible(version: str, pin: str) -> bool:
    """Return whether `version` satisfies `~=pin`: "8.1.9" is a compatible release of "8.1".

    Source: the packaging specification on version specifiers, "Compatible release".
    """
    have = [int(number) for number in re.findall(r"\d+", version)]
    want = [int(number) for number in pin.split(".")]
    return have >= want and have[: len(want) - 1] == want[:-1]


AS_A_LESSON = """
import os, sys
sys.path.insert(sys.path.index(os.path.dirname(os.__file__)) + 1, "")
from helpers import in_the_way
in_the_way.check_imports()
print(os.path.dirname(os.path.dirname(in_the_way.__file__)))
"""
"""A program that imports as a lesson's first cell does: a kernel looks in its own folder, too."""


def check_imports(notebooks: Path = COURSE / "notebooks") -> Check:
    """Check whether lessons would import this course and the libraries, and no other files."""
    exitcode, found, said = run_in_a_process(AS_A_LESSON, 30, folder=notebooks)
    if exitcode != 0:
        remedy = (
            "Give that file another name, or take its folder from PYTHONPATH."
            " If no file is named: run `python3 start.py` in the course's folder."
        )
        last_words = "".join(said.strip().splitlines()[-1:]) or "no answer"
        return Check("imports", FAILED, last_words, remedy)
    if not os.path.samefile(found.strip(), COURSE):
        remedy = "Take that folder from PYTHONPATH, or install this course there."
        return Check("imports", FAILED, f"lessons would use the course in {found.strip()}", remedy)
    return Check("imports", OK, "no file has the name of a library")


def check_start_methods(environ: Mapping[str, str] = os.environ) -> Check:
    """Check which start methods there are, and which one the lessons use."""
    available, default = machine.start_methods(), machine.default_start_method(environ)
    if default not in available:
        remedy = f"Unset START_METHOD, or set it to one of {', '.join(available)}."
        return Check("start methods", FAILED, f"START_METHOD={default} is not available", remedy)
    return Check("start methods", OK, f"{', '.join(available)}; the lessons use {default}")


def check_cores() -> Check:
    """Check how many cores this seat has, and what sets that number."""
    cores = machine.usable_cores()
    if cores.count == 1:
        found = f"{cores}. Sleeping tasks still overlap, busy ones take turns"
        return Check("usable cores", WORTH_KNOWING, found)
    return Check("usable cores", OK, str(cores))


def check_nslookup() -> Check:
    """Check whether lessons 4 and 5 have their nslookup. Without it they run a stand-in."""
    program = shutil.which("nslookup")
    if program is None:
        remedies = {
            "Linux": "Debian, Ubuntu: `sudo apt install bind9-dnsutils`."
            " Fedora: `sudo dnf install bind-utils`.",
            "Darwin": "`brew install bind`.",
        }
        remedy = remedies.get(platform.system(), "Put the folder of nslookup.exe on the PATH.")
        return Check("nslookup", WORTH_KNOWING, "not found: lessons 4 and 5 run a stand-in", remedy)
    return Check("nslookup", OK, " ".join([program, nslookup_version(program)]).strip())


def nslookup_version(program: str) -> str:
    """Return the version that nslookup prints, or nothing: that of Windows prints none."""
    if platform.system() == "Windows":
        return ""
    try:
        answer = subprocess.run(
            [program, "-version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # BIND's nslookup prints its version there
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = re.search(r"nslookup (\d\S*)", answer.stdout)
    return version[1] if version else ""


def check_disk(folder: Path | None = None) -> Check:
    """Check whether the flight recorder can write to the temporary folder and has room there."""
    folder = folder or Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 10**6)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        remedy = "Empty that folder, or let TMPDIR (on Windows: TEMP) name another."
        return Check("disk", FAILED, f"cannot write to {folder}: {error.strerror}", remedy)
    found = f"{gigabytes(free)} free in {folder}"
    if free < DISK_NEEDED:
        return Check("disk", FAILED, found, f"Free {gigabytes(DISK_NEEDED)} there.")
    return Check("disk", OK, found)


def check_sockets() -> list[Check]:
    """Check whether managers and fork servers can have their sockets. Windows needs none.

    They lie in the temporary folder, and the system limits the length of a socket's path.
    """
    if platform.system() == "Windows":
        return []
    usual = tempfile.gettempdir()
    try:
        folder = os.path.dirname(sockets.socket_folder())
        connection.Listener(family="AF_UNIX").close()
    except OSError as error:
        found = f"cannot be made in {usual}: {error}"
        remedy = "Let TMPDIR name a folder with a shorter path, such as /tmp."
        return [Check("sockets", FAILED, found, remedy)]
    if folder != usual:
        return [
            Check("sockets", OK, f"are made in {folder}: the path {usual} is too long for them")
        ]
    return [Check("sockets", OK, "can be made in the temporary folder")]


def check_locks() -> Check:
    """Check whether processes can share a lock, as every Pool does."""
    try:
        multiprocessing.Lock()
    except OSError as error:
        remedy = (
            "On Linux, /dev/shm must be writable and not full: see `df /dev/shm`."
            " In a container, ask for more with --shm-size."
        )
        return Check("locks", FAILED, f"cannot be made: {error.strerror}", remedy)
    return Check("locks", OK, "can be shared by processes")


def check_memory(free: int | None = None) -> list[Check]:
    """Check for memory for a few workers. Only Linux tells, so elsewhere there is no such check."""
    free = machine.free_memory() if free is None else free
    if free is None:
        return []
    if free < MEMORY_WANTED:
        remedy = "Close other programs and kernels, and keep to four workers."
        return [Check("memory", WORTH_KNOWING, f"only {gigabytes(free)} free", remedy)]
    return [Check("memory", OK, f"{gigabytes(free)} free")]


def gigabytes(size: float) -> str:
    """Return a number of bytes as text in gigabytes."""
    return f"{size / 10**9:.1f} GB"


def check_pools() -> list[Check]:
    """Check whether a real Pool answers under each start method. The lessons' method must."""
    default = machine.default_start_method()
    return [check_pool(method, needed=method == default) for method in machine.start_methods()]


def check_pool(method: str, needed: bool, seconds: float = POOL_SECONDS) -> Check:
    """Start a Pool of two under one method and wait for its answer, at most `seconds`.

    A Pool that cannot work does not fail, it hangs. So it runs in a process that can be thrown
    away. That process ends itself in time (see `run_a_pool`); the longer limit here is for one that
    cannot even begin.
    """
    began = time.perf_counter()
    program = f"from helpers.before_class import run_a_pool; run_a_pool({method!r}, {seconds})"
    found = what_the_pool_said(*run_in_a_process(program, seconds + 10), seconds)
    name = f"Pool, {method}"
    if not found:
        return Check(name, OK, f"answered in {time.perf_counter() - began:.1f} s")
    return Check(name, FAILED if needed else WORTH_KNOWING, found, remedy_for_a_pool())


def remedy_for_a_pool() -> str:
    """Return what to do about a Pool that fails: first whatever else it needs must be there."""
    for check in (check_locks(), *check_sockets()):
        if check.state != OK:
            return check.remedy
    return (
        "Close other programs, or restart the server of this seat, and check again."
        " If it fails again, show this line to your teacher."
    )


def run_in_a_process(
    program: str,
    seconds: float,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[int | None, str, str]:
    """Run Python text in a new process. Return its exit code, stdout and stderr.

    After `seconds` it is killed, and the exit code is None. `environ` adds to the environment.
    Python looks for modules in the course's folder, or in those that the program adds if it is to
    run in another `folder`.
    """
    try:
        answer = subprocess.run(
            [sys.executable, *(["-P"] if folder else []), "-c", program],
            cwd=folder or COURSE,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return None, "", ""
    return answer.returncode, answer.stdout, answer.stderr


def what_the_pool_said(exitcode: int | None, stdout: str, stderr: str, seconds: float) -> str:
    """Return in one line what went wrong with the Pool, or nothing if it answered."""
    if exitcode in (None, GAVE_UP):
        return f"no answer in {seconds:g} s"
    if exitcode == 0 and stdout.split() == ["1", "2", "3", "4"]:
        return ""
    last_words = (stderr.strip() or stdout.strip()).splitlines()[-1:]
    return f"ended with exit code {exitcode}: {''.join(last_words)}"


GAVE_UP = 3  # the exit code of a Pool's process that ran out of time


def run_a_pool(method: str, seconds: float) -> None:
    """Print what a Pool of two answers. This is called in a process that can be thrown away."""
    watchdog = threading.Timer(seconds, give_up)
    watchdog.daemon = True
    watchdog.start()
    with multiprocessing.get_context(method).Pool(2) as pool:
        print(*pool.map(abs, [-1, -2, -3, -4], chunksize=1))
    watchdog.cancel()


def give_up() -> None:
    """End this process and its workers at once, even if they wait for something."""
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(GAVE_UP)


def main(*set_up: str) -> int:
    """Print the pre-class check. Return 0 if nothing failed, else 1.

    Args:
        set_up: where start.py saw its own set-up fail, the name, finding and remedy of that check.
    """
    checks = pre_class_check()
    if set_up:
        name, found, remedy = set_up
        checks.insert(0, Check(name, FAILED, found, remedy))
    print(as_text(checks))
    return int(any(check.state == FAILED for check in checks))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
