"""Set up Processes in Plain Sight and open it: `python3 start.py --help` lists the commands."""

import sys

# This comes before everything else, so that an old Python gets this far. No newer syntax below!
if sys.version_info < (3, 11):
    sys.exit(
        "This course needs Python 3.11 or newer, and this is Python %d.%d: install a newer one"
        " from python.org or your system's packages, then start again with it, for example"
        " `python3.13 start.py`." % sys.version_info[:2]
    )
if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # this folder: a student's random.py in it must not hide Python's own from us

import ast
import contextlib
import csv
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sysconfig
import tomllib
from pathlib import Path

HELP = """Set up Processes in Plain Sight and open it.

python3 start.py [options of JupyterLab]   open the course in the browser
python3 start.py test [options of pytest]  run every test: helpers, notebooks, the rest
python3 start.py check                     the pre-class check: is this machine ready?
python3 start.py progress                  which exercises are done; writes them as CSV, too
python3 start.py teach [LESSON ...]        the teacher's pack: notes, answers, mistakes, charts
python3 start.py grade FOLDER              run the checks of a class again: table and page
python3 start.py bench [NAME ...]          measure what the course costs; --json FILE keeps it

The first run makes a virtual environment in .venv and installs what requirements.txt lists, which
takes a few minutes and needs the network. Later runs install nothing, unless that list changed or
the environment is damaged."""

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
NEW = HERE / f".venv-new-{os.getpid()}"  # a new environment is made here, and moved when complete
OLD = HERE / ".venv-replaced"  # the environment that a new one replaces, while they change places
IN_VENV = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
PYTHON = VENV / IN_VENV
STAMP = "start-stamp.txt"  # in an environment: what was installed, written when all of it was
LOG = HERE / "start-log.txt"  # what pip said
UNFINISHED = "unfinished"
NEVER_IMPORTED = {"antigravity", "this", "turtle", "turtledemo"}  # by anything here
IN_THE_WAY = "has the name of a library, and the lessons would import it instead."

TWO_AT_A_TIME = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
"""Tests mostly wait, so two run at a time. The tests of one file, and the cells of one notebook,
stay in one process; the tests that tests/support/alone.py puts last stay last.
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
        print(HELP)
        return 0
    if command == "test":
        set_up("test", "dask")  # lesson 13 runs without Dask, but then there is nothing to test
        return run(PYTHON, "-m", "pytest", *TWO_AT_A_TIME, *arguments[1:])
    if command == "bench":
        set_up("bench")
        return run(PYTHON, "-m", "benchmarks", *arguments[1:])
    if command == "teach":
        set_up("teach", "dask")  # the answers of lesson 13 are run, too
        return run(PYTHON, "-m", "teaching", "teach", *arguments[1:])
    if command == "grade":
        set_up("teach", "dask")
        return run(PYTHON, "-m", "teaching", "grade", *arguments[1:])
    if command == "check":
        return check()
    if command == "progress":
        return run(sys.executable, "-m", "helpers.progress")  # which needs no library
    if command and not command.startswith("-") and not Path(command).exists():
        sys.exit(
            "start.py knows `test`, `check`, `progress`, `teach`, `grade` and `bench`, but not "
            f"`{command}`: "
            "see start.py --help."
        )
    set_up()
    return run(PYTHON, *LAB, *arguments)


# --- is everything there? -------------------------------------------------------------------------


def is_ready(*extras: str) -> bool:
    """Tell whether .venv holds everything wanted, undamaged. Importing nothing keeps it quick."""
    return wanted(*extras) <= set(stamped(VENV)) and is_sound()


def wanted(*extras: str) -> set[str]:
    """Return the fingerprints that the stamp must hold: of the basic list, and of each extra."""
    return {fingerprint(), *(fingerprint(extra) for extra in extras)}


def fingerprint(extra: str = "") -> str:
    """Return a hash that changes when something has to be installed anew.

    The hash depends on the folder too, since a virtual environment must stay where it was made.
    """
    requirements = (HERE / "requirements.txt").read_text(encoding="utf-8")
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = project["optional-dependencies"][extra] if extra else []
    everything = [requirements, extra, packages, this_version(), str(HERE)]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def stamped(venv: Path) -> list[str]:
    """Return the lines of an environment's stamp, none where it has no stamp."""
    try:
        return (venv / STAMP).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def write_stamp(venv: Path, lines: list[str]) -> None:
    """Replace the stamp of an environment."""
    (venv / STAMP).write_text("\n".join(lines), encoding="utf-8")


