"""What a person does, as a list of movements, and the script of numbers that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, ceil, cos, pi, sin
from typing import Protocol

import numpy as np

from genba.sim.gait import LEFT_ARM, PELVIS, RIGHT_ARM, body
from genba.sim.pose import (
    COLUMNS,
    LEAN,
    LEFT,
    LIFT,
    PHASE,
    RATE,
    RIGHT,
    STRETCH,
    TARGET,
    WALK,
    YAW,
    X,
    Y,
    top_speed,
)
from genba.sim.state import Array

HAND_SPEED = 1.9  # m/s, the bound of a reach; docs/standards.md 9 allows 2.0
START = 1.2  # m/s^2, the acceleration of starting and stopping
BEND = 2.0  # rad/s, the greatest rate of turning while walking
TURN = 3.0  # rad/s, the greatest rate of turning on the spot
MAX_LEAN = 1.05  # rad
_GRID = 0.02  # m, of a walked path
_ROUND = 0.6  # m, half the way over which a corner is rounded
_EASE = 0.15  # m, half the way over which the acceleration changes
_STRIDING = 0.6  # m/s, from which the walk has its full swing


@dataclass(frozen=True, slots=True)
class Walk:
    """Along the points (x, y) with rounded corners; at rest or in motion at either end."""

    points: tuple[tuple[float, float], ...]  # m
    speed: float  # m/s
    from_rest: bool = True
    to_rest: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    yaw: float  # rad, the heading to face on the spot


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Reach:
    """One hand goes to the targets one after the other, stays `dwell` at each, and comes back."""

    targets: tuple[tuple[float, float, float], ...]  # m, world
    seconds: float  # the way out and each way on, longer where HAND_SPEED demands it
    dwell: float  # s
    lift: float = 0.22  # m, by which the way out and back rises over the straight line


class Own(Protocol):
    """A movement that makes its own rows; one to begin with says where it starts."""

    def rows(self, row: Array, person: tuple[float, float]) -> Array:
        """The rows (n, 12) of a script after `row`, for a person's height and ground (m)."""


Movement = Walk | Turn | Wait | Reach | Own


def min_jerk(t: Array) -> Array:
    """The share of the way at the share t of the time, both in [0, 1]. Flash and Hogan, 1985."""
    return t * t * t * (10.0 + t * (6.0 * t - 15.0))


def rows_of_time(seconds: float) -> Array:
    """(n,) shares of a movement's time, without 0; the time is rounded up to whole rows."""
    n = max(1, ceil(seconds * RATE - 1e-9))
    return np.arange(1, n + 1) / n


def _hold(row: Array, n: int) -> Array:
    return np.repeat(row[None], n, axis=0)


def _wait(row: Array, wait: Wait, _: tuple[float, float]) -> Array:
    return _hold(row, len(rows_of_time(wait.seconds)))


def _turn(row: Array, turn: Turn, _: tuple[float, float]) -> Array:
    change = (turn.yaw - row[YAW] + pi) % (2 * pi) - pi
    share = rows_of_time(max(0.4, 1.875 * abs(change) / TURN))
    rows = _hold(row, len(share))
    rows[:, YAW] += change * min_jerk(share)
    return rows


