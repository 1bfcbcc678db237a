"""6.2: a chain of three processes, with a queue between two neighbours."""

from helpers import facts
from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

NUMBERS = range(1, 21)
TOTAL = sum(number * number for number in NUMBERS)
SENTINEL = "None"


class Exercise(exercise.Exercise):
    """Numbers, squares, their sum: each works on while the one before it still puts."""

    number = "6.2"

    def facts(self, seen):
        t = seen.timeline
        yield Fact(
            "There were three processes.",
            len(t.processes) == 3,
            f"{words.count(len(t.processes), 'process')} did it; the chain has three.",
        )
        codes = facts.exit_codes(t)
        first, second = queues_in_order(t)
        yield Fact(
            "They had two queues between them.",
            bool(second),
            "One queue carried all: who gets a message from it cannot choose. Make a second one."
            if first
            else "Nothing went through an mp.Queue.",
        )
        yield Fact(
            "A sentinel came through the first queue.",
            values_of(first).count(SENTINEL) == 1,
            "Nobody told the second process that no more numbers come.",
        )
        yield Fact(
            "",
            len(values_of(first)) > 1,
            "Only the sentinel came through the first queue: put the numbers in front of it.",
        )
        yield Fact(
            "",
            SENTINEL in values_of(second) or not seen.hung,
            "The second process got its sentinel and told nobody: pass it on, or the last one "
            "waits for ever.",
        )
        last_got = max(message.got for message in first if message.value != SENTINEL)
        yield Fact(
            "Squares went on while numbers still came in.",
            min(message.put for message in second) < last_got,
            "The second process put its first square when it had got all numbers: no chain, a "
            "relay. Put each square at once.",
        )
        yield Fact(
            "The sum is right.",
            seen.returned == TOTAL,
            f"The squares of 1 to {NUMBERS[-1]} add up to {TOTAL}, and you return "
            f"{seen.returned!r:.40}.",
        )
        yield Fact(
            "All three ended by themselves.",
            set(codes) == {0},
            f"The exit codes were {', '.join(map(str, codes))}, and three times 0 is the aim: join "
            "each, end none by force.",
        )


def queues_in_order(timeline):
    """Return the messages of the first queue and those of the second, by their first message.

    The first queue is the one from which somebody got what he passed on into the other.
    """
    names = list(dict.fromkeys(message.queue for message in timeline.messages))
    queues = [facts.messages_in(timeline, name) for name in names]
    senders = [{message.sender for message in queue} for queue in queues]
    receivers = [{message.receiver for message in queue} for queue in queues]
    for i, got in enumerate(receivers):
        for k, put in enumerate(senders):
            if i != k and got & put:
                return queues[i], queues[k]
    return (queues or [[]])[0], []


def values_of(messages):
    """Return the texts of the values of messages."""
    return [message.value for message in messages]
