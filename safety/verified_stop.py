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

from math import inf, isfinite

import numpy as np
from numba import njit

from genba.safety import ways
from genba.safety.crowd import BALL, BODY, FASTER, FIRST, put
from genba.safety.ways import (
    AROUND,
    CONTACT,
    END,
    GAP,
    LOWEST,
    MIDDLE,
    NOW,
    STANDING,
    TICK,
    TOP,
    V_ERROR,
    WAY,
    Z,
    onward,
    stopping_way,
)
from genba.sim.compiled import ROOM, kernel
from genba.sim.separation import closest_rows
from genba.sim.state import Array

# Columns of a body's laws, one row a capsule: top speed (m/s) of a reach, top speed over the
# trunk's, acceleration (m/s^2) of a reach and what walking adds a m/s, swing (m) of a limb about
# the trunk, the trunk's own top speed, how it gains speed, how high (m) the higher end may rise,
# whether the capsule is of the trunk (1), and the speed (m/s) at which the robot may touch it where
# it is free and where it can be clamped or is touched
REACH, GAIT, A, GAIT_A, SWING, TRUNK_V, START, RISES, TRUNK, ALLOWED, CLAMPED, LAWS = range(12)
LOOKS = 6  # instants at which the way to standstill is looked at
STILL = 1e-3  # m/s; who asks for less asks for nothing
Moving = tuple[Array, Array, Array, Array]  # q, dq, asked (n,) and the capsules' velocities (c, 6)
LEVELS = 32  # shares of the speed that are tried in search of the greatest that is clear
NOISE = 1.05  # times the speed that is allowed, which a measured one may seem to be (D)
ROUNDING = 1e-9  # m, what a bound that spares arithmetic leaves to it


@kernel(error_model="numpy")
def spread_row(t: float, speed: float, trunk: float, laws: Array, j: int) -> float:
    """`spread` by row j of laws: to take the row out costs as much as the arithmetic."""
    reach, start, gait = max(laws[j, REACH], speed), laws[j, START], laws[j, GAIT]
    most = max(laws[j, TRUNK_V], trunk)  # who is seen faster than the bound is
    # until t1 a reach is faster than the walk, until t2 the walk gets faster
    t1 = min(t, max(0.0, (reach / gait - trunk) / start))
    t2 = min(t, max(t1, (most - trunk) / start))
    own = reach * t1 + gait * (trunk * (t2 - t1) + 0.5 * start * (t2 * t2 - t1 * t1))
    own += max(reach, gait * most) * (t - t2)
    top = max(reach, gait * trunk)  # now
    a = laws[j, A] + laws[j, GAIT_A] * min(most, trunk + start * t)
    rising = min(t, (top - speed) / a)
    own -= rising * (top - speed - 0.5 * a * rising)
    swung = most * t + laws[j, SWING]
    least: float = own if own < swung else swung
    return least


@njit(cache=True, error_model="numpy")
def spread(t: float, speed: float, trunk: float, law: Array) -> float:
    """Way (m) that an end of a body capsule can go in t s; speeds (m/s) of it and the trunk now."""
    least: float = spread_row(t, speed, trunk, law.reshape((1, law.size)), 0)
    return least


@kernel(error_model="numpy", inline="always")
def _place(way: Array, i: int, share: float, out: Array) -> None:
    """Robot capsule i at a share of the way from its beginning to its end, into out (1, 7)."""
    one, f = (0, 2.0 * share) if share < 0.5 else (MIDDLE, 2.0 * share - 1.0)
    for k in range(6):
        out[0, k] = way[i, one + k] + f * (way[i, one + 7 + k] - way[i, one + k])
    out[0, 6] = way[i, 6]


@kernel(error_model="numpy", inline="always")
def _near_box(bodies: Array, j: int, boxes: Array, gap: float) -> bool:
    """Whether the box about body capsule j is nearer than `gap` (m) to one of the boxes (k, 6)."""
    reach = bodies[j, 6] + gap
    for k in range(boxes.shape[0]):
        near = True
        for axis in range(3):
            one, two = bodies[j, axis], bodies[j, axis + 3]
            if min(one, two) - reach > boxes[k, axis + 3] or max(one, two) + reach < boxes[k, axis]:
                near = False
        if near:
            return True
    return False


