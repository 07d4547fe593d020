"""Robot against body between two safety ticks: separation, margin, and touches however short."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit

from genba.sim.compiled import ROOM, kernel
from genba.sim.gait import PELVIS
from genba.sim.separation import Capsule, apart, closest
from genba.sim.state import Array

# Columns of a touch, one row a body capsule: shares of the tick in which it began and was last
# seen (0: no touch), greatest closing speed, robot capsule and speed there, unit normal from the
# robot to the body, the body's capsule, and the greatest speeds of all that touches of the robot
# alone: towards the body, and in any direction
FIRST, LAST, CLOSING, LINK, ROBOT_SPEED, NORMAL, POINT, TOWARDS, FASTEST, COLUMNS = (
    0,
    1,
    2,
    3,
    4,
    5,
    8,
    15,
    16,
    17,
)
FIXED = 6  # numbers of a memory before those of the last tick
STANDING = 0.05  # m/s below which a robot stands: tool speed tolerance of a real PL d arm (P)
_STEPS = 8  # looks between two ticks where capsules could have met


@kernel(error_model="numpy", inline="always")
def _along(velocities: Array, i: int, s: float) -> tuple[float, float, float]:
    v = velocities[i]
    return (
        v[0] + s * (v[3] - v[0]),
        v[1] + s * (v[4] - v[1]),
        v[2] + s * (v[5] - v[2]),
    )


@kernel(error_model="numpy")
def _stopping(dq: Array, brakes: Array, top: float, a: float) -> float:
    """Seconds until a robot stands that brakes along its path now.

    Of its joint speeds dq (n,) and the deceleration of its joints (n,), all slowing down evenly;
    without those of its top speed (m/s) and a (m/s^2).
    """
    if brakes.size == 0:
        return top / a
    time = 0.0
    for i in range(brakes.size):
        time = max(time, abs(dq[i]) / brakes[i])
    return time


@kernel(error_model="numpy")
def _speeds(velocities: Array, out: Array) -> float:
    """The greatest speed (m/s) of the ends of each robot capsule into `out`; and of them all."""
    top = 0.0
    for i in range(velocities.shape[0]):
        v = velocities[i]
        square = max(v[0] ** 2 + v[1] ** 2 + v[2] ** 2, v[3] ** 2 + v[4] ** 2 + v[5] ** 2)
        out[i] = sqrt(square)
        top = max(top, out[i])
    return top


@kernel(error_model="numpy")
def _spheres(capsules: Array, out: Array) -> None:
    """A sphere about each capsule: rows of centre and radius."""
    for i in range(capsules.shape[0]):
        c = capsules[i]
        out[i, 0], out[i, 1], out[i, 2] = c[0] + c[3], c[1] + c[4], c[2] + c[5]
        dx, dy, dz = c[3] - c[0], c[4] - c[1], c[5] - c[2]
        out[i, 3] = 0.5 * sqrt(dx * dx + dy * dy + dz * dz) + c[6]
        for k in range(3):
            out[i, k] *= 0.5


@kernel(error_model="numpy", inline="always")
def _apart(balls: Array, i: int, j: int, gap: float) -> bool:
    """Are two spheres further apart than `gap`?"""
    dx, dy, dz = balls[i, 0] - balls[j, 0], balls[i, 1] - balls[j, 1], balls[i, 2] - balls[j, 2]
    far = gap + balls[i, 3] + balls[j, 3]
    return bool(far < 0.0 or dx * dx + dy * dy + dz * dz > far * far)


@kernel(error_model="numpy")
def _separate(
    a: Array, av: Array, b: Array, laws: tuple[float, float], balls: Array, needs: Array,
    nearest: Array,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Least distance, least margin d - S*, and the distance and directed speed of that margin.

    `laws` are v_h (m/s) and the time (s) in which the robot could stand: S* = v_h T + v T / 2.

    Who walks up to a robot at rest breaches nothing, and pairs that touch are a contact: there the
    margin is the distance, not below 0. `nearest` is the pair that was nearest the last time, and
    is set anew: looked at first, it makes most of the others too far off to matter. `needs` (n,)
    come as the speeds of the robot's capsules (m/s).
    """
    n, m = a.shape[0], b.shape[0]
    least, worst, far, fast = np.inf, np.inf, np.inf, 0.0
    approach, stop = laws
    for i in range(n):
        needs[i] = stop * (approach + 0.5 * needs[i])
    start = int(nearest[1])
    for k in range(m):
        j = start + k if start + k < m else start + k - m
        for i in range(n):
            # no nearer than the nearest, nor of less margin than the least, at whatever speed
            if _apart(balls, i, n + j, max(least, worst + needs[i])):
                continue
            d, s, _, nx, ny, nz = closest(a[i], b[j])
            if d < least:
                least, nearest[0], nearest[1] = d, i, j
            if max(d, 0.0) - needs[i] < worst:
                vx, vy, vz = _along(av, i, s)
                v = max(0.0, vx * nx + vy * ny + vz * nz)
                margin = d - stop * (approach + 0.5 * v)
                if d <= 0.0 or vx * vx + vy * vy + vz * vz < STANDING * STANDING:
                    margin = max(0.0, d)
                if margin < worst:
                    worst, far, fast = margin, d, v
    return least, worst, far, fast


