"""A message that cannot be unpickled becomes a task that fails, or is left to others."""

import pickle
import subprocess
import sys
import types

import pytest

from helpers.child.unpickling import failing_task


class Late:
    """A class that the reader of a message will not find."""


def message(monkeypatch: pytest.MonkeyPatch, make) -> bytes:
    """Return a pickled message about `Late`, from the time when its module still existed."""
    module = types.ModuleType("a_module_of_the_parent")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        patch.setattr(Late, "__module__", module.__name__)
        module.Late = Late
        return pickle.dumps(make())


def failing(data: bytes):
    with pytest.raises(ImportError) as caught:
        pickle.loads(data)
    return failing_task(data, caught.value)


def test_the_task_keeps_its_job_and_its_item(monkeypatch) -> None:
    data = message(monkeypatch, lambda: (3, 4, len, ([Late()],), {"key": Late}))
    job, item, function, args, kwargs = failing(data)
    assert (job, item, args, kwargs, function.__qualname__) == (3, 4, (), {}, "Late")
    words = r"cannot find Late in a_module_of_the_parent \(ModuleNotFoundError: .*\); see that"
    with pytest.raises(pickle.PicklingError, match=words):
        function(*args)


def test_what_is_no_task_is_left_to_others(monkeypatch) -> None:
    assert failing(message(monkeypatch, Late)) is None


def test_a_message_that_is_broken_or_lacks_nothing_is_left_to_others() -> None:
    for data in (b"", b"no pickle", pickle.dumps((1, 2, len, (), {}))):
        assert failing_task(data, ValueError("this one")) is None


SCRIPT = """
from helpers.observed import get_context

if __name__ == "__main__":
    def f(x): return x
    mp = get_context("spawn")
    with mp.Pool(1) as pool:
        try:
            pool.map(f, [1])
        except Exception as error:
            print(type(error).__name__, error)
"""


def test_below_the_main_guard_of_a_script_a_function_is_not_found(tmp_path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("PicklingError f is defined in a part of this script that "), done
    assert done.stdout.endswith("; define it above\n")
