"""Pictures of a cell, drawn in a client of their own from values: they never touch the physics."""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
import pybullet as p
from numpy.typing import NDArray

from genba.sim.client import Client
from genba.sim.grippers import GRIPPERS
from genba.sim.layout import Layout, Numbers
from genba.sim.robots import ROBOTS, loadable
from genba.sim.state import Array, State

SKIN = (0.87, 0.69, 0.56, 1.0)
VEST = (0.93, 0.85, 0.16, 1.0)  # visitors wear yellow
OVERALL = (0.16, 0.42, 0.30, 1.0)  # the operator green
TROUSERS = (0.22, 0.26, 0.36, 1.0)
BARE = ("skull", "face", "neck", "hand")
LEGS = ("thigh", "lower_leg", "pelvis")
RINGS, SIDES = 5, 16  # of either end of a capsule's mesh
AWAY = (0.0, 0.0, -40.0)  # m, where bodies that are not in the picture wait
HALL = ((20.0, 20.0, 0.05), (0.40, 0.42, 0.45, 1.0))  # m, half; the floor about the cell's own
LOWER = 0.001  # m, of the hall's floor below the cell's: faces in one plane flicker


class Camera(NamedTuple):
    """A place to look at a cell from: PyBullet's, whose yaw 0 looks along y."""

    target: tuple[float, float, float]  # m
    distance: float  # m from the target
    yaw: float  # degrees
    pitch: float  # degrees
    light: tuple[float, float, float]  # where it comes from


FIELD, NEAR, FAR = 42.0, 0.3, 30.0  # degrees from bottom to top; m between which things are drawn
CLOSE = Camera((0.36, 0.0, 0.14), 2.0, 52.0, -34.0, (1.0, 0.2, 2.2))
# From behind the robot: people come and stand before it or beside it, so that none hides it.
WIDE = Camera((0.55, 0.0, 0.08), 3.4, -48.0, -38.0, (-1.6, 0.6, 2.0))


