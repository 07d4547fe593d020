"""The fingers of a parallel gripper: they travel at their own speed, then hold with their force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pybullet as p

from genba.sim.grippers import Gripper

if TYPE_CHECKING:
    from genba.sim.world import World

GRASPED = 0.003  # m of opening above which closed fingers have something between them
STALLED = 0.01  # m/s, of both together, below which they do not move
FREE = 1e3  # m/s: as good as no limit


class Fingers:
    """State of the two fingers; `joints` is empty where the gripper has none."""

    def __init__(self, gripper: Gripper, tool_link: int) -> None:
        self.gripper = gripper
        self.joints = gripper.finger_joints(tool_link)
        self.felt = False
        self._since = 0  # the tick at which they were last told to move

    def move(self, world: World, grip: float) -> None:
        """Close for a positive grip; open for a negative one, to |grip| of the full opening."""
        self.felt, self._since = False, world.ticks
        target = 0.0 if grip > 0 else min(-grip, 1.0) * self.gripper.stroke
        self._drive(world, target, self.gripper.finger_speed)

    def read(self, world: World) -> tuple[float, bool]:
        """Opening (m), and whether a part is felt: from when they stall on one until they close
        past it or are opened. Call it once a control step: it is then that they press on.
        """
        one, other = p.getJointStates(world.body, self.joints, world.client)
        opening: float = one[0] + other[0]
        told = world.ticks > self._since  # or they have had no time to move
        stalled = told and abs(one[1]) + abs(other[1]) < STALLED
        felt = world.grip > 0 and opening > GRASPED and (stalled or self.felt)
        if felt and not self.felt:
            # under a limit of speed a motor of Bullet's bears less than its force, and the two
            # fingers different parts of it: what they hold creeps aside
            self._drive(world, 0.0, FREE)
        self.felt = felt
        return opening, felt

    def _drive(self, world: World, target: float, speed: float) -> None:
        for joint in self.joints:
            p.setJointMotorControl2(
                world.body, joint, p.POSITION_CONTROL, target, force=self.gripper.force,
                maxVelocity=speed, physicsClientId=world.client,
            )  # fmt: skip
