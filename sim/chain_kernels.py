"""The arithmetic under sim/kinematics.py: forward kinematics, velocities and their inverse.

All frames are rows of twelve numbers (rotation matrix by rows, then position), world = cell frame.
The kernels read one table of a chain: row 0 the base, rows 1..n the joints (rotation about z after
the row's frame), row n + 1 the tool, and from row n + 2 the capsules (frame index, then the seven
numbers). Columns 12..14 of joint rows: greatest speed, home, pull towards home in the null space.
"""

from __future__ import annotations

from math import cos, sin, sqrt

import numpy as np
from numba import njit

from genba.sim.compiled import ROOM, kernel
from genba.sim.state import Array

Joints = Array | tuple[float, ...]  # (n,), as the physics engine gives them

REGULAR = 0.015  # least sqrt(det(J J')) of a pose where nothing is damped (D)
DAMPING = 0.05  # damping at a singularity (D)
PULL_SPEED = 0.1  # m/s and rad/s of the twist at which the pull is full (D)
SQUARED_FLOOR = 1e-10  # damping squared that keeps the factor regular, far below any effect


def room(joints: int) -> Array:
    """`state` and `twist_command` work in it."""
    return np.empty(18 * (joints + 2) + 7 * joints + 42)


@kernel(error_model="numpy")
def frames_into(q: Joints, table: Array, out: Array) -> None:
    """The frames (n + 2, 12) of base, joints and tool at q (n,) rad into `out`."""
    n = len(q)
    for k in range(12):
        out[0, k] = table[0, k]
    for k in range(1, n + 2):
        c, s = 1.0, 0.0
        if k <= n:
            c, s = cos(q[k - 1]), sin(q[k - 1])
        for r in range(3):
            a, b, d = out[k - 1, 3 * r], out[k - 1, 3 * r + 1], out[k - 1, 3 * r + 2]
            x = a * table[k, 0] + b * table[k, 3] + d * table[k, 6]
            y = a * table[k, 1] + b * table[k, 4] + d * table[k, 7]
            out[k, 3 * r] = c * x + s * y
            out[k, 3 * r + 1] = c * y - s * x
            out[k, 3 * r + 2] = a * table[k, 2] + b * table[k, 5] + d * table[k, 8]
            x = out[k - 1, 9 + r] + a * table[k, 9]
            out[k, 9 + r] = x + b * table[k, 10] + d * table[k, 11]


@njit(cache=True, error_model="numpy")
def frames_of(q: Joints, table: Array) -> Array:
    """`frames_into` an array of its own."""
    out = np.empty((len(q) + 2, 12))
    frames_into(q, table, out)
    return out


@kernel(error_model="numpy")
def _speeds(frames: Array, dq: Array, out: Array) -> None:
    """Rows of six: turning of each link (rad/s) and velocity of its origin (m/s)."""
    n = dq.size
    for k in range(6):
        out[0, k] = 0.0
    for k in range(1, n + 2):
        w0, w1, w2 = out[k - 1, 0], out[k - 1, 1], out[k - 1, 2]
        x = frames[k, 9] - frames[k - 1, 9]
        y = frames[k, 10] - frames[k - 1, 10]
        z = frames[k, 11] - frames[k - 1, 11]
        out[k, 3] = out[k - 1, 3] + w1 * z - w2 * y
        out[k, 4] = out[k - 1, 4] + w2 * x - w0 * z
        out[k, 5] = out[k - 1, 5] + w0 * y - w1 * x
        rate = dq[k - 1] if k <= n else 0.0
        out[k, 0] = w0 + rate * frames[k, 2]
        out[k, 1] = w1 + rate * frames[k, 5]
        out[k, 2] = w2 + rate * frames[k, 8]


@kernel(error_model="numpy")
def _capsules(frames: Array, table: Array, where: Array) -> None:
    first = frames.shape[0]
    for i in range(where.shape[0]):
        row = first + i  # by number: to take a row out costs more than what is done with it
        k = int(table[row, 0])
        where[i, 6] = table[row, 7]
        for e in range(0, 6, 3):
            x, y, z = table[row, 1 + e], table[row, 2 + e], table[row, 3 + e]
            for r in range(3):
                turned = frames[k, 3 * r] * x + frames[k, 3 * r + 1] * y + frames[k, 3 * r + 2] * z
                where[i, e + r] = frames[k, 9 + r] + turned


@kernel(error_model="numpy")
def capsules_at(q: Array, table: Array, frames: Array, out: Array) -> None:
    """The capsules (c, 7) of joint positions q (n,) into `out`, and the frames (n + 2, 12)."""
    frames_into(q, table, frames)
    _capsules(frames, table, out)


