"""Runs are compared honestly: like with like, the same numbers in picture and words."""

import html
import io
import itertools
import math
import re

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from helpers.chart.curves import ticks
from helpers.chart.style import DARK, LIGHT, MARKERS, MOST_HOVER_BOXES, SMALL_FONT, WIDTH
from helpers.runs.comparison import charts_together, comparison, speed_up_of_each
from helpers.runs.output import compared_html
from helpers.timeline import LOST, RETURNED
from tests.support.colours import contrast, lightness
from tests.support.runs import FIVE, METHODS, forty, nothing, readers, run

# Speed-up


def speed_ups(results):
    """For each start method the runs that have a speed-up, as pairs (workers, speed-up)."""
    found = {}
    for result, speed_up in zip(results, speed_up_of_each(results), strict=True):
        if not math.isnan(speed_up):
            point = (result.setting.numbers["workers"], speed_up)
            found.setdefault(result.setting.method, []).append(point)
    return found


def test_speed_up_is_the_total_with_one_worker_over_the_total_of_the_run():
    results = [run(1), run(4), run(5)]
    totals = [result.timeline.total for result in results]
    assert speed_ups(results) == {
        "spawn": [(1, 1.0), (4, totals[0] / totals[1]), (5, totals[0] / totals[2])]
    }


def test_start_up_counts_since_a_person_waits_for_it():
    slow, quick = run(4, start_up=3.0), run(4, start_up=0.1)
    assert slow.timeline.makespan == pytest.approx(quick.timeline.makespan)
    (_, slow_speed_up), (_, other), _ = speed_ups([slow, quick, run(1)])["spawn"]
    assert slow_speed_up < other


def test_without_a_run_with_one_worker_there_is_no_speed_up():
    assert speed_ups([run(2), run(4)]) == {}
    assert speed_ups([]) == {}


def test_a_start_method_is_only_held_against_itself():
    assert speed_ups([run(1, "fork"), run(4, "spawn")]) == {"fork": [(1, 1.0)]}
    both = speed_ups([run(1, "fork", start_up=0.0), run(1, "spawn"), run(4, "spawn")])
    assert both["spawn"][1][1] == run(1).timeline.total / run(4).timeline.total


def test_runs_with_trouble_neither_have_a_speed_up_nor_give_one():
    assert speed_ups([run(1), run(4, trouble="stopped")]) == {"spawn": [(1, 1.0)]}
    assert speed_ups([run(1, trouble="ValueError: boom"), run(4)]) == {}
    assert speed_ups([nothing(1), run(4)]) == {}


def test_of_several_runs_every_one_is_a_point_and_the_median_of_those_with_one_worker_counts():
    alone = [run(1, start_up=s) for s in (0.1, 0.3, 5.0)]
    points = speed_ups([*alone, run(4), run(4)])["spawn"]
    assert [workers for workers, _ in points] == [1, 1, 1, 4, 4]
    assert points[1][1] == 1.0  # the one in the middle
    assert points[3][1] == pytest.approx(alone[1].timeline.total / run(4).timeline.total)


def test_only_the_same_work_is_compared():
    assert speed_ups([run(1), run(4, durations=FIVE * 2)]) == {"spawn": [(1, 1.0)]}
    assert speed_ups([run(1, tasks=5), run(4, tasks=9)]) == {"spawn": [(1, 1.0)]}
    lost = run(4, outcome=[LOST, *[RETURNED] * 4])
    assert speed_ups([run(1), lost]) == {"spawn": [(1, 1.0)]}


def test_numbers_other_than_workers_have_no_speed_up():
    assert speed_ups([readers(1), readers(4)]) == {}


def test_the_speed_up_of_each_run_stands_in_the_order_of_the_runs():
    one, two, three, four = speed_up_of_each([run(4), run(1), run(4, "fork"), nothing()])
    assert one > two == 1.0
    assert math.isnan(three)
    assert math.isnan(four)


# The chart


def lines(chart, gid):
    """The places of all marks of one kind, plot by plot."""
    return [
        [tuple(map(float, xy)) for xy in line.get_xydata()]
        for axes in chart.figure.axes
        for line in axes.lines
        if line.get_gid() == gid
    ]


def texts(chart):
    """All texts that are really drawn: ticks beyond the ends of an axis are not."""
    chart.figure.canvas.draw()
    beyond = set()
    for axes in chart.figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True):
                if not low <= place <= high:
                    beyond.add(label)
    return [
        text
        for text in chart.figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in beyond
    ]


def words_on(chart):
    return [text.get_text() for text in texts(chart)]


def test_every_run_is_a_mark_at_its_total_with_its_makespan_below():
    results = [run(4), run(1), run(2)]
    chart = comparison(results, 2)
    (marks,) = lines(chart, "spawn total")
    assert marks == [(r.setting.numbers["workers"], r.timeline.total) for r in results]
    makespans = [line[0] for line in lines(chart, "makespan")]
    assert makespans == [(r.setting.numbers["workers"], r.timeline.makespan) for r in results]


