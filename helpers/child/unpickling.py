"""A task that cannot be unpickled in its worker fails, and says why; the worker lives on.

Functions and classes travel as the name of their module and their own. Where a child does not
find such a name, the standard library's worker dies in the middle of a message. Here, the task is
read once more, with something in place of what is missing, to learn whose task it is.
"""

import io
import pickle
import sys

REMEDY = "move it to helpers/mine.py (or helpers/tasks.py) and import it from there"
NOT_FOUND = "where a child process cannot find it"


def failing_task(data: bytes, error: BaseException):
    """Return the task of a message that cannot be unpickled, with a function that says why.

    Args:
        data: the message.
        error: what was raised when it was unpickled.

    Returns:
        The task; None if nothing was missing, or if the number of the task cannot be read.
    """
    unpickler = _LenientUnpickler(data)
    try:
        task = unpickler.load()
    except (Exception, SystemExit):  # whatever a strange class may do
        return None
    if not unpickler.missing:
        return None
    module, name = unpickler.missing[0]
    failure = _Failure(name, pickle.PicklingError(_reason(module, name, error)))
    if isinstance(task, tuple) and len(task) == 5:  # from a pool
        job, item, *_ = task
        return job, item, failure, (), {}
    if hasattr(task, "fn"):  # from an executor
        task.fn, task.args, task.kwargs = failure, (), {}
        return task
    return None


class _LenientUnpickler(pickle.Unpickler):
    """An unpickler that puts an empty class in place of each function or class not found."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.missing = []

    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (Exception, SystemExit):  # of the module, too, such as a SyntaxError
            self.missing.append((module, name))
            return _Absent


class _Absent:
    """Stands for an object whose class was not found."""

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, state):
        pass


class _Failure:
    """Stands for the function of a task, and raises why that one cannot be called."""

    def __init__(self, name, error):
        self.__qualname__ = name  # what the timeline calls it
        self._error = error

    def __call__(self):
        raise self._error


def _reason(module, name, error):
    """Say why a child finds no such name in a module, and what helps."""
    if module != "__main__":
        return (
            f"a child process cannot find {name} in {module} ({type(error).__name__}: {error}); "
            "see that its file is right and saved, restart the kernel, and run the cells again"
        )
    if hasattr(sys.modules["__main__"], "__file__"):
        return (
            f"{name} is defined in a part of this script that the child process has not run, such "
            'as below `if __name__ == "__main__":` or after the pool was made; define it above'
        )
    return f"{name} is defined in this notebook, {NOT_FOUND}; {REMEDY}"
