"""Each assumption of the safety layer broken on purpose, at levels: what is really so, undeclared.

The rules go on believing what they are told; only the world (or what the layer may count on)
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genba.bench.results import Row
from genba.safety import standards
from genba.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Fault:
    """One assumption, and what a scenario has to say for it to be broken."""

    text: str
    unit: str  # of a level
    levels: tuple[float, ...]
    make: Callable[[float], Row]


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Row:
    """The base with the changes in it, mappings key by key."""
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        out[key] = merged(old, value) if both else value  # type: ignore[arg-type]  # plain values from outside
    return out


OFTEN = 600.0  # 1/h, of what happens again and again: every six seconds
DELAY = standards.SENSOR_DELAY
TIMES = (1.5, 2.0, 4.0)
LOST = (0.1, 0.3, 1.0)  # s
EVERY = tuple(float(t) for t in range(3, 60, 6))  # s


def _acting(what: str, value: float | None = None, seconds: float | None = None) -> Row:
    """One fault of sim/faults.py: all the time, or again and again for so many seconds."""
    when: Row = {"at": 0.0} if seconds is None else {"per_hour": OFTEN, "seconds": seconds}
    return {"faults": [{"what": what, **when, **({} if value is None else {"value": value})}]}


def _in_a_gap(seconds: float) -> Row:
    """Nobody tracked for so long every six seconds, and when that is over somebody is missing."""
    gaps = [{"what": "tracking_lost", "at": t, "seconds": seconds} for t in EVERY]
    lost = [{"what": "person_lost", "at": t + 0.5 * seconds, "seconds": 3.0} for t in EVERY]
    return {"faults": [*gaps, *lost]}


_ALL: dict[str, Fault] = {
    "none": Fault("every assumption holds", "", (0.0,), lambda _: {}),
    "slow_brakes": Fault(
        "the robot brakes so many times as weakly as declared", "times", TIMES,
        lambda x: _acting("slow_brakes", 1.0 / x),
    ),
    "sensor_delay": Fault(
        "reports of people are so many times as old as declared, and say so", "times", TIMES,
        lambda x: _acting("sensor_delay", DELAY * (x - 1.0)),
    ),
    "clock_skew": Fault(
        "reports of people are so many times as old as declared, and do not say so", "times",
        TIMES, lambda x: _acting("clock_skew", DELAY * (x - 1.0)),
    ),
    "haste": Fault(
        "people who attack are so many times as fast as the bound", "times", (1.25, 1.5, 2.0),
        lambda x: {"people": {"haste": x}},
    ),
    "tracking_lost": Fault(
        "nobody is tracked, and the sensor says so, for so long at a time", "s", LOST,
        lambda x: _acting("tracking_lost", None, x),
    ),
    "person_lost": Fault(
        "the nearest person vanishes from the track, unsaid, for so long at a time", "s", LOST,
        lambda x: _acting("person_lost", None, x),
    ),
    "lost_in_gap": Fault(
        "nobody is tracked, said, for so long at a time, and somebody vanishes meanwhile, unsaid",
        "s", LOST, _in_a_gap,
    ),
    "sensor_noise": Fault(
        "people are measured so many times as far off as the bound", "times", TIMES,
        lambda x: _acting("sensor_noise", x),
    ),
    "layer_late": Fault(
        "the layer decides only every so many ticks of 1/120 s", "ticks", (2.0, 6.0, 12.0),
        lambda x: _acting("layer_late", x),
    ),
}  # fmt: skip
FAULTS = {
    name: fault
    for name, fault in _ALL.items()
    if set(fault.make(fault.levels[-1])) <= set(Scenario.model_fields)
}
