"""5.1: two questions to nslookup, the second when the first has been heard."""

import functools

from helpers import facts
from helpers.exercises import exercise
from helpers.exercises.exercise import Fact
from helpers.exercises.watching import watch
from helpers.external import get_subprocess
from helpers.lookups import find_nslookup
from helpers.nameserver import NameServer

SECOND_NAME = "mail.python.org"


class Exercise(exercise.Exercise):
    """What was written must be flushed, a setting counts for what follows, and exit is the end."""

    number = "5.1"
    call = "run(subprocess, server)"

    def watch(self, answer):
        with NameServer() as server:
            find_nslookup(server)  # which asks, too
            server.questions.clear()
            return [watch(answer, server, context=lambda method: observed(server))]

    def facts(self, seen):
        t = seen.timeline
        questions = [m for m in facts.messages_in(t, "name server") if m.value != "PTR?"]
        asked = [question.value for question in questions]  # Windows asks for PTR of its own accord
        yield Fact(
            "",
            bool(asked) or not seen.hung,
            "The name server has heard nothing: your lines lie in a buffer of yours. Flush them.",
        )
        yield Fact(
            "",
            len(asked) < 2 or not seen.hung,
            "Both questions were asked, and nslookup waits for your next line for ever: say exit, "
            "and close its input.",
        )
        yield Fact(
            "The server was asked for MX, then for AAAA.",
            asked == ["MX?", "AAAA?"],
            f"The server was asked for {', '.join(asked) or 'nothing'}; MX? and then AAAA? were "
            "wanted. A setting counts for the names that follow it.",
        )
        names = [m for m in facts.messages_in(t, "stdin") if m.value == SECOND_NAME]
        yield Fact(
            "The second name went in when the first question had been heard.",
            bool(names) and names[0].put > questions[0].put,
            "All lines went in before anything was heard: send the second name when "
            "server.questions has the first question.",
        )
        yield Fact(
            "nslookup ended by itself.",
            facts.exit_codes(t) == [0],
            f"The exit code of nslookup was {facts.exit_codes(t)[0]}: let it come to its end, and "
            "wait for that.",
        )


def observed(server):
    """Return a module `subprocess` whose timeline has a name server's questions, too."""
    subprocess = get_subprocess()
    subprocess.timeline = functools.partial(subprocess.timeline, server.questions)
    return subprocess