@kernel(error_model="numpy")
def _motions(frames: Array, speeds: Array, table: Array, moving: Array) -> None:
    first = frames.shape[0]
    for i in range(moving.shape[0]):
        row = first + i
        k = int(table[row, 0])
        wx, wy, wz = speeds[k, 0], speeds[k, 1], speeds[k, 2]
        for e in range(0, 6, 3):
            a, b, c = table[row, 1 + e], table[row, 2 + e], table[row, 3 + e]
            x = frames[k, 0] * a + frames[k, 1] * b + frames[k, 2] * c
            y = frames[k, 3] * a + frames[k, 4] * b + frames[k, 5] * c
            z = frames[k, 6] * a + frames[k, 7] * b + frames[k, 8] * c
            moving[i, e] = speeds[k, 3] + wy * z - wz * y
            moving[i, e + 1] = speeds[k, 4] + wz * x - wx * z
            moving[i, e + 2] = speeds[k, 5] + wx * y - wy * x


@kernel(error_model="numpy")
def _pose(r: Array, out: Array) -> None:
    """Position and quaternion x y z w, its greatest component positive."""
    out[0], out[1], out[2] = r[9], r[10], r[11]
    t = r[0] + r[4] + r[8]
    if t > r[0] and t > r[4] and t > r[8]:
        s = 2.0 * sqrt(1.0 + t)
        out[3], out[4], out[5] = (r[7] - r[5]) / s, (r[2] - r[6]) / s, (r[3] - r[1]) / s
        out[6] = s / 4.0
    elif r[0] >= r[4] and r[0] >= r[8]:
        s = 2.0 * sqrt(1.0 + r[0] - r[4] - r[8])
        out[4], out[5], out[6] = (r[1] + r[3]) / s, (r[2] + r[6]) / s, (r[7] - r[5]) / s
        out[3] = s / 4.0
    elif r[4] >= r[8]:
        s = 2.0 * sqrt(1.0 + r[4] - r[0] - r[8])
        out[3], out[5], out[6] = (r[1] + r[3]) / s, (r[5] + r[7]) / s, (r[2] - r[6]) / s
        out[4] = s / 4.0
    else:
        s = 2.0 * sqrt(1.0 + r[8] - r[0] - r[4])
        out[3], out[4], out[6] = (r[2] + r[6]) / s, (r[5] + r[7]) / s, (r[3] - r[1]) / s
        out[5] = s / 4.0


@kernel(error_model="numpy")
def _twist(speed: Array, out: Array) -> None:
    for j in range(3):
        out[j], out[3 + j] = speed[3 + j], speed[j]


@kernel(error_model="numpy")
def jacobian_into(frames: Array, out: Array) -> None:
    """`tool_jacobian` into `out` (6, n)."""
    n = frames.shape[0] - 2
    for i in range(n):
        z0, z1, z2 = frames[i + 1, 2], frames[i + 1, 5], frames[i + 1, 8]
        x = frames[n + 1, 9] - frames[i + 1, 9]
        y = frames[n + 1, 10] - frames[i + 1, 10]
        z = frames[n + 1, 11] - frames[i + 1, 11]
        out[0, i], out[1, i], out[2, i] = z1 * z - z2 * y, z2 * x - z0 * z, z0 * y - z1 * x
        out[3, i], out[4, i], out[5, i] = z0, z1, z2


@njit(cache=True, error_model="numpy")
def tool_jacobian(frames: Array) -> Array:
    """(6, n): how each joint moves and turns the tool, of the frames of a pose."""
    out = np.empty((6, frames.shape[0] - 2))
    jacobian_into(frames, out)
    return out


@kernel(error_model="numpy")
def _factor(jac: Array, squared: float, low: Array) -> float:
    """Cholesky factor of J J' + squared I into `low` (6, 6); the product of its diagonal."""
    volume = 1.0
    for i in range(6):
        for j in range(i + 1):
            s = squared if i == j else 0.0
            for k in range(jac.shape[1]):
                s += jac[i, k] * jac[j, k]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            low[i, j] = sqrt(s) if i == j else s / low[j, j]
        volume *= low[i, i]
    return volume


@kernel(error_model="numpy")
def _solve(jac: Array, twist: Array, pull: Array, work: Array, dq: Array) -> None:
    """Into `dq` (n,) what is nearest to `pull` and gives `twist`, damped near singularities."""
    low, y = work[:36].reshape((6, 6)), work[36:42]
    volume = _factor(jac, SQUARED_FLOOR, low)
    if volume < REGULAR:
        _factor(jac, SQUARED_FLOOR + (DAMPING * (1.0 - volume / REGULAR)) ** 2, low)
    n = jac.shape[1]
    for i in range(6):
        s = twist[i]
        for k in range(n):
            s -= jac[i, k] * pull[k]
        for k in range(i):
            s -= low[i, k] * y[k]
        y[i] = s / low[i, i]
    for i in range(5, -1, -1):
        s = y[i]
        for k in range(i + 1, 6):
            s -= low[k, i] * y[k]
        y[i] = s / low[i, i]
    for k in range(n):
        s = pull[k]
        for i in range(6):
            s += jac[i, k] * y[i]
        dq[k] = s


