"""The folders of the flight logs: a private one for each experiment, gone with its owner.

A folder's name says which process owns it: the process's pid, the seat on which that pid means
this process, and when the process started. So the owner is known as soon as the folder is there,
on a full disk too, and no file has to be trusted.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import warnings
import weakref

from helpers.child.interrupts import put_off_interrupts

PREFIX = "plain-sight-"
NAME = re.compile(PREFIX + r"(?P<pid>\d+)-(?P<seat>[0-9a-f]{12})-(?P<start>\d+)-\w+")


def make_folder(owner) -> str:
    """Make a folder that only this user can enter.

    Args:
        owner: an object. The folder is removed when the object is, or when this process ends.

    Returns:
        The folder's path. Where no folder can be made, a warning says so, and the path is that
        of a folder that does not exist: the experiment runs, and nothing of it is recorded.
    """
    started = int(_start_time(os.getpid()) or 0)
    try:
        folder = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{seat()}-{started}-")
    except OSError as error:
        warnings.warn(
            f"nothing will be recorded: no folder can be made for the logs ({error})", stacklevel=4
        )
        return os.path.join(os.devnull, PREFIX)
    weakref.finalize(owner, _remove, folder, os.getpid())
    return folder


def _remove(folder, owner_pid):
    if os.getpid() == owner_pid:  # not in a fork of the owner
        with put_off_interrupts():  # else half of it might stay
            shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders whose owners are dead: a process that was killed cannot tidy up.

    The folders of other seats are left alone, since nothing is known here about their processes.
    On Linux, this machine before its last start counts as another seat: there, the system itself
    empties its temporary folder.
    """
    here = seat()
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = NAME.fullmatch(entry.name)
            if (
                match
                and match["seat"] == here
                and entry.is_dir(follow_symlinks=False)
                and _is_ours(entry)
                and not _is_alive(int(match["pid"]), int(match["start"]))
            ):
                shutil.rmtree(entry.path, ignore_errors=True)


def seat() -> str:
    """Return twelve characters that name the place in which pids mean the same processes as here.

    Containers may share a temporary folder. Each of them counts its own processes, so a pid of
    one container means nothing in the other. On Linux the start of the system and its namespace
    of pids tell them apart, elsewhere the machine's name has to do.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            words = file.read() + os.readlink("/proc/self/ns/pid")
    except (OSError, ValueError):
        words = platform.node()
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:12]


def _is_ours(entry):
    """Tell whether a folder belongs to this user; those of other users are none of our business."""
    return sys.platform == "win32" or entry.stat(follow_symlinks=False).st_uid == os.getuid()


def _is_alive(pid, started):
    """Tell whether the owner of a folder lives, and not just another process with its old pid."""
    found = _start_time(pid)
    return found is not None and abs(found - started) < 2


def _start_time(pid):
    """Return when a process started, in seconds; None if there is no such process any more.

    On Linux the time is counted from the system's start: any other count would move when the
    clock is set.
    """
    import psutil  # here, since children make no folders and should not wait for it

    zero = psutil.boot_time() if sys.platform == "linux" else 0.0
    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE  # only its exit code waits to be taken
        return None if dead else process.create_time() - zero
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0
