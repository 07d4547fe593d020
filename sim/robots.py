"""The robot arms: a robot is data (its maker's limits, its capsules, its URDFs) and nothing else.

Every URDF follows one convention, so that nothing needs a table of indices: joint i of the arm has
index i, the link called `tool` comes next and its frame is the TCP, the fingers come last.
Source tags as in the project's table of standards: P primary, S secondary, R recalled and
unverified, C computed, D this project's own default.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pybullet_data

from genba.sim.state import Array

ASSETS = Path(__file__).resolve().parent / "assets"


def _row(*values: float) -> Array:
    row = np.array(values, dtype=np.float64)
    row.setflags(write=False)
    return row


def _degrees(*values: float) -> Array:
    row: Array = np.deg2rad(_row(*values))
    row.setflags(write=False)
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Robot:
    """One model of arm with n joints; limits are (n,), in rad, rad/s, rad/s^2, rad/s^3, N m."""

    name: str
    title: str
    urdfs: Mapping[str, Path]  # gripper -> URDF file
    base: tuple[float, float, float]  # m, where its base stands in the cell
    home: Array  # tool straight down near x 0.45, y 0, z 0.30 of the cell
    q_min: Array
    q_max: Array
    dq_max: Array
    ddq_max: Array
    jerk_max: Array
    torque_max: Array
    rotor_inertia: Array  # kg m^2, of motors and gears, as the joints feel it
    reach: float  # m
    mass: float  # kg, of the whole arm
    payload: float  # kg
    tcp_speed_max: float  # m/s
    deceleration: float  # m/s^2, least v^2/(2 s) of the TCP: motion.realised_deceleration
    redundant: int | None  # the joint that turns the elbow about the tool, pulled to its home
    capsules: Mapping[str, tuple[float, ...]]  # link -> (x0, y0, z0, x1, y1, z1, radius), its frame

    @property
    def joints(self) -> tuple[int, ...]:
        """Bullet's indices of the arm's joints; the links they move have the same indices."""
        return tuple(range(len(self.home)))

    @property
    def tool_link(self) -> int:
        """Bullet's index of the link `tool`: its frame is the TCP, its joint is fixed."""
        return len(self.home)


