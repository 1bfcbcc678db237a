"""A small course in a folder of its own, in which a test lets start.py act."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import start

SOURCE = Path(start.__file__)

HELPERS = (
    "__init__.py",
    "before_class.py",
    "machine.py",
    "mine_template.py",
    "parent/__init__.py",
    "parent/sockets.py",
)
"""What `start.py check` needs before anything is installed."""

PYPROJECT = """
[project]
name = "small"
[project.optional-dependencies]
test = ["pytest~=9.0"]
dask = ["distributed~=2026.1"]
bench = []
teach = []
"""


def make_course(folder, requirements):
    """Write the few files that start.py looks at."""
    (folder / "helpers" / "parent").mkdir(parents=True)
    shutil.copy(SOURCE, folder)
    for name in HELPERS:
        shutil.copy(SOURCE.parent / "helpers" / name, folder / "helpers" / name)
    (folder / "notebooks").mkdir()
    (folder / "requirements.txt").write_text(requirements)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


class PretendedCourse:
    """A small course in whose name `start` acts, with a pip that only pretends to install."""

    def __init__(self, folder, monkeypatch):
        self.monkeypatch = monkeypatch
        self.installed = []  # what pip was asked for, each time
        self.made = 0  # how often a new environment was made
        self.exitcode = 0  # of pip
        self.broken = ""  # what importing the packages says, from the next set-up on
        self.python = start.this_version()  # the Python that .venv was made with
        self.meanwhile = lambda: None  # called while pip works
        self.enter(make_course(folder, "jupyterlab~=4.6\n"))
        monkeypatch.setattr(start, "pip", self.pip)
        monkeypatch.setattr(start, "make_venv", self.make_venv)
        monkeypatch.setattr(start, "import_error", lambda python: self.broken)
        monkeypatch.setattr(start, "venv_version", self.venv_version)

    def enter(self, folder):
        for name in ("VENV", "NEW", "OLD", "PYTHON", "LOG"):
            inside = getattr(start, name).relative_to(start.HERE)
            self.monkeypatch.setattr(start, name, folder / inside)
        self.monkeypatch.setattr(start, "HERE", folder)
        self.folder = folder

    def venv_version(self):
        return self.python if start.PYTHON.exists() else ""

    def make_venv(self, folder=None):
        self.made += 1
        folder = folder or start.NEW
        (folder / start.IN_VENV).parent.mkdir(parents=True)
        (folder / start.IN_VENV).write_text(f"#!{folder}/bin/python")
        (folder / "pyvenv.cfg").touch()
        add_package(folder, "pip")

    def pip(self, python, *arguments):
        self.installed.append(arguments)
        self.meanwhile()
        start.LOG.write_text("ERROR: it broke.\n" if self.exitcode else "fine\n")
        if self.exitcode == 0:
            add_package(python.parent.parent, "jupyterlab")
            self.python = start.this_version()
        return self.exitcode


def add_package(venv, name):
    """Write a package with two files into an environment, with what pip writes about it."""
    folder = start.packages_folder(venv)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "__init__.py").write_text("x = 1\n")
    (folder / name / "empty.py").touch()
    (about / "METADATA").write_text(f"Name: {name}\n")
    files = [(f"{name}/__init__.py", 6), (f"{name}/empty.py", 0), (f"{about.name}/METADATA", 9)]
    rows = [f"{file},sha256=,{size}" for file, size in files]
    rows += [f"{name}/__pycache__/__init__.cpython-311.pyc,,", f"{about.name}/RECORD,,"]
    (about / "RECORD").write_text("\n".join(rows))


# --- with a real venv and a real pip, without a network -------------------------------------------


def make_wheel(folder, name="jupyterlab", version="4.6.0", program=""):
    """Write a package that tells how it was started, or does what `program` says on import."""
    told = "import os, sys\nprint(sys.prefix, os.getcwd(), *sys.argv[1:], sep='|')\nsys.exit(7)\n"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}/__init__.py", program or "x = 1\n")
        file.writestr(f"{name}/__main__.py", told)
        file.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/entry_points.txt", f"[console_scripts]\n{name} = sys:exit\n")
        file.writestr(f"{about}/RECORD", "")


def make_real_course(folder):
    """Write a small course that needs one package, and that package into `folder`/wheels."""
    (folder / "wheels").mkdir(parents=True)
    make_wheel(folder / "wheels")
    return make_course(folder / "my course", "jupyterlab~=4.6\n")  # students have such a blank


def environment_of(course, **more):
    """Return environment variables that let pip find the package and ask no index."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(course.parent / "wheels")}
    return {**os.environ, **offline, **more}


def run_start(course, *arguments, options=(), **more):
    """Run start.py of a small course as a student would. Return its code, output and errors."""
    answer = subprocess.run(
        [sys.executable, *options, course / "start.py", *arguments],
        env=environment_of(course, **more),
        cwd=course.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return answer.returncode, answer.stdout.splitlines(), answer.stderr.splitlines()


def is_the_lab(lines, course, *arguments):
    """Tell whether the last line is that of our jupyterlab, run as it should be."""
    prefix, where, *rest = lines[-1].split("|")
    return (
        Path(prefix).samefile(course / ".venv")
        and Path(where).samefile(course)
        and rest == [*start.LAB[2:], *arguments]
    )
