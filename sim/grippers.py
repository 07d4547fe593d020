"""The grippers: data of their geometry and their forces, bolted to an arm by its URDF.

Both have their TCP at the origin of the link `tool`, z pointing out of the flange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi


@dataclass(frozen=True, slots=True)
class Gripper:
    """What the world and the kinematics need to know of a gripper."""

    name: str
    fingers: int  # prismatic joints after the link `tool`
    stroke: float  # m that each finger travels, 0 closed
    finger_speed: float  # m/s a finger
    force: (
        float  # N: of each finger when closing; that lifts a part off the cup of a vacuum gripper
    )
    shear: float  # N: that slides a part along the cup; 0 where friction does the holding
    response: float  # s from the command to the force; it lets go at once
    size: float  # m: greatest opening between the pads; width of the cup
    capsules: Mapping[str, tuple[float, ...]]  # name -> capsule in the frame of `tool`

    def finger_joints(self, tool_link: int) -> tuple[int, ...]:
        """Bullet's indices of the finger joints of a robot whose link `tool` has this index."""
        return tuple(range(tool_link + 1, tool_link + 1 + self.fingers))


CUP = 0.040  # m across (D)
VACUUM = 60e3  # Pa below the air's pressure (D)
SAFETY = 2.0  # usual factor of suction catalogues for a dry part, horizontal cup (R, unverified)

GRIPPERS: dict[str, Gripper] = {
    "parallel": Gripper(
        name="parallel",
        fingers=2,
        stroke=0.04,  # P: Franka hand, 80 mm in all
        finger_speed=0.05,  # S: drivers for it allow 0.1 m/s of opening
        force=30.0,  # D: of the hand's 70 N (R, unverified)
        shear=0.0,
        response=0.0,
        size=0.08,
        capsules={  # C: fitted to the meshes, the fingers anywhere in their stroke
            "hand": (-0.0001, -0.0764, -0.0823, -0.0002, 0.0601, -0.0719, 0.0493),
            "fingers": (0.0, -0.0572, -0.0195, 0.0, 0.0572, -0.0195, 0.029),
        },
    ),
    "vacuum": Gripper(
        name="vacuum",
        fingers=0,
        stroke=0.0,
        finger_speed=0.0,
        force=VACUUM * pi * CUP**2 / 4.0 / SAFETY,  # C: 37.7 N
        shear=0.5 * VACUUM * pi * CUP**2 / 4.0 / SAFETY,  # D: friction 0.5 between cup and part
        response=0.15,  # D: evacuation
        size=CUP,
        capsules={"tool": (0.0, 0.0, -0.1272, 0.0, 0.0, -0.0275, 0.034)},  # C
    ),
}
