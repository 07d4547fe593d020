"""Whether what the safety layer is given has the shapes and numbers that the rules rely on."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import lru_cache

import numpy as np

from genba.safety import geometry
from genba.safety.rule import Verdict
from genba.safety.verdicts import failure
from genba.sim.blocks import blocks
from genba.sim.compiled import kernel
from genba.sim.state import Array, Command, State

_new = tuple.__new__  # a named tuple without the call in Python of its own constructor
WRONG_SHAPE = "the command has the wrong shape"
NOTHING = np.zeros(0)  # what a policy asked that asked nothing; never written to


def command_fault(command: Command, joints: int, links: int = 0) -> str:
    """What is wrong with a command for a robot of so many joints, and capsules where their number
    is known (else 0); empty: nothing.

    Raises what it meets where the arrays are no arrays of real numbers.
    """
    kind = geometry.motion_fault(
        joints, command.dq, command.tcp_velocity, command.capsule_velocities
    )
    if kind == geometry.WRONG_SHAPE or (links and len(command.capsule_velocities) != links):
        return WRONG_SHAPE
    # inf - inf and NaN - NaN are no zero
    if kind == geometry.NOT_FINITE or command.grip - command.grip != 0.0:
        return "the command is not finite"
    return ""


def blame(fault: str, command: Command, rules: Container[str]) -> Verdict:
    """A policy that answers no number is for its rule to judge; all else is our own fault."""
    if not rules:
        return Verdict(0.0, None, False, fault, 0.0, 0.0)
    kind, _ = geometry.answer(np.asarray(command.asked, dtype=np.float64), command.grip, np.inf)
    if kind != geometry.SOUND and "finite_command" in rules:
        return Verdict(0.0, 2, False, fault, 0.0, 0.0)
    return failure(fault)


def state_fault(state: State, name: str, joints: int, rows: int) -> str:
    """What is wrong with the measured robot `name` of `rows` capsules, or with a person.

    Compiled rules read past the end of an array that is too short, so none may come through.
    """
    robot = state.robots.get(name)
    if robot is None:
        return f"the state has no robot {name!r}"
    kind = geometry.robot_fault(
        (joints, rows), robot.q, robot.dq, robot.tcp, robot.tcp_velocity, robot.capsules,
        robot.capsule_velocities,
    )  # fmt: skip
    if kind == geometry.WRONG_SHAPE:
        return "the measured robot has the wrong shape"
    if kind == geometry.NOT_FINITE:
        return "the measured robot is not finite, or impossibly far away or thin"
    for person in state.people.values():
        if person.capsules.shape[1] != 7 or not person.capsules.shape[0]:
            return "a measured person has the wrong shape, or no body"
    return ""


@lru_cache(maxsize=16)
def standing(joints: int, rows: int) -> tuple[Array, Array, Array]:
    """Velocities (n,), (6,), (c, 6) of joints, TCP and capsules that stand; never written to."""
    zeros = np.zeros(joints), np.zeros(6), np.zeros((rows, 6))
    for array in zeros:
        array.setflags(write=False)
    return zeros


def still(command: object, grip: float, joints: int, rows: int) -> Command:
    """A command to stand in place of another, which may be none at all."""
    given = (command.asked, command.age) if isinstance(command, Command) else (NOTHING, 0.0)
    return _new(Command, (*standing(joints, rows), grip, *given))


def bare(state: object) -> State:
    """Of a state that is not sound, or none at all, its time and what machines report."""
    machines, time = getattr(state, "machines", None), getattr(state, "time", 0.0)
    return State(time, {}, {}, {}, machines if isinstance(machines, Mapping) else {})


class Shares:
    """Makes commands at a share of their speeds, in fresh arrays cut from one allocation."""

    __slots__ = ("_joints", "_rows", "_sets")

    def __init__(self, joints: int) -> None:
        self._joints, self._rows = joints, -1
        self._sets: Iterator[tuple[Array, ...]] = iter(())

    def of(self, command: Command, share: float) -> Command:
        """A sound command times a share (1)."""
        rows = command.capsule_velocities
        if len(rows) != self._rows:
            self._rows = len(rows)
            self._sets = blocks((self._joints,), (6,), (self._rows, 6))
        out, dq, tool, capsules = next(self._sets)
        _times(command.dq, command.tcp_velocity, rows, share, out)
        return _new(Command, (dq, tool, capsules, command.grip, command.asked, command.age))


@kernel()
def _times(dq: Array, twist: Array, rows: Array, share: float, out: Array) -> None:
    """All speeds times a share, one after another into `out`."""
    n = dq.shape[0]
    for i in range(n):
        out[i] = share * dq[i]
    for k in range(6):
        out[n + k] = share * twist[k]
    at = n + 6
    for i in range(rows.shape[0]):
        for k in range(6):
            out[at + k] = share * rows[i, k]
        at += 6
