"""Whatever may go into a function: odd values, odd timelines, odd results of runs."""

import math
import os

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from helpers.child import events
from helpers.runs.runner import Result, Setting
from helpers.schedule import predict
from helpers.timeline import (
    OUTCOMES,
    RAISED,
    Access,
    Hold,
    Import,
    Line,
    Message,
    Process,
    Tasks,
    Timeline,
    Transfer,
    Wait,
)

MORE = 4 if os.environ.get("CI") == "true" else 1
"""CI tries so many times the examples that are tried by default."""


def examples(number: int) -> settings:
    """Return settings for so many examples, the same ones in every run: no test depends on luck.

    A failing example is shown as it was found, since the search for a shorter one may take long.
    """
    return settings(
        max_examples=number * MORE,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


NUMBERS = (
    st.integers(-3, 40)
    | st.sampled_from([2**31, 2**63, -(2**63), 10**30, 10**400])
    | st.floats()
    | st.sampled_from([0.5, 1.5, 1e-320, 1e308, -0.0, math.nan, math.inf, -math.inf])
)
TEXTS = st.text(max_size=12) | st.sampled_from(["", "4", "1e9", "\0", "\ud800", "$x^", "<b>", "…"])
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=8) | st.complex_numbers()


ANYTHING = (
    PLAIN
    | st.lists(PLAIN, max_size=4)
    | st.tuples(PLAIN)
    | st.dictionaries(TEXTS, PLAIN, max_size=3)
    | st.sampled_from([object(), object, len, iter([]), Ellipsis])
)

TIMES = st.floats(0, 1e6) | st.sampled_from([0.0, 1e-9, 0.25, 1.0])
UNSURE = TIMES | st.just(math.nan)
LATEST = 1e7
COUNTS = st.integers(0, 4) | st.integers(0, 2**31 - 1)
LANES = st.integers(0, 4) | st.sampled_from([40, 300])
WORDS = TEXTS.map(lambda text: text.encode("utf-8", "replace").decode("utf-8"))
"""Texts as they stand in a log: a character that cannot be written is replaced there."""
VALUES = {float: UNSURE, int: COUNTS, int | None: st.none() | COUNTS, str: WORDS}
OTHERS = {"lane": LANES, "role": st.sampled_from(events.ROLES)}
OTHERS |= dict.fromkeys(("asked", "put", "time", "wanted", "began"), TIMES)
"""What a record's fields may hold, by their name or else by their type; these are always known."""

RECORDS = {
    "processes": Process,
    "lines": Line,
    "messages": Message,
    "accesses": Access,
    "holds": Hold,
    "transfers": Transfer,
    "imports": Import,
    "waits": Wait,
}
"""The lists of a timeline besides its tasks, and what each is a list of."""


@st.composite
def tasks(draw, most: int = 6) -> Tasks:
    """Any tasks: each has started, and it may have finished later."""
    n = draw(st.integers(0, most))

    def column(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    columns = {name: column(UNSURE) for name in ("submitted", "received")}
    started = np.array(column(TIMES), float)
    columns |= {"started": started, "finished": started + np.array(column(UNSURE), float)}
    columns |= {"pid": column(COUNTS), "lane": column(LANES)}
    columns["on_core"] = column(st.floats(0, 1) | st.just(math.nan))
    outcome = column(st.integers(0, len(OUTCOMES) - 1))
    errors = {i: draw(WORDS) for i in range(n) if outcome[i] == RAISED}
    return Tasks.from_columns(column(WORDS), outcome=outcome, errors=errors, **columns)


@st.composite
def timelines(draw) -> Timeline:
    """Any timeline: its tasks, processes and messages need not fit together."""
    lists = {}
    for name, kind in RECORDS.items():
        fields = {field: VALUES[of] for field, of in kind.__annotations__.items()}
        fields |= {field: of for field, of in OTHERS.items() if field in fields}
        lists[name] = draw(st.lists(st.builds(kind, **fields), max_size=3))
    facts = {"workers": draw(LANES), "now": LATEST, "parent": draw(COUNTS)}
    facts |= {"method": draw(st.sampled_from(["", "spawn", "fork"])), "interrupts": draw(COUNTS)}
    facts |= {"own_zeros": draw(st.booleans()), "commands": draw(st.booleans())}
    work = draw(tasks())
    predicted = len(work) > 0 and draw(st.booleans())  # nobody predicts nothing
    return Timeline(work, predicted=predicted, **lists, **facts)


@st.composite
def results(draw) -> list[Result]:
    """Any runs of a panel."""
    names = draw(
        st.lists(st.sampled_from(["workers", "chunksize", "size"]), unique=True, min_size=1)
    )
    numbers = st.fixed_dictionaries({name: st.integers(1, 1000) for name in names})
    setting = st.builds(Setting, st.sampled_from(["spawn", "fork"]), numbers)
    return draw(st.lists(st.builds(Result, setting, timelines(), WORDS), max_size=4))


PREDICTIONS = st.builds(
    predict, st.lists(st.floats(0, 1e3), min_size=1, max_size=6), st.integers(1, 9)
)
