"""Watch external commands: `get_subprocess` returns a module `subprocess` that notes what it does.

    from helpers.external import get_subprocess

    subprocess = get_subprocess()       # one call = one experiment
    subprocess.run(["nslookup", "www.python.org"], capture_output=True)
    gantt(subprocess.timeline())        # when the command was alive, and what went in and out

A command is no Python process: nothing inside it can tell us what it does. So the timeline shows
what its parent sees: when the parent asked for the command, when the system had started it, when
the parent noticed its end, and when it wrote or read text through a pipe. How long the program
itself took to start up after that, nobody here can tell.
"""

import contextlib
import functools
import importlib.util
import itertools
import math
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from helpers.timeline import Message, Process, Tasks, Timeline, Wait

now = time.perf_counter
SHORT = 0.001
"""Seconds: whoever waits for less has found what was wanted, and no wait is noted."""


def get_subprocess() -> ModuleType:
    """Return a copy of the module `subprocess` that notes what it does.

    Its functions and exceptions are the standard library's own. It has two functions more:
    `timeline(questions=())`, see `Recording.timeline`, and `stop()`, see `Recording.stop`.
    """
    # A copy, because `run` and `call` look for `Popen` in their own module. If we put ours
    # there, everything else in this kernel would use it, too.
    spec = importlib.util.find_spec("subprocess")
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    for name, value in vars(subprocess).items():
        if isinstance(value, type):  # `except subprocess.TimeoutExpired` means the same everywhere
            setattr(copy, name, value)
    recording = Recording()
    copy.Popen = type("Popen", (ObservedPopen,), {"_recording": recording})
    copy.timeline, copy.stop = recording.timeline, recording.stop
    return copy


class Recording:
    """The processes and messages of one experiment. Times are those of `time.perf_counter`."""

    def __init__(self):
        self.processes: dict[int, Process] = {}  # by lane
        self.commands: list[subprocess.Popen] = []
        self.lanes = itertools.count(1)
        self.messages: list[Message] = []
        self.waits: list[Wait] = []  # that are over
        self._under_way: dict[int, Wait] = {}
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def waiting(self, reason: str, name: str) -> Iterator[None]:
        """Note that this process waits meanwhile, see `Wait`."""
        number = next(self._numbers)
        self._under_way[number] = Wait(reason, name, os.getpid(), now(), math.nan)
        try:
            yield
        finally:
            wait = self._under_way.pop(number)._replace(ended=now())
            if wait.ended - wait.began > SHORT:
                self.waits.append(wait)

    def timeline(self, questions: Iterable = ()) -> Timeline:
        """Return what has happened so far. Zero is when the first command was asked for.

        Args:
            questions: the questions to a name server in this process (`server.questions`). Each is
                shown as a message from the command that was started last before it.
        """
        moment = now()
        zero = min((process.asked for process in self.processes.values()), default=moment)
        messages = [*self.messages, *self._asked_by(questions)]
        waits = [*self.waits, *self._under_way.copy().values()]
        return Timeline(
            tasks=Tasks.from_columns([]),
            processes=[_since(zero, process) for process in self.processes.values()],
            messages=sorted((_since(zero, message) for message in messages), key=lambda m: m.put),
            waits=[_since(zero, wait) for wait in waits],
            workers=len(self.processes),
            now=moment - zero,
            parent=os.getpid(),
            commands=True,
        )

    def stop(self) -> None:
        """End the commands that are still running, but not what they have started themselves."""
        for command in self.commands:
            command.kill()  # does nothing to a command whose end has been noted
        for command in self.commands:
            command.wait()

    def _asked_by(self, questions):
        """Yield the questions as messages from the commands that asked them."""
        for question in questions:
            before = [p for p in self.processes.values() if p.asked <= question.time]
            if before:
                moment, pid = question.time, max(before, key=lambda p: p.asked).pid
                yield Message("name server", moment, moment, pid, os.getpid(), f"{question.type}?")


def _since(zero, record):
    """Return a process, message or wait with its times counted from `zero`."""
    times = {name: value - zero for name, value in record._asdict().items() if type(value) is float}
    return record._replace(**times)


