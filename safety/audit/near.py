"""Which part of a person is nearest to which link of the robot."""

from __future__ import annotations

from math import inf

from genba.sim.compiled import kernel
from genba.sim.separation import closest
from genba.sim.state import Array


@kernel(error_model="numpy")
def nearest(robot: Array, body: Array) -> tuple[float, int, int]:
    """Least distance (m) between any capsule of `robot` (n, 7) and of `body` (m, 7), and which.

    Infinite where a number is bad throughout, or rows are too short for capsules.
    """
    best, at, to = inf, 0, 0
    if robot.shape[1] < 7 or body.shape[1] < 7:
        return best, at, to
    for i in range(robot.shape[0]):
        for j in range(body.shape[0]):
            d = closest(robot[i], body[j])[0]
            if d < best:
                best, at, to = d, i, j
    return best, at, to
