"""Compiled checks that several rules share: finite numbers, zones, nearness."""

from __future__ import annotations

from math import inf, isfinite, sqrt
from typing import Annotated

import numpy as np
from numba import njit
from pydantic import AfterValidator, Field

from genba.sim.compiled import kernel
from genba.sim.separation import closest
from genba.sim.state import Array

SOUND = 0
NOT_FINITE = 1
WRONG_SHAPE = 2
OUT_OF_SPACE = 3  # a policy's answer outside [-1, 1]
LARGEST = 1e100  # rad and m: no place is beyond, and what is reckoned of it is still a number


def _ordered(box: list[float]) -> list[float]:
    if not all(low < high for low, high in zip(box[:3], box[3:], strict=True)):
        raise ValueError("must be [x0, y0, z0, x1, y1, z1] with x0 < x1, y0 < y1, z0 < z1")
    return box


Box = Annotated[
    list[float], Field(min_length=6, max_length=6), AfterValidator(_ordered)
]  # m, world frame


def boxes(zones: list[Box]) -> Array:
    """Zones as rows of six, shape (k, 6)."""
    return np.array(zones, dtype=np.float64).reshape(-1, 6)


@kernel()
def motion_fault(n: int, dq: Array, tcp_velocity: Array, capsule_velocities: Array) -> int:
    """SOUND, WRONG_SHAPE or NOT_FINITE: commanded velocities of a robot of n joints."""
    if dq.shape[0] != n or tcp_velocity.shape[0] != 6 or capsule_velocities.shape[1] != 6:
        return WRONG_SHAPE
    for x in dq:
        if not -inf < x < inf:
            return NOT_FINITE
    for x in tcp_velocity:
        if not -inf < x < inf:
            return NOT_FINITE
    for x in capsule_velocities.flat:
        if not -inf < x < inf:
            return NOT_FINITE
    return SOUND


@kernel()
def robot_fault(
    like: tuple[int, int], q: Array, dq: Array, tcp: Array, twist: Array, rows: Array, moves: Array
) -> int:
    """SOUND, WRONG_SHAPE or NOT_FINITE: a measured robot of like = (joints, capsules).

    A place beyond LARGEST and a radius below 0 count as not finite.
    """
    n, c = like
    if q.shape[0] != n or tcp.shape[0] != 7 or rows.shape[0] != c or rows.shape[1] != 7:
        return WRONG_SHAPE
    if moves.shape[0] != c:
        return WRONG_SHAPE
    for x in q:
        if not abs(x) < LARGEST:
            return NOT_FINITE
    for x in tcp:
        if not abs(x) < LARGEST:
            return NOT_FINITE
    for x in rows.flat:
        if not abs(x) < LARGEST:
            return NOT_FINITE
    for i in range(c):
        if rows[i, 6] < 0.0:
            return NOT_FINITE
    return motion_fault(n, dq, twist, moves)


@kernel()
def finite(values: Array) -> bool:
    """Whether all values (n,) are numbers, and none infinite."""
    return not _none(values, inf)


@kernel(inline="always")
def _none(values: Array, bound: float) -> bool:
    """Whether one of the values (n,) is no number below the bound."""
    bad = False
    for k in range(values.shape[0]):
        bad |= not abs(values[k]) < bound
    return bad


@kernel(inline="always")
def _nones(rows: Array, bound: float) -> bool:
    bad = False
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            bad |= not abs(rows[i, k]) < bound
    return bad


@kernel()
def sound(
    n: int, asked: Array, tool: Array, rows: Array,
    q: Array, dq: Array, tcp: Array, twist: Array, capsules: Array, moves: Array,
) -> bool:  # fmt: skip
    """Whether a command (asked, tool, rows) and a measured robot of n joints are both SOUND.

    The answer of `motion_fault` and `robot_fault` together, without saying which.
    """
    c = rows.shape[0]
    if asked.shape[0] != n or tool.shape[0] != 6 or rows.shape[1] != 6:
        return False
    if q.shape[0] != n or dq.shape[0] != n or tcp.shape[0] != 7 or twist.shape[0] != 6:
        return False
    if capsules.shape[0] != c or capsules.shape[1] != 7:
        return False
    if moves.shape[0] != c or moves.shape[1] != 6:
        return False
    bad = _none(asked, inf) | _none(tool, inf) | _none(dq, inf) | _none(twist, inf)
    bad |= _none(q, LARGEST) | _none(tcp, LARGEST) | _nones(capsules, LARGEST)
    for i in range(c):
        bad |= capsules[i, 6] < 0.0
    return not (bad | _nones(rows, inf) | _nones(moves, inf))


@kernel()
def size(asked: Array, grip: float) -> float:
    """Greatest size of the components of a policy's answer, infinity where one is no number."""
    worst = abs(grip) if isfinite(grip) else inf
    for x in asked.flat:
        worst = max(worst, abs(x)) if isfinite(x) else inf
    return worst


