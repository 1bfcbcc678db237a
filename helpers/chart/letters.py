"""The letters of a chart, in a tenth of the time: matplotlib says where, Pillow writes them.

Of all that a chart needs, its texts take matplotlib longest: it measures and draws each letter by
itself, anew for every chart. Pillow, which it brings along, does a line at a time, with the same
font. What it cannot write as well is left to matplotlib: slanting lines, formulas, and scripts
whose letters change or run from right to left.
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

FONTS, LINES = 100, 1_000
"""How many fonts of a size and how many lines of letters are kept for the next chart."""

SIMPLE = (range(0x20, 0x7F), range(0xA0, 0x300), range(0x370, 0x530), range(0x2010, 0x2C00))
"""Letters that follow each other from left to right: Latin, Greek, Cyrillic; signs and arrows."""


class Paper(FigureCanvasAgg):
    """A canvas for a figure whose texts Pillow writes."""

    _size = None  # what the renderer was made for: width and height in pixels, dots per inch

    def get_renderer(self) -> RendererAgg:
        """What draws on this canvas; a new one whenever the figure's size has changed."""
        size = (*self.get_width_height(physical=True), self.figure.dpi)
        if self._size != size:
            self.renderer, self._size = _Pen(*size), size
        return self.renderer


class _Pen(RendererAgg):
    """Draws as matplotlib does, but for level texts of simple letters."""

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

    def font(self, line: str, looks: FontProperties, special: object = False):
        """The font to write a line in; None if matplotlib has to do it."""
        font = None if special else font_for(looks, self.dpi)
        return font if font and _letters_of(font.path).issuperset(line) else None


class Haloed(Text):
    """One level line with a halo in the paper's colour, so that it can be read on any fill.

    `halo` is as wide as a line of so many points drawn around each letter.
    """

    def __init__(self, x: float, y: float, text: str, halo: float, paper: str, **looks: object):
        super().__init__(x, y, text, **looks)
        self.halo, self.paper = halo, paper

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line. Where Pillow does not write it, matplotlib's way takes longer."""
        pillow = isinstance(renderer, _Pen) and renderer.font(
            self.get_text(), self.get_fontproperties()
        )
        stroke = withStroke(linewidth=self.halo, foreground=self.paper)
        self.set_path_effects([] if pillow else [stroke])
        super().draw(renderer)


def font_for(looks: FontProperties, dpi: float) -> ImageFont.FreeTypeFont:
    """The font that matplotlib would take, for Pillow."""
    return _font_in(findfont(looks), looks.get_size_in_points() * dpi / 72)


@lru_cache(FONTS)
def _font_in(file, pixels):
    return ImageFont.truetype(file, pixels, index=file.face_index)


@lru_cache(LINES)
def measure(line: str, font: ImageFont.FreeTypeFont) -> tuple[float, float, float]:
    """The width and the height of a line in pixels, and how far it reaches below its base line."""
    _, top, _, bottom = font.getbbox(line, anchor="ls")
    return font.getlength(line), bottom - top, bottom


@lru_cache(LINES)
def _ink_of(line, font, halo=0):
    """How much of each pixel a line covers, from the bottom row to the top, and where it lies.

    That is how far right of the pen its first column begins, and its lowest row below the pen.
    """
    left, top, right, bottom = font.getbbox(line, anchor="ls", stroke_width=halo)
    picture = Image.new("L", (right - left, bottom - top))
    looks = {"font": font, "anchor": "ls", "stroke_width": halo}
    ImageDraw.Draw(picture).text((-left, -top), line, 255, **looks)
    return np.asarray(picture)[::-1], left, bottom


@lru_cache(FONTS)
def _letters_of(path):
    """The simple letters that a font has."""
    has = get_font(path).get_charmap()
    return {chr(code) for some in SIMPLE for code in some if code in has}
