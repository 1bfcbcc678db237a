"""What was measured can be read without a picture."""

import math
import re
from html.parser import HTMLParser

from helpers.runs.table import table, table_html
from tests.support.runs import forty, nothing, readers, run


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


def test_a_start_up_of_nothing_is_not_invented():
    assert math.isnan(nothing().timeline.total)
    assert "0.00 s" not in table([nothing()])
