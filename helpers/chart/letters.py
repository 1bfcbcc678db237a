"""The letters of a chart, in a tenth of the time: matplotlib says where, Pillow writes them.

Texts are the slowest part of a chart in matplotlib, which measures and draws each letter by itself,
anew for every chart. Pillow, which matplotlib needs anyway, draws a line at a time with the same
font. Matplotlib still draws what Pillow cannot draw as well: slanting lines, formulas, and scripts
whose letters change their shape or run from right to left.
"""

from functools import lru_cache

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image, ImageDraw, ImageFont

ELLIPSIS = "…"

FONTS, LINES = 100, 1_000
"""How many fonts of a size and how many lines of letters are kept for the next chart."""

SIMPLE_LETTERS = (range(0x20, 0x7F), range(0xA0, 0x300), range(0x370, 0x530), range(0x2010, 0x2C00))
"""Letters that follow each other from left to right: Latin, Greek, Cyrillic; signs and arrows."""


class Paper(FigureCanvasAgg):
    """A canvas for a figure whose texts Pillow writes."""

    _size = None  # that the renderer was made for: width and height in pixels, dots per inch

    def get_renderer(self) -> RendererAgg:
        """Return what draws on this canvas, a new one whenever the figure's size has changed."""
        size = (*self.get_width_height(physical=True), self.figure.dpi)
        if self._size != size:
            self.renderer, self._size = _Pen(*size), size
        return self.renderer


class _Pen(RendererAgg):
    """Matplotlib's renderer, except that Pillow writes level texts of simple letters."""

    def get_text_width_height_descent(self, s, prop, ismath):
        font = self.font(s, prop, ismath)
        if font is None:
            return super().get_text_width_height_descent(s, prop, ismath)
        return measure(s, font)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        font = self.font(s, prop, ismath or angle)
        if font is None:
            return super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        x, y = round(x), self.height - round(y)
        if isinstance(mtext, Haloed):
            width = max(1, round(self.points_to_pixels(mtext.halo / 2)))
            halo = _ink_of(s, font, width)
            self._put(gc, x, y, halo, to_rgba(mtext.paper))
        alpha = gc.get_alpha() if gc.get_forced_alpha() else None
        self._put(gc, x, y, _ink_of(s, font), to_rgba(gc.get_rgb(), alpha))

    def _put(self, gc, x, y, ink, colour):
        """Lay ink of a colour on the picture, with the pen at a place."""
        covered, left, below = ink
        pixels = np.empty((*covered.shape, 4), np.uint8)
        pixels[..., :3] = np.multiply(colour[:3], 255).round()
        pixels[..., 3] = covered if colour[3] == 1 else (covered * colour[3]).round()
        self.draw_image(gc, x + left, y - below, pixels)

    def font(self, line: str, properties: FontProperties, special: object = False):
        """Return the font to write a line in; None if matplotlib has to write it."""
        font = None if special else font_for(properties, self.dpi)
        return font if font and _letters_of(font.path).issuperset(line) else None


class Haloed(Text):
    """One level line with a halo in the paper's colour, so that it can be read on any fill.

    Args:
        x, y: where the line stands.
        text: what it says.
        halo: the width of the line drawn around each letter, in points.
        paper: the halo's colour.
        font: all else that matplotlib's Text takes.
    """

    def __init__(self, x: float, y: float, text: str, halo: float, paper: str, **font: object):
        super().__init__(x, y, text, **font)
        self.halo, self.paper = halo, paper

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line, with matplotlib's slower halo where Pillow does not write it."""
        pillow = isinstance(renderer, _Pen) and renderer.font(
            self.get_text(), self.get_fontproperties()
        )
        stroke = withStroke(linewidth=self.halo, foreground=self.paper)
        self.set_path_effects([] if pillow else [stroke])
        super().draw(renderer)


def font_for(properties: FontProperties, dpi: float) -> ImageFont.FreeTypeFont:
    """Return the font that matplotlib would take, for Pillow."""
    return _font_in(findfont(properties), properties.get_size_in_points() * dpi / 72)


@lru_cache(FONTS)
def _font_in(file, pixels):
    return ImageFont.truetype(file, pixels, index=file.face_index)


@lru_cache(LINES)
def measure(line: str, font: ImageFont.FreeTypeFont) -> tuple[float, float, float]:
    """Return a line's width, its height, and how far it reaches below its base line, in pixels."""
    _, top, _, bottom = font.getbbox(line, anchor="ls")
    return font.getlength(line), bottom - top, bottom


@lru_cache(LINES)
def _ink_of(line, font, halo=0):
    """Return how much of each pixel a line covers, and where these pixels lie.

    The rows go from the bottom to the top. The place is how many pixels the first column lies right
    of the pen, and how many the lowest row lies below it.
    """
    left, top, right, bottom = font.getbbox(line, anchor="ls", stroke_width=halo)
    picture = Image.new("L", (right - left, bottom - top))
    pen = ImageDraw.Draw(picture)
    pen.text((-left, -top), line, 255, font=font, anchor="ls", stroke_width=halo)
    return np.asarray(picture)[::-1], left, bottom


@lru_cache(FONTS)
def _letters_of(path):
    """Return the simple letters that a font has."""
    known = get_font(path).get_charmap()
    return {chr(code) for codes in SIMPLE_LETTERS for code in codes if code in known}


def one_line(text: str) -> str:
    """Return a text with a space for each line break and control character: they have no shape."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def shortened(text: str, most: int) -> str:
    """Return a text as one line of at most so many letters; an ellipsis stands for the rest."""
    if len(text) <= most:
        return one_line(text)
    return one_line(text[: most - 1]) + ELLIPSIS
