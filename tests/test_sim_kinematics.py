"""The kinematics agree with Bullet, never lie about velocities and answer NaN with NaN."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pybullet as p
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from genba.sim import chain_kernels
from genba.sim.grippers import GRIPPERS
from genba.sim.kinematics import Chain, chain_of
from genba.sim.robots import ROBOTS, loadable
from genba.sim.state import Array

COMBINATIONS = [(robot, gripper) for robot in ROBOTS for gripper in GRIPPERS]
CHAINS = {pair: chain_of(*pair) for pair in COMBINATIONS}
DOWN = np.array([1.0, 0.0, 0.0, 0.0])

chains = st.sampled_from(list(CHAINS.values()))
seeds = st.integers(0, 2**32 - 1)


def random_pose(chain: Chain, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    data = chain.robot
    return rng.uniform(data.q_min, data.q_max), rng.uniform(-data.dq_max, data.dq_max)


def working_pose(chain: Chain, seed: int) -> Array:
    """Joint positions with the tool down somewhere over the table, wherever that is reachable."""
    rng = np.random.default_rng(seed)
    return chain.ik(rng.uniform((0.38, -0.3, 0.08), (0.55, 0.3, 0.3)), DOWN)


def level(quaternion: Array) -> Array:
    """Small turn (rad) that brings the tool back to straight down."""
    _, y, z, w = quaternion * np.sign(quaternion[0])
    return 2.0 * np.array([w, z, -y])


@pytest.fixture(params=COMBINATIONS, ids="-".join)
def bullet(request: pytest.FixtureRequest) -> Iterator[tuple[Chain, int, int]]:
    client = p.connect(p.DIRECT)
    robot, gripper = request.param
    with loadable(robot, gripper) as path:
        body = p.loadURDF(path, ROBOTS[robot].base, useFixedBase=True, physicsClientId=client)
    yield CHAINS[robot, gripper], client, body
    p.disconnect(client)


def test_tcp_and_its_velocity_agree_with_bullet(bullet: tuple[Chain, int, int]) -> None:
    chain, client, body = bullet
    for seed in range(50):
        q, dq = random_pose(chain, seed)
        for joint, (position, velocity) in enumerate(zip(q, dq, strict=True)):
            p.resetJointState(body, joint, position, velocity, physicsClientId=client)
        state = p.getLinkState(
            body, chain.robot.tool_link, computeForwardKinematics=1, physicsClientId=client
        )
        tcp, velocity, _, _ = chain.state(q, dq)
        np.testing.assert_allclose(tcp[:3], state[4], atol=1e-6)
        same = np.sign(tcp[3:] @ np.array(state[5]))  # q and -q are one orientation
        np.testing.assert_allclose(tcp[3:], same * np.array(state[5]), atol=1e-6)
        assert tcp[3 + np.argmax(np.abs(tcp[3:]))] > 0.0
        idle = [0.0] * len(chain.gripper.finger_joints(chain.robot.tool_link))
        linear, angular = p.calculateJacobian(
            body, chain.robot.tool_link, [0.0] * 3, [*q, *idle], [*dq, *idle],
            [0.0] * (7 + len(idle)), physicsClientId=client,
        )  # fmt: skip
        expected = np.vstack([linear, angular])[:, :7] @ dq
        np.testing.assert_allclose(velocity, expected, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(chains, seeds)
def test_velocities_are_the_derivatives_of_positions(chain: Chain, seed: int) -> None:
    q, dq = random_pose(chain, seed)
    step = 1e-6
    before, after = chain.state(q - step * dq, dq), chain.state(q + step * dq, dq)
    _, velocity, capsules, moving = chain.state(q, dq)
    np.testing.assert_allclose(velocity[:3], (after[0][:3] - before[0][:3]) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(moving, (after[2][:, :6] - before[2][:, :6]) / (2 * step), atol=1e-6)
    assert not moving[0].any()  # the base stands
    assert np.all(capsules[:, 6] == before[2][:, 6])


@settings(deadline=None, max_examples=50)
@given(chains, seeds)
def test_the_joint_velocity_gives_the_twist_that_was_asked(chain: Chain, seed: int) -> None:
    q = working_pose(chain, seed)
    rng = np.random.default_rng(seed)
    twist = rng.uniform(-0.05, 0.05, 6)
    dq = chain.resolve(q, twist)
    np.testing.assert_allclose(chain.state(q, dq)[1], twist, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(chains, seeds, st.floats(1.0, 1e6))
def test_a_twist_too_fast_is_slowed_down_in_its_own_direction(
    chain: Chain, seed: int, speed: float
) -> None:
    q = working_pose(chain, seed)
    rng = np.random.default_rng(seed)
    twist = rng.normal(size=6)
    twist *= speed / np.linalg.norm(twist)
    dq = chain.resolve(q, twist)
    assert np.all(np.abs(dq) <= chain.robot.dq_max * (1 + 1e-12))
    got = chain.state(q, dq)[1]
    cosine = got @ twist / np.linalg.norm(got) / np.linalg.norm(twist)
    assert cosine > 1 - 1e-6


@settings(deadline=None, max_examples=50)
@given(chains, seeds)
def test_whatever_the_pose_the_joints_keep_their_speed_limits(chain: Chain, seed: int) -> None:
    q, _ = random_pose(chain, seed)
    twist = np.random.default_rng(seed).uniform(-1.7, 1.7, 6)
    for pose in (q, np.zeros(len(q))):  # the second is stretched out: singular
        dq = chain.resolve(pose, twist)
        assert np.all(np.abs(dq) <= chain.robot.dq_max * (1 + 1e-12))


@settings(deadline=None, max_examples=30)
@given(chains, seeds)
def test_asked_to_stand_the_robot_stands_exactly(chain: Chain, seed: int) -> None:
    q, _ = random_pose(chain, seed)
    assert not chain.resolve(q, np.zeros(6)).any()


@settings(deadline=None, max_examples=30)
@given(chains, seeds, st.integers(0, 12), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_not_finite_is_answered_with_nan(
    chain: Chain, seed: int, place: int, bad: float
) -> None:
    q, dq = random_pose(chain, seed)
    twist = np.full(6, 0.1)
    (q if place < 7 else twist)[place if place < 7 else place - 7] = bad
    assert np.isnan(chain.resolve(q, twist)).all()
    assert np.isnan(chain.twist_command(q, twist, 0.0, twist).tcp_velocity).all()


@settings(deadline=None, max_examples=30)
@given(chains, seeds)
def test_a_command_carries_the_velocities_that_it_gives(chain: Chain, seed: int) -> None:
    q = working_pose(chain, seed)
    twist = np.random.default_rng(seed).uniform(-0.5, 0.5, 6)
    asked = np.ones(7)
    once = chain.twist_command(q, twist, -1.0, asked, age=0.5)
    twice = chain.command(q, chain.resolve(q, twist), -1.0, asked, age=0.5)
    _, velocity, _, moving = chain.state(q, once.dq)
    for command in (once, twice):
        assert np.array_equal(command.dq, once.dq)
        assert np.array_equal(command.tcp_velocity, velocity)
        assert np.array_equal(command.capsule_velocities, moving)
        assert (command.grip, command.age) == (-1.0, 0.5)
        assert command.asked is asked


def test_every_call_answers_with_fresh_arrays() -> None:
    chain = CHAINS["panda", "parallel"]
    q, dq = random_pose(chain, 0)
    first, second = chain.state(q, dq), chain.state(q, dq)
    arrays = [*first, *second, q, dq, chain._table]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])


@settings(deadline=None, max_examples=30)
@given(chains, seeds)
def test_inverse_kinematics_come_back_to_where_they_were_asked(chain: Chain, seed: int) -> None:
    data = chain.robot
    rng = np.random.default_rng(seed)
    truth = np.clip(data.home + rng.uniform(-0.4, 0.4, len(data.home)), data.q_min, data.q_max)
    goal = chain.state(truth, np.zeros(len(truth)))[0]
    q = chain.ik(goal[:3], goal[3:])
    got = chain.state(q, np.zeros(len(q)))[0]
    np.testing.assert_allclose(got[:3], goal[:3], atol=1e-6)
    assert abs(got[3:] @ goal[3:]) > 1 - 1e-9
    assert np.all(q >= data.q_min) and np.all(q <= data.q_max)


@pytest.mark.parametrize("pair", COMBINATIONS, ids="-".join)
def test_the_table_is_reachable_with_the_tool_down_turned_any_way(pair: tuple[str, str]) -> None:
    chain = CHAINS[pair]
    for x in (0.38, 0.55):
        for y in (-0.3, 0.0, 0.3):
            for turn in (-1.5, 0.0, 1.5):
                tool = np.array([np.cos(turn / 2), np.sin(turn / 2), 0.0, 0.0])
                chain.ik(np.array([x, y, 0.05]), tool)


def test_out_of_reach_is_said_so() -> None:
    with pytest.raises(ValueError, match=r"panda cannot bring its parallel to \(2\.000"):
        CHAINS["panda", "parallel"].ik(np.array([2.0, 0.0, 0.1]), DOWN)


@pytest.mark.parametrize("pair", COMBINATIONS, ids="-".join)
def test_the_elbow_does_not_drift_in_long_operation(pair: tuple[str, str]) -> None:
    """After a hundred rounds of a square over the table the elbow is where it was after ten."""
    chain = CHAINS[pair]
    q = np.array(chain.robot.home)
    corners = [(0.40, -0.25, 0.1), (0.52, -0.25, 0.25), (0.52, 0.25, 0.1), (0.40, 0.25, 0.25)]
    ends = []
    for _ in range(100):
        for corner in corners:
            for _ in range(60):
                tcp = chain.state(q, q)[0]
                way = np.array(corner) - tcp[:3]
                turn = 8.0 * level(tcp[3:])
                twist = np.concatenate([way * min(8.0, 0.5 / float(np.linalg.norm(way))), turn])
                q = q + chain.resolve(q, twist) / 20.0
        ends.append(q)
    np.testing.assert_allclose(ends[-1], ends[9], atol=0.02)
    assert np.all(np.abs(ends[-1] - chain.robot.home) < 1.5)


def test_effective_mass_is_half_the_arm_and_all_it_carries() -> None:
    chain = CHAINS["panda", "parallel"]
    assert chain.effective_mass() == pytest.approx(9.73)  # 18 / 2 + 0.73
    assert chain.effective_mass(load=1.0) == pytest.approx(10.73)


def test_a_urdf_off_the_convention_is_refused(tmp_path: Path) -> None:
    robot = ROBOTS["panda"]
    text = robot.urdfs["vacuum"].read_text()
    for old, new, message in (
        ('<axis xyz="0 0 1"/>', '<axis xyz="0 1 0"/>', "joint1 is not revolute about 0 0 1"),
        ('name="tool_joint" type="fixed"', 'name="x" type="floating"', "does not fix the link"),
    ):
        file = tmp_path / "odd.urdf"
        file.write_text(text.replace(old, new, 1))
        odd = dataclasses.replace(robot, urdfs={"vacuum": file})
        with pytest.raises(ValueError, match=message):
            Chain(odd, GRIPPERS["vacuum"])


@settings(deadline=None, max_examples=20)
@given(chains, seeds)
def test_far_from_singular_nothing_is_damped(chain: Chain, seed: int) -> None:
    q = working_pose(chain, seed)
    jacobian = chain_kernels.tool_jacobian(chain_kernels.frames_of(q, chain.table))
    assume(np.sqrt(np.linalg.det(jacobian @ jacobian.T)) > chain_kernels.REGULAR)
    twist = np.full(6, 0.01)
    np.testing.assert_allclose(jacobian @ chain.resolve(q, twist), twist, atol=1e-8)