@njit(cache=True, error_model="numpy")
def solve(jac: Array, twist: Array, pull: Array) -> Array:
    """`_solve` into an array of its own."""
    dq = np.empty(jac.shape[1])
    _solve(jac, twist, pull, np.empty(42), dq)
    return dq


@kernel(error_model="numpy")
def _resolve(frames: Array, q: Array, twist: Array, table: Array, work: Array, dq: Array) -> None:
    """Into `dq` (n,) what `joint_velocity` answers; `work` (7 n + 42,)."""
    n = q.size
    jac, pull = work[: 6 * n].reshape((6, n)), work[6 * n : 7 * n]
    size = 0.0
    for i in range(6):
        size += twist[i] * twist[i]
    share = min(1.0, sqrt(size) / PULL_SPEED)  # a robot asked to stand must stand
    for k in range(n):
        pull[k] = share * table[k + 1, 14] * (table[k + 1, 13] - q[k])
    jacobian_into(frames, jac)
    _solve(jac, twist, pull, work[7 * n :], dq)
    worst = 1.0
    for k in range(n):
        worst = max(worst, abs(dq[k]) / table[k + 1, 12])
    for k in range(n):
        dq[k] /= worst


@kernel(error_model="numpy")
def state(q: Joints, dq: Joints, table: Array, out: Array, room: Array) -> None:
    """Into `out`, one after the other: q, dq (n,), TCP pose (7,), its twist (6,), capsules (c, 7)
    and the velocities of their ends (c, 6).
    """
    n = len(q)
    c = table.shape[0] - n - 2
    at, first = 2 * n + 13, 12 * (n + 2)
    where = out[at : at + 7 * c].reshape((c, 7))
    moving = out[at + 7 * c : at + 13 * c].reshape((c, 6))
    for k in range(n):
        out[k], out[n + k] = q[k], dq[k]
    frames = room[:first].reshape((n + 2, 12))
    speeds = room[first : first + 6 * (n + 2)].reshape((n + 2, 6))
    frames_into(q, table, frames)
    _speeds(frames, out[n : 2 * n], speeds)
    _pose(frames[n + 1], out[2 * n : 2 * n + 7])
    _twist(speeds[n + 1], out[2 * n + 7 : at])
    _capsules(frames, table, where)
    _motions(frames, speeds, table, moving)


@njit(cache=True, error_model="numpy")
def consequence(q: Array, dq: Array, table: Array) -> tuple[Array, Array]:
    """Twist of the TCP (6,) and velocities of the capsules (c, 6) that dq gives."""
    n = q.size
    twist, moving = np.empty(6), np.empty((table.shape[0] - n - 2, 6))
    moved(frames_of(q, table), dq, table, np.empty((n + 2, 6)), twist, moving)
    return twist, moving


@kernel(error_model="numpy")
def moved(
    frames: Array, dq: Array, table: Array, speeds: Array, twist: Array, moving: Array
) -> None:
    """`consequence` of a pose whose frames are known, into `twist` and `moving`."""
    _speeds(frames, dq, speeds)
    _twist(speeds[dq.size + 1], twist)
    _motions(frames, speeds, table, moving)


@njit(cache=True, error_model="numpy")
def joint_velocity(q: Array, twist: Array, table: Array) -> Array:
    """Joint velocity (n,) that gives the TCP a twist, see Chain.resolve."""
    dq = np.empty(q.size)
    _resolve(frames_of(q, table), q, twist, table, np.empty(7 * q.size + 42), dq)
    return dq


@kernel(error_model="numpy")
def twist_command(q: Array, twist: Array, table: Array, out: Array, room: Array) -> None:
    """Into `out`: joint_velocity (n,) and its consequence, twist (6,) and velocities (c, 6)."""
    n, first = q.size, 12 * (q.size + 2)
    if room.shape[0] != 18 * (n + 2) + 7 * n + 42:
        raise ValueError(ROOM)
    moving = out[n + 6 :].reshape((table.shape[0] - n - 2, 6))
    frames = room[:first].reshape((n + 2, 12))
    speeds = room[first : first + 6 * (n + 2)].reshape((n + 2, 6))
    frames_into(q, table, frames)
    _resolve(frames, q, twist, table, room[first + 6 * (n + 2) :], out[:n])
    moved(frames, out[:n], table, speeds, out[n : n + 6], moving)