class Renderer(Client):
    """Draws states of one layout with PyBullet's own software renderer. `close` ends it.

    `wide` steps back, so that people beside the table are in the picture, and behind the robot;
    so it does for every picture with somebody in the cell.
    """

    def __init__(self, layout: Layout, wide: bool = False) -> None:
        self.wide = wide
        self.robot, self.gripper = ROBOTS[layout.robot], GRIPPERS[layout.gripper]
        super().__init__()
        with loadable(layout.robot, layout.gripper) as path:
            self.body = p.loadURDF(
                path, self.robot.base, useFixedBase=True, physicsClientId=self.client
            )
        self.fingers = self.gripper.finger_joints(self.robot.tool_link)
        for f in layout.fixtures:
            self._box(f.half, f.rgba, f.position)
            if f.name == "floor":
                x, y, z = f.position
                half, rgba = HALL
                self._box(half, rgba, (x, y, z + f.half[2] - half[2] - LOWER))
        self.parts = {s.name: self._box(s.half, s.rgba, AWAY) for s in layout.parts}
        self.people: dict[str, list[tuple[int, float]]] = {}

    def image(self, state: State, size: tuple[int, int] = (640, 480)) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 of a state; size is (width, height) in pixels."""
        self._arrange(state)
        width, height = size
        camera = WIDE if self.wide or state.people else CLOSE
        view = p.computeViewMatrixFromYawPitchRoll(
            camera.target, camera.distance, camera.yaw, camera.pitch, 0, 2
        )
        lens = p.computeProjectionMatrixFOV(FIELD, width / height, NEAR, FAR)
        picture = p.getCameraImage(
            width, height, view, lens, lightDirection=camera.light, shadow=0,
            lightAmbientCoeff=0.6, lightDiffuseCoeff=0.45,
            lightSpecularCoeff=0.1, renderer=p.ER_TINY_RENDERER, flags=p.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self.client,
        )  # fmt: skip
        rgba = np.asarray(picture[2], dtype=np.uint8).reshape(height, width, 4)
        return rgba[:, :, :3].copy()

    def _arrange(self, state: State) -> None:
        for robot in state.robots.values():
            for joint, q in enumerate(robot.q):
                p.resetJointState(self.body, joint, q, physicsClientId=self.client)
            for joint in self.fingers:
                p.resetJointState(self.body, joint, robot.grip / 2, physicsClientId=self.client)
        for name, body in self.parts.items():
            part = state.parts.get(name)
            pose = (*AWAY, 0.0, 0.0, 0.0, 1.0) if part is None else part.pose
            self._move(body, pose[:3], pose[3:])
        for name, person in state.people.items():
            if name not in self.people:
                self.people[name] = self._person(person.role, person.capsules)
            for (body, _), row in zip(self.people[name], person.capsules, strict=True):
                self._move(body, (row[:3] + row[3:6]) / 2, _along(row[3:6] - row[:3]))
        for name in self.people.keys() - state.people.keys():
            for body, _ in self.people.pop(name):
                p.removeBody(body, physicsClientId=self.client)

    def _move(self, body: int, at: Numbers, turn: Numbers) -> None:
        p.resetBasePositionAndOrientation(body, at, turn, physicsClientId=self.client)

    def _box(self, half: Sequence[float], rgba: Sequence[float], at: Sequence[float]) -> int:
        shape = p.createVisualShape(
            p.GEOM_BOX, halfExtents=half, rgbaColor=rgba, physicsClientId=self.client
        )
        body: int = p.createMultiBody(0, -1, shape, at, physicsClientId=self.client)
        return body

    def _person(self, role: str, capsules: Array) -> list[tuple[int, float]]:
        from genba.sim.people import CAPSULE_REGIONS

        bodies = []
        for region, row in zip(CAPSULE_REGIONS, capsules, strict=True):
            length = float(np.linalg.norm(row[3:6] - row[:3]))
            shape = p.createVisualShape(
                p.GEOM_MESH, **_capsule(float(row[6]), length), rgbaColor=_clothes(role, region),
                physicsClientId=self.client,
            )  # fmt: skip
            body = p.createMultiBody(0, -1, shape, AWAY, physicsClientId=self.client)
            bodies.append((body, length))
        return bodies


def _capsule(radius: float, length: float) -> dict[str, Any]:
    """The mesh of a capsule along z. PyBullet's own is a hull with facets, spiked where short."""
    half = np.linspace(0.0, pi / 2, RINGS)  # from the middle to a pole
    up = np.concatenate([-half[::-1], half])[:, None]
    about = np.linspace(0.0, 2 * pi, SIDES, endpoint=False)
    ways = (np.cos(up) * np.cos(about), np.cos(up) * np.sin(about), np.sin(up) + 0 * about)
    normals = np.stack(ways, axis=-1)
    points = radius * normals
    points[:RINGS, :, 2] -= length / 2
    points[RINGS:, :, 2] += length / 2
    ring = SIDES * np.arange(2 * RINGS - 1)[:, None]
    corner, beside = ring + np.arange(SIDES), ring + np.roll(np.arange(SIDES), -1)
    above = corner + SIDES, beside + SIDES
    triangles = np.stack([corner, beside, above[1], corner, above[1], above[0]], axis=-1)
    return {
        "vertices": points.reshape(-1, 3).tolist(),
        "normals": normals.reshape(-1, 3).tolist(),
        "indices": triangles.ravel().tolist(),
    }


def _clothes(role: str, region: str) -> tuple[float, float, float, float]:
    if region in BARE:
        return SKIN
    if region in LEGS:
        return TROUSERS
    return OVERALL if role == "operator" else VEST


def _along(axis: Array) -> tuple[float, float, float, float]:
    """Quaternion that turns z into an axis."""
    length = float(np.linalg.norm(axis))
    if length < 1e-9:
        return 0.0, 0.0, 0.0, 1.0
    x, y, z = axis / length
    angle = acos(max(-1.0, min(1.0, z)))
    across = sqrt(x * x + y * y)
    if across < 1e-9:
        return (0.0, 0.0, 0.0, 1.0) if z > 0 else (1.0, 0.0, 0.0, 0.0)
    half = np.sin(angle / 2) / across
    return float(-y * half), float(x * half), 0.0, float(np.cos(angle / 2))