def test_the_right_half_shows_the_speed_ups():
    results = [run(4), run(1), run(2)]
    (marks,) = lines(comparison(results, 2), "spawn speed_up")
    assert marks == speed_ups(results)["spawn"]


def test_lines_join_the_medians_from_left_to_right():
    results = [run(4, start_up=s) for s in (9.0, 0.1, 0.2)] + [run(1)]
    left, right = lines(comparison(results, 2), "spawn line")
    middle = results[2].timeline.total
    assert left == [(1, results[3].timeline.total), (4, middle)]
    assert right == [(1, 1.0), (4, pytest.approx(results[3].timeline.total / middle))]
    assert "medians" in words_on(comparison(results, 2))
    assert "medians" not in words_on(comparison(results[2:], 2))


def test_start_methods_stand_side_by_side_and_differ_by_shape():
    chart = comparison([run(4, method) for method in METHODS], 2)
    marks = [line for line in chart.figure.axes[0].lines if str(line.get_gid()).endswith(" total")]
    assert len({line.get_marker() for line in marks}) == len(set(MARKERS.values())) == 3
    places = [line.get_xdata()[0] for line in marks]
    assert sorted(set(places)) == places
    assert all(abs(place - 4) < 0.5 for place in places)
    assert set(METHODS) <= set(words_on(chart))


@pytest.mark.parametrize(("cores", "said"), [(1, "1 core"), (2, "2 cores"), (8, "8 cores")])
def test_the_ceiling_is_as_many_as_there_are_workers_or_cores(cores, said):
    chart = comparison([run(1), run(4), run(8)], cores)
    (line,) = [line for line in chart.figure.axes[1].lines if line.get_gid() == "ceiling"]
    x, y = line.get_data()
    assert np.interp([1, 2, 5, 8], x, y) == pytest.approx([min(w, cores) for w in (1, 2, 5, 8)])
    assert line.is_dashed()
    assert said in words_on(chart)
    note = f"The ceiling of {said} holds for tasks that compute; tasks that sleep may lie above it."
    assert note in words_on(chart)


def test_the_ceiling_of_a_large_machine_does_not_flatten_the_marks():
    chart = comparison([run(1), run(16)], 64)
    best = max(speed_up for _, speed_up in speed_ups([run(1), run(16)])["spawn"])
    assert chart.figure.axes[1].get_ylim()[1] < 3 * best
    assert "64 cores" in words_on(chart)


def test_the_newest_run_is_ringed_on_both_halves():
    results = [run(1), run(2), run(4)]
    total = results[-1].timeline.total
    assert lines(comparison(results, 2), "newest") == [
        [(4, total)],
        [(4, results[0].timeline.total / total)],
    ]


def test_no_other_run_is_ringed_if_the_newest_had_trouble():
    chart = comparison([run(1), run(4), run(4, trouble="stopped")], 2)
    assert lines(chart, "newest") == []
    assert not any("newest" in said for said in (*words_on(chart), chart.alt))
    assert "Left out: 1 run that did not end well, or had no task." in words_on(chart)


def test_runs_with_trouble_are_not_on_the_chart():
    (marks,) = lines(comparison([run(1), nothing(), run(4, trouble="x")], 2), "spawn total")
    assert len(marks) == 1


def test_without_a_speed_up_a_sentence_says_why():
    chart = comparison([run(2), run(4)], 2)
    assert len(chart.figure.axes) == 1
    assert "No speed-up: it is said only" in " ".join(words_on(chart))
    assert "cores" not in " ".join(words_on(chart))


def test_start_methods_without_a_speed_up_are_named():
    chart = comparison([run(1), run(4), run(4, "fork"), run(4, "forkserver")], 2)
    note = "No speed-up for fork and forkserver: no run with 1 worker to match."
    assert note in words_on(chart)
    assert note in chart.alt


@pytest.mark.parametrize("results", [[], [nothing()], [run(4, trouble="stopped")] * 3])
def test_where_there_is_nothing_to_compare_one_sentence_says_so(results):
    chart = comparison(results, 2)
    assert not chart.figure.axes
    assert words_on(chart)[0] == "There is no run to compare yet"
    assert chart.alt.startswith("There is no run to compare yet")
    assert ("did not end well" in chart.alt) == bool(results)


# Sliders other than workers


def test_other_numbers_go_to_the_right_under_their_own_name_and_have_no_speed_up():
    chart = comparison([readers(1), readers(2), readers(5)], 2)
    (axes,) = chart.figure.axes
    assert axes.get_xlabel() == "readers"
    assert [x for x, _ in lines(chart, "spawn total")[0]] == [1, 2, 5]
    for said in (*words_on(chart), chart.alt):
        assert "speed-up" not in said.lower()
        assert "makespan" not in said  # they share out no tasks


