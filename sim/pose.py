"""One instant of a visit: from the script of a person's movements to capsules and velocities."""

from __future__ import annotations

from math import cos, floor, sin, sqrt

import numpy as np
from numba import njit

from genba.sim.gait import FRAMES, LEFT_ARM, PELVIS, RIGHT_ARM
from genba.sim.state import Array

RATE = 30.0  # rows of a script a second
# Columns of a script: place on the floor and heading, gait phase (cycles), weight of the walk, lean
# (rad), how far the right and the left hand are on their way to the target, target, lift of the way
X, Y, YAW, PHASE, WALK, LEAN, RIGHT, LEFT, TARGET, LIFT, COLUMNS = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12
STRETCH = 0.985  # of the arm's length: nobody locks the elbow
_STEP = 1e-4  # s, over which velocities are differences
_ARMS = RIGHT_ARM, LEFT_ARM + 3  # capsules from and to


@njit(cache=True, error_model="numpy", inline="always")
def _weights(f: float) -> tuple[float, float, float, float]:
    """Catmull-Rom: continuous velocity through equally spaced rows."""
    g = f * f
    h = g * f
    return (
        0.5 * (2 * g - h - f),
        0.5 * (3 * h - 5 * g + 2),
        0.5 * (4 * g - 3 * h + f),
        0.5 * (h - g),
    )


@njit(cache=True, error_model="numpy")
def _row(script: Array, t: float, c: Array) -> None:
    at = min(max(t * RATE, 0.0), script.shape[0] - 3.0) + 1.0
    i = min(int(at), script.shape[0] - 3)
    w0, w1, w2, w3 = _weights(at - i)
    for k in range(COLUMNS):
        before, here = script[i - 1, k], script[i, k]
        c[k] = w0 * before + w1 * here + w2 * script[i + 1, k] + w3 * script[i + 2, k]


@njit(cache=True, error_model="numpy")
def _arm(p: Array, first: int, u: float, target: tuple[float, float, float], lift: float) -> None:
    """Bring the hand of the arm at capsule `first` the share u of its way, elbow downwards."""
    s, e, w, h = 6 * first, 6 * first + 3, 6 * first + 9, 6 * first + 15
    upper = sqrt((p[e] - p[s]) ** 2 + (p[e + 1] - p[s + 1]) ** 2 + (p[e + 2] - p[s + 2]) ** 2)
    fore = sqrt((p[w] - p[e]) ** 2 + (p[w + 1] - p[e + 1]) ** 2 + (p[w + 2] - p[e + 2]) ** 2)
    hand = sqrt((p[h] - p[w]) ** 2 + (p[h + 1] - p[w + 1]) ** 2 + (p[h + 2] - p[w + 2]) ** 2)
    lower = fore + hand  # the wrist stays straight
    vx = p[h] + u * (target[0] - p[h]) - p[s]
    vy = p[h + 1] + u * (target[1] - p[h + 1]) - p[s + 1]
    vz = p[h + 2] + u * (target[2] - p[h + 2]) - p[s + 2] + 4.0 * u * (1.0 - u) * lift
    far = sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
    vx, vy, vz = vx / far, vy / far, vz / far
    far = min(max(far, abs(upper - lower) + 0.12), STRETCH * (upper + lower))
    along = (upper * upper - lower * lower + far * far) / (2.0 * far)
    out = sqrt(max(0.0, upper * upper - along * along))
    side = -1.0 if first == RIGHT_ARM else 1.0
    px = (1.0 - u) * (p[e] - p[s]) / upper - u * 0.25
    py = (1.0 - u) * (p[e + 1] - p[s + 1]) / upper + u * 0.55 * side
    pz = (1.0 - u) * (p[e + 2] - p[s + 2]) / upper - u
    dot = px * vx + py * vy + pz * vz
    px, py, pz = px - dot * vx, py - dot * vy, pz - dot * vz
    norm = sqrt(px * px + py * py + pz * pz) + 1e-9
    ratio = fore / lower
    for k in range(3):
        axis = vx if k == 0 else (vy if k == 1 else vz)
        pole = px if k == 0 else (py if k == 1 else pz)
        elbow = p[s + k] + along * axis + out * pole / norm
        tip = p[s + k] + far * axis
        wrist = elbow + ratio * (tip - elbow)
        p[e + k], p[e + 3 + k], p[w + k], p[w + 3 + k], p[h + k] = elbow, elbow, wrist, wrist, tip