def is_sound() -> bool:
    """Tell whether .venv belongs to this Python, and nothing that pip put there is lost."""
    return stamped(VENV) != [UNFINISHED] and venv_version() == this_version() and not lost(VENV)


def this_version() -> str:
    """Return the version of the Python that runs this file, such as "3.13"."""
    return "%d.%d" % sys.version_info[:2]


def venv_version() -> str:
    """Return the version of .venv's Python, or nothing where that Python or its pip is broken."""
    program = (
        "import os, pip, sys\n"
        "if os.path.samefile(sys.prefix, sys.argv[1]): print('%d.%d' % sys.version_info[:2])"
    )
    try:
        answer = run_quietly(PYTHON, "-c", program, VENV)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def lost(venv: Path) -> list[str]:
    """Return what an environment has lost: packages, and files that are gone or empty.

    The stamp names the packages, and pip keeps a RECORD of each package's files. Reading them all
    takes some 50 ms; importing the packages would take seconds. Python makes .pyc files anew, and
    an .exe, which virus scanners like to take away, is only another way to start a package.
    """
    folder = packages_folder(venv)
    found, damaged = set(), []
    for record in folder.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = [row for row in csv.reader(file) if len(row) == 3]
        if rows:
            found.add(package_line(record))
        for name, _, size in rows:
            if not name.endswith((".pyc", ".exe")) and is_gone(f"{folder}/{name}", size):
                damaged.append(name)
    stamp = stamped(venv)
    needed = {line for line in [*stamp, "package pip"] if line.startswith("package ")}
    return [name for name in [*(needed - found), *damaged] if f"absent {name}" not in stamp]


def packages_folder(venv: Path) -> Path:
    """Return the folder of an environment that holds its packages."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(venv)}))


def package_line(record: Path) -> str:
    """Return the stamp's line for the package that a RECORD belongs to."""
    return "package " + record.parent.name.partition("-")[0].lower()


def is_gone(path: str, size: str) -> bool:
    """Tell whether a file is missing, or empty although pip wrote `size` bytes."""
    try:
        return os.stat(path).st_size == 0 and size not in ("", "0")
    except OSError:
        return True


def import_error(python: Path) -> str:
    """Import every package of requirements.txt. Return what went wrong in one line, or nothing."""
    requirements = (HERE / "requirements.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([\w-]+)\s*~=", requirements, re.MULTILINE)
    answer = run_quietly(python, "-c", "".join(f"import {n.replace('-', '_')}\n" for n in names))
    return last_line(answer.stderr) if answer.returncode != 0 else ""


