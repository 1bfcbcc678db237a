"""What a child prints goes to its log, whoever holds `sys.stdout` or `sys.stderr`.

When a child begins to record, others may hold these streams already: a logging handler, a function
with `file=sys.stdout`, a stream of the student's own that stands in their place. So the streams
stay what they are. What is exchanged lies below them, where text leaves Python.

A child has no standard input: the standard library closes it. So a fork of a kernel must not ask
the kernel's front end either, which would never answer it.

Standard library only, because every child imports this file.
"""

import builtins
import contextlib
import io
import os
import sys

from helpers.child import events

_NUMBERS = {"stdout": events.STDOUT, "stderr": events.STDERR}

_imported_in = os.getpid()
_front_end = {name: getattr(sys, name) for name in _NUMBERS}
"""What stood for the streams when this file was imported: in a notebook, its kernel's own."""


def send_to_log(recorder) -> None:
    """Send what this process prints to the log of its recorder from now on.

    Args:
        recorder: the `Recorder` of this process.
    """
    for name, number in _NUMBERS.items():
        output = LogOutput(recorder, number)
        standard, current = getattr(sys, f"__{name}__"), getattr(sys, name)
        if standard is None:  # Python was started without streams, as on a desktop
            standard = current = text_stream(output)
            setattr(sys, f"__{name}__", standard)
            setattr(sys, name, standard)
        elif _may_be_written(standard):
            _write_line_by_line(standard)
            _exchange_below(standard, output)
        if _is_file(current, number):  # opened anew: `open(1, "w")`
            _exchange_below(current, output)
        if os.getpid() != _imported_in:
            _redirect_front_end(name, current, standard)
    refuse_front_end_input()


def text_stream(output: "LogOutput") -> io.TextIOWrapper:
    """Return a new stream of text that goes to a log."""
    return io.TextIOWrapper(output, "utf-8", "backslashreplace", newline="\n", line_buffering=True)


class LogOutput(io.RawIOBase):
    """The end of a stream at which bytes become events.

    Args:
        recorder: the `Recorder` of this process.
        number: `events.STDOUT` or `events.STDERR`.
    """

    def __init__(self, recorder, number: int):
        self._recorder = recorder
        self._number = number

    def writable(self):
        return True

    def fileno(self):
        """Return the file descriptor that goes with the stream: `subprocess` may pass it on."""
        return self._number

    def write(self, data):
        data = bytes(data)
        self._recorder.record_text(self._number, data)
        return len(data)


def _may_be_written(stream):
    """Tell whether a stream is whole: not closed, and with its buffer."""
    try:
        return stream.writable()
    except ValueError:
        return False


def _is_file(stream, number):
    """Tell whether a stream of text is one of this file descriptor."""
    if type(stream) is not io.TextIOWrapper or not _may_be_written(stream):
        return False
    with contextlib.suppress(OSError):  # a stream without a file descriptor
        return stream.fileno() == number
    return False


def _write_line_by_line(stream):
    """Let a stream of text write line by line, whatever the letters."""
    # A stream that began as a file asks for its place, and a kernel may have put a pipe there.
    with contextlib.suppress(OSError):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    stream.reconfigure(line_buffering=True, write_through=False)


def _exchange_below(stream, output):
    """Let a stream of text, and whoever has its buffer, write to a log."""
    with contextlib.suppress(OSError):  # what it holds belongs where it was written to
        stream.flush()
    buffer = stream.buffer
    for layer in buffer, getattr(buffer, "raw", buffer):
        layer.write, layer.isatty = output.write, output.isatty


def _redirect_front_end(name, current, standard):
    """Let the streams that a kernel has made write to the log of its fork, too.

    A file of the student's in the place of `sys.stdout`, or an object of the student's own class,
    is left there. A stream in memory is not: nobody would ever see what the fork writes there.
    """
    for stream in _front_end[name], current:
        if isinstance(stream, io.TextIOBase) and type(stream) is not io.TextIOWrapper:
            stream.write, stream.flush = standard.write, standard.flush
            if stream is current:
                setattr(sys, name, standard)


def refuse_front_end_input() -> None:
    """Let `input` and `getpass` raise an error where they would ask the front end of a kernel."""
    for module, name in (builtins, "input"), (sys.modules.get("getpass"), "getpass"):
        asking = getattr(module, name, None)
        if getattr(asking, "__module__", "").startswith("ipykernel."):
            setattr(module, name, _no_input)


def _no_input(*_, **__):
    raise EOFError("a child process cannot ask you; ask in the parent, and give it the answer")
