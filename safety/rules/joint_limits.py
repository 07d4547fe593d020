"""Axis and joint speed limiting; ISO 10218-1:2025 5.5 axis and space limiting (R, unverified)."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit
from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.sim.state import Array, Command, State


class JointLimitsParameters(Parameters):
    """How close to its limits a joint may be driven."""

    margin: float = Field(
        default=0.02, ge=0.0, le=0.5, description="rad, kept between stop point and limit (D)"
    )
    tolerance: float = Field(
        default=0.01, ge=0.0, le=0.1, description="rad, measured beyond the limit: a breach (D)"
    )
    reaction_time: float = Field(
        default=0.025, ge=0.0, le=1.0, description="s before braking acts, three ticks (D)"
    )


@njit(cache=True)
def _judge(
    q: Array, dq: Array, asked: Array, limits: Array, settings: Array
) -> tuple[float, int, float, float]:
    """(scale, breached joint or -1, trigger, limit); rows of limits: q_min, q_max, dq_max, ddq_max.

    A joint that drives outwards keeps a speed v with v T + v^2 / (2 ddq_max) <= way left; the
    faster of the asked and the measured speed counts.
    """
    margin, tolerance, delay = settings[0], settings[1], settings[2]
    scale, trigger, limit = 1.0, 0.0, 0.0
    for i in range(q.shape[0]):
        low, high, fastest, brake = limits[0, i], limits[1, i], limits[2, i], limits[3, i]
        if not (low - tolerance <= q[i] <= high + tolerance):
            return 0.0, i, q[i], (low if q[i] < low else high)
        speed = abs(asked[i])
        if speed > fastest * (1.0 + 1e-9) and fastest / speed < scale:
            scale, trigger, limit = fastest / speed, speed, fastest
        if speed == 0.0:
            continue
        up = asked[i] > 0.0
        way = (high - margin - q[i]) if up else (q[i] - low - margin)
        speed = max(speed, dq[i] if up else -dq[i])
        stop = speed * delay + speed * speed / (2.0 * brake)
        if not (stop <= way):
            free = brake * (sqrt(delay * delay + 2.0 * way / brake) - delay) if way > 0.0 else 0.0
            ratio = free / speed
            if not (ratio >= scale):
                scale = ratio
                trigger = q[i] + stop if up else q[i] - stop
                limit = high - margin if up else low + margin
    return scale, -1, trigger, limit


class JointLimits:
    """Slows so that every joint can still stop inside its range; a joint outside stops the robot.

    The whole command is scaled, so that the path stays: a joint at its limit holds all of them
    until the command leads back inside.
    """

    name = "joint_limits"
    clause = "ISO 10218-1:2025 axis and space limiting (R, unverified); makers' limits (P)"
    reaction = "scales so that the stop fits; outside a limit category 1"
    reset = "automatic; after a breach manual"
    order = "physical"
    Parameters = JointLimitsParameters
    __slots__ = ("_limits", "_robot", "_settings")

    def __init__(
        self, parameters: JointLimitsParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        rows = (robot.q_min, robot.q_max, robot.dq_max, robot.ddq_max)
        self._limits = np.array([np.asarray(row, dtype=np.float64) for row in rows])
        self._settings = np.array(
            [parameters.margin, parameters.tolerance, parameters.reaction_time]
        )

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: predicted stop point (rad) or joint speed (rad/s); limit: in the same unit."""
        robot = state.robots[self._robot]
        scale, joint, trigger, limit = _judge(
            robot.q, robot.dq, command.dq, self._limits, self._settings
        )
        if joint >= 0:
            return Verdict(0.0, 1, True, f"joint {joint + 1} is outside its range", trigger, limit)
        if scale == 1.0:
            return PASS
        return Verdict(scale, None, False, "joint near its limit", trigger, limit)
