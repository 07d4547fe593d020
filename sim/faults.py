"""What may go wrong in a cell on purpose: named disturbances, when they act and how hard.

A fault is data. `schedule` says when each acts, from a stream of its own; `sim/disturbed.py` does
those of the sensing, `envs/disturbance.py` the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import inf

import numpy as np

_EARLY = 1e-6  # s, against the rounding of sums of ticks


class What(str, Enum):
    """The names of faults. FAULTS says what each does."""

    EMERGENCY_STOP = "emergency_stop"
    GUARD_OPEN = "guard_open"
    TAKEOVER = "takeover"
    RECORDER_FAILED = "recorder_failed"
    CONFIGURATION_CHANGED = "configuration_changed"
    JAM = "jam"
    WRONG_PART = "wrong_part"
    RETRIES = "retries"
    GRIP_LOST = "grip_lost"
    UNCERTAINTY = "uncertainty"
    OPERATOR_LOAD = "operator_load"
    REDUCED_SPEED = "reduced_speed"
    POLICY_NAN = "policy_nan"
    POLICY_OUT_OF_SPACE = "policy_out_of_space"
    POLICY_LATE = "policy_late"
    OBSERVATION_NOISE = "observation_noise"
    TRACKING_LOST = "tracking_lost"
    SENSOR_DELAY = "sensor_delay"
    CLOCK_SKEW = "clock_skew"
    SENSOR_NOISE = "sensor_noise"
    ENCODER_OFFSET = "encoder_offset"
    PERSON_LOST = "person_lost"
    TRACKERS_DISAGREE = "trackers_disagree"
    COLLISION = "collision"
    SLOW_BRAKES = "slow_brakes"
    LAYER_LATE = "layer_late"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does, and what its value means."""

    text: str
    unit: str = ""  # of the value; empty: it has none
    default: float = 1.0
    low: float = 0.0
    high: float = 1.0
    served: bool = False  # a person who serves the cell sets it right


FAULTS: dict[What, Kind] = {
    What.EMERGENCY_STOP: Kind("somebody presses the emergency stop", "category", 1, 0, 1, True),
    What.GUARD_OPEN: Kind("the guard is open", served=True),
    What.TAKEOVER: Kind("a person takes the robot over", served=True),
    What.RECORDER_FAILED: Kind("the record cannot be written", served=True),
    What.CONFIGURATION_CHANGED: Kind("controllers report another configuration", served=True),
    What.JAM: Kind("the part in hand is felt to jam", "N", 150.0, 0.0, 1e4, True),
    What.WRONG_PART: Kind("the cell reports a part in the wrong place", served=True),
    What.RETRIES: Kind("grips in vain are reported", "grips", 3.0, 0.0, 1e3, True),
    What.GRIP_LOST: Kind("the gripper opens, whatever it is told"),
    What.UNCERTAINTY: Kind("the policy's uncertainty, at least", "1", 2.0, 0.0, 1e6, True),
    What.OPERATOR_LOAD: Kind("other cells call the operator too", "per 10 min", 6.0, 0.0, 600.0),
    What.REDUCED_SPEED: Kind("the cell asks for reduced speed"),
    What.POLICY_NAN: Kind("the policy answers no numbers"),
    What.POLICY_OUT_OF_SPACE: Kind("the policy's answer is multiplied", "factor", 10.0, 1.0, 1e6),
    What.POLICY_LATE: Kind("the policy's answer is old", "s", 0.2, 0.0, 10.0),
    What.OBSERVATION_NOISE: Kind("noise on all that the policy sees", "std", 0.3, 0.0, 10.0),
    What.TRACKING_LOST: Kind("no report of the people arrives"),
    What.SENSOR_DELAY: Kind("reports are older than declared, and say so", "s", 0.2, 0.0, 10.0),
    What.CLOCK_SKEW: Kind("reports are older than declared, and do not say so", "s", 0.2, 0.0, 10),
    What.SENSOR_NOISE: Kind("errors beyond the bound, of both trackers", "factor", 3.0, 1.0, 100),
    What.ENCODER_OFFSET: Kind("joint 1 is measured off its place", "rad", 4.0, -10.0, 10.0, True),
    What.PERSON_LOST: Kind("the nearest person vanishes from the track"),
    What.TRACKERS_DISAGREE: Kind("the second tracker is off", "m", 0.3, 0.0, 100.0),
    What.COLLISION: Kind("something is in the way and pushes the tool", "N", 35.0, 0.0, 500.0),
    What.SLOW_BRAKES: Kind("braking as weak as this share of declared", "factor", 0.5, 0.01, 1.0),
    What.LAYER_LATE: Kind("the safety layer decides every so many ticks", "ticks", 2.0, 1.0, 1000),
}
assert set(FAULTS) == set(What)


@dataclass(frozen=True, slots=True)
class Plan:
    """A fault as a scenario asks for it: once at a time, or again and again at a rate."""

    what: What
    at: float | None = None  # s
    per_hour: float = 0.0  # a Poisson process, where `at` is None
    seconds: float | None = None  # None: until a person serves the cell, or to the end
    value: float | None = None  # None: the kind's default


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that acts in [begin, end) s."""

    what: What
    begin: float
    end: float
    value: float


def schedule(plans: Sequence[Plan], rng: np.random.Generator, seconds: float) -> tuple[Fault, ...]:
    """What acts when in an episode of `seconds`, in order of begin; each plan draws for itself."""
    found: list[Fault] = []
    for plan, own in zip(plans, rng.spawn(len(plans)), strict=True):
        value = FAULTS[plan.what].default if plan.value is None else plan.value
        lasts = inf if plan.seconds is None else plan.seconds
        begins = [plan.at] if plan.at is not None else _drawn(own, plan.per_hour, seconds)
        found += [Fault(plan.what, begin, begin + lasts, value) for begin in begins]
    return tuple(sorted(found, key=lambda fault: fault.begin))


class Faults:
    """The faults of an episode at work: which act at a time, and which a person has set right."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = list(faults)

    def now(self, time: float) -> dict[What, float]:
        """What acts at `time` (s), with its value; of two of a kind the later one."""
        return {f.what: f.value for f in self._faults if f.begin <= time + _EARLY < f.end}

    def serve(self, time: float) -> None:
        """A person has set right what a person can."""
        self._faults = [
            replace(f, end=time) if FAULTS[f.what].served and f.begin <= time < f.end else f
            for f in self._faults
        ]


def _drawn(rng: np.random.Generator, per_hour: float, seconds: float) -> list[float]:
    count = int(rng.poisson(per_hour * seconds / 3600.0))
    return sorted(rng.uniform(0.0, seconds, count).tolist())
