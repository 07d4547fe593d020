"""Axis and joint speed limiting; ISO 10218-1:2025 5.5 axis and space limiting (R, unverified).

Position and velocity are kept here, in what is commanded. Acceleration and jerk are kept by the
arm's own controller (genba.sim.motion), torque by its drives (genba.sim.world); where the
controller is another, `rates: command` keeps acceleration and jerk here as well.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from pydantic import Field

from genba.safety import projection
from genba.safety.projection import joint_bounds, stoppable
from genba.safety.robot import RobotModel, kinematics
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.safety.standards import TICK
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, RobotState, State


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
    rates: Literal["controller", "command"] = Field(
        default="controller",
        description="who keeps acceleration and jerk: the arm's controller, or the command (D)",
    )


@kernel()
def judge(
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
            ratio = stoppable(way, brake, delay) / speed
            if not (ratio >= scale):
                scale = ratio
                trigger = q[i] + stop if up else q[i] - stop
                limit = high - margin if up else low + margin
    return scale, -1, trigger, limit


@njit(cache=True)
def _rates(dq: Array, last: Array, tick: float, limits: Array) -> tuple[Array, Array]:
    """The joint velocities (n,) that acceleration and jerk allow after dq; rows 3, 4 of limits.

    last: the velocities one tick before dq, for the acceleration that the jerk starts from.
    """
    low, high = np.empty(dq.shape[0]), np.empty(dq.shape[0])
    for i in range(dq.shape[0]):
        most, change = limits[3, i], limits[4, i] * tick
        now = min(most, max(-most, (dq[i] - last[i]) / tick))
        low[i] = dq[i] + tick * max(-most, now - change)
        high[i] = dq[i] + tick * min(most, now + change)
    return low, high


@kernel()
def _excess(asked: Array, low: Array, high: Array) -> float:
    """How far (rad/s) the worst joint is asked beyond its bounds; 0 where none is."""
    worst = 0.0
    for i in range(asked.shape[0]):
        worst = max(worst, asked[i] - high[i], low[i] - asked[i])
    return worst


class JointLimits:
    """Changes the motion so that every joint can still stop inside its range, the tool's motion as
    little as can be; a joint outside stops the robot.

    So a joint at its limit holds itself and not the whole arm. Where the layer was given limits
    without kinematics, the whole command is scaled instead.
    """

    name = "joint_limits"
    clause = "ISO 10218-1:2025 axis and space limiting (R, unverified); makers' limits (P)"
    reaction = "projection, the stop of every joint fits; outside a limit category 1"
    reset = "automatic; after a breach manual"
    order = "physical"
    Parameters = JointLimitsParameters
    MEMORY = ("_last",)
    __slots__ = ("_last", "_limits", "_rated", "_robot", "_settings", "_table", "_tick", "silence")

    def __init__(
        self, parameters: JointLimitsParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        rows = [robot.q_min, robot.q_max, robot.dq_max, robot.ddq_max]
        self._rated = parameters.rates == "command"
        self._table: Array | None = None
        if self._rated or getattr(robot, "chain", None) is not None:
            chain = kinematics(robot, self.name)
            self._table = chain.table
            rows.append(chain.robot.jerk_max)
        self._limits = np.array([np.asarray(row, dtype=np.float64) for row in rows])
        self._settings = np.array(
            [parameters.margin, parameters.tolerance, parameters.reaction_time]
        )
        # the speeds of one tick ago must be known to one that keeps rates
        known = None if self._rated else Silence(joints=(self._limits[:4], self._settings))
        self.silence: Silence | None = known
        self._tick: float = getattr(robot, "tick", TICK)
        self._last: Array | None = None  # the joints' speeds one tick ago, where rates are kept

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: predicted stop point (rad), joint speed (rad/s) or speed beyond what a tick of
        acceleration allows (rad/s); limit: in the same unit.
        """
        robot = state.robots[self._robot]
        scale, joint, trigger, limit = judge(
            robot.q, robot.dq, command.dq, self._limits, self._settings
        )
        if joint >= 0:
            return Verdict(0.0, 1, True, f"joint {joint + 1} is outside its range", trigger, limit)
        if scale == 1.0 and not self._rated:
            return PASS
        if self._table is None:
            return Verdict(scale, None, False, "joint near its limit", trigger, limit)
        acts = Verdict(scale, None, False, "joint near its limit", trigger, limit)
        return self._project(robot, command, acts)

    def _project(self, robot: RobotState, command: Command, acts: Verdict) -> Verdict:
        """The verdict with the nearest motion that is within all limits."""
        low, high = joint_bounds(robot.q, robot.dq, command.dq, self._limits, self._settings)
        if self._rated:
            last, self._last = self._last, robot.dq.copy()  # a buffer may be filled anew
            least, most = _rates(
                robot.dq, robot.dq if last is None else last, self._tick, self._limits
            )
            # where both cannot be kept, the place is
            low = np.maximum(low, np.minimum(least, high))
            high = np.minimum(high, np.maximum(most, low))
            if acts.scale == 1.0:
                excess = _excess(command.dq, low, high)
                if excess <= 0.0:
                    return PASS
                acts = Verdict(1.0, None, False, "a joint accelerates too fast", excess, 0.0)
        assert self._table is not None
        size = projection.measure(robot.q, self._table)
        motion = projection.nearest(size, command.dq, low, high)
        if motion is None:
            return acts._replace(scale=0.0, category=2, reason="no motion keeps the joint limits")
        return acts._replace(scale=1.0, motion=motion)
