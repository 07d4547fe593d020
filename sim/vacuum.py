"""A vacuum cup on a part: it seals slowly, holds by force, and loses what is too heavy or leaks."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

import numpy as np
import pybullet as p

from genba.sim.grippers import Gripper
from genba.sim.state import Array

if TYPE_CHECKING:
    from genba.sim.world import World

GAP = 0.006  # m between cup and part at which the seal closes
SQUARE = 0.985  # cosine of the greatest angle between cup and face, 10 degrees
NEAR = 0.1  # m along an axis from the cup to a part's middle, beyond which it cannot seal
LIP = 0.6  # share of the cup's radius that must lie on the face


class Cup:
    """State of one cup. `seal` gives the share of its force that holds on a part's surface."""

    def __init__(self, gripper: Gripper) -> None:
        self.gripper = gripper
        self.held: str | None = None
        self.seal: dict[str, float] = {}
        self._evacuated = 0.0  # s the pump has been sucking at a closed seal
        self._constraint = -1

    def work(self, world: World, tcp: Array, on: bool, seconds: float) -> None:
        """One control step of the pump."""
        if not on:
            self.let_go(world)
        elif self.held is not None:
            if self._overloaded(world):
                self.let_go(world)
        else:
            part = next((n for n in world.awake() if self._seals(world, n, tcp)), None)
            self._evacuated = self._evacuated + seconds if part is not None else 0.0
            if part is not None and self._evacuated >= self.gripper.response - 1e-9:
                self._attach(world, part, tcp)

    def let_go(self, world: World) -> None:
        """Break the vacuum."""
        self._evacuated = 0.0
        if self.held is not None:
            p.removeConstraint(self._constraint, physicsClientId=world.client)
            self._collide(world, self.held, 1)
            self.held = None

    def _overloaded(self, world: World) -> bool:
        """Bullet's fixed joint never yields; its reading says what the seal would have to bear."""
        force = p.getConstraintState(self._constraint, physicsClientId=world.client)
        share = self.seal.get(self.held or "", 1.0)
        pull, shear = -force[2], hypot(force[0], force[1])  # pressing on is no load
        return bool(pull > share * self.gripper.force or shear > share * self.gripper.shear)

    def _seals(self, world: World, name: str, tcp: Array) -> bool:
        """The cup lies on one face of the part, close and square to it."""
        (x, y, z), (cx, cy, cz) = world.place_of(name), tcp[:3].tolist()
        if max(abs(x - cx), abs(y - cy), abs(z - cz)) > NEAR:
            return False
        pose, half = world.pose(name), world.spec(name).half
        inverse = p.invertTransform(pose[:3], pose[3:])
        at, turn = p.multiplyTransforms(*inverse, tcp[:3], tcp[3:])
        axis = np.array(p.getMatrixFromQuaternion(turn)).reshape(3, 3)[:, 2]
        face = int(np.argmax(np.abs(axis)))
        gap = -np.sign(axis[face]) * at[face] - half[face]
        lip = LIP * self.gripper.size / 2
        return bool(
            abs(axis[face]) > SQUARE
            and abs(gap) < GAP
            and all(abs(at[i]) < max(half[i] - lip, 0.003) for i in range(3) if i != face)
        )

    def _attach(self, world: World, part: str, tcp: Array) -> None:
        c, link = world.client, world.robot.tool_link
        # the joint sits at the cup, so that its force is the seal's and no lever is added;
        # Bullet takes both its frames relative to the bodies' centres of mass
        state = p.getLinkState(world.body, link, computeForwardKinematics=1, physicsClientId=c)
        to_tool = p.invertTransform(state[0], state[1])
        parent, parent_turn = p.multiplyTransforms(*to_tool, tcp[:3], tcp[3:])
        pose = world.pose(part)
        to_part = p.invertTransform(pose[:3], pose[3:])
        child, child_turn = p.multiplyTransforms(*to_part, tcp[:3], tcp[3:])
        self._constraint = p.createConstraint(
            world.body, link, world.parts[part], -1, p.JOINT_FIXED, [0, 0, 0], parent, child,
            parent_turn, child_turn, physicsClientId=c,
        )  # fmt: skip
        p.changeConstraint(self._constraint, maxForce=500, physicsClientId=c)
        # a lip yields: cup and part do not push each other apart, so that the joint reads the load
        self._collide(world, part, 0)
        self.held = part

    def _collide(self, world: World, part: str, on: int) -> None:
        p.setCollisionFilterPair(
            world.body, world.parts[part], world.robot.tool_link, -1, on,
            physicsClientId=world.client,
        )  # fmt: skip