@kernel(error_model="numpy")
def _moved(now: Array, before: Array) -> float:
    """The longest way (m) of any capsule end."""
    top = 0.0
    for i in range(now.shape[0]):
        for k in (0, 3):
            dx = now[i, k] - before[i, k]
            dy = now[i, k + 1] - before[i, k + 1]
            dz = now[i, k + 2] - before[i, k + 2]
            top = max(top, dx * dx + dy * dy + dz * dz)
    return sqrt(top)


@kernel(error_model="numpy", inline="always")
def _between(now: Array, before: Array, i: int, f: float) -> Capsule:
    """Row i at a share of the tick."""
    return (
        before[i, 0] + f * (now[i, 0] - before[i, 0]),
        before[i, 1] + f * (now[i, 1] - before[i, 1]),
        before[i, 2] + f * (now[i, 2] - before[i, 2]),
        before[i, 3] + f * (now[i, 3] - before[i, 3]),
        before[i, 4] + f * (now[i, 4] - before[i, 4]),
        before[i, 5] + f * (now[i, 5] - before[i, 5]),
        before[i, 6] + f * (now[i, 6] - before[i, 6]),
    )


@kernel(error_model="numpy")
def _meet(
    pair: tuple[Array, Array, Array, Array], last: tuple[Array, Array, Array, Array],
    i: int, j: int, steps: int, touched: Array,
) -> int:  # fmt: skip
    """Look at capsules i and j at `steps` instants since the last tick; note a touch in row j."""
    a, av, b, bv = pair
    a0, av0, b0, bv0 = last
    found = 0
    row = touched[j]
    for m in range(1, steps + 1):
        there = _between(b, b0, j, m / steps)
        d, s, t, nx, ny, nz = apart(_between(a, a0, i, m / steps), there)
        if d > 0.0:
            continue
        found = 1
        if row[LAST] == 0.0:
            row[FIRST], row[CLOSING], row[TOWARDS], row[FASTEST] = 1.0, -1.0, 0.0, 0.0
        row[FIRST] = min(row[FIRST], (m - 1) / steps)
        row[LAST] = max(row[LAST], m / steps)
        for k in range(2):  # the faster of before and after: the touch itself slows the robot
            vx, vy, vz = _along(av0 if k == 0 else av, i, s)
            wx, wy, wz = _along(bv0 if k == 0 else bv, j, t)
            row[TOWARDS] = max(row[TOWARDS], vx * nx + vy * ny + vz * nz)
            row[FASTEST] = max(row[FASTEST], sqrt(vx * vx + vy * vy + vz * vz))
            closing = max(0.0, (vx - wx) * nx + (vy - wy) * ny + (vz - wz) * nz)
            if closing > row[CLOSING]:
                row[CLOSING], row[LINK] = closing, i
                row[ROBOT_SPEED] = sqrt(vx * vx + vy * vy + vz * vz)
                row[NORMAL], row[NORMAL + 1], row[NORMAL + 2] = nx, ny, nz
                for n in range(7):
                    row[POINT + n] = there[n]
    return found


def memory(c: int, b: int, laws: tuple[float, float, float]) -> Array:
    """What `look` keeps of c robot and b body capsules: nothing yet; and room that it works in. The
    laws are the horizon (m), v_h (m/s) and a (m/s^2).
    """
    kept = np.zeros(FIXED + 13 * (c + b) + 4 * (c + b) + c)
    kept[3:FIXED] = laws
    return kept


