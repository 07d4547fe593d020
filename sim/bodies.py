"""How bodies come into a physics client: the robot with its gripper, and boxes."""

from __future__ import annotations

from collections.abc import Sequence

import pybullet as p

from genba.sim.grippers import GRIPPERS
from genba.sim.robots import ROBOTS, loadable

OVERSPEED = 1.2  # of the fastest joint's limit: gears and drives turn no faster when pushed (D)


def load_robot(client: int, robot: str, gripper: str) -> int:
    """Bullet's index of a robot that stands at its base, without damping that its maker lacks."""
    model = ROBOTS[robot]
    with loadable(robot, gripper) as path:
        body: int = p.loadURDF(
            path,
            model.base,
            useFixedBase=True,
            flags=p.URDF_IGNORE_VISUAL_SHAPES | p.URDF_USE_INERTIA_FROM_FILE,
            physicsClientId=client,
        )
    for link in range(-1, p.getNumJoints(body, physicsClientId=client)):
        p.changeDynamics(body, link, linearDamping=0, angularDamping=0, physicsClientId=client)
    for joint, rotor in zip(model.joints, model.rotor_inertia.tolist(), strict=True):
        _turn_rotor(client, body, joint, rotor)
    # a wrist that is jammed into something would be spun at four times its maker's limit
    most = OVERSPEED * float(max(model.dq_max))
    p.changeDynamics(body, 0, maxJointVelocity=most, physicsClientId=client)
    fingers = GRIPPERS[gripper].finger_joints(model.tool_link)
    if fingers:
        _gear(client, body, fingers)
    return body


def _turn_rotor(client: int, body: int, joint: int, inertia: float) -> None:
    """Motor and gear, whose inertia (kg m^2) a joint feels: without it a wrist that hits something
    is thrown about like a feather. Bullet has no such term; it goes to the link, about the joint's
    axis alone, which is z of every link and an axis of its inertia.
    """
    found = p.getDynamicsInfo(body, joint, physicsClientId=client)
    (x, y, z), along = found[2], found[4]
    if abs(along[3]) < 1.0 - 1e-9:
        raise ValueError(f"link {joint}: its inertia has products, or its frame is turned")
    p.changeDynamics(body, joint, localInertiaDiagonal=[x, y, z + inertia], physicsClientId=client)


def _gear(client: int, body: int, fingers: Sequence[int]) -> None:
    """Without the gear between them two fingers drift together sideways."""
    first, second = fingers
    gear = p.createConstraint(
        body, first, body, second, p.JOINT_GEAR, [1, 0, 0], [0] * 3, [0] * 3,
        physicsClientId=client,
    )  # fmt: skip
    p.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=client)


def box(
    client: int, half: Sequence[float], mass: float, at: Sequence[float], friction: float
) -> int:
    """Bullet's index of a box: half sizes m, mass kg (0 stands), place m, friction."""
    shape = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, physicsClientId=client)
    body: int = p.createMultiBody(mass, shape, -1, at, physicsClientId=client)
    p.changeDynamics(
        body, -1, lateralFriction=friction, linearDamping=0, angularDamping=0,
        physicsClientId=client,
    )  # fmt: skip
    return body
