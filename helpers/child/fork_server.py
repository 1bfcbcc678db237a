"""What a fork server imports before it serves: its children miss no interrupt, however new.

The server ignores SIGINT, and so does each of its children until it has put its own handler in
place. An interrupt that came in between would be lost. So the server blocks it, which its children
inherit, and a child ends by an interrupt that comes before its handler is there.

Only a fork server imports this file: it acts when it is imported. Standard library only.
"""

import os
import signal
import sys

from helpers.child.interrupts import unblock_interrupts

_server = os.getpid()


def _begin():
    if os.getppid() == _server:  # not in what a child forks itself
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        unblock_interrupts()
        # What the child needs of the course it imports itself: its files may be newer by now.
        for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
            del sys.modules[name]


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.register_at_fork(after_in_child=_begin)
