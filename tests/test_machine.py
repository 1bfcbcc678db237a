"""What `helpers.machine` says about a seat: its cores, its start methods, its memory."""

import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import machine
from tests.support.anything import TEXTS, examples

COURSE = Path(machine.__file__).parent.parent

# --- a made-up /proc and a made-up tree of control groups -----------------------------------------


class Seat:
    """A folder that looks like /proc and /sys/fs/cgroup to `helpers.machine`."""

    def __init__(self, folder):
        self.proc = folder / "proc"
        self.mount = folder / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.mount.mkdir()
        self.mounts = []

    def belongs_to(self, *lines):
        (self.proc / "self" / "cgroup").write_text("\n".join(lines) + "\n")

    def mounts_v2(self, root="/"):
        self.mounts.append(f"30 23 0:26 {root} {self.mount} rw,nosuid - cgroup2 cgroup2 rw")
        self._write_mounts()

    def mounts_v1(self, controllers="cpu,cpuacct", root="/"):
        mount = self.mount / controllers
        mount.mkdir()
        self.mounts.append(
            f"32 31 0:29 {root} {mount} rw shared:9 - cgroup cgroup rw,{controllers}"
        )
        self._write_mounts()
        return mount

    def _write_mounts(self):
        first = "22 1 8:1 / / rw,relatime - ext4 /dev/root rw"
        (self.proc / "self" / "mountinfo").write_text("\n".join([first, *self.mounts]) + "\n")

    def write(self, path, text):
        file = self.mount / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def cores(self, **environ):
        return machine.usable_cores(self.proc, environ)


