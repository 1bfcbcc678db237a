"""Gaps in stubs: what is not begun, and what is."""

import pytest

from helpers.exercises import gaps


@pytest.mark.parametrize(
    ("source", "has_some"),
    [
        ("def run(mp):\n    ...\n", True),
        ("pool = mp.Pool(...)\n", True),
        ("def run(mp): return 1\n", False),
        ("part = array[..., 0]\n", False),
        ("def take(call: Callable[..., int]): return call\n", False),
        ("part = array[0](...)\n", True),
        ("text = '...'\n", False),
    ],
)
def test_a_gap_is_three_dots_outside_square_brackets(source: str, has_some: bool) -> None:
    assert gaps.has_gaps(source) == has_some


def answer_with_a_gap(mp): ...


def answer_without_gaps(mp):
    return [part[..., 0] for part in mp]


def test_an_answer_with_a_gap_is_not_begun() -> None:
    assert not gaps.is_begun(answer_with_a_gap)
    assert gaps.is_begun(answer_without_gaps)
    assert gaps.is_begun(print), "there is no source to be had"


worker = gaps.Stub("worker")


def answer_that_uses_a_stub(mp):
    return [start(mp) for start in (lambda mp: worker(mp),)]


def test_an_answer_that_uses_a_stub_is_not_begun() -> None:
    assert not gaps.is_begun(answer_that_uses_a_stub)
    assert not gaps.is_begun(worker)


def answer_that_uses_a_function_with_a_gap(mp):
    return answer_that_calls_it(mp)


def answer_that_calls_it(mp):
    return answer_with_a_gap(mp) or answer_that_uses_a_function_with_a_gap(mp)


def test_an_answer_that_uses_a_function_with_a_gap_is_not_begun() -> None:
    assert not gaps.is_begun(answer_that_uses_a_function_with_a_gap)


def test_a_stub_that_is_called_says_what_to_do() -> None:
    with pytest.raises(NotImplementedError, match=r"worker is not begun: fill in each \.\.\."):
        worker(3)
