"""Answers to the exercises of lesson 12."""

from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, as_completed, wait

from helpers.tasks import nap
from tests.answers import SERIAL, right, wrong

EIGHT = 0.9, 0.3, 0.6, "soon", 0.1, 0.75, 0.2, 0.7
TEN = 0.9, 0.2, 0.8, 0.7, 0.6, 0.8, 0.9, 0.7, 0.8, 0.6


def what_came(future):
    try:
        return future.result()
    except TypeError as error:
        return error


def said_of(mp, naps=EIGHT, ask=what_came, in_order=as_completed):
    with ProcessPoolExecutor(4, mp_context=mp) as executor:
        naps_of = {executor.submit(nap, seconds): seconds for seconds in naps}
        return [(naps_of[future], ask(future)) for future in in_order(naps_of)]


@right("12.1")
def as_they_come(mp):
    return said_of(mp)


@right("12.1")
def by_a_set_that_shrinks(mp):
    said = []
    with ProcessPoolExecutor(4, mp_context=mp) as executor:
        naps_of = {executor.submit(nap, seconds): seconds for seconds in EIGHT}
        missing = set(naps_of)
        while missing:
            done, missing = wait(missing, return_when=FIRST_COMPLETED)
            said += [(naps_of[future], what_came(future)) for future in done]
    return said


@right("12.1")
def exceptions_asked_for(mp):
    return said_of(mp, ask=lambda future: str(future.exception() or "well"))


@wrong(
    "12.1",
    "You say it in the order of submission: the first line had to wait for the slowest.",
)
def in_the_order_of_submission(mp):
    return said_of(mp, in_order=list)


@wrong(
    "12.1",
    "After the error you said nothing more: ask each future in a try of its own, and take what "
    "it raises for what came of it.",
)
def without_try(mp):
    return said_of(mp, ask=lambda future: future.result())


@wrong(
    "12.1",
    "After the error you said nothing more: ask each future in a try of its own, and take what "
    "it raises for what came of it.",
)
def by_map(mp):
    with ProcessPoolExecutor(4, mp_context=mp) as executor:
        return list(zip(EIGHT, executor.map(nap, EIGHT), strict=True))


@wrong("12.1", "Return eight pairs, in each the argument and what came of it.")
def without_the_error(mp):
    return [(seconds, what) for seconds, what in said_of(mp) if seconds != "soon"]


@wrong("12.1", "Return eight pairs, in each the argument and what came of it.")
def nothing_returned(mp):
    said_of(mp)


@wrong("12.1", "What you say of 'soon' does not tell its error: take the error itself.")
def error_swallowed(mp):
    return said_of(mp, ask=lambda future: None if future.exception() else future.result())


@wrong(
    "12.1",
    "That is not the order in which they came: first the error or 0.1, at last 0.7.",
)
def backwards(mp):
    return said_of(mp)[::-1]


@wrong(
    "12.1",
    "That is not the order in which they came: first the error or 0.1, at last 0.7.",
)
def sorted_by_length_when_all_is_done(mp):
    return sorted(said_of(mp), key=lambda pair: 0 if pair[0] == "soon" else pair[0])


@wrong("12.1", "7 tasks came to an end, and eight were asked for.")
def one_left_out(mp):
    return said_of(mp, naps=EIGHT[:7])


@wrong("12.1", SERIAL)
def slept_here(mp):
    return [(seconds, nap(seconds)) for seconds in (0.1, 0.2)]


# 12.2


def first_of(mp, cancel=True, pick=None, workers=2):
    with ProcessPoolExecutor(workers, mp_context=mp) as executor:
        futures = [executor.submit(nap, seconds) for seconds in TEN]
        first = next(as_completed(futures))
        for future in futures if cancel else ():
            future.cancel()
        return (pick or (lambda future: future.result()))(first)


@right("12.2")
def cancel_all_others(mp):
    return first_of(mp)


@right("12.2")
def shut_down_with_cancel(mp):
    executor = ProcessPoolExecutor(2, mp_context=mp)
    done, _ = wait([executor.submit(nap, s) for s in TEN], return_when=FIRST_COMPLETED)
    executor.shutdown(cancel_futures=True)
    return done.pop().result()


@wrong(
    "12.2",
    "Of ten naps 10 were done, and one was wanted: cancel all others when you have the first. "
    "(What has been sent to a worker cannot be cancelled.)",
)
def nothing_cancelled(mp):
    return first_of(mp, cancel=False)


@wrong(
    "12.2",
    "Of ten naps 10 were done, and one was wanted: cancel all others when you have the first. "
    "(What has been sent to a worker cannot be cancelled.)",
)
def cancel_what_runs(mp):
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        futures = [executor.submit(nap, seconds) for seconds in TEN]
        first = next(as_completed(futures))
        futures[0].cancel()
        return first.result()


@wrong("12.2", "Processes live on after your answer: shut the executor down and wait for it.")
def no_wait_for_the_rest(mp):
    executor = ProcessPoolExecutor(2, mp_context=mp)
    first = next(as_completed([executor.submit(nap, seconds) for seconds in TEN]))
    executor.shutdown(wait=False, cancel_futures=True)
    return first.result()


@wrong("12.2", "What came first was that of nap(0.2), and you return *")
def the_future_itself(mp):
    return first_of(mp, pick=lambda future: future)


@wrong("12.2", "What came first was that of nap(0.2), and you return 0.9.")
def the_first_submitted(mp):
    return first_of(mp, pick=lambda future: TEN[0])


@wrong("12.2", "6 workers did it; this is about two.")
def six_workers(mp):
    return first_of(mp, workers=6)


@wrong(
    "12.2",
    "Of ten naps 9 were done, and one was wanted: cancel all others when you have the first. "
    "(What has been sent to a worker cannot be cancelled.)",
)
def cancel_only_the_last(mp):
    with ProcessPoolExecutor(2, mp_context=mp) as executor:
        futures = [executor.submit(nap, seconds) for seconds in TEN]
        first = next(as_completed(futures))
        futures[-1].cancel()
        return first.result()


@wrong("12.2", "No nap has begun: submit all ten, then take the first.")
def nothing_submitted(mp):
    with mp.Pool(2):
        return 0.2


@wrong("12.2", SERIAL)
def slept_alone(mp):
    return nap(0.3)