PANDA = Robot(
    name="panda",
    title="Franka Panda",
    urdfs={g: ASSETS / f"panda_{g}.urdf" for g in ("parallel", "vacuum")},
    base=(0.0, 0.0, 0.0),
    home=_row(0.0, -0.259431788, 0.0, -2.431484694, 0.0, 2.172052906, 0.785398163),  # C
    # P: the maker's interface documentation
    q_min=_row(-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
    q_max=_row(2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
    dq_max=_row(2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
    ddq_max=_row(15.0, 7.5, 10.0, 12.5, 15.0, 20.0, 20.0),
    jerk_max=_row(7500.0, 3750.0, 5000.0, 6250.0, 7500.0, 10000.0, 10000.0),
    torque_max=_row(87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0),
    # S: the maker's for the FR3, its successor, as Drake's franka_description quotes them
    rotor_inertia=_row(0.606, 0.606, 0.462, 0.462, 0.206, 0.206, 0.206),
    reach=0.855,  # P
    mass=18.0,  # P
    payload=3.0,  # P
    tcp_speed_max=1.7,  # P
    deceleration=1.4,  # C
    redundant=2,
    capsules={  # C: fitted to the meshes, checked by tests/test_sim_robots.py
        "link0": (-0.0567, -0.0001, 0.0153, -0.0001, 0.0, 0.0514, 0.1045),
        "link1": (0.0001, -0.0002, -0.1397, 0.0, -0.0534, 0.0008, 0.0763),
        "link2": (-0.0002, -0.1418, 0.0, -0.0001, 0.0016, 0.0535, 0.0762),
        "link3": (0.0007, 0.0002, -0.0804, 0.0829, 0.0426, 0.0004, 0.0693),
        "link4": (-0.0815, 0.0834, 0.0005, 0.0, -0.0001, 0.0425, 0.0695),
        "link5": (0.0, 0.0638, 0.0029, 0.0002, 0.0103, -0.2433, 0.0675),
        "link6": (0.0225, 0.009, 0.0059, 0.0868, 0.0085, -0.0001, 0.0752),
        "link7": (-0.0051, -0.0051, 0.0733, 0.0329, 0.033, 0.0807, 0.0494),
    },
)

# The meshes and link lengths of pybullet_data (0.36, 0.42, 0.40, 0.126 m) are those of the R820.
IIWA = Robot(
    name="iiwa",
    title="KUKA LBR iiwa 14 R820",
    urdfs={g: ASSETS / f"iiwa_{g}.urdf" for g in ("parallel", "vacuum")},
    # its elbow limit keeps a tool that points down 0.41 m from the base axis, so it stands back
    base=(-0.12, 0.0, 0.0),
    home=_row(0.0, 0.534204751, 0.0, -1.509196807, 0.0, 1.098191096, 0.0),  # C
    # S: the maker's specification, axis data LBR iiwa 14 R820, as public robot models quote it
    q_min=_degrees(-170.0, -120.0, -170.0, -120.0, -170.0, -120.0, -175.0),
    q_max=_degrees(170.0, 120.0, 170.0, 120.0, 170.0, 120.0, 175.0),
    dq_max=_degrees(85.0, 85.0, 100.0, 75.0, 130.0, 135.0, 135.0),
    # S: measured (C. Larsen, Chalmers, 2019, table 4), as Drake's iiwa_description quotes them
    ddq_max=_row(8.57, 8.57, 8.74, 11.36, 12.23, 15.72, 15.72),
    # D, unverified: the maker publishes none. The ratio to the acceleration that the Panda has.
    jerk_max=_row(4285.0, 4285.0, 4370.0, 5680.0, 6115.0, 7860.0, 7860.0),
    torque_max=_row(320.0, 320.0, 176.0, 176.0, 110.0, 40.0, 40.0),  # S
    # S: identified on the LWR4+, its predecessor (Jubien, Gautier, Janot, IFAC 2014)
    rotor_inertia=_row(3.19, 3.05, 1.98, 2.05, 0.787, 0.391, 0.394),
    reach=0.82,  # R
    mass=29.9,  # R
    payload=14.0,  # R
    tcp_speed_max=1.7,  # D, unverified: as the Panda
    deceleration=1.8,  # C
    redundant=2,
    capsules={  # C
        "link0": (0.0001, 0.0, 0.0554, -0.0369, -0.0001, 0.0672, 0.1333),
        "link1": (0.0, -0.0003, 0.0293, 0.0, -0.0304, 0.2036, 0.0908),
        "link2": (0.0005, -0.0015, 0.0397, 0.0005, 0.14, 0.0004, 0.0942),
        "link3": (0.0, 0.0, 0.0393, 0.0, 0.0404, 0.2168, 0.0788),
        "link4": (0.0, -0.001, 0.0411, 0.0001, 0.1437, 0.0003, 0.0798),
        "link5": (-0.0001, -0.0001, 0.0208, 0.0007, 0.045, 0.2014, 0.0716),
        "link6": (0.0001, -0.0164, -0.0006, 0.0, 0.0218, -0.0005, 0.0792),
        "link7": (0.0001, -0.0001, 0.0064, 0.0, 0.0001, 0.0064, 0.0525),
    },
)

ROBOTS: dict[str, Robot] = {"panda": PANDA, "iiwa": IIWA}


@contextmanager
def loadable(robot: str, gripper: str) -> Iterator[str]:
    """Path of a URDF that PyBullet can load from any working directory, while the context lasts.

    Bullet looks for meshes beside the URDF and in the working directory only, never in its search
    path; so `package://` is replaced by the folder of pybullet_data in a temporary copy.

    Raises KeyError where the robot or its gripper is unknown.
    """
    text = ROBOTS[robot].urdfs[gripper].read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="genba-") as folder:
        path = Path(folder) / f"{robot}_{gripper}.urdf"
        path.write_text(text.replace("package://", pybullet_data.getDataPath() + "/"), "utf-8")
        yield str(path)
