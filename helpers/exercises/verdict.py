"""The verdict on an answer: what holds, one sentence on what does not, and the chart."""

import html
from collections.abc import Callable
from typing import Any, NamedTuple

from helpers.exercises.exercise import Exercise
from helpers.exercises.watching import Seen

DONE, NOT_YET, NOT_HERE, NOT_JUDGED = "done", "not yet", "not on this system", "not judged"
"""What may come of a check."""


class Verdict(NamedTuple):
    """What the check of one answer found.

    `holds` are sentences about what is right. `sentence` says the first thing that is not; it is
    empty if all is. `seen` are the runs that were watched.
    """

    number: str
    state: str
    holds: tuple[str, ...] = ()
    sentence: str = ""
    seen: tuple[Seen, ...] = ()
    picture: Any = None

    @property
    def counts_as_done(self) -> bool:
        """Whether nothing is left to do: what a system cannot do, nobody has to do on it."""
        return self.state in (DONE, NOT_HERE)

    def as_text(self) -> str:
        """Return the verdict as lines of plain text."""
        head = f"{self.number}: {self.state}."
        lines = [head, *(f"  Holds: {claim}" for claim in self.holds), self.sentence]
        return "\n".join(line for line in lines if line)

    def as_html(self) -> str:
        """Return the verdict as HTML that a screen reader speaks when it appears."""
        claims = "".join(f"<li>Holds: {html.escape(claim)}</li>" for claim in self.holds)
        sentence = f"<p>{html.escape(self.sentence)}</p>" if self.sentence else ""
        printed = "".join(seen.printed.as_html() for seen in self.seen if seen.printed)
        return (
            f'<div role="status"><p><strong>{self.number}: {self.state}.</strong></p>'
            f"{f'<ul>{claims}</ul>' if claims else ''}{sentence}</div>{printed}"
        )


def judge(exercise: Exercise, answer: Callable) -> Verdict:
    """Run an answer and ask the exercise's facts of it, until one does not hold.

    Raises:
        KeyboardInterrupt: if the kernel is interrupted meanwhile.
    """
    number = exercise.number
    if reason := exercise.missing():
        return Verdict(number, NOT_HERE, sentence=f"{reason} It counts as done.")
    seen = tuple(exercise.watch(answer))
    state, holds, sentence = DONE, [], ""
    for fact in exercise.all_facts(*seen):
        if not fact.holds:
            state, sentence = NOT_YET, fact.otherwise
            break
        if fact.claim:
            holds.append(fact.claim)
    return Verdict(number, state, tuple(holds), sentence, seen, exercise.picture(*seen))
