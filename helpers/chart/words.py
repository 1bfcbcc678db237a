"""What a chart says in words: title, subtitle, labels, hover texts, and the text for those who
cannot see it. The words and the picture come from the same timeline, so they cannot disagree.
"""

import math
from collections.abc import Sequence

import numpy as np

from helpers.chart.spans import SHARING_ROLES, TASK_ROLES, Lane, lanes_of, only_threads
from helpers.timeline import LOST, OUTCOMES, RAISED, RUNNING, Task, Timeline

FEW_LANES, FEW_TASKS = 8, 24
"""Up to here the text tells what each lane did when; beyond, only the sums."""


def seconds(time: float) -> str:
    """A time as one reads it: `2.85 s`, `0.042 s`, `0.00013 s`, `1,234 s`."""
    if time >= 1000:
        return f"{time:,.0f} s"
    digits = 1 - math.floor(math.log10(time)) if 0 < time < 0.0995 else 2
    return f"{time:.{digits}f} s"


def count(number: int, noun: str) -> str:
    """`1 task`, `5 tasks`, `5,000 tasks`, `2 processes`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """`tasks`, `processes`."""
    return noun + ("es" if noun.endswith("s") else "s")


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def title(timeline: Timeline) -> str:
    """Start method, workers, tasks and makespan in one line."""
    who = _who(timeline)
    if not who:
        return "Nothing has run yet"
    if not shares_tasks(timeline):
        return f"{who}: {_lifetime(timeline)}"
    prefix = "Predicted: " if timeline.predicted else ""
    what = f"{prefix}{who}, {count(len(timeline.tasks), 'task')}"
    running = how_many(timeline, RUNNING)
    if running:
        return f"{what}, {running:,} still running: {seconds(timeline.makespan)} so far"
    return f"{what}: makespan {seconds(timeline.makespan)}"


def subtitle(timeline: Timeline, predicted: Timeline | None = None) -> list[str]:
    """The figures below the title, the most telling first."""
    facts = []
    for code, words in ((RAISED, "{} raised an error"), (LOST, "{} lost")):
        if how_many(timeline, code):
            facts.append(words.format(count(how_many(timeline, code), "task")))
    if shares_tasks(timeline) and math.isfinite(timeline.utilisation):
        facts.append(f"utilisation {percent(timeline.utilisation)}")
    facts += _start_up(timeline)
    if math.isfinite(on_core(timeline)):
        facts.append(f"on a core {percent(on_core(timeline))} of the task time")
    if predicted is not None and len(predicted.tasks):
        facts.append(f"predicted makespan {seconds(predicted.makespan)}")
    managers = sum(process.role == "manager" for process in timeline.processes)
    return facts + ([count(managers, "manager")] if managers else [])


def shares_tasks(timeline: Timeline) -> bool:
    """Whether workers share out tasks; if not, makespan and utilisation measure nothing.

    A process of its own has one task, its function, and nobody chose it for that.
    """
    return len(timeline.tasks) > 0 and _has_workers(timeline)


def _has_workers(timeline):
    """Whether a lane is a worker's. A task whose process nobody recorded was one's, too."""
    lanes = {p.lane: p.role for p in timeline.processes if p.role != "manager"}
    if timeline.predicted or not set(SHARING_ROLES).isdisjoint(lanes.values()):
        return True
    return not {int(lane) for lane in np.unique(timeline.tasks.lane)} <= lanes.keys()


def how_many(timeline: Timeline, code: int) -> int:
    """How many tasks have this outcome."""
    return int((timeline.tasks.outcome == code).sum())


def on_core(timeline: Timeline) -> float:
    """The share of the task time that was on a core, over the tasks where it is known."""
    tasks = timeline.tasks
    known = np.isfinite(tasks.on_core) & np.isfinite(tasks.finished)
    time = (tasks.finished - tasks.started)[known]
    return float((time * tasks.on_core[known]).sum() / time.sum()) if time.sum() > 0 else math.nan


def beginning(lanes: Sequence[Lane]) -> str:
    """What the time axis of a chart with these lanes counts from."""
    return f"the first {'thread' if only_threads(lanes) else 'process'} was asked for"


def zero_of(timeline: Timeline, lanes: Sequence[Lane]) -> str:
    """What a timeline's seconds count from. Who came from elsewhere was asked nobody knows when."""
    if timeline.own_zeros:
        return "each process was asked for"
    known = [math.isfinite(process.asked) for process in timeline.processes]
    if timeline.predicted or (known and not any(known)):
        return "the start"
    return beginning(lanes)


