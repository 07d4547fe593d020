"""What a picture of a cell shows."""

from contextlib import closing

import numpy as np
import pybullet as p
import pytest

import genba.envs as envs
from genba.scenarios import names
from genba.sim.gait import CAPSULE_REGIONS, body
from genba.sim.layout import Layout, PartSpec
from genba.sim.render import AWAY, OVERALL, SKIN, VEST, Renderer, _along, _clothes
from genba.sim.robots import ROBOTS
from genba.sim.state import Part, Person, RobotState, State


@pytest.mark.parametrize("length", [0.0, 0.05])
def test_a_head_is_round(length):
    capsules = np.tile([*AWAY, *AWAY, 0.1], (len(CAPSULE_REGIONS), 1))
    skull = CAPSULE_REGIONS.index("skull")
    capsules[skull] = [0.6, 0.0, 0.15, 0.6, 0.0, 0.15 + length, 0.25]
    renderer = Renderer(Layout("panda", "parallel", (), ()))
    person = Person("visitor", "helpful", capsules, np.zeros((len(capsules), 6)))
    picture = renderer.image(State(0.0, {}, {"ann": person})).astype(int)
    renderer.close()
    rows, columns = np.nonzero(picture[..., 0] > 1.2 * picture[..., 2])  # the skin, not the robot
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert len(rows) > 2000
    assert len(rows) / box == pytest.approx(np.pi / 4, abs=0.04)  # a lozenge fills half of its box


@pytest.mark.parametrize("scenario", names())
def test_no_part_of_a_picture_is_blank_and_the_robot_is_large(scenario):
    env = envs.make(scenario, "rgb_array", overrides=["robot=iiwa"])
    env.reset(seed=1)
    drawn = env.render()
    env.close()
    assert drawn is not None
    picture = drawn.astype(int)
    assert np.mean(picture.min(axis=-1) == 255) < 0.01  # of the pixels, white as the background
    assert np.mean(picture[..., 0] > 3 * picture[..., 2] + 50) > 0.015  # KUKA orange


CUBE = PartSpec("cube", "cube", (0.05, 0.05, 0.05), 0.1, (1.0, 0.0, 0.0, 1.0))
NOBODY = State(0.0, {})


def somebody(x: float) -> State:
    """A visitor who stands at x (m)."""
    rows = np.zeros((len(CAPSULE_REGIONS), 7))
    rows[:, :6] = body()[0][0].reshape(-1, 6) * 1.75
    rows[:, 6] = body()[0][1, : len(rows)] * 1.75
    rows[:, [0, 3]] += x
    rows[:, [2, 5]] -= 0.75
    person = Person("visitor", "helpful", rows, np.zeros((len(rows), 6)))
    return State(0.0, {}, {"ann": person})


def test_who_has_left_is_in_no_picture_and_a_part_is_where_it_is() -> None:
    layout = Layout("panda", "parallel", (), (CUBE,))
    with closing(Renderer(layout, wide=True)) as renderer:
        empty, there = renderer.image(NOBODY), renderer.image(somebody(0.8))
        assert np.any(empty != there, axis=-1).sum() > 2000
        assert np.array_equal(renderer.image(NOBODY), empty)
        ahead = np.array([0.6, 0.0, 0.05, 0.0, 0.0, 0.0, 1.0])
        lying = NOBODY._replace(parts={"cube": Part(ahead, "cube")})
        red = [
            np.sum(picture[..., 0] > 2.0 * picture[..., 1].astype(int) + 40)
            for picture in (empty, renderer.image(lying), renderer.image(NOBODY))
        ]
        assert red[1] > 300 and red[0] == red[2] == 0


def test_the_camera_steps_back_for_people() -> None:
    layout = Layout("panda", "parallel", (), ())
    with closing(Renderer(layout)) as near, closing(Renderer(layout, wide=True)) as wide:
        assert not np.array_equal(near.image(NOBODY), wide.image(NOBODY))
        assert np.array_equal(near.image(somebody(0.8)), wide.image(somebody(0.8)))


def test_the_arm_that_is_drawn_stands_as_the_state_says() -> None:
    q = ROBOTS["panda"].home + 0.1
    none = np.zeros(7)
    arm = RobotState(q, none, none, none[:6], none[None], none[None, :6], 0.04, False)
    with closing(Renderer(Layout("panda", "parallel", (), ()))) as renderer:
        renderer.image(State(0.0, {"robot": arm}), (8, 8))
        drawn = [
            p.getJointState(renderer.body, joint, physicsClientId=renderer.client)[0]
            for joint in (*range(7), *renderer.fingers)
        ]
    assert drawn == pytest.approx([*q, 0.02, 0.02])  # each finger goes half of the opening


@pytest.mark.parametrize("axis", [(1, 2, 3), (-1, 0.5, -2), (0, 0, 2), (0, 0, -0.1), (1e-12, 0, 5)])
def test_a_limb_points_along_its_bone(axis: tuple[float, float, float]) -> None:
    bone = np.array(axis, dtype=float)
    turned = np.reshape(p.getMatrixFromQuaternion(_along(bone)), (3, 3))[:, 2]
    assert turned == pytest.approx(bone / np.linalg.norm(bone), abs=1e-9)


def test_the_operator_wears_other_clothes_than_visitors() -> None:
    assert _clothes("operator", "chest") == OVERALL != VEST == _clothes("visitor", "chest")
    assert _clothes("operator", "hand") == SKIN == _clothes("visitor", "hand")
