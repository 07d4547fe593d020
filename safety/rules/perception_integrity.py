"""Perception integrity: people not seen, lost or seen twice; this project's own rule (D)."""

from __future__ import annotations

from math import hypot
from operator import attrgetter

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    PERCEPTION_AGE,
    PERCEPTION_AREA,
    PERCEPTION_BACK,
    PERCEPTION_DISAGREEMENT,
    SENSOR_DELAY,
)
from genba.sim.state import Array, Command, State

_capsules = attrgetter("capsules")
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


class PerceptionIntegrity:
    """Stops while the sight of people is not to be trusted; for longer, a person must reset.

    Not trusted is a sight that is too old, that has lost somebody who did not walk out of the
    monitored area, or of which `machines["tracker_disagreement"]` (m) is too large. Who was there
    before a sight that was too old must be there after it. Somebody who stays lost is for a person
    to look for: once that is asked the rule asks no more, so that the reset is theirs.
    """

    name = "perception_integrity"
    clause = "project rule (D), docs/standards.md 8: perception integrity"
    reaction = "category 2"
    reset = "automatic if back within 2 s, else manual"
    order = "integrity"
    Parameters = PerceptionIntegrityParameters
    MEMORY = ("_bodies", "_lost", "_names", "_since", "_time")
    NEEDS = ("tracker_disagreement",)
    __slots__ = (
        "_apart", "_bodies", "_limit", "_lost", "_names", "_robot", "_set", "_since", "_tick",
        "_time",
    )  # fmt: skip

    def __init__(
        self, parameters: PerceptionIntegrityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._set = robot_name, parameters
        self._apart = parameters.disagreement
        self._tick: float = getattr(robot, "tick", 1.0)  # s
        self._limit = parameters.max_age + parameters.sensor_delay
        self._since: float | None = None  # s, since when the sight is bad
        self._names: tuple[str, ...] = ()  # who was seen when the sight was last good
        self._bodies: tuple[Array, ...] = ()  # and where
        self._lost: tuple[str, ...] = ()  # who has vanished
        self._time = 0.0  # s, of the latest look

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: age (s), people lost, or m between trackers; limit: in the same unit."""
        age, gap, self._time = state.people_age, state.time - self._time, state.time
        if gap > MISSED * self._tick:  # locked out meanwhile: they may have gone
            self._names, self._bodies = (), ()
        if not 0.0 <= age <= self._limit:
            return self._bad(state.time, "people not seen for too long", age, self._limit)
        people = state.people
        if not people and not self._names and not self._lost:
            self._since = None
            return PASS
        names = tuple(people)
        if names != self._names or self._lost:
            self._miss(state, names)
        self._names = names
        self._bodies = tuple(map(_capsules, people.values()))
        if self._lost:
            reason = f"{self._lost[0]} vanished inside the monitored area"
            verdict = self._bad(state.time, reason, float(len(self._lost)), 0.0)
            self._lost = () if verdict.latch else self._lost
            return verdict
        apart = state.machines.get("tracker_disagreement", 0.0)
        if 0.0 <= apart <= self._apart:  # type: ignore[operator]  # else it raises: a stop
            self._since = None
            return PASS
        reason = "two trackers disagree on where a person is"
        return self._bad(state.time, reason, float(apart), self._apart)

    def _miss(self, state: State, names: tuple[str, ...]) -> None:
        """Who was there when last seen, inside the monitored area, and is not now."""
        lost = [name for name in self._lost if name not in names]
        base = state.robots[self._robot].capsules[0]
        for name, body in zip(self._names, self._bodies, strict=True):
            if name not in names and self._inside(body, base):
                lost.append(name)
        self._lost = tuple(lost)

    def _inside(self, body: Array, base: Array) -> bool:
        """Whether all of a body is in the area: who walks out leaves it with one foot first."""
        area = self._set.area
        return all(hypot(row[0] - base[0], row[1] - base[1]) < area for row in body[:, :2].tolist())

    def _bad(self, time: float, reason: str, trigger: float, limit: float) -> Verdict:
        if self._since is None:
            self._since = time
        latch = time - self._since >= self._set.back_within
        return Verdict(0.0, 2, latch, reason, trigger, limit)
