"""How kitting tells a gripper to turn: least, and never through the wrist's own limits."""

# mypy: allow-untyped-defs, allow-untyped-calls

from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.envs import make
from genba.envs.handling import Handling
from genba.envs.kitting_layout import PART_HALF
from genba.envs.task import Goal, grasp_yaw, tool_yaw, upright
from genba.scenarios import load
from genba.sim.state import EventKind


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


def laid(cell, part, place):
    """A part is let go at a place (3,) m; returns the events until it was judged."""
    task, robot, events = cell.task, cell.state.robots["robot"], []
    cell.world.place(part, np.array([*place, 0.0, 0.0, 0.0, 1.0]))
    task.hands.let_go(part, task.time)
    for _ in range(20):
        cell.world.step(12)
        events += task.advance(cell.world, robot, task.time + 0.05)
    return events


def held(cell, part, monkeypatch):
    """The gripper holds a part for a moment."""
    with monkeypatch.context() as patched:
        patched.setattr(Handling, "_in_hand", lambda *_: part)
        robot = cell.state.robots["robot"]._replace(holding=True)
        return cell.task.advance(cell.world, robot, cell.task.time + 0.05)


def test_a_part_that_is_taken_out_of_the_tray_again_is_not_in_it_and_earns_nothing_more(
    cell, monkeypatch
):
    cell.reset(seed=0)
    task, robot = cell.task, cell.state.robots["robot"]
    part = task.in_tote[0]
    held(cell, part, monkeypatch)
    (first,) = laid(cell, part, task.slots[0])
    assert first.kind is EventKind.PART_FINISHED and not first.data["rework"]
    assert task.reward(robot, [first])["good_part"] == 10.0
    for slot in (0, 2):  # the same one, another one
        held(cell, part, monkeypatch)
        assert task.filled == [None] * len(task.slots)
        (again,) = laid(cell, part, task.slots[slot])
        assert task.filled.index(part) == slot and task.filled.count(None) == len(task.slots) - 1
        assert again.kind is EventKind.PART_FINISHED and again.data["rework"]
        assert task.reward(robot, [again])["good_part"] == 0.0
    held(cell, part, monkeypatch)
    home = np.array([0.42, -0.26, 0.02])
    rest = [n for n in task.in_tote if n != part]
    for name in rest:  # room for it
        cell.world.put_away(name)
        task.in_tote.remove(name)
    assert laid(cell, part, home) == []
    assert task.in_tote.count(part) == 1 and part not in task.filled


def test_what_the_operator_does_earns_the_agent_nothing(monkeypatch):
    """A part dropped on the tray is laid in its slot by a person: -5 of the drop is all."""
    quick = ["operator.rework={mean: 12, cv: 0}", "operator.notice=[1, 1]", "operator.distance=3"]
    cell: Any = make("kitting_alone", overrides=quick)
    cell.reset(seed=0)
    task, part, earned = cell.task, cell.task.in_tote[0], 0.0
    held(cell, part, monkeypatch)
    cell.world.place(part, np.array([0.43, 0.25, 0.05, 0.0, 0.0, 0.0, 1.0]))
    task.hands.let_go(part, task.time)
    hold, finished = cell.arm.hold(), False
    for _ in range(600):
        _, _, _, done, info = cell.step(hold)
        terms = info["reward_terms"]
        earned += terms["good_part"] + terms["dropped"]
        finished = any(e.kind is EventKind.PART_FINISHED for e in cell.events)
        if done or finished:
            break
    (event,) = [e for e in cell.events if e.kind is EventKind.PART_FINISHED]
    assert event.data["rework"] and event.data["assisted"]
    assert earned == -5.0
    cell.close()
