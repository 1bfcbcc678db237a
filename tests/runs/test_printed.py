"""What a run prints, shows and plots is kept in its order; what others print is not."""

import sys
import threading

import pytest
from ipykernel.zmqshell import ZMQDisplayPublisher

from helpers.runs import printed
from helpers.runs.printed import MOST_LETTERS, keep_printed


def message(**data):
    return {"msg_type": "display_data", "content": {"data": data}}


def test_texts_and_outputs_stand_in_their_order():
    with keep_printed() as kept:
        print("one <b>")
        kept.show(message(**{"text/html": "<b>two</b>", "text/plain": "2"}))
        print("three", file=sys.stderr)
        kept.show(message(**{"image/png": "iVBOR", "text/plain": "<Figure>"}))
        kept.show(message(**{"text/plain": "<five>"}))
    assert kept.as_html() == (
        '<pre style="margin:0">one &lt;b&gt;\n</pre><div><b>two</b></div>'
        '<pre style="margin:0">three\n</pre>'
        '<img src="data:image/png;base64,iVBOR" alt="a picture that the run shows">'
        '<pre style="margin:0">&lt;five&gt;</pre>'
    )


def test_where_nothing_was_printed_there_is_nothing():
    with keep_printed() as kept:
        pass
    assert kept.as_html() == ""


def test_a_loop_that_prints_for_ever_is_cut(capsys):
    with keep_printed() as kept:
        for _ in range(3 * MOST_LETTERS // 100):
            print(99 * "x")
    assert kept.as_html().count("x") <= MOST_LETTERS
    assert "and more: 60,000 letters in all" in kept.as_html()
    assert capsys.readouterr().out == ""


def test_what_other_threads_print_goes_where_it_went(capsys):
    begin, done = threading.Event(), threading.Event()

    def other():
        begin.wait(30)
        print("from elsewhere")
        done.set()

    threading.Thread(target=other, daemon=True).start()
    with keep_printed() as kept:
        begin.set()
        assert done.wait(30)
    assert kept.as_html() == ""
    assert capsys.readouterr().out == "from elsewhere\n"


def test_a_stream_that_somebody_has_kept_lets_everything_through_afterwards(capsys):
    with keep_printed() as kept:
        stream = sys.stdout
    print("later", file=stream)
    assert kept.as_html() == ""
    assert capsys.readouterr().out == "later\n"


def test_runs_that_end_in_another_order_leave_the_streams_as_they_were(capsys):
    """One that was left behind may end while the next one goes on."""
    one, other = keep_printed(), keep_printed()
    usual = sys.stdout
    with one:
        other.__enter__()
    other.__exit__(None, None, None)
    print("later")
    sys.stdout = usual
    assert capsys.readouterr().out == "later\n"


@pytest.fixture
def publisher(monkeypatch):
    """What takes the outputs of a kernel."""

    found = ZMQDisplayPublisher()
    monkeypatch.setattr(printed, "get_ipython", lambda: type("Shell", (), {"display_pub": found}))
    return found


def test_a_kernels_outputs_are_kept_while_the_run_goes_on_and_only_those(publisher):
    with keep_printed() as kept:
        (hook,) = publisher._hooks
        assert hook(message(**{"text/plain": "shown"})) is None
        update = {"msg_type": "update_display_data"}
        assert hook(update) is update
    assert publisher._hooks == []
    assert "shown" in kept.as_html()
