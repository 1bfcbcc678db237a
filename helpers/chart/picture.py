"""A finished chart, and how it shows itself in a notebook: picture, words and hover boxes."""

import base64
import html
import io
from functools import cached_property

from matplotlib.figure import Figure
from PIL import Image

from helpers.chart.letters import Paper
from helpers.chart.png import SMALL, SOON, png_of
from helpers.chart.settings import own_settings

PRINTED_DPI = 144
"""Dots per inch on paper, where a chart is then as wide as the text of a page."""


class Chart:
    """A finished picture of a timeline.

    `figure` is matplotlib's, `alt` says the same in words, `png` is the content of a PNG file. In
    a notebook the chart shows itself: the picture with these words, and boxes over it that tell
    more when the mouse rests on them.

    Args:
        figure: what was drawn.
        alt: the same in words, for those who cannot see the picture.
        boxes: for each hover box its text, and left, top, width and height in percent.
    """

    def __init__(self, figure: Figure, alt: str, boxes: list[tuple]):
        self.figure = figure
        self.alt = alt
        self._boxes = boxes

    def __repr__(self):
        return "Chart"  # the same for every run, because nbval compares it

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG file, packed small."""
        return self._draw_png(SMALL)

    @own_settings()
    def _draw_png(self, effort):
        canvas = Paper(self.figure)
        canvas.draw()
        return png_of(canvas, effort)

    def _repr_html_(self):
        return picture_html(self.png, self.alt, self._boxes)

    def _repr_png_(self):
        """Return the picture for pages that show no HTML, such as PDF files.

        A notebook saves it beside the HTML. In 256 colours it takes a third of the room.
        """
        file = io.BytesIO()
        picture = Image.open(io.BytesIO(self.png)).convert("RGB")
        picture.quantize(256, Image.Quantize.FASTOCTREE).save(file, "PNG", dpi=(PRINTED_DPI,) * 2)
        return file.getvalue()

    def html_for_now(self) -> str:
        """Return the same HTML sooner but larger, for a page that will soon show another chart."""
        return picture_html(self._draw_png(SOON), self.alt, self._boxes)


def picture_html(png: bytes, alt: str, boxes: list[tuple] = ()) -> str:
    """Return a picture and its words as one block of HTML, which one rule can match as a whole.

    Args:
        png: the content of a PNG file.
        alt: what the picture says, in words.
        boxes: for each hover box its text, and left, top, width and height in percent.
    """
    picture = base64.b64encode(png).decode("ascii")
    boxes = "".join(_hover_html(*box) for box in boxes)
    return (
        '<div class="chart"><div style="position:relative;display:inline-block;max-width:100%">'
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" '
        f'style="display:block;max-width:100%;height:auto">{boxes}</div></div><!--/chart-->'
    )


def _hover_html(text, left, top, width, height):
    return (
        f'<div title="{html.escape(text)}" style="position:absolute;left:{left:.2f}%;'
        f'top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"></div>'
    )
