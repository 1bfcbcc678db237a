"""Fork with 64 MB of data, change half of it in the child, and print who holds memory alone.

Each line is one measurement: who measured, when, and the bytes that only this process holds.
"""

import os

import psutil

MB = 1_048_576
data = bytearray(b"x") * (64 * MB)


def measure(moment: str) -> None:
    """Print how many bytes belong to this process alone."""
    print(who, moment, psutil.Process().memory_full_info().uss, sep=",", flush=True)


def wait_for_turn() -> None:
    """Wait until the other process has written a byte into the pipe."""
    os.read(hear, 1)


def pass_turn() -> None:
    """Let the other process go on."""
    os.write(tell, b".")


who = "parent"
measure("alone")
(from_child, to_parent), (from_parent, to_child) = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    who, hear, tell = "child", from_parent, to_parent
    measure("after the fork")
    pass_turn()
    wait_for_turn()
    data[: 32 * MB] = b"y" * (32 * MB)
    measure("after the child's change")
    pass_turn()
    wait_for_turn()
    os._exit(0)
hear, tell = from_child, to_child
wait_for_turn()
measure("after the fork")
pass_turn()
wait_for_turn()
measure("after the child's change")
pass_turn()
os.waitpid(pid, 0)
print("in the parent:", set(data) == {ord("x")})
