"""What was measured can be kept in files: a table, two pictures, a trace."""

import csv
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from helpers.chart.style import WIDTH
from helpers.gantt import gantt
from helpers.runs.comparison import comparison
from helpers.runs.files import save_runs, to_csv, to_png
from helpers.schedule import predict
from helpers.timeline import RAISED, RETURNED, Task
from tests.support.runs import FIVE, nothing, readers, run

# CSV


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_holds_every_task_of_every_run(tmp_path):
    results = [run(4), run(2, "fork", trouble="stopped"), nothing()]
    path = tmp_path / "runs.csv"
    to_csv(results, path)
    rows = read(path)
    assert list(rows[0]) == ["run", "method", "workers", *Task._fields, "waited"]
    assert [row["run"] for row in rows] == ["1"] * 5 + ["2"] * 5
    assert [(row["method"], row["workers"]) for row in rows[4:6]] == [("spawn", "4"), ("fork", "2")]
    tasks = [task for result in results for task in result.timeline.tasks]
    for row, task in zip(rows, tasks, strict=True):
        assert (row["call"], row["outcome"]) == (task.call, task.outcome)
        assert (int(row["lane"]), int(row["pid"])) == (task.lane, task.pid)
        for name in ("started", "finished", "received"):
            assert float(row[name]) == pytest.approx(getattr(task, name), abs=1e-6)
        assert row["submitted"] == row["on_core"] == ""  # not known


def test_the_csv_keeps_every_character_of_calls_and_errors(tmp_path):
    calls = ["f('a,b')", 'f("q")', "f('line\nbreak')", "f('日本')", "f('=1+1')"]
    outcome = [RAISED, *[RETURNED] * 4]
    result = run(4, calls=calls, outcome=outcome, errors={0: "ValueError: ä;\r\nx"})
    path = tmp_path / "runs.csv"
    to_csv([result], path)
    rows = read(path)
    assert [row["call"] for row in rows] == calls
    assert rows[0]["outcome"] == "raised ValueError: ä;\r\nx"


@pytest.mark.parametrize("sign", [*"=+-@＝＋－＠", "\t", "\r", "\n", " =", "\t="])
def test_no_text_of_the_csv_is_a_formula(tmp_path, sign):
    calls = [f"{sign}cmd|' /C calc'!A0", f"{sign}1", sign, "f(-1)", "f('=1')"]
    path = tmp_path / "runs.csv"
    to_csv([run(4, calls=calls)], path)
    told = [row["call"] for row in read(path)]
    assert told == [*("'" + call for call in calls[:3]), *calls[3:]]


def test_numbers_of_the_csv_stay_numbers(tmp_path):
    path = tmp_path / "runs.csv"
    to_csv([readers(2, -1)], path)
    assert read(path)[0]["writers"] == "-1"


def test_lines_of_the_csv_end_the_same_on_every_platform(tmp_path):
    path = tmp_path / "runs.csv"
    to_csv([run(1)], path)
    content = path.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") == 6


def test_the_csv_has_a_column_for_every_slider(tmp_path):
    path = tmp_path / "runs.csv"
    to_csv([readers(2, 1), run(4)], path)
    rows = read(path)
    assert [rows[0][name] for name in ("readers", "writers", "workers")] == ["2", "1", ""]
    assert [rows[-1][name] for name in ("readers", "writers", "workers")] == ["", "", "4"]


def test_a_csv_is_never_overwritten(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("homework")
    with pytest.raises(FileExistsError, match=r"runs\.csv"):
        to_csv([run(1)], str(path))
    assert path.read_text() == "homework"


# All that Save writes


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tasks_pictures_and_trace_are_saved_under_one_number(folder):
    results = [run(1), run(4)]
    paths = save_runs(results, 2)
    assert [path.name for path in paths] == [
        "runs_1.csv",
        "runs_1_newest.png",
        "runs_1_comparison.png",
        "runs_1.json",
    ]
    assert sorted(os.listdir(folder)) == sorted(path.name for path in paths)
    tasks, newest, compared, trace = paths
    assert len(read(tasks)) == 10
    assert newest.read_bytes() == gantt(results[-1].timeline).png
    assert compared.read_bytes() == comparison(results, 2).png
    events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    bars = [event["args"] for event in events if event.get("cat") == "tasks"]
    assert [bar["finished"] for bar in bars] == [t.finished for t in results[-1].timeline.tasks]
    assert [Image.open(path).width for path in (newest, compared)] == [WIDTH] * 2


def test_saved_pictures_can_show_the_prediction_and_be_dark(folder):
    plan = predict(FIVE, 4)
    _, newest, compared, _ = save_runs([run(4)], 2, predicted=plan, dark=True)
    assert newest.read_bytes() == gantt(run(4).timeline, plan, dark=True).png
    for path in (newest, compared):
        assert sum(Image.open(path).convert("RGB").getpixel((1, 1))) < 150


@pytest.mark.parametrize(
    "name", ["runs_1.csv", "runs_1_newest.png", "runs_1_comparison.png", "runs_1.json"]
)
def test_what_is_there_is_not_overwritten_and_the_next_number_is_taken(folder, name):
    (folder / name).write_text("homework")
    paths = save_runs([run(1)], 2)
    assert {path.name[:6] for path in paths} == {"runs_2"}
    assert (folder / name).read_text() == "homework"
    assert len(os.listdir(folder)) == 5


def test_a_picture_is_never_overwritten(tmp_path):
    path = tmp_path / "runs.png"
    path.write_text("homework")
    with pytest.raises(FileExistsError, match=r"runs\.png"):
        to_png(gantt(run(1).timeline), path)
    assert path.read_text() == "homework"


def test_without_a_run_nothing_is_saved(folder):
    with pytest.raises(ValueError, match="press Run first"):
        save_runs([], 2)
    assert os.listdir(folder) == []
