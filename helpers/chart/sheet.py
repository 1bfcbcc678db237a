"""The sheet that every chart is drawn on: a figure as wide as all the others, measured in pixels.

A sheet knows how wide a text is, where title and subtitle stand, and how to put things at a place.
"""

from bisect import bisect_left
from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from helpers.chart import style
from helpers.chart.letters import ELLIPSIS, Paper, one_line

MOST_LETTERS = 500
"""So many letters are wider than any chart. No more are ever measured or drawn."""


class Sheet:
    """An empty figure in the colours of a palette. `set_height` gives it its size."""

    def __init__(self, palette: style.Palette):
        self.palette = palette
        self.figure = Figure(dpi=style.DPI, facecolor=palette.card)
        Paper(self.figure)

    def set_height(self, height: float) -> None:
        """Make the figure this many pixels tall."""
        self.figure.set_size_inches(style.WIDTH / style.DPI, height / style.DPI)

    @property
    def height(self) -> float:
        """How tall the figure is, in pixels."""
        return self.figure.get_figheight() * style.DPI

    def axes_at(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add a pair of axes; place and size are pixels from the picture's top left corner."""
        bottom = self.height - top - height
        box = (left / style.WIDTH, bottom / self.height, width / style.WIDTH, height / self.height)
        return self.figure.add_axes(box, facecolor=self.palette.card)

    def text_at(self, x: float, y: float, text: str, **font) -> None:
        """Write a text that begins at pixels from the picture's bottom left corner."""
        x, y = x / style.WIDTH, y / self.height
        font = {"color": self.palette.ink, "fontsize": style.SMALL_FONT, "va": "center"} | font
        self.figure.text(x, y, text, parse_math=False, **font)

    def headings(self, title: str, facts: list[str]) -> None:
        """Write title and subtitle, at most as wide as the picture."""
        room, size = style.WIDTH - 2 * style.SIDE, style.TITLE_FONT
        while size > style.SMALL_FONT and not self.fits(title, room, size, "bold"):
            size -= 1
        while len(facts) > 1 and not self.fits(SEPARATOR.join(facts), room, style.SUBTITLE_FONT):
            facts = facts[:-1]
        title = self.cut(title, room, size, "bold")
        subtitle = self.cut(SEPARATOR.join(facts), room, style.SUBTITLE_FONT)
        title_y, subtitle_y = (self.height - y for y in HEADING_ROWS)
        self.text_at(style.SIDE, title_y, title, fontsize=size, fontweight="bold")
        font = {"fontsize": style.SUBTITLE_FONT, "color": self.palette.muted}
        self.text_at(style.SIDE, subtitle_y, subtitle, **font)

    # How wide texts are

    def text_width(self, text: str, size: float = style.SMALL_FONT, weight: str = "normal"):
        """Return how wide a text is, in pixels; of a line only the first letters are measured."""
        return max(_width_of(line[:MOST_LETTERS], size, weight) for line in text.split("\n"))

    def fits(
        self, text: str, room: float, size: float = style.SMALL_FONT, weight: str = "normal"
    ) -> bool:
        """Return whether a text is at most `room` pixels wide."""
        return len(text) <= MOST_LETTERS and self.text_width(text, size, weight) <= room

    def cut(
        self, text: str, room: float, size: float = style.SMALL_FONT, weight: str = "normal"
    ) -> str:
        """Return as much of a text as `room` pixels hold, as one line that ends in an ellipsis.

        A text that fits is returned whole. Its length is found by bisection among its first
        letters, so a very long text costs no more than one that is as wide as the picture.
        """
        text = one_line(text[: MOST_LETTERS + 1])
        if self.fits(text, room, size, weight):
            return text

        def is_too_long(length):
            return self.text_width(text[:length] + ELLIPSIS, size, weight) > room

        length = bisect_left(range(1, len(text)), True, key=is_too_long)
        return text[:length] + ELLIPSIS


_ruler = Paper(Figure(dpi=style.DPI)).get_renderer()


@lru_cache(maxsize=10_000)
def _width_of(line, size, weight):
    """Return how wide a line is, in pixels. A chart says much of what the last one has said."""
    font = FontProperties(size=size, weight=weight)
    return _ruler.get_text_width_height_descent(line, font, False)[0]


SEPARATOR = " · "
HEADING_ROWS = (
    style.TOP + style.TITLE_HEIGHT / 2,
    style.TOP + style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT / 2 - 3,
)
"""The middles of title and subtitle, in pixels from the picture's top."""
