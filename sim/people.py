"""Who is in the cell: visits drawn completely when they begin, people as pure functions of time."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, hypot, inf, sin

import numpy as np

from genba.sim.attack import attack
from genba.sim.choreography import Movement, Reach, Turn, Wait, Walk, bake
from genba.sim.gait import CAPSULE_REGIONS, HEIGHT, body
from genba.sim.pose import RATE, poses
from genba.sim.state import Array, Person
from genba.sim.workplace import Point2, Point3, Station, Workplace, route

__all__ = ["CAPSULE_REGIONS", "Crew", "PeopleConfig", "Visit", "Workplace", "draw_visits"]

BEHAVIOURS = "indifferent", "helpful", "antagonistic", "attacking"
SPEED_MIN, SPEED_MAX = 0.6, 1.6  # m/s, docs/standards.md 9

AHEAD = 12  # moments made at a time, a tenth of a second
APPROACH = 0.6  # m, of the last straight way to a station
REACHABLE = 0.95  # m over the floor, from a station to a target
_new = tuple.__new__  # a named tuple without the call in Python of its own constructor


@dataclass(frozen=True, slots=True)
class PeopleConfig:
    """How many people come and what they are like (docs/standards.md 9)."""

    visits_per_hour: float = 0.0
    behaviours: Mapping[str, float] = field(
        default_factory=lambda: {"indifferent": 0.80, "helpful": 0.15, "antagonistic": 0.05}
    )
    speed: float = 1.3  # m/s, mean of walking, clipped to [0.6, 1.6]
    speed_spread: float = 0.2  # m/s, standard deviation
    height: float = HEIGHT  # m, mean
    height_spread: float = 0.07  # m, standard deviation, clipped to twice that
    haste: float = 1.0  # of those who attack: their speeds over the model's bound


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's stay from door to door. It says all that the person will do."""

    start: float  # s
    name: str
    role: str  # "visitor" or "operator"
    behaviour: str
    movements: tuple[Movement, ...]
    height: float = HEIGHT  # m
    ground: float = -0.75  # m

    def script(self) -> Array:
        """The rows (n, 12) that pose.pose reads, time from `start`."""
        return bake(self.movements, self.height, self.ground)[0]

    def ends(self) -> list[float]:
        """When each movement ends, s since the episode began."""
        return [self.start + end for end in bake(self.movements, self.height, self.ground)[1]]


def _passing(rng: np.random.Generator, place: Workplace, speed: float) -> tuple[Movement, ...]:
    """From one door to another, along the aisle or close by the edge of the table."""
    order = rng.permutation(len(place.doors))
    enter, leave = place.doors[order[0]], place.doors[order[-1]]
    edge = place.table[1] + place.clearance
    x = rng.uniform(edge, edge + 0.15) if rng.random() < 0.3 else rng.uniform(*place.aisle)
    sign = 1.0 if enter[1] > leave[1] else -1.0
    way = (enter, (x, sign * 1.2), (x, -sign * 1.2), leave)
    return (Walk(way, speed, from_rest=False, to_rest=False),)


def way_in(door: Point2, station: Station, place: Workplace) -> tuple[Point2, ...]:
    """From a door to a station, the last step straight towards the table."""
    x, y, yaw = station
    before = (x - APPROACH * cos(yaw), y - APPROACH * sin(yaw))
    return (*route(door, before, place), (x, y))


def _coming(
    rng: np.random.Generator, place: Workplace, speed: float, behaviour: str
) -> tuple[Movement, ...]:
    """To a station, the reaches, and out again."""
    door = place.doors[rng.integers(len(place.doors))]
    station = place.stations[rng.integers(len(place.stations))]
    way = way_in(door, station, place)
    near = [t for t in place.targets if hypot(t[0] - station[0], t[1] - station[1]) < REACHABLE]
    targets = near or [
        min(place.targets, key=lambda t: hypot(t[0] - station[0], t[1] - station[1]))
    ]
    reaches = (_helping if behaviour == "helpful" else _provoking)(rng, targets)
    back = Walk(way[::-1], speed, to_rest=False)
    return (Walk(way, speed, from_rest=False), Turn(station[2]), *reaches, back)


def _about(rng: np.random.Generator, targets: Sequence[Point3], high: float) -> Point3:
    """A point about one of the targets, up to `high` above it."""
    x, y, z = targets[int(rng.integers(len(targets)))]
    dx, dy = np.clip(rng.normal(0.0, 0.04, 2), -0.08, 0.08)
    return float(x + dx), float(y + dy), float(z + rng.uniform(0.0, high))


def _helping(rng: np.random.Generator, targets: Sequence[Point3]) -> tuple[Movement, ...]:
    reaches: list[Movement] = [Wait(rng.uniform(0.5, 2.0))]
    for _ in range(rng.integers(1, 5)):
        point = _about(rng, targets, 0.05)
        reaches.append(Reach((point,), rng.uniform(0.7, 1.0), rng.uniform(0.4, 2.0)))
        reaches.append(Wait(rng.uniform(0.3, 1.5)))
    return tuple(reaches)


def _provoking(rng: np.random.Generator, targets: Sequence[Point3]) -> tuple[Movement, ...]:
    reaches: list[Movement] = []
    for _ in range(rng.integers(2, 6)):
        points = tuple(_about(rng, targets, 0.4) for _ in range(rng.integers(1, 4)))
        reaches.append(Reach(points, rng.uniform(0.6, 0.8), rng.uniform(0.5, 3.0)))
        reaches.append(Wait(rng.uniform(0.0, 0.8)))
    return tuple(reaches)


