"""The standard library's resource tracker and fork server, out of the way of a kernel's end.

Under spawn and forkserver, multiprocessing starts a small process that knows the names of all
semaphores and removes what is left of them when all other processes have ended. It belongs to the
process group of the process that started it. In a notebook that does harm: at a kernel's shutdown
ipykernel asks every process of its group to end and waits for it. The tracker ignores the request;
Jupyter loses patience and kills the group, the tracker included. Then nobody removes the
semaphores, and the kernel has had no time to remove its logs. In a session of its own the tracker
is left in peace, and ends by itself when the last process that it serves has ended.

The server of the start method forkserver obeys the request and ends. But nobody fetches its exit
code, so it stays listed as a zombie, and the kernel waits for it until Jupyter kills the kernel.
The kernel's semaphores are then left to the tracker, which complains about them. So this file
fetches the exit code.

It leans on private names of the standard library; a test holds that they are there.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from multiprocessing import resource_tracker, util

from helpers.parent.waits import POLL

_alone = threading.Lock()
_awaited_servers = set()  # the pids of the fork servers whose ends we wait for


def start_apart() -> None:
    """Start the tracker in a session of its own, unless this process or its parent has one."""
    tracker = getattr(resource_tracker, "_resource_tracker", None)
    if sys.platform == "win32" or getattr(tracker, "_fd", 0) is not None:
        return  # there is none, or it runs already
    with _alone:
        standard, caller = util.spawnv_passfds, threading.get_ident()

        def spawn(*args):
            ours = threading.get_ident() == caller  # another thread may be starting a child
            return _spawn_apart(*args) if ours else standard(*args)

        util.spawnv_passfds = spawn
        try:
            resource_tracker.ensure_running()
        finally:
            util.spawnv_passfds = standard


def _spawn_apart(path, args, fds):
    """Do what `util.spawnv_passfds` does, with the new process in a session of its own."""
    process = subprocess.Popen(args, executable=path, pass_fds=fds, start_new_session=True)
    process.returncode = 0  # nobody waits for it, by design: so no warning about that
    return process.pid


def prepare_fork_server() -> None:
    """Let go of a fork server out of reach, and have the next look after children's interrupts."""
    from multiprocessing import forkserver  # here: Windows has none

    server, module = getattr(forkserver, "_forkserver", None), "helpers.child.fork_server"
    modules = getattr(server, "_preload_modules", [module])
    if module not in modules:
        server._preload_modules = [*modules, module]
    _let_go_if_out_of_reach(server)


def _let_go_if_out_of_reach(server):
    """Forget a fork server whose socket was deleted; it ends when its last child has ended."""
    address = getattr(server, "_forkserver_address", None)
    if not address or util.is_abstract_socket_namespace(address) or os.path.exists(address):
        return
    reap_fork_server()  # if nobody waits for its end yet
    with server._lock:
        os.close(server._forkserver_alive_fd)  # the server reads from this pipe that we leave
        server._forkserver_alive_fd = None
        server._forkserver_address = None
        server._forkserver_pid = None


def reap_fork_server() -> None:
    """Fetch the exit code of this process's fork server, if it has one, as soon as it ends."""
    from multiprocessing import forkserver  # here: Windows has none

    server = getattr(forkserver, "_forkserver", None)
    with _alone:
        pid = getattr(server, "_forkserver_pid", None)
        if pid in (None, *_awaited_servers):
            return
        with contextlib.suppress(RuntimeError):  # no thread is left: the next start tries again
            threading.Thread(target=_fetch_exit_code, args=(server, pid), daemon=True).start()
            _awaited_servers.add(pid)


def _fetch_exit_code(server, pid):
    """Wait for the server's end. Its lock keeps others from asking for the exit code meanwhile."""
    ended = False
    while not ended:
        time.sleep(POLL)
        with server._lock:
            ended = _has_ended(pid)
            if ended and server._forkserver_pid == pid:
                server._forkserver_pid = None  # so the next child gets a new server
    _awaited_servers.discard(pid)


def _has_ended(pid):
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # somebody else has fetched the exit code
        return True
