"""PFL contact force; ISO 10218-2:2025 5.14.6, ISO/TS 15066 5.5.5 (S), its Annex A (R)."""

from __future__ import annotations

from pydantic import Field

from genba.safety import contact
from genba.safety.retreat import draw_back, standing, way_back
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    CLAMP_TIME,
    CONTACT_FORCE,
    CONTACT_HOLD,
    CONTACT_NEAR,
    HUMAN_SPEED_WALKING,
    RETREAT_WAY,
    SENSOR_DELAY,
    Z_D,
)
from genba.sim.state import Array, Command, RobotState, State


class ContactForceParameters(Parameters):
    """What counts as a touch, and what the robot does about one."""

    threshold: float = Field(
        default=CONTACT_FORCE, gt=0.0, le=100.0, description="N from which it is a touch (D)"
    )
    near: float = Field(
        default=CONTACT_NEAR, ge=0.0, le=5.0, description="m, a person nearer is touched (C)"
    )
    sensor_delay: float = Field(
        default=SENSOR_DELAY, ge=0.0, le=10.0, description="s, the sensor's declared delay (D)"
    )
    retreat: float = Field(default=RETREAT_WAY, ge=0.0, le=0.1, description="m drawn back (D)")
    hold: float = Field(
        default=CONTACT_HOLD, ge=0.0, le=60.0, description="s after the last touch (D)"
    )


class ContactForce:
    """Stops and draws back when the robot's force is felt with a person near it.

    The greater of the measured force and the two-body model's at the closing speed counts: a blow
    is over before a force sensor has seen it. It is held against the transient limit, what presses
    on for longer against the quasi-static one. A robot that stood does not draw back.
    """

    name = "contact_force"
    clause = "ISO 10218-2:2025 5.14.6, ISO/TS 15066 5.5.5 and Annex A (S, limits R, unverified)"
    reaction = "category 2 and 20 mm back; over the region's limit category 1"
    reset = "automatic after 2 s; over the limit manual"
    order = "people"
    Parameters = ContactForceParameters
    MEMORY = ("_back", "_from", "_last", "_since")
    NEEDS = ("wrench",)
    ABOUT_PEOPLE = True
    __slots__ = (
        "_back", "_chain", "_from", "_last", "_mass", "_robot", "_set", "_since", "_threshold",
    )  # fmt: skip

    def __init__(
        self, parameters: ContactForceParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._set, self._threshold = robot_name, parameters, parameters.threshold
        self._chain = kinematics(robot, self.name)
        self._mass = self._chain.effective_mass()
        self._last: float | None = None  # s, of the latest touch
        self._since = 0.0  # s, when it began
        self._back: Array | None = None  # unit vector along which to draw back
        self._from: Array | None = None  # m, where the robot came to stand

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: N of the touch; limit: N of the region, or the threshold of a touch."""
        robot = state.robots[self._robot]
        if 0.0 <= robot.wrench <= self._threshold:
            return PASS if self._last is None else self._after(state, robot)
        return self._touch(state, robot)

    def _touch(self, state: State, robot: RobotState) -> Verdict:
        force = robot.wrench
        if not force >= 0.0:
            return Verdict(0.0, 1, True, contact.NO_FORCE, force, self._threshold)
        late = max(0.0, state.people_age - self._set.sensor_delay)
        reach = self._set.near + HUMAN_SPEED_WALKING * late
        limit, near = 0.0, False
        on = self._last is not None and state.time - self._last <= contact.APART
        since = self._since if on else state.time
        pressed = state.time - since > CLAMP_TIME
        for person in state.people.values():
            body = person.capsules
            gap, _, blow, allowed = contact.touched(
                robot.capsules, robot.capsule_velocities, body, person.velocities,
                contact.limits(body, pressed), self._mass, Z_D,
            )  # fmt: skip
            if gap > reach:
                continue
            felt = max(robot.wrench, blow if self._last is None else 0.0)
            if not near or felt / allowed > force / limit:
                force, limit = felt, allowed
            near = True
        if not near:
            return PASS if self._last is None else self._after(state, robot)
        if not force <= limit:
            self._last = None if self._last is None else state.time
            return Verdict(0.0, 1, True, "a contact above the region's limit", force, limit)
        if self._last is None:
            self._back, self._from = way_back(robot), None
        self._last, self._since = state.time, since
        return self._stand(robot, force)

    def _after(self, state: State, robot: RobotState) -> Verdict:
        if self._last is None or state.time - self._last >= self._set.hold:
            self._last = None
            return PASS
        return self._stand(robot, robot.wrench)

    def _stand(self, robot: RobotState, force: float) -> Verdict:
        motion = None
        if self._from is None and standing(robot):
            self._from = robot.tcp[:3].copy()
        if self._back is not None and self._from is not None:
            motion = draw_back(self._chain, robot, self._from, self._back, self._set.retreat)
            if motion is None:
                self._back = None  # it is there
        return Verdict(0.0, 2, False, "contact with a person", force, self._threshold, motion)
