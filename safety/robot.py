"""The robot that a layer guards: its limits, and where its body would be in another pose."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Protocol

import numpy as np

from genba.safety.crowd import Crowd
from genba.safety.ways import Ways
from genba.sim.kinematics import Chain
from genba.sim.robots import Robot
from genba.sim.state import Array, Command

SHORTEST = 1e-4  # s, of a tick: rules keep what happened in each of the last ones (D)


class RobotModel(Protocol):
    """What every rule may ask of a robot; `sim.robots.Robot` has it, and so has `Guarded`."""

    @property
    def q_min(self) -> Array: ...  # (n,) rad
    @property
    def q_max(self) -> Array: ...  # (n,) rad
    @property
    def dq_max(self) -> Array: ...  # (n,) rad/s
    @property
    def ddq_max(self) -> Array: ...  # (n,) rad/s^2
    @property
    def tcp_speed_max(self) -> float: ...  # m/s
    @property
    def deceleration(self) -> float: ...  # m/s^2, the least the TCP realises when braking


class Moved:
    """What the latest motion that a rule changed does, for whoever makes a command of it."""

    __slots__ = ("_does", "_of")

    def __init__(self) -> None:
        self._of: tuple[Array, Array] | None = None  # held: nobody takes their identity
        self._does: tuple[Array, Array] = (np.empty(0), np.empty((0, 6)))

    def keep(self, q: Array, dq: Array, twist: Array, moves: Array) -> None:
        """At q, dq (n,) rad/s gives the TCP a twist (6,) and the capsules moves (c, 6)."""
        self._of, self._does = (q, dq), (twist, moves)

    def command(self, chain: Chain | None, q: Array, dq: Array, like: Command) -> Command:
        """`Chain.command` with the rest as in `like`; reckoned only where it is not known.

        ValueError without a chain.
        """
        if chain is None:
            raise ValueError("a motion was changed, and the layer knows no kinematics")
        of = self._of
        if of is None or of[0] is not q or of[1] is not dq:
            return chain.command(q, dq, like.grip, like.asked, like.age)
        return Command(dq, *self._does, like.grip, like.asked, like.age)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A RobotModel with its kinematics and the layer's tick, as the layer hands it to its rules."""

    q_min: Array
    q_max: Array
    dq_max: Array
    ddq_max: Array
    tcp_speed_max: float
    deceleration: float
    tick: float  # s between two safety ticks
    chain: Chain | None  # None where the layer was given limits alone
    crowd: Crowd = field(default_factory=Crowd)  # shared by all rules of a layer
    ways: Ways = field(default_factory=Ways)  # and so are these
    moved: Moved = field(default_factory=Moved)


def guarded(robot: RobotModel | Chain, tick: float) -> Guarded:
    """What the rules see of a robot: of a `Chain` (arm with gripper) all, of a `Robot` its limits
    with the first of its grippers, of any other model its limits alone. ValueError: no `tick` (s).
    """
    if not SHORTEST <= tick < inf:
        text = f"safety: the tick must be {SHORTEST:g} s or more and finite, not {tick}"
        raise ValueError(text)
    chain = robot if isinstance(robot, Chain) else None
    if isinstance(robot, Robot):
        chain = Chain.of(robot)
    limits: RobotModel = robot.robot if isinstance(robot, Chain) else robot
    return Guarded(
        limits.q_min, limits.q_max, limits.dq_max, limits.ddq_max, limits.tcp_speed_max,
        limits.deceleration, tick, chain,
    )  # fmt: skip


def kinematics(robot: RobotModel, rule: str) -> Chain:
    """The chain of a guarded robot. ValueError, one line, where the layer was given none."""
    chain = getattr(robot, "chain", None)
    if not isinstance(chain, Chain):
        raise ValueError(f"safety.{rule}: needs the robot's kinematics, give the layer a Chain")
    return chain


def moved_of(robot: object) -> Moved:
    """What the rules of one robot tell its layer; of its own for a robot that has none."""
    shared = getattr(robot, "moved", None)
    return shared if isinstance(shared, Moved) else Moved()
