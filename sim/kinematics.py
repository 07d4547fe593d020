"""Where the arm is, how it moves and how to move it: one chain of a robot with its gripper."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from math import cos, sin
from pathlib import Path

import numpy as np

from genba.sim import chain_kernels as kernels
from genba.sim.blocks import blocks
from genba.sim.chain_kernels import Joints
from genba.sim.grippers import GRIPPERS, Gripper
from genba.sim.inverse import inverse
from genba.sim.robots import ROBOTS, Robot
from genba.sim.state import Array, Command

PULL = 0.5  # 1/s: the redundant joint's pull towards home at full speed (D)
CLOSE = 1e-6  # m and rad by which inverse kinematics may miss
_new = tuple.__new__  # a named tuple without the call in Python of its own constructor


class Chain:
    """The kinematics of an arm with its gripper, in the frame of the cell.

    Every call answers with fresh arrays. Values that are not finite are answered with NaN.
    """

    def __init__(self, robot: Robot, gripper: Gripper) -> None:
        self.robot = robot
        self.gripper = gripper
        self.capsule_names = (*robot.capsules, *gripper.capsules)
        # Bullet's link index of each capsule: -1 the base, robot.tool_link the gripper
        self.capsule_links = tuple(
            int(name[4:]) - 1 if name in robot.capsules else robot.tool_link
            for name in self.capsule_names
        )
        frames, tool_mass = _read(robot.urdfs[gripper.name], len(robot.home))
        self.tool_mass = tool_mass  # kg, of everything bolted to the flange
        self._table = _table(robot, gripper, frames, self.capsule_links)
        self._limits = np.stack([robot.q_min, robot.q_max])
        n, c = len(robot.home), len(self.capsule_names)
        self._readings = blocks((n,), (n,), (7,), (6,), (c, 7), (c, 6))
        self._room = kernels.room(n)
        self._answers = blocks((n,), (6,), (c, 6))

    @classmethod
    def of(cls, robot: Robot) -> Chain:
        """The chain of a robot with the first of its grippers."""
        return cls(robot, GRIPPERS[next(iter(robot.urdfs))])

    @property
    def table(self) -> Array:
        """What the kernels of chain_kernels.py read."""
        return self._table

    def read(self, q: Joints, dq: Joints) -> tuple[Array, Array, Array, Array, Array, Array]:
        """q and dq (n,), rad and rad/s, as arrays of their own, and what `state` says of them."""
        row, at, rates, tcp, velocity, capsules, moving = next(self._readings)
        kernels.state(q, dq, self._table, row, self._room)
        return at, rates, tcp, velocity, capsules, moving

    def state(self, q: Joints, dq: Joints) -> tuple[Array, Array, Array, Array]:
        """TCP pose (7,: m, quaternion x y z w), TCP velocity (6,: m/s, rad/s), capsules (c, 7) and
        velocities of the capsules (c, 6) of joint positions and velocities (n,), rad and rad/s.
        """
        return self.read(q, dq)[2:]

    def resolve(self, q: Array, twist: Array) -> Array:
        """Joint velocity (n,) that gives the TCP a twist (6,: m/s, rad/s, cell frame).

        Damped least squares; the redundant joint is drawn gently to its home while the TCP moves.
        Slowed down as a whole, direction kept, where a joint would be faster than its maker allows.
        """
        out: Array = kernels.joint_velocity(q, twist, self._table)
        return out

    def command(self, q: Array, dq: Array, grip: float, asked: Array, age: float = 0.0) -> Command:
        """The command dq (n,) rad/s at q (n,) and the velocities that it gives TCP and capsules."""
        tcp_velocity, capsule_velocities = kernels.consequence(q, dq, self._table)
        return Command(dq, tcp_velocity, capsule_velocities, grip, asked, age)

    def twist_command(
        self, q: Array, twist: Array, grip: float, asked: Array, age: float = 0.0
    ) -> Command:
        """`command` of what `resolve` answers, in one call."""
        row, dq, tcp_velocity, capsule_velocities = next(self._answers)
        kernels.twist_command(q, twist, self._table, row, self._room)
        return _new(Command, (dq, tcp_velocity, capsule_velocities, grip, asked, age))

    def ik(self, position: Array, quaternion: Array, q0: Array | None = None) -> Array:
        """Joint positions (n,) that bring the TCP to a position (m) and quaternion x y z w.

        Starts at q0, else at home turned towards the target. For resets: it takes many iterations.
        Raises ValueError where no solution within the joint limits is found.
        """
        goal = np.concatenate([_rotation(np.asarray(quaternion)).ravel(), position])
        for start in self._starts(np.asarray(position), q0):
            q, miss = inverse(goal, start, self._limits, self._table)
            if miss < CLOSE:
                out: Array = q
                return out
        where = ", ".join(f"{x:.3f}" for x in position)
        raise ValueError(f"{self.robot.name} cannot bring its {self.gripper.name} to ({where})")

    def effective_mass(self, load: float = 0.0) -> float:
        """m_R = M/2 + m_L in kg, load on the flange included. Source: ISO/TS 15066, Annex A."""
        return self.robot.mass / 2.0 + self.tool_mass + load

    def _starts(self, position: Array, q0: Array | None) -> list[Array]:
        home = np.array(self.robot.home)
        x, y = position[:2] - np.array(self.robot.base)[:2]
        facing = home.copy()
        facing[0] = np.clip(np.arctan2(y, x), *self._limits[:, 0])
        starts = [facing, home]
        return starts if q0 is None else [np.array(q0, dtype=np.float64), *starts]


def chain_of(robot: str, gripper: str) -> Chain:
    """The chain of a robot of ROBOTS with a gripper of GRIPPERS. Raises KeyError."""
    return Chain(ROBOTS[robot], GRIPPERS[gripper])


def _rotation(quaternion: Array) -> Array:
    x, y, z, w = np.asarray(quaternion, dtype=np.float64) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _numbers(element: ElementTree.Element | None, key: str, default: str) -> Array:
    text = default if element is None else element.get(key, default)
    return np.array([float(x) for x in text.split()])


def _frame(joint: ElementTree.Element) -> Array:
    """Rotation and position (12,) of a joint's frame in that of its parent link."""
    origin = joint.find("origin")
    a, b, c = _numbers(origin, "rpy", "0 0 0")
    about_x = np.array([[1.0, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
    about_y = np.array([[cos(b), 0, sin(b)], [0, 1.0, 0], [-sin(b), 0, cos(b)]])
    about_z = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1.0]])
    rotation = about_z @ about_y @ about_x
    return np.concatenate([rotation.ravel(), _numbers(origin, "xyz", "0 0 0")])