@kernel(error_model="numpy")
def clear(
    way: Array, bodies: Array, laws: Array, gaps: Array, boxes: Array, settings: Array,
    late: float, worst: Array, work: Array, at_once: bool,
) -> bool:  # fmt: skip
    """Whether a robot on its way (c + 1, WAY) keeps clear of all bodies; False: a number is bad.

    `bodies` (m, BODY) of a crowd, seen `late` s ago, and their `laws` (m, LAWS); `gaps` as
    `crowd.distances` writes them, of no row where touches do not matter; `boxes` (k, 6)
    that they can be clamped against. Unless it answers `at_once`, `worst` (5,) gets the pair of
    least margin where it is not clear: margin, distance, way needed (m), robot and body capsule.

    `work` (m + LOOKS + 7,) at least.
    """
    c, m = way.shape[0] - 1, bodies.shape[0]
    if work.shape[0] < m + LOOKS + 7:
        raise ValueError(ROOM)
    react, brake = way[c, 0], way[c, 1]
    total, length = react + brake, react + 0.5 * brake  # the latter at full speed
    if not at_once:
        worst[0], worst[1], worst[2], worst[3], worst[4] = inf, inf, 0.0, 0.0, 0.0
    step, last = total / LOOKS, late + total + settings[TICK]
    needs, ca = work[:LOOKS], work[LOOKS : LOOKS + 7].reshape((1, 7))
    trunks = work[LOOKS + 7 : LOOKS + 7 + m]  # m/s, in the first row of each body
    for j in range(m):
        trunks[j] = 0.0
    for j in range(m):
        first = int(bodies[j, FIRST])
        if laws[j, TRUNK] != 0.0:
            trunks[first] = max(trunks[first], bodies[j, FASTER] + settings[V_ERROR])
    touched = False  # anybody
    for i in range(gaps.shape[0]):
        touched = touched or gaps[i, gaps.shape[1] - 1] < settings[CONTACT]
    good, there = True, way[:, MIDDLE:END]
    for j in range(m):
        trunk, speed = trunks[int(bodies[j, FIRST])], bodies[j, FASTER] + settings[V_ERROR]
        bx, by, bz = bodies[j, BALL], bodies[j, BALL + 1], bodies[j, BALL + 2]
        rb = bodies[j, BALL + 3]
        # no further than a limb about its trunk; the exact way is reckoned once it matters
        swung = max(laws[j, TRUNK_V], trunk) * last + laws[j, SWING] + settings[Z]
        furthest, exact, known = swung, False, 0  # known: of the looks, how many `needs`
        if not isfinite(rb + bx + by + bz + swung + speed + trunk):
            worst[0] = -inf
            return False
        allowed = laws[j, ALLOWED]
        near = boxes.shape[0] > 0 and _near_box(bodies, j, boxes, settings[GAP])
        for i in range(gaps.shape[0] if touched and not near else 0):
            near = near or gaps[i, j] < settings[CONTACT]
        if near:
            allowed = laws[j, CLAMPED]
        highest = max(bodies[j, 2], bodies[j, 5]) + bodies[j, 6] + laws[j, RISES] + settings[Z]
        for i in range(c):
            top, hold = way[i, TOP], react
            # where it may touch: a controller need not slow down as fast as its drives could
            if allowed > 0.0 and way[i, NOW] > max(top, NOISE * allowed):
                top, hold = way[i, NOW], react + 2.0 * settings[TICK]
            if top <= max(allowed, STILL) or way[i, LOWEST] > highest:
                continue
            # from the middle it is half the way to either end, and a look covers what is about it
            own = top * (0.5 * length + 0.5 * step)
            x, y, z = way[i, AROUND] - bx, way[i, AROUND + 1] - by, way[i, AROUND + 2] - bz
            apart, balls = x * x + y * y + z * z, way[i, AROUND + 3] + rb
            if apart > (furthest + own + ROUNDING + balls) ** 2:
                continue
            if not exact:
                furthest, exact = spread_row(last, speed, trunk, laws, j) + settings[Z], True
            far = furthest + own + ROUNDING
            if apart > (far + balls) ** 2:
                continue
            middle = closest_rows(there, i, bodies, j)[0]
            if middle > far:
                continue
            for k in range(LOOKS):
                begin = k * step
                v = top if begin <= hold else top * (1.0 - (begin - hold) / brake)
                if v <= allowed or (k > 0 and v <= settings[STANDING]):
                    break  # the rest of the way it is slow enough
                if k == known:
                    needs[k] = spread_row(
                        late + begin + step + settings[TICK], speed, trunk, laws, j
                    )
                    known += 1
                at = begin + 0.5 * step
                gone = at
                if at > react:
                    gone = react + (at - react) - 0.5 * (at - react) ** 2 / brake
                # the way to either end of this interval counts as well
                need = needs[k] + settings[Z] + 0.5 * step * v
                if middle - top * abs(gone - 0.5 * length) > need + ROUNDING:
                    continue
                _place(way, i, gone / length, ca)
                d = closest_rows(ca, 0, bodies, j)[0]
                if d - need < worst[0]:
                    worst[0], worst[1], worst[2], worst[3], worst[4] = d - need, d, need, i, j
                if not d > need:
                    if at_once:
                        return False
                    good = False
                    break
    return good


