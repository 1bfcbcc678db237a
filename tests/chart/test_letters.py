"""What Pillow writes stands where matplotlib would have written it; the rest matplotlib writes."""

import base64
import copy
import io
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image, ImageDraw

from helpers.chart.letters import Haloed, Paper, _ink_of, font_for
from helpers.gantt import gantt
from helpers.schedule import predict

LEFT_TO_RIGHT = [
    "worker 12",
    "Ågyp, “Übung” · 3 × 4 …",
    "Ελλάδα, Россия",
    "√2 → 1.4",
    "makespan 2.37 s",
]
LEFT_TO_MATPLOTLIB = ["سلام", "e\u0301", "\U0001d11e", "漢字", "₿"]


def drawn(kind, text="", dpi=100, **options):
    """The red parts of a picture of a text on white, drawn on a kind of canvas."""
    figure = Figure((5, 1), dpi=dpi)
    kind(figure)
    figure.text(0.5, 0.5, text, **({"color": "#FF0000", "parse_math": False} | options))
    figure.canvas.draw()
    return 255 - np.asarray(figure.canvas.buffer_rgba())[..., 1].astype(int)


def box(ink):
    """The first and the last column, the first and the last row with more than a trace of ink."""
    rows, columns = np.nonzero(ink > 60)
    return np.array([columns.min(), columns.max(), rows.min(), rows.max()])


@pytest.mark.parametrize("options", [{}, {"ha": "center", "va": "center"}, {"ha": "right"}])
@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", LEFT_TO_RIGHT)
def test_a_line_stands_where_matplotlib_would_have_written_it(text, weight, options):
    options |= {"fontweight": weight, "fontsize": 11}
    ours, theirs = (drawn(kind, text, **options) for kind in (Paper, FigureCanvasAgg))
    left, right, top, bottom = np.abs(box(ours) - box(theirs))
    assert max(left, right) <= 2 + 0.03 * np.ptp(box(theirs)[:2])
    assert max(top, bottom) <= 1
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.15)


def test_simple_lines_are_indeed_written_by_pillow(monkeypatch):
    monkeypatch.setattr(RendererAgg, "draw_text", None)
    for text in LEFT_TO_RIGHT:
        assert drawn(Paper, text).any()
    figure = Figure((5, 1))
    Paper(figure)
    haloed = figure.add_artist(Haloed(0.3, 0.5, "task 3", 3, "white"))
    figure.canvas.draw()
    assert not haloed.get_path_effects()


def test_several_lines_stand_as_far_apart_as_matplotlibs():
    ours, theirs = (drawn(kind, "4711\n… 4718\n4720") for kind in (Paper, FigureCanvasAgg))
    assert np.abs(box(ours) - box(theirs)).max() <= 1


def saved(kind, dpi):
    """What is black in a picture of a text that was saved with so many dots per inch."""
    figure, file = Figure((5, 1), dpi=100), io.BytesIO()
    kind(figure)
    figure.text(0.5, 0.5, "worker 12")
    figure.savefig(file, format="png", dpi=dpi)
    return 255 - np.asarray(Image.open(file).convert("L")).astype(int)


@pytest.mark.parametrize("dpi", [50, 100, 220])
def test_a_picture_saved_larger_has_larger_letters(dpi):
    ours, theirs = saved(Paper, dpi), saved(FigureCanvasAgg, dpi)
    assert ours.shape == theirs.shape
    assert np.abs(box(ours) - box(theirs)).max() <= 2 + 0.02 * ours.shape[1]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("text", LEFT_TO_MATPLOTLIB)
def test_what_pillow_might_set_wrong_is_left_to_matplotlib(monkeypatch, text):
    assert (drawn(Paper, text) == drawn(FigureCanvasAgg, text)).all()
    monkeypatch.setattr(RendererAgg, "draw_text", None)
    with pytest.raises(TypeError):
        drawn(Paper, text)


