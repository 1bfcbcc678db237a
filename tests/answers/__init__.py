"""Right and wrong answers to the exercises, each wrong one with the sentence that it must get.

    @right("10.1")
    def work_outside(mp): ...

    @wrong("10.1", "Still one at a time: the work lies under the lock.")
    def sleep_inside(mp): ...

In a sentence, `*` stands for what may differ. Worker functions stand in the same file, as `%%mine`
would keep them. A wrong answer is wrong by construction, not by bad luck.
"""

from collections.abc import Callable
from typing import NamedTuple

SERIAL = (
    "Nothing was started by what you were given: your code did the work itself, in this process, "
    "or took its processes from elsewhere."
)


class Answer(NamedTuple):
    """An answer to an exercise; `sentence` is empty if it is right."""

    number: str
    function: Callable
    sentence: str = ""

    def __str__(self):
        return f"{self.number}-{self.function.__name__}"


ANSWERS: list[Answer] = []
"""All answers of the files that have been imported."""


def right(number: str) -> Callable:
    """Mark a function as a right answer to an exercise."""
    return wrong(number, "")


def wrong(number: str, sentence: str) -> Callable:
    """Mark a function as a wrong answer, with the sentence that the check must say."""

    def mark(function):
        ANSWERS.append(Answer(number, function, sentence))
        return function

    return mark
