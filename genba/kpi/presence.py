"""People in the cell: how often they come, how long they stay, and what is made meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from genba.kpi.interventions import number
from genba.kpi.production import made
from genba.sim.state import Event, EventKind

Spans = list[tuple[float, float]]  # s, in order, none touches the next


def add_presence(events: Sequence[Event], end: float, sums: dict[str, float]) -> None:
    """Entries and the time with at least one person in the cell; the time with a visitor in it
    (`shared`), down or not, and the parts that the robot made then and that are good in the end.
    """
    shared = _present(events, end, operators=False)
    sums["entries"] = float(sum(e.kind is EventKind.PERSON_ENTERED for e in events))
    sums["present"] = _length(_present(events, end, operators=True))
    sums["shared"] = _length(shared)
    sums["shared_good"] = float(sum(any(a < t <= b for a, b in shared) for t in made(events)))


def _present(events: Sequence[Event], end: float, operators: bool) -> Spans:
    inside: dict[str, float] = {}
    spans: Spans = []
    other: set[str] = set()  # operators, where they do not count
    for event in events:
        name = event.subject
        if event.kind is EventKind.PERSON_ENTERED:
            if not operators and event.data.get("role") == "operator":
                other.add(name)
            else:
                inside.setdefault(name, event.time)
        elif event.kind is EventKind.PERSON_LEFT and name in other:
            other.discard(name)
        elif event.kind is EventKind.PERSON_LEFT:
            unseen = max(0.0, event.time - number(event, "duration"))
            spans.append((inside.pop(name, unseen), event.time))
    return _merged([*spans, *((start, end) for start in inside.values())])


def _merged(spans: Spans) -> Spans:
    out: Spans = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], stop)
        else:
            out.append((start, stop))
    return out


def _length(spans: Spans) -> float:
    return fsum(stop - start for start, stop in spans)