@njit(cache=True, error_model="numpy")
def _bow(p: Array, lean: float) -> None:
    """Turn the trunk above the pelvis, the head and the arms forward about the hips."""
    pivot = p[6 * PELVIS + 2]
    co, si = cos(lean), sin(lean)
    for k in range(_ARMS[1]):
        if k == PELVIS:
            continue
        for j in (6 * k, 6 * k + 3):
            x, z = p[j], p[j + 2] - pivot
            p[j], p[j + 2] = co * x + si * z, co * z - si * x + pivot


@njit(cache=True, error_model="numpy")
def _pose(script: Array, body: Array, t: float, height: float, p: Array) -> None:
    """The 34 capsule ends at t, floor at z = 0, into p (102,)."""
    c = np.empty(COLUMNS)
    _row(script, t, c)
    for j in range(102):
        p[j] = body[0, j] * height
    if c[WALK] > 1e-6:
        at = (c[PHASE] - floor(c[PHASE])) * FRAMES
        i = min(int(at), FRAMES - 1)
        w0, w1, w2, w3 = _weights(at - i)
        for j in range(102):
            walk = w0 * body[i + 2, j] + w1 * body[i + 3, j] + w2 * body[i + 4, j]
            p[j] += c[WALK] * ((walk + w3 * body[i + 5, j]) * height - p[j])
    co, si = cos(c[YAW]), sin(c[YAW])
    if c[LEAN] != 0.0:
        _bow(p, c[LEAN])
    if c[RIGHT] > 0.0 or c[LEFT] > 0.0:
        dx, dy = c[TARGET] - c[X], c[TARGET + 1] - c[Y]
        target = (co * dx + si * dy, co * dy - si * dx, c[TARGET + 2])
        if c[RIGHT] > 0.0:
            _arm(p, RIGHT_ARM, c[RIGHT], target, c[LIFT])
        if c[LEFT] > 0.0:
            _arm(p, LEFT_ARM, c[LEFT], target, c[LIFT])
    for j in range(0, 102, 3):
        x, y = p[j], p[j + 1]
        p[j] = c[X] + co * x - si * y
        p[j + 1] = c[Y] + si * x + co * y


@njit(cache=True, error_model="numpy")
def pose(
    script: Array, body: Array, moment: tuple[float, float, float], capsules: Array,
    velocities: Array,
) -> None:  # fmt: skip
    """Set capsules (17, 7) in m and velocities (17, 6) in m/s as at a moment of a script.

    `script` (n, 12) comes from choreography.bake, `body` from gait.body; the moment is t seconds
    into the script, the height of the person and z of the ground in m.
    """
    t, height, ground = moment
    now = np.empty(102)
    soon = np.empty(102)
    _pose(script, body, t, height, now)
    _pose(script, body, t + _STEP, height, soon)
    for k in range(17):
        for j in range(6):
            capsules[k, j] = now[6 * k + j]
            velocities[k, j] = (soon[6 * k + j] - now[6 * k + j]) / _STEP
        capsules[k, 2] += ground
        capsules[k, 5] += ground
        capsules[k, 6] = body[1, k] * height


@njit(cache=True, error_model="numpy")
def poses(
    script: Array, body: Array, times: Array, start: float, build: tuple[float, float],
    capsules: Array, velocities: Array,
) -> None:  # fmt: skip
    """`pose` at times (k,) s of a visit that starts at `start`, into (k, 17, 7) and (k, 17, 6).

    `build`: the height of the person and z of the ground in m.
    """
    for k in range(times.size):
        pose(script, body, (times[k] - start, build[0], build[1]), capsules[k], velocities[k])


@njit(cache=True, error_model="numpy")
def top_speed(script: Array, body: Array, height: float, ground: float) -> float:
    """The greatest speed (m/s) of any capsule end during a script, 40 looks a second."""
    fastest = 0.0
    capsules, velocities = np.empty((17, 7)), np.empty((17, 6))
    for k in range(int((script.shape[0] - 4) / RATE * 40.0)):
        pose(script, body, ((k + 0.5) / 40.0, height, ground), capsules, velocities)
        for i in range(17):
            for j in (0, 3):
                vx, vy, vz = velocities[i, j], velocities[i, j + 1], velocities[i, j + 2]
                fastest = max(fastest, vx * vx + vy * vy + vz * vz)
    return sqrt(fastest)
