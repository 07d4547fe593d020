"""How a robot draws back from what it met: a little way back along the path it came."""

from __future__ import annotations

import numpy as np

from genba.safety.standards import RETREAT_SPEED, TOOL_SPEED_TOLERANCE
from genba.sim.kinematics import Chain
from genba.sim.state import Array, RobotState


def way_back(robot: RobotState) -> Array | None:
    """Unit vector (3,) against the motion of the TCP; None for a robot that stands."""
    velocity = robot.tcp_velocity[:3]
    speed = float(np.linalg.norm(velocity))
    return None if not speed > TOOL_SPEED_TOLERANCE else -velocity / speed


def standing(robot: RobotState) -> bool:
    """Whether the TCP is slower than a real arm can tell from standing."""
    return float(np.linalg.norm(robot.tcp_velocity[:3])) < TOOL_SPEED_TOLERANCE


def draw_back(
    chain: Chain, robot: RobotState, start: Array, back: Array, way: float
) -> Array | None:
    """Joint velocities (n,) rad/s that take the TCP from `start` (3,) by `way` (m) along `back`.

    None once it is there. Slower than what counts as moving, so it needs no check of its own.
    """
    if float((robot.tcp[:3] - start) @ back) >= way:
        return None
    return chain.resolve(robot.q, np.concatenate([back * RETREAT_SPEED, np.zeros(3)]))
