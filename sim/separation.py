"""How far apart two capsules are, and in which direction: under SSM and the referee alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numba import njit

from genba.sim.compiled import kernel
from genba.sim.state import Array

Capsule = tuple[float, float, float, float, float, float, float]
Box = tuple[float, float, float, float, float, float]


@kernel(error_model="numpy", inline="always")
def apart(a: Capsule, b: Capsule) -> tuple[float, float, float, float, float, float]:
    """`closest` of capsules as plain numbers."""
    ux, uy, uz = a[3] - a[0], a[4] - a[1], a[5] - a[2]
    vx, vy, vz = b[3] - b[0], b[4] - b[1], b[5] - b[2]
    wx, wy, wz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    aa = ux * ux + uy * uy + uz * uz
    ee = vx * vx + vy * vy + vz * vz
    f = vx * wx + vy * wy + vz * wz
    eps = 1e-12
    s = 0.0
    t = 0.0
    if aa > eps or ee > eps:
        if aa <= eps:
            t = min(1.0, max(0.0, f / ee))
        else:
            c = ux * wx + uy * wy + uz * wz
            if ee <= eps:
                s = min(1.0, max(0.0, -c / aa))
            else:
                bb = ux * vx + uy * vy + uz * vz
                denom = aa * ee - bb * bb
                if denom > eps * aa * ee:
                    s = min(1.0, max(0.0, (bb * f - c * ee) / denom))
                t = (bb * s + f) / ee
                if t < 0.0:
                    t = 0.0
                    s = min(1.0, max(0.0, -c / aa))
                elif t > 1.0:
                    t = 1.0
                    s = min(1.0, max(0.0, (bb - c) / aa))
    dx = b[0] + t * vx - a[0] - s * ux
    dy = b[1] + t * vy - a[1] - s * uy
    dz = b[2] + t * vz - a[2] - s * uz
    gap = sqrt(dx * dx + dy * dy + dz * dz)
    if gap > 1e-9:
        return gap - a[6] - b[6], s, t, dx / gap, dy / gap, dz / gap
    return -a[6] - b[6], s, t, 0.0, 0.0, 1.0


@kernel(error_model="numpy", inline="always")
def closest(a: Array, b: Array) -> tuple[float, float, float, float, float, float]:
    """Distance between the surfaces of two capsules, rows of seven.

    Returns (distance m, s, t, nx, ny, nz): s and t in [0, 1] say where on each axis the nearest
    points lie, n is the unit vector from a to b. The distance is negative when they overlap.
    Source: Ericson, Real-Time Collision Detection, 5.1.9.
    """
    return apart(
        (a[0], a[1], a[2], a[3], a[4], a[5], a[6]), (b[0], b[1], b[2], b[3], b[4], b[5], b[6])
    )


@kernel(error_model="numpy", inline="always")
def closest_rows(
    one: Array, i: int, two: Array, j: int
) -> tuple[float, float, float, float, float, float]:
    """`closest` of row i and row j, without the cost of taking the rows out."""
    return apart(
        (one[i, 0], one[i, 1], one[i, 2], one[i, 3], one[i, 4], one[i, 5], one[i, 6]),
        (two[j, 0], two[j, 1], two[j, 2], two[j, 3], two[j, 4], two[j, 5], two[j, 6]),
    )


@njit(cache=True, error_model="numpy")
def least(robot: Array, body: Array, bound: float) -> float:
    """Least distance (m) between any capsule of `robot` (n, 7) and of `body` (m, 7); `bound` where
    that is less. Pairs whose middles are too far apart are not looked at.
    """
    best = bound
    half = np.empty(body.shape[0])
    for j in range(body.shape[0]):
        half[j] = _half(body[j]) + body[j, 6]
    for i in range(robot.shape[0]):
        a = robot[i]
        reach = _half(a) + a[6]
        for j in range(body.shape[0]):
            b = body[j]
            dx = 0.5 * (a[0] + a[3] - b[0] - b[3])
            dy = 0.5 * (a[1] + a[4] - b[1] - b[4])
            dz = 0.5 * (a[2] + a[5] - b[2] - b[5])
            far = best + reach + half[j]
            if far > 0.0 and dx * dx + dy * dy + dz * dz <= far * far:
                best = min(best, closest_rows(robot, i, body, j)[0])
    return best


@kernel(error_model="numpy", inline="always")
def _half(capsule: Array) -> float:
    """Half the length (m) of a capsule's axis."""
    dx, dy, dz = capsule[3] - capsule[0], capsule[4] - capsule[1], capsule[5] - capsule[2]
    return 0.5 * sqrt(dx * dx + dy * dy + dz * dz)


def pinned(body: Array, away: Array, boxes: Sequence[Box], gap: float) -> bool:
    """Whether a touched capsule (7,) is nearer than `gap` (m) to something fixed on its other side.

    `away` is the unit vector from the robot to it; boxes are x, y, z from, x, y, z to (m).
    """
    for box in boxes:
        low, high = np.array(box[:3]), np.array(box[3:])
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            point = body[:3] * (1 - share) + body[3:6] * share
            way = np.clip(point, low, high) - point
            if float(np.linalg.norm(way)) - body[6] < gap and float(way @ away) >= 0.0:
                return True
    return False
