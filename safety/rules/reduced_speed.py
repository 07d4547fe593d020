"""Reduced speed, TCP at most 250 mm/s; ISO 10218-1:2025 (S)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import geometry
from genba.safety.crowd import crowd_of
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.rules.tcp_speed import tool_limit_scale
from genba.safety.standards import REDUCED_SPEED
from genba.sim.state import Command, State


class ReducedSpeedParameters(Parameters):
    """When the robot must be slow, and how slow. A cell may ask for it by a machine flag."""

    limit: float = Field(
        default=REDUCED_SPEED, gt=0.0, le=REDUCED_SPEED, description="m/s at the TCP (S)"
    )
    distance: float = Field(
        default=0.0, ge=0.0, le=10.0, description="m, a person nearer than this to the robot (D)"
    )
    zones: list[geometry.Box] = Field(
        default=[], description="m, boxes [x0, y0, z0, x1, y1, z1] that a person may reach into"
    )


class ReducedSpeed:
    """Slow while a person is near or in a zone, or while the cell sets `reduced_speed`."""

    name = "reduced_speed"
    clause = "ISO 10218-1:2025 reduced speed control (S)"
    reaction = "scales to TCP <= 0.25 m/s"
    reset = "automatic"
    order = "people"
    Parameters = ReducedSpeedParameters
    ABOUT_PEOPLE = True
    __slots__ = ("_crowd", "_distance", "_limit", "_robot", "_zones")

    def __init__(
        self, parameters: ReducedSpeedParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._crowd = robot_name, crowd_of(robot)
        self._limit = parameters.limit
        self._distance = parameters.distance
        self._zones = geometry.boxes(parameters.zones) if parameters.zones else None

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: tool speed (m/s), asked or measured; limit: m/s."""
        asked = state.machines.get("reduced_speed")
        # near first: another rule has mostly looked, and then the distance is known
        if not asked and not (state.people and self._near(state)):
            return PASS
        verdict = tool_limit_scale(state, self._robot, command, self._limit)
        if verdict is PASS:
            return PASS
        return verdict._replace(
            reason="the cell asks for reduced speed" if asked else "a person is near"
        )

    def _near(self, state: State) -> bool:
        distance, zones = self._distance, self._zones
        if distance > 0.0:
            if self._crowd.near(state, state.robots[self._robot].capsules) < distance:
                return True
        return zones is not None and bool(geometry.touches(zones, self._crowd.of(state)))
