"""What the robot touches: Bullet's contact forces, as a force sensor in the arm would feel them.

They are rigid contacts of a physics engine: good enough to tell that something is in the way, no
measure of harm (docs/pybullet.md 4).
"""

from __future__ import annotations

import numpy as np
import pybullet as p

from genba.sim.state import Array
from genba.sim.world import World

_BODIES = slice(1, 3)
_NORMAL, _FORCE = 7, 9  # from the second body to the first, and N along it
_SIDES = ((10, 11), (12, 13))  # N and direction of friction


def equipment_force(world: World) -> Array:
    """Force (3,) N of fixtures on arm and gripper; parts and people do not count."""
    parts = set(world.parts.values())
    total = np.zeros(3)
    for contact in p.getContactPoints(world.body, physicsClientId=world.client):
        other = contact[2] if contact[1] == world.body else contact[1]
        if contact[_FORCE] > 0.0 and other != world.body and other not in parts:
            total += _force(contact) if contact[1] == world.body else -_force(contact)
    return total


def between_fingers(world: World, part: str) -> bool:
    """Whether every finger touches the part."""
    return all(
        p.getContactPoints(world.body, world.parts[part], finger, -1, world.client)
        for finger in world.fingers.joints
    )


def part_force(world: World) -> float:
    """N with which fixtures press on the parts that arm or gripper touch or hold."""
    names = {body: name for name, body in world.parts.items()}
    touched = {
        body
        for contact in p.getContactPoints(world.body, physicsClientId=world.client)
        for body in contact[_BODIES]
        if body in names
    }
    if world.sucked is not None:
        touched.add(world.parts[world.sucked])
    total = np.zeros(3)
    for body in touched:
        for contact in p.getContactPoints(body, physicsClientId=world.client):
            other = contact[2] if contact[1] == body else contact[1]
            if contact[_FORCE] > 0.0 and other != world.body and other not in names:
                total += _force(contact) if contact[1] == body else -_force(contact)
    return float(np.linalg.norm(total))


def _force(contact: tuple[object, ...]) -> Array:
    """Force (3,) N on the first body of a contact."""
    force: Array = np.array(contact[_NORMAL]) * float(contact[_FORCE])  # type: ignore[arg-type]  # Bullet has no types
    for size, way in _SIDES:
        force += np.array(contact[way]) * float(contact[size])  # type: ignore[arg-type]  # Bullet has no types
    return force
