"""Answers to the exercises of lesson 6."""

import time

from helpers.tasks import read_until_sentinel, write_as
from tests.answers import SERIAL, right, wrong


def writers_and_readers(mp, letters="ABC", readers=2):
    q = mp.Queue()
    writers = [mp.Process(target=write_as, args=(q, letter)) for letter in letters]
    readers = [mp.Process(target=read_until_sentinel, args=(q,)) for _ in range(readers)]
    for process in writers + readers:
        process.start()
    return q, writers, readers


def join(processes):
    for process in processes:
        process.join()


def put_sentinels(q, count=2):
    for _ in range(count):
        q.put(None)


@right("6.1")
def writers_first_then_a_sentinel_each(mp):
    q, writers, readers = writers_and_readers(mp)
    join(writers)
    put_sentinels(q)
    join(readers)


@right("6.1")
def readers_started_late(mp):
    q = mp.Queue()
    writers = [mp.Process(target=write_as, args=(q, letter)) for letter in "ABC"]
    readers = [mp.Process(target=read_until_sentinel, args=(q,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    join(writers)
    put_sentinels(q)
    for reader in readers:
        reader.start()
    join(readers)


@wrong("6.1", "One reader went home with the only sentinel, and the other waits.")
def one_sentinel(mp):
    q, writers, readers = writers_and_readers(mp)
    join(writers)
    put_sentinels(q, 1)
    join(readers)


@wrong(
    "6.1",
    "1 message lay in the queue when all had gone: put as many sentinels as there are readers.",
)
def three_sentinels(mp):
    q, writers, readers = writers_and_readers(mp)
    join(writers)
    put_sentinels(q, 3)
    join(readers)


@wrong(
    "6.1",
    "A sentinel was put before all writers had ended: what they put later lies behind it. "
    "Join the writers first.",
)
def sentinels_before_the_joins(mp):
    q, writers, readers = writers_and_readers(mp)
    put_sentinels(q)
    join(readers + writers)


@wrong(
    "6.1",
    "You did not join the writers: to ask again and again, or to sleep for long enough, is what "
    "join is there for.",
)
def a_sleep_for_the_joins(mp):
    q, writers, readers = writers_and_readers(mp)
    while any(writer.is_alive() for writer in writers):  # a sleep that is never too short
        time.sleep(0.1)
    put_sentinels(q)
    join(readers)


@wrong(
    "6.1",
    "Nobody told the readers that nothing more will come: put a None for each of them.",
)
def no_sentinel(mp):
    _, writers, readers = writers_and_readers(mp)
    join(writers + readers)


@wrong("6.1", "Exit code -15: somebody was ended, perhaps in the middle of a message.")
def terminated(mp):
    _, writers, readers = writers_and_readers(mp)
    join(writers)
    for reader in readers:
        reader.terminate()
    join(readers)


@wrong("6.1", "There were 2 writers and 2 readers; three and two were asked for.")
def two_writers(mp):
    q, writers, readers = writers_and_readers(mp, letters="AB")
    join(writers)
    put_sentinels(q)
    join(readers)


@wrong("6.1", "More than one queue was used: let all of them share one.")
def a_queue_each(mp):
    first, some, reader = writers_and_readers(mp, letters="AB", readers=1)
    second, others, other_reader = writers_and_readers(mp, letters="C", readers=1)
    join(some + others)
    for q in (first, second):
        q.put(None)
    join(reader + other_reader)


@wrong("6.1", "A reader had not ended when you were done: join the readers, too.")
def readers_not_joined(mp):
    q = mp.Queue()
    writers = [mp.Process(target=write_as, args=(q, letter)) for letter in "ABC"]
    readers = [mp.Process(target=read_until_sentinel, args=(q, 2.0)) for _ in range(2)]
    for process in writers + readers:
        process.start()
    join(writers)
    put_sentinels(q)
    readers_not_joined.kept = q, readers


@wrong("6.1", SERIAL)
def no_process(mp):
    q = mp.Queue()
    write_as(q, "A")
    put_sentinels(q, 1)
    read_until_sentinel(q)


# 6.2


def put_numbers_up_to(q, last):
    for number in range(1, last + 1):
        q.put(number)
    q.put(None)


def put_numbers_and_no_sentinel(q, last):
    for number in range(1, last + 1):
        q.put(number)


def square_all(source, target):
    while (number := source.get()) is not None:
        target.put(number * number)
    target.put(None)


def square_all_and_tell_nobody(source, target):
    while (number := source.get()) is not None:
        target.put(number * number)


def collect_then_square(source, target):
    numbers = list(iter(source.get, None))
    for number in numbers:
        target.put(number * number)
    target.put(None)


def add_up(source, total):
    while (number := source.get()) is not None:
        total.value += number


def add_up_wrongly(source, total):
    add_up(source, total)
    total.value -= 1


def chain(mp, begin=put_numbers_up_to, middle=square_all, end=add_up, last=20):
    numbers, squares, total = mp.Queue(), mp.Queue(), mp.Value("i", 0)
    processes = [
        mp.Process(target=begin, args=(numbers, last)),
        mp.Process(target=middle, args=(numbers, squares)),
        mp.Process(target=end, args=(squares, total)),
    ]
    for process in processes:
        process.start()
    join(processes)
    return total.value


@right("6.2")
def each_at_once(mp):
    return chain(mp)


@right("6.2")
def started_from_the_end(mp):
    numbers, squares, total = mp.Queue(5), mp.JoinableQueue(), mp.Value("i", 0)
    processes = [
        mp.Process(target=add_up, args=(squares, total)),
        mp.Process(target=square_all, args=(numbers, squares)),
        mp.Process(target=put_numbers_up_to, args=(numbers, 20)),
    ]
    for process in processes:
        process.start()
    join(processes)
    return total.value


@wrong(
    "6.2",
    "The second process put its first square when it had got all numbers: no chain, a relay. "
    "Put each square at once.",
)
def a_list_first(mp):
    return chain(mp, middle=collect_then_square)


@wrong(
    "6.2",
    "The second process got its sentinel and told nobody: pass it on, or the last one waits "
    "for ever.",
)
def sentinel_not_passed_on(mp):
    return chain(mp, middle=square_all_and_tell_nobody)


@wrong("6.2", "Nobody told the second process that no more numbers come.")
def no_sentinel_at_all(mp):
    return chain(mp, begin=put_numbers_and_no_sentinel)


@wrong("6.2", "2 processes did it; the chain has three.")
def numbers_from_the_parent(mp):
    numbers, squares, total = mp.Queue(), mp.Queue(), mp.Value("i", 0)
    processes = [
        mp.Process(target=square_all, args=(numbers, squares)),
        mp.Process(target=add_up, args=(squares, total)),
    ]
    for process in processes:
        process.start()
    put_numbers_up_to(numbers, 20)
    join(processes)
    return total.value


@wrong("6.2", "The squares of 1 to 20 add up to 2870, and you return 2869.")
def one_too_few(mp):
    return chain(mp, end=add_up_wrongly)


@wrong("6.2", "The squares of 1 to 20 add up to 2870, and you return None.")
def nothing_returned(mp):
    chain(mp)


def square_all_with_a_slip(source, target):
    while (number := source.get()) is not None:
        target.append(number * number)


@wrong("6.2", "A child raised AttributeError: *")
def a_slip_in_the_middle(mp):
    return chain(mp, middle=square_all_with_a_slip)


def put_the_sentinel_only(q, last):
    q.put(None)


@wrong("6.2", "Only the sentinel came through the first queue: put the numbers in front of it.")
def no_numbers(mp):
    return chain(mp, begin=put_the_sentinel_only)


def square_all_until_none_then_say_end(source, target):
    while (number := source.get()) is not None:
        target.put(number * number)
    target.put("end")


def add_up_to_the_end(source, total):
    while (number := source.get()) != "end":
        total.value += number


@right("6.2")
def a_sentinel_of_ones_own(mp):
    return chain(mp, middle=square_all_until_none_then_say_end, end=add_up_to_the_end)


def leave_at_once(source, target):
    pass


@wrong("6.2", "Nothing went through an mp.Queue.")
def nothing_put(mp):
    return chain(mp, begin=leave_at_once, middle=leave_at_once, end=leave_at_once)


def add_what_is_there(q, count):
    for _ in range(count):
        q.get()


@wrong(
    "6.2",
    "One queue carried all: who gets a message from it cannot choose. Make a second one.",
)
def one_queue(mp):
    q = mp.Queue()
    processes = [
        mp.Process(target=put_numbers_and_no_sentinel, args=(q, 20)),
        mp.Process(target=add_what_is_there, args=(q, 10)),
        mp.Process(target=add_what_is_there, args=(q, 10)),
    ]
    for process in processes:
        process.start()
    join(processes)
    return 2870


def add_up_and_fail(source, total):
    add_up(source, total)
    raise SystemExit(3)


@wrong(
    "6.2",
    "The exit codes were 0, 0, 3, and three times 0 is the aim: join each, end none by force.",
)
def last_one_fails(mp):
    return chain(mp, end=add_up_and_fail)


@wrong("6.2", SERIAL)
def summed_here(mp):
    return sum(number * number for number in range(1, 21))