def _who(timeline):
    """`4 spawn workers and 1 spawn process`, from the lanes that there are."""
    lanes = lanes_of(timeline)
    roles = [lane.role for lane in lanes]
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
    hosts = {lane.host for lane in lanes if lane.host}
    where = f" on {count(len(hosts), 'host')}" if len(hosts) > 1 else ""
    return " and ".join(parts) + (f" ({', '.join(names)})" if len(names) > 1 else "") + where


def _lifetime(timeline):
    if timeline.own_zeros:
        return "each begins at zero"
    alive = sum(math.isnan(process.ended) for process in timeline.processes)
    if alive:
        return f"{alive:,} alive at {seconds(timeline.now)}"
    moments = [process.ended for process in timeline.processes]
    moments += [message.got for message in timeline.messages if math.isfinite(message.got)]
    return f"all over after {seconds(max(moments))}"


def _start_up(timeline):
    """How long processes took to start, from the quickest to the slowest."""
    ready = [p.ready if p.role in SHARING_ROLES else p.born for p in timeline.processes]
    took = [end - p.asked for p, end in zip(timeline.processes, ready, strict=True)]
    took = [time for time in took if math.isfinite(time)]
    if not took:
        return []
    low, high = seconds(min(took)), seconds(max(took))
    return [f"start-up {low}" if low == high else f"start-up {low.removesuffix(' s')} to {high}"]


# Labels in the bars


def short_labels(calls: list[str]) -> tuple[list[str], str]:
    """The arguments alone, if all calls share a function, and what they are arguments of.

    `['f(1)', 'f(2)']` gives `['1', '2']` and `f(…)`; calls of different functions stay whole.
    """
    functions = {call.partition("(")[0] for call in calls}
    if len(functions) != 1 or not all(call.endswith(")") and "(" in call for call in calls):
        return calls, ""
    arguments = [call.partition("(")[2][:-1] for call in calls]
    return (arguments, f"{functions.pop()}(…)") if all(arguments) else (calls, "")


def one_line(text: str) -> str:
    """A text without line breaks and control characters, which have no shape to draw."""
    return "".join(c if c.isprintable() else " " for c in text)


# Hover texts


def hover_task(task: Task, lane: str, now: float) -> str:
    """Everything known of one task, in the lane of this name."""
    end = now if math.isnan(task.finished) else task.finished
    facts = [
        lane + (f", pid {task.pid}" if task.pid else ""),
        f"{task.started:.3f} to {end:.3f} s ({seconds(end - task.started)})",
    ]
    if math.isfinite(task.on_core):
        facts.append(f"on a core {percent(task.on_core)}")
    return f"{task.call}\n" + "\n".join([*facts, task.outcome])


def hover_process(process) -> str:
    """Everything known of one process."""
    moments = [
        f"{name} {getattr(process, name):.3f} s"
        for name in ("asked", "born", "ready", "ended")
        if math.isfinite(getattr(process, name))
    ]
    exitcode = [] if process.exitcode is None else [f"exit code {process.exitcode}"]
    return "\n".join([f"{process.name}, pid {process.pid}", *moments, *exitcode])


# The text for those who cannot see the picture


def alt_text(timeline: Timeline, predicted: Timeline | None = None) -> str:
    """The chart's facts as sentences."""
    facts = [title(timeline)]
    if timeline.predicted:
        facts.append("This is a prediction, not a measurement")
    facts += [_upper(", ".join(subtitle(timeline, predicted)))] if subtitle(timeline) else []
    lanes = lanes_of(timeline)
    facts += _last_finisher(timeline, lanes) + _trouble(timeline)
    if len(lanes) <= FEW_LANES and len(timeline.tasks) <= FEW_TASKS:
        facts += [_lane_story(timeline, lane) for lane in lanes]
    elif len(timeline.tasks):
        facts += _busiest(timeline, lanes)
    facts += _messages(timeline) + _accesses(timeline) + _waits(timeline) + _transfers(timeline)
    return "Chart of processes over time. " + " ".join(f"{_upper(fact)}." for fact in facts)


def _upper(text):
    return text[:1].upper() + text[1:]


def _last_finisher(timeline, lanes):
    tasks = timeline.tasks
    if not np.isfinite(tasks.finished).any():
        return []
    last = tasks[int(np.nanargmax(tasks.finished))]
    lane = task_lanes(lanes)[last.lane].name
    return [f"the last task to finish was {last.call} ({lane}), at {last.finished:.2f} s"]


