"""A robot is data that agrees with its URDF, and its capsules hide all of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pybullet as p
import pybullet_data
import pytest

from genba.sim.bodies import load_robot
from genba.sim.grippers import GRIPPERS
from genba.sim.kinematics import chain_of
from genba.sim.robots import ROBOTS, loadable
from genba.sim.state import Array

COMBINATIONS = [(robot, gripper) for robot in ROBOTS for gripper in GRIPPERS]
every_combination = pytest.mark.parametrize(("robot", "gripper"), COMBINATIONS)


@pytest.fixture
def client() -> Iterator[int]:
    client = p.connect(p.DIRECT)
    yield client
    p.disconnect(client)


def load(client: int, robot: str, gripper: str) -> int:
    with loadable(robot, gripper) as path:
        body = p.loadURDF(path, ROBOTS[robot].base, useFixedBase=True, physicsClientId=client)
    return int(body)


def pose(client: int, body: int, robot: str, q: Array) -> None:
    for joint, value in zip(ROBOTS[robot].joints, q, strict=True):
        p.resetJointState(body, joint, value, physicsClientId=client)


@every_combination
def test_the_urdf_says_what_the_data_say(client: int, robot: str, gripper: str) -> None:
    body = load(client, robot, gripper)
    data = ROBOTS[robot]
    infos = [p.getJointInfo(body, j, physicsClientId=client) for j in data.joints]
    np.testing.assert_allclose([i[8] for i in infos], data.q_min, atol=1e-6)
    np.testing.assert_allclose([i[9] for i in infos], data.q_max, atol=1e-6)
    np.testing.assert_allclose([i[10] for i in infos], data.torque_max, atol=1e-6)
    np.testing.assert_allclose([i[11] for i in infos], data.dq_max, atol=1e-6)
    tool = p.getJointInfo(body, data.tool_link, physicsClientId=client)
    assert tool[12] == b"tool" and tool[2] == p.JOINT_FIXED


@every_combination
def test_fingers_are_the_last_joints_and_open_by_their_stroke(
    client: int, robot: str, gripper: str
) -> None:
    body = load(client, robot, gripper)
    data = GRIPPERS[gripper]
    fingers = data.finger_joints(ROBOTS[robot].tool_link)
    count = p.getNumJoints(body, physicsClientId=client)
    assert fingers == tuple(range(ROBOTS[robot].tool_link + 1, count))
    for joint in fingers:
        info = p.getJointInfo(body, joint, physicsClientId=client)
        assert info[2] == p.JOINT_PRISMATIC
        assert (info[8], info[9]) == (0.0, data.stroke)


@every_combination
def test_one_primitive_a_link_so_that_resets_can_be_exact(
    client: int, robot: str, gripper: str
) -> None:
    body = load(client, robot, gripper)
    for link in range(-1, p.getNumJoints(body, physicsClientId=client)):
        (shape,) = p.getCollisionShapeData(body, link, physicsClientId=client)
        assert shape[2] in (p.GEOM_BOX, p.GEOM_CAPSULE, p.GEOM_SPHERE)


@pytest.mark.parametrize("robot", ROBOTS)
def test_pads_grip_and_do_not_give_way(client: int, robot: str) -> None:
    body = load(client, robot, "parallel")
    for joint in GRIPPERS["parallel"].finger_joints(ROBOTS[robot].tool_link):
        info = p.getDynamicsInfo(body, joint, physicsClientId=client)
        lateral, damping, stiffness = info[1], info[8], info[9]
        assert lateral == 1.0
        assert damping == stiffness == -1.0  # -1: a rigid contact


@pytest.mark.parametrize("robot", ROBOTS)
def test_fingers_hold_a_part_by_friction(client: int, robot: str) -> None:
    p.setGravity(0, 0, -9.81, physicsClientId=client)
    p.setTimeStep(1 / 240, physicsClientId=client)
    body = load(client, robot, "parallel")
    data, gripper = ROBOTS[robot], GRIPPERS["parallel"]
    pose(client, body, robot, data.home)
    shape = p.createCollisionShape(p.GEOM_BOX, halfExtents=[0.02] * 3, physicsClientId=client)
    tcp = chain_of(robot, "parallel").state(data.home, np.zeros(7))[0]
    part = p.createMultiBody(0.2, shape, basePosition=tcp[:3], physicsClientId=client)
    fingers = gripper.finger_joints(data.tool_link)
    for joint in fingers:
        p.resetJointState(body, joint, 0.0205, physicsClientId=client)
    for joint, q in zip(data.joints, data.home, strict=True):
        p.setJointMotorControl2(
            body, joint, p.POSITION_CONTROL, q, force=500, physicsClientId=client
        )
    gear = p.createConstraint(
        body, fingers[0], body, fingers[1], p.JOINT_GEAR, [0, 1, 0], [0] * 3, [0] * 3,
        physicsClientId=client,
    )  # fmt: skip
    p.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50, physicsClientId=client)
    for joint in fingers:
        p.setJointMotorControl2(
            body, joint, p.VELOCITY_CONTROL, targetVelocity=-gripper.finger_speed,
            force=gripper.force, physicsClientId=client,
        )  # fmt: skip
    for _ in range(480):
        p.stepSimulation(physicsClientId=client)
    where, _ = p.getBasePositionAndOrientation(part, physicsClientId=client)
    assert np.linalg.norm(np.array(where) - tcp[:3]) < 0.003


@every_combination
def test_home_is_tool_down_over_the_table_and_away_from_the_limits(
    robot: str, gripper: str
) -> None:
    data = ROBOTS[robot]
    tcp = chain_of(robot, gripper).state(data.home, np.zeros(len(data.home)))[0]
    np.testing.assert_allclose(tcp[:3], (0.45, 0.0, 0.30), atol=0.03)
    np.testing.assert_allclose(tcp[3:], (1.0, 0.0, 0.0, 0.0), atol=1e-6)
    assert np.all(data.home > data.q_min + 0.5) and np.all(data.home < data.q_max - 0.5)


def test_nobody_can_change_a_robot() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ROBOTS["panda"].q_max[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        ROBOTS["iiwa"].dq_max[0] = 9.0


def test_meshes_are_found_from_any_folder_and_painted(
    client: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    body = load(client, "iiwa", "parallel")
    pose(client, body, "iiwa", ROBOTS["iiwa"].home)
    view = p.computeViewMatrix([1.3, -1.0, 0.8], [0.1, 0, 0.4], [0, 0, 1])
    lens = p.computeProjectionMatrixFOV(45, 1, 0.1, 5)
    picture = p.getCameraImage(
        64, 64, view, lens, renderer=p.ER_TINY_RENDERER, physicsClientId=client
    )[2]
    red, _, blue, _ = np.reshape(picture, (-1, 4)).T.astype(int)
    assert np.sum(red > 2 * blue + 50) > 100  # KUKA orange


def test_an_unknown_robot_or_gripper_is_a_key_error() -> None:
    with pytest.raises(KeyError), loadable("puma", "parallel"):
        pass
    with pytest.raises(KeyError), loadable("panda", "hook"):
        pass


def vertices(file: Path) -> Array:
    lines = file.read_text().splitlines()
    return np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=float)


def points(shape: tuple[Any, ...]) -> Array:
    """Points whose convex hull holds a visual shape of Bullet, in the frame of its link."""
    kind, size, name, shift, turn = shape[2:7]
    if kind == p.GEOM_MESH:
        file = Path(name.decode())
        collision = Path(pybullet_data.getDataPath(), "franka_panda/meshes/collision", file.name)
        corners = vertices(file)
        if "franka" in str(file) and collision.exists():
            corners = np.vstack([corners, vertices(collision)])
    else:
        assert kind == p.GEOM_CYLINDER
        length, radius = size[0], size[1]
        round_ = np.linspace(0.0, 2 * np.pi, 64)
        rim = np.stack([radius * np.cos(round_), radius * np.sin(round_), 0 * round_], axis=1)
        corners = np.vstack([rim + [0, 0, length / 2], rim - [0, 0, length / 2]])
    rotation = np.reshape(p.getMatrixFromQuaternion(turn), (3, 3))
    moved: Array = corners @ rotation.T + np.array(shift)
    return moved


def outside(spots: Array, capsule: Array) -> Array:
    """Distance (m) of points from a capsule, negative inside."""
    a, axis = capsule[:3], capsule[3:6] - capsule[:3]
    share = np.clip((spots - a) @ axis / (axis @ axis + 1e-12), 0.0, 1.0)
    gap: Array = np.linalg.norm(spots - a - share[:, None] * axis, axis=1) - capsule[6]
    return gap


@every_combination
def test_every_vertex_of_every_mesh_is_inside_the_capsules_of_its_link(
    client: int, robot: str, gripper: str
) -> None:
    body = load(client, robot, gripper)
    chain, data = chain_of(robot, gripper), ROBOTS[robot]
    fingers = GRIPPERS[gripper].finger_joints(data.tool_link)
    shapes = p.getVisualShapeData(body, physicsClientId=client)
    clouds = [(shape[1], points(shape)) for shape in shapes]
    rng = np.random.default_rng(4)
    for _ in range(4):
        q = rng.uniform(data.q_min, data.q_max)
        pose(client, body, robot, q)
        opening = rng.uniform(0.0, GRIPPERS[gripper].stroke)
        for joint in fingers:
            p.resetJointState(body, joint, opening, physicsClientId=client)
        capsules = chain.state(q, np.zeros(len(q)))[2]
        for link, cloud in clouds:
            at, turn = data.base, (0, 0, 0, 1)
            if link >= 0:
                at, turn = p.getLinkState(
                    body, link, computeForwardKinematics=1, physicsClientId=client
                )[4:6]
            world = cloud @ np.reshape(p.getMatrixFromQuaternion(turn), (3, 3)).T + at
            owner = min(link, data.tool_link)
            mine = [c for c, k in zip(capsules, chain.capsule_links, strict=True) if k == owner]
            gap = np.min([outside(world, c) for c in mine], axis=0)
            assert gap.max() < 1e-5, f"link {link} sticks out by {gap.max():.4f} m"


@every_combination
def test_capsules_are_not_fat(robot: str, gripper: str) -> None:
    chain = chain_of(robot, gripper)
    radii = chain.state(ROBOTS[robot].home, np.zeros(7))[2][:, 6]
    assert 9 <= len(radii) <= 11
    assert np.all(radii[1:] < 0.1)  # the base stands on the table and is larger


@every_combination
def test_a_joint_feels_the_inertia_of_its_drive(client: int, robot: str, gripper: str) -> None:
    """A torque turns the last joint as fast as its drive lets it: the link itself is light."""
    data = ROBOTS[robot]
    body = load_robot(client, robot, gripper)
    pose(client, body, robot, data.home)
    for joint in range(p.getNumJoints(body, physicsClientId=client)):
        hold = 0.0 if joint == data.joints[-1] else 1e4  # N m, the others do not give way
        p.setJointMotorControl2(body, joint, p.VELOCITY_CONTROL, force=hold, physicsClientId=client)
        along = p.getDynamicsInfo(body, joint, physicsClientId=client)[4]
        if joint in data.joints:  # else the drive's would not go to the joint's axis alone
            np.testing.assert_allclose(np.abs(along), (0.0, 0.0, 0.0, 1.0), atol=1e-6)
    wrist, torque = data.joints[-1], 2.0  # N m
    p.setJointMotorControl2(body, wrist, p.TORQUE_CONTROL, force=torque, physicsClientId=client)
    p.stepSimulation(physicsClientId=client)
    gained = p.getJointState(body, wrist, physicsClientId=client)[1] * 240.0  # rad/s^2
    assert gained == pytest.approx(torque / data.rotor_inertia[-1], rel=0.06)


@pytest.mark.parametrize("robot", ROBOTS)
def test_drives_and_joints_are_strong_enough_for_the_acceleration_of_the_maker(robot: str) -> None:
    data = ROBOTS[robot]
    assert (data.rotor_inertia > 0.0).all()
    assert (data.rotor_inertia * data.ddq_max < data.torque_max).all()
