"""Clamping of a body part; ISO/TS 15066 5.5.5, quasi-static contact (S)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import contact, geometry
from genba.safety.retreat import standing
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import CLAMP_TIME, CONTACT_FORCE, CONTACT_NEAR, Z_D
from genba.sim.state import Command, RobotState, State


class ClampingParameters(Parameters):
    """What counts as clamped, and what a body part can be pressed against."""

    threshold: float = Field(
        default=CONTACT_FORCE, gt=0.0, le=100.0, description="N from which it is a touch (D)"
    )
    near: float = Field(
        default=CONTACT_NEAR, ge=0.0, le=5.0, description="m, a person nearer is touched (C)"
    )
    time: float = Field(default=CLAMP_TIME, gt=0.0, le=10.0, description="s of touch (S)")
    gap: float = Field(
        default=Z_D, ge=0.0, le=0.5, description="m to a side that counts as none (D)"
    )
    obstacles: list[geometry.Box] = Field(
        default=[[-0.3, -0.8, -0.05, 0.9, 0.8, 0.0]],
        description="m, boxes a part can be pressed against; the table's top (C)",
    )


class Clamping:
    """Stops, opens the gripper and stays when somebody is held between robot and something.

    Two sides are seen in the measured bodies; a touch that lasts counts without. Leaning on a robot
    that stands is no clamping.
    """

    name = "clamping"
    clause = "ISO/TS 15066 5.5.5, quasi-static contact (S)"
    reaction = "category 1, the gripper opens"
    reset = "manual"
    order = "people"
    Parameters = ClampingParameters
    MEMORY = ("_last", "_moved", "_since")
    NEEDS = ("wrench",)
    ABOUT_PEOPLE = True
    __slots__ = ("_boxes", "_last", "_moved", "_robot", "_set", "_since", "_threshold")

    def __init__(self, parameters: ClampingParameters, robot_name: str, robot: RobotModel) -> None:
        self._robot, self._set, self._threshold = robot_name, parameters, parameters.threshold
        self._boxes = geometry.boxes(parameters.obstacles)
        self._since: float | None = None  # s, when the touch began
        self._last = 0.0  # s, when it was last felt
        self._moved = False  # the robot, at some time during the touch

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: s of the touch; limit: s."""
        robot = state.robots[self._robot]
        if 0.0 <= robot.wrench <= self._threshold:
            if self._since is not None and state.time - self._last > contact.APART:
                self._since, self._moved = None, False
            return PASS
        return self._touch(state, robot)

    def _touch(self, state: State, robot: RobotState) -> Verdict:
        if not robot.wrench >= 0.0:
            return Verdict(0.0, 1, True, contact.NO_FORCE, robot.wrench, self._threshold)
        near = [
            person.capsules
            for person in state.people.values()
            if geometry.gap(robot.capsules, person.capsules, self._set.near) < self._set.near
        ]
        if not near:
            return PASS
        if self._since is None:
            self._since = state.time
        self._last = state.time
        self._moved = self._moved or not standing(robot)
        elapsed = state.time - self._since
        if not self._moved:
            return PASS
        if elapsed > self._set.time:
            return self._clamped("a touch that lasts", elapsed)
        if any(contact.held(robot.capsules, b, self._boxes, self._set.gap) for b in near):
            return self._clamped("a body part between two sides", elapsed)
        return PASS

    def _clamped(self, reason: str, elapsed: float) -> Verdict:
        return Verdict(0.0, 1, True, reason, elapsed, self._set.time, None, -1.0)