def _read(urdf: Path, n: int) -> tuple[Array, float]:
    """Frames (n + 1, 12) of the arm's joints and the tool, and the mass (kg) of what follows.

    Raises ValueError where the file does not follow the convention of sim/robots.py.
    """
    root = ElementTree.parse(urdf).getroot()
    joints = root.findall("joint")
    for joint in joints[:n]:
        axis = _numbers(joint.find("axis"), "xyz", "1 0 0")
        if joint.get("type") != "revolute" or list(axis) != [0.0, 0.0, 1.0]:
            raise ValueError(f"{urdf.name}: {joint.get('name')} is not revolute about 0 0 1")
    tool = joints[n].find("child")
    if joints[n].get("type") != "fixed" or tool is None or tool.get("link") != "tool":
        raise ValueError(f"{urdf.name}: joint {n} does not fix the link 'tool'")
    masses = [
        _numbers(link.find("inertial/mass"), "value", "0")[0] for link in root.findall("link")
    ]
    return np.stack([_frame(joint) for joint in joints[: n + 1]]), float(sum(masses[n + 1 :]))


def _table(robot: Robot, gripper: Gripper, frames: Array, links: tuple[int, ...]) -> Array:
    """The table that the kernels read, see chain_kernels.py."""
    n = len(robot.home)
    capsules = [*robot.capsules.values(), *gripper.capsules.values()]
    table = np.zeros((n + 2 + len(capsules), 15))
    table[0, :12] = (1, 0, 0, 0, 1, 0, 0, 0, 1, *robot.base)
    table[1 : n + 2, :12] = frames
    table[1 : n + 1, 12] = robot.dq_max
    table[1 : n + 1, 13] = robot.home
    if robot.redundant is not None:
        table[1 + robot.redundant, 14] = PULL
    table[n + 2 :, 0] = np.array(links) + 1
    table[n + 2 :, 1:8] = capsules
    return table
