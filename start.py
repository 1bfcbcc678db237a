"""Set up Processes in Plain Sight and open it.

python3 start.py [options of JupyterLab]   open the course in the browser
python3 start.py test [options of pytest]  run every test: helpers, notebooks, the rest
python3 start.py check                     the pre-class check: is this machine ready?
python3 start.py bench [NAME ...]          measure what the course costs; --json FILE keeps it

The first run makes a virtual environment in .venv and installs what requirements.txt lists, which
takes a few minutes and needs the network. Later runs install nothing, unless that list changed.
"""

import sys

# This comes before everything else, so that an old Python gets this far. No newer syntax below!
if sys.version_info < (3, 11):
    sys.exit(
        "This course needs Python 3.11 or newer, and this is Python %d.%d: install a newer one"
        " from python.org or your system's packages, then start again with it, for example"
        " `python3.13 start.py`." % sys.version_info[:2]
    )

import hashlib
import importlib.util
import json
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
STAMP = VENV / "start-stamp.txt"  # says what was installed; written when all of it was
LOG = VENV / "start-log.txt"  # what pip said
UNFINISHED = "unfinished"

TWO_AT_A_TIME = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
"""Tests mostly wait. Those of one file, and the cells of one notebook, stay in one process; what
tests/support/alone.py puts last stays last.
"""

LAB = [
    "-m",
    "jupyterlab",
    "--ServerApp.root_dir=.",  # the file browser shows the whole course
    "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
]


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    command = arguments[0] if arguments else ""
    if command in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if command == "test":
        set_up("test", "dask")  # lesson 13 runs without Dask, but then there is nothing to test
        return run(PYTHON, "-m", "pytest", *TWO_AT_A_TIME, *arguments[1:])
    if command == "bench":
        set_up("bench")
        return run(PYTHON, "-m", "benchmarks", *arguments[1:])
    if command == "check":
        return check()
    if command and not command.startswith("-") and not Path(command).exists():
        sys.exit(
            f"start.py knows `test`, `check` and `bench`, but not `{command}`: see start.py --help."
        )
    set_up()
    return run(PYTHON, *LAB, *arguments)


# --- the set-up -----------------------------------------------------------------------------------


def set_up(*extras: str) -> None:
    """Bring .venv up to date: requirements.txt, and the wanted extras of pyproject.toml."""
    make_mine()
    if is_ready(*extras):
        return
    if venv_version() != this_version() or stamped() == [UNFINISHED]:
        make_venv()
    install(*extras)


def is_ready(*extras: str) -> bool:
    """Tell whether .venv holds everything wanted, by its stamp alone: it takes no time."""
    return PYTHON.exists() and wanted(*extras) <= set(stamped())


def wanted(*extras: str) -> set[str]:
    """Return the fingerprints that the stamp must hold: of the basic list, and of each extra."""
    return {fingerprint(), *(fingerprint(extra) for extra in extras)}


def fingerprint(extra: str = "") -> str:
    """Return a hash that changes when something has to be installed anew.

    The folder belongs to it, since a virtual environment does not survive that its folder is moved.
    """
    requirements = (HERE / "requirements.txt").read_text(encoding="utf-8")
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = project["optional-dependencies"][extra] if extra else []
    everything = [requirements, extra, packages, this_version(), str(HERE)]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def stamped() -> list[str]:
    """Return the lines of the stamp, none where there is no stamp."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def this_version() -> str:
    """Return the version of the Python that runs this file, such as "3.13"."""
    return "%d.%d" % sys.version_info[:2]


def venv_version() -> str:
    """Return the version of .venv's Python, or nothing where that Python or its pip is broken."""
    program = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def make_venv() -> None:
    """Make .venv from nothing. What is left of an earlier one goes first."""
    if not (has_module("venv") and has_module("ensurepip")):
        sys.exit(
            "This Python has no complete `venv` module: install it (on Debian and Ubuntu by"
            f" `sudo apt install python{this_version()}-venv`, elsewhere with the Python from"
            " python.org), then start again."
        )
    print(f"Making a virtual environment in {VENV} ...", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", VENV]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        sys.exit(
            f"Python could not make {VENV}: {last_line(made.stdout)}."
            " See that this folder can be written to and that the disk has room, then start again."
        )


