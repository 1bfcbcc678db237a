"""The process tree shows who is whose child, and what the system says of it is the same."""

import contextlib
import math

import psutil
import pytest

from helpers.observed import get_context
from helpers.tasks import descend
from helpers.timeline import Process, Tasks, Timeline
from helpers.tree import MOST_ROWS, nodes_of, process_tree, tree_as_text


def timeline_of(*family: tuple[str, int, int, int | None]) -> Timeline:
    """Return a timeline with these processes: name, pid, parent's pid, exit code. Ours is 1."""
    nan = math.nan
    processes = [
        Process(name, pid, ppid, 1, "process", "spawn", nan, nan, nan, nan, exitcode)
        for name, pid, ppid, exitcode in family
    ]
    return Timeline(Tasks.from_columns([]), processes, method="spawn", parent=1)


FAMILY = timeline_of(("ann", 2, 1, 0), ("bob", 3, 1, None), ("cid", 4, 2, -9), ("dan", 5, 2, 1))


def test_the_text_indents_a_child_below_its_parent() -> None:
    assert tree_as_text(FAMILY).splitlines() == [
        "this kernel, pid 1",
        "    ann, pid 2, exit code 0",
        "        cid, pid 4, exit code -9",
        "        dan, pid 5, exit code 1",
        "    bob, pid 3",
    ]


def test_a_first_child_stands_beside_its_parent_and_a_later_one_below_the_one_before() -> None:
    places = {node.name: (node.generation, node.row) for node in nodes_of(FAMILY)}
    expected = {"this kernel": (0, 0), "ann": (1, 0), "cid": (2, 0), "dan": (2, 1), "bob": (1, 2)}
    assert places == expected


def test_no_two_processes_stand_in_one_place() -> None:
    family = timeline_of(*[(str(pid), pid, pid // 3, 0) for pid in range(2, 60)])
    places = [(node.generation, node.row) for node in nodes_of(family)]
    assert len(set(places)) == len(places) > 20


def test_the_alternative_text_names_each_process_and_whose_child_it_is() -> None:
    alt = process_tree(FAMILY).alt
    assert "4 spawn processes from this kernel, in 2 generations." in alt
    assert "Cid, pid 4, exit code -9, child of ann." in alt
    assert "Bob, pid 3, child of this kernel." in alt


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_has_a_box_for_each_process_and_its_texts_stay_inside(dark: bool) -> None:
    long = timeline_of(*[("a rather long name", pid, pid - 1, 0) for pid in range(2, 9)])
    for timeline in (FAMILY, long):
        chart = process_tree(timeline, dark=dark)
        (axes,) = chart.figure.axes
        assert len(axes.patches) == len(nodes_of(timeline))
        boxes = [patch.get_window_extent() for patch in axes.patches]
        texts = [text.get_window_extent() for text in axes.texts[1:]]
        for text in texts:
            assert any(box.x0 <= text.x0 and text.x1 <= box.x1 for box in boxes)


def test_the_kernel_alone_is_a_tree_too() -> None:
    alone = timeline_of()
    assert tree_as_text(alone) == "this kernel, pid 1"
    assert "0 spawn processes from this kernel, in 0 generations" in process_tree(alone).alt


def test_of_very_many_processes_only_the_first_are_drawn_and_the_title_says_so() -> None:
    many = timeline_of(*[("p", pid, 1, 0) for pid in range(2, 2 + MOST_ROWS + 7)])
    chart = process_tree(many)
    assert len(chart.figure.axes[0].patches) == MOST_ROWS + 1
    assert "(7 not shown)" in chart.alt


@pytest.mark.parametrize("draw", [process_tree, tree_as_text])
def test_what_is_no_timeline_is_refused(draw) -> None:
    with pytest.raises(TypeError, match="needs a timeline"):
        draw([FAMILY])


def test_the_tree_says_what_the_system_says() -> None:
    mp = get_context("spawn")
    p = mp.Process(target=descend, args=(mp, 3), name="child")
    p.start()
    below = {}  # the pids of children, by their parent's, while they live
    while p.is_alive():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended in the meantime
            for process in psutil.Process(p.pid).children(recursive=True):
                below[process.pid] = process.ppid()
    p.join()
    timeline = mp.timeline()
    names = [node.name for node in nodes_of(timeline)]
    assert names == ["this kernel", "child", "grandchild", "great-grandchild"]
    drawn = {process.pid: process.ppid for process in timeline.processes[1:]}
    assert drawn.items() <= below.items()
