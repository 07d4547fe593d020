"""What the cell can know: the truth with the delay, the noise and the gaps of declared sensors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from math import cos, exp, hypot, inf, radians, sin, sqrt

import numpy as np
from numba import njit

from genba.sim.compiled import kernel
from genba.sim.state import Array, Part, Person, RobotState, State

_BLOCK = 256  # ticks of noise drawn at a time
_RATE = 120.0  # Hz, of the safety ticks
_JUMP = 0.05  # s between ticks, from which nothing is known of the time between
_EARLY = 1e-6  # s, by which a report may be early, against rounding
_new = tuple.__new__  # a named tuple with fields changed, without the call in Python of _replace


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """The declared sensor model. Defaults are this project's own."""

    delay: float = 0.1  # s, age of a report of the people's positions
    noise: float = 0.015  # m, standard deviation of a body's position, each axis
    bound: float = 0.05  # m, no error is greater: Z_d of docs/standards.md 1
    correlation: float = 0.5  # s, over which the error changes
    dropout: float = 0.0  # 1/s, how often the tracking is lost
    dropout_seconds: float = 0.3  # s, mean time until it is back
    joint_noise: float = 1e-4  # rad, standard deviation
    joint_speed_noise: float = 1e-3  # rad/s
    vision_noise: float = 1e-3  # m, of a part's position, each axis
    vision_angle: float = 0.5  # degrees, of a part's orientation, each axis
    force_noise: float = 0.0  # N, standard deviation of the external force; 0 where none is read
    second_tracker: bool = False  # whether one follows people, to check the first


@njit(cache=True, error_model="numpy")
def _wander(normal: Array, last: Array, keep: float, bound: float) -> Array:
    """First-order autoregression (n, 3) from unit normals scaled to the noise, never over bound."""
    fresh = sqrt(1.0 - keep * keep)
    out = np.empty_like(normal)
    for k in range(normal.shape[0]):
        for j in range(3):
            last[j] = keep * last[j] + fresh * normal[k, j]
        size = sqrt(last[0] ** 2 + last[1] ** 2 + last[2] ** 2)
        if size > bound:
            for j in range(3):
                last[j] *= bound / size
        for j in range(3):
            out[k, j] = last[j]
    return out


@kernel(error_model="numpy")
def _add(errors: Array, q: Array, dq: Array) -> None:
    """To errors (2, n), which become what is measured, the truth."""
    for i in range(q.size):
        errors[0, i] += q[i]
        errors[1, i] += dq[i]


@kernel(error_model="numpy")
def _shift(capsules: Array, errors: Array, row: int, out: Array) -> None:
    """All capsules (k, 7) moved by the error in that row, into `out`."""
    x, y, z = errors[row, 0], errors[row, 1], errors[row, 2]
    for k in range(capsules.shape[0]):
        for e in range(0, 6, 3):
            out[k, e] = capsules[k, e] + x
            out[k, e + 1] = capsules[k, e + 1] + y
            out[k, e + 2] = capsules[k, e + 2] + z
        out[k, 6] = capsules[k, 6]


@dataclass(slots=True)
class _Track:
    """How far one person's trackers are off, from the last row to the first."""

    errors: Array  # (n, 3) m
    apart: list[float]  # m between the trackers, empty where there is one
    left: int  # rows to come


class Tracks:
    """The position error of each person, in blocks; with `second` also how far its tracker is off.

    The second tracker sees the same people with errors of its own, from the same bound.
    """

    def __init__(
        self,
        config: SensorConfig,
        rng: np.random.Generator,
        second: np.random.Generator | None = None,
    ) -> None:
        self._rngs = [rng] if second is None else [rng, second]
        self._config = config
        self._keep = exp(-1.0 / (_RATE * max(config.correlation, 1e-3)))
        self._tracks: dict[str, _Track] = {}
        self._last: dict[tuple[int, str], Array] = {}

    def shifted(self, people: Mapping[str, Person]) -> tuple[dict[str, Person], float]:
        """Everybody, each moved as a whole by the error of now; and the greatest distance (m)
        between the places that both trackers give somebody, 0 without a second.
        """
        measured, apart = {}, 0.0
        for name, (role, behaviour, capsules, velocities) in people.items():
            track = self._tracks.get(name)
            if track is None or not track.left:
                track = self._draw(name)
            row = track.left = track.left - 1
            if track.apart and track.apart[row] > apart:
                apart = track.apart[row]
            moved = np.empty(capsules.shape)
            _shift(capsules, track.errors, row, moved)
            measured[name] = _new(Person, (role, behaviour, moved, velocities))
        if len(self._tracks) > len(people):
            self._forget(people)
        return measured, apart

    def _draw(self, name: str) -> _Track:
        first, *others = (self._block(k, name) for k in range(len(self._rngs)))
        apart = np.linalg.norm(first - others[0], axis=1)[::-1].tolist() if others else []
        track = self._tracks[name] = _Track(first[::-1].copy(), apart, _BLOCK)
        return track

    def _block(self, tracker: int, name: str) -> Array:
        rng, key = self._rngs[tracker], (tracker, name)
        normal = rng.normal(0.0, self._config.noise, (_BLOCK, 3))
        last = self._last.get(key)
        if last is None:
            last = rng.normal(0.0, self._config.noise, 3)
        errors: Array = _wander(normal, last, self._keep, self._config.bound)
        self._last[key] = errors[-1].copy()
        return errors

    def _forget(self, people: Mapping[str, Person]) -> None:
        """Drop those who left."""
        self._tracks = {name: self._tracks[name] for name in people}
        self._last = {key: last for key, last in self._last.items() if key[1] in people}


