"""The process tree: who is whose child, as a picture and as text.

`process_tree(mp.timeline())` draws the process that made the context, the processes that it
started, those that they started in turn, and so on, each with its pid and its exit code. Time
runs nowhere in this picture; `gantt` shows when each of them lived.
"""

from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from helpers.chart import style
from helpers.chart.letters import Paper
from helpers.chart.words import count, one_line
from helpers.gantt import Chart
from helpers.timeline import Timeline

ROOT = "this kernel"
"""What the process is called that made the context: in a notebook that is the kernel."""

MOST_ROWS = 40
"""More rows than this are not drawn, or the picture would be taller than anybody scrolls."""

ROW, BOX_HEIGHT, WIDEST_COLUMN, GAP = 80, 66, 250, 36
"""Pixels: from row to row, of a box, from generation to generation, between two generations."""


class Node(NamedTuple):
    """A process in the tree: what is known of it, its place, and its parent's place in the list.

    The generation of the root is 0. The first child stands in its parent's row, to the right of it,
    each later one below all that came from the child before. The root's parent is None.
    """

    name: str
    pid: int
    end: str
    generation: int
    row: int
    parent: int | None


def nodes_of(timeline: Timeline) -> list[Node]:
    """All processes of a timeline, each one behind its parent, the root first."""
    children: dict[int, list] = {}
    for process in timeline.processes:
        children.setdefault(process.ppid, []).append(process)
    nodes = [Node(ROOT, timeline.parent, "", 0, 0, None)]

    def add_children(place):
        parent, row = nodes[place], nodes[place].row
        for process in children.pop(parent.pid, []):
            end = "" if process.exitcode is None else f"exit code {process.exitcode}"
            name = one_line(process.name)
            nodes.append(Node(name, process.pid, end, parent.generation + 1, row, place))
            add_children(len(nodes) - 1)
            row = nodes[-1].row + 1

    add_children(0)
    return nodes


def process_tree(timeline: Timeline, *, dark: bool = False) -> Chart:
    """The picture of a timeline's processes, each to the right of the one that started it.

    Args:
        timeline: whose processes to draw, from `mp.timeline()`.
        dark: colours for a dark notebook.

    Raises:
        TypeError: for anything that is not a timeline.
    """
    _check(timeline, "process_tree")
    nodes = nodes_of(timeline)
    drawing = _Drawing(nodes, style.DARK if dark else style.LIGHT)
    drawing.heading(_title(timeline, nodes))
    for node in nodes:
        if node.row < MOST_ROWS:
            drawing.line(node)
            drawing.box(node)
    return Chart(drawing.figure, _alt(timeline, nodes), [])


def tree_as_text(timeline: Timeline) -> str:
    """The same as text: a line for each process, indented below the one that started it.

    Raises TypeError for anything that is not a timeline.
    """
    _check(timeline, "tree_as_text")
    return "\n".join("    " * node.generation + _facts(node) for node in nodes_of(timeline))


def _check(timeline, name):
    if not isinstance(timeline, Timeline):
        raise TypeError(f"{name} needs a timeline, such as mp.timeline(), not {timeline!r:.80}")


def _facts(node):
    return ", ".join(filter(None, [node.name, f"pid {node.pid}", node.end]))


def _title(timeline, nodes):
    """`2 spawn processes from this kernel, in 2 generations`, and how many are not shown."""
    generations = max(node.generation for node in nodes)
    who = count(len(nodes) - 1, f"{timeline.method} process".strip())
    title = f"{who} from {ROOT}, in {count(generations, 'generation')}"
    hidden = sum(node.row >= MOST_ROWS for node in nodes)
    return f"{title} ({hidden:,} not shown)" if hidden else title


def _alt(timeline, nodes):
    """The picture's facts as sentences."""
    facts = [_title(timeline, nodes), _facts(nodes[0])]
    facts += [f"{_facts(node)}, child of {nodes[node.parent].name}" for node in nodes[1:]]
    return "Tree of processes. " + " ".join(f"{fact[:1].upper()}{fact[1:]}." for fact in facts)


class _Drawing:
    """The picture, in pixels from its bottom left corner."""

    def __init__(self, nodes, palette):
        self.nodes = nodes
        self.palette = palette
        rows = min(MOST_ROWS, 1 + max(node.row for node in nodes))
        columns = 1 + max(node.generation for node in nodes)
        self.column = min(WIDEST_COLUMN, (style.WIDTH - 2 * style.SIDE + GAP) / columns)
        self.height = style.TOP + style.TITLE_HEIGHT + rows * ROW + style.BOTTOM
        size = (style.WIDTH / style.DPI, self.height / style.DPI)
        self.figure = Figure(size, dpi=style.DPI, facecolor=palette.card)
        self.renderer = Paper(self.figure).get_renderer()
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, style.WIDTH), ylim=(0, self.height))

    def place(self, node):
        """The left and the right end of a box, and the height of its middle."""
        left = style.SIDE + node.generation * self.column
        middle = self.height - style.TOP - style.TITLE_HEIGHT - (node.row + 0.5) * ROW
        return left, left + self.column - GAP, middle

    def heading(self, text):
        """The title."""
        y = self.height - style.TOP - style.TITLE_HEIGHT / 2
        room = style.WIDTH - 2 * style.SIDE
        self.text(style.SIDE, y, text, room, style.TITLE_FONT, "left", "bold")

    def box(self, node):
        """A process: its name, its pid and how it ended."""
        left, right, middle = self.place(node)
        looks = self.palette.kinds["task" if node.parent is None else "process"]
        box = FancyBboxPatch(
            (left, middle - BOX_HEIGHT / 2),
            right - left,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=8",
            facecolor=looks.fill,
            edgecolor=looks.edge,
            linewidth=1.5,
        )
        self.axes.add_patch(box)
        centre, room = (left + right) / 2, right - left - 12
        facts = [fact for fact in (f"pid {node.pid}", node.end) if fact]
        top = middle + len(facts) * style.LINE_OF_TEXT / 2
        self.text(centre, top, node.name, room, style.LANE_FONT, "center", "bold")
        for line, fact in enumerate(facts, 1):
            y = top - line * style.LINE_OF_TEXT
            self.text(centre, y, fact, room, style.SMALL_FONT, "center")

    def line(self, node):
        """From a process's parent to the process: to the right, down, to the right."""
        if node.parent is None:
            return
        _, start, above = self.place(self.nodes[node.parent])
        end, _, middle = self.place(node)
        bend = end - GAP / 2
        self.axes.plot(
            [start, bend, bend, end],
            [above, above, middle, middle],
            color=self.palette.muted,
            linewidth=2,
            zorder=0,
        )

    def text(self, x, y, text, room, size, align, weight="normal"):
        """A text in the room that there is, in pixels; a longer one is cut."""
        drawn = self.axes.text(
            x,
            y,
            text,
            color=self.palette.ink,
            fontsize=size,
            fontweight=weight,
            ha=align,
            va="center_baseline",
            parse_math=False,
        )
        while text and drawn.get_window_extent(self.renderer).width > room:
            text = text[:-1]
            drawn.set_text(text + "…")
