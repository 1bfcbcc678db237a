"""What was measured can be read without a picture and kept in files."""

import csv
import math
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from helpers.chart.style import WIDTH
from helpers.gantt import gantt
from helpers.runs.table import table, table_html, to_csv, to_png
from helpers.schedule import predict
from helpers.timeline import RAISED, RETURNED
from tests.support.runs import FIVE, forty, nothing, readers, run

# The table


def test_the_table_says_the_numbers_of_every_run():
    results = [run(1), run(4), run(4, "fork", trouble="stopped")]
    head, *rows = table(results).splitlines()
    assert re.split("  +", head) == [
        "run",
        "start method",
        "workers",
        "tasks",
        "makespan",
        "total",
        "start-up",
        "utilisation",
        "speed-up",
        "trouble",
    ]
    assert [re.split("  +", row) for row in rows] == [
        ["1", "spawn", "1", "5", "6.94 s", "7.14 s", "0.20 s", "100 %", "1.00"],
        ["2", "spawn", "4", "5", "2.85 s", "3.05 s", "0.20 s", "61 %", "2.34"],
        ["3", "fork", "4", "5", "2.85 s", "3.05 s", "0.20 s", "61 %", "stopped"],
    ]


def test_columns_are_aligned():
    head, *rows = table([*forty(), run(4, trouble="stopped")]).splitlines()
    assert len(rows) == 41
    start = head.index("trouble")
    assert rows[-1][start:] == "stopped"
    assert all(row[head.index("makespan") - 1] == " " for row in rows)


def test_what_was_not_measured_is_left_out_of_the_table():
    (_, row) = table([nothing()]).splitlines()
    assert row.split() == ["1", "spawn", "4", "0", "stopped"]
    head, row = table([readers(2)]).splitlines()
    assert head.split()[3:5] == ["readers", "writers"]
    assert row.split() == ["1", "spawn", "2", "1", "3", "2.50", "s", "0.20", "s"]


def test_the_table_of_no_runs_is_its_head():
    assert table([]).split()[0] == "run"
    assert len(table([]).splitlines()) == 1


class Cells(HTMLParser):
    """The cells of a table, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.heads, self.rows, self.caption = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        if tag == "th":
            self.heads.append(dict(attrs)["scope"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] == "caption":
            self.caption += data
        else:
            self.rows[-1][-1] += data


def test_the_html_table_says_the_same_and_names_its_rows_and_columns():
    results = [run(1), run(4), nothing()]
    cells = Cells(table_html(results))
    assert cells.heads == ["col"] * 10 + ["row"] * 3
    assert cells.caption
    assert {len(row) for row in cells.rows} == {10}
    said = [" ".join(filter(None, row)) for row in cells.rows]
    assert said == [re.sub(" +", " ", line) for line in table(results).splitlines()]


def test_html_in_troubles_and_names_is_only_text():
    evil = '<script>alert("x")</script>'
    result = run(4, trouble=f"ValueError: {evil}", **{evil: 3})
    block = table_html([result._replace(setting=result.setting._replace(method=evil))])
    assert "<script" not in block
    assert Cells(block).rows[1][-1] == f"ValueError: {evil}"
    assert Cells(block).rows[0][3] == evil


def test_the_html_table_brings_no_colours_of_its_own():
    assert "style" not in table_html(forty())


# CSV


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_holds_every_task_of_every_run(tmp_path):
    results = [run(4), run(2, "fork", trouble="stopped"), nothing()]
    path = tmp_path / "runs.csv"
    to_csv(results, path)
    rows = read(path)
    assert list(rows[0]) == [
        *("run", "method", "workers", "call", "lane", "pid"),
        *("submitted", "started", "finished", "received", "on_core", "outcome"),
    ]
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
    with pytest.raises(FileExistsError, match=r"runs\.csv exists already: give another name"):
        to_csv([run(1)], str(path))
    assert path.read_text() == "homework"


# Pictures


def test_the_newest_chart_and_the_comparison_are_saved_as_pictures(tmp_path):
    results = [run(1), run(4)]
    paths = to_png(results, 2, tmp_path / "runs.png")
    assert [path.name for path in paths] == ["runs_newest.png", "runs_comparison.png"]
    assert [Image.open(path).width for path in paths] == [WIDTH] * 2
    assert paths[0].read_bytes() == gantt(results[-1].timeline).png


def test_saved_pictures_can_show_the_prediction_and_be_dark(tmp_path):
    plan = predict(FIVE, 4)
    paths = to_png([run(4)], 2, str(tmp_path / "runs"), predicted=plan, dark=True)
    assert paths[0].read_bytes() == gantt(run(4).timeline, plan, dark=True).png
    for path in paths:
        assert sum(Image.open(path).convert("RGB").getpixel((1, 1))) < 150


def test_no_picture_is_overwritten_and_then_none_is_written(tmp_path):
    kept = tmp_path / "runs_comparison.png"
    kept.write_text("homework")
    with pytest.raises(FileExistsError, match="exists already: give another name"):
        to_png([run(1)], 2, tmp_path / "runs.png")
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert kept.read_text() == "homework"


def test_without_a_run_nothing_is_saved(tmp_path):
    with pytest.raises(ValueError, match="press Run first"):
        to_csv([], tmp_path / "runs.csv")
    with pytest.raises(ValueError, match="press Run first"):
        to_png([], 2, tmp_path / "runs.png")
    assert list(tmp_path.iterdir()) == []


def test_a_start_up_of_nothing_is_not_invented():
    assert math.isnan(nothing().timeline.total)
    assert "0.00 s" not in table([nothing()])
