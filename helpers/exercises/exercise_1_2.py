"""1.2: a child and a grandchild, each waited for by its own parent."""

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.tree import process_tree


class Exercise(exercise.Exercise):
    """Whoever calls start is the parent, and whoever is the parent joins.

    A child that forgets to join its own is not told: Python joins it when the child leaves.
    """

    number = "1.2"

    def picture(self, seen):
        return process_tree(seen.timeline) if seen.timeline.processes else None

    def facts(self, seen):
        t = seen.timeline
        count = len(t.processes)
        yield Fact(
            "There are two processes.",
            count == 2,
            f"The tree has {count} processes below the notebook, and two were asked for: count who "
            "starts whom."
            if count > 2
            else "The child has no child of its own.",
        )
        own = facts.children_of(t, t.parent)
        yield Fact(
            "One is the child of the other.",
            len(own) == 1,
            "Both have the notebook as parent: the tree is one level too flat. Let the child start "
            "the other one.",
        )
        yield Fact(
            "The notebook waited for its child.",
            is_joined(t, t.parent, own[0]),
            "The notebook did not wait for its child: join it in run.",
        )
        yield Fact(
            "Both ended with 0.",
            set(facts.exit_codes(t)) == {0},
            f"The exit codes were {', '.join(map(str, facts.exit_codes(t)))}: twice 0 is the aim.",
        )


def is_joined(timeline, pid, child):
    """Tell whether a process has waited for the end of its child."""
    waits = ((wait.reason, wait.name, wait.pid) for wait in timeline.waits)
    return ("end", f"pid {child.pid}", pid) in waits
