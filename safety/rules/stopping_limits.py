"""Stopping time and distance limiting; ISO 10218-1:2025 5.5 and Annex H (R, unverified).

Predicted for a stop along the path, all joints as long as the slowest, at the maker's acceleration
and jerk limits, from joints that still accelerate as hard as they can. The motion asked for counts:
a robot that is faster brakes already.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from pydantic import Field

from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Silence, Verdict
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State


class StoppingLimitsParameters(Parameters):
    """Within what time and way the robot must stand."""

    time: float = Field(default=0.5, gt=0.0, le=10.0, description="s to standstill (D)")
    distance: float = Field(
        default=0.3, gt=0.0, le=10.0, description="m, way of any point of the robot (D)"
    )
    reaction_time: float = Field(
        default=0.025, ge=0.0, le=1.0, description="s before braking acts, three ticks (D)"
    )
    share: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="1, of the maker's acceleration, in braking",
    )


@kernel()
def predict(dq: Array, rows: Array, limits: Array, share: float) -> tuple[float, float, float]:
    """(braking time s, jerk's part s, fastest end m/s) of joints dq and ends of capsules `rows`.

    limits: greatest acceleration a and jerk j. Jerk's part: a / j to take the acceleration back,
    a / 2 j for the speed gained meanwhile, a / j to build up and to take back the deceleration.
    """
    slow, ramp = 0.0, 0.0
    for i in range(dq.shape[0]):
        a = share * limits[0, i]
        slow = max(slow, abs(dq[i]) / a)
        ramp = max(ramp, 2.5 * a / limits[1, i])
    top = 0.0
    for k in range(rows.shape[0]):
        for e in range(0, 6, 3):
            v = rows[k, e] ** 2 + rows[k, e + 1] ** 2 + rows[k, e + 2] ** 2
            top = max(top, v)
    return slow, ramp, sqrt(top)


@kernel()
def scale(
    dq: Array, rows: Array, limits: Array, settings: Array
) -> tuple[float, float, float, float, float]:
    """(scale, time s, way m) and the shares that time and way leave; settings as parameters.

    Way of the fastest end: v (T_r + ramp + t / 2). Both grow with the share s of the motion, time
    as a + b s and way as (a + b s / 2) v s, so that the share that fits is exact.
    """
    slow, ramp, top = predict(dq, rows, limits, settings[3])
    delay = settings[2] + ramp
    time, way = delay + slow, top * (delay + 0.5 * slow)
    by_time, by_way = 1.0, 1.0
    if not time <= settings[0]:
        by_time = max(0.0, (settings[0] - delay) / slow) if slow > 0.0 else 0.0
    if not way <= settings[1]:
        root = sqrt(delay * delay + 2.0 * slow * settings[1] / top) - delay
        by_way = root / slow if slow > 0.0 else settings[1] / (top * delay)
    return min(by_time, by_way), time, way, by_time, by_way


class StoppingLimits:
    """Scales the motion so that a stop takes no longer and no further than allowed."""

    name = "stopping_limits"
    clause = "ISO 10218-1:2025 stopping time and distance limiting (R, unverified)"
    reaction = "scales the speed"
    reset = "automatic"
    order = "physical"
    Parameters = StoppingLimitsParameters
    __slots__ = ("_limits", "_robot", "_settings", "silence")

    def __init__(
        self, parameters: StoppingLimitsParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot = robot_name
        chain = getattr(robot, "chain", None)
        # a model of limits alone knows no jerk: then acceleration is taken to come at once
        jerk = np.full(len(robot.ddq_max), inf) if chain is None else chain.robot.jerk_max
        self._limits = np.array([np.asarray(robot.ddq_max), np.asarray(jerk)], dtype=np.float64)
        self._settings = np.array([
            parameters.time, parameters.distance, parameters.reaction_time, parameters.share
        ])  # fmt: skip
        self.silence = Silence(stop=(self._limits, self._settings))

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: predicted time (s) or way (m) to standstill; limit: in the same unit."""
        share, time, way, by_time, by_way = scale(
            command.dq, command.capsule_velocities, self._limits, self._settings
        )
        if share == 1.0:
            return PASS
        share = share if share == share else 0.0
        if by_time <= by_way:
            reason, trigger, limit = "it would take too long to stop", time, self._settings[0]
        else:
            reason, trigger, limit = "it would go too far to stop", way, self._settings[1]
        return Verdict(share, None, False, reason, trigger, float(limit))
