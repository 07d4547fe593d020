"""Perception integrity: people not seen, lost or seen twice; this project's own rule (D)."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import NamedTuple

from pydantic import Field

from genba.safety.geometry import sound_capsule
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    HUMAN_SPEED_REACHING,
    PERCEPTION_AGE,
    PERCEPTION_AREA,
    PERCEPTION_BACK,
    PERCEPTION_DISAGREEMENT,
    PERCEPTION_JUMP,
    SENSOR_DELAY,
)
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State

MISSED = 3.5  # ticks without a look, after which nobody need have vanished


class PerceptionIntegrityParameters(Parameters):
    """How old the sight of people may be, where they cannot vanish, how far trackers may differ."""

    max_age: float = Field(
        default=PERCEPTION_AGE, gt=0.0, le=10.0, description="s, beyond the declared delay (D)"
    )
    sensor_delay: float = Field(
        default=SENSOR_DELAY, ge=0.0, le=10.0, description="s, the sensor's declared delay (D)"
    )
    back_within: float = Field(
        default=PERCEPTION_BACK, gt=0.0, le=60.0, description="s, after that a person resets (D)"
    )
    area: float = Field(
        default=PERCEPTION_AREA, ge=0.0, le=100.0,
        description="m around the robot's base from which nobody vanishes; 0: anybody may (D)",
    )  # fmt: skip
    disagreement: float = Field(
        default=PERCEPTION_DISAGREEMENT, gt=0.0, le=10.0,
        description="m between two trackers of a person (D)",
    )  # fmt: skip
    jump: float = Field(
        default=PERCEPTION_JUMP, gt=0.0, le=100.0,
        description="m beyond what a person walks between two reports: it is another one (D)",
    )  # fmt: skip


class Sight(NamedTuple):
    """Where somebody was seen: whether all of the body is inside the area, and its middle (m)."""

    name: str
    inside: bool
    x: float
    y: float


@kernel(error_model="numpy")
def _look(body: Array, base: Array, area: float) -> tuple[int, float, float]:
    """(1 inside the area, 0 not, -1 no body; x, y m of its middle) of capsules (m, 7).

    Who walks out leaves with one foot first, and is outside then.
    """
    inside, x, y = 1, 0.0, 0.0
    for j in range(body.shape[0]):
        if not sound_capsule(body, j):
            return -1, x, y
        x, y = x + body[j, 0], y + body[j, 1]
        if not hypot(body[j, 0] - base[0, 0], body[j, 1] - base[0, 1]) < area:
            inside = 0
    return inside, x / body.shape[0], y / body.shape[0]


class PerceptionIntegrity:
    """Stops while the sight of people is not to be trusted; for longer, a person must reset.

    Not trusted is a sight that is too old, that holds what is no body, that has lost somebody who
    did not walk out of the monitored area, or of which `machines["tracker_disagreement"]` (m) is
    too large. Lost is a name that is gone, and one that is now where nobody can have walked to: it
    is somebody else's. Who was there before a sight that was too old must be there after it.
    Somebody who stays lost is for a person to look for: once that is asked the rule asks no more,
    so that the reset is theirs.
    """

    name = "perception_integrity"
    clause = "project rule (D), docs/standards.md 8: perception integrity"
    reaction = "category 2"
    reset = "automatic if back within 2 s, else manual"
    order = "integrity"
    Parameters = PerceptionIntegrityParameters
    MEMORY = ("_lost", "_seen", "_since", "_taken", "_time")
    NEEDS = ("tracker_disagreement",)
    __slots__ = (
        "_apart", "_area", "_jump", "_limit", "_lost", "_patience", "_robot", "_seen", "_since",
        "_taken", "_tick", "_time",
    )  # fmt: skip

    def __init__(
        self, parameters: PerceptionIntegrityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._patience = robot_name, parameters.back_within
        self._apart, self._area = parameters.disagreement, parameters.area
        self._jump = parameters.jump
        self._tick: float = getattr(robot, "tick", 1.0)  # s
        self._limit = parameters.max_age + parameters.sensor_delay
        self._since: float | None = None  # s, since when the sight is bad
        self._seen: tuple[Sight, ...] = ()  # when the sight was last good
        self._taken = 0.0  # s, when that was measured
        self._lost: tuple[tuple[float, Sight], ...] = ()  # who has vanished, and when last seen (s)
        self._time = 0.0  # s, of the latest look

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: age (s), people lost, or m between trackers; limit: in the same unit."""
        age, gap, self._time = state.people_age, state.time - self._time, state.time
        if gap > MISSED * self._tick:  # locked out meanwhile: they may have gone
            self._seen = ()
        if not 0.0 <= age <= self._limit:
            return self._bad("people not seen for too long", age, self._limit)
        people, before = state.people, self._seen
        if not people and not before and not self._lost:
            self._since = None
            return PASS
        base, area, taken = state.robots[self._robot].capsules, self._area, state.time - age
        seen = []
        for name, person in people.items():
            found, x, y = _look(person.capsules, base, area)
            if found < 0:
                return self._bad(f"{name} is seen with no body", 1.0, 0.0)
            seen.append(Sight(name, found > 0, x, y))
        self._miss(before, seen, taken)
        self._seen, self._taken = tuple(seen), taken
        if self._lost:
            reason = f"{self._lost[0][1].name} vanished inside the monitored area"
            verdict = self._bad(reason, float(len(self._lost)), 0.0)
            self._lost = () if verdict.latch else self._lost
            return verdict
        apart = state.machines.get("tracker_disagreement", 0.0)
        if 0.0 <= apart <= self._apart:  # type: ignore[operator]  # else it raises: a stop
            self._since = None
            return PASS
        reason = "two trackers disagree on where a person is"
        return self._bad(reason, float(apart), self._apart)

    def _miss(self, before: Sequence[Sight], seen: Sequence[Sight], taken: float) -> None:
        """Who was there when last seen, inside the monitored area, and is not now."""
        lost = [(since, one) for since, one in self._lost if self._gone(one, since, seen, taken)]
        for one in before:
            if one.inside and self._gone(one, self._taken, seen, taken):
                lost.append((self._taken, one))
        self._lost = tuple(lost)

    def _gone(self, one: Sight, since: float, seen: Sequence[Sight], taken: float) -> bool:
        """Whether who was seen at `since` (s) is nobody of those seen now, at `taken`."""
        way = self._jump + HUMAN_SPEED_REACHING * max(0.0, taken - since)
        name, _, x, y = one
        return not any(b.name == name and hypot(b.x - x, b.y - y) <= way for b in seen)

    def _bad(self, reason: str, trigger: float, limit: float) -> Verdict:
        if self._since is None:
            self._since = self._time
        latch = self._time - self._since >= self._patience
        return Verdict(0.0, 2, latch, reason, trigger, limit)
