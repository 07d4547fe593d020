"""Collision with equipment; force tolerance of a real PL d arm (P), this project's own rule (D)."""

from __future__ import annotations

from pydantic import Field, model_validator

from genba.safety import contact, geometry
from genba.safety.retreat import draw_back, nobody_near, standing, way_back
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    COLLISION_AGAIN,
    COLLISION_FORCE,
    COLLISION_HARD,
    CONTACT_HOLD,
    RETREAT_WAY,
)
from genba.sim.state import Array, Command, RobotState, State


class CollisionParameters(Parameters):
    """What counts as a collision, and how many of them."""

    soft: float = Field(default=COLLISION_FORCE, gt=0.0, le=1000.0, description="N (P)")
    hard: float = Field(
        default=COLLISION_HARD, gt=0.0, le=1000.0, description="N, more than that is manual (D)"
    )
    people: float = Field(
        default=0.0, ge=0.0, le=5.0,
        description="m, with a person nearer it is left to contact_force, if that is on (D)",
    )  # fmt: skip
    back_off: float = Field(default=RETREAT_WAY, ge=0.0, le=0.1, description="m (D)")
    hold: float = Field(default=CONTACT_HOLD, ge=0.0, le=60.0, description="s until it resumes (D)")
    again: float = Field(
        default=COLLISION_AGAIN, ge=0.0, le=86400.0, description="s in which there is but one (D)"
    )

    @model_validator(mode="after")
    def _ordered(self) -> CollisionParameters:
        if self.hard < self.soft:
            raise ValueError("`hard` must not be below `soft`")
        return self


class Collision:
    """Stops on a force that nobody should feel, backs off once and tries again, once."""

    name = "collision"
    clause = "project rule (D), docs/standards.md 8; 25 N force tolerance of a PL d arm (P)"
    reaction = "category 2, backs off once"
    reset = "automatic; hard or again manual"
    order = "physical"
    Parameters = CollisionParameters
    MEMORY = ("_back", "_from", "_last", "_since")
    NEEDS = ("wrench",)
    ABOUT_PEOPLE = True
    __slots__ = ("_back", "_chain", "_from", "_last", "_robot", "_set", "_since", "_soft")

    def __init__(self, parameters: CollisionParameters, robot_name: str, robot: RobotModel) -> None:
        self._robot, self._set, self._soft = robot_name, parameters, parameters.soft
        self._chain = kinematics(robot, self.name)
        self._since: float | None = None  # s, when the present collision began
        self._last: float | None = None  # s, when the one before was over
        self._back: Array | None = None  # unit vector along which to back off
        self._from: Array | None = None  # m, where the robot came to stand

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: N; limit: N."""
        robot = state.robots[self._robot]
        if 0.0 <= robot.wrench <= self._soft:
            return PASS if self._since is None else self._after(state, robot)
        return self._hit(state, robot)

    def _hit(self, state: State, robot: RobotState) -> Verdict:
        force = robot.wrench
        if not force >= 0.0:
            return Verdict(0.0, 2, True, contact.NO_FORCE, force, self._soft)
        if self._person_near(state, robot):
            return PASS if self._since is None else self._after(state, robot)
        if not force <= self._set.hard:
            return Verdict(0.0, 2, True, "a hard collision", force, self._set.hard)
        if self._since is not None:
            return self._after(state, robot)
        if self._last is not None and state.time - self._last < self._set.again:
            return Verdict(0.0, 2, True, "a collision again", force, self._soft)
        self._since = state.time
        self._back, self._from = way_back(robot), None
        return self._stand(state, robot)

    def _after(self, state: State, robot: RobotState) -> Verdict:
        if self._since is None or state.time - self._since < self._set.hold:
            return self._stand(state, robot)
        if not robot.wrench <= self._soft:
            reason = "a collision that backing off did not end"
            return Verdict(0.0, 2, True, reason, robot.wrench, self._soft)
        self._since, self._last = None, state.time
        return PASS

    def _stand(self, state: State, robot: RobotState) -> Verdict:
        motion = None
        if self._from is None and standing(robot):
            self._from = robot.tcp[:3].copy()
        if self._back is not None and self._from is not None and nobody_near(state, robot):
            motion = draw_back(self._chain, robot, self._from, self._back, self._set.back_off)
            if motion is None:
                self._back = None  # it is there
        return Verdict(0.0, 2, False, "a collision", robot.wrench, self._soft, motion)

    def _person_near(self, state: State, robot: RobotState) -> bool:
        near = self._set.people
        return near > 0.0 and any(
            geometry.gap(robot.capsules, person.capsules, near) < near
            for person in state.people.values()
        )