def _smooth(line: Array, width: float) -> Array:
    """Twice a moving average along the rows (n, m), ends where they were."""
    n = min(int(width / _GRID), (len(line) - 1) // 2)
    window = np.convolve(np.ones(n) / n, np.ones(n) / n)
    m = len(window) // 2
    after = 2 * line[-1] - line[-2 : -m - 2 : -1]
    padded = np.concatenate([2 * line[0] - line[m:0:-1], line, after])
    return np.stack([np.convolve(column, window, "valid") for column in padded.T], axis=1)


def _rounded(points: Sequence[tuple[float, float]]) -> Array:
    """The polyline (n, 2) every _GRID metres, corners rounded, ends where they were."""
    corners = np.array(points)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    at = np.linspace(0.0, lengths[-1], max(5, ceil(lengths[-1] / _GRID)))
    line = np.stack([np.interp(at, lengths, corners[:, k]) for k in (0, 1)], axis=1)
    return _smooth(line, _ROUND)


def _pace(way: Array, heading: Array, walk: Walk) -> tuple[Array, Array]:
    """Time (s) and speed (m/s) at each point of a path: slower in bends, from rest, to rest."""
    bend = np.abs(np.gradient(heading, way)) + 1e-9
    squared = np.minimum(walk.speed, BEND / bend) ** 2
    if walk.from_rest:
        squared[0] = 0.0
    if walk.to_rest:
        squared[-1] = 0.0
    gain = 2 * START * way
    squared = gain + np.minimum.accumulate(squared - gain)
    squared = np.minimum.accumulate((squared + gain)[::-1])[::-1] - gain
    speed = np.sqrt(np.maximum(_smooth(squared[:, None], _EASE)[:, 0], 0.0))
    steps = 2 * np.diff(way) / np.maximum(speed[1:] + speed[:-1], 0.02)
    return np.concatenate([[0.0], np.cumsum(steps)]), speed


def _walk(row: Array, walk: Walk, person: tuple[float, float]) -> Array:
    path = _rounded(walk.points)
    steps = np.diff(path, axis=0)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    heading = np.interp(way, 0.5 * (way[1:] + way[:-1]), heading)
    before: Array = np.empty((0, COLUMNS))
    if walk.from_rest:
        before = _turn(row, Turn(float(heading[0])), person)
        row = before[-1]
    heading += row[YAW] - heading[0]
    time, speed = _pace(way, heading, walk)
    t = rows_of_time(float(time[-1])) * time[-1]
    rows = _hold(row, len(t))
    rows[:, X] = np.interp(t, time, path[:, 0])
    rows[:, Y] = np.interp(t, time, path[:, 1])
    rows[:, YAW] = np.interp(t, time, heading)
    rows[:, PHASE] = row[PHASE] + np.interp(t, time, way) / (body()[1] * person[0])
    u = np.clip(np.interp(t, time, speed) / _STRIDING, 0.0, 1.0)
    rows[:, WALK] = u * u * (3 - 2 * u)
    return np.concatenate([before, rows])


def lean_to(row: Array, first: int, height: float) -> tuple[float, Array]:
    """The lean (rad) with which an arm reaches the target of a script's row, and how far it does.

    Returns the target (3,) m as far as the arm reaches it, as a script has it.
    """
    co, si = cos(row[YAW]), sin(row[YAW])
    dx, dy = row[TARGET] - row[X], row[TARGET + 1] - row[Y]
    lean, (x, y, z) = _lean(
        np.array([co * dx + si * dy, co * dy - si * dx, row[TARGET + 2]]), first, height
    )
    return lean, np.array([row[X] + co * x - si * y, row[Y] + si * x + co * y, z])


def _lean(target: Array, first: int, height: float) -> tuple[float, Array]:
    """The least lean (rad) for the arm to reach the target (3,), and the target as far as it does.

    Body axes, z from the floor; `first` is the arm's first capsule.
    """
    stand = body()[0][0].reshape(17, 2, 3) * height
    bones = stand[first : first + 3, 1] - stand[first : first + 3, 0]
    arm = (STRETCH - 0.05) * float(np.linalg.norm(bones, axis=1).sum())
    lean = np.linspace(0.0, MAX_LEAN, 64)
    pivot = stand[PELVIS, 0, 2]
    x, y, z = stand[first, 0] - [0.0, 0.0, pivot]
    shoulder = np.stack(  # as pose.py bows
        [np.cos(lean) * x + np.sin(lean) * z, 0 * lean + y, np.cos(lean) * z - np.sin(lean) * x], 1
    )
    shoulder[:, 2] += pivot
    distance = np.linalg.norm(target - shoulder, axis=1)
    good = np.flatnonzero(distance <= arm)
    best = int(good[0] if len(good) else np.argmin(distance))
    pull = min(1.0, arm / float(distance[best]))
    return float(lean[best]), shoulder[best] + pull * (target - shoulder[best])


def _moved(start: Array, end: Array, seconds: float, person: tuple[float, float]) -> Array:
    """Rows of a minimum-jerk way between two rows, as slow as HAND_SPEED demands."""
    m = min_jerk(np.linspace(0.0, 1.0, 31, dtype=np.float64))[:, None]
    trial = start + m * (end - start)  # in one second
    trial = np.concatenate([trial[:1], trial, trial[-1:], trial[-1:]])
    fastest = top_speed(trial, body()[0], *person)
    m = min_jerk(rows_of_time(max(seconds, fastest / HAND_SPEED)))[:, None]
    return np.asarray(start + m * (end - start))


def _reach(row: Array, reach: Reach, person: tuple[float, float]) -> Array:
    height, ground = person
    place = np.array([row[X], row[Y], ground])
    co, si = cos(row[YAW]), sin(row[YAW])
    axes = np.array([[co, si, 0.0], [-si, co, 0.0], [0.0, 0.0, 1.0]])  # of the body
    local = (np.array(reach.targets) - place) @ axes.T
    side, first = (LEFT, LEFT_ARM) if local[0, 1] > 1e-9 else (RIGHT, RIGHT_ARM)
    poses = []
    for point in local:
        at = row.copy()
        at[LEAN], point = _lean(point, first, height)
        at[side], at[LIFT] = 1.0, reach.lift
        at[TARGET : TARGET + 3] = point @ axes + [row[X], row[Y], 0.0]
        poses.append(at)
    out, back = poses[0].copy(), poses[-1].copy()
    out[LEAN] = back[LEAN] = out[side] = back[side] = 0.0
    parts = []
    for start, end in zip([out, *poses], [*poses, back], strict=True):
        parts.append(_moved(start, end, reach.seconds, person))
        parts.append(_hold(end, len(rows_of_time(reach.dwell))))
    return np.concatenate(parts[:-1])


def bake(movements: Sequence[Movement], height: float, ground: float) -> tuple[Array, list[float]]:
    """The script (n, 12) of the movements, the first of which is a walk, and when each ends (s)."""
    row = np.zeros(COLUMNS)
    first = movements[0]
    points: tuple[tuple[float, float], ...] = getattr(first, "points", ())
    assert len(points) > 1, "a visit begins with a way"
    (x0, y0), (x1, y1) = points[:2]
    row[X], row[Y], row[YAW] = x0, y0, atan2(y1 - y0, x1 - x0)
    row[WALK] = 1.0 if isinstance(first, Walk) and not first.from_rest else 0.0
    if not isinstance(first, Walk | Turn | Wait | Reach):
        row = first.rows(row, (height, ground))[0]
    parts = [row[None]]
    ends: list[float] = []
    rows = 0
    for movement in movements:
        parts.append(_perform(parts[-1][-1], movement, (height, ground)))
        rows += len(parts[-1])
        ends.append(rows / RATE)
    script = np.concatenate(parts)
    before = 2 * script[:1] - script[1:2]
    after = 2 * script[-1:] - script[-2:-1]
    return np.concatenate([before, script, after, 2 * after - script[-1:]]), ends


def _perform(row: Array, movement: Movement, person: tuple[float, float]) -> Array:
    if isinstance(movement, Walk):
        return _walk(row, movement, person)
    if isinstance(movement, Turn):
        return _turn(row, movement, person)
    if isinstance(movement, Wait):
        return _wait(row, movement, person)
    if isinstance(movement, Reach):
        return _reach(row, movement, person)
    return movement.rows(row, person)
