"""Dask's client with a recorder: what its cluster did, and how it ends."""

import ipaddress
import os
import socket
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import distributed
import psutil
import pytest

from helpers import cluster
from helpers.cluster import Client, LocalClusters, kill_at_work
from helpers.observed import Stopped
from helpers.tasks import fragile_task, nap
from tests.support.within import until, within

PATIENCE = 120
"""Seconds after which a cluster is given up. Under load it takes its time to start."""


def listening(process):
    """The addresses on which a process, or one of its children, waits for others."""
    family = [process, *process.children(recursive=True)]
    return {
        connection.laddr.ip
        for member in family
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_a_local_cluster_is_reached_from_this_machine_only_and_leaves_no_files():
    before = listening(psutil.Process())
    with Client(n_workers=1) as client:
        folder = Path(client._folder.name)
        assert list(folder.rglob("worker-*")), "here the workers have their files"
        new = listening(psutil.Process()) - before
        assert new <= {"127.0.0.1"}
        assert all(ipaddress.ip_address(address).is_loopback for address in new)
    assert not folder.exists()


def test_a_client_knows_what_its_cluster_did_also_when_it_is_closed():
    with Client(n_workers=2) as client, client.get_executor(pure=False) as executor:
        futures = [executor.submit(fragile_task, number) for number in range(4)]
        assert [type(future.exception()) for future in futures].count(ValueError) == 1
        pids = client.run(os.getpid)
    timeline = client.timeline()
    outcomes = {task.call: task.outcome for task in timeline.tasks}
    assert outcomes == {
        f"fragile_task({number})": "raised" if number == 2 else "returned" for number in range(4)
    }
    assert {process.pid for process in timeline.processes} == set(pids.values())
    assert timeline.workers == 2
    assert all(0 < task.started < task.finished <= timeline.now for task in timeline.tasks)


def test_no_task_finishes_after_the_moment_of_the_look(monkeypatch):
    with Client(n_workers=1) as client:
        stream, future = client.get_task_stream, client.submit(nap, 0.5)
        within(PATIENCE, wait_for_a_task, client)

        def stream_after_the_task():
            future.result(timeout=PATIENCE)
            return stream()

        monkeypatch.setattr(client, "get_task_stream", stream_after_the_task)
        timeline = client.timeline()
        assert timeline.tasks.finished.max() <= timeline.now


def test_a_clock_that_is_late_lets_no_task_finish_in_the_future(monkeypatch):
    with Client(n_workers=1) as client:
        ask = client.run_on_scheduler
        client.submit(nap, 0.0).result(timeout=PATIENCE)
        monkeypatch.setattr(client, "run_on_scheduler", lambda clock: ask(clock) - 3600)
        timeline = client.timeline()
        assert timeline.tasks.finished.max() == timeline.now


def test_each_client_sees_what_happens_from_its_own_beginning_on():
    with Client(n_workers=1) as first:
        first.submit(nap, 0.0).result()
        with Client(first.scheduler.address) as second:
            second.submit(nap, 0.01).result()
            first.submit(nap, 0.02).result()
        assert [task.call for task in second.timeline().tasks] == ["nap(0.01)", "nap(0.02)"]
        assert len(first.timeline().tasks) == 3


def test_a_thousand_tasks_and_more_are_all_remembered():
    with Client(n_workers=1) as client:
        client.gather(client.map(abs, range(1200)))
    calls = {task.call for task in client.timeline().tasks}
    assert calls == {f"abs({number})" for number in range(1200)}


def test_a_client_may_be_looked_at_while_it_is_closed():
    client, errors = Client(n_workers=1), []
    assert client.submit(nap, 0.0).result() == 0.0

    def look():
        while client.status != "closed":
            try:
                client.timeline()
            except Exception as error:
                errors.append(error)
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    within(PATIENCE, client.close)
    thread.join(PATIENCE)
    assert errors == []
    assert len(client.timeline().tasks) == 1


def test_a_nanny_puts_a_new_worker_in_the_place_of_a_killed_one():
    with Client(n_workers=1) as client:
        future = client.submit(nap, 1.0)
        pid = within(PATIENCE, kill_at_work, client)
        assert future.result(timeout=PATIENCE) == 1.0
    timeline = client.timeline()
    assert [task.outcome for task in timeline.tasks] == ["lost", "returned"]
    first, second = timeline.processes
    assert first.pid == pid != second.pid
    assert first.lane == second.lane == 1
    assert first.ended <= second.ready


def wait_for_a_task(dask):
    while not len(dask.timeline().tasks):
        time.sleep(0.05)


def test_an_experiment_with_dask_can_be_stopped(monkeypatch):
    dask, ends, starts = LocalClusters(), [], []
    instantiate = distributed.Nanny.instantiate

    async def noted(nanny):
        starts.append(nanny)
        return await instantiate(nanny)

    monkeypatch.setattr(distributed.Nanny, "instantiate", noted)

    def run():
        try:
            with dask.client(1) as client, client.get_executor() as executor:
                executor.submit(nap, 60).result()
        except BaseException as error:
            ends.append(type(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    within(PATIENCE, wait_for_a_task, dask)
    within(PATIENCE, dask.stop)
    thread.join(PATIENCE)
    assert ends == [CancelledError], "and the two who close it do not disturb each other"
    with pytest.raises(Stopped):
        dask.client(1)
    assert dask.timeline().workers == 1
    assert [task.outcome for task in dask.timeline().tasks] == ["lost"]
    assert len(dask.timeline().processes) == 1
    assert len(starts) == 1, "no other worker was to take its place"


def test_a_second_worker_is_killed_at_work_while_the_first_is_not_yet_missed(monkeypatch):
    with Client(n_workers=3) as client, client.get_executor(pure=False) as executor:
        futures = [executor.submit(nap, 1.0) for _ in range(6)]
        first = within(PATIENCE, kill_at_work, client)
        until(lambda: not psutil.pid_exists(first))
        late = iter([[first], [first]])  # as long as the scheduler has not noticed
        at_work = cluster._at_work
        monkeypatch.setattr(cluster, "_at_work", lambda client: next(late, None) or at_work(client))
        assert within(PATIENCE, kill_at_work, client) != first
        assert [future.result(PATIENCE) for future in futures] == [1.0] * 6


def test_nobody_is_killed_when_the_client_has_been_closed():
    with Client(n_workers=1) as client:
        pass
    with pytest.raises(Stopped):
        within(PATIENCE, kill_at_work, client)


def test_nobody_is_killed_when_all_tasks_are_done():
    with Client(n_workers=1) as client:
        future = client.submit(nap, 0.01)
        assert future.result(PATIENCE) == 0.01
        with pytest.raises(RuntimeError, match="submit longer ones"):
            within(PATIENCE, kill_at_work, client)
        later = client.submit(nap, 1.0)
        with pytest.raises(RuntimeError, match="all tasks are done"):
            within(PATIENCE, kill_at_work, client, 1)  # a worker of another machine, never seen
        assert later.result(PATIENCE) == 1.0


def test_a_senseless_number_of_workers_is_refused_before_a_cluster_starts():
    with pytest.raises(ValueError, match="from 1 to"):
        LocalClusters().client(10**6)


def test_an_experiment_that_has_not_begun_has_an_empty_timeline():
    assert len(LocalClusters().timeline().tasks) == 0


def test_this_machine_has_the_loopback_that_all_this_needs():
    assert socket.gethostbyname("localhost") == "127.0.0.1"
