"""Files that have the name of a library, and that Python may import instead.

A notebook's folder is one of the places where Python looks for modules, and a child process looks
there first. So a student who saves an exercise as queue.py or numpy.py beside a lesson takes that
library away: from the lesson, or from its child processes only.

Standard library only.
"""

import contextlib
import os
import sys
import sysconfig

NEVER_IMPORTED = {"antigravity", "this", "turtle", "turtledemo"}
"""Libraries that nothing here imports: files may have their names."""

CHILDS_FIRST_IMPORTS = "multiprocessing.forkserver, multiprocessing.resource_tracker"
"""What a child loads before it knows where its parent looks for modules."""


def check_imports() -> None:
    """Refuse to begin a lesson while a file has the name of any library; its first cell does this.

    Raises:
        ImportError: naming the file, and what to do.
    """
    installed = {name.partition(".")[0] for name in os.listdir(sysconfig.get_path("purelib"))}
    _refuse(_files_here(installed | sys.stdlib_module_names))


def check_children() -> None:
    """Refuse to begin an experiment whose children would import a file instead of a library.

    Raises:
        ImportError: naming the file, and what to do.
    """
    files = _files_here(sys.stdlib_module_names)
    if files:  # which is rare, and only then we ask what a child loads
        first = _first_imports_of_a_child()
        hidden = (name for name in files if name in first and not _is_loaded(name, files[name]))
        _refuse({name: files[name] for name in hidden})


def _refuse(files):
    for file in files.values():
        raise ImportError(
            f"{os.path.abspath(file)} has the name of a library, and may be imported instead: "
            "give it another name, then restart the kernel."
        )


def _files_here(libraries):
    """Return the modules in the current folder that have the name of a library, by that name."""
    found = {}
    with contextlib.suppress(OSError):
        for file in sorted(os.listdir()):
            name, ending = os.path.splitext(file)
            is_named_so = name in libraries and name not in NEVER_IMPORTED
            if is_named_so and (ending == ".py" or _is_package(file)):
                found[name] = file
    return found


def _is_package(folder):
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def _is_loaded(name, file):
    """Tell whether this process itself has imported the file, and children do as it does."""
    return getattr(sys.modules.get(name), "__file__", None) == os.path.abspath(file)


def _first_imports_of_a_child():
    """Return the libraries that a child loads at first. The files here cannot hide them from us."""
    import subprocess  # here, since it is hardly ever needed

    program = f"import sys, {CHILDS_FIRST_IMPORTS}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60
    )
    return done.stdout.split()