def test_slanting_texts_are_left_to_matplotlib():
    ours, theirs = (drawn(kind, "host", rotation=90) for kind in (Paper, FigureCanvasAgg))
    assert np.abs(box(ours) - box(theirs)).max() <= 1


def test_formulas_are_left_to_matplotlib():
    options = {"parse_math": True}
    ours, theirs = (drawn(kind, "$x^2$", **options) for kind in (Paper, FigureCanvasAgg))
    assert (ours == theirs).all()


def test_a_text_without_letters_is_no_trouble():
    assert not drawn(Paper, "").any()
    assert not drawn(Paper, "  ").any()


def test_a_text_keeps_its_colour_and_its_transparency():
    figure = Figure((5, 1), dpi=100)
    Paper(figure)
    figure.text(0.1, 0.3, "████", color="#204060", alpha=0.5)
    figure.canvas.draw()
    middle = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=(0, 1))
    assert middle == pytest.approx([(255 + c) / 2 for c in (0x20, 0x40, 0x60)], abs=2)


def with_halo(kind, text):
    """A black text with a white halo on black, as brightness."""
    figure = Figure((5, 1), dpi=100, facecolor="black")
    kind(figure)
    figure.add_artist(Haloed(0.3, 0.5, text, 3, "white", color="black"))
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., 0].astype(int)


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("text", ["task 3", "漢字"])
def test_a_halo_surrounds_every_letter(text):
    ours, theirs = with_halo(Paper, text), with_halo(FigureCanvasAgg, text)
    assert ours.max() == 255
    assert np.abs(box(ours) - box(theirs)).max() <= 1
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.2)


@pytest.mark.parametrize("halo", [3, 5])
def test_no_halo_is_cut_off(halo):
    font = font_for(FontProperties(size=11), 100)
    ink, left, below = _ink_of("gÅ1", font, halo)
    room = Image.new("L", (ink.shape[1] + 20, ink.shape[0] + 20))
    corner = 10 - left, 10 + ink.shape[0] - below
    ImageDraw.Draw(room).text(corner, "gÅ1", 255, font, anchor="ls", stroke_width=halo)
    assert np.asarray(room).sum(dtype=int) == ink.sum(dtype=int)


def test_a_halo_is_there_in_other_kinds_of_pictures_too():
    def strokes(text):
        figure = Figure((5, 1))
        Paper(figure)
        figure.add_artist(text)
        figure.canvas.draw()  # in pixels first: that must leave nothing behind
        page = io.StringIO()
        figure.savefig(page, format="svg")
        return page.getvalue().count("stroke: #123456")

    assert strokes(Haloed(0.3, 0.5, "task 3", 3, "#123456")) > 0
    assert strokes(Haloed(0.3, 0.5, "task 3", 3, "#654321")) == 0


def test_each_size_of_a_figure_has_its_own_pixels():
    figure = Figure((5, 1), dpi=100)
    first = Paper(figure).get_renderer()
    assert figure.canvas.get_renderer() is first
    figure.set_size_inches(5, 2)
    assert figure.canvas.get_renderer() is not first
    figure.canvas.draw()
    assert np.asarray(figure.canvas.buffer_rgba()).shape == (200, 500, 4)
    second = figure.canvas.get_renderer()
    figure.set_size_inches(10, 4)
    figure.dpi = 50
    assert figure.canvas.get_renderer() is not second, "as many pixels, but larger letters"


def test_a_chart_that_was_copied_still_has_its_picture():
    chart = gantt(predict([1.0, 2.0], 2))
    assert copy.deepcopy(chart).png == chart.png


def test_a_picture_for_now_shows_the_same_in_a_larger_file():
    chart = gantt(predict([1.0] * 9, 3))
    for_now, for_good = chart.html_for_now(), chart._repr_html_()
    assert len(for_now) > len(for_good)
    assert pixels_in(for_now) == pixels_in(for_good)


def pixels_in(page):
    """The pixels of the picture in a piece of HTML."""
    packed = base64.b64decode(re.search(r"base64,([^\"]*)", page)[1])
    return Image.open(io.BytesIO(packed)).tobytes()
