"""Texts are cut to the room there is, and a very long text costs no more than a long one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.chart import letters, sheet
from helpers.chart.letters import one_line
from helpers.chart.sheet import MOST_LETTERS, Sheet
from helpers.chart.style import LIGHT, WIDTH
from helpers.gantt import gantt
from helpers.timeline import Access, Message, Timeline
from helpers.tree import process_tree
from tests.support.anything import examples
from tests.support.charts import process, queue_lesson, tasks_of, worker

SHEET = Sheet(LIGHT)
SIMPLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=60)


@given(SIMPLE, st.integers(0, 300), st.sampled_from([11, 12, 16]))
@examples(60)
def test_of_a_text_is_left_what_fits_and_no_letter_less(text, room, size) -> None:
    shown = SHEET.cut(text, room, size)
    if SHEET.text_width(one_line(text), size) <= room:
        assert shown == one_line(text)
    else:
        assert shown.endswith("…")
        assert SHEET.text_width(shown, size) <= room or shown == "…"
        longer = one_line(text)[: len(shown)] + "…"
        assert SHEET.text_width(longer, size) > room


def test_a_text_of_more_letters_than_any_chart_is_wide_never_fits() -> None:
    assert SHEET.text_width("i" * MOST_LETTERS) > 2 * WIDTH
    assert not SHEET.fits("\u0301" * (MOST_LETTERS + 1), 2 * WIDTH)
    assert SHEET.fits("i", WIDTH)


def test_a_title_and_a_single_fact_that_are_too_long_are_cut() -> None:
    narrow = Sheet(LIGHT)
    narrow.set_height(200)
    narrow.headings("title " * 90, ["fact " * 90])
    for text in narrow.figure.texts:
        assert text.get_text().endswith("…")
        assert text.get_window_extent().x1 <= WIDTH


@pytest.fixture
def measured(monkeypatch):
    """How many letters each measuring was asked to measure, with nothing known from before."""
    found = []
    real = letters._Pen.get_text_width_height_descent

    def counting(self, s, prop, ismath):
        found.append(len(s))
        return real(self, s, prop, ismath)

    monkeypatch.setattr(letters._Pen, "get_text_width_height_descent", counting)
    sheet._width_of.cache_clear()
    return found


@pytest.mark.parametrize("length", [1_000, 20_000])
def test_a_long_text_is_cut_with_few_measurings_of_few_letters(measured, length) -> None:
    assert SHEET.cut("MW" * length, 300).endswith("…")
    assert len(measured) <= 12
    assert max(measured) <= MOST_LETTERS


def long_everywhere(length: int) -> Timeline:
    """Everything that can have a text has one of so many letters."""
    timeline = queue_lesson("ABC")
    text = "long text, " * (length // 11)
    timeline.processes = [
        process(1, 0.19, 1.95, pid=501, name=text, host=text, method=text),
        process(2, 0.2, 2.0, pid=502, name=text, host="other " + text),
        worker(3, name=text, method=text),
    ]
    timeline.tasks = tasks_of(
        [f"{text}({text})", f"f({text})", f"g({text})"],
        pid=[501, 502, 4103],
        lane=[1, 2, 3],
        started=[0.2, 0.21, 0.3],
        finished=[1.9, 2.0, 1.0],
        errors={0: text},
    )
    timeline.messages = [Message(text, 0.5, 0.6, 501, 502, text)]
    timeline.method = text
    return timeline


def with_accesses(length: int) -> Timeline:
    timeline = long_everywhere(length)
    timeline.accesses = [Access("v", 0.7, 501, "read", "long text, " * (length // 11))]
    return timeline


def charted(timeline: Timeline, measured: list[int]) -> int:
    """How many letters were measured for all charts of a timeline."""
    before = sum(measured)
    sheet._width_of.cache_clear()
    for chart in (gantt(timeline), process_tree(timeline)):
        assert chart.png
    return sum(measured) - before


@pytest.mark.parametrize("timeline", [long_everywhere, with_accesses])
def test_a_chart_of_very_long_texts_measures_no_more_than_one_of_long_texts(timeline, measured):
    long, very_long = (charted(timeline(length), measured) for length in (1_100, 22_000))
    assert 0 < very_long <= long