class Sensors:
    """Truth in, measured state out, once a safety tick. Same seed, same ticks: same bits.

    The robot's encoders have noise; its capsules and TCP are passed on as they are (encoder noise
    moves them by tenths of a millimetre). People arrive `delay` late, each shifted as a whole by an
    error that wanders and never exceeds `bound`. While the tracking is lost the last report stands
    and `people_age` grows. Parts are those last seen by `see_parts`. What the controllers report is
    passed on, with `tracker_disagreement` (m) where a second tracker follows people.
    """

    def __init__(self, config: SensorConfig, rng: np.random.Generator) -> None:
        self.config = config
        self._noisy_force, self._second = config.force_noise != 0.0, config.second_tracker
        self._rng = rng
        self.reset()

    def reset(self, rng: np.random.Generator | None = None) -> None:
        """Forget everything; with `rng` also begin another stream."""
        self._rng = rng or self._rng
        encoders, tracks, self._vision, self._gaps, second, self._force = self._rng.spawn(6)
        self._encoders = encoders
        self._tracks = Tracks(self.config, tracks, second if self.config.second_tracker else None)
        self._forces: list[float] = []  # N, errors of the external force to come
        self._joints: dict[str, Iterator[tuple[Array, Array, Array]]] = {}  # both, q, dq
        self._reports: deque[tuple[float, Mapping[str, Person]]] = deque()
        self._gap = self._next_gap(0.0)
        self._parts: dict[str, Part] = {}

    def measure(self, truth: State) -> State:
        """The state as measured at truth.time. Call it every safety tick, in order of time."""
        time, true, there, _, machines, _ = truth
        robots = {}
        for name, robot in true.items():
            if name not in self._joints:
                self._joints[name] = chain.from_iterable(self._errors(len(robot.q)))
            both, q, dq = next(self._joints[name])  # fresh arrays, that become what is measured
            _add(both, robot.q, robot.dq)
            robots[name] = _new(RobotState, (q, dq) + robot[2:])
            if self._noisy_force:
                robots[name] = robot._replace(q=q, dq=dq, wrench=self._feel(robot.wrench))
        people, age = self._report(time, there)
        if people:
            people, apart = self._tracks.shifted(people)
            if self._second:
                machines = {**machines, "tracker_disagreement": apart}
        return _new(State, (time, robots, people, self._parts, machines, age))

    def see_parts(self, parts: Mapping[str, Part]) -> dict[str, Part]:
        """Poses of parts as a camera gives them now, each with an error of its own."""
        if parts:
            errors = self._vision.normal(0.0, 1.0, (len(parts), 6))
            errors[:, :3] *= self.config.vision_noise
            errors[:, 3:] *= radians(self.config.vision_angle)
            self._parts = {
                name: Part(_disturbed(part.pose, error), part.kind, part.defective)
                for (name, part), error in zip(parts.items(), errors, strict=True)
            }
        else:
            self._parts = {}
        return self._parts

    def _feel(self, force: float) -> float:
        """The magnitude (N) that the arm makes of an external force."""
        if not self._forces:
            self._forces = self._force.normal(0.0, self.config.force_noise, _BLOCK).tolist()
        return abs(force + self._forces.pop())

    def _errors(self, n: int) -> Iterator[Iterable[tuple[Array, Array, Array]]]:
        """Errors of n encoders without end, block by block; an array is made when it is asked for.

        Made all at once, they would long be out of the processor's cache when their turn comes.
        """
        spread = np.array([[self.config.joint_noise], [self.config.joint_speed_noise]])
        while True:
            drawn = self._encoders.normal(0.0, 1.0, (_BLOCK, 2, n))[::-1]
            drawn *= spread
            yield zip(drawn, drawn[:, 0], drawn[:, 1], strict=True)

    def _report(
        self, now: float, people: Mapping[str, Person]
    ) -> tuple[Mapping[str, Person], float]:
        """Take in who is there now; returns who was there in the report that is due, its age."""
        delay, reports = self.config.delay, self._reports
        if reports and now - reports[-1][0] > _JUMP:
            reports.clear()  # the clock was advanced without ticks; the sensors saw it all
        reports.append((now, people))
        until = now - delay + _EARLY
        if until >= self._gap[0]:
            until = self._lost(until)
        while len(reports) > 1 and reports[1][0] <= until:
            reports.popleft()
        # before the first report is due the oldest stands for it, as if people had stood still
        seen, people = reports[0]
        age = now - seen
        return people, (delay if age < delay + _EARLY else age)

    def _lost(self, until: float) -> float:
        """What was taken in a gap never arrives: the newest report that does is the one before."""
        begin, end = self._gap
        while until >= end:
            begin, end = self._gap = self._next_gap(end)
        return min(until, begin - _EARLY)

    def _next_gap(self, after: float) -> tuple[float, float]:
        if self.config.dropout <= 0.0:
            return inf, inf
        begin = after + self._gaps.exponential(1.0 / self.config.dropout)
        return begin, begin + self._gaps.exponential(self.config.dropout_seconds)


def _disturbed(pose: Array, error: Array) -> Array:
    """A pose (7,) moved by error[:3] m and turned by the rotation vector error[3:] rad."""
    angle = hypot(*error[3:])
    axis = error[3:] / max(angle, 1e-12)
    c, (x, y, z) = cos(angle / 2), sin(angle / 2) * axis
    px, py, pz, pw = pose[3:]
    turned = (
        c * px + x * pw + y * pz - z * py,
        c * py - x * pz + y * pw + z * px,
        c * pz + x * py - y * px + z * pw,
        c * pw - x * px - y * py - z * pz,
    )
    return np.concatenate([pose[:3] + error[:3], turned])
