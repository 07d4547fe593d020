"""Perception integrity: people not seen for too long; this project's own rule (D)."""

from __future__ import annotations

from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import PERCEPTION_AGE, PERCEPTION_BACK, SENSOR_DELAY
from genba.sim.state import Command, State


class PerceptionIntegrityParameters(Parameters):
    """How old the sight of people may be."""

    max_age: float = Field(
        default=PERCEPTION_AGE, gt=0.0, le=10.0, description="s, beyond the declared delay (D)"
    )
    sensor_delay: float = Field(
        default=SENSOR_DELAY, ge=0.0, le=10.0, description="s, the sensor's declared delay (D)"
    )
    back_within: float = Field(
        default=PERCEPTION_BACK, gt=0.0, le=60.0, description="s, after that a person resets (D)"
    )


class PerceptionIntegrity:
    """Stops while the sensor is blind; blind for longer, a person must reset the cell."""

    name = "perception_integrity"
    clause = "project rule (D), docs/standards.md 8: perception integrity"
    reaction = "category 2"
    reset = "automatic if back within 2 s, else manual"
    order = "integrity"
    Parameters = PerceptionIntegrityParameters
    MEMORY = ("_since",)
    __slots__ = ("_limit", "_patience", "_since")

    def __init__(
        self, parameters: PerceptionIntegrityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._limit = parameters.max_age + parameters.sensor_delay
        self._patience = parameters.back_within
        self._since: float | None = None

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: age (s) of the sight of people; limit: s."""
        age = state.people_age
        if 0.0 <= age <= self._limit:
            self._since = None
            return PASS
        if self._since is None:
            self._since = state.time
        latch = state.time - self._since >= self._patience
        return Verdict(0.0, 2, latch, "people not seen for too long", age, self._limit)
