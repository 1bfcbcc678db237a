"""The lanes of an experiment: the rows of its chart, numbered from 1.

Standard library only.
"""


class Lanes:
    """The lanes that have been given out, and those that wait for a replacement.

    A worker that replaces another one of the same pool continues its lane. A manager's server is
    no worker, and has lanes of its own kind. The caller sees to it that only one thread at a time
    asks.
    """

    def __init__(self):
        self._freed_by = []  # for each lane the team whose worker has ended there, or None
        self._managers = 0

    def for_manager(self) -> int:
        """Return a new lane for the server of a manager."""
        self._managers += 1
        return self._managers

    def take(self, team=None) -> int:
        """Return a lane that a worker of this team has freed, else a new one.

        Args:
            team: anything that the workers of one pool have in common; None for other processes.
        """
        if team is not None and team in self._freed_by:
            place = self._freed_by.index(team)
            self._freed_by[place] = None
        else:
            place = len(self._freed_by)
            self._freed_by.append(None)
        return place + 1

    def free(self, lane: int, team) -> None:
        """Let the next worker of this team have a lane whose worker has ended."""
        self._freed_by[lane - 1] = team
