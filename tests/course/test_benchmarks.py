"""The benchmarks' table and JSON. No test asserts a time that the benchmarks measure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import compare, growth, measure, others, report
from benchmarks import runner as bench
from benchmarks.logs import made_up_logs
from helpers.logs.reader import read_timeline

HERE = Path(__file__).parent.parent.parent


@pytest.fixture
def figures(monkeypatch):
    """Put three figures that take no time in place of all others."""
    monkeypatch.setattr(measure, "FIGURES", {})
    monkeypatch.setattr(bench, "FIGURES", measure.FIGURES)

    @measure.figure("met", "ratio", bar=2)
    def good():
        return [1.0, 5.0, 1.5]

    @measure.figure("not met", "ms", bar=2)
    def bad():
        return [3.0]

    @measure.figure("without a bar", "s")
    def free():
        return [4.0, 6.0]


def test_a_figure_takes_one_line_and_says_whether_it_misses_its_bar(figures, capsys):
    assert bench.main([]) == 0
    _, _, head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["figure", "value", "bar", "unit"]
    good, bad, free = (row.split() for row in rows)
    assert good[:5] == ["good", "1.5", "2", "ratio", "3"]
    assert bad[:6] == ["bad", "3", "2", "ms", "missed", "1"]
    assert free[:4] == ["free", "5", "s", "2"]


def test_only_the_figures_that_were_named_are_measured(figures, capsys):
    bench.main(["free"])
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()[3:]] == ["free"]


def test_json_holds_value_bar_and_unit_of_each_figure(figures, tmp_path):
    bench.main(["free", "good", "--json", str(tmp_path / "found.json")])
    assert json.loads((tmp_path / "found.json").read_text()) == {
        "free": {"value": 5.0, "bar": None, "unit": "s"},
        "good": {"value": 1.5, "bar": 2, "unit": "ratio"},
    }


def test_an_unknown_name_is_refused_before_anything_is_measured(figures, tmp_path, capsys):
    assert bench.main(["good", "godo", "--json", str(tmp_path / "found.json")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "no figure is called godo: there are good, bad, free\n"
    assert not (tmp_path / "found.json").exists()


def test_what_cannot_be_measured_here_is_skipped_with_its_reason(figures, tmp_path, capsys):
    @measure.figure("needs what is not here", "ms", bar=1)
    def elsewhere():
        raise measure.NotHere("there is no browser")

    assert bench.main(["elsewhere", "free", "--json", str(tmp_path / "found.json")]) == 0
    rows = capsys.readouterr().out.splitlines()[3:]
    assert rows[0].split(maxsplit=1) == ["elsewhere", "skipped: there is no browser"]
    assert rows[1].startswith("free ")
    assert json.loads((tmp_path / "found.json").read_text()).keys() == {"free"}


@pytest.mark.slow
def test_what_a_person_waits_for_is_measured_in_a_browser(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "press_to_redraw", "--json"]
    answer = subprocess.run([*command, tmp_path / "it.json"], cwd=HERE, capture_output=True)
    assert answer.returncode == 0, answer.stderr
    assert json.loads((tmp_path / "it.json").read_text())["press_to_redraw"]["value"] > 0


def test_pairs_are_measured_in_turn_after_one_that_does_not_count():
    order = []

    def one(name, seconds):
        order.append(name)
        return seconds

    assert measure.ratios(lambda: one("a", 6.0), lambda: one("b", 2.0), 3) == [3.0] * 3
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"


def test_a_real_figure_can_be_measured_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "predict_redraw", "--json", tmp_path / "it.json"]
    answer = subprocess.run(command, cwd=HERE, capture_output=True, text=True, env=os.environ)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[-1].startswith("predict_redraw ")
    assert json.loads((tmp_path / "it.json").read_text())["predict_redraw"]["bar"] == 150


def test_a_spawned_child_of_the_benchmarks_loads_nothing_heavy():
    program = "import sys, benchmarks.__main__, benchmarks.workers; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], cwd=HERE, text=True).split()
    assert "benchmarks.workers" in loaded
    assert not {"numpy", "matplotlib", "helpers.observed"} & set(loaded)


def test_a_figure_that_misses_its_bar_tells_its_floor_and_one_that_meets_it_does_not(
    figures, capsys
):
    for bar in (1, 5):
        note = measure.figure("has a floor", "ratio", bar=bar, floor="as far down as one can get")

        @note
        def low():
            return [3.0]

        bench.main(["low"])
        lines = capsys.readouterr().out.splitlines()[4:]
        assert lines == ([f"{'':<22} floor: as far down as one can get"] if bar == 1 else [])


def test_a_bar_may_say_what_is_needed_at_least(figures, tmp_path, capsys):
    @measure.figure("the more the better", "ratio", bar=40, at_least=True)
    def more():
        return [30.0]

    bench.main(["more", "--json", str(tmp_path / "found.json")])
    assert "≥ 40" in capsys.readouterr().out.splitlines()[3]
    found = json.loads((tmp_path / "found.json").read_text())["more"]
    assert found == {"value": 30.0, "bar": 40, "unit": "ratio", "at_least": True}
    assert compare.misses(found)
    assert not compare.misses(found | {"value": 50.0})


def found(value, bar=None, unit="ratio"):
    return {"value": value, "bar": bar, "unit": unit}


def test_two_measurements_are_compared_figure_by_figure(tmp_path, capsys):
    before = {"same": found(2.0), "worse": found(1.0, 1.5), "gone": found(1.0)}
    after = {"same": found(2.0), "worse": found(2.0, 1.5), "new": found(1.0, unit="ms")}
    for name, measured in (("before", before), ("after", after)):
        (tmp_path / name).write_text(json.dumps(measured))
    assert compare.main([str(tmp_path / "before"), str(tmp_path / "after")]) == 0
    _, *rows = (row.split() for row in capsys.readouterr().out.splitlines())
    assert rows == [
        ["same", "2", "2", "1.00", "ratio"],
        ["worse", "1", "2", "2.00", "ratio", "missed", "now"],
        ["gone", "only", "before"],
        ["new", "only", "after"],
    ]


@pytest.mark.parametrize("content", [None, "no JSON"])
def test_what_cannot_be_compared_is_told(tmp_path, capsys, content):
    path = tmp_path / "it.json"
    if content:
        path.write_text(content)
    assert compare.main([str(path), str(path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[1, 2]", '{"gantt_10": 3}', '{"gantt_10": {"value": 3}}'])
def test_a_file_that_is_no_measurement_is_not_compared(tmp_path, capsys, content):
    path = tmp_path / "it.json"
    path.write_text(content)
    assert compare.main([str(path), str(path)]) == 2
    assert "no measurement" in capsys.readouterr().err


def test_the_plot_of_growth_has_a_line_for_each_cost(tmp_path):
    values = {tasks: dict.fromkeys(growth.MARKERS, tasks / 1e6) for tasks in growth.SIZES}
    (axes,) = growth.picture(values).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == [growth.NAMES[kind] for kind in growth.MARKERS]
    assert all(list(line.get_xdata()) == list(growth.SIZES) for line in axes.lines)


def test_costs_of_a_few_tasks_are_measured():
    assert growth.costs(10).keys() == growth.MARKERS.keys()


def test_the_page_tells_each_figure_and_why_one_misses_its_bar():
    page = report.page({"import_tasks": found(4.0, 1.3), "gantt_1m": found(5.0, 8)})
    assert "| `import_tasks` | 4 | ≤ 1.3 | missed | ratio |" in page
    assert "| `gantt_1m` | 5 | ≤ 8 | 1.6 × | ratio |" in page
    assert "- `import_tasks`: the floor is import_least, what Python itself imports" in page
    assert "- `gantt_1m`" not in page


def test_how_far_a_figure_is_beyond_its_bar_is_told():
    assert report.beyond(found(0.1, 0.5)) == "5 ×"
    assert report.beyond(found(266.0, 40) | {"at_least": True}) == "6.7 ×"
    assert report.beyond(found(0.01, 0.5)) == "50 ×"
    assert report.beyond(found(39.0, 40) | {"at_least": True}) == "missed"
    assert report.beyond(found(39.0, None)) == ""


def test_made_up_logs_are_read_as_those_of_a_pool():
    with made_up_logs(20) as logs:
        timeline = read_timeline(logs.folder)
    assert sorted(task.call for task in timeline.tasks) == sorted(
        f"nothing({n})" for n in range(20)
    )
    assert all(task.received >= task.started >= task.submitted >= 0 for task in timeline.tasks)
    assert timeline.workers == 4


def test_a_tool_that_is_not_installed_is_told_in_a_line():
    with pytest.raises(measure.NotHere, match="no_such_tool is not installed"):
        others.need("no_such_tool")
