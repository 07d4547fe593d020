"""Whether a robot that carries out a command for a tick and then brakes keeps clear of people.

The robot: within the tick its joint speeds come as near to the commanded ones as its acceleration
allows; it goes on like that for the reaction time, then brakes along the path: all joints slow down
evenly and stand together, the one that takes longest sets the time. Between three poses of that way
the ends of its capsules are taken to move on straight lines.

People: an end of a body capsule goes at most `spread` m from where it was seen. Its speed is that
of a reach at most or, where the trunk walks, a multiple of the trunk's; the trunk gets faster no
sooner than people start to walk; accelerations are bounded; a limb swings about a trunk that has a
bound of its own; and knees rise no higher than in walking. The least of what these leave holds.
"""

from __future__ import annotations

from math import inf, isfinite, sqrt

import numpy as np
from numba import njit

from genba.sim.chain_kernels import capsules_at
from genba.sim.separation import closest
from genba.sim.state import Array

# The settings' places in the array that the kernels take
REACTION, TICK, Z, V_ERROR, RISE, STANDING = range(6)
# Columns of a body's laws, one row a capsule: top speed (m/s) of a reach, top speed over the
# trunk's, acceleration (m/s^2) of a reach and what walking adds a m/s, swing (m) of a limb about
# the trunk, the trunk's own top speed, how it gains speed, how high (m) the higher end may rise,
# whether the capsule is of the trunk (1), and the speed (m/s) at which the robot may touch it
REACH, GAIT, A, GAIT_A, SWING, TRUNK_V, START, RISES, TRUNK, ALLOWED, LAWS = range(11)
LOOKS = 6  # instants at which the way to standstill is looked at
STILL = 1e-3  # m/s; who asks for less asks for nothing
SCALES = 5  # halvings in search of the greatest scale that is clear


@njit(cache=True, error_model="numpy")
def spread(t: float, speed: float, trunk: float, law: Array) -> float:
    """Way (m) that an end of a body capsule can go in t s; speeds (m/s) of it and the trunk now."""
    reach, start, gait = max(law[REACH], speed), law[START], law[GAIT]
    trunk = min(trunk, law[TRUNK_V])
    # until t1 a reach is faster than the walk, until t2 the walk gets faster
    t1 = min(t, max(0.0, (reach / gait - trunk) / start))
    t2 = min(t, max(t1, (law[TRUNK_V] - trunk) / start))
    own = reach * t1 + gait * (trunk * (t2 - t1) + 0.5 * start * (t2 * t2 - t1 * t1))
    own += max(reach, gait * law[TRUNK_V]) * (t - t2)
    top = max(reach, gait * trunk)  # now
    a = law[A] + law[GAIT_A] * min(law[TRUNK_V], trunk + start * t)
    rising = min(t, (top - speed) / a)
    own -= rising * (top - speed - 0.5 * a * rising)
    swung = law[TRUNK_V] * t + law[SWING]
    least: float = own if own < swung else swung
    return least


@njit(cache=True, error_model="numpy")
def braking(dq: Array, asked: Array, limits: Array, settings: Array) -> tuple[Array, float]:
    """Joint speeds (n,) when braking begins, and the time (s) it takes from there."""
    n = dq.size
    speeds = np.empty(n)
    time = 0.0
    for i in range(n):
        gain = 2.0 * limits[i] * settings[TICK]
        speeds[i] = dq[i] + min(gain, max(-gain, asked[i] - dq[i]))
        time = max(time, abs(speeds[i]) / limits[i])
    return speeds, time + settings[RISE]


@njit(cache=True, error_model="numpy")
def _top_speeds(one: Array, two: Array, way: float) -> Array:
    """The greatest speed (m/s) of either end of each capsule between two poses `way` s apart."""
    out = np.empty(one.shape[0])
    for i in range(out.size):
        top = 0.0
        for k in (0, 3):
            x, y, z = (
                two[i, k] - one[i, k],
                two[i, k + 1] - one[i, k + 1],
                two[i, k + 2] - one[i, k + 2],
            )
            top = max(top, x * x + y * y + z * z)
        out[i] = sqrt(top) / way
    return out


@njit(cache=True, error_model="numpy")
def _between(one: Array, two: Array, f: float, out: Array) -> None:
    for k in range(6):
        out[k] = one[k] + f * (two[k] - one[k])
    out[6] = one[6]


@njit(cache=True, error_model="numpy")
def _place(poses: Array, i: int, share: float, out: Array) -> None:
    """Capsule i at a share of the way from the first pose to the third."""
    if share < 0.5:
        _between(poses[0, i], poses[1, i], 2.0 * share, out)
    else:
        _between(poses[1, i], poses[2, i], 2.0 * share - 1.0, out)


