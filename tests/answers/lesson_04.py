"""Answers to the exercises of lesson 4."""

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.answers import SERIAL, right, wrong

SLEEPS = [sys.executable, "-c", "import time; time.sleep(1.5)"]


def started(subprocess, command=SLEEPS, times=4):
    return [subprocess.Popen(command) for _ in range(times)]


@right("4.1")
def start_all_then_wait_for_all(subprocess):
    for process in started(subprocess):
        process.wait()


@right("4.1")
def threads_that_wait(subprocess):
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(subprocess.run, [SLEEPS] * 4))


@wrong(
    "4.1",
    "They were never all alive at one moment: run waits for the end of its command, and the next "
    "one was not asked for before. (A shell with & ends at once.)",
)
def run_in_a_loop(subprocess):
    for _ in range(4):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"])


@wrong("4.1", "Of the four 4 still run as far as you know: wait for each.")
def nobody_waits(subprocess):
    nobody_waits.kept = started(subprocess)


@wrong(
    "4.1",
    "They were never all alive at one moment: run waits for the end of its command, and the next "
    "one was not asked for before. (A shell with & ends at once.)",
)
def shell_with_ampersand(subprocess):
    for _ in range(4):
        subprocess.run(f'"{sys.executable}" -c pass &', shell=True)


@wrong(
    "4.1",
    "You started 1 command, and four were asked for. (What a shell starts in its turn, nobody here "
    "can wait for.)",
)
def one_shell_for_all(subprocess):
    command = f'"{sys.executable}" -c pass'
    subprocess.run(" & ".join([command] * 4), shell=True)


@wrong("4.1", "The exit codes were *: let each come to its own end.")
def killed(subprocess):
    processes = started(subprocess)
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


@wrong("4.1", SERIAL)
def nothing_started(subprocess):
    return subprocess.DEVNULL


# 4.2

SECONDS = 5


@right("4.2")
def told_to_look(subprocess, command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
        return done.stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return error


@right("4.2")
def by_check_output(subprocess, command):
    try:
        return subprocess.check_output(command, text=True, timeout=SECONDS)
    except subprocess.SubprocessError as error:
        return error


@wrong(
    "4.2",
    "A command ended with exit code 3, and you return '', as if all were well: run has to be told "
    "to look.",
)
def without_check(subprocess, command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS).stdout
    except subprocess.TimeoutExpired as error:
        return error


@wrong("4.2", "One command never ends, and so neither do you: say how long you will wait.")
def without_timeout(subprocess, command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        return error


@wrong("4.2", "Your call came back, and the command lives on: kill it, and wait for its end.")
def communicate_without_kill(subprocess, command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    communicate_without_kill.kept = process
    try:
        text, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        return error
    if process.returncode:
        return subprocess.CalledProcessError(process.returncode, command)
    return text


@wrong("4.2", "One command prints 'fine', and you return None: return its text.")
def nothing_returned(subprocess, command):
    told_to_look(subprocess, command)


@wrong("4.2", "For the command that never ends you return 'too slow': return the TimeoutExpired.")
def own_words_for_the_timeout(subprocess, command):
    what = told_to_look(subprocess, command)
    return "too slow" if isinstance(what, subprocess.TimeoutExpired) else what


@wrong("4.2", SERIAL)
def nothing_is_run(subprocess, command):
    return "fine"
