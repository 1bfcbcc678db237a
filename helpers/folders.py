"""Where the flight logs of an experiment lie: one private folder for each, gone with its owner."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import warnings
import weakref

PREFIX = "plain-sight-"
OWNER = "owner"
"""A file in the folder: the start time of the process whose folder it is."""


def make_folder(owner) -> str:
    """Make a folder that only this user can enter; it goes when `owner` does.

    Where none can be made, a warning says so and the path of a folder that does not exist is
    returned: the experiment runs, and nothing of it is recorded.
    """
    sweep()
    try:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
    except OSError as error:
        warnings.warn(
            f"nothing will be recorded: no folder can be made for the logs ({error})", stacklevel=4
        )
        return os.path.join(os.devnull, PREFIX)
    with (
        contextlib.suppress(OSError),  # the disk is full: then the pid alone has to do
        open(os.path.join(folder, OWNER), "w", encoding="ascii") as file,
    ):
        file.write(repr(_start_time(os.getpid())))
    weakref.finalize(owner, _remove, folder, os.getpid())
    return folder


def _remove(folder, owner_pid):
    if os.getpid() == owner_pid:  # not in a fork of the owner
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders whose owners are dead: a process that was killed cannot tidy up."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = re.fullmatch(rf"{PREFIX}(\d+)-\w+", entry.name)
            if (
                match
                and entry.is_dir(follow_symlinks=False)
                and _is_ours(entry)
                and not _is_alive(int(match[1]), entry.path)
            ):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_ours(entry):
    """Does a folder belong to this user? Others' folders are not ours to open, let alone judge."""
    return sys.platform == "win32" or entry.stat(follow_symlinks=False).st_uid == os.getuid()


def _is_alive(pid, folder):
    """Does the owner of a folder live? The system may have given its pid to another process."""
    started = _start_time(pid)
    if started is None:
        return False
    with (
        contextlib.suppress(OSError, ValueError),
        open(os.path.join(folder, OWNER), encoding="ascii") as file,
    ):
        return abs(float(file.read()) - started) < 1
    return True  # just being made, or not ours to judge


def _start_time(pid):
    """When a process started, in seconds; None if there is none.

    On Linux counted from the system's start: there, setting the clock moves all other counts.
    """
    import psutil  # here, since children make no folders and should not wait for it

    zero = psutil.boot_time() if sys.platform == "linux" else 0.0
    try:
        return psutil.Process(pid).create_time() - zero
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0