def has_module(name: str) -> bool:
    """Tell whether this Python has a module, without importing it."""
    return importlib.util.find_spec(name) is not None


def install(*extras: str) -> None:
    """Let pip install everything wanted, and write the stamp when all of it is there.

    While pip works the stamp says "unfinished". If the set-up is broken off here, the next run
    finds that word and begins with a new .venv. If pip itself gives up, it has put everything back
    as it was, and so do we with the stamp: what worked before still works.
    """
    before = stamped()
    write_stamp([UNFINISHED])
    wishes = ["-r", "requirements.txt"]
    for extra in extras:
        wishes += ["-e", f".[{extra}]"]
    print("Installing packages. The first time this takes a few minutes ", end="", flush=True)
    exitcode = pip("install", *wishes)
    if exitcode != 0:
        write_stamp(before)
        sys.exit(explain(LOG.read_text(encoding="utf-8")))
    switch_the_news_off()
    write_stamp(sorted(wanted(*extras)))


def write_stamp(lines: list[str]) -> None:
    """Replace the stamp."""
    STAMP.write_text("\n".join(lines), encoding="utf-8")


def pip(*arguments: str) -> int:
    """Run .venv's pip, show a dot for each package, keep what it says in LOG. Return its code."""
    process = subprocess.Popen(
        # Two retries: who has no network should not wait a minute to be told so.
        [PYTHON, "-m", "pip", "--disable-pip-version-check", "--retries=2", *arguments],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    with process, LOG.open("w", encoding="utf-8") as log:
        for line in process.stdout:
            log.write(line)
            if line.startswith("Collecting "):
                print(".", end="", flush=True)
    print(flush=True)
    return process.returncode


def explain(log: str) -> str:
    """Return one line: why pip gave up, and what to do."""
    if "No space left on device" in log:
        return "The disk is full: free 2 GB, then start again."
    if "connection" in log.lower() or "(from versions: none)" in log:
        return (
            "The packages could not be fetched, and this run needs the network: connect this"
            f" computer, then start again. (pip's own words are in {LOG}.)"
        )
    errors = [line for line in log.splitlines() if line.startswith("ERROR")]
    return (
        f"pip could not install the packages: {last_line(chr(10).join(errors) or log)}."
        f" Read {LOG}, or show it to your teacher, then start again."
    )


def last_line(text: str) -> str:
    """Return the last line of a program's words that is not empty, without its full stop."""
    lines = text.strip().splitlines() or ["it did not say why"]
    return lines[-1].strip().rstrip(".")


def switch_the_news_off() -> None:
    """Keep JupyterLab from asking every newcomer whether it may fetch news."""
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    news = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    (settings / "overrides.json").write_text(json.dumps(news), encoding="utf-8")


def make_mine() -> None:
    """Give the student a file for their own worker functions. It is never overwritten."""
    mine = HERE / "helpers" / "mine.py"
    if not mine.exists():
        shutil.copyfile(HERE / "helpers" / "mine_template.py", mine)


# --- running things -------------------------------------------------------------------------------


def check() -> int:
    """Print the pre-class check. Return 0 if nothing failed, else 1."""
    ready = is_ready()
    if not ready:
        print("FAILED         set-up: .venv is missing or not up to date")
        print("               to do: Run `python3 start.py` once, with the network.\n", flush=True)
    python = PYTHON if venv_version() else sys.executable
    return run(python, "-m", "helpers.before_class") or int(not ready)


def run(*command: str | Path) -> int:
    """Run a program to its end and return its exit code.

    Ctrl-C reaches the program as well as us. It knows how to end itself, so we only wait for it.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    process = subprocess.Popen(command, cwd=HERE)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    exitcode = process.wait()
    return exitcode if exitcode >= 0 else 128 - exitcode  # a shell says 128 + the signal's number


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped. Nothing is lost: start again and the set-up begins anew.")
