"""The benchmarks' table and JSON. What they measure is no test: no time is asserted anywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks import runner as bench

HERE = Path(__file__).parent.parent


@pytest.fixture
def figures(monkeypatch):
    """Three figures that take no time, in place of all others."""
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
    command = [sys.executable, "-m", "benchmarks", "release_to_redraw", "--json"]
    answer = subprocess.run([*command, tmp_path / "it.json"], cwd=HERE, capture_output=True)
    assert answer.returncode == 0, answer.stderr
    assert json.loads((tmp_path / "it.json").read_text())["release_to_redraw"]["value"] > 0


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
