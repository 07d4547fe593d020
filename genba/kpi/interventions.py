"""Which requests for a person are one intervention, when it began and when the robot worked again.

Counting rules of docs/standards.md 6: a request or a manual reset begins an intervention; it
lasts until the robot has worked on its own for ten uninterrupted seconds; what is triggered inside
that belongs to it. Automatic resets and planned hand-overs are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from typing import Any

from genba.sim.state import Event, EventKind

SETTLED = 10.0  # s of autonomous work that end an intervention; this project's default
TOLERANCE = 1e-6  # s; times are sums of ticks, and a sum of ticks misses a round number by a little

WORKING = ("producing", "slowed")
# Nothing the robot could have done anything about: the ten seconds pause, they do not start again.
# Otherwise a fast cell that waits for each part would stay in one intervention for the whole shift,
# and the stricter the safety layer, the fewer interventions there would seem to be.
PAUSING = ("starved", "blocked", "changeover", "standstill")
BREAKING = ("idle", "stopped", "waiting", "serving")
STATES = WORKING + PAUSING + BREAKING
BEFORE_ANY_STATE = "idle"  # nothing is known to stop the robot, nor to make it work

INITIATORS = ("robot", "person", "safety")
CLASSES = ("assist", "failure")
NO_REQUEST = "manual_reset"  # the cause of an intervention that nobody asked for


@dataclass(frozen=True, slots=True)
class Intervention:
    """One intervention, with everything that was triggered inside it."""

    start: float  # s, of its first request
    resumed: float  # s, autonomous work again, or the end of the episode
    initiator: str  # of its first request
    failure: bool  # any of its requests was a failure
    requests: int
    cause: str  # of its first request; NO_REQUEST of one that a manual reset began


@dataclass(slots=True)
class _Open:
    start: float
    initiator: str
    cause: str
    failure: bool = False
    requests: int = 0
    pending: set[Any] = field(default_factory=set)  # ids that no service has answered yet
    worked: float = 0.0  # s of autonomous work so far
    resumed: float | None = None  # s, when that work began

    def trigger(self) -> None:
        self.worked, self.resumed = 0.0, None

    def settled(self, state: str, start: float, end: float) -> bool:
        """Lets `state` last from start to end; True when the ten seconds were reached in it."""
        if end <= start:
            return False
        if self.pending or state in BREAKING:
            self.trigger()
        elif state in WORKING:
            self.resumed = start if self.resumed is None else self.resumed
            self.worked += end - start
        return self.worked >= SETTLED - TOLERANCE

    def closed(self, end: float) -> Intervention:
        resumed = end if self.resumed is None else self.resumed
        return Intervention(
            self.start, resumed, self.initiator, self.failure, self.requests, self.cause
        )


def datum(event: Event, key: str) -> Any:
    """`event.data[key]`; ValueError, one line, where docs/events.md is not kept to."""
    try:
        return event.data[key]
    except KeyError:
        raise ValueError(f"event {event.kind.value} at {event.time} s has no '{key}'") from None


def number(event: Event, key: str) -> float:
    """`event.data[key]` as a finite number; ValueError, one line, if it is none."""
    value = datum(event, key)
    if not isinstance(value, Real) or not isfinite(value):
        raise ValueError(f"event {event.kind.value} at {event.time} s: '{key}' is {value!r}")
    return float(value)


def word(event: Event, key: str, allowed: Sequence[str]) -> str:
    """`event.data[key]`, one of `allowed`; ValueError, one line, if it is not."""
    value = datum(event, key)
    if value not in allowed:
        raise ValueError(
            f"event {event.kind.value} at {event.time} s: '{key}' is {value!r}, not one of "
            + ", ".join(allowed)
        )
    return str(value)


def _manual(event: Event) -> bool:
    return event.kind is EventKind.RESET and datum(event, "by") == "manual"


def _triggered(current: _Open | None, event: Event) -> _Open:
    """`current`, or a new intervention, after one more request or manual reset."""
    asked = event.kind is EventKind.REQUEST
    initiator = word(event, "initiator", INITIATORS) if asked else "safety"
    if current is None:
        cause = str(event.data.get("cause", "?")) if asked else NO_REQUEST
        current = _Open(event.time, initiator, cause)
    current.trigger()
    if asked:
        current.requests += 1
        current.pending.add(datum(event, "id"))
        current.failure |= word(event, "class", CLASSES) == "failure"
    return current


def interventions(events: Sequence[Event], end: float) -> list[Intervention]:
    """The interventions in `events` (in order of time, none after `end`), in order of their start.

    One that is still open at `end` (s) is closed there.
    """
    found: list[Intervention] = []
    current: _Open | None = None
    state, now = BEFORE_ANY_STATE, 0.0
    for event in (*events, Event(end, EventKind.EPISODE_END, "")):
        if current is not None and current.settled(state, now, event.time):
            found.append(current.closed(end))
            current = None
        now = event.time
        if event.kind is EventKind.STATE:
            state = word(event, "state", STATES)
        elif event.kind is EventKind.REQUEST or _manual(event):
            current = _triggered(current, event)
        elif event.kind is EventKind.SERVICE_DONE and current is not None:
            current.pending.discard(datum(event, "id"))
    if current is not None:
        found.append(current.closed(end))
    return found
