"""Perception integrity: people not seen, lost or seen twice; this project's own rule (D)."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot, isnan

import numpy as np
from pydantic import Field

from genba.safety.crowd import BALL, FIRST, crowd_of
from genba.safety.robot import RobotModel
from genba.safety.rule import PASS, Parameters, Verdict
from genba.safety.standards import (
    HUMAN_SPEED_REACHING,
    PERCEPTION_AGE,
    PERCEPTION_AREA,
    PERCEPTION_BACK,
    PERCEPTION_DISAGREEMENT,
    PERCEPTION_JUMP,
    SENSOR_DELAY,
)
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State

RENEWED = 0.1  # s, after which it is noted anew where everybody is
ROUNDING = 1e-6  # s, by which a report that stands may seem to be older than it was
OTHER, SAME, WALKED = 0, 1, 2
MISSED = 3.5  # ticks without a look, after which nobody need have vanished


class PerceptionIntegrityParameters(Parameters):
    """How old the sight of people may be, where they cannot vanish, how far trackers may differ."""

    max_age: float = Field(
        default=PERCEPTION_AGE, gt=0.0, le=10.0, description="s, beyond the declared delay (D)"
    )
    sensor_delay: float = Field(
        default=SENSOR_DELAY, ge=0.0, le=10.0, description="s, the sensor's declared delay (D)"
    )
    back_within: float = Field(
        default=PERCEPTION_BACK, gt=0.0, le=60.0, description="s, after that a person resets (D)"
    )
    area: float = Field(
        default=PERCEPTION_AREA, ge=0.0, le=100.0,
        description="m around the robot's base from which nobody vanishes; 0: anybody may (D)",
    )  # fmt: skip
    disagreement: float = Field(
        default=PERCEPTION_DISAGREEMENT, gt=0.0, le=10.0,
        description="m between two trackers of a person (D)",
    )  # fmt: skip
    jump: float = Field(
        default=PERCEPTION_JUMP, gt=0.0, le=100.0,
        description="m beyond what a person walks between two reports: it is another one (D)",
    )  # fmt: skip


# when last seen (s), who, where (x, y m), whether they may have walked on since (not where another
# goes by their name), and of how many capsules they were
Lost = tuple[float, str, float, float, bool, int]


@kernel(error_model="numpy")
def _look(bodies: Array, base: Array, area: float, places: Array) -> int:
    """Into `places` (n, 3), for each body of a crowd, whether all of it is inside the area (1, else
    0) and x, y (m) of its middle from the base; returns the first that is no body, -1: all are.

    Who walks out leaves with one foot first, and is outside then.
    """
    who, count, x0, y0 = -1, 0.0, base[0, 0], base[0, 1]
    for j in range(bodies.shape[0]):
        if bodies[j, FIRST] == j:
            who, count = who + 1, 0.0
            places[who, 0], places[who, 1], places[who, 2] = 1.0, 0.0, 0.0
        if isnan(bodies[j, BALL]):
            return who
        x, y = bodies[j, 0] - x0, bodies[j, 1] - y0
        if not x * x + y * y < area * area:
            places[who, 0] = 0.0
        places[who, 1] += x
        places[who, 2] += y
        count += 1.0
        if j + 1 == bodies.shape[0] or bodies[j + 1, FIRST] == j + 1:
            places[who, 1] /= count
            places[who, 2] /= count
    return -1


@kernel(error_model="numpy")
def _compare(
    bodies: Array, base: Array, area: float, before: Array, way: float, now: Array
) -> int:  # fmt: skip
    """SAME: every body is one, and no more than `way` (m) from where it was, `before` (n, 3);
    WALKED: but somebody has come into the area or left it. `now` (n, 3) is written as by `_look`.
    """
    if _look(bodies, base, area, now) >= 0:
        return OTHER
    found = SAME
    for k in range(before.shape[0]):
        x, y = now[k, 1] - before[k, 1], now[k, 2] - before[k, 2]
        if not x * x + y * y <= way * way:
            return OTHER
        if now[k, 0] != before[k, 0]:
            found = WALKED
    return found


class PerceptionIntegrity:
    """Stops while the sight of people is not to be trusted; for longer, a person must reset.

    Not trusted is a sight that is too old, that holds what is no body, that has lost somebody who
    did not walk out of the monitored area, or of which `machines["tracker_disagreement"]` (m) is
    too large. Lost is a name that is gone, one that is now where nobody can have walked to, since
    it is somebody else's, and one of whose body a part is gone. Who was there before a sight that
    was too old, or can have come in meanwhile, must be there after it. Somebody who stays lost is
    for a person to look for: once that is asked the rule asks no more, so that the reset is theirs.
    """

    name = "perception_integrity"
    clause = "project rule (D), docs/standards.md 8: perception integrity"
    reaction = "category 2"
    reset = "automatic if back within 2 s, else manual"
    order = "integrity"
    Parameters = PerceptionIntegrityParameters
    MEMORY = ("_lost", "_names", "_places", "_since", "_sizes", "_taken", "_time")
    NEEDS = ("tracker_disagreement",)
    __slots__ = (
        "_apart", "_area", "_crowd", "_jump", "_limit", "_lost", "_names", "_patience", "_places",
        "_robot", "_room", "_since", "_sizes", "_taken", "_tick", "_time",
    )  # fmt: skip

    def __init__(
        self, parameters: PerceptionIntegrityParameters, robot_name: str, robot: RobotModel
    ) -> None:
        self._robot, self._patience = robot_name, parameters.back_within
        self._apart, self._area = parameters.disagreement, parameters.area
        self._jump = parameters.jump
        self._tick: float = getattr(robot, "tick", 1.0)  # s
        self._limit = parameters.max_age + parameters.sensor_delay
        self._since: float | None = None  # s, since when the sight is bad
        self._crowd = crowd_of(robot)
        self._names: tuple[str, ...] = ()  # who was seen when it was last noted
        self._sizes: tuple[int, ...] = ()  # and of how many capsules
        self._places: Array | None = None  # (n, 3) and where, as of `_look`
        self._taken = 0.0  # s, when that was measured
        self._room: Array = np.empty((0, 3))
        self._lost: tuple[Lost, ...] = ()  # who has vanished
        self._time = 0.0  # s, of the latest look

    def check(self, state: State, command: Command) -> Verdict:
        """Trigger: age (s), people lost, or m between trackers; limit: in the same unit."""
        age, gap, self._time = state.people_age, state.time - self._time, state.time
        if gap > MISSED * self._tick:  # locked out meanwhile: they may have gone
            self._names, self._sizes, self._places = (), (), None
        if not 0.0 <= age <= self._limit:
            return self._bad("people not seen for too long", age, self._limit)
        people, apart = state.people, state.machines.get("tracker_disagreement", 0.0)
        agree = 0.0 <= apart <= self._apart  # type: ignore[operator]  # else it raises: a stop
        if agree and not people and not self._names and not self._lost:
            self._since = None
            return PASS
        taken = state.time - age
        if self._lost or not self._known(state, taken):
            bad = self._renew(state, taken)
            if bad is not None:
                return bad
        if self._lost:
            reason = f"{self._lost[0][1]} vanished inside the monitored area"
            verdict = self._bad(reason, float(len(self._lost)), 0.0)
            self._lost = () if verdict.latch else self._lost
            return verdict
        if agree:
            self._since = None
            return PASS
        reason = "two trackers disagree on where a person is"
        return self._bad(reason, float(apart), self._apart)

    def _known(self, state: State, taken: float) -> bool:
        """Whether all are those that were seen, and where they can have walked to since."""
        before, since = self._places, taken - self._taken
        if before is None or tuple(state.people) != self._names or not since > -ROUNDING:
            return False
        if before.shape != (len(self._names), 3):  # a stranger's record may say so
            raise ValueError("what was seen does not fit who was")
        if self._room.shape != before.shape:
            self._room = np.empty_like(before)
        way, base = self._jump + HUMAN_SPEED_REACHING * since, state.robots[self._robot].capsules
        bodies = self._crowd.of(state)
        if self._crowd.sizes != self._sizes:
            return False
        found = _compare(bodies, base, self._area, before, way, self._room)
        if found == WALKED or (found == SAME and since > RENEWED):
            self._places, self._taken, self._room = self._room, taken, np.empty_like(before)
        return found != OTHER

    def _renew(self, state: State, taken: float) -> Verdict | None:
        """Notes who is seen and who is lost: who was seen inside the area, and is not now."""
        names, places = tuple(state.people), np.empty((len(state.people), 3))
        base = state.robots[self._robot].capsules
        none = _look(self._crowd.of(state), base, self._area, places)
        if none >= 0:
            return self._bad(f"{names[none]} is seen with no body", 1.0, 0.0)
        sizes = self._crowd.sizes
        seen = {n: (x, y, k) for n, (_, x, y), k in zip(names, places.tolist(), sizes, strict=True)}
        lost = [one for one in self._lost if self._gone(one, seen, taken)]
        if self._places is not None:
            since = taken - self._taken
            # while nobody was tracked, who was beside the area may have come into it
            blind = since > self._limit + RENEWED and self._area > 0.0
            near = self._area + HUMAN_SPEED_REACHING * since if blind else 0.0
            were = zip(self._names, self._places.tolist(), self._sizes, strict=True)
            for name, (inside, x, y), k in were:
                within = inside or hypot(x, y) < near
                if within and self._gone((self._taken, name, x, y, True, k), seen, taken):
                    lost.append((self._taken, name, x, y, name not in seen, k))
        self._lost = tuple(lost)
        self._names, self._places, self._sizes, self._taken = names, places, sizes, taken
        return None

    def _gone(self, one: Lost, seen: Mapping[str, tuple[float, float, int]], taken: float) -> bool:
        """Whether who was seen then is not whole among those seen now, at `taken` (s)."""
        since, name, x, y, walks, k = one
        if name not in seen or seen[name][2] < k:
            return True
        way = self._jump + HUMAN_SPEED_REACHING * max(0.0, taken - since) * walks
        return not hypot(seen[name][0] - x, seen[name][1] - y) <= way

    def _bad(self, reason: str, trigger: float, limit: float) -> Verdict:
        if self._since is None:
            self._since = self._time
        latch = self._time - self._since >= self._patience
        return Verdict(0.0, 2, latch, reason, trigger, limit)
