"""People at the bound of the model: they run at the robot with their hands out, from any side.

Nobody works like that. A safety layer is tried with it, since what it promises it promises up to
these speeds: the body comes on at 1.6 m/s and the hands, near the robot, at 2.0 m/s (ISO 13855, S).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin

import numpy as np

from genba.sim.choreography import Movement, lean_to, rows_of_time
from genba.sim.gait import LEFT_ARM, RIGHT_ARM, body
from genba.sim.pose import LEAN, LEFT, LIFT, RATE, RIGHT, TARGET, X, Y, pose
from genba.sim.state import Array
from genba.sim.workplace import BODY, Point2, Point3, Workplace

RUN = 1.59  # m/s, v_h of ISO 13855 (S) is 1.6; what lies between the rows takes the rest
LUNGE = 2.0  # m/s, of a hand within 0.5 m; ISO 13855 (S)
START = 3.0  # m/s^2, with which a body begins to move at most: what safety/human.py counts on (D)
STOP = 10.0  # m/s^2, at the table's edge; half the bound of a trunk (P, SaRA)
RAMP = 0.07  # s, in which a hand is as fast as it gets: 30 m/s^2, arms are held to 50 (P, SaRA)
_LOOKS = 300  # along a lunge
# m from where they stop: nobody may come out of nowhere within S_p, 3.7 m of a Panda at full
# speed that decelerates at 1.4 m/s^2 (C)
FAR = 4.2, 4.8
SLANT = radians(50.0)  # off the straight way to the table's edge


@dataclass(frozen=True, slots=True)
class Charge:
    """Along the points (x, y) m without turning, stiff as a figure: no limb is faster than `speed`.

    Every leg begins and ends at rest. `hold` (m) is where the hands point to, from the
    place on the floor; without it everything stays as it is held.
    """

    points: tuple[Point2, ...]
    speed: float = RUN  # m/s
    hold: Point3 | None = None
    hands: tuple[float, float] = (1.0, 1.0)  # right, left: 1 is held out

    def rows(self, row: Array, person: tuple[float, float]) -> Array:
        """The rows (n, 12) of a script after `row`."""
        legs = [_leg(a, b, self.speed) for a, b in zip(self.points, self.points[1:], strict=False)]
        way = np.concatenate(legs)
        row = row.copy()
        if self.hold is not None:
            row[[RIGHT, LEFT]], row[LIFT] = self.hands, 0.0
            row[TARGET : TARGET + 3] = self.hold
            row[[TARGET, TARGET + 1]] += row[[X, Y]]
        rows = np.repeat(row[None], len(way), axis=0)
        rows[:, [TARGET, TARGET + 1]] += way - row[[X, Y]]
        rows[:, [X, Y]] = way
        return rows


@dataclass(frozen=True, slots=True)
class Lunge:
    """The hands that are out go straight to `target` (m, world), as fast as a hand may."""

    target: Point3
    dwell: float  # s there
    upright: bool = False  # without leaning, as far as the arm reaches
    speed: float = LUNGE  # m/s, of the fastest end of any capsule

    def rows(self, row: Array, person: tuple[float, float]) -> Array:
        """The rows (n, 12) of a script after `row`."""
        there = row.copy()
        there[TARGET : TARGET + 3] = self.target
        there[TARGET + 2] -= person[1]
        arm = RIGHT_ARM if row[RIGHT] > 0.0 else LEFT_ARM
        lean, point = lean_to(there, arm, person[0])
        there[LEAN] = 0.0 if self.upright else lean
        there[TARGET : TARGET + 3] = point
        rows = _hurried(row, there, person, self.speed)
        stay = np.repeat(there[None], max(1, round(self.dwell * RATE)), axis=0)
        return np.concatenate([rows, stay])


def _hurried(row: Array, there: Array, person: tuple[float, float], speed: float) -> Array:
    """Rows of the way such that no end of a capsule is faster than `speed` (m/s), most near it."""
    u = np.linspace(0.0, 1.0, _LOOKS + 1)
    slow = _padded(row + u[::10, None] * (there - row))
    seconds = _LOOKS / 10 / RATE
    fast = np.array([_fastest(slow, seconds * float(at), person) for at in u]) * seconds
    wide = np.max([np.roll(fast, k)[9:-9] for k in range(-9, 10)], axis=0)  # rows are farther apart
    fast[9:-9] = np.maximum(wide, 1e-3)
    time = np.concatenate([[0.0], np.cumsum(0.5 * (fast[1:] + fast[:-1]) / _LOOKS / speed)])
    for _ in range(8):
        seconds = float(time[-1]) + RAMP
        now = _ramped(rows_of_time(seconds), min(0.5, RAMP / seconds)) * time[-1]
        rows = row + np.interp(now, time, u)[:, None] * (there - row)
        path = _padded(np.concatenate([row[None], rows]))
        top = max(_fastest(path, k / 240.0, person) for k in range(8 * len(rows)))
        if top <= speed:
            break
        time *= 1.004 * top / speed
    return np.asarray(rows)


def _padded(path: Array) -> Array:
    return np.concatenate([path[:1], path, path[-1:], path[-1:]])


def _fastest(script: Array, t: float, person: tuple[float, float]) -> float:
    capsules, velocities = np.empty((17, 7)), np.empty((17, 6))
    pose(script, body()[0], (t, *person), capsules, velocities)
    return float(np.linalg.norm(velocities.reshape(-1, 3), axis=1).max())


def _ramped(t: Array, ramp: float) -> Array:
    """The share of the way at the share t of the time: full speed after the share `ramp`."""
    speed = 1.0 / (1.0 - ramp)
    begin, end = np.minimum(t, ramp), np.minimum(1.0 - t, ramp)
    middle = np.clip(t, ramp, 1.0 - ramp) - ramp
    return np.asarray(speed * (begin**2 / (2 * ramp) + middle + ramp / 2 - end**2 / (2 * ramp)))


def _leg(a: Point2, b: Point2, speed: float) -> Array:
    """Places (n, 2) of a straight way from rest to rest."""
    length = max(1e-6, hypot(b[0] - a[0], b[1] - a[1]))
    top = min(speed, (2.0 * length * START * STOP / (START + STOP)) ** 0.5)
    begin, end = top / START, top / STOP
    cruise = max(0.0, length / top - 0.5 * (begin + end))
    t = rows_of_time(begin + cruise + end) * (begin + cruise + end)
    left = np.maximum(0.0, t - begin - cruise)
    way = 0.5 * START * np.minimum(t, begin) ** 2 + top * np.clip(t - begin, 0.0, cruise)
    way += top * left - 0.5 * STOP * left**2
    share = (way / length)[:, None]
    return np.asarray(np.array(a) + share * (np.array(b) - np.array(a)))


def attack(rng: np.random.Generator, place: Workplace, haste: float = 1.0) -> tuple[Movement, ...]:
    """One attack: a run at the robot, a feint and a second run, or a run past with a hand out.

    `haste` multiplies the speeds: above 1 people are faster than the model says.
    """
    hands = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0))[int(rng.integers(3))]
    target, speed = _point(rng, place), haste * float(rng.choice([RUN, RUN, 1.2]))
    kind = rng.choice(["run", "feint", "past"], p=[0.5, 0.25, 0.25])
    if kind == "past":
        way = _past(rng, place)
        middle = (0.5 * (way[0][0] + way[1][0]), 0.5 * (way[0][1] + way[1][1]))
        return (Charge(way, speed, _from(middle, target, place), hands),)
    stop, outward = _edge(rng, place)
    start = _off(stop, float(rng.uniform(*FAR)), outward)
    ways: tuple[Point2, ...] = (start, stop)
    if kind == "feint":
        ways += (_off(stop, float(rng.uniform(0.4, 1.6)), outward), stop)
    lunges = [
        Lunge(_point(rng, place), float(rng.uniform(0.0, 0.6)), speed=haste * LUNGE)
        for _ in range(rng.integers(1, 4))
    ]
    back = Lunge(_point(rng, place), 0.0, upright=True)
    held = _from(stop, target, place)
    return (Charge(ways, speed, held, hands), *lunges, back, Charge((stop, start)))


def _from(place: Point2, target: Point3, shop: Workplace) -> Point3:
    """Where a target lies as a script has it: from a place, over the floor."""
    return target[0] - place[0], target[1] - place[1], target[2] - shop.ground


def _off(point: Point2, way: float, direction: float) -> Point2:
    return point[0] + way * cos(direction), point[1] + way * sin(direction)


def _point(rng: np.random.Generator, place: Workplace) -> Point3:
    """Where the robot is or will be: over the table, or about one of the points of the work."""
    if rng.random() < 0.4:
        x, y, z = place.targets[int(rng.integers(len(place.targets)))]
        return x, y, z + float(rng.uniform(0.0, 0.3))
    r, turn = float(rng.uniform(0.0, 0.75)), float(rng.uniform(-pi, pi))
    x0, x1, y0, y1 = place.table
    x, y = np.clip(r * cos(turn), x0, x1), np.clip(r * sin(turn), y0, y1)
    return float(x), float(y), float(rng.uniform(0.08, 0.8))


def _edge(rng: np.random.Generator, place: Workplace) -> tuple[Point2, float]:
    """A place at the table's edge on any side, and the direction (rad) from which to come."""
    x0, x1, y0, y1 = place.table
    side, share = int(rng.integers(4)), float(rng.uniform(0.1, 0.9))
    x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
    stop = ((x1 + BODY, y), (x, y1 + BODY), (x0 - BODY, y), (x, y0 - BODY))[side]
    return stop, side * pi / 2 + float(rng.uniform(-SLANT, SLANT))


def _past(rng: np.random.Generator, place: Workplace) -> tuple[Point2, ...]:
    """Along one edge of the table, close by."""
    x0, x1, y0, y1 = place.table
    off, over = BODY + float(rng.uniform(0.0, 0.3)), float(rng.uniform(3.6, 4.4))
    at = (x1 + off, x0 - off, y1 + off, y0 - off)
    side = int(rng.integers(4))
    way = ((at[side], y0 - over), (at[side], y1 + over))
    if side > 1:
        way = ((x0 - over, at[side]), (x1 + over, at[side]))
    return way if rng.random() < 0.5 else way[::-1]
