"""Measures harm from the truth: breaches of the separation, contacts, clamping. Nobody else grades.

Why a speed and separation monitoring (SSM) that works never causes a breach. The referee asks for

    S* = v_h T + v T / 2

T the time in which the robot could really stand from its joint speeds, v its speed towards the
person: the separation of ISO/TS 15066 5.5.4 without its allowances for reaction time T_r and for
uncertainty d0 = C + Z_d + Z_r. An SSM that reckons with a slower or the same T_s lets the robot
move only while d >= v_h (T_r + T_s) + v T_r + v T_s / 2 + d0. If the person comes on at v_h at
most, then after T_r at worst d >= v_h T_s + v T_s / 2 + d0 >= S*. From then on the robot brakes,
and d shrinks at v_h + v at most, as S* does. So d >= S* to the end, and no measurement error within
d0 excuses a breach. For the argument v_h must not jump while braking, so it is 1.6 m/s at every
distance; the 2.0 m/s of a hand below 0.5 m would only make S* greater. Limbs in full stride swing
faster than v_h for tenths of a second; what they take then comes out of d0.

A robot counts as moving where it is faster than 0.05 m/s by its own drives: one that stands and is
pushed is moved by who pushes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from genba.sim.body_limits import severity
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.separation import Box, pinned
from genba.sim.state import Array, Event, EventKind, State
from genba.sim.touch import (
    CLOSING,
    FASTEST,
    FIRST,
    LAST,
    LINK,
    NORMAL,
    POINT,
    ROBOT_SPEED,
    STANDING,
    TOWARDS,
    look,
    memory,
    pushes,
)  # fmt: skip
from genba.sim.touch import COLUMNS as TOUCH_COLUMNS

_JUMP = 0.05  # s between ticks, from which nothing is known of the way between
_REACH = 1.8  # m, a robot's and a person's reach together, at least


@dataclass(frozen=True, slots=True)
class RefereeConfig:
    """What harm is measured against. Defaults are this project's own where no source is given."""

    # m/s^2, of a robot of which no `brakes` are given, and of the way that `horizon` allows for; a
    # cell gives the least that its robot realises (sim/robots.py)
    deceleration: float = 5.0
    approach: float = 1.6  # m/s, v_h, ISO 13855 (S)
    merge: float = 0.2  # s, a breach or a contact that comes back sooner is the same one
    clamp: float = 0.5  # s of contact, from which a part counts as clamped (S)
    gap: float = 0.02  # m to an obstacle, below which a touched part is clamped
    # m, fixed things a part can be pressed against: x, y, z from, x, y, z to. The table top
    obstacles: tuple[Box, ...] = ((-0.3, -0.8, -0.05, 0.9, 0.8, 0.0),)
    stiffness: float = 25e3  # N/m, of the penalty force, a chest's
    damping: float = 200.0  # N s/m
    cap: float = 50.0  # N of all pushes: people give way, and brakes hold against it (D)


@dataclass(slots=True)
class _Breach:
    start: float
    last: float
    margin: float
    separation: float
    speed: float


@dataclass(slots=True)
class _Touch:
    start: float
    last: float
    speed: float = -1.0
    link: int = 0
    robot_speed: float = 0.0
    # closing speeds (m/s) of all that was not clamped, then of what was; of both bodies, and of
    # the robot alone where its drives moved it
    closing: list[float] = field(default_factory=lambda: [0.0, 0.0])
    towards: list[float] = field(default_factory=lambda: [0.0, 0.0])
    clamped: float | None = None  # since when
    moved: bool = False  # the robot, at some time during the touch
    pressed: bool = False  # against an obstacle


@dataclass(slots=True)
class _Pair:
    """What is open between one robot and one person, and both as they were a tick ago."""

    memory: Array
    brakes: Array  # (n,) rad/s^2, of the robot's joints, or empty
    breach: _Breach | None = None
    touches: dict[int, _Touch] = field(default_factory=dict)


