"""The words of a chart: title, subtitle, labels, hover texts, and the text instead of the picture.

Words and picture are made from the same scene, so they cannot disagree.
"""

import math
from collections.abc import Sequence

import numpy as np

from helpers.chart.lanes import Lane, in_lane, only_threads, task_lanes
from helpers.chart.scene import Scene
from helpers.timeline import (
    EXITED,
    LOST,
    OUTCOMES,
    POOL_ROLES,
    RAISED,
    RUNNING,
    Message,
    Process,
    Task,
    Timeline,
    Wait,
)

FEW_LANES, FEW_TASKS = 8, 24
"""Up to so many lanes and tasks, the text tells what each lane did when; else only the sums."""


def seconds(time: float) -> str:
    """Return a time as people read it: `2.85 s`, `0.042 s`, `0.00013 s`, `1,234 s`."""
    if time >= 1000:
        return f"{time:,.0f} s"
    digits = 1 - math.floor(math.log10(time)) if 0 < time < 0.0995 else 2
    return f"{time:.{digits}f} s"


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 task`, `5 tasks`, `5,000 tasks`, `2 processes`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun: `tasks`, `processes`."""
    return noun + ("es" if noun.endswith("s") else "s")


def percent(share: float) -> str:
    """Return a share from 0 to 1 as `85 %`."""
    return f"{100 * share:.0f} %"


def title(scene: Scene) -> str:
    """Return start method, workers, tasks and makespan in one line."""
    timeline, workers = scene.timeline, _workers(scene)
    if not workers:
        return "Nothing has run yet"
    if not scene.shares_tasks:
        return f"{workers}: {_lifetime(timeline)}"
    prefix = "Predicted: " if timeline.predicted else ""
    what = f"{prefix}{workers}, {count(len(timeline.tasks), 'task')}"
    running = scene.outcomes[RUNNING]
    if running:
        return f"{what}, {running:,} still running: {seconds(timeline.makespan)} so far"
    return f"{what}: makespan {seconds(timeline.makespan)}"


def subtitle(scene: Scene) -> list[str]:
    """Return the figures below the title, the most telling first."""
    timeline, predicted, facts = scene.timeline, scene.predicted, []
    fates = (RAISED, "raised an error"), (EXITED, "exited with a code"), (LOST, "lost")
    for code, fate in fates:
        if scene.outcomes[code]:
            facts.append(f"{count(scene.outcomes[code], 'task')} {fate}")
    if scene.shares_tasks and math.isfinite(timeline.utilisation):
        facts.append(f"utilisation {percent(timeline.utilisation)}")
    facts += _start_up(timeline)
    if math.isfinite(scene.on_core):
        of_what = " of the task time" if scene.on_core <= 1 else ""
        facts.append(_on_core(scene.on_core) + of_what)
    if predicted is not None and len(predicted.tasks):
        facts.append(f"predicted makespan {seconds(predicted.makespan)}")
    managers = sum(process.role == "manager" for process in timeline.processes)
    return facts + ([count(managers, "manager")] if managers else [])


def beginning(lanes: Sequence[Lane]) -> str:
    """Return what the time axis of a chart with these lanes counts from."""
    return f"the first {'thread' if only_threads(lanes) else 'process'} was asked for"


def zero_of(scene: Scene) -> str:
    """Return what the seconds of a chart count from.

    For processes that we did not start, the time of the request is unknown.
    """
    timeline = scene.timeline
    if timeline.own_zeros:
        return "each process was asked for"
    known = [math.isfinite(process.asked) for process in timeline.processes]
    if timeline.predicted or (known and not any(known)):
        return "the start"
    return beginning(scene.lanes)


def _workers(scene):
    """Return what is on the chart, such as `4 spawn workers and 1 spawn process`."""
    timeline = scene.timeline
    roles = [lane.role for lane in scene.own_lanes]
    names = dict.fromkeys(process.method for process in timeline.processes if process.method)
    method = timeline.method if len(names) < 2 else ""
    parts = [
        count(roles.count(role), f"{method} {role}".strip())
        for role in ("worker", "process")
        if role in roles
    ]
    if "thread" in roles:
        parts.append(count(roles.count("thread"), "thread"))
    if not parts and "manager" in roles:
        parts = [count(roles.count("manager"), f"{method} manager".strip())]
    hosts = {lane.host for lane in scene.own_lanes if lane.host}
    where = f" on {count(len(hosts), 'host')}" if len(hosts) > 1 else ""
    return " and ".join(parts) + (f" ({', '.join(names)})" if len(names) > 1 else "") + where


def _lifetime(timeline):
    """Return how long the processes lived, where they share out no tasks."""
    if timeline.own_zeros:
        return "each begins at zero"
    alive = sum(math.isnan(process.ended) for process in timeline.processes)
    if alive:
        return f"{alive:,} alive at {seconds(timeline.now)}"
    moments = [process.ended for process in timeline.processes]
    moments += [message.got for message in timeline.messages if math.isfinite(message.got)]
    return f"all over after {seconds(max(moments))}"


def _start_up(timeline):
    """Return how long processes took to start, from the quickest to the slowest.

    Of commands, one only knows how long the system took: not when their programs were ready.
    """
    took = [process.up - process.asked for process in timeline.processes]
    took = [time for time in took if math.isfinite(time)]
    if not took:
        return []
    low, high = seconds(min(took)), seconds(max(took))
    what = "started by the system within" if timeline.commands else "start-up"
    return [f"{what} {low}" if low == high else f"{what} {low.removesuffix(' s')} to {high}"]


# Labels in the bars


def short_labels(calls: list[str]) -> tuple[list[str], str]:
    """Return the arguments alone, if all calls share a function, and what they belong to.

    `['f(1)', 'f(2)']` gives `['1', '2']` and `f(…)`; calls of different functions stay whole.
    """
    functions = {call.partition("(")[0] for call in calls}
    if len(functions) != 1 or not all(call.endswith(")") and "(" in call for call in calls):
        return calls, ""
    arguments = [call.partition("(")[2][:-1] for call in calls]
    return (arguments, f"{functions.pop()}(…)") if all(arguments) else (calls, "")


# Hover texts


def hover_task(task: Task, lane: str, end: float) -> str:
    """Return all that is known of a task in the lane of this name; it ended, or runs, at `end`."""
    facts = [
        lane + (f", pid {task.pid}" if task.pid else ""),
        f"{task.started:.3f} to {end:.3f} s ({seconds(end - task.started)})",
    ]
    if math.isfinite(task.on_core):
        facts.append(_on_core(task.on_core))
    return f"{task.call}\n" + "\n".join([*facts, task.outcome])


def _on_core(share):
    """Return which share of a time was on a core, or how many cores were busy in it."""
    return f"on a core {percent(share)}" if share <= 1 else f"on {share:.1f} cores"


def hover_process(process: Process) -> str:
    """Return all that is known of a process."""
    moments = [
        f"{name} {getattr(process, name):.3f} s"
        for name in ("asked", "born", "ready", "ended")
        if math.isfinite(getattr(process, name))
    ]
    exitcode = [] if process.exitcode is None else [f"exit code {process.exitcode}"]
    return "\n".join([f"{process.name}, pid {process.pid}", *moments, *exitcode])


def hover_idle(process: Process) -> str:
    """Return what a worker did where it shows neither a task nor anything else."""
    return f"{process.role} {process.lane}, pid {process.pid}\nidle: ready, and without a task"


MOST_TOLD = 8
"""Messages that one box tells of, line by line."""


def hover_messages(timeline: Timeline, messages: Sequence[Message]) -> str:
    """Return what these messages were, from whom to whom, and how long each was in its queue."""
    names = _names_of_pids(timeline)
    lines = [_message_in_words(message, names) for message in messages[:MOST_TOLD]]
    more = len(messages) - MOST_TOLD
    return "\n".join(lines + ([f"and {more:,} more"] if more > 0 else []))


def _message_in_words(message, names):
    sender = names.get(message.sender, "?")
    if not math.isfinite(message.got):
        return f"{message.value} from {sender}, put at {message.put:.3f} s, never taken"
    return (
        f"{message.value} from {sender} to {names.get(message.receiver, '?')}, put at "
        f"{message.put:.3f} s, got at {message.got:.3f} s ({seconds(message.got - message.put)})"
    )


def hover_wait(timeline: Timeline, wait: Wait, lane: str, end: float) -> str:
    """Return all that is known of a wait in the lane of this name; it is over, or not, at `end`."""
    facts = [
        f"waits for {_awaited_from(timeline, wait)}",
        f"{lane}, pid {wait.pid}",
        f"{wait.began:.3f} to {end:.3f} s ({seconds(end - wait.began)})",
    ]
    return "\n".join(facts)


AWAITED = {
    "message": "a message in {}",
    "pipe": "a message in {}",
    "room": "room in {}",
    "reports": "reports that all messages of {} are done",
    "barrier": "the others at {}",
    "end": "the end of {}",
}
"""What is waited for, if that is not just the name of a lock, an event and so on."""


def awaited(timeline: Timeline, wait: Wait) -> str:
    """Return what is waited for: `a message in queue 1`, `lock 1`, `the end of reader`."""
    name = wait.name
    if wait.reason == "end":
        names = {f"pid {p.pid}": p.name for p in timeline.processes}
        name = names.get(name, name)
    return AWAITED.get(wait.reason, "{}").format(name)


MOST_HOLDS = 2_000
"""Among more holds than these nobody looks for the one that is waited for."""


def _awaited_from(timeline, wait):
    """Return what is waited for and who has it: `lock 1, which reader holds`."""
    told = awaited(timeline, wait)
    if wait.reason != "lock" or len(timeline.holds) > MOST_HOLDS:
        return told
    names = _names_of_pids(timeline)
    holders = [names.get(pid, f"pid {pid}") for pid in timeline.holders_of(wait.name, wait.began)]
    return f"{told}, which {' and '.join(holders)} holds" if holders else told


# The text for those who cannot see the picture


def alt_text(
    scene: Scene,
    headings: tuple[str, list[str]],
    guess: float | None = None,
    bound: float | None = None,
    section: tuple[float, float] | None = None,
) -> str:
    """Return the chart's facts as sentences.

    Args:
        scene: what the chart shows.
        headings: its title and the figures of its subtitle.
        guess: the makespan that somebody expected, in seconds.
        bound: the makespan that theory allows, in seconds.
        section: the first and the last moment that the picture shows, if it does not show all.
    """
    timeline, (title, figures) = scene.timeline, headings
    facts = [title]
    if section:
        facts.append("the picture shows it from {:.3f} to {:.3f} s".format(*section))
    if timeline.predicted:
        facts.append("This is a prediction, not a measurement")
    facts += [", ".join(figures)] if figures else []
    facts += _last_finisher(scene) + _trouble(timeline)
    if len(scene.own_lanes) <= FEW_LANES and len(timeline.tasks) <= FEW_TASKS:
        facts += [_lane_in_words(timeline, lane) for lane in scene.own_lanes]
    elif len(timeline.tasks):
        facts += _busiest(scene)
    facts += _messages(timeline) + _accesses(timeline) + _waits(scene) + _transfers(timeline)
    facts += [] if guess is None else [f"your guess was {seconds(guess)}"]
    facts += [] if bound is None else [f"the bound is {seconds(bound)}"]
    return "Chart of processes over time. " + " ".join(f"{_upper(fact)}." for fact in facts)


def _upper(text):
    return text[:1].upper() + text[1:]


def _last_finisher(scene):
    """Return which task finished last, in which lane, and when."""
    timeline, lanes = scene.timeline, task_lanes(scene.own_lanes)
    tasks = timeline.tasks
    if not np.isfinite(tasks.finished).any():
        return []
    last = tasks[int(np.nanargmax(tasks.finished))]
    lane = lanes[last.lane].name
    return [f"the last task to finish was {last.call} ({lane}), at {last.finished:.2f} s"]


def _trouble(timeline):
    """Return which tasks failed or never ended, the first few by name."""
    facts = []
    for code in (RAISED, EXITED, LOST, RUNNING):
        items = np.flatnonzero(timeline.tasks.outcome == code)
        names = [_trouble_of(timeline.tasks[int(i)]) for i in items[:3]]
        more = f" and {len(items) - 3:,} more" if len(items) > 3 else ""
        if names:
            facts.append(f"{OUTCOMES[code]}: {', '.join(names)}{more}")
    return facts


def _trouble_of(task):
    error = task.outcome.partition(" ")[2]
    return f"{task.call} ({error})" if error else task.call


def _lane_in_words(timeline, lane):
    """Return what one lane did, in the order of time."""
    pids = f" (pid {', '.join(map(str, lane.pids))})" if any(lane.pids) else ""
    if lane.role == "parent":
        return f"parent{pids}"
    up = "started by the system" if timeline.commands else "ready"
    parts = [_process_in_words(p, up) for p in timeline.processes if in_lane(p, lane)]
    if lane.role != "manager":
        ends = timeline.ends
        items = np.flatnonzero(timeline.tasks.lane == lane.number)
        parts += [_task_in_words(timeline.tasks[int(i)], ends[i]) for i in items]
    host = f" on {lane.host}" if lane.host else ""
    return f"{lane.name}{host}{pids}: {', '.join(part for part in parts if part) or 'no task'}"


def _process_in_words(process, up):
    """Return when a process had started up, which is called `up`, and how it ended."""
    facts = [f"{up} at {process.up:.2f} s"] if math.isfinite(process.up) else ["not ready yet"]
    if process.role not in POOL_ROLES and math.isfinite(process.ended):
        facts.append(f"ended at {process.ended:.2f} s")
    if process.role not in POOL_ROLES and process.exitcode is not None:
        facts.append(f"exit code {process.exitcode}")
    return ", ".join(facts)


def _task_in_words(task, end):
    return f"{task.call} from {task.started:.2f} to {end:.2f} s"


def _busiest(scene):
    """Return which lane worked most and which least."""
    timeline, lanes = scene.timeline, task_lanes(scene.own_lanes)
    durations = timeline.ends - timeline.tasks.started
    work = np.bincount(timeline.tasks.lane, durations, minlength=max(lanes) + 1)
    most, least = max(lanes, key=lambda n: work[n]), min(lanes, key=lambda n: work[n])
    return [
        f"{lanes[most].name} worked longest, {seconds(work[most])}, {lanes[least].name} least, "
        f"{seconds(work[least])}"
    ]


def _names_of_pids(timeline):
    return {p.pid: p.name for p in timeline.processes} | {timeline.parent: "the parent"}


def _messages(timeline):
    """Return how many messages there were, and who sent the first few to whom."""
    messages, names = timeline.messages, _names_of_pids(timeline)
    if not messages:
        return []
    told = [
        f"{m.value} from {names.get(m.sender, '?')} to {names.get(m.receiver, 'nobody')}"
        for m in messages[:6]
    ]
    more = f" and {len(messages) - 6:,} more" if len(messages) > 6 else ""
    return [f"{count(len(messages), 'message')}: {', '.join(told)}{more}"]


def _accesses(timeline):
    """Return which processes read and wrote shared values, the first few in order."""
    accesses, names = timeline.accesses, _names_of_pids(timeline)
    if not accesses:
        return []
    told = [f"{names.get(a.pid, '?')} {a.action} {a.value}" for a in accesses[:8]]
    more = f" and {len(accesses) - 8:,} more" if len(accesses) > 8 else ""
    return [f"shared values, in the order of time: {', '.join(told)}{more}"]


REASONS = {
    "message": "a message",
    "pipe": "a message in a pipe",
    "room": "room in a queue or a pipe",
    "reports": "reports that all messages are done",
    "lock": "a lock",
    "semaphore": "a semaphore",
    "barrier": "others at a barrier",
    "event": "an event",
    "condition": "a condition",
    "end": "the end of a process",
}
"""What processes wait for, by the reason of a wait."""


def _waits(scene):
    """Return how often and how long the chart's processes waited, and which waits had no end."""
    timeline, names, facts = scene.timeline, _names_of_pids(scene.timeline), []
    shown = {pid for lane in scene.own_lanes for pid in lane.pids}
    waits = [wait for wait in timeline.waits if wait.pid in shown]
    for reason, what in REASONS.items():
        took = [scene.end_of(wait) - wait.began for wait in waits if wait.reason == reason]
        if took:
            facts.append(f"{count(len(took), 'wait')} for {what}, {seconds(sum(took))} in all")
    endless = [wait for wait in waits if math.isnan(wait.ended) and wait.reason != "end"]
    for wait in endless[:4]:
        facts.append(f"{names[wait.pid]} waits in vain for {_awaited_from(timeline, wait)}")
    return facts


def _transfers(timeline):
    """Return what it cost the workers to import modules, and to handle large messages."""
    facts = []
    took = [done.ended - done.began for done in timeline.imports]
    if took:
        facts.append(f"{count(len(took), 'import')} of modules, which took {seconds(sum(took))}")
    for action in ("unpickled", "pickled", "sent"):
        took = [
            transfer.ended - transfer.began
            for transfer in timeline.transfers
            if transfer.action == action
        ]
        if took:
            times = count(len(took), "large message")
            facts.append(f"{times} {action}, which took {seconds(sum(took))} in all")
    return facts