@njit(cache=True, error_model="numpy")
def _clear(
    poses: Array, top: Array, times: tuple[float, float], body: Array, moves: Array, laws: Array,
    settings: Array, late: float, worst: Array,
) -> bool:  # fmt: skip
    """Whether a robot on its way (poses (3, c, 7), top speeds (c,)) keeps clear of one body.

    `times`: s of reaction and of braking. `late`: s since the body was seen. `worst` gets the pair
    of least margin: margin, distance, way needed (m), robot capsule, body capsule.
    """
    react, brake = times
    total = react + brake
    length = react + 0.5 * brake  # s at full speed that cover the whole way
    trunk = 0.0
    m = body.shape[0]
    speeds = np.empty(m)
    for j in range(m):
        v = moves[j]
        one = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
        two = v[3] * v[3] + v[4] * v[4] + v[5] * v[5]
        speeds[j] = sqrt(max(one, two)) + settings[V_ERROR]
        if laws[j, TRUNK] != 0.0:
            trunk = max(trunk, speeds[j])
    lowest = np.empty(poses.shape[1])  # z (m) of each robot capsule on its way
    for i in range(lowest.size):
        lowest[i] = inf
        for p in range(3):
            lowest[i] = min(lowest[i], poses[p, i, 2], poses[p, i, 5])
        lowest[i] -= poses[0, i, 6]
    ca = np.empty(7)
    good = True
    step = total / LOOKS
    for j in range(m):
        b = body[j]
        bx, by, bz = 0.5 * (b[0] + b[3]), 0.5 * (b[1] + b[4]), 0.5 * (b[2] + b[5])
        dx, dy, dz = b[3] - b[0], b[4] - b[1], b[5] - b[2]
        rb = 0.5 * sqrt(dx * dx + dy * dy + dz * dz) + b[6]
        allowed = laws[j, ALLOWED]
        highest = max(b[2], b[5]) + b[6] + laws[j, RISES] + settings[Z]
        furthest = spread(late + total + settings[TICK], speeds[j], trunk, laws[j]) + settings[Z]
        if not isfinite(rb + bx + by + bz + furthest + speeds[j] + trunk):
            worst[0] = -inf
            return False
        for i in range(poses.shape[1]):
            if top[i] <= max(allowed, STILL) or lowest[i] > highest:
                continue
            a = poses[1, i]
            ax, ay, az = (
                0.5 * (a[0] + a[3]) - bx,
                0.5 * (a[1] + a[4]) - by,
                0.5 * (a[2] + a[5]) - bz,
            )
            dx, dy, dz = a[3] - a[0], a[4] - a[1], a[5] - a[2]
            ra = 0.5 * sqrt(dx * dx + dy * dy + dz * dz) + a[6]
            far = furthest + ra + rb + top[i] * length
            if ax * ax + ay * ay + az * az > far * far:
                continue
            for k in range(LOOKS):
                begin = k * step
                speed = top[i] if begin <= react else top[i] * (1.0 - (begin - react) / brake)
                if speed <= allowed or (k > 0 and speed <= settings[STANDING]):
                    break  # the rest of the way it is slow enough
                middle, end = begin + 0.5 * step, begin + step
                gone = middle
                if middle > react:
                    gone = react + (middle - react) - 0.5 * (middle - react) ** 2 / brake
                _place(poses, i, gone / length, ca)
                d = closest(ca, b)[0]
                need = spread(late + end + settings[TICK], speeds[j], trunk, laws[j]) + settings[Z]
                need += 0.5 * step * speed  # the way to either end of this interval
                if d - need < worst[0]:
                    worst[0], worst[1], worst[2], worst[3], worst[4] = d - need, d, need, i, j
                if not d > need:
                    good = False
                    break
    return good


@njit(cache=True, error_model="numpy")
def verify(
    q: Array, dq: Array, asked: Array, table: Array, limits: Array, body: Array, moves: Array,
    laws: Array, settings: Array, late: float, worst: Array,
) -> bool:  # fmt: skip
    """Whether carrying out `asked` (n,) rad/s for a tick and then braking keeps clear of a body.

    q, dq (n,) as measured; `table` of the chain; `limits` (n,) rad/s^2 of braking; the body (m, 7)
    as seen `late` s ago, its velocities `moves` (m, 6) and `laws` (m, LAWS). False where a number
    is bad. `worst` (5,) gets the pair of least margin: margin, distance, way needed (m), robot
    capsule, body capsule.
    """
    speeds, brake = braking(dq, asked, limits, settings)
    react = settings[REACTION]
    n = q.size
    total = late
    for i in range(n):
        total += speeds[i] + q[i]
    if not isfinite(total):
        worst[0] = -inf
        return False
    length = react + 0.5 * brake  # s at full speed that cover the whole way
    poses = np.empty((3, table.shape[0] - n - 2, 7))
    there = np.empty(n)
    for p in range(3):
        for i in range(n):
            there[i] = q[i] + speeds[i] * 0.5 * p * length
        capsules_at(there, table, poses[p])
    top = _top_speeds(poses[0], poses[1], 0.5 * length)
    other = _top_speeds(poses[1], poses[2], 0.5 * length)
    for i in range(top.size):
        top[i] = max(top[i], other[i])
    return _clear(poses, top, (react, brake), body, moves, laws, settings, late, worst)


@njit(cache=True, error_model="numpy")
def greatest_scale(
    q: Array, dq: Array, asked: Array, table: Array, limits: Array, body: Array, moves: Array,
    laws: Array, settings: Array, late: float,
) -> tuple[float, float, float, int, int]:  # fmt: skip
    """The greatest scale of `asked` that `verify` finds clear, to one part in 2^SCALES; and of the
    pair that kept it down: distance, way needed (m), robot capsule and body capsule.
    """
    worst = np.array([inf, inf, 0.0, 0.0, 0.0])
    if verify(q, dq, asked, table, limits, body, moves, laws, settings, late, worst):
        return 1.0, worst[1], worst[2], int(worst[3]), int(worst[4])
    d, need, i, j = worst[1], worst[2], int(worst[3]), int(worst[4])
    low, high = 0.0, 1.0
    for _ in range(SCALES):
        middle = 0.5 * (low + high)
        if verify(q, dq, middle * asked, table, limits, body, moves, laws, settings, late, worst):
            low = middle
        else:
            high = middle
    return low, d, need, i, j
