"""How a robot draws back from what it met: a little way back along the path it came."""

from __future__ import annotations

from math import sqrt

import numpy as np

from genba.safety import geometry
from genba.safety.standards import (
    RETREAT_CLEAR,
    RETREAT_MARGIN,
    RETREAT_SPEED,
    TOOL_SPEED_TOLERANCE,
)
from genba.sim.kinematics import Chain
from genba.sim.state import Array, RobotState, State


def way_back(robot: RobotState) -> Array | None:
    """Unit vector (3,) against the motion of the TCP; None for a robot that stands."""
    velocity = robot.tcp_velocity[:3]
    speed = float(np.linalg.norm(velocity))
    return None if not speed > TOOL_SPEED_TOLERANCE else -velocity / speed


def standing(robot: RobotState) -> bool:
    """Whether tool and links are slower than a real arm can tell from standing."""
    return _fastest(robot.tcp_velocity, robot.capsule_velocities) < TOOL_SPEED_TOLERANCE


def nobody_near(state: State, robot: RobotState) -> bool:
    """Whether there is room to draw back without pushing anybody."""
    return not any(
        geometry.gap(robot.capsules, person.capsules, RETREAT_CLEAR) < RETREAT_CLEAR
        for person in state.people.values()
    )


def draw_back(
    chain: Chain, robot: RobotState, start: Array, back: Array, way: float
) -> Array | None:
    """Joint velocities (n,) rad/s that take the TCP from `start` (3,) by `way` (m) along `back`.

    None once it is there, and where a joint is at its limit. No part of the robot is as fast as
    what counts as moving, an elbow that swings out included: so no other rule need judge it.
    """
    if float((robot.tcp[:3] - start) @ back) >= way:
        return None
    q, limits = robot.q, chain.robot
    dq = chain.resolve(q, np.concatenate([back * RETREAT_SPEED, np.zeros(3)]))
    outward = np.where(dq > 0.0, limits.q_max - q, q - limits.q_min) < RETREAT_MARGIN
    if (outward & (dq != 0.0)).any():
        return None
    does = chain.command(q, dq, 0.0, dq)
    fastest = _fastest(does.tcp_velocity, does.capsule_velocities)
    return dq * min(1.0, RETREAT_SPEED / fastest) if fastest > 0.0 else dq


def _fastest(tool: Array, rows: Array) -> float:
    """Speed (m/s) of the tool or of the end of a capsule, whichever is faster."""
    speed = sqrt(tool[0] ** 2 + tool[1] ** 2 + tool[2] ** 2)
    return max([speed, *(geometry.faster_end(rows, i, 0) for i in range(len(rows)))])