@kernel(error_model="numpy")
def look(
    a: Array, av: Array, b: Array, bv: Array, memory: Array, touched: Array, dq: Array,
    brakes: Array,
) -> tuple[int, float, float, float, float]:  # fmt: skip
    """How many body capsules the robot touched since the last tick; least separation, least
    margin, and that margin's separation (m) and speed (m/s); infinities where the person is beyond
    the horizon.

    `a` (c, 7) and `av` (c, 6) are the robot's, `b` and `bv` the body's; dq (n,) the joints' speeds
    in rad/s and `brakes` (n,) their deceleration in rad/s^2, or empty. `memory`: whether the last
    tick is known, the pair that was nearest, the laws, and the last tick. Where something was
    touched the rows of `touched` are filled.
    """
    n, m = a.shape[0], b.shape[0]
    x, y = b[PELVIS, 0] - a[0, 0], b[PELVIS, 1] - a[0, 1]
    if x * x + y * y > memory[3] * memory[3]:
        memory[0] = 0.0
        return 0, np.inf, np.inf, np.inf, 0.0
    ends = FIXED + 7 * n, FIXED + 13 * n, FIXED + 13 * n + 7 * m, FIXED + 13 * (n + m)
    if memory.shape[0] != ends[3] + 4 * (n + m) + n:
        raise ValueError(ROOM)
    balls = memory[ends[3] : ends[3] + 4 * (n + m)].reshape((n + m, 4))
    needs = memory[ends[3] + 4 * (n + m) :]
    _spheres(a, balls[:n])
    _spheres(b, balls[n:])
    stop = _stopping(dq, brakes, _speeds(av, needs), memory[5])
    least, worst, far, fast = _separate(a, av, b, (memory[4], stop), balls, needs, memory[1:3])
    a0 = memory[FIXED : ends[0]].reshape((n, 7))
    av0 = memory[ends[0] : ends[1]].reshape((n, 6))
    b0 = memory[ends[1] : ends[2]].reshape((m, 7))
    bv0 = memory[ends[2] : ends[3]].reshape((m, 6))
    count = 0
    known = memory[0] != 0.0
    way = _moved(a, a0) + _moved(b, b0) if known else 0.0  # nobody came closer than by this
    if least <= way:
        for j in range(touched.shape[0]):
            touched[j, LAST] = 0.0
        pair = (a, av, b, bv)
        last = (a0, av0, b0, bv0) if known else pair
        for j in range(m):
            found = 0
            for i in range(n):
                if not _apart(balls, i, n + j, way):
                    found |= _meet(pair, last, i, j, _STEPS if known else 1, touched)
            count += found
    memory[0] = 1.0
    _copy(a, av, memory, FIXED)
    _copy(b, bv, memory, ends[1])
    return count, least, worst, far, fast


@kernel(error_model="numpy")
def _copy(capsules: Array, velocities: Array, memory: Array, at: int) -> None:
    for i in range(capsules.shape[0]):
        for k in range(7):
            memory[at + 7 * i + k] = capsules[i, k]
    at += 7 * capsules.shape[0]
    for i in range(velocities.shape[0]):
        for k in range(6):
            memory[at + 6 * i + k] = velocities[i, k]


@njit(cache=True, error_model="numpy")
def pushes(a: Array, av: Array, b: Array, bv: Array, spring: tuple[float, float, float]) -> Array:
    """Rows (k, 7) of robot capsule, point and force on the robot, for each body capsule touched.

    `spring` is stiffness N/m, damping N s/m and the greatest force N. The deepest robot capsule is
    the one that is pushed.
    """
    rows = np.empty((b.shape[0], 7))
    count = 0
    for j in range(b.shape[0]):
        deepest, link = 0.0, -1
        for i in range(a.shape[0]):
            d = closest(a[i], b[j])[0]
            if d < deepest:
                deepest, link = d, i
        if link < 0:
            continue
        d, s, t, nx, ny, nz = closest(a[link], b[j])
        vx, vy, vz = _along(av, link, s)
        wx, wy, wz = _along(bv, j, t)
        closing = (vx - wx) * nx + (vy - wy) * ny + (vz - wz) * nz
        force = min(spring[2], max(0.0, -spring[0] * d + spring[1] * closing))
        c = a[link]
        row = rows[count]
        row[0] = link
        row[1] = c[0] + s * (c[3] - c[0]) + c[6] * nx
        row[2] = c[1] + s * (c[4] - c[1]) + c[6] * ny
        row[3] = c[2] + s * (c[5] - c[2]) + c[6] * nz
        row[4], row[5], row[6] = -force * nx, -force * ny, -force * nz
        count += 1
    return rows[:count]
