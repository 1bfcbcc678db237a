"""Right answers are accepted where others keep all cores busy."""

import multiprocessing

import pytest

from tests.answers import Answer
from tests.answers.judging import RIGHT, check_verdict, judged
from tests.support.workers import keep_a_core_busy


@pytest.mark.slow
@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_right_answer_is_accepted_on_a_busy_machine(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [multiprocessing.get_context("spawn").Process(target=keep_a_core_busy) for _ in range(4)]
    for process in busy:
        process.start()
    try:
        check_verdict(answer, judged(answer, "spawn", monkeypatch))
    finally:
        for process in busy:
            process.kill()
            process.join()
