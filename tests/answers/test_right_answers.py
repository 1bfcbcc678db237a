"""Right answers are accepted, under each start method."""

import pytest

from tests.answers import Answer
from tests.answers.judging import RIGHT_CASES, check_verdict, judged, name, to_be_tried


@pytest.mark.parametrize(("answer", "method"), to_be_tried(RIGHT_CASES), ids=name)
def test_right_answer_is_accepted(
    answer: Answer, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_verdict(answer, judged(answer, method, monkeypatch))