def task_lanes(lanes: Sequence[Lane]) -> dict[int, Lane]:
    """Those lanes of a chart that may hold tasks, by their numbers."""
    return {lane.number: lane for lane in lanes if lane.role in TASK_ROLES}


def _trouble(timeline):
    """Which tasks failed or never ended; the first few by name."""
    facts = []
    for code in (RAISED, LOST, RUNNING):
        items = np.flatnonzero(timeline.tasks.outcome == code)
        names = [_trouble_of(timeline.tasks[int(i)]) for i in items[:3]]
        more = f" and {len(items) - 3:,} more" if len(items) > 3 else ""
        if names:
            facts.append(f"{OUTCOMES[code]}: {', '.join(names)}{more}")
    return facts


def _trouble_of(task):
    error = task.outcome.partition(" ")[2]
    return f"{task.call} ({error})" if error else task.call


def _lane_story(timeline, lane):
    """What one lane did, in the order of time."""
    pids = f" (pid {', '.join(map(str, lane.pids))})" if any(lane.pids) else ""
    if lane.role == "parent":
        return f"parent{pids}"
    parts = [_process_story(p) for p in timeline.processes if _in_lane(p, lane)]
    if lane.role != "manager":
        items = np.flatnonzero(timeline.tasks.lane == lane.number)
        parts += [_task_story(timeline.tasks[int(i)], timeline.now) for i in items]
    host = f" on {lane.host}" if lane.host else ""
    return f"{lane.name}{host}{pids}: {', '.join(part for part in parts if part) or 'no task'}"


def _in_lane(process, lane):
    return process.lane == lane.number and (process.role == "manager") == (lane.role == "manager")


def _process_story(process):
    ready = process.ready if process.role in SHARING_ROLES else process.born
    words = [f"ready at {ready:.2f} s"] if math.isfinite(ready) else ["not ready yet"]
    if process.role not in SHARING_ROLES and math.isfinite(process.ended):
        words.append(f"ended at {process.ended:.2f} s")
    if process.role not in SHARING_ROLES and process.exitcode is not None:
        words.append(f"exit code {process.exitcode}")
    return ", ".join(words)


def _task_story(task, now):
    end = now if math.isnan(task.finished) else task.finished
    return f"{task.call} from {task.started:.2f} to {end:.2f} s"


def _busiest(timeline, lanes):
    """Which lane worked most and which least."""
    tasks, lanes = timeline.tasks, task_lanes(lanes)
    ends = np.where(np.isnan(tasks.finished), timeline.now, tasks.finished)
    work = np.bincount(tasks.lane, ends - tasks.started, minlength=max(lanes) + 1)
    most, least = max(lanes, key=lambda n: work[n]), min(lanes, key=lambda n: work[n])
    return [
        f"{lanes[most].name} worked longest, {seconds(work[most])}, {lanes[least].name} least, "
        f"{seconds(work[least])}"
    ]


def _messages(timeline):
    messages = timeline.messages
    if not messages:
        return []
    names = {p.pid: p.name for p in timeline.processes} | {timeline.parent: "the parent"}
    told = [
        f"{m.value} from {names.get(m.sender, '?')} to {names.get(m.receiver, 'nobody')}"
        for m in messages[:6]
    ]
    more = f" and {len(messages) - 6:,} more" if len(messages) > 6 else ""
    return [f"{count(len(messages), 'message')}: {', '.join(told)}{more}"]


def _accesses(timeline):
    accesses = timeline.accesses
    if not accesses:
        return []
    names = {p.pid: p.name for p in timeline.processes} | {timeline.parent: "the parent"}
    told = [f"{names.get(a.pid, '?')} {a.action} {a.value}" for a in accesses[:8]]
    more = f" and {len(accesses) - 8:,} more" if len(accesses) > 8 else ""
    return [f"shared values, in the order of time: {', '.join(told)}{more}"]


def _waits(timeline):
    """How often and how long processes waited for locks, those that wait still included."""
    ends = [timeline.now if math.isnan(h.got) else h.got for h in timeline.holds]
    waits = [end - h.wanted for h, end in zip(timeline.holds, ends, strict=True) if end > h.wanted]
    return (
        [f"{count(len(waits), 'wait')} for a lock, {seconds(sum(waits))} in all"] if waits else []
    )


def _transfers(timeline):
    """What large messages cost the workers: how many there were, and how long they took in all."""
    facts = []
    for action in ("unpickled", "pickled", "sent"):
        took = [one.ended - one.began for one in timeline.transfers if one.action == action]
        if took:
            times = count(len(took), "large message")
            facts.append(f"{times} {action}, which took {seconds(sum(took))} in all")
    return facts