def run_quietly(
    python: Path | str, *arguments: str | Path, env=None
) -> subprocess.CompletedProcess:
    """Run a Python apart from the user's settings and files, and return its exit code and words."""
    return subprocess.run(
        [python, "-I", "-X", "utf8", *arguments],
        cwd=HERE,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def files_in_the_way() -> list[str]:
    """Return the student's files that hide a library, such as notebooks/random.py.

    Python looks for modules in a notebook's folder first, so `import random` finds that file.
    """
    libraries = {"helpers", *sys.stdlib_module_names} - NEVER_IMPORTED
    libraries |= {entry.name.partition(".")[0] for entry in packages_folder(VENV).glob("*")}
    notebooks = HERE / "notebooks"
    found = [*HERE.glob("*.py"), *notebooks.glob("*.py")]
    found += [file.parent for file in notebooks.glob("*/__init__.py")]
    return sorted(path.relative_to(HERE).as_posix() for path in found if path.stem in libraries)


# --- the set-up -----------------------------------------------------------------------------------


def set_up(*extras: str) -> None:
    """Bring .venv up to date: requirements.txt, and the wanted extras of pyproject.toml."""
    for name in files_in_the_way():
        sys.exit(f"{name} {IN_THE_WAY} Give it another name, then start again.")
    make_mine()
    if OLD.exists() and not VENV.exists():
        OLD.rename(VENV)  # an earlier start was killed just while the two changed places
    if is_ready(*extras):
        return
    if is_sound():
        complete(*extras)
    if not is_ready(*extras):
        make_anew(*extras)


def complete(*extras: str) -> None:
    """Install what is missing into .venv, and write the stamp when all of it works.

    While pip works the stamp says "unfinished". A start that finds this word knows that an earlier
    one was killed here, and makes .venv anew. If pip itself gives up, it restores what was there
    before, and so do we with the stamp: what worked before still works.
    """
    before = stamped(VENV)
    write_stamp(VENV, [UNFINISHED])
    reason = install(PYTHON, *extras)
    if reason:
        write_stamp(VENV, before)
        sys.exit(reason)
    if not import_error(PYTHON):
        finish(VENV, *extras)


def make_anew(*extras: str) -> None:
    """Make a new environment beside .venv, and let it take .venv's place when it is complete."""
    try:
        make_venv()
        reason = install(NEW / IN_VENV, *extras)
        if reason:
            sys.exit(reason)
        error = import_error(NEW / IN_VENV)
        if error:
            sys.exit(f"The packages were installed, but {error}. Show this line to your teacher.")
        finish(NEW, *extras)
        take_place()
    finally:
        shutil.rmtree(NEW, ignore_errors=True)


def make_venv() -> None:
    """Make an empty environment in NEW. While it is filled, .venv stays as it is."""
    if not (has_module("venv") and has_module("ensurepip")):
        sys.exit(
            "This Python has no complete `venv` module: install it (on Debian and Ubuntu by"
            f" `sudo apt install python{this_version()}-venv`, elsewhere with the Python from"
            " python.org), then start again."
        )
    print(f"Making a virtual environment for {VENV} ...", flush=True)
    other = venv_version()
    if other not in ("", this_version()):
        print(f"Until it is complete, `python{other} start.py` opens the one there is.", flush=True)
    made = run_quietly(sys.executable, "-m", "venv", "--clear", NEW)
    if made.returncode != 0:
        sys.exit(
            f"Python could not make {NEW}: {last_line(made.stdout + made.stderr)}."
            " See that this folder can be written to and that the disk has room, then start again."
        )


def has_module(name: str) -> bool:
    """Tell whether this Python has a module, without importing it."""
    return importlib.util.find_spec(name) is not None


def install(python: Path, *extras: str) -> str:
    """Let an environment's pip install everything wanted. Return why it gave up, or nothing."""
    wishes = ["-r", "requirements.txt"]
    for extra in extras:
        wishes += ["-e", f".[{extra}]"]
    print("Installing packages. The first time this takes a few minutes ", end="", flush=True)
    exitcode = pip(python, "install", *wishes)
    if exitcode < 0:
        return f"Signal {-exitcode} ended pip, perhaps for want of memory: start again."
    return explain(LOG.read_text(encoding="utf-8")) if exitcode != 0 else ""


def finish(venv: Path, *extras: str) -> None:
    """Adjust JupyterLab, and write into the stamp what the environment now holds.

    Some packages list files that they do not bring. Those must not look lost to later starts.
    """
    switch_the_news_off(venv)
    silence_a_warning(venv)
    packages = map(package_line, packages_folder(venv).glob("*.dist-info/RECORD"))
    absent = ["absent " + name for name in lost(venv)]
    write_stamp(venv, [*sorted(wanted(*extras)), *sorted(packages), *absent])


def take_place() -> None:
    """Move NEW to .venv. Its scripts name the folder that they were made for: it changes there."""
    for file in [NEW / "pyvenv.cfg", *(NEW / IN_VENV).parent.iterdir()]:
        if file.is_file() and not file.is_symlink():
            text = file.read_bytes()
            file.write_bytes(text.replace(NEW.name.encode(), VENV.name.encode()))
    shutil.rmtree(OLD, ignore_errors=True)
    if VENV.exists():
        VENV.rename(OLD)
    NEW.rename(VENV)
    for useless in [OLD, *HERE.glob(".venv-new-*")]:  # of starts that were killed
        shutil.rmtree(useless, ignore_errors=True)


def switch_the_news_off(venv: Path) -> None:
    """Keep JupyterLab from asking every newcomer whether it may fetch news."""
    settings = venv / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    news = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    (settings / "overrides.json").write_text(json.dumps(news), encoding="utf-8")


SILENCE = """import logging

logging.getLogger("IPKernelApp").addFilter(
    lambda record: "TCP without encryption" not in record.getMessage()
)
"""


def silence_a_warning(venv: Path) -> None:
    """Keep kernels from warning in the terminal that they talk to JupyterLab without encryption.

    They do so on this computer only, and a student could not change it.
    """
    settings = venv / "etc" / "ipython"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "ipython_kernel_config.py").write_text(SILENCE, encoding="utf-8")


