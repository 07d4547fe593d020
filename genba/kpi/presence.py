"""People in the cell: how often they come, how long they stay, and what is made meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from genba.kpi.interventions import BEFORE_ANY_STATE, DOWN, STATES, datum, number, word
from genba.sim.state import Event, EventKind

Spans = list[tuple[float, float]]  # s, in order, none touches the next


def add_presence(events: Sequence[Event], end: float, sums: dict[str, float]) -> None:
    """Entries; the time with at least one person in the cell; and of it the time in which the cell
    is not down (`shared`), with the good parts that the robot finished then.
    """
    present = _present(events, end)
    shared = _common(present, _up(events, end))
    made = [e.time for e in events if _made(e)]
    sums["entries"] = float(sum(e.kind is EventKind.PERSON_ENTERED for e in events))
    sums["present"] = _length(present)
    sums["shared"] = _length(shared)
    sums["shared_good"] = float(sum(any(a < t <= b for a, b in shared) for t in made))


def _made(event: Event) -> bool:
    done = event.kind is EventKind.PART_FINISHED
    return done and bool(datum(event, "good")) and not datum(event, "rework")


def _present(events: Sequence[Event], end: float) -> Spans:
    inside: dict[str, float] = {}
    spans: Spans = []
    for event in events:
        if event.kind is EventKind.PERSON_ENTERED:
            inside.setdefault(event.subject, event.time)
        elif event.kind is EventKind.PERSON_LEFT:
            unseen = max(0.0, event.time - number(event, "duration"))
            spans.append((inside.pop(event.subject, unseen), event.time))
    return _merged([*spans, *((start, end) for start in inside.values())])


def _up(events: Sequence[Event], end: float) -> Spans:
    states = [(0.0, BEFORE_ANY_STATE)]
    states += [(e.time, word(e, "state", STATES)) for e in events if e.kind is EventKind.STATE]
    ends = [*(time for time, _ in states[1:]), end]
    found = zip(states, ends, strict=True)
    return _merged([(time, until) for (time, state), until in found if state not in DOWN])


def _merged(spans: Spans) -> Spans:
    out: Spans = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], stop)
        else:
            out.append((start, stop))
    return out


def _common(one: Spans, two: Spans) -> Spans:
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in two)
    return [(start, stop) for start, stop in pairs if start < stop]


def _length(spans: Spans) -> float:
    return fsum(stop - start for start, stop in spans)
