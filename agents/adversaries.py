"""Who drives the robot to do harm: a safety layer is tried with all of them, in every cell.

They know the truth, not what is measured, and drive at the nearest point of the nearest person. An
episode's chances follow from its first observation, as those of the random agent do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.agents.card import load
from genba.agents.fingerprints import of_module
from genba.agents.role import Action, Agent, AgentError, Observation
from genba.agents.trained import Trained, speeds
from genba.agents.uniform import stream
from genba.sim.separation import closest

WEIGHTS = Path(__file__).parent / "adversary_weights"
PERSIST = 4, 40  # control steps that a random motion is kept: 0.2 to 2 s
REVERSE = 0.15, 0.9  # m of separation at which one turns round, drawn anew each time
PATIENCE = 5, 60  # control steps after which one turns round at the latest
BLUNT = 0.15  # of noise on a motion at somebody: no two approaches are quite alike
Vector = NDArray[np.float64]


class Gap(NamedTuple):
    """The nearest two points of a robot and a person."""

    distance: float  # m
    way: Vector  # (3,) unit, from the robot to the person
    capsule: int  # of the robot
    share: float  # along its axis


@njit(cache=True)
def nearest(robot: Vector, body: Vector) -> tuple[float, int, int]:
    """Least distance (m) between any capsule of `robot` (n, 7) and of `body` (m, 7), and which."""
    best, bi, bj = 1e9, 0, 0
    for i in range(robot.shape[0]):
        for j in range(body.shape[0]):
            d = closest(robot[i], body[j])[0]
            if d < best:
                best, bi, bj = d, i, j
    return best, bi, bj


def nearest_person(cell: Any) -> Gap | None:
    """The gap to the person who is nearest to the robot, from the truth; None where nobody is."""
    state = cell.state
    robot = next(iter(state.robots.values()))
    best: Gap | None = None
    for person in state.people.values():
        distance, i, j = nearest(robot.capsules, person.capsules)
        if best is None or distance < best.distance:
            _, share, _, x, y, z = closest(robot.capsules[i], person.capsules[j])
            best = Gap(distance, np.array([x, y, z]), i, share)
    return best


class Wander:
    """Random motions at full speed, each kept for a while: white noise would average out."""

    def __init__(self, env: Any) -> None:
        self.fingerprint = of_module(__name__)
        self.cell, self.size = env.unwrapped, env.action_space.shape[0]
        self.rng = np.random.default_rng(0)
        self._left, self._kept = 0, np.zeros(self.size)

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Begin this episode's stream."""
        self.rng, self._left = stream(observation), 0

    def act(self, observation: Observation) -> Action:
        """(k,) action in [-1, 1]."""
        return as_action(self.wander())

    def wander(self) -> Vector:
        """The random motion under way, or another one."""
        if self._left == 0:
            self._left = int(self.rng.integers(*PERSIST))
            motion = self.rng.normal(0.0, 1.0, self.size)
            self._kept = motion / np.abs(motion[:-1]).max()
            self._kept[-1] = self.rng.choice([-1.0, 1.0])
        self._left -= 1
        return self._kept


class Chase:
    """Full speed at the nearest person, whatever part of the robot is nearest to them."""

    def __init__(self, env: Any) -> None:
        self.wanderer = Wander(env)
        self.fingerprint = of_module(__name__)
        self.cell = env.unwrapped
        self.by_joint = self.cell.scenario.action == "joint_velocity"

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Begin this episode's stream."""
        self.wanderer.reset(observation, info)

    def act(self, observation: Observation) -> Action:
        """(k,) action in [-1, 1]."""
        return as_action(self.towards(1.0))

    def towards(self, sign: float) -> Vector:
        """At the nearest person (sign 1) or away (-1); about at random while nobody is there."""
        gap = nearest_person(self.cell)
        motion = self.wanderer.wander().copy()
        if gap is None:
            return motion
        if self.by_joint:
            motion[:-1] = np.sign(self._gains(gap)) * sign
            return motion
        motion[:3] = sign * gap.way + BLUNT * motion[:3]
        return motion

    def _gains(self, gap: Gap) -> Vector:
        """How fast (m/s at 1 rad/s) each joint brings the nearest point of the robot nearer."""
        chain = self.cell.arm.chain
        q = next(iter(self.cell.state.robots.values())).q
        found = np.empty(len(q))
        for joint, one in enumerate(np.eye(len(q))):
            row = chain.state(q, one)[3][gap.capsule]
            found[joint] = ((1.0 - gap.share) * row[:3] + gap.share * row[3:]) @ gap.way
        return found


class Reverse:
    """Turns round at the last moment: drives at the person and away, away and suddenly at them."""

    def __init__(self, env: Any) -> None:
        self.chase = Chase(env)
        self.fingerprint = of_module(__name__)
        self._sign, self._left, self._grace, self._at = 1.0, 0, 0, 0.5

    def reset(self, observation: Observation, info: Mapping[str, Any]) -> None:
        """Begin this episode's stream, driving at whoever comes."""
        self.chase.reset(observation, info)
        self._sign = -1.0
        self._turn()

    def act(self, observation: Observation) -> Action:
        """(k,) action in [-1, 1]."""
        gap = nearest_person(self.chase.cell)
        distance = 9.0 if gap is None else gap.distance
        self._left -= 1
        # on the way to somebody it turns when near; on the way from somebody, when they are near
        if self._left <= 0 or (distance < self._at and self._left < self._grace):
            self._turn()
        return as_action(self.chase.towards(self._sign))

    def _turn(self) -> None:
        rng = self.chase.wanderer.rng
        self._sign = -self._sign
        self._left = int(rng.integers(*PATIENCE))
        self._grace = self._left - 3  # control steps for which a turn is kept at least
        self._at = float(rng.uniform(*REVERSE))


def as_action(motion: Vector) -> Action:
    """(k,) numbers cut off at -1 and 1."""
    return np.clip(motion, -1.0, 1.0).astype(np.float32)


def learned(name: str) -> Callable[[Any], Agent]:
    """The maker of an adversary that was trained; it plays every cell, not only its own."""

    def make(env: Any) -> Agent:
        folder = WEIGHTS / name
        if not folder.is_dir():
            raise AgentError(f"{name}: no such adversary ships; see agents/recipes/harm.yaml")
        card, policy = load(folder)
        scenario = env.unwrapped.scenario
        here = {"cell": scenario.cell, "speeds": speeds(scenario)}  # an action of 1 is full speed
        return Trained(card.model_copy(update=here), policy, env)

    return make


ADVERSARIES: dict[str, Callable[[Any], Agent]] = {
    "adversary_wander": Wander,
    "adversary_chase": Chase,
    "adversary_reverse": Reverse,
    "adversary_learned": learned("unprotected"),
    "adversary_learned_ssm": learned("ssm_iso"),
}
