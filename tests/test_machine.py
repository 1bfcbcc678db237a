"""What `helpers.machine` says about a seat: its cores, its memory, and the pre-class check."""

import math
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import machine
from helpers.machine import FAILED, OK, WORTH_KNOWING, Check

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


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_content_of_the_system_files_can_break_the_count(tmp_path_factory, groups, mounts):
    proc = tmp_path_factory.mktemp("proc")
    (proc / "self").mkdir()
    (proc / "self" / "cgroup").write_text(groups, encoding="utf-8", errors="replace")
    (proc / "self" / "mountinfo").write_text(
        f"1 2 0:3 / {mounts} - cgroup2 x rw\n{mounts} - cgroup", encoding="utf-8", errors="replace"
    )
    assert machine.usable_cores(proc, {}).count >= 1


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
        [sys.executable, "-c", program], cwd=machine.COURSE, capture_output=True, text=True
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


# --- the pre-class check --------------------------------------------------------------------------


def test_every_failing_check_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text("no-such-package~=1.0\n")
    monkeypatch.setattr(machine, "DISK_NEEDED", math.inf)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(machine, "run_in_a_process", lambda *_: (1, "", "OSError: no semaphores"))
    bad = [
        machine.check_python((3, 8, 1)),
        machine.check_packages(tmp_path / "requirements.txt"),
        machine.check_start_methods({"START_METHOD": "teleport"}),
        machine.check_nslookup(),
        machine.check_disk(),
        machine.check_disk(tmp_path / "missing"),
        *machine.check_memory(10**6),
        machine.check_pool("spawn", needed=True),
        machine.check_pool("spawn", needed=False),
    ]
    assert all(check.state != OK for check in bad)
    assert [check for check in bad if not check.remedy] == []
    assert [check for check in bad if "\n" in check.found + check.remedy] == []


def test_the_check_names_the_python_it_found():
    assert machine.check_python((3, 8, 1)) == Check(
        "Python", FAILED, f"3.8.1 on {platform.system()}", "Install Python 3.11 or newer."
    )
    assert machine.check_python((3, 11, 0)).state == OK
    assert machine.check_python().state == OK


def test_the_check_names_packages_that_are_missing_or_too_old(tmp_path, monkeypatch):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# a comment\nno-such-package~=1.0\npytest~=1.2\n-e .\n")
    monkeypatch.setattr(machine.importlib.metadata, "version", version_of)
    check = machine.check_packages(requirements)
    assert check.found == "no-such-package is missing; pytest is 9.2.0, wanted ~=1.2"


def version_of(name):
    if name == "pytest":
        return "9.2.0"
    raise machine.importlib.metadata.PackageNotFoundError(name)


def test_the_packages_of_this_environment_are_all_there():
    assert machine.check_packages().state == OK


@pytest.mark.parametrize(
    ("version", "pin", "expected"),
    [
        ("8.1.9", "8.1", True),
        ("8.2", "8.1", True),
        ("8.0.9", "8.1", False),
        ("9.0", "8.1", False),
        ("0.11.0", "0.11.0", True),
        ("0.11.5", "0.11.0", True),
        ("0.12.0", "0.11.0", False),
        ("10.0", "9.2", False),
        ("3.11.2", "3.9", True),  # 11 is more than 9: numbers, not letters
    ],
)
def test_compatible_releases_are_those_of_the_packaging_specification(version, pin, expected):
    assert machine.is_compatible(version, pin) is expected


def test_an_unavailable_start_method_is_told_with_those_available():
    check = machine.check_start_methods({"START_METHOD": "teleport"})
    assert check.state == FAILED
    assert all(method in check.remedy for method in machine.start_methods())
    assert machine.check_start_methods({}).found.endswith("the lessons use spawn")


def test_a_single_core_is_worth_knowing_and_no_failure(monkeypatch):
    monkeypatch.setattr(machine, "usable_cores", lambda: machine.Cores(1, "the hub's CPU_LIMIT=1"))
    check = machine.check_cores()
    assert check.state == WORTH_KNOWING
    assert check.found.startswith("1, from the hub's CPU_LIMIT=1")


def test_a_missing_nslookup_is_worth_knowing_since_a_stand_in_exists(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert machine.check_nslookup().state == WORTH_KNOWING


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
def test_every_system_has_a_remedy_for_a_missing_nslookup(monkeypatch, system):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(platform, "system", lambda: system)
    assert machine.check_nslookup().remedy


@pytest.mark.skipif(os.name == "nt", reason="the nslookup of Windows tells no version")
def test_the_version_of_nslookup_is_found_on_stderr(tmp_path):
    program = tmp_path / "nslookup"
    program.write_text("#!/bin/sh\necho 'nslookup 9.18.49-Debian' >&2\n")
    program.chmod(0o755)
    assert machine.nslookup_version(str(program)) == "9.18.49-Debian"


def test_an_nslookup_that_cannot_run_has_no_version(tmp_path):
    assert machine.nslookup_version(str(tmp_path / "nslookup")) == ""


def test_an_unwritable_temporary_folder_fails(tmp_path):
    check = machine.check_disk(tmp_path / "missing")
    assert check.state == FAILED
    assert check.found.startswith("cannot write to")


def test_the_disk_check_leaves_nothing_behind(tmp_path):
    assert machine.check_disk(tmp_path).state in (OK, FAILED)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_nearly_full_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**6))
    assert machine.check_disk(tmp_path).state == FAILED


