"""The floor about the table: where people walk, stand and reach, and the way round."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import hypot, inf

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]
Station = tuple[float, float, float]  # x, y (m) and the heading when standing there (rad)
Rectangle = tuple[float, float, float, float]  # m, x from, to, y from, to

BODY = 0.33  # m, of room that a person who turns on the spot needs to the table


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where people walk, stand and reach.

    World frame: robot base at the origin, table top at z = 0. Raises ValueError where a door, a
    station or the reset button is closer to the table than BODY.
    """

    table: Rectangle = (-0.3, 0.9, -0.8, 0.8)  # m, x from, to, y from, to
    ground: float = -0.75  # m, z of the floor
    clearance: float = 0.42  # m, that a walker's middle keeps from the table
    doors: tuple[Point2, ...] = ((4.0, 2.6), (4.0, -2.6))
    aisle: tuple[float, float] = (1.9, 2.6)  # m, x between which people pass by
    stations: tuple[Station, ...] = (
        (1.25, 0.0, 3.14159265), (0.4, 1.15, -1.57079633), (0.4, -1.15, 1.57079633)
    )  # fmt: skip
    # points over the work, where hands go; below 0.06 m a hand would touch the table
    targets: tuple[Point3, ...] = ((0.45, 0.25, 0.10), (0.45, -0.25, 0.10), (0.55, 0.0, 0.12))
    reset: Station = (2.4, -1.6, 2.5)  # the reset button, outside the zone

    def __post_init__(self) -> None:
        for point in (*self.doors, *self.stations, self.reset):
            if outside((point[0], point[1]), self.table) < BODY:
                raise ValueError(f"{point} is closer than {BODY} m to the table {self.table}")


def _crosses(a: Point2, b: Point2, box: Rectangle) -> bool:
    """Does the segment enter the open rectangle (x from, to, y from, to)?"""
    low, high = 0.0, 1.0
    for start, end, least, most in ((a[0], b[0], *box[:2]), (a[1], b[1], *box[2:])):
        d = end - start
        if abs(d) < 1e-12:
            if not least < start < most:
                return False
            continue
        t0, t1 = sorted(((least - start) / d, (most - start) / d))
        low, high = max(low, t0), min(high, t1)
    return low < high - 1e-9


def route(start: Point2, goal: Point2, place: Workplace) -> tuple[Point2, ...]:
    """Shortest way round the table, keeping the clearance where both ends do."""
    margin = place.clearance
    for end in (start, goal):  # a station stands closer to the table than a walker passes it
        margin = min(margin, outside(end, place.table))
    x0, x1, y0, y1 = place.table
    box = (x0 - margin + 1e-6, x1 + margin - 1e-6, y0 - margin + 1e-6, y1 + margin - 1e-6)
    far = place.clearance + 0.05
    corners = [(x, y) for x in (x0 - far, x1 + far) for y in (y0 - far, y1 + far)]
    best: tuple[Point2, ...] = ()
    least = inf
    for count in range(3):
        for via in permutations(corners, count):
            way = (start, *via, goal)
            legs = list(zip(way[:-1], way[1:], strict=True))
            length = sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in legs)
            if length < least and not any(_crosses(a, b, box) for a, b in legs):
                best, least = way, length
    if not best:
        raise ValueError(f"no way round the table from {start} to {goal}")
    return best


def outside(point: Point2, table: Rectangle) -> float:
    """How far a point is off the table's rectangle, along the nearest axis (m)."""
    x0, x1, y0, y1 = table
    return max(x0 - point[0], point[0] - x1, y0 - point[1], point[1] - y1)