class Referee:
    """Watches the truth once a safety tick and writes the events of harm.

    `masses` gives each robot's m_R = M/2 + m_L in kg (docs/standards.md 2); `links`, if given,
    names of its capsules for the events; `brakes` what its joints decelerate with, (n,) rad/s^2,
    without which it stops with `config.deceleration`. `separation` is the least true distance (m)
    now, inf while nobody is within `horizon` of a robot's base; `worst` the least margin d - S* (m)
    since the reset, its time (s) and the separation then (m).
    """

    def __init__(
        self,
        masses: Mapping[str, float],
        config: RefereeConfig | None = None,
        links: Mapping[str, Sequence[str]] | None = None,
        brakes: Mapping[str, Array] | None = None,
    ) -> None:
        self.config = config = config or RefereeConfig()
        self._masses = dict(masses)
        self._links = dict(links or {})
        self._brakes = {name: np.empty(0) for name in masses} | dict(brakes or {})
        brake = 2.0 * config.approach / config.deceleration + 2.0 / config.deceleration
        self.horizon = max(3.0, _REACH + brake)  # m, S* at 2 m/s and what arms reach
        self._touched = np.zeros((len(CAPSULE_REGIONS), TOUCH_COLUMNS))
        self.reset()

    def reset(self) -> None:
        """Forget everything; nothing that is open is written."""
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self.separation = inf
        self.worst = (inf, 0.0, inf)  # least margin (m), when (s), and the separation then (m)
        self._last = -inf  # s, of the latest look

    @property
    def harming(self) -> bool:
        """Whether a contact or a breach is going on."""
        return any(p.breach is not None or p.touches for p in self._pairs.values())

    def watch(self, truth: State, dt: float) -> list[Event]:
        """What ended or is known since the last tick, `dt` s ago. Events as in docs/events.md.

        After a longer time nothing is known of the way between: what was open had ended.
        """
        self.separation = inf
        people, pairs, time = truth.people, self._pairs, truth.time
        gap, self._last = time - self._last, time
        if not people and not pairs:
            return []
        events = self.close(time) if pairs and gap > _JUMP else []
        for robot, arm in truth.robots.items():
            _, dq, _, _, where, moving, _, _, _, driven = arm
            for name, (_, _, body, coming) in people.items():
                pair = pairs.get((robot, name)) or self._meet(robot, name, where, body)
                seen, least, margin, separation, speed = look(
                    where, moving, body, coming, pair.memory, self._touched, dq, pair.brakes
                )
                if least < self.separation:
                    self.separation = least
                if not driven:
                    margin = max(0.0, least)
                if margin < self.worst[0]:
                    self.worst = (margin, time, separation if driven else least)
                if margin < 0.0:
                    self._breached(pair, time, dt, (margin, separation, speed))
                if seen:
                    self._touch(driven, pair, time, dt)
                if pair.breach is not None or pair.touches:
                    self._finish((robot, name), pair, time, time - self.config.merge, events)
        if len(pairs) > len(people) * len(truth.robots):
            for key in [k for k in pairs if k[0] not in truth.robots or k[1] not in people]:
                self._finish(key, pairs.pop(key), time, inf, events)
        return events

    def stand(self, time: float) -> list[Event]:
        """The robot is locked out: who is not pressed against something is free to go, and what
        follows of such a touch is somebody at a robot that stands. Writes what it was until now.
        """
        events: list[Event] = []
        for key, pair in self._pairs.items():
            for j in [j for j, touch in pair.touches.items() if touch.moved and not touch.pressed]:
                events += self._contact(key, j, pair.touches.pop(j), time)
        return events

    def close(self, time: float) -> list[Event]:
        """Write what is still open, at the end or where nothing is known of the time between."""
        events: list[Event] = []
        for key, pair in self._pairs.items():
            self._finish(key, pair, time, inf, events)
        self._pairs.clear()
        return events

    def penalty(self, truth: State, robot: str | None = None) -> list[tuple[int, Array, Array]]:
        """Forces that people's bodies exert on a robot (the only one by default).

        Returns (robot capsule index, point (3,) m, force (3,) N) for each body capsule that
        touches; empty while nothing does. The body yields nothing: people go on as drawn.
        """
        if self.separation > 0.15 or not truth.people:  # of the last tick; nobody is that fast
            return []
        arm = truth.robots[robot] if robot else next(iter(truth.robots.values()))
        found: list[tuple[int, Array, Array]] = []
        c = self.config
        for person in truth.people.values():
            rows = pushes(
                arm.capsules, arm.capsule_velocities, person.capsules, person.velocities,
                (c.stiffness, c.damping, c.cap),
            )  # fmt: skip
            found += [(int(row[0]), row[1:4], row[4:7]) for row in rows]
        total = sum(float(np.linalg.norm(force)) for _, _, force in found)
        if total > c.cap:  # it is people who give way, not each of their limbs
            found = [(link, point, force * (c.cap / total)) for link, point, force in found]
        return found

    def _meet(self, robot: str, name: str, arm: Array, body: Array) -> _Pair:
        c = self.config
        laws = self.horizon, c.approach, c.deceleration
        pair = _Pair(memory(len(arm), len(body), laws), self._brakes[robot])
        self._pairs[robot, name] = pair
        return pair

    def _breached(
        self, pair: _Pair, time: float, dt: float, worst: tuple[float, float, float]
    ) -> None:
        margin, separation, speed = worst
        breach = pair.breach
        if breach is None:
            breach = pair.breach = _Breach(time - min(dt, _JUMP), time, inf, inf, 0.0)
        breach.last = time
        if margin < breach.margin:
            breach.margin, breach.separation, breach.speed = margin, separation, speed

    def _touch(self, driven: bool, pair: _Pair, time: float, dt: float) -> None:
        dt = min(dt, _JUMP)
        for j in np.flatnonzero(self._touched[:, LAST]).tolist():
            row = self._touched[j].tolist()
            now = time - dt * (1.0 - row[LAST])
            touch = pair.touches.get(j)
            if touch is None:
                touch = pair.touches[j] = _Touch(time - dt * (1.0 - row[FIRST]), now)
            touch.last = now
            if row[CLOSING] > touch.speed:
                touch.speed, touch.robot_speed = row[CLOSING], row[ROBOT_SPEED]
                touch.link = int(row[LINK])
            touch.moved = touch.moved or (driven and row[FASTEST] >= STANDING)
            if touch.clamped is None and touch.moved:  # who leans on a robot that stands is free
                away = self._touched[j, NORMAL : NORMAL + 3]
                body = self._touched[j, POINT : POINT + 7]
                touch.pressed = pinned(body, away, self.config.obstacles, self.config.gap)
                if touch.pressed or now - touch.start > self.config.clamp:
                    touch.clamped = now if touch.pressed else touch.start + self.config.clamp
            held = int(touch.clamped is not None)
            touch.closing[held] = max(touch.closing[held], row[CLOSING])
            if driven:
                touch.towards[held] = max(touch.towards[held], row[TOWARDS])

    def _finish(
        self, key: tuple[str, str], pair: _Pair, time: float, before: float, events: list[Event]
    ) -> None:
        """Write what was last seen before `before`."""
        if pair.breach is not None and pair.breach.last < before:
            b, pair.breach = pair.breach, None
            data = {"start": b.start, "duration": min(b.last, time) - b.start, "margin": b.margin}
            data |= {"separation": b.separation, "speed": b.speed}
            events.append(Event(time, EventKind.BREACH, key[1], data))
        for j in [j for j, touch in pair.touches.items() if touch.last < before]:
            events += self._contact(key, j, pair.touches.pop(j), time)

    def _contact(self, key: tuple[str, str], j: int, touch: _Touch, time: float) -> list[Event]:
        region, clamped = CAPSULE_REGIONS[j], touch.clamped is not None
        last = min(touch.last, time)  # an episode may end within a tick
        names = self._links.get(key[0])
        link = names[touch.link] if names else str(touch.link)
        # a blow is held against the transient limit, what presses on against the quasi-static one
        mass = self._masses[key[0]]
        blow, press = (severity(region, touch.closing[c], mass, bool(c)) for c in (0, 1))
        harm = max(blow, press, key=lambda h: h.force_ratio)
        own = max(
            (severity(region, touch.towards[c], mass, bool(c)) for c in (0, 1)),
            key=lambda h: h.force_ratio,
        )
        where = {"region": region, "link": link}
        data = {
            "start": touch.start, "duration": last - touch.start, **where,
            "relative_speed": touch.speed, "robot_speed": touch.robot_speed,
            "force": harm.force, "energy": harm.energy, "force_ratio": harm.force_ratio,
            "energy_ratio": harm.energy_ratio, "clamped": clamped, "moving": touch.moved,
            "robot_force_ratio": own.force_ratio, "robot_energy_ratio": own.energy_ratio,
        }  # fmt: skip
        events = [Event(time, EventKind.CONTACT, key[1], data)]
        if touch.clamped is not None:
            since = {"start": touch.clamped, "duration": max(0.0, last - touch.clamped)}
            data = {**since, **where, "force": press.force, "force_ratio": press.force_ratio}
            events.append(Event(time, EventKind.CLAMPING, key[1], data))
        return events
