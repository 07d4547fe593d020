"""One tick of a rule that lets nothing through unless a stop after it is verified to be clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

import numpy as np
from pydantic import Field

from genba.safety import human, standards
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.verified_stop import greatest_scale
from genba.sim.state import Array, Command, State

LawsOf = Callable[[Array], Array]  # of a body (m, 7)


class WatchParameters(Parameters):
    """What a verified stop is reckoned with."""

    reaction_time: float = Field(
        default=2.0 / 120.0, ge=0.0, le=1.0,
        description="s between a decision and the brakes, two ticks (D)",
    )  # fmt: skip
    sensor_delay: float = Field(
        default=standards.SENSOR_DELAY, ge=0.0, le=2.0, description="s, people are no fresher (D)"
    )
    braking: float = Field(
        default=1.0, gt=0.0, le=1.0, description="share of the maker's joint deceleration (P)"
    )
    z_d: float = Field(default=standards.Z_D, ge=0.0, le=1.0, description="m, person (D)")
    z_r: float = Field(default=standards.Z_R, ge=0.0, le=1.0, description="m, robot (D)")
    velocity_error: float = Field(
        default=0.1, ge=0.0, le=5.0, description="m/s, of a person's measured speed (D)"
    )
    standing_speed: float = Field(
        default=0.8 * standards.TOOL_SPEED_TOLERANCE, ge=0.0, le=standards.TOOL_SPEED_TOLERANCE,
        description="m/s, a braking link below it counts as standing (P, tool speed tolerance)",
    )  # fmt: skip
    min_scale: float = Field(
        default=0.05, gt=0.0, le=1.0, description="1, a lower one is a stop (D)"
    )
    restart_time: float = Field(
        default=0.3, ge=0.0, le=60.0, description="s it must be clear before it moves again (D)"
    )


class Watch:
    """Asks for the greatest clear scale; after a stop it waits until the way stays clear.

    `memory` is (whether it is stopped, since when the way is clear or None).
    """

    __slots__ = (
        "_allowed",
        "_laws",
        "_limits",
        "_rule_set",
        "_robot",
        "_settings",
        "_table",
        "memory",
    )

    def __init__(
        self, parameters: WatchParameters, robot_name: str, robot: RobotModel, rule: str,
        allowed: Mapping[str, float],
    ) -> None:  # fmt: skip
        """`allowed`: region -> m/s at which the robot may touch it. ValueError: no kinematics."""
        self._robot, self._rule_set, self._allowed = robot_name, parameters, allowed
        self._table = kinematics(robot, rule).table
        self._limits = np.asarray(robot.ddq_max, dtype=np.float64) * parameters.braking
        tick = float(getattr(robot, "tick", standards.TICK))
        margin = parameters.z_d + parameters.z_r
        # the last number: the jerk limit lets a deceleration grow within a tick
        self._settings = np.array(
            [
                parameters.reaction_time,
                tick,
                margin,
                parameters.velocity_error,
                tick,
                parameters.standing_speed,
            ]
        )
        self._laws: dict[int, Array] = {}
        self.memory: tuple[bool, float | None] = (False, None)

    def laws(self, capsules: int) -> Array:
        """The laws of a body of so many capsules."""
        if capsules not in self._laws:
            self._laws[capsules] = human.laws(self._allowed, capsules)
        return self._laws[capsules]

    def check(self, state: State, command: Command, laws: LawsOf | None = None) -> Verdict:
        """Trigger: distance (m) of the pair that keeps the scale down; limit: the way it needs.

        `laws`, if given, answers the laws of a person's body instead of `self.laws`.
        """
        people = state.people
        if not people and not self.memory[0]:
            return PASS
        robot = state.robots[self._robot]
        late = max(state.people_age, self._rule_set.sensor_delay)
        scale, at, need = 1.0, inf, 0.0
        for person in people.values():
            body = person.capsules
            found = greatest_scale(
                robot.q, robot.dq, command.dq, self._table, self._limits, body, person.velocities,
                self.laws(len(body)) if laws is None else laws(body), self._settings, late,
            )  # fmt: skip
            if found[0] < scale or not found[0] == found[0]:
                scale, at, need = found[:3]
        return self._answer(state.time, scale, at, need)

    def _answer(self, time: float, scale: float, at: float, need: float) -> Verdict:
        stopped, since = self.memory
        low = not scale >= self._rule_set.min_scale
        if low:
            self.memory = (True, None)
            return Verdict(0.0, 2, False, "no stop would be clear of a person", at, need)
        if stopped:
            since = time if since is None else since
            if time - since < self._rule_set.restart_time:
                self.memory = (True, since)
                return Verdict(0.0, 2, False, "waits until the way stays clear", at, need)
            self.memory = (False, None)
        if scale == 1.0:
            return PASS
        return Verdict(scale, None, False, "a stop at full speed would not be clear", at, need)
