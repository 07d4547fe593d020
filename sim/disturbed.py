"""Sensors and controllers that do not do as declared: what the cell knows under its faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from math import hypot, inf

import numpy as np

from genba.sim.faults import Faults, What
from genba.sim.gait import PELVIS
from genba.sim.sensors import Sensors, Tracks
from genba.sim.state import Part, Person, RobotState, State, Value

_FLAGS = {
    What.GUARD_OPEN: "guard_open",
    What.TAKEOVER: "takeover",
    What.RECORDER_FAILED: "recorder_failed",
    What.WRONG_PART: "wrong_part",
    What.REDUCED_SPEED: "reduced_speed",
}
_JUMP = 0.05  # s without a look, after which nothing is known of before
SEEN = 2.5  # m from the robot within which somebody is lost from the track
_People = Mapping[str, Person]


class DisturbedSensors:
    """Sensors as those they wrap, but for the faults that act. Same seed, same ticks: same bits."""

    def __init__(self, sensors: Sensors, faults: Faults, rng: np.random.Generator) -> None:
        self._sensors, self._faults, self._rng = sensors, faults, rng
        self._past: deque[tuple[float, _People, float]] = deque()  # when, whom, how old
        self._frozen: tuple[_People, float] | None = None  # whom, and when they were there
        self._hidden: str | None = None
        self._noise: tuple[float, Tracks] | None = None

    def see_parts(self, parts: Mapping[str, Part]) -> dict[str, Part]:
        """As the sensors that are wrapped."""
        return self._sensors.see_parts(parts)

    def measure(self, truth: State) -> State:
        """The state as measured at truth.time, with what goes wrong now."""
        seen = self._sensors.measure(truth)
        acting = self._faults.now(truth.time)
        if self._past and seen.time - self._past[-1][0] > _JUMP:
            self._past.clear()
        self._past.append((seen.time, seen.people, seen.people_age))
        while len(self._past) > 1 and seen.time - self._past[1][0] > 10.0:
            self._past.popleft()
        if not acting:
            self._frozen = self._hidden = self._noise = None
            return seen
        people, age = self._late(seen, acting)
        people = self._noisy(people, acting)
        people = self._without(people, seen, acting)
        people, age = self._lost(people, age, seen.time, acting)
        return seen._replace(
            robots=_encoded(seen.robots, acting),
            people=people,
            people_age=age,
            machines=_reported(seen.machines, acting, bool(people)),
        )

    def _late(self, seen: State, acting: Mapping[What, float]) -> tuple[_People, float]:
        extra = acting.get(What.SENSOR_DELAY, 0.0) + acting.get(What.CLOCK_SKEW, 0.0)
        if not extra:
            return seen.people, seen.people_age
        at, people, age = self._past[0]
        for row in self._past:
            if row[0] > seen.time - extra + 1e-6:
                break
            at, people, age = row
        told = What.SENSOR_DELAY in acting
        return people, seen.time - at + age if told else seen.people_age

    def _noisy(self, people: _People, acting: Mapping[What, float]) -> _People:
        factor = acting.get(What.SENSOR_NOISE)
        if factor is None:
            self._noise = None
            return people
        if self._noise is None or self._noise[0] != factor:
            # with the error that is there already, up to `factor` times the bound
            config, more = self._sensors.config, factor - 1.0
            wide = replace(config, noise=config.noise * more, bound=config.bound * more)
            self._noise = factor, Tracks(wide, self._rng)
        return self._noise[1].shifted(people)[0]

    def _without(self, people: _People, seen: State, acting: Mapping[What, float]) -> _People:
        if What.PERSON_LOST not in acting:
            self._hidden = None
            return people
        if self._hidden is None:
            robot = next(iter(seen.robots.values()))
            base, nearest = robot.capsules[0], SEEN
            for name, person in people.items():
                body = person.capsules[min(PELVIS, len(person.capsules) - 1)]
                far = hypot(body[0] - base[0], body[1] - base[1])
                if far < nearest:
                    self._hidden, nearest = name, far
        return {name: person for name, person in people.items() if name != self._hidden}

    def _lost(
        self, people: _People, age: float, time: float, acting: Mapping[What, float]
    ) -> tuple[_People, float]:
        if What.TRACKING_LOST not in acting:
            self._frozen = None
            return people, age
        if self._frozen is None:
            self._frozen = people, time - age
        return self._frozen[0], time - self._frozen[1]


def _encoded(
    robots: Mapping[str, RobotState], acting: Mapping[What, float]
) -> Mapping[str, RobotState]:
    off = acting.get(What.ENCODER_OFFSET)
    if off is None:
        return robots
    turned = {}
    for name, robot in robots.items():
        q = robot.q.copy()
        q[0] += off
        turned[name] = robot._replace(q=q)
    return turned


def _reported(
    machines: Mapping[str, Value], acting: Mapping[What, float], people: bool
) -> Mapping[str, Value]:
    """What the controllers report under the faults that act."""
    told = dict(machines)
    for what, flag in _FLAGS.items():
        if what in acting:
            told[flag] = True
    if What.EMERGENCY_STOP in acting:
        told["emergency_stop"] = True if acting[What.EMERGENCY_STOP] >= 0.5 else "fault"
    if What.CONFIGURATION_CHANGED in acting:
        told["configuration"] = "changed"
    for what, name in ((What.JAM, "insertion_force"), (What.RETRIES, "retries")):
        if what in acting:
            told[name] = acting[what]
    if What.UNCERTAINTY in acting:
        told["uncertainty"] = max(acting[What.UNCERTAINTY], _number(told.get("uncertainty")))
    if What.OPERATOR_LOAD in acting:
        told["operator_requests"] = acting[What.OPERATOR_LOAD] + _number(
            told.get("operator_requests")
        )
    if What.TRACKERS_DISAGREE in acting and people:
        told["tracker_disagreement"] = acting[What.TRACKERS_DISAGREE]
    return told


def _number(value: Value | None) -> float:
    return float(value) if isinstance(value, (int, float)) else -inf if value else 0.0
