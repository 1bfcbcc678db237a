"""6.1: three writers, two readers that end by themselves."""

import math

from helpers.chart import words
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact

WRITERS, READERS = 3, 2


class Exercise(exercise.Exercise):
    """A sentinel for each reader, put after the last writer has ended."""

    number = "6.1"

    def facts(self, seen):
        t = seen.timeline
        writers = processes_of(t, "write_as(")
        readers = processes_of(t, "read_until_sentinel(")
        yield Fact(
            "There were three writers and two readers.",
            (len(writers), len(readers)) == (WRITERS, READERS),
            f"There were {words.count(len(writers), 'writer')} and "
            f"{words.count(len(readers), 'reader')}; three and two were asked for.",
        )
        yield Fact(
            "They shared one queue.",
            len({message.queue for message in t.messages}) == 1,
            "More than one queue was used: let all of them share one.",
        )
        by_force = [p.exitcode for p in t.processes if p.exitcode is not None and p.exitcode < 0]
        yield Fact(
            "",
            not by_force,
            f"Exit code {(by_force or [0])[0]}: somebody was ended, perhaps in the middle of a "
            "message.",
        )
        sentinels = [message for message in t.messages if message.value == "None"]
        yield Fact(
            "",
            bool(sentinels),
            "Nobody told the readers that nothing more will come: put a None for each of them.",
        )
        ended = max((math.inf if math.isnan(p.ended) else p.ended) for p in writers)
        early = [message for message in sentinels if message.put < ended]
        yield Fact(
            "Every sentinel was put after the last writer had ended.",
            not early,
            "A sentinel was put before all writers had ended: what they put later lies behind it. "
            "Join the writers first.",
        )
        yield Fact(
            "There was a sentinel for each reader.",
            len(sentinels) >= READERS,
            "One reader went home with the only sentinel, and the other waits.",
        )
        waited = {wait.name for wait in t.waits if wait.reason == "end"}
        yield Fact(
            "You joined the writers, so it could not be otherwise.",
            waited >= {f"pid {writer.pid}" for writer in writers},
            "You did not join the writers: to ask again and again, or to sleep for long enough, is "
            "what join is there for.",
        )
        yield Fact(
            "Both readers ended by themselves.",
            all(process.exitcode == 0 for process in readers),
            "A reader had not ended when you were done: join the readers, too.",
        )
        left = sum(math.isnan(message.got) for message in t.messages)
        yield Fact(
            "No message was left behind.",
            not left or seen.hung,
            f"{words.count(left, 'message')} lay in the queue when all had gone: put as many "
            "sentinels as there are readers.",
        )


def processes_of(timeline, beginning):
    """Return the processes whose function's call begins like this."""
    tasks = timeline.tasks
    pids = {int(tasks.pid[i]) for i in range(len(tasks)) if tasks.call(i).startswith(beginning)}
    return [process for process in timeline.processes if process.pid in pids]
