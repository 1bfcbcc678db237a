"""What this seat can bear: its usable cores, its start methods, its free memory.

Only the standard library is imported here, since the pre-class check needs these functions on a
machine where nothing has been installed yet.
"""

import math
import multiprocessing
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PROC = Path("/proc")

# --- usable cores ---------------------------------------------------------------------------------


class Cores(NamedTuple):
    """The number of cores that this process may use at once, and what sets that number."""

    count: int
    reason: str

    def __str__(self) -> str:
        return f"{self.count}, from {self.reason}"


def usable_cores(proc: Path = PROC, environ: Mapping[str, str] = os.environ) -> Cores:
    """Return how many cores this seat really has: the tightest of all limits set on it.

    `os.cpu_count` counts the machine's cores, also those that this process may not use. Affinity,
    the CPU quota of a container and the CPU_LIMIT of a JupyterHub each may leave fewer. A quota of
    1.5 cores counts as 2, since a second worker still gets something. The count is at least 1.
    """
    limits = [Cores(os.cpu_count() or 1, "the cores of this machine")]
    if hasattr(os, "sched_getaffinity"):  # macOS and Windows have no such call
        limits.append(Cores(len(os.sched_getaffinity(0)), "this process's CPU affinity"))
    for folder in control_groups("cpu", proc):
        quota = cpu_quota(folder)
        if quota is not None:
            reason = f"the CPU quota of its control group ({quota:g} cores)"
            limits.append(Cores(math.ceil(quota), reason))
    hub = hub_limit(environ)
    if hub is not None:
        limits.append(Cores(math.ceil(hub), f"the hub's CPU_LIMIT={environ['CPU_LIMIT']}"))
    return min(limits, key=lambda cores: cores.count)


def hub_limit(environ: Mapping[str, str]) -> float | None:
    """Return the cores that a JupyterHub grants this seat, or None where it sets no limit."""
    try:
        limit = float(environ.get("CPU_LIMIT", ""))
    except ValueError:
        return None
    return limit if math.isfinite(limit) and limit > 0 else None


def cpu_quota(folder: Path) -> float | None:
    """Return the cores that one control group may use, or None where it sets no limit.

    Version 2 says "150000 100000" (microseconds in each period) or "max 100000" in one file.
    Version 1 has a file for each number, and -1 for no limit.
    """
    words = read(folder / "cpu.max").split() or [
        *read(folder / "cpu.cfs_quota_us").split(),
        *read(folder / "cpu.cfs_period_us").split(),
    ]
    try:
        quota, period = map(int, words)
        return quota / period if quota > 0 and period > 0 else None
    except (ValueError, OverflowError):  # no such files, "max", or something we do not understand
        return None


def control_groups(controller: str, proc: Path = PROC) -> list[Path]:
    """Return the folders of this process's own control group and of all groups around it.

    A limit on an outer group binds the inner ones too, so each of them has to be read. `controller`
    is "cpu" or "memory". The list is empty where there are no control groups, as on macOS.
    Source: proc(5) and cgroups(7), the files /proc/self/cgroup and /proc/self/mountinfo.
    """
    paths = {}
    for line in read(proc / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")  # version 2 names no controllers
        paths.update(dict.fromkeys(controllers.split(","), path))

    folders = []
    for line in read(proc / "self" / "mountinfo").splitlines():
        place, _, system = line.partition(" - ")
        kind, _, options = system.partition(" ")
        if kind == "cgroup2":
            path = paths.get("")
        elif kind == "cgroup" and controller in re.split("[ ,]", options):
            path = paths.get(controller)
        else:
            path = None
        if path and len(place.split(" ")) > 4:
            root, mount = (field.replace(r"\040", " ") for field in place.split(" ")[3:5])
            folders += own_and_outer_groups(PurePosixPath(path), PurePosixPath(root), Path(mount))
    return folders


def own_and_outer_groups(path: PurePosixPath, root: PurePosixPath, mount: Path) -> list[Path]:
    """Return the folder of group `path` and those around it, where `root` is mounted at `mount`.

    A container may see a path that lies outside of what is mounted in it. Then the mounted folder
    is the nearest thing to its own group.
    """
    if ".." in path.parts or not path.is_relative_to(root):
        return [mount]
    own = mount.joinpath(*path.relative_to(root).parts)
    return [own, *(folder for folder in own.parents if folder.is_relative_to(mount))]


def read(path: Path) -> str:
    """Return the text of a small system file, or nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


# --- start methods and memory ---------------------------------------------------------------------


def start_methods() -> list[str]:
    """Return the start methods that exist on this machine."""
    return multiprocessing.get_all_start_methods()


def default_start_method(environ: Mapping[str, str] = os.environ) -> str:
    """Return the course's start method: START_METHOD from the environment, else "spawn"."""
    return environ.get("START_METHOD") or "spawn"


def free_memory(proc: Path = PROC) -> int | None:
    """Return the bytes of memory left for this process, or None where no file tells (not Linux)."""
    available = re.search(r"MemAvailable:\s+(\d+) kB", read(proc / "meminfo"))
    if available is None:
        return None
    limits = [int(available[1]) * 1024]
    for folder in control_groups("memory", proc):
        limit = read(folder / "memory.max") or read(folder / "memory.limit_in_bytes")
        if limit.strip().isdigit():  # "max" is no limit
            limits.append(int(limit))
    return min(limits)
