"""The robot as the policy meets it: an action becomes a command, a decision becomes motion."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from math import cos, sin
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from genba.envs.task import tool_angles
from genba.scenarios import Scenario
from genba.sim.compiled import kernel
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.state import Array, Command, RobotState
from genba.sim.touch import STANDING
from genba.sim.world import World

_new = tuple.__new__  # a named tuple without the call in Python of its own constructor
STILL = 0.005  # rad/s below which every joint of a robot that stands is


class Arm:
    """One robot in one world: hears actions, follows commands, tells its state."""

    fields: Mapping[str, int] = {
        "joint_position": 7, "joint_velocity": 7, "tcp_position": 3, "tcp_velocity": 3,
        "tool_tilt": 2, "tool_yaw": 2, "grip_opening": 1, "holding": 1, "grip_asked": 1,
    }  # fmt: skip

    def __init__(self, world: World, scenario: Scenario, tick: float) -> None:
        self.world, self.tick = world, tick
        self.chain = chain_of(world.layout.robot, world.layout.gripper)
        self.follower = Follower(world.robot, tick)
        self.by_joint = scenario.action == "joint_velocity"
        self.joints = len(world.robot.home)
        self.actions = (self.joints if self.by_joint else 6) + 1
        self.speed = (
            world.robot.dq_max * scenario.joint_speed
            if self.by_joint
            else np.array([scenario.tcp_speed] * 3 + [scenario.tcp_turn] * 3)
        )
        self._brake = world.robot.ddq_max * tick  # rad/s that a joint's brake takes in a tick
        self._open = np.full(self.joints, np.inf)  # rad/s that brakes leave which have not fallen
        self._told = False  # of an action of a wrong shape

    def reset(self) -> None:
        """The robot stands at home, the gripper open."""
        self.follower.reset(self.world.robot.home)
        self.grip = -1.0
        self.opening, self.holding = self.world.gripper_state()
        self._driven = False  # whether its drives move it, or it has not stood since they did
        self._left = self._open  # rad/s that the brakes leave each joint
        self._asked: Array = np.empty(0)  # the latest action, and what it asks for:
        self._rates: Array = self._asked
        self._shut = self.grip

    def hear(self, action: Any) -> Array:
        """The policy's answer as numbers, one for each of `actions`; anything else is all NaN."""
        try:
            asked = np.array(action, dtype=np.float64).reshape(-1)
        except Exception:  # a stranger's value may raise what it likes
            asked = np.empty(0)
        return asked if asked.size == self.actions else self._misheard(action)

    def _misheard(self, action: object) -> Array:
        """No answer; why is said once an environment, not at each step."""
        if not self._told:
            self._told = True
            got = f"shape {shape}" if (shape := getattr(action, "shape", None)) else repr(action)
            text = f"action: expected shape ({self.actions},), got {got[:80]}; it counts as NaN"
            warnings.warn(text, stacklevel=4)  # at the call of step
        return np.full(self.actions, np.nan)

    def hold(self) -> Array:
        """The action that stands still and keeps the grip."""
        asked = np.zeros(self.actions)
        asked[-1] = self.grip
        return asked

    def command(self, robot: RobotState, asked: Array, age: float = 0.0) -> Command:
        """What the action asks of the joints from where the robot is measured to be."""
        if asked is not self._asked:
            self._asked, self._rates, shut = asked, _twist(asked, self.speed), asked.item(-1)
            self._shut = min(1.0, max(-1.0, shut)) if shut == shut else shut
        make = self.chain.command if self.by_joint else self.chain.twist_command
        return make(robot.q, self._rates, self._shut, asked, age)

    def carry_out(self, command: Command, category: int | None) -> None:
        """One safety tick of motion, under the maker's acceleration and jerk.

        Stop category 0 takes the power away: each joint's brake falls in, and the path is lost. The
        makers publish no stop times, so a brake decelerates as the drive may at most (D), then
        holds with the joint's full torque. Every other stop brakes along the path.
        """
        if category == 0:
            left = self._braked()
            self.world.drive(left)
            self._begin_at(self.q + left * self.tick, left)
        else:
            self._left = self._open
            stopped = category is not None
            speeds, pushed = self.follower.servo(command.dq, self.q, stopped)
            self.world.drive(speeds)
            self._driven = self._driven or not self.follower.standing
            if pushed:
                # brakes do not pull back what pushed the arm away, and it must not run after a
                # reference that went on while something held it
                self._begin_at(self.q)
        if command.grip != self.grip:
            self.grip = command.grip
            self.world.set_grip(command.grip)

    def _braked(self) -> Array:
        """Joint speeds (n,) rad/s that the brakes leave in this tick; they do not let go again."""
        rest = np.minimum(np.abs(self.dq), self._left) - self._brake
        self._left = np.fmax(rest, 0.0)  # also of a speed that is no number
        left: Array = np.copysign(self._left, self.dq)
        return left

    def _begin_at(self, q: Array, dq: Array | float = 0.0) -> None:
        """A new path begins at joints q (n,) rad and dq (n,) rad/s, or at rest."""
        robot = self.world.robot
        speed = np.clip(dq, -robot.dq_max, robot.dq_max)
        self.follower.reset(np.clip(q, robot.q_min, robot.q_max), speed)

    def go_home(self) -> None:
        """A person jogs the robot home, with an open gripper, while it is locked out."""
        self.world.jog(self.world.robot.home)
        self.reset()

    def feel(self) -> None:
        """Read the gripper's own sensors, once a control step."""
        self.opening, self.holding = self.world.gripper_state()

    def state(self) -> RobotState:
        """The truth about the robot now."""
        reading = self.chain.read(*self.world.encoders())
        self.q, self.dq = reading[:2]
        if self._driven and self.follower.standing:
            ends = reading[5].reshape(-1, 3)
            self._driven = bool((ends * ends).sum(axis=1).max() >= STANDING * STANDING)
        felt = self.opening, self.holding, 0.0, self._driven
        return _new(RobotState, reading + felt)

    def observe(self, robot: RobotState, out: NDArray[np.float32]) -> None:
        """Into `out` the values of `fields`."""
        felt = robot.grip, float(robot.holding), self.grip
        _observe(robot.q, robot.dq, robot.tcp, robot.tcp_velocity, felt, out)


