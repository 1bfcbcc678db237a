"""What Pillow writes stands where matplotlib would have written it; the rest matplotlib writes."""

import io

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.chart_text import Haloed, Paper

LEFT_TO_RIGHT = [
    "worker 12",
    "Ågyp, “Übung” · 3 × 4 …",
    "Ελλάδα, Россия",
    "√2 → 1.4",
    "makespan 2.37 s",
]
LEFT_TO_MATPLOTLIB = ["سلام", "e\u0301", "\U0001d11e", "漢字"]


def drawn(kind, text="", dpi=100, **looks):
    """The red parts of a picture of a text on white, drawn on a kind of canvas."""
    figure = Figure((5, 1), dpi=dpi)
    kind(figure)
    figure.text(0.5, 0.5, text, **({"color": "#FF0000", "parse_math": False} | looks))
    figure.canvas.draw()
    return 255 - np.asarray(figure.canvas.buffer_rgba())[..., 1].astype(int)


def box(ink):
    """The first and the last column, the first and the last row with more than a trace of ink."""
    rows, columns = np.nonzero(ink > 60)
    return np.array([columns.min(), columns.max(), rows.min(), rows.max()])


@pytest.mark.parametrize("looks", [{}, {"ha": "center", "va": "center"}, {"ha": "right"}])
@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", LEFT_TO_RIGHT)
def test_a_line_stands_where_matplotlib_would_have_written_it(text, weight, looks):
    looks |= {"fontweight": weight, "fontsize": 11}
    ours, theirs = (drawn(kind, text, **looks) for kind in (Paper, FigureCanvasAgg))
    width = np.ptp(box(theirs)[:2])
    assert (ours != theirs).any()  # Pillow has indeed written it
    assert np.abs(box(ours) - box(theirs)).max() <= 2 + 0.03 * width
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.15)


def test_several_lines_stand_as_far_apart_as_matplotlibs():
    ours, theirs = (drawn(kind, "4711\n… 4718\n4720") for kind in (Paper, FigureCanvasAgg))
    assert np.abs(box(ours) - box(theirs)).max() <= 3


@pytest.mark.parametrize("dpi", [50, 100, 220])
def test_a_picture_saved_larger_has_larger_letters(dpi):
    ours, theirs = (drawn(kind, "worker 12", dpi) for kind in (Paper, FigureCanvasAgg))
    assert np.abs(box(ours) - box(theirs)).max() <= 2 + 0.02 * ours.shape[1]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("text", LEFT_TO_MATPLOTLIB)
def test_what_pillow_might_set_wrong_is_left_to_matplotlib(text):
    assert (drawn(Paper, text) == drawn(FigureCanvasAgg, text)).all()


def test_slanting_texts_are_left_to_matplotlib():
    ours, theirs = (drawn(kind, "host", rotation=90) for kind in (Paper, FigureCanvasAgg))
    assert np.abs(box(ours) - box(theirs)).max() <= 1


def test_formulas_are_left_to_matplotlib():
    looks = {"parse_math": True}
    ours, theirs = (drawn(kind, "$x^2$", **looks) for kind in (Paper, FigureCanvasAgg))
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
    assert np.abs(box(ours) - box(theirs)).max() <= 3
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.2)


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
