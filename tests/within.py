"""A time limit for what must not hang."""

import threading


def within(seconds, function, *args):
    """What `function(*args)` returns or raises; AssertionError if it has not after `seconds`.

    A limit is no measurement: it is far beyond what a slow machine needs.
    """
    ends = []

    def call():
        try:
            ends.append((function(*args), None))
        except BaseException as error:
            ends.append((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert ends, f"no end after {seconds} seconds"
    result, error = ends[0]
    if error is not None:
        raise error
    return result
