"""Statements of lesson 14 on its job that no cell shows."""

import ast
import cProfile
import gc
import os
import pickle
import pstats
import sysconfig

import pytest

from helpers.observed import get_context
from helpers.schedule import predict
from helpers.tasks import LIBRARY, count_names, count_word, library_files, nap, square

ODD = """\
import os
name = os.name
def name_of(self, name):
    return self.name + name
"""


@pytest.fixture
def odd(tmp_path):
    """Write a small file in which the same word is a name, an attribute and an argument."""
    path = tmp_path / "odd.py"
    path.write_text(ODD, encoding="utf-8")
    return str(path)


def test_the_library_is_where_python_says():
    assert os.path.samefile(LIBRARY, sysconfig.get_path("stdlib"))
    assert os.path.isfile(os.path.join(LIBRARY, "argparse.py"))


def test_names_are_counted_where_they_are_used_and_letters_everywhere(odd):
    assert count_names(odd) == {"name": 2, "os": 1, "self": 1}
    assert count_word("name", odd) == 6


def test_a_file_that_declares_its_encoding_is_read_in_it(tmp_path):
    path = tmp_path / "latin.py"
    path.write_bytes("# -*- coding: latin-1 -*-\ngrün = 1".encode("latin-1"))
    assert count_names(str(path)) == {"grün": 1}


def test_a_tree_survives_the_way_to_the_parent(odd):
    tree = ast.parse(ODD)
    assert ast.dump(pickle.loads(pickle.dumps(tree))) == ast.dump(tree)
    assert sum(isinstance(node, ast.Name) for node in ast.walk(tree)) == 4


def test_a_long_task_started_last_is_a_straggler():
    in_order, longest_first = [1.0] * 8 + [4.0], [4.0] + [1.0] * 8
    assert predict(in_order, 2).makespan == 8
    assert predict(longest_first, 2).makespan == 6


def test_a_pool_that_stays_open_starts_its_workers_once():
    mp = get_context()
    with mp.Pool(2) as pool:
        pool.map(square, range(4))
        before = {process.pid for process in mp.timeline().processes}
        pool.map(square, range(4))
    assert {process.pid for process in mp.timeline().processes} == before
    assert len(before) == 2


def test_the_results_of_a_chunk_are_received_together():
    mp = get_context()
    with mp.Pool(2) as pool:
        pool.map(square, range(12), chunksize=5)
    received = [task.received for task in mp.timeline().tasks]
    assert sorted(received.count(moment) for moment in set(received)) == [2, 5, 5]


def test_the_library_s_files_are_all_there_without_its_tests():
    sizes = library_files()
    assert all(os.path.getsize(os.path.join(LIBRARY, file)) == sizes[file] for file in sizes)
    assert {"argparse.py", os.path.join("json", "decoder.py")} <= set(sizes)
    assert not any("test" in file.split(os.sep) or "tests" in file.split(os.sep) for file in sizes)


def test_the_garbage_collector_no_longer_looks_through_what_is_frozen():
    marker = ["in memory before"]
    gc.freeze()
    try:
        looked_through = gc.get_objects()
        assert not any(thing is marker for thing in looked_through)
    finally:
        gc.unfreeze()
    assert any(thing is marker for thing in gc.get_objects())


def test_a_profile_tells_that_the_parser_is_called_once_for_each_file(odd):
    profile = cProfile.Profile()
    for _ in range(3):
        profile.runcall(count_names, odd)
    functions = pstats.Stats(profile).get_stats_profile().func_profiles
    (parser,) = [name for name in functions if "compile" in name]
    assert functions[parser].ncalls == "3"


def test_what_tasks_spent_on_a_core_is_told_apart_from_what_they_took():
    mp = get_context()
    with mp.Pool(1) as pool:
        pool.map(nap, [0.3, 0.3], chunksize=1)
    for task in mp.timeline().tasks:
        assert task.on_core * (task.finished - task.started) < 0.15
