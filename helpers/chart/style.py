"""The style of all charts: sizes, and one palette for light and one for dark surroundings.

The hues are Okabe and Ito's, which colour-blind eyes tell apart (https://jfly.uni-koeln.de/color/).
They are made lighter or darker here so that neighbours also differ in lightness, which is all that
a grey print shows of a colour. Outcomes that matter also carry a hatch or a mark. A test holds the
contrasts and the differences.
"""

from dataclasses import dataclass

DPI = 100
WIDTH = 960
"""The width of every chart in pixels. All sizes below are pixels, too, but fonts are in points."""

TITLE_FONT, SUBTITLE_FONT, LANE_FONT, SMALL_FONT = 16, 12, 12, 11

TALLEST_LANE = 44
LANES_HEIGHT = 600
"""The height that all lanes together never exceed: more lanes become thinner."""
THINNEST_LANE = 6
"""The least height of a lane: lanes that would be thinner are grouped, several to a row."""
LINE_OF_TEXT = 18
"""The height of one line in the small font."""

TOP, TITLE_HEIGHT, SUBTITLE_HEIGHT, RULER_HEIGHT = 12, 32, 28, 24
AXIS_HEIGHT, LEGEND_ROW, BOTTOM = 54, 24, 8
AXIS_LABEL = 30
"""The distance from the lanes to the axis's label, which stands below the numbers of the ticks."""
SIDE = 16
HOST_COLUMN = 26
"""The width of the hosts' names, left of the lanes' names."""

MOST_HOVER_BOXES = 300
MOST_LABELS = 400
MOST_ARROWS = 2_000

MARKERS = {"spawn": "o", "fork": "s", "forkserver": "^"}
"""The shape that stands for a start method where runs are compared: circle, square, triangle."""

DAGGER, CROSS = "\N{DAGGER}", "\N{MULTIPLICATION SIGN}"
ARROW_OUT = "\N{RIGHTWARDS ARROW TO BAR}"


@dataclass(frozen=True)
class Style:
    """One kind of thing on the chart: its fill, its outline, its hatch."""

    fill: str
    edge: str
    hatch: str = ""
    dashed: bool = False
    flat: str = ""  # the one colour for where there is no room for a hatch


@dataclass(frozen=True)
class Palette:
    """All colours of a chart, and the style of each kind of thing it shows."""

    card: str
    ink: str
    muted: str
    grid: str
    predicted: str
    guess: str
    message: str
    kinds: dict[str, Style]
    methods: dict[str, str]


LIGHT = Palette(
    card="#FFFFFF",
    ink="#16181D",
    muted="#4A5058",
    grid="#D9DDE3",
    predicted="#8C2F69",
    guess="#00664B",
    message="#16181D",
    kinds={
        "core": Style("#005A8C", "#00466E"),
        "cores": Style("#00304D", "#4A8FC4", "--"),
        "task": Style("#8FC7EC", "#00466E"),
        "running": Style("#8FC7EC", "#00466E"),
        "exited": Style("#8FC7EC", "#00466E", "//", flat="#5C9BC6"),
        "raised": Style("#E8833A", "#6B2900", "\\\\\\"),
        "lost": Style("#B3B7BE", "#16181D", "xx", dashed=True),
        "ghost": Style("#DDB3CC", "#8C2F69", dashed=True),
        "chunk": Style("#FFFFFF", "#16181D"),
        "process": Style("#C5EBDF", "#00664B"),
        "manager": Style("#F3E9B0", "#665C00", ".."),
        "startup": Style("#FFFFFF", "#6A717B", "////", flat="#9AA0AA"),
        "imports": Style("#FFFFFF", "#6A717B", "++", flat="#9AA0AA"),
        "idle": Style("#ECEEF2", "#8A9099"),
        "waits message": Style("#FFFFFF", "#B34A00"),
        "waits room": Style("#FFFFFF", "#B34A00", "..."),
        "waits lock": Style("#FFFFFF", "#B34A00", "|||"),
        "waits others": Style("#FFFFFF", "#B34A00", "\\"),
        "pickling": Style("#FFFFFF", "#6A3D9A", "---"),
        "sending": Style("#FFFFFF", "#6A3D9A", "oo"),
    },
    methods={"spawn": "#003F66", "fork": "#B34A00", "forkserver": "#3A9478"},
)

DARK = Palette(
    card="#12161C",
    ink="#F2F4F7",
    muted="#B4BBC5",
    grid="#333B46",
    predicted="#E9A6CB",
    guess="#8FE0C6",
    message="#F2F4F7",
    kinds={
        "core": Style("#8CCBF5", "#B5DCF8"),
        "cores": Style("#D4ECFC", "#3A7AA6", "--"),
        "task": Style("#2B668F", "#B5DCF8"),
        "running": Style("#2B668F", "#B5DCF8"),
        "exited": Style("#2B668F", "#B5DCF8", "//", flat="#5A97C2"),
        "raised": Style("#C8611A", "#FFD9BF", "\\\\\\"),
        "lost": Style("#4D545E", "#F2F4F7", "xx", dashed=True),
        "ghost": Style("#6E3D5B", "#E9A6CB", dashed=True),
        "chunk": Style("#12161C", "#F2F4F7"),
        "process": Style("#16493C", "#8FE0C6"),
        "manager": Style("#4A4510", "#E3D98A", ".."),
        "startup": Style("#12161C", "#97A0AC", "////", flat="#77818E"),
        "imports": Style("#12161C", "#97A0AC", "++", flat="#77818E"),
        "idle": Style("#252B34", "#6C7581"),
        "waits message": Style("#12161C", "#F0944D"),
        "waits room": Style("#12161C", "#F0944D", "..."),
        "waits lock": Style("#12161C", "#F0944D", "|||"),
        "waits others": Style("#12161C", "#F0944D", "\\"),
        "pickling": Style("#12161C", "#C9A6EE", "---"),
        "sending": Style("#12161C", "#C9A6EE", "oo"),
    },
    methods={"spawn": "#B5DCF8", "fork": "#F0944D", "forkserver": "#2F8F72"},
)