def _visit(
    rng: np.random.Generator, config: PeopleConfig, place: Workplace, number: int, start: float
) -> Visit:
    names = list(config.behaviours)
    shares = np.array([config.behaviours[name] for name in names])
    behaviour = names[rng.choice(len(names), p=shares / shares.sum())]
    speed = float(np.clip(rng.normal(config.speed, config.speed_spread), SPEED_MIN, SPEED_MAX))
    tall = config.height + config.height_spread * float(np.clip(rng.normal(), -2.0, 2.0))
    if behaviour == "indifferent":
        movements = _passing(rng, place, speed)
    elif behaviour == "helpful":
        movements = _coming(rng, place, speed, behaviour)
    elif behaviour == "antagonistic":
        movements = _coming(rng, place, rng.uniform(1.4, SPEED_MAX), behaviour)
    elif behaviour == "attacking":
        movements = attack(rng, place, config.haste)
    else:
        raise ValueError(f"unknown behaviour {behaviour!r}, known: {', '.join(BEHAVIOURS)}")
    return Visit(start, f"visitor-{number}", "visitor", behaviour, movements, tall, place.ground)


def draw_visits(
    rng: np.random.Generator, config: PeopleConfig, workplace: Workplace, seconds: float
) -> tuple[Visit, ...]:
    """All visits of an episode of `seconds`, in order of their start.

    Arrivals are a Poisson process; visits may overlap, and people walk through one another. Each
    visit draws from a generator of its own. Raises ValueError for an unknown behaviour.
    """
    count = int(rng.poisson(config.visits_per_hour * seconds / 3600.0))
    starts = np.sort(rng.uniform(0.0, seconds, count))
    return tuple(
        _visit(child, config, workplace, number, float(start))
        for number, (start, child) in enumerate(zip(starts, rng.spawn(count), strict=True), 1)
    )


class Crew:
    """Everybody who comes, asked for by time. The answer depends on the visits and t alone.

    Scripts are made when a visit begins and forgotten when it is over, and moments that lie `tick`
    s apart are made several at a time; that cannot be seen.
    """

    def __init__(self, visits: tuple[Visit, ...] = (), tick: float = 1.0 / 120.0) -> None:
        self._visits: list[tuple[float, int, Visit]] = []
        self._ends: dict[int, float] = {}
        self._scripts: dict[int, Array] = {}
        self._body, self._tick = body()[0], tick
        self._between = (inf, -inf)
        self._present: list[tuple[int, Visit, Array]] = []
        self._moments: list[tuple[float, dict[str, Person]]] = []  # to come, the next one last
        for visit in visits:
            self.add(visit)

    def add(self, visit: Visit) -> None:
        """One more visit, as the operator's when the cell has called."""
        insort(self._visits, (visit.start, len(self._visits), visit), key=lambda v: v[:2])
        self._between = (inf, -inf)
        self._present, self._moments = [], []

    def exchange(self, old: Visit, new: Visit) -> None:
        """`new` in place of `old`, which it is alike now; asked for no earlier time any more."""
        for k, (start, number, visit) in enumerate(self._visits):
            if visit is old:
                self._visits[k] = (new.start, number, new)
                if new.movements is not old.movements:
                    self._scripts.pop(number, None)
                elif number in self._ends:
                    self._ends[number] += new.start - start
        self._visits.sort(key=lambda v: v[:2])
        self._between = (inf, -inf)
        self._present, self._moments = [], []

    def at(self, t: float) -> dict[str, Person]:
        """Who is within the modelled area at t (s), by name: bodies as capsules, world frame."""
        since, until = self._between
        if not since <= t < until:
            self._look(t)
        if not self._present:
            return {}
        if not self._moments or self._moments[-1][0] != t:
            self._foresee(t)
        return self._moments.pop()[1]

    def _foresee(self, t: float) -> None:
        """The moments from t on until somebody comes or goes: one call of a kernel for several."""
        times = [t]
        while len(times) < AHEAD and times[-1] + self._tick < self._between[1]:
            times.append(times[-1] + self._tick)
        at = np.array(times)
        found: list[dict[str, Person]] = [{} for _ in times]
        for _, visit, script in self._present:
            capsules, velocities = np.empty((len(times), 17, 7)), np.empty((len(times), 17, 6))
            build = visit.height, visit.ground
            poses(script, self._body, at, visit.start, build, capsules, velocities)
            name, role, behaviour = visit.name, visit.role, visit.behaviour
            for people, where, moving in zip(found, capsules, velocities, strict=True):
                people[name] = _new(Person, (role, behaviour, where, moving))
        self._moments = [*zip(times, found, strict=True)][::-1]

    def _look(self, t: float) -> None:
        """Find who is present at t, and until when nobody comes or goes."""
        began = bisect_right(self._visits, t, key=lambda v: v[0])
        since = self._visits[began - 1][0] if began else -inf
        until = self._visits[began][0] if began < len(self._visits) else inf
        self._present = []
        for start, number, visit in self._visits[:began]:
            if self._ends.get(number, inf) <= t:
                since = max(since, self._ends[number])
                self._scripts.pop(number, None)
                continue
            if number not in self._scripts:
                self._scripts[number] = visit.script()
                self._ends[number] = start + (len(self._scripts[number]) - 4) / RATE
            end = self._ends[number]
            if end <= t:
                since = max(since, end)
                continue
            until = min(until, end)
            self._present.append((number, visit, self._scripts[number]))
        self._between = (since, until)
