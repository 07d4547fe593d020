"""How kitting tells a gripper to turn: least, and never through the wrist's own limits."""

# mypy: allow-untyped-defs, allow-untyped-calls

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.envs import make
from genba.envs.kitting_layout import PART_HALF
from genba.envs.task import Goal, grasp_yaw, tool_yaw, upright
from genba.scenarios import load


@pytest.fixture(scope="module")
def cell():
    env = make(load("kitting_alone"))
    yield env.unwrapped
    env.close()


def observed(cell, yaw, goal):
    """The part_yaw told to a tool at a yaw (rad), the part's being `goal`."""
    cell.task.goal = Goal(cell.task.goal.position, goal)
    robot = cell.state.robots["robot"]
    turn = yaw - tool_yaw(robot.tcp)
    x, y, z, w = robot.tcp[3:]
    s, c = np.sin(turn / 2), np.cos(turn / 2)  # about the world's z, before its own turn
    tcp = np.array([*robot.tcp[:3], c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z])
    assert tool_yaw(tcp) == pytest.approx(yaw, abs=1e-9)
    return cell.task.observe(robot._replace(tcp=tcp))[3]


@pytest.mark.parametrize("yaw, goal", [(2.0, -1.9), (-2.0, 1.9), (0.3, -0.4), (1.5, 1.2)])
def test_the_way_to_a_part_goes_round_the_front_and_not_through_the_wrist_s_limit(cell, yaw, goal):
    """The shorter way through the back ends at the last joint's limit, and there it hung."""
    cell.reset(seed=0)
    assert observed(cell, yaw, goal) == pytest.approx(goal - yaw, abs=1e-6)


def test_of_two_ways_to_grip_a_new_part_the_one_that_turns_less_is_offered(cell):
    for seed in range(20):
        cell.reset(seed=seed)
        noise = 10 * abs(float(cell.task.error[2]))
        assert abs(cell.task.goal.yaw) <= pi / 2 + noise + 1e-9


@given(st.floats(-pi, pi), st.floats(-pi / 2, pi / 2))
def test_a_part_that_turns_a_little_under_the_gripper_is_not_gripped_the_other_way(at, turn):
    """Nearest to last, whatever half turn: it flips only where the wrist could not follow."""
    first = grasp_yaw(upright(0.4, -0.2, 0.02, at), PART_HALF, 0.0)
    assert abs(first) <= pi / 2 + 1e-9
    then = grasp_yaw(upright(0.4, -0.2, 0.02, at + turn), PART_HALF, first)
    followed = abs(then - first - turn) < 1e-6
    assert followed or abs(first + turn) > 2 * pi / 3 - 1e-6 or abs(turn) > pi / 2 - 1e-6
