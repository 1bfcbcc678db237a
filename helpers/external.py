"""Watch external commands: `get_subprocess` returns a module `subprocess` that notes what it does.

    from helpers.external import get_subprocess

    subprocess = get_subprocess()       # one call = one experiment
    subprocess.run(["nslookup", "www.python.org"], capture_output=True)
    gantt(subprocess.timeline())        # when the command was alive, and what went in and out

A command is no Python process: nothing inside it can tell us what it does. So the timeline shows
what its parent sees: when the parent started the command, when it noticed its end, and when it
wrote or read text through a pipe.
"""

import importlib.util
import itertools
import math
import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from helpers.timeline import Message, Process, Tasks, Timeline

now = time.perf_counter


def get_subprocess() -> ModuleType:
    """Return a copy of the module `subprocess` that notes what it does.

    Its functions and exceptions are the standard library's own. It has one more function,
    `timeline(questions=())`: see `Recording.timeline`.
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
    copy.timeline = recording.timeline
    return copy


class Recording:
    """The processes and messages of one experiment. Times are those of `time.perf_counter`."""

    def __init__(self):
        self.processes: dict[int, Process] = {}  # by lane
        self.lanes = itertools.count(1)
        self.messages: list[Message] = []

    def timeline(self, questions: Iterable = ()) -> Timeline:
        """Return what has happened so far. Zero is when the first command was asked for.

        Args:
            questions: the questions to a name server in this process (`server.questions`). Each is
                shown as a message from the command that was started last before it.
        """
        moment = now()
        zero = min((process.asked for process in self.processes.values()), default=moment)
        messages = [*self.messages, *self._asked_by(questions)]
        return Timeline(
            tasks=Tasks.from_columns([]),
            processes=[_since(zero, process) for process in self.processes.values()],
            messages=sorted((_since(zero, message) for message in messages), key=lambda m: m.put),
            workers=len(self.processes),
            now=moment - zero,
            parent=os.getpid(),
        )

    def _asked_by(self, questions):
        """Yield the questions as messages from the commands that asked them."""
        for question in questions:
            before = [p for p in self.processes.values() if p.asked <= question.time]
            if before:
                moment, pid = question.time, max(before, key=lambda p: p.asked).pid
                yield Message("name server", moment, moment, pid, os.getpid(), f"{question.type}?")


def _since(zero, record):
    """Return a process or message with its times counted from `zero`."""
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
        born = now()  # when `Popen` returns, the program has been started
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
        self.stdin = self.stdin and NotedStream(self.stdin, self._note_in)
        self.stdout = self.stdout and NotedStream(self.stdout, self._note_out)
        self.stderr = self.stderr and NotedStream(self.stderr, self._note_out)

    def communicate(self, input=None, timeout=None):
        # `communicate` writes all and reads all. It needs the streams themselves.
        for name in ("stdin", "stdout", "stderr"):
            stream = getattr(self, name)
            setattr(self, name, getattr(stream, "stream", stream))
        self._note_in(input, now())
        results = super().communicate(input, timeout)
        for data in results:
            self._note_out(data)
        return results

    def wait(self, timeout=None):
        code = super().wait(timeout)
        self._note_end()
        return code

    def poll(self):
        code = super().poll()
        self._note_end()
        return code

    def _note_end(self):
        """Note when the end was first seen."""
        processes = self._recording.processes
        process = processes[self._lane]
        if self.returncode is not None and process.exitcode is None:
            processes[self._lane] = process._replace(ended=now(), exitcode=self.returncode)

    def _note_in(self, data, since):
        self._note(Message("stdin", since, now(), os.getpid(), self.pid, brief(data)))

    def _note_out(self, data):
        # We do not know when the command wrote it: it may have been in the pipe for long.
        moment = now()
        self._note(Message("stdout", moment, moment, self.pid, os.getpid(), brief(data)))

    def _note(self, message):
        if message.value:
            self._recording.messages.append(message)


class NotedStream:
    """The parent's end of a pipe, which notes `write`, `read`, `readline` and iteration."""

    def __init__(self, stream, note):
        self.stream, self._note = stream, note

    def write(self, data):
        since = now()
        count = self.stream.write(data)
        self._note(data, since)
        return count

    def read(self, *size):
        data = self.stream.read(*size)
        self._note(data)
        return data

    def readline(self, *size):
        data = self.stream.readline(*size)
        self._note(data)
        return data

    def readlines(self, hint=-1):
        return list(self)

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


def brief(data: str | bytes | None) -> str:
    """Return what went through a pipe in a few words: its line, number of lines, or size."""
    data = data.encode(errors="replace") if isinstance(data, str) else bytes(data or b"")
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
