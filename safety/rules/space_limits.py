"""Axis and space limiting; ISO 10218-1:2025 5.5 axis and space limiting (R, unverified)."""

from __future__ import annotations

from math import hypot
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from genba.safety import geometry, keeper, walls
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import STANDSTILL_TCP
from genba.sim.state import Array, Command, RobotState, State


def _directed(plane: list[float]) -> list[float]:
    if not hypot(*plane[:3]) > 1e-6:
        raise ValueError("must be [nx, ny, nz, offset] with a direction that is not 0")
    return plane


Plane = Annotated[list[float], Field(min_length=4, max_length=4), AfterValidator(_directed)]


class SpaceLimitsParameters(Parameters):
    """Where the robot may be, in the frame of the cell, and how surely it must stop there."""

    within: geometry.Box | None = Field(
        default=None, description="m, [x0, y0, z0, x1, y1, z1] that it must stay in"
    )
    planes: list[Plane] = Field(
        default=[], description="m, [nx, ny, nz, offset], n x <= offset is allowed, n outwards"
    )
    keep_out: list[geometry.Box] = Field(
        default=[], description="m, boxes [x0, y0, z0, x1, y1, z1] that it must keep out of"
    )
    of: Literal["robot", "tool"] = Field(
        default="robot", description="every capsule that moves, or the TCP alone (D)"
    )
    margin: float = Field(
        default=0.01, ge=0.0, le=0.5, description="m, kept between stop point and limit (D)"
    )
    tolerance: float = Field(
        default=STANDSTILL_TCP, ge=0.0, le=0.2, description="m beyond the limit: a breach (P)"
    )
    reaction_time: float = Field(
        default=0.025, ge=0.0, le=1.0, description="s before braking acts, three ticks (D)"
    )
    deceleration: float | None = Field(
        default=None, ge=0.1, le=50.0, description="m/s^2, null: the least the robot realises (C)"
    )

    @model_validator(mode="after")
    def _somewhere(self) -> SpaceLimitsParameters:
        if self.within is None and not self.planes and not self.keep_out:
            raise ValueError("needs `within`, `planes` or `keep_out`")
        return self


def _half_spaces(parameters: SpaceLimitsParameters) -> Array:
    """Rows of outward unit normal and offset (m)."""
    rows = [[x / hypot(*plane[:3]) for x in plane] for plane in parameters.planes]
    if parameters.within is not None:
        for axis in range(3):
            normal = [float(i == axis) for i in range(3)]
            rows.append([*normal, parameters.within[axis + 3]])
            rows.append([-x for x in normal] + [-parameters.within[axis]])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


class SpaceLimits:
    """Changes the motion so that the robot can still stop inside its space."""

    name = "space_limits"
    clause = "ISO 10218-1:2025 axis and space limiting (R, unverified)"
    reaction = "projection, the stop fits; beyond a limit category 1"
    reset = "automatic; after a breach manual"
    order = "physical"
    Parameters = SpaceLimitsParameters
    __slots__ = (
        "_frames", "_keeper", "_robot", "_tolerance", "_tool", "_world",
    )  # fmt: skip

    def __init__(
        self, parameters: SpaceLimitsParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        chain = kinematics(robot, self.name)
        a = robot.deceleration if parameters.deceleration is None else parameters.deceleration
        settings = np.array([parameters.margin, parameters.reaction_time, a, np.inf])
        self._world = _half_spaces(parameters), geometry.boxes(parameters.keep_out), settings
        self._tolerance = parameters.tolerance
        self._tool = parameters.of == "tool"
        links = [len(robot.q_min)] if self._tool else chain.capsule_links
        self._frames = np.array(links, dtype=np.float64) + 1.0
        self._keeper = keeper.Keeper(robot, self.name, self._frames, self._world, self._tool)

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: speed (m/s) towards a limit, or way beyond it (m); limit: in the same unit."""
        robot, moves = state.robots[self._robot], command.capsule_velocities
        where, doing = robot.capsules, robot.capsule_velocities
        if self._tool:
            (where, doing), moves = _point(robot), np.tile(command.tcp_velocity[:3], (1, 2))
        count, _, trigger, limit, way = walls.space(
            where, moves, doing, self._frames, *self._world, self._keeper.rows
        )
        if way < -self._tolerance:
            reason = "the robot is outside its space"
            return Verdict(0.0, 1, True, reason, -way, self._tolerance)
        if count == 0:
            return PASS
        motion = self._keeper.keep(robot, command.dq, count, (where, doing))
        if motion is None:
            return Verdict(0.0, 2, False, "no motion keeps the space limits", trigger, limit)
        reason = "the robot nears the end of its space"
        return Verdict(1.0, None, False, reason, trigger, limit, motion)


def _point(robot: RobotState) -> tuple[Array, Array]:
    """The TCP as a capsule of no size: where it is and how it moves."""
    at, doing = robot.tcp[:3], robot.tcp_velocity[:3]
    return np.concatenate((at, at, (0.0,)))[None, :], np.concatenate((doing, doing))[None, :]
