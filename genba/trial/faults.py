"""Each assumption of the safety layer broken on purpose, at levels: what is really so, undeclared.

The rules go on believing what they are told; only the world (or what the layer may count on)
changes. A level of 1 is the assumption kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genba.bench.results import Row
from genba.safety import PROFILES, standards


@dataclass(frozen=True, slots=True)
class Fault:
    """One assumption, and what a scenario has to say for it to be broken."""

    text: str
    unit: str  # of a level
    levels: tuple[float, ...]
    make: Callable[[float], Row]

    def changes(self, profile: str, level: float) -> Row | None:
        """Changes to a scenario of a profile, None where the profile makes no such assumption."""
        found = self.make(level)
        rules = found.get("safety", {})
        if any(rule not in PROFILES[profile] for rule in rules):
            return None
        return {**found, "safety": {"profile": profile, **rules}}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Row:
    """The base with the changes in it, mappings key by key."""
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        out[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return out


def _delay(factor: float) -> Row:
    return {"sensors": {"delay": standards.SENSOR_DELAY * factor}}


def _noise(factor: float) -> Row:
    return {"sensors": {"noise": 0.015 * factor, "bound": standards.Z_D * factor}}


def _dropout(share: float) -> Row:
    return {"sensors": {"dropout": share, "dropout_seconds": 0.3}}


FAULTS: dict[str, Fault] = {
    "sensor_delay": Fault(
        "reports of people come later than declared", "times", (1.0, 1.5, 2.0, 4.0), _delay
    ),
    "sensor_noise": Fault(
        "positions are farther off than the bound", "times", (1.0, 1.5, 2.0, 4.0), _noise
    ),
    "dropped_tracking": Fault(
        "people are lost from sight for 0.3 s, so often a second", "1/s", (0.0, 0.2, 0.5, 1.0),
        _dropout,
    ),
}  # fmt: skip