@kernel(error_model="numpy")
def stops_clear(
    robot: Moving, table: Array, limits: Array, way: Array, bodies: Array, laws: Array,
    gaps: Array, boxes: Array, settings: Array, late: float, worst: Array, work: Array,
) -> tuple[bool, bool]:  # fmt: skip
    """`stopping_way` into `way`, and whether it is `clear`, in one call; `work` as of `room`."""
    q, dq, asked, moves = robot
    m = work.shape[0] - bodies.shape[0] - LOOKS - 7
    fits = stopping_way(q, dq, asked, moves, table, limits, settings, way, work[:m])
    good = fits and clear(way, bodies, laws, gaps, boxes, settings, late, worst, work[m:], False)
    return fits, good


def room(joints: int, bodies: int) -> Array:
    """What a look at a stop works in, so that it need not make arrays every tick."""
    return np.empty(ways.room(joints) + bodies + LOOKS + 7)


def verify(
    q: Array, dq: Array, asked: Array, table: Array, limits: Array, body: Array, moves: Array,
    laws: Array, settings: Array, late: float, worst: Array,
) -> bool:  # fmt: skip
    """Whether carrying out `asked` (n,) rad/s for a tick and then braking keeps clear of one body.

    `limits` (2, n) as those of `ways.braking`.

    The body (m, 7) as seen `late` s ago, its velocities `moves` (m, 6) and `laws` (m, LAWS), where
    nothing clamps. Else as `stops_clear`.
    """
    bodies = np.empty((len(body), BODY))
    put(body, moves, 0, bodies)
    way = np.empty((len(table) - len(q) - 1, WAY))
    nobody, nowhere = np.empty((0, 1)), np.empty((0, 6))
    rest = laws, nobody, nowhere, settings, late, worst, room(len(q), len(body))
    still = np.zeros((len(table) - len(q) - 2, 6))
    return bool(stops_clear((q, dq, asked, still), table, limits, way, bodies, *rest)[1])


@kernel(error_model="numpy")
def greatest_level(
    robot: Moving, table: Array, limits: Array, known: Array, way: Array,
    bodies: Array, laws: Array, gaps: Array, boxes: Array, settings: Array, late: float,
    worst: Array, work: Array, least: float, hint: int,
) -> int:  # fmt: skip
    """The greatest of LEVELS, as a share of the speed and below 1, that is found clear; 0 where the
    lowest of them that is not below `least` is not. It is looked for about `hint` first.

    The way `known` begins as all do, `way` is written to. Else as `stops_clear`.
    """
    q, dq, asked, _ = robot
    m = work.shape[0] - bodies.shape[0] - LOOKS - 7
    one, two = work[:m], work[m:]
    floor = 1
    while floor < least * LEVELS:
        floor += 1
    for i in range(way.shape[0]):
        for k in range(MIDDLE):
            way[i, k] = known[i, k]
        way[i, NOW] = known[i, NOW]
    low, high, turn, hinted = 0, LEVELS, 0, floor <= hint < LEVELS
    while high - low > 1:
        if hinted and turn == 0:
            at = hint
        elif hinted and turn == 1:
            at = max(floor, hint + 1 if low == hint else hint - 1)
        else:
            at = floor if low == 0 else (low + high) // 2
        fits = onward(q, dq, asked, at / LEVELS, table, limits, settings, way, one)
        if fits and clear(way, bodies, laws, gaps, boxes, settings, late, worst, two, True):
            low = at
        elif at == floor:
            return 0
        else:
            high = at
        turn += 1
    return low
