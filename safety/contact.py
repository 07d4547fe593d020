"""Which part of a person the robot touches, how hard that is, and whether the part can get away."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from numba import njit

from genba.safety.geometry import sound_capsule
from genba.sim.body_limits import LIMITS
from genba.sim.compiled import kernel
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.separation import closest
from genba.sim.state import Array

_ROWS = [LIMITS[region] for region in CAPSULE_REGIONS]
# Rows of a body's capsules: greatest transient force (N), stiffness (N/m), effective mass (kg)
BODY: Array = np.array([(b.force * b.transient, b.stiffness, b.mass) for b in _ROWS])
PRESSED: Array = np.array([(b.force, b.stiffness, b.mass) for b in _ROWS])  # quasi-static force

APART = 0.1  # s without a touch, from which the next one is another (D)
NO_FORCE = "the measured force is none"


def limits(body: Array, pressed: bool = False) -> Array:
    """The rows of BODY, or of PRESSED, for the capsules (m, 7) of a body; of one of another make
    the strictest of each.
    """
    rows = PRESSED if pressed else BODY
    if len(body) == len(rows):
        return rows
    strictest = [[rows[:, 0].min(), rows[:, 1].max(), rows[:, 2].max()]]
    return np.repeat(strictest, len(body), axis=0)


@kernel()
def touched(
    robot: Array, speeds: Array, body: Array, moves: Array, table: Array, mass: float, blur: float
) -> tuple[float, int, float, float]:
    """(least distance m, body capsule, force N there, its limit N) of a robot that is touched.

    Of the pairs within `blur` (m) of the nearest the one that is worst: a measured body is not
    more exact than that. Force is the two-body model's at the closing speed, `mass` m_R in kg.
    """
    least = inf
    for j in range(body.shape[0]):
        if not sound_capsule(body, j):  # no body: who asks how near it is must act
            return -inf, j, 0.0, table[j, 0]
    for i in range(robot.shape[0]):
        for j in range(body.shape[0]):
            least = min(least, closest(robot[i], body[j])[0])
    worst, which, force, limit = -1.0, -1, 0.0, inf
    for i in range(robot.shape[0]):
        for j in range(body.shape[0]):
            d, s, t, nx, ny, nz = closest(robot[i], body[j])
            if not d <= least + blur:
                continue
            n = nx, ny, nz
            closing = 0.0
            for k in range(3):
                v = speeds[i, k] + s * (speeds[i, k + 3] - speeds[i, k])
                w = 0.0
                if j < moves.shape[0] and moves.shape[1] >= 6:
                    w = moves[j, k] + t * (moves[j, k + 3] - moves[j, k])
                closing += (v - w) * n[k]
            mu = 1.0 / (1.0 / table[j, 2] + 1.0 / mass)
            f = max(0.0, closing) * sqrt(mu * table[j, 1])
            if f / table[j, 0] > worst or (f / table[j, 0] == worst and table[j, 0] < limit):
                worst, which, force, limit = f / table[j, 0], j, f, table[j, 0]
    return least, which, force, limit


@njit(cache=True)
def held(robot: Array, body: Array, boxes: Array, gap: float) -> bool:
    """Whether a capsule of a body is nearer than `gap` (m) to the robot on one side and on the
    other to a box (k, 6: m, from, to) or to the robot again.
    """
    for j in range(body.shape[0]):
        count = 0
        sides = np.empty((robot.shape[0], 3))  # unit vectors from the robot to the body
        for i in range(robot.shape[0]):
            d, _, _, nx, ny, nz = closest(robot[i], body[j])
            if not d > gap:
                sides[count, 0], sides[count, 1], sides[count, 2] = nx, ny, nz
                count += 1
        for a in range(count):
            for b in range(a):
                if np.dot(sides[a], sides[b]) < -0.5:
                    return True
            for k in range(boxes.shape[0]):
                if _behind(body[j], boxes[k], sides[a], gap):
                    return True
    return False


@njit(cache=True)
def _behind(capsule: Array, box: Array, side: Array, gap: float) -> bool:
    """Whether a box is nearer than `gap` to a capsule on the side that `side` (3,) points to."""
    way = np.empty(3)
    for step in range(5):
        f = step / 4.0
        far, towards = 0.0, 0.0
        for k in range(3):
            p = capsule[k] + f * (capsule[k + 3] - capsule[k])
            way[k] = min(max(p, box[k]), box[k + 3]) - p
            far += way[k] * way[k]
            towards += way[k] * side[k]
        far = sqrt(far)
        if far - capsule[6] < gap and towards >= 0.5 * far:
            return True
    return False