@kernel()
def _observe(
    q: Array, dq: Array, tcp: Array, velocity: Array, felt: tuple[float, float, float],
    out: NDArray[np.float32],
) -> None:  # fmt: skip
    n = q.size
    for i in range(n):
        out[i], out[n + i] = q[i], dq[i]
    at = 2 * n
    for i in range(3):
        out[at + i], out[at + 3 + i] = tcp[i], velocity[i]
    tilt_x, tilt_y, yaw = tool_angles(tcp)
    out[at + 6], out[at + 7], out[at + 8], out[at + 9] = tilt_x, tilt_y, cos(yaw), sin(yaw)
    out[at + 10], out[at + 11], out[at + 12] = felt[0] * 10, felt[1], felt[2]


@njit(cache=True)
def _twist(asked: Array, speed: Array) -> Array:
    """Action (n,) in [-1, 1] to rates; TCP velocity and turning are each kept within their ball,
    not their cube.
    """
    out = np.empty(speed.size)
    for i in range(speed.size):
        out[i] = min(1.0, max(-1.0, asked[i])) * speed[i]
        if asked[i] != asked[i]:
            out[i] = asked[i]
    if speed.size == 6:
        for k in (0, 3):
            fast = np.sqrt(out[k] ** 2 + out[k + 1] ** 2 + out[k + 2] ** 2) / speed[k]
            if fast > 1.0:
                out[k : k + 3] /= fast
    return out


def still(robot: RobotState) -> bool:
    """Whether the robot stands."""
    return bool(max(map(abs, robot.dq.tolist())) < STILL)