def test_the_number_that_was_varied_goes_to_the_right():
    chart = comparison([readers(2, 1), readers(2, 3), readers(2, 4)], 2)
    assert chart.figure.axes[0].get_xlabel() == "writers"
    assert comparison([run(4, size=1), run(4, size=2)], 2).figure.axes[0].get_xlabel() == "size"
    assert comparison([run(4, size=1)], 2).figure.axes[0].get_xlabel() == "workers"


def test_only_runs_that_agree_with_the_newest_in_all_other_numbers_are_shown():
    results = [readers(1, 9), readers(1, 1), readers(2, 1), readers(3, 1), readers(3, 9)]
    chart = comparison(results[:4], 2)
    assert len(lines(chart, "spawn total")[0]) == 3
    assert "Left out: 1 run with other numbers of writers." in words_on(chart)


# The same numbers in words


def test_the_title_names_the_fastest_and_the_line_below_it_the_newest():
    chart = comparison([run(1), run(5), run(4)], 2)
    said = words_on(chart)
    assert "3 runs: fastest total 2.57 s (5 workers, spawn)" in said
    newest = "newest, run 3: 4 workers, spawn · total 3.05 s · makespan 2.85 s · speed-up 2.34"
    assert newest in said


def test_one_run_is_told_as_one():
    said = words_on(comparison([run(1)], 2))
    assert "1 run: total 7.14 s (1 worker, spawn)" in said
    assert "makespan 6.94 s · speed-up 1.00" in said


def test_alt_tells_every_setting_of_a_few():
    alt = comparison([run(1), run(4, start_up=0.1), run(4, start_up=0.3), run(2, "fork")], 2).alt
    for fact in (
        "Chart that compares runs by their workers. 4 runs: fastest",
        "1 worker, spawn: total 7.14 s, makespan 6.94 s, speed-up 1.00.",
        "4 workers, spawn (median of 2 runs): total 3.05 s, makespan 2.85 s, speed-up 2.34.",
        "2 workers, fork: total 4.33 s, makespan 4.13 s.",
        "The ceiling of 2 cores holds for tasks that compute; tasks that sleep may lie above it.",
    ):
        assert fact in alt, alt


def test_alt_of_many_settings_stays_short_and_tells_the_range():
    alt = comparison(forty(), 2).alt
    assert len(alt) < 900
    for method in METHODS:
        assert re.search(rf"{method}, 1\d runs: fastest \d+ workers, total", alt, re.IGNORECASE)


def test_the_alt_says_why_there_is_no_speed_up():
    assert "No speed-up: it is said only" in comparison([run(4)], 2).alt


# In a notebook


def test_the_chart_is_one_block_with_boxes_over_the_marks():
    results = [run(1), run(4)]
    chart = comparison(results, 2)
    block = chart._repr_html_()
    rule = re.compile(r'<div class="chart">.*?<!--/chart-->', re.DOTALL)
    assert rule.sub("CHART", block) == "CHART"
    boxes = re.findall(
        r'title="([^"]*)" style="position:absolute;left:([\d.]+)%;top:([\d.]+)%;'
        r"width:([\d.]+)%;height:([\d.]+)%",
        block,
    )
    assert len(boxes) == 4
    text, *numbers = boxes[0]  # the newest run's total
    assert html.unescape(text).startswith("run 2: 4 workers, spawn\ntotal 3.05 s\nmakespan 2.85 s")
    left, top, width, height = (float(number) / 100 for number in numbers)
    x, y = chart.figure.axes[0].transData.transform((4, results[1].timeline.total))
    assert (left + width / 2) * WIDTH == pytest.approx(x, abs=1)
    tall = chart.figure.bbox.height
    assert (1 - top - height / 2) * tall == pytest.approx(y, abs=1)


def test_boxes_are_capped():
    assert comparison([run(1)] * 400, 2)._repr_html_().count("title=") == MOST_HOVER_BOXES


# Legible


CASES = {
    "one run": [run(4)],
    "one worker": [run(1)],
    "three runs": [run(4), run(1), run(2)],
    "three methods": [run(w, m) for w in (4, 1, 2, 8) for m in METHODS],
    "forty runs": forty(),
    "forty runs, one method": forty(["spawn"]),
    "no run with one worker": forty(["fork"])[1:16],
    "trouble": [*forty(), nothing(), run(4, size=2), run(4)],
    "long runs": [run(w, durations=[9000.0] * 8) for w in (1, 2, 60)],
    "short runs": [run(w, durations=[0.0001] * 8, start_up=0.0003) for w in (1, 2, 8)],
    "readers": [readers(n, method=m) for n in (1, 2, 8) for m in METHODS],
    "nothing": [nothing()],
    "none": [],
}


