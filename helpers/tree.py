"""The process tree: which process is whose child, as a picture and as text.

`process_tree(mp.timeline())` draws the process that made the context, the processes that it
started, those that they started in turn, and so on, each with its pid and its exit code. This
picture has no time axis; `gantt` shows when each of them lived.
"""

from typing import NamedTuple

from matplotlib.patches import FancyBboxPatch

from helpers.chart import style
from helpers.chart.letters import one_line
from helpers.chart.picture import Chart
from helpers.chart.settings import own_settings
from helpers.chart.sheet import Sheet
from helpers.chart.words import count
from helpers.timeline import Timeline

ROOT = "this kernel"
"""The name of the process that made the context: in a notebook that is the kernel."""

MOST_ROWS = 40
"""The rows that are drawn at most: with more, the picture would be taller than anybody scrolls."""

ROW, BOX_HEIGHT, WIDEST_COLUMN, GAP = 80, 66, 250, 36
"""Pixels: from row to row, of a box, from generation to generation, between two generations."""


class Node(NamedTuple):
    """A process in the tree: what is known of it, its place, and its parent's place in the list.

    The generation of the root is 0. The first child stands in its parent's row, to the right of it,
    each later child below all descendants of the child before. The root's parent is None.
    """

    name: str
    pid: int
    end: str
    generation: int
    row: int
    parent: int | None

    @property
    def facts(self) -> list[str]:
        """The pid, and how the process ended if that is known."""
        return [fact for fact in (f"pid {self.pid}", self.end) if fact]

    def __str__(self):
        return ", ".join(fact for fact in (self.name, *self.facts) if fact)


def nodes_of(timeline: Timeline) -> list[Node]:
    """Return all processes of a timeline, the root first, each process behind its parent."""
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


@own_settings()
def process_tree(timeline: Timeline, *, dark: bool = False) -> Chart:
    """Return the picture of a timeline's processes, each to the right of the one that started it.

    Args:
        timeline: whose processes to draw, from `mp.timeline()`.
        dark: colours for a dark notebook.

    Raises:
        TypeError: for anything that is not a timeline.
    """
    _check(timeline, "process_tree")
    nodes = nodes_of(timeline)
    sheet = _TreeSheet(nodes, style.DARK if dark else style.LIGHT)
    sheet.write_title(_title(timeline, nodes))
    for node in nodes:
        if node.row < MOST_ROWS:
            sheet.draw_line(node)
            sheet.draw_box(node)
    return Chart(sheet.figure, _alt_text(timeline, nodes), [])


def tree_as_text(timeline: Timeline) -> str:
    """Return the tree as text: a line for each process, indented below the one that started it.

    Raises TypeError for anything that is not a timeline.
    """
    _check(timeline, "tree_as_text")
    return "\n".join("    " * node.generation + str(node) for node in nodes_of(timeline))


def _check(timeline, name):
    if not isinstance(timeline, Timeline):
        raise TypeError(f"{name} needs a timeline, such as mp.timeline(), not {timeline!r:.80}")


def _title(timeline, nodes):
    """Return `2 spawn processes from this kernel, in 2 generations`, and how many are hidden."""
    generations = max(node.generation for node in nodes)
    processes = count(len(nodes) - 1, f"{timeline.method} process".strip())
    title = f"{processes} from {ROOT}, in {count(generations, 'generation')}"
    hidden = sum(node.row >= MOST_ROWS for node in nodes)
    return f"{title} ({hidden:,} not shown)" if hidden else title


def _alt_text(timeline, nodes):
    """Return the picture's facts as sentences."""
    facts = [_title(timeline, nodes), str(nodes[0])]
    facts += [f"{node}, child of {nodes[node.parent].name}" for node in nodes[1:]]
    return "Tree of processes. " + " ".join(f"{fact[:1].upper()}{fact[1:]}." for fact in facts)


class _TreeSheet(Sheet):
    """A sheet with a box for each process. Places are pixels from its bottom left corner."""

    def __init__(self, nodes, palette):
        super().__init__(palette)
        self.nodes = nodes
        rows = min(MOST_ROWS, 1 + max(node.row for node in nodes))
        columns = 1 + max(node.generation for node in nodes)
        self.column = min(WIDEST_COLUMN, (style.WIDTH - 2 * style.SIDE + GAP) / columns)
        self.set_height(style.TOP + style.TITLE_HEIGHT + rows * ROW + style.BOTTOM)
        self.axes = self.axes_at(0, 0, style.WIDTH, self.height)
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, style.WIDTH), ylim=(0, self.height))

    def place(self, node):
        """Return the left and the right end of a box, and the height of its middle."""
        left = style.SIDE + node.generation * self.column
        middle = self.height - style.TOP - style.TITLE_HEIGHT - (node.row + 0.5) * ROW
        return left, left + self.column - GAP, middle

    def draw_box(self, node):
        """Draw a process: its name, its pid and how it ended."""
        left, right, middle = self.place(node)
        colours = self.palette.kinds["task" if node.parent is None else "process"]
        box = FancyBboxPatch(
            (left, middle - BOX_HEIGHT / 2),
            right - left,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=8",
            facecolor=colours.fill,
            edgecolor=colours.edge,
            linewidth=1.5,
        )
        self.axes.add_patch(box)
        centre, room = (left + right) / 2, right - left - 12
        top = middle + len(node.facts) * style.LINE_OF_TEXT / 2
        self.write(centre, top, node.name, room, style.LANE_FONT, "bold")
        for line, fact in enumerate(node.facts, 1):
            self.write(centre, top - line * style.LINE_OF_TEXT, fact, room)

    def draw_line(self, node):
        """Draw a line from a process's parent to the process: to the right, down, to the right."""
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

    def write_title(self, title):
        """Write the title above all boxes."""
        y, room = self.height - style.TOP - style.TITLE_HEIGHT / 2, style.WIDTH - 2 * style.SIDE
        self.write(style.SIDE, y, title, room, style.TITLE_FONT, "bold", align="left")

    def write(self, x, y, text, room, size=style.SMALL_FONT, weight="normal", align="center"):
        """Write a text at a place, as much of it as `room` pixels hold."""
        text = self.cut(text, room, size, weight)
        font = {"fontsize": size, "fontweight": weight}
        self.text_at(x, y, text, ha=align, va="center_baseline", **font)
