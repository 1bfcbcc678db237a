"""The sheet that every chart is drawn on: a figure as wide as all the others, measured in pixels.

It knows how wide a text is, where title and subtitle stand, and how to put something at a place.
"""

from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from helpers.chart import style
from helpers.chart.letters import Paper


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
        return self.figure.get_figheight() * style.DPI

    def text_width(self, text: str, size: float = style.SMALL_FONT, weight: str = "normal"):
        """How wide a text is, in pixels."""
        return max(_width_of(line, size, weight) for line in text.split("\n"))

    def axes_at(self, left: float, top: float, width: float, height: float) -> Axes:
        """A pair of axes; its place and size in pixels from the picture's top left corner."""
        bottom = self.height - top - height
        box = (left / style.WIDTH, bottom / self.height, width / style.WIDTH, height / self.height)
        return self.figure.add_axes(box, facecolor=self.palette.card)

    def text_at(self, x: float, y: float, text: str, **looks) -> None:
        """A text beginning at pixels from the picture's bottom left corner."""
        x, y = x / style.WIDTH, y / self.height
        looks = {"color": self.palette.ink, "fontsize": style.SMALL_FONT, "va": "center"} | looks
        self.figure.text(x, y, text, parse_math=False, **looks)

    def headings(self, title: str, facts: list[str]) -> None:
        """Title and subtitle, at most as wide as the picture."""
        size, subtitle = self._fitting(title, facts)
        title_y, subtitle_y = (self.height - y for y in HEADING_ROWS)
        self.text_at(style.SIDE, title_y, title, fontsize=size, fontweight="bold")
        looks = {"fontsize": style.SUBTITLE_FONT, "color": self.palette.muted}
        self.text_at(style.SIDE, subtitle_y, subtitle, **looks)

    def _fitting(self, title, facts):
        """The font size with which the title fits, and a subtitle of as many facts as fit."""
        room, size = style.WIDTH - 2 * style.SIDE, style.TITLE_FONT
        while size > style.SMALL_FONT and self.text_width(title, size, "bold") > room:
            size -= 1
        while len(facts) > 1 and self.text_width(" · ".join(facts), style.SUBTITLE_FONT) > room:
            facts = facts[:-1]
        return size, " · ".join(facts)


_ruler = Paper(Figure(dpi=style.DPI)).get_renderer()


@lru_cache(maxsize=10_000)
def _width_of(line, size, weight):
    """How wide a line is, in pixels. One chart says much of what the last one has said."""
    font = FontProperties(size=size, weight=weight)
    return _ruler.get_text_width_height_descent(line, font, False)[0]


HEADING_ROWS = (
    style.TOP + style.TITLE_HEIGHT / 2,
    style.TOP + style.TITLE_HEIGHT + style.SUBTITLE_HEIGHT / 2 - 3,
)
"""The middles of title and subtitle, in pixels from the picture's top."""
