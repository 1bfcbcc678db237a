"""The folder of multiprocessing's sockets: there when it is needed, and its path short enough.

A manager and the fork server are reached through sockets. On Linux and macOS a socket is a file,
and multiprocessing keeps those of a process in one folder, in the temporary folder, which it
removes when the process ends. Three things can go wrong with that:

- A tidy-up deletes the folder while the process lives. Here it is made again, under its old name.
- The system takes no path of more than some hundred bytes for a socket, and the path of the
  temporary folder may be longer. Here the folder is made elsewhere.
- A manager's server that is killed cannot remove a folder of its own. Here it uses its parent's.

This file leans on the private name by which a process knows its folder; a test holds that it is
there. Standard library only.
"""

import os
import shutil
import stat
import sys
import tempfile
from multiprocessing import process, util

LONGEST_SOCKET = 103
"""How many bytes the path of a socket may have; that is macOS, and Linux takes four more."""

IN_FOLDER = len("/pymp-12345678/listener-12345678")
"""How many of them multiprocessing needs for the names in its temporary folder."""

SHORT_FOLDERS = ("/tmp", "/var/tmp")


def is_too_long(temporary_folder: str) -> bool:
    """Tell whether sockets in this folder would have paths that the system does not take."""
    if sys.platform == "win32":  # whose pipes are no files
        return False
    return len(os.fsencode(temporary_folder)) + IN_FOLDER > LONGEST_SOCKET


def socket_folder() -> str:
    """Return the folder for the sockets of this process, after making it if it is not there.

    Raises:
        OSError: if it cannot be made.
    """
    config = process.current_process()._config
    folder = config.get("tempdir")
    if folder is not None:
        _make_again(folder)
    elif is_too_long(tempfile.gettempdir()):
        config["tempdir"] = _make_short()
    return util.get_temp_dir()


def _make_again(folder):
    """Make a folder that was deleted. Another user may have taken its name meanwhile."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if sys.platform != "win32" and (found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode)):
        raise PermissionError(f"{folder} was deleted and belongs to another user now")


def _make_short():
    """Make a private folder in a place with a short path; return None where there is no place."""
    for place in SHORT_FOLDERS:
        try:
            folder = tempfile.mkdtemp(prefix="pymp-", dir=place)
        except OSError:
            continue
        util.Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=-100)
        return folder
    return None