@kernel()
def tool_speed(asked: Array, measured: Array, tolerance: float) -> float:
    """The faster (m/s) of two twists (6,), of the measured one `tolerance` less; NaN is kept."""
    one = sqrt(asked[0] * asked[0] + asked[1] * asked[1] + asked[2] * asked[2])
    two = sqrt(measured[0] * measured[0] + measured[1] * measured[1] + measured[2] * measured[2])
    return two - tolerance if two - tolerance > one else one


@kernel()
def answer(asked: Array, grip: float, bound: float) -> tuple[int, float]:
    """What a policy's answer is (SOUND, NOT_FINITE, OUT_OF_SPACE), and its greatest size."""
    if not isfinite(grip):
        return NOT_FINITE, 0.0
    worst = abs(grip)
    for x in asked.flat:
        if not isfinite(x):
            return NOT_FINITE, 0.0
        worst = max(worst, abs(x))
    return (SOUND if worst <= bound else OUT_OF_SPACE), worst


@kernel()
def sound_capsule(bodies: Array, j: int) -> bool:
    """Whether row j is a capsule of this world: finite, not too far away, no radius below 0."""
    total = 0.0
    for k in range(7):
        total += abs(bodies[j, k])
    return bool(total < LARGEST and bodies[j, 6] >= 0.0)


@kernel()
def bounding_ball(capsule: Array) -> tuple[float, float, float, float]:
    """Centre and radius of the smallest ball around a capsule."""
    dx, dy, dz = capsule[3] - capsule[0], capsule[4] - capsule[1], capsule[5] - capsule[2]
    half = 0.5 * sqrt(dx * dx + dy * dy + dz * dz)
    x, y, z = capsule[0] + 0.5 * dx, capsule[1] + 0.5 * dy, capsule[2] + 0.5 * dz
    return x, y, z, half + capsule[6]


@kernel()
def ball_of(bodies: Array, i: int, first: int) -> tuple[float, float, float, float]:
    """`bounding_ball` of the capsule in row i from column `first` on: rows cost to take out."""
    x, y, z = bodies[i, first], bodies[i, first + 1], bodies[i, first + 2]
    dx, dy, dz = bodies[i, first + 3] - x, bodies[i, first + 4] - y, bodies[i, first + 5] - z
    half = 0.5 * sqrt(dx * dx + dy * dy + dz * dz)
    return x + 0.5 * dx, y + 0.5 * dy, z + 0.5 * dz, half + bodies[i, first + 6]


@kernel()
def faster_end(rows: Array, i: int, first: int) -> float:
    """Speed (m/s) of the faster end, whose velocities are in row i from column `first` on.

    What is no number stays none.
    """
    one, two = 0.0, 0.0
    for k in range(first, first + 3):
        one += rows[i, k] * rows[i, k]
        two += rows[i, k + 3] * rows[i, k + 3]
    return sqrt(max(one, two)) + 0.0 * (one + two)


@njit(cache=True)
def bounding_balls(body: Array) -> Array:
    """Rows of centre and radius (m, 4) of the balls around the capsules of a body (m, 7)."""
    balls = np.empty((body.shape[0], 4))
    for j in range(body.shape[0]):
        balls[j, 0], balls[j, 1], balls[j, 2], balls[j, 3] = bounding_ball(body[j])
    return balls


@njit(cache=True, error_model="numpy")
def gap(robot: Array, body: Array, cutoff: float) -> float:
    """Least distance (m) between capsules where it is below `cutoff`, else infinity.

    Minus infinity where a number is bad: whoever asks how near a person is must then act.
    """
    least = inf
    for j in range(body.shape[0]):
        if not sound_capsule(body, j):
            return -inf
    balls = bounding_balls(body)
    for i in range(robot.shape[0]):
        x, y, z, r = bounding_ball(robot[i])
        for j in range(body.shape[0]):
            dx, dy, dz = balls[j, 0] - x, balls[j, 1] - y, balls[j, 2] - z
            far = cutoff + r + balls[j, 3]
            if dx * dx + dy * dy + dz * dz > far * far:
                continue
            least = min(least, closest(robot[i], body[j])[0])
    return least if least < cutoff else inf


@kernel()
def touches(zones: Array, body: Array) -> bool:
    """Whether a capsule reaches into a box: its axis against the box grown by its radius.

    Errs to the safe side at the corners of the box, and where a number is bad.
    """
    for k in range(zones.shape[0]):
        for j in range(body.shape[0]):
            if not sound_capsule(body, j):
                return True
            low, high, outside = 0.0, 1.0, False
            for axis in range(3):
                p, way = body[j, axis], body[j, axis + 3] - body[j, axis]
                near = zones[k, axis] - body[j, 6] - p
                far = zones[k, axis + 3] + body[j, 6] - p
                if abs(way) < 1e-12:
                    outside = outside or near > 0.0 or far < 0.0
                    continue
                s, t = near / way, far / way
                if s > t:
                    s, t = t, s
                low = s if s > low else low
                high = t if t < high else high
            if not (outside or low > high):
                return True
    return False