@pytest.mark.parametrize("cores", [1, 2, 3, 64])
@pytest.mark.parametrize("case", CASES)
def test_texts_are_large_enough_inside_the_picture_and_clear_of_each_other(case, cores):
    chart = comparison(CASES[case], cores)
    shown = texts(chart)
    assert min(text.get_fontsize() for text in shown) >= SMALL_FONT
    renderer = chart.figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in shown]
    for text, box in zip(shown, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= WIDTH and box.y1 <= chart.figure.bbox.y1
        assert inside, text.get_text()
    pairs = [
        (shown[i].get_text(), shown[j].get_text())
        for i in range(len(boxes))
        for j in range(i)
        if boxes[i].x0 < boxes[j].x1
        and boxes[j].x0 < boxes[i].x1
        and boxes[i].y0 < boxes[j].y1 - 1
        and boxes[j].y0 < boxes[i].y1 - 1
    ]
    assert not pairs


@pytest.mark.parametrize("case", CASES)
def test_no_mark_lies_under_the_ceilings_name(case):
    chart = comparison(CASES[case], 2)
    chart.figure.canvas.draw()
    renderer = chart.figure.canvas.get_renderer()
    names = [text for text in texts(chart) if text.get_text() == "2 cores"]
    for name in names:
        box = name.get_window_extent(renderer)
        for line in chart.figure.axes[1].lines:
            if line.get_marker() not in ("None", None, ""):
                places = line.axes.transData.transform(line.get_xydata())
                near = 13 if line.get_gid() == "newest" else 6
                assert all(x + near < box.x0 or y + near < box.y0 for x, y in places)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_start_methods_have_contrast_and_differ_in_grey(palette):
    colours = list(palette.methods.values())
    assert palette.methods.keys() == MARKERS.keys() == set(METHODS)
    assert all(contrast(colour, palette.card) >= 3 for colour in colours)
    grey = sorted(map(lightness, colours))
    assert min(b - a for a, b in itertools.pairwise(grey)) >= 8


def test_the_dark_chart_is_dark_and_says_the_same():
    light, dark = (comparison(CASES["three methods"], 2, dark=is_dark) for is_dark in (False, True))
    pictures = [Image.open(io.BytesIO(chart.png)) for chart in (light, dark)]
    assert pictures[0].size == pictures[1].size
    assert pictures[0].width == WIDTH
    brightness = [np.asarray(picture.convert("L")).mean() for picture in pictures]
    assert brightness[0] > 200
    assert brightness[1] < 70
    assert light.alt == dark.alt
    assert words_on(light) == words_on(dark)


@pytest.mark.parametrize("last", [2, 3, 8, 9, 16, 17, 60, 1000])
def test_ticks_begin_with_one_and_are_few(last):
    found = ticks(last)
    assert found[0] == 1
    assert len(found) <= 9
    assert found == sorted(found)
    assert 0.5 * last < found[-1] <= last


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True, None, (2, "the cores of this machine")])
def test_cores_that_are_no_number_of_cores_are_refused(bad):
    with pytest.raises(ValueError, match="cores must be a whole number from 1"):
        comparison([run(1)], bad)


# Charts one below the other


def test_charts_together_share_their_time_axis_to_the_pixel():
    charts = list(charts_together([run(1), run(16, "fork"), run(4, trouble="stopped")]))
    assert len(charts) == 3
    places = {tuple(chart.figure.axes[0].get_position().intervalx) for chart in charts}
    ends = {chart.figure.axes[0].get_xlim() for chart in charts}
    assert len(places) == len(ends) == 1
    assert "16 fork workers" in charts[1].alt


def test_charts_together_can_be_dark():
    (chart,) = charts_together([run(1)], dark=True)
    assert chart.figure.get_facecolor()[0] < 0.2
    assert list(charts_together([])) == []


def test_the_line_above_the_comparison_counts_the_runs_that_it_shows():
    results = [run(1), run(2), run(2, trouble="stopped"), run(4, chunksize=2), run(3)]
    summary = re.search("<summary>(.*?)</summary>", compared_html(results, dark=False))[1]
    assert summary == "Compare 3 of 5 runs"
    assert comparison(results, 2).alt.count("3 runs: fastest") == 1
    assert "Compare 2 runs" in compared_html(results[:2], dark=False)
    assert "Compare 2 runs" in compared_html([nothing(), nothing()], dark=False)


def test_numbers_that_reach_far_go_tenfold_from_mark_to_mark():
    near, far = [comparison([readers(1), readers(last)], cores=2) for last in (16, 3000)]
    assert [axes.get_xscale() for axes in near.figure.axes] == ["linear"]
    assert [axes.get_xscale() for axes in far.figure.axes] == ["log"]
    assert "3,000 readers" in far.alt