@pytest.fixture
def seat(tmp_path, monkeypatch):
    """A seat on a machine with 64 cores that sets no limit yet."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    return Seat(tmp_path)


# --- usable cores ---------------------------------------------------------------------------------


def test_without_any_limit_the_machines_cores_count(seat):
    assert seat.cores() == (64, "the cores of this machine")
    assert str(seat.cores()) == "64, from the cores of this machine"


def test_affinity_counts_when_it_is_tighter(seat, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 9}, raising=False)
    assert str(seat.cores()) == "3, from this process's CPU affinity"


def test_where_there_is_no_affinity_the_machine_is_asked(seat, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert seat.cores().count == 64


def test_a_machine_that_does_not_know_its_cores_has_one(seat, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert seat.cores().count == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),  # a share of a core is still room for a worker
        ("10000 100000\n", 1),
        ("50000 25000\n", 2),
        ("max 100000\n", 64),
        ("12800000 100000\n", 64),  # a quota above the machine's cores changes nothing
    ],
)
def test_the_quota_of_version_2_is_rounded_up(seat, text, count):
    seat.mounts_v2()
    seat.belongs_to("0::/user.slice/seat")
    seat.write("user.slice/seat/cpu.max", text)
    assert seat.cores().count == count


def test_the_reason_tells_the_quota(seat):
    seat.mounts_v2()
    seat.belongs_to("0::/seat")
    seat.write("seat/cpu.max", "150000 100000\n")
    assert str(seat.cores()) == "2, from the CPU quota of its control group (1.5 cores)"


@pytest.mark.parametrize(
    ("quota", "period", "count"),
    [("300000", "100000", 3), ("250000", "100000", 3), ("-1", "100000", 64), ("1", "100000", 1)],
)
def test_the_quota_of_version_1_is_rounded_up(seat, quota, period, count):
    seat.mounts_v1()
    seat.belongs_to("9:name=systemd:/", "4:cpu,cpuacct:/docker/abc", "0::/")
    seat.write("cpu,cpuacct/docker/abc/cpu.cfs_quota_us", quota)
    seat.write("cpu,cpuacct/docker/abc/cpu.cfs_period_us", period)
    assert seat.cores().count == count


def test_the_tightest_of_nested_quotas_counts(seat):
    seat.mounts_v2()
    seat.belongs_to("0::/hub/seats/ada")
    seat.write("hub/seats/ada/cpu.max", "800000 100000")
    seat.write("hub/seats/cpu.max", "400000 100000")
    seat.write("hub/cpu.max", "max 100000")
    assert seat.cores().count == 4


def test_the_tightest_of_nested_version_1_quotas_counts(seat):
    seat.mounts_v1()
    seat.belongs_to("4:cpu,cpuacct:/hub/ada")
    for group, quota in (("hub/ada", "-1"), ("hub", "200000"), (".", "-1")):
        seat.write(f"cpu,cpuacct/{group}/cpu.cfs_quota_us", quota)
        seat.write(f"cpu,cpuacct/{group}/cpu.cfs_period_us", "100000")
    assert seat.cores().count == 2


def test_the_group_of_another_process_does_not_count(seat):
    seat.mounts_v2()
    seat.belongs_to("0::/hub/ada")
    seat.write("hub/bob/cpu.max", "100000 100000")
    assert seat.cores().count == 64


def test_both_versions_at_once_are_read(seat):
    seat.mounts_v1("memory")
    seat.mounts_v1("cpu")
    seat.mounts_v2()
    seat.belongs_to("4:memory:/seat", "3:cpu:/seat", "0::/seat")
    seat.write("cpu/seat/cpu.cfs_quota_us", "500000")
    seat.write("cpu/seat/cpu.cfs_period_us", "100000")
    seat.write("seat/cpu.max", "600000 100000")
    assert seat.cores().count == 5


def test_a_container_that_sees_its_group_as_the_root_reads_it_there(seat):
    seat.mounts_v1(root="/docker/abc")
    seat.belongs_to("4:cpu,cpuacct:/docker/abc")
    seat.write("cpu,cpuacct/cpu.cfs_quota_us", "200000")
    seat.write("cpu,cpuacct/cpu.cfs_period_us", "100000")
    assert seat.cores().count == 2


@pytest.mark.parametrize(
    ("path", "root"), [("/../../other", "/"), ("/../abc", "/docker/abc"), ("/other", "/docker/abc")]
)
def test_a_group_outside_of_the_mounted_tree_is_read_at_the_mount(seat, path, root):
    seat.mounts_v2(root)
    seat.belongs_to(f"0::{path}")
    seat.write("cpu.max", "300000 100000")
    assert machine.control_groups("cpu", seat.proc) == [seat.mount]
    assert seat.cores().count == 3


def test_groups_are_read_from_the_own_one_outwards_and_no_further_than_the_mount(seat):
    seat.mounts_v2()
    seat.belongs_to("0::/a/b")
    expected = [seat.mount / "a" / "b", seat.mount / "a", seat.mount]
    assert machine.control_groups("cpu", seat.proc) == expected


@pytest.mark.parametrize(
    "text", ["", "\n", "lots", "200000", "1 2 3", "200000 0", "-5 100000", "2.5 1", "\xff\xfe"]
)
def test_a_malformed_quota_is_no_limit(seat, text):
    seat.mounts_v2()
    seat.belongs_to("0::/seat")
    seat.write("seat/cpu.max", text)
    assert seat.cores().count == 64


@pytest.mark.parametrize("quota", ["", "many", "100000 7"])
def test_a_malformed_version_1_quota_is_no_limit(seat, quota):
    mount = seat.mounts_v1()
    seat.belongs_to("4:cpu,cpuacct:/")
    (mount / "cpu.cfs_quota_us").write_text(quota)
    (mount / "cpu.cfs_period_us").write_text("100000")
    assert seat.cores().count == 64


SYSTEM_TEXTS = st.text(max_size=200) | st.sampled_from(
    [
        "150000 100000", "max 100000", "0 0", "-1 5", "5 -1", "9" * 400 + " 1", "1 2 3",
        "0::/a\n", "1:cpu,x:/a/..\n:::\n", "29 1 0:26 / {} rw - cgroup2 cgroup rw\n",
        "29 1 0:26 /a {} rw - cgroup cgroup cpu\n - cgroup2 x\n", "MemAvailable:  12 kB",
        "MemAvailable: " + "9" * 400 + " kB", "٣ ٣",
    ]
)  # fmt: skip


@given(st.lists(SYSTEM_TEXTS, min_size=4, max_size=4), TEXTS)
@examples(150)
def test_no_content_of_the_system_files_can_break_the_count(texts, limit):
    with tempfile.TemporaryDirectory() as folder:
        proc = Path(folder)
        (proc / "self").mkdir()
        places = ("self/cgroup", "self/mountinfo", "meminfo", "cpu.max")
        for place, text in zip(places, texts, strict=True):
            (proc / place).write_text(text.replace("{}", folder), "utf-8", "replace")
        assert machine.usable_cores(proc, {"CPU_LIMIT": limit}).count >= 1
        quota, memory = machine.cpu_quota(proc), machine.free_memory(proc)
        assert quota is None or quota > 0
        assert memory is None or memory >= 0
    hub = machine.hub_limit({"CPU_LIMIT": limit})
    assert hub is None or 0 < hub < math.inf


@pytest.mark.parametrize(
    ("limit", "count"), [("0.5", 1), ("3.2", 4), ("4", 4), ("1.0", 1), ("1e3", 64)]
)
def test_the_hubs_limit_is_rounded_up(seat, limit, count):
    assert seat.cores(CPU_LIMIT=limit).count == count


@pytest.mark.parametrize("limit", ["abc", "0", "-1", "", "nan", "inf", "-inf", "2 cores"])
def test_a_hubs_limit_that_means_nothing_is_no_limit(seat, limit):
    assert seat.cores(CPU_LIMIT=limit) == (64, "the cores of this machine")


def test_the_hubs_limit_is_named_as_the_reason(seat):
    assert str(seat.cores(CPU_LIMIT="3.2")) == "4, from the hub's CPU_LIMIT=3.2"


def test_the_tightest_of_all_limits_wins(seat, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    seat.mounts_v2()
    seat.belongs_to("0::/seat")
    seat.write("seat/cpu.max", "300000 100000")
    assert seat.cores(CPU_LIMIT="4").count == 3
    assert seat.cores(CPU_LIMIT="2").count == 2


def test_this_machine_has_at_least_one_core_and_no_more_than_it_says():
    assert 1 <= machine.usable_cores(environ={}).count <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_process_bound_to_one_core_knows_it():
    program = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from helpers.machine import usable_cores; print(usable_cores(environ={}).count)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=COURSE, capture_output=True, text=True
    )
    assert answer.stdout == "1\n", answer.stderr


# --- start methods and memory ---------------------------------------------------------------------


def test_the_start_methods_are_those_of_the_standard_library():
    assert machine.start_methods() == multiprocessing.get_all_start_methods()
    assert "spawn" in machine.start_methods()


@pytest.mark.parametrize(
    ("environ", "method"),
    [({}, "spawn"), ({"START_METHOD": ""}, "spawn"), ({"START_METHOD": "fork"}, "fork")],
)
def test_the_default_start_method_comes_from_the_environment(environ, method):
    assert machine.default_start_method(environ) == method


def test_free_memory_is_the_least_of_what_is_available_and_all_limits(seat):
    (seat.proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000000 kB\n")
    assert machine.free_memory(seat.proc) == 4_096_000_000
    seat.mounts_v2()
    seat.belongs_to("0::/hub/ada")
    seat.write("hub/ada/memory.max", "max\n")
    assert machine.free_memory(seat.proc) == 4_096_000_000
    seat.write("hub/memory.max", "1000000000\n")
    assert machine.free_memory(seat.proc) == 10**9


def test_without_meminfo_the_free_memory_is_unknown(seat):
    assert machine.free_memory(seat.proc) is None
