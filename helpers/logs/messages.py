"""Messages through observed queues: each is put by one process and taken by another."""

import math
from collections import defaultdict
from operator import attrgetter

from helpers.child import events
from helpers.logs.segments import Log
from helpers.timeline import Message


class Messages:
    """Every message put into an observed queue, with the moment at which it was taken.

    A queue, the sender's pid and the number of its sending tell which message it is.
    """

    def __init__(self):
        self._messages = []
        self._places = defaultdict(list)  # where in `_messages` each message stands
        self._taken = {}  # when each message was taken, and by whom

    def take_in(self, log: Log, seconds) -> None:
        """Take in new messages, and what has become of older ones.

        Args:
            log: the new records of one process.
            seconds: turns the time of a record into seconds of the timeline.
        """
        for event, value in log.events_with_text(events.PUT):
            queue = int(event["queue"])
            key = queue, log.pid, int(event["number"])
            got, receiver = self._taken.get(key, (math.nan, 0))
            put = seconds(int(event["time"]))
            self._places[key].append(len(self._messages))
            message = Message(f"queue {queue}", put, got, log.pid, receiver, value)
            self._messages.append(message)
        for event in log.events_of(events.GOT):
            key = int(event["queue"]), int(event["sender"]), int(event["number"])
            got, receiver = self._taken[key] = seconds(int(event["time"])), log.pid
            for place in self._places.get(key, ()):
                message = self._messages[place]._replace(got=got, receiver=receiver)
                self._messages[place] = message

    def sorted(self) -> list[Message]:
        """Return all messages: queue by queue, in the order in which they were put."""
        return sorted(self._messages, key=attrgetter("queue", "put", "sender"))