def test_unknown_memory_is_no_check_at_all(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    assert machine.check_memory() == []


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_real_pool_answers(method):
    check = machine.check_pool(method, needed=True)
    assert check.state == OK, check


def test_a_pool_that_hangs_is_given_up_and_leaves_no_worker(tmp_path):
    # The initializer never ends, so the Pool never answers. Each worker writes down its pid first.
    (tmp_path / "stuck.py").write_text(
        "import os, pathlib, sys, time\n"
        "def wait_for_ever():\n"
        "    pathlib.Path(__file__).with_name(f'{os.getpid()}.pid').touch()\n"
        "    time.sleep(600)\n"
    )
    program = (
        "import multiprocessing.context as c, stuck;"
        "plain = c.BaseContext.Pool;"
        "c.BaseContext.Pool = lambda self, n: plain(self, n, stuck.wait_for_ever);"
        "from helpers.machine import run_a_pool; run_a_pool('spawn', 5)"
    )
    code, out, err = machine.run_in_a_process(program, 60, {"PYTHONPATH": str(tmp_path)})
    assert (code, out) == (machine.GAVE_UP, ""), err
    assert machine.what_the_pool_said(code, out, err, 5) == "no answer in 5 s"
    pids = [int(file.stem) for file in tmp_path.glob("*.pid")]
    assert pids
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid):
    """Tell whether a process still runs. One that was killed may take a moment to go."""
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        return True
    return False


def test_a_process_that_cannot_even_begin_is_given_up(monkeypatch):
    code, _, err = machine.run_in_a_process("import time; time.sleep(600)", 1)
    assert code is None
    assert err == ""
    monkeypatch.setattr(machine, "run_in_a_process", lambda *_: (None, "", ""))
    assert machine.check_pool("spawn", needed=True).found == "no answer in 20 s"


def test_a_pool_that_fails_is_told_with_its_last_words():
    said = machine.what_the_pool_said(1, "", "Traceback ...\nOSError: no semaphores\n", 20)
    assert said == "ended with exit code 1: OSError: no semaphores"


def test_a_pool_with_a_wrong_answer_has_failed():
    assert machine.what_the_pool_said(0, "1 2 3 5\n", "", 20)
    assert not machine.what_the_pool_said(0, "1 2 3 4\n", "", 20)


def test_a_failing_pool_is_a_failure_only_for_the_lessons_own_method(monkeypatch):
    monkeypatch.setattr(machine, "run_in_a_process", lambda *_: (1, "", "boom"))
    monkeypatch.setenv("START_METHOD", "spawn")
    states = {check.name: check.state for check in machine.check_pools()}
    assert states.pop("Pool, spawn") == FAILED
    assert set(states.values()) <= {WORTH_KNOWING}


def test_the_text_puts_each_remedy_below_its_line_and_counts_the_failures():
    checks = [Check("Python", OK, "3.13"), Check("disk", FAILED, "full", "Empty it.")]
    assert machine.as_text(checks).splitlines() == [
        "ok             Python  3.13",
        "FAILED         disk    full",
        "                       to do: Empty it.",
        "",
        "1 of 2 checks failed: do what the line says, then check again.",
    ]


def test_what_is_worth_knowing_does_not_fail_the_check(monkeypatch, capsys):
    checks = [Check("nslookup", WORTH_KNOWING, "not found", "Install it.")]
    monkeypatch.setattr(machine, "pre_class_check", lambda: checks)
    assert machine.main() == 0
    assert capsys.readouterr().out.endswith("Nothing failed. This machine is ready for class.\n")


def test_a_failure_is_told_by_the_exit_code(monkeypatch):
    checks = [Check("Python", OK, "3.13"), Check("disk", FAILED, "full", "Empty it.")]
    monkeypatch.setattr(machine, "pre_class_check", lambda: checks)
    assert machine.main() == 1


def test_the_whole_check_covers_what_a_lesson_needs():
    names = [check.name for check in machine.pre_class_check()]
    wanted = ["Python", "packages", "start methods", "usable cores", "nslookup", "disk"]
    assert names[: len(wanted)] == wanted
    assert "Pool, spawn" in names
