"""Statements of lesson 14 on its job that no cell shows."""

import ast
import os
import pickle
import sysconfig

import pytest

from helpers.observed import get_context
from helpers.schedule import predict
from helpers.tasks import LIBRARY, count_names, count_word, square

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
