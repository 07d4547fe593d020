"""Turns the verdicts of a tick into events: what begins, what ends, nothing in between."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

from genba.safety.rule import Verdict
from genba.sim.state import Event, EventKind

Named = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Stop:
    """The stop that is on, under the rule that leads it."""

    since: float  # s
    rule: str
    category: int
    latch: bool


class Journal:
    """Remembers which rules act and which stop is on.

    A rule is `off` once it has been quiet for `flicker` seconds, so that one that acts every
    other tick writes one line. A second `stop` without a `reset` between is the same stop,
    become stricter or latched.
    """

    __slots__ = ("_active", "_flicker", "stop")

    def __init__(self, flicker: float) -> None:
        if not 0.0 <= flicker < inf:
            raise ValueError(f"safety: flicker must be 0 s or more and finite, not {flicker}")
        self._flicker = flicker
        self._active: dict[str, tuple[float, float]] = {}  # rule -> since, last seen
        self.stop: Stop | None = None

    @property
    def quiet(self) -> bool:
        """Nothing acts, nothing is stopped: a tick without a verdict needs no entry."""
        return not self._active and self.stop is None

    def enter(
        self, time: float, found: list[Named], leader: Named | None, latch: bool
    ) -> tuple[Event, ...]:
        """One tick at `time` (s): what acts, and what leads the stop (None: the robot may move)."""
        events: list[Event] = []
        active = self._active.copy()  # a recorder may have kept the one before
        for name, verdict in found:
            known = active.get(name)
            if known is None:
                active[name] = time, time
                events.append(_began(time, name, verdict))
            else:
                active[name] = known[0], time
        self._active = active
        if len(active) > len(found):
            self._end(active, time, events)
        if leader is not None or self.stop is not None:
            events += self._follow(time, leader, latch)
        return tuple(events)

    def _end(
        self, active: dict[str, tuple[float, float]], time: float, events: list[Event]
    ) -> None:
        """Those that were quiet for long enough, out of the active ones."""
        long = time - self._flicker + 1e-9
        for name, (since, last) in [*active.items()]:
            if last < time and last <= long:
                del active[name]
                data = {"phase": "off", "duration": last - since}
                events.append(Event(time, EventKind.RULE, name, data))

    def release(self, time: float, by: str) -> tuple[Event, ...]:
        """The stop ends at `time` (s), by itself ("automatic") or by a person ("manual")."""
        stop, self.stop = self.stop, None
        if stop is None:
            return ()
        data = {"by": by, "duration": max(0.0, time - stop.since)}
        return (Event(time, EventKind.RESET, stop.rule, data),)

    def _follow(self, time: float, leader: Named | None, latch: bool) -> tuple[Event, ...]:
        on = self.stop
        if leader is None:
            return self.release(time, "automatic") if on is not None else ()
        category = 2 if leader[1].category is None else leader[1].category
        if on is None:
            self.stop = stop = Stop(time, leader[0], category, latch)
        elif category < on.category or (latch and not on.latch):
            category, latch = min(category, on.category), latch or on.latch
            self.stop = stop = Stop(on.since, leader[0], category, latch)
        else:
            return ()
        data = {"category": stop.category, "latch": stop.latch}
        return (Event(time, EventKind.STOP, stop.rule, data),)


def _began(time: float, name: str, verdict: Verdict) -> Event:
    data = {
        "phase": "on",
        "scale": verdict.scale,
        "category": verdict.category,
        "latch": verdict.latch,
        "reason": verdict.reason,
        "trigger": _number(verdict.trigger),
        "limit": _number(verdict.limit),
    }
    return Event(time, EventKind.RULE, name, data)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None  # an undefined figure is None, never NaN
    return float(value)