def make_mine() -> None:
    """Give the student a file for their own worker functions. It is never overwritten."""
    mine = HERE / "helpers" / "mine.py"
    if mine.exists():
        return
    draft = mine.with_name("mine.py.new")  # so that a full disk leaves no half of a mine.py
    try:
        shutil.copyfile(HERE / "helpers" / "mine_template.py", draft)
        draft.rename(mine)
    except OSError as error:
        print(
            f"{mine} cannot be written ({error.strerror}). The lessons run, but for functions of"
            " your own you need a copy of the course in a folder of your own.",
            flush=True,
        )


# --- pip ------------------------------------------------------------------------------------------


def pip(python: Path, *arguments: str) -> int:
    """Run an environment's pip, show a dot for each package, keep its words. Return its code."""
    # Two retries: somebody without a network should not wait a minute to be told so.
    options = ["--disable-pip-version-check", "--retries=2"]
    process = subprocess.Popen(
        [python, "-I", "-X", "utf8", "-m", "pip", *options, *arguments],
        cwd=HERE,
        env=pip_environment(python),
        stdin=subprocess.DEVNULL,
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


KEPT = {
    *("index-url", "extra-index-url", "find-links", "no-index", "constraint", "keyring-provider"),
    *("proxy", "cert", "client-cert", "trusted-host", "timeout", "default-timeout"),
    *("cache-dir", "no-cache-dir", "use-feature", "use-deprecated"),
}
"""The settings of pip that say where and how it fetches packages. Others, such as `user` and
`target`, would make it put packages where this course does not look for them.
"""


def pip_environment(python: Path) -> dict[str, str]:
    """Return the environment variables for pip: ours, with no settings of pip but those of KEPT."""
    others = {name: value for name, value in os.environ.items() if name[:4].upper() != "PIP_"}
    environment = {**others, "PIP_CONFIG_FILE": os.devnull}
    for name, value in [*settings_in_files(python, others), *os.environ.items()]:
        option = name.removeprefix("PIP_").lower().replace("_", "-")
        if option in KEPT:
            environment["PIP_" + option.upper().replace("-", "_")] = value
    return environment


def settings_in_files(python: Path, others: dict[str, str]) -> list[tuple[str, str]]:
    """Return the settings of pip's configuration files, those that have the last word last."""
    plain = dict.fromkeys(["PIP_USER", "PIP_GLOBAL", "PIP_SITE", "PIP_QUIET"], "0")
    if "PIP_CONFIG_FILE" in os.environ:
        plain["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
    listed = run_quietly(python, "-m", "pip", "config", "list", env={**others, **plain})
    found = re.findall(r"^(global|install)\.([\w-]+)=(.*)", listed.stdout, re.MULTILINE)
    return [(name, ast.literal_eval(value)) for _, name, value in sorted(found)]


UNREACHED = "from versions: none|Max retries exceeded|Connection broken|timed out|IncompleteRead"
"""What pip says in the end when it could not fetch a package. Only then do its warnings matter,
since they tell of single attempts, and a later one may have succeeded.
"""

TROUBLES = [
    (
        "No space left|not enough space|quota exceeded",
        "The disk is full: free 2 GB, then start again.",
    ),
    (
        "SSL module is not available|ssl module in Python is not available",
        "This Python was built without TLS and cannot fetch packages: install the one from"
        " python.org, then start again with it.",
    ),
    (
        "certificate verify failed",
        "This computer does not trust the certificate that the network shows, perhaps that of a"
        " school's or company's proxy: set PIP_CERT to the file with its certificate, which your"
        " teacher or helpdesk has, see that the clock is right, then start again.",
    ),
    (
        "ProxyError|connect to proxy|Proxy Authentication",
        "The network's proxy did not let pip through: set HTTPS_PROXY to"
        " http://NAME:PASSWORD@HOST:PORT as your helpdesk says, then start again.",
    ),
    (
        "require a different python|requires a different Python",
        "A package does not run on this Python: start again with another one, for example"
        " `python3.13 start.py`.",
    ),
    (
        UNREACHED,
        "The packages could not be fetched, and this run needs the network: connect this"
        " computer, then start again.",
    ),
]
"""What may go wrong when packages are installed: the words of pip that tell it, and our advice. The
first that fits is the cause, and the later ones are its consequences.
"""


def explain(log: str) -> str:
    """Return one line: why pip gave up, what to do, and pip's own words for it."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    final = [line for line in lines if not line.startswith("WARNING")]
    if final and not any(re.search(UNREACHED, line) for line in final):
        lines = final
    for words, advice in TROUBLES:
        told = [line for line in lines if re.search(words, line)]
        if told:
            return f"{advice} (pip said: {last_line(told[-1])}. More is in {LOG}.)"
    return (
        f"pip could not install the packages: {reason_among(lines)}."
        f" Read {LOG}, or show it to your teacher, then start again."
    )


def reason_among(lines: list[str]) -> str:
    """Return the line of pip's log that tells most: of a failed build, its own last error."""
    if "[end of output]" in lines:
        lines = lines[: lines.index("[end of output]")]
        errors = [line for line in lines if "error" in line.lower()][::-1]
    else:
        errors = [line for line in lines if line.startswith("ERROR") and "Exception:" not in line]
    return last_line((errors or lines[::-1] or [""])[0])


def last_line(text: str) -> str:
    """Return the last line of a program's words that is not empty, without its full stop."""
    lines = text.strip().splitlines() or ["it did not say why"]
    return lines[-1].strip().rstrip(".")


# --- running things -------------------------------------------------------------------------------


NOT_READY = [  # a failed check: its name, what was found, and what to do
    "set-up",
    ".venv is missing, damaged or not up to date",
    "Run `python3 start.py` once, with the network.",
]


def check() -> int:
    """Print the pre-class check. Return 0 if nothing failed, else 1."""
    in_the_way = files_in_the_way()
    for name in in_the_way:
        print(f"FAILED         {name} {IN_THE_WAY}")
        print("               to do: Give it another name, then check again.")
    if in_the_way:
        return 1
    if is_ready() and import_error(PYTHON):
        with contextlib.suppress(OSError):
            write_stamp(VENV, [UNFINISHED])  # so that the next start makes .venv anew
    failed = [] if is_ready() else NOT_READY
    python = PYTHON if venv_version() else sys.executable
    return run(python, "-m", "helpers.before_class", *failed) or int(bool(failed))


def run(*command: str | Path) -> int:
    """Run a program to its end and return its exit code.

    Ctrl-C reaches the program as well as us. The program knows how to end itself, so we only wait
    for that.
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
    except OSError as error:
        sys.exit(
            f"start.py cannot go on: {error}. See that the course's folder is complete and can be"
            " written to, that the disk has room and that no other start.py runs in it, then start"
            " again."
        )
