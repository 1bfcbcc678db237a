"""The resource tracker of the standard library, out of the way of signals to the kernel's group.

Under spawn and forkserver, multiprocessing starts a small process that knows the names of all
semaphores and removes what is left of them when everybody else has ended. It belongs to the
process group of who started it. In a notebook that does harm: at a kernel's shutdown ipykernel asks
every process of its group to end and waits for it; the tracker does not listen, Jupyter loses
patience and kills the group, the tracker included. Then nobody removes the semaphores, and the
kernel has had no time to remove its logs. In a session of its own the tracker is left in peace, and
ends by itself when the last process that it serves has ended.
"""

import subprocess
import sys
import threading
from multiprocessing import resource_tracker, util

_alone = threading.Lock()


def start_apart() -> None:
    """Start the tracker in a session of its own, unless this process or its parent has one."""
    tracker = getattr(resource_tracker, "_resource_tracker", None)
    if sys.platform == "win32" or getattr(tracker, "_fd", 0) is not None:
        return
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
    """What `util.spawnv_passfds` does, with the new process in a session of its own."""
    process = subprocess.Popen(args, executable=path, pass_fds=fds, start_new_session=True)
    process.returncode = 0  # nobody waits for it, by design: no warning about that
    return process.pid
