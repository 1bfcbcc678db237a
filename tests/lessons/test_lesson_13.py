"""Statements of lesson 13 on clusters, and a cluster whose processes run as on other hosts."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import dask
import distributed
import nbformat
import psutil
import pytest
from distributed import KilledWorker
from distributed.deploy.utils import nprocesses_nthreads

from helpers.cluster import Client, kill_at_work
from helpers.gantt import gantt
from helpers.hosts import Hosts
from helpers.programs import dask_worker
from helpers.script import run_script
from helpers.tasks import doomed_task, nap
from tests.support.within import until, within
from tools import notebooks

PATIENCE = 120
"""Seconds after which we give up waiting: far beyond what a busy machine needs."""

LESSON = notebooks.NOTEBOOKS / "13_beyond_one_machine.ipynb"


def outcomes(client):
    return [task.outcome for task in client.timeline().tasks]


# A scheduler and workers that are programs of their own


def test_a_worker_on_another_host_is_killed_at_work_and_nothing_is_missing():
    with Hosts() as hosts:
        north, south = (hosts.add_worker(host) for host in ("north", "south"))
        with Client(hosts.address) as client, client.get_executor(pure=False) as executor:
            client.wait_for_workers(2, timeout=PATIENCE)
            assert set(client.run(os.getpid).values()) == {north.pid, south.pid}
            futures = [executor.submit(nap, 1.0 + number / 100) for number in range(4)]
            assert within(PATIENCE, kill_at_work, client, north.pid) == north.pid
            assert north.wait(PATIENCE) != 0
            results = [future.result(PATIENCE) for future in futures]
            assert results == [1.0, 1.01, 1.02, 1.03]

    timeline = client.timeline()
    by_pid = {process.pid: process for process in timeline.processes}
    assert by_pid[north.pid].host == "north"
    assert by_pid[south.pid].host == "south"
    assert by_pid[north.pid].ended < timeline.now, "its lane ends"
    assert timeline.alive == 1
    (lost,) = [task for task in timeline.tasks if task.outcome == "lost"]
    assert lost.pid == north.pid
    assert lost.lane == by_pid[north.pid].lane
    returned = [task for task in timeline.tasks if task.outcome == "returned"]
    (again,) = [task for task in returned if task.call == lost.call]
    assert again.pid == south.pid
    calls = {task.call for task in returned}
    assert calls == {"nap(1.0)", "nap(1.01)", "nap(1.02)", "nap(1.03)"}

    chart = gantt(timeline)
    assert "2 workers on 2 hosts" in chart.alt
    assert f"Lost: {lost.call}" in chart.alt
    names = [text.get_text() for text in chart.figure.axes[0].texts]
    assert {"north", "south", "worker 1", "worker 2"} <= set(names)


def test_a_worker_may_join_while_work_goes_on_and_takes_its_share():
    with Hosts() as hosts:
        hosts.add_worker("north")
        with Client(hosts.address) as client:
            client.wait_for_workers(1, timeout=PATIENCE)
            futures = [client.submit(nap, 0.3, pure=False)]
            late = hosts.add_worker("south")

            def south_has_worked():
                futures.extend(client.submit(nap, 0.3, pure=False) for _ in range(2))
                wait = futures[-1].result(PATIENCE)
                return wait and late.pid in {task.pid for task in client.timeline().tasks}

            until(south_has_worked, "the host that came late had done something")


def test_results_of_a_lost_worker_are_made_again_as_long_as_somebody_holds_their_futures():
    with Hosts() as hosts:
        north = hosts.add_worker("north")
        with Client(hosts.address) as client:
            client.wait_for_workers(1, timeout=PATIENCE)
            held, given_up = client.submit(nap, 0.01), client.submit(nap, 0.02)
            assert client.gather([held, given_up]) == [0.01, 0.02]
            del given_up
            until(lambda: len(client.has_what()) == 1, "the scheduler knows what is where")
            until(lambda: len(*client.has_what().values()) == 1, "the other result was forgotten")
            hosts.add_worker("south")
            client.wait_for_workers(2, timeout=PATIENCE)
            north.kill()
            until(lambda: len(client.timeline().tasks) == 3, "the result was made again")
            assert held.result(timeout=PATIENCE) == 0.01
        tasks = client.timeline().tasks
        assert [task.call for task in tasks] == ["nap(0.01)", "nap(0.02)", "nap(0.01)"]
        assert north.pid == tasks[0].pid != tasks[2].pid


def test_a_task_that_kills_is_given_up_and_the_cluster_is_still_of_use():
    with Hosts(allowed_failures=1) as hosts:
        workers = [hosts.add_worker("north") for _ in range(3)]
        with Client(hosts.address) as client, client.get_executor() as executor:
            client.wait_for_workers(3, timeout=PATIENCE)
            assert isinstance(executor.submit(doomed_task, 2).exception(PATIENCE), KilledWorker)
            assert executor.submit(doomed_task, 4).result(PATIENCE) == "task 4 is fine"
            until(lambda: sum(worker.poll() is not None for worker in workers) == 2, "two ended")
        assert outcomes(client) == ["lost", "lost", "returned"]


def test_dask_itself_allows_three_failures():
    assert dask.config.get("distributed.scheduler.allowed-failures") == 3


def test_a_task_counts_as_failed_on_each_lost_worker_that_had_it_at_work_or_not():
    with Hosts(allowed_failures=0) as hosts:
        north = hosts.add_worker("north")
        with Client(hosts.address) as client, client.get_executor(pure=False) as executor:
            client.wait_for_workers(1, timeout=PATIENCE)
            futures = [executor.submit(nap, 60.0) for _ in range(2)]
            until(lambda: len(*client.processing().values()) == 2, "it had been given both")
            within(PATIENCE, kill_at_work, client, north.pid)
            errors = [future.exception(PATIENCE) for future in futures]
        assert {type(error) for error in errors} == {KilledWorker}
        assert outcomes(client) == ["lost"], "only one of them had begun"


# Clocks

FAST_CLOCK = f"""
import sys, time
right = time.time
time.time = lambda: right() + 3600
from distributed.cli.dask_worker import main
sys.argv[1:] += ["--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--preload"]
sys.argv[1:] += ["{dask_worker.__name__}", "--dashboard-address", "127.0.0.1:0"]
main()
"""


def test_a_worker_whose_clock_is_an_hour_ahead_puts_its_times_right():
    with Hosts() as hosts, Client(hosts.address) as client:
        command = [sys.executable, "-c", FAST_CLOCK, hosts.address]
        program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with program:
            client.wait_for_workers(1, timeout=PATIENCE)
            (shown,) = client.run(time.time).values()
            assert shown > time.time() + 3000, "its clock is wrong"
            client.submit(nap, 0.1).result(timeout=PATIENCE)
            (task,) = client.timeline().tasks
            assert 0 <= task.started < task.finished < client.timeline().now + PATIENCE
            program.kill()


# Threads, data, and the main guard


def test_a_plain_dask_worker_is_one_process_with_a_thread_for_each_core():
    with Hosts() as hosts, Client(hosts.address) as client:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", hosts.address]
        options = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-nanny"]
        with subprocess.Popen(
            command + options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as program:
            client.wait_for_workers(1, timeout=PATIENCE)
            assert list(client.nthreads().values()) == [dask.system.CPU_COUNT]
            program.kill()


def test_dask_itself_gives_several_threads_to_the_workers_of_a_larger_machine():
    assert nprocesses_nthreads(4) == (4, 1)
    assert nprocesses_nthreads(16) == (4, 4)


def test_the_course_s_workers_have_one_thread_each():
    with Hosts() as hosts, Client(hosts.address) as client:
        hosts.add_worker("north")
        client.wait_for_workers(1, timeout=PATIENCE)
        assert list(client.nthreads().values()) == [1]
    with Client(n_workers=2) as client:
        assert list(client.nthreads().values()) == [1, 1]


def test_without_a_main_guard_the_nanny_fails_and_the_traceback_names_the_guard():
    (program,) = [
        text
        for cell in nbformat.read(LESSON, as_version=4).cells
        if cell.cell_type == "code"
        for text in re.findall(r"(?s)program = '''\n(.*?)'''", cell.source)
    ]
    case = run_script(program)
    assert case.exitcode == 1
    assert "Nanny failed to start" in case.stderr
    assert "if __name__ == '__main__':" in case.stderr
    guarded = program.replace("\nclient =", "\nif __name__ == '__main__':\n    client =")
    case = run_script(guarded.replace("\nprint", "\n    print"))
    assert (case.exitcode, case.stdout) == (0, "3\n")


# What else the lesson says


def test_the_same_call_is_the_same_task_unless_dask_is_told_otherwise():
    with Client(n_workers=1) as client:
        for options, tasks in (({}, 1), ({"pure": False}, 3)):
            with Client(client.scheduler.address) as other, other.get_executor(**options) as pool:
                assert [pool.submit(nap, 0.0).result() for _ in range(1)] == [0.0]
                futures = [pool.submit(nap, 0.05) for _ in range(3)]
                assert [future.result() for future in futures] == [0.05] * 3
            assert [task.call for task in other.timeline().tasks].count("nap(0.05)") == tasks


def test_dask_compares_versions_and_warns(monkeypatch):
    with Client(n_workers=1) as client:
        client.get_versions(check=True)
        other = distributed.versions.get_versions()
        other["packages"]["msgpack"] = "0.0"
        monkeypatch.setattr(distributed.versions, "get_versions", lambda **_: other)
        with pytest.warns(UserWarning, match="Mismatched versions"):
            client.get_versions(check=True)


def test_the_first_host_of_an_ssh_cluster_is_for_the_scheduler():
    said = " ".join(distributed.SSHCluster.__doc__.split())
    assert "first address will be used for the scheduler" in said


# Nothing is left


def test_hosts_are_reached_from_this_machine_only_and_leave_nothing():
    with Hosts() as hosts:
        hosts.add_worker("north")
        folder = Path(hosts._folder.name)
        with Client(hosts.address) as client:
            client.wait_for_workers(1, timeout=PATIENCE)
            programs = [psutil.Process(program.pid) for program in hosts._programs]
            listening = [
                connection.laddr.ip
                for program in programs
                for connection in program.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            ]
            assert len(listening) >= 2
            assert set(listening) == {"127.0.0.1"}
    assert not any(program.is_running() for program in programs)
    assert not folder.exists()


def test_a_client_can_be_closed_when_its_scheduler_has_gone():
    with Hosts() as hosts:
        hosts.add_worker("north")
        client = Client(hosts.address)
        client.wait_for_workers(1, timeout=PATIENCE)
        assert client.submit(nap, 0.1).result(timeout=PATIENCE) == 0.1
        assert len(client.timeline().tasks) == 1
    within(PATIENCE, client.close)
    assert len(client.timeline().tasks) == 1


ORPHANS = """
import time
from helpers.hosts import Hosts
hosts = Hosts()
worker = hosts.add_worker("north")
address = hosts.address
print(*[program.pid for program in hosts._programs], hosts._folder.name, flush=True)
time.sleep(600)
"""


def test_the_programs_end_when_the_one_that_started_them_is_killed(tmp_path):
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        *pids, folder = starter.stdout.readline().split()
        programs = [psutil.Process(int(pid)) for pid in pids]
        starter.kill()
    until(lambda: not any(program.is_running() for program in programs), "they had ended")
    assert Path(folder).exists(), "nobody was there to remove it"
    for path in sorted(Path(folder).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    Path(folder).rmdir()


# Without Dask


def test_without_dask_the_lesson_says_so_in_one_line_and_every_cell_runs(tmp_path, monkeypatch):
    for name in ("dask", "distributed"):
        (tmp_path / name).mkdir()
        refuse = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')"
        (tmp_path / name / "__init__.py").write_text(refuse)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    notebook = nbformat.read(LESSON, as_version=4)
    for cell in notebook.cells:
        cell.outputs = []
    cells = [cell for cell in notebooks.executed(notebook).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [out for cell in cells for out in cell.outputs if out != notebooks.NOTHING]
    assert {output.output_type for output in outputs} == {"stream"}, "no error"
    said = "".join(output.text for output in outputs)
    assert said.count("distributed is not installed here") == 1
    assert "processes: [0.4, 0.3, 0.2, 0.1]" in said, "what needs no Dask still runs"
    assert "a cluster" not in said
    assert "13.1: not begun." in said, "and so is each exercise there"
    assert len(outputs) == 6, "two more: the source of nap, and the naps of *In practice*"