class ObservedPopen(subprocess.Popen):
    """A `Popen` that notes its start and its end, and what its parent writes and reads."""

    _recording: Recording

    def __init__(self, args, *others, **options):
        asked = now()
        if not isinstance(args, str | bytes | os.PathLike):
            args = list(args)  # an iterator can be read only once
        super().__init__(args, *others, **options)
        born = now()  # when `Popen` returns, the system has started the program, not more
        self._recording.commands.append(self)
        self._lane = next(self._recording.lanes)
        self._recording.processes[self._lane] = Process(
            name=name_of(args),
            pid=self.pid,
            ppid=os.getpid(),
            lane=self._lane,
            role="process",
            method="",
            asked=asked,
            born=born,
            ready=math.nan,
            ended=math.nan,
            exitcode=None,
        )
        self._told = {"stdout": 0, "stderr": 0}  # bytes that `communicate` has noted
        waiting = functools.partial(self._recording.waiting, "room", f"{name_of(args)}'s stdin")
        self.stdin = self.stdin and NotedStream(self.stdin, self._note_in, waiting)
        for name in self._told:
            stream, note = getattr(self, name), functools.partial(self._note_out, name)
            place = f"{name_of(args)}'s {name}"
            waiting = functools.partial(self._recording.waiting, "pipe", place)
            setattr(self, name, stream and NotedStream(stream, note, waiting))

    def communicate(self, input=None, timeout=None):
        # `communicate` writes all and reads all. It needs the streams themselves.
        noted = {name: getattr(self, name) for name in ("stdin", *self._told)}
        for name, stream in noted.items():
            setattr(self, name, getattr(stream, "stream", stream))
        self._note_in(input, now())
        try:
            with self._waiting_for_end():
                results = super().communicate(input, timeout)
            self._note_more(*results)
        except subprocess.TimeoutExpired as error:  # with what has been read so far
            self._note_more(error.output, error.stderr)
            raise
        finally:
            vars(self).update(noted)
        return results

    def _note_more(self, stdout, stderr):
        """Note what was read, but for that which an earlier call has read."""
        for name, data in (("stdout", stdout), ("stderr", stderr)):
            data = _as_bytes(data)
            self._note_out(name, data[self._told[name] :])
            self._told[name] = len(data)

    def wait(self, timeout=None):
        with self._waiting_for_end():
            code = super().wait(timeout)
        self._note_end()
        return code

    def poll(self):
        code = super().poll()
        self._note_end()
        return code

    def _waiting_for_end(self):
        return self._recording.waiting("end", f"pid {self.pid}")

    def _note_end(self):
        """Note when the end was first seen."""
        processes = self._recording.processes
        process = processes[self._lane]
        if self.returncode is not None and process.exitcode is None:
            processes[self._lane] = process._replace(ended=now(), exitcode=self.returncode)

    def _note_in(self, data, since):
        self._note(Message("stdin", since, now(), os.getpid(), self.pid, brief(data)))

    def _note_out(self, name, data):
        # We do not know when the command wrote it: it may have been in the pipe for long.
        moment = now()
        self._note(Message(name, moment, moment, self.pid, os.getpid(), brief(data)))

    def _note(self, message):
        if message.value:
            self._recording.messages.append(message)


class NotedStream:
    """The parent's end of a pipe, which notes all that is written and read.

    It may be wrapped again, as by `io.TextIOWrapper(process.stdout)`, and so may what lies below.
    """

    def __init__(self, stream, note, waiting):
        self.stream, self._note, self._waiting = stream, note, waiting

    def write(self, data):
        since = now()
        with self._waiting():
            count = self.stream.write(data)
        self._note(data, since)
        return count

    def flush(self):
        with self._waiting():
            self.stream.flush()

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def read(self, *size):
        return self._noted(self.stream.read, *size)

    def read1(self, *size):
        return self._noted(self.stream.read1, *size)

    def readall(self):
        return self._noted(self.stream.readall)

    def readline(self, *size):
        return self._noted(self.stream.readline, *size)

    def readinto(self, buffer):
        return self._noted_into(buffer, self.stream.readinto)

    def readinto1(self, buffer):
        return self._noted_into(buffer, self.stream.readinto1)

    def readlines(self, hint=-1):
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def _noted(self, read, *size):
        with self._waiting():
            data = read(*size)
        self._note(data)
        return data

    def _noted_into(self, buffer, read):
        with self._waiting():
            count = read(buffer)
        self._note(memoryview(buffer).cast("B")[: count or 0])
        return count

    @property
    def buffer(self):
        return NotedStream(self.stream.buffer, self._note, self._waiting)

    @property
    def raw(self):
        return NotedStream(self.stream.raw, self._note, self._waiting)

    def detach(self):
        return NotedStream(self.stream.detach(), self._note, self._waiting)

    def __iter__(self):
        return self

    def __next__(self):
        if line := self.readline():
            return line
        raise StopIteration

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stream.close()

    def __getattr__(self, name):  # everything else is as before
        return getattr(self.stream, name)


def _as_bytes(data):
    return data.encode(errors="replace") if isinstance(data, str) else bytes(data or b"")


def brief(data: str | bytes | memoryview | None) -> str:
    """Return what went through a pipe in a few words: its line, number of lines, or size."""
    data = _as_bytes(data)
    lines = data.decode(errors="replace").strip().splitlines()
    if len(lines) > 1:
        return f"{len(lines)} lines"
    return f"{len(data) / 1000:.0f} kB" if len(data) >= 1000 else "".join(lines)


def name_of(args: str | bytes | os.PathLike | Sequence) -> str:
    """Return the name of a lane: the program, and its first argument that is no option."""
    words = [args] if isinstance(args, str | bytes | os.PathLike) else list(args)
    program, *words = (os.fsdecode(word) for word in words)
    if words[:1] == ["-m"] and words[1:]:
        program, words = words[1].rpartition(".")[2], words[2:]
    if "-c" in words or "-" in words:
        words = []
    told = [word for word in words if not word.startswith("-")]
    return " ".join([Path(program).stem, *told[:1]])
