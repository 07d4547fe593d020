"""What a picture of a cell shows."""

import numpy as np
import pytest

import genba.envs as envs
from genba.scenarios import names
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.layout import Layout
from genba.sim.render import AWAY, Renderer
from genba.sim.state import Person, State


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
