"""Kitting: how it tells a gripper to turn, and what becomes of a part."""

# mypy: allow-untyped-defs, allow-untyped-calls

from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.agents import make as make_agent
from genba.envs import make
from genba.envs.handling import Handling
from genba.envs.kitting_layout import (
    CLEAR,
    PART_HALF,
    PLACED,
    TOTE,
    TOTE_INNER,
    TRAY,
    slot_of,
    slots,
)
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


def turned(part_pose, angle):
    """A pose (7,) tilted by an angle (rad) about x."""
    return np.array([*part_pose[:3], np.sin(angle / 2), 0.0, 0.0, np.cos(angle / 2)])


def test_a_part_is_in_its_slot_where_it_lies_flat_on_its_floor_and_within_the_ribs():
    places = slots()
    for i, place in enumerate(places):
        assert slot_of(turned(place, 0.0), places) == i
        assert slot_of(turned(place, pi), places) == i  # upside down it is the same block
        assert slot_of(turned(place, 0.09), places) == i
        assert slot_of(turned(place, 0.11), places) is None
        for axis, off in enumerate((PLACED[0], PLACED[1], 0.003)):
            for share, there in ((0.95, i), (1.05, None), (-0.95, i), (-1.05, None)):
                moved = place.copy()
                moved[axis] += share * off
                assert slot_of(turned(moved, 0.0), places) == there


@pytest.mark.parametrize(
    "place, where",
    [((0.43, 0.25, 0.03), "tray"), ((0.45, 0.0, 0.02), "table"), ((1.5, 0.0, -0.7), "floor")],
)
def test_a_part_that_is_let_go_elsewhere_is_dropped_there(cell, monkeypatch, place, where):
    cell.reset(seed=0)
    part = cell.task.in_tote[0]
    held(cell, part, monkeypatch)
    (dropped,) = laid(cell, part, place)
    assert (dropped.kind, dropped.subject) == (EventKind.PART_DROPPED, part)
    assert dropped.data == {"where": where} and part not in cell.task.in_tote
    assert not any(cell.task.filled)


def test_a_slot_takes_one_part_and_none_while_no_tray_is_there(cell, monkeypatch):
    cell.reset(seed=0)
    task = cell.task
    one, other, third = task.in_tote[:3]
    for part in (one, other):
        held(cell, part, monkeypatch)
        (event,) = laid(cell, part, task.slots[0] + (0.0, 0.0, 0.031 * (part == other)))
    assert task.filled[0] == one and event.data == {"where": "tray"}
    task.exchange_until = task.time + 10.0
    held(cell, third, monkeypatch)
    (event,) = laid(cell, third, task.slots[1])
    assert event.kind is EventKind.PART_DROPPED and task.filled[1] is None


def test_what_is_knocked_out_of_its_place_is_found_there(cell, monkeypatch):
    cell.reset(seed=0)
    task, robot = cell.task, cell.state.robots["robot"]
    placed, lying = task.in_tote[:2]
    held(cell, placed, monkeypatch)
    laid(cell, placed, task.slots[0])
    for part, place in ((placed, (0.43, 0.0, 0.03)), (lying, (0.30, 0.0, 0.03))):
        cell.world.place(part, np.array([*place, 0.0, 0.0, 0.0, 1.0]))
    events = []
    for _ in range(20):
        cell.world.step(12)
        events += task.advance(cell.world, robot, task.time + 0.05)
    assert {e.subject: e.data for e in events} == {p: {"where": "table"} for p in (placed, lying)}
    assert task.filled[0] is None and lying not in task.in_tote


def over_the_tray(cell, height):
    """The robot with its TCP at a height (m) over the tray."""
    robot = cell.state.robots["robot"]
    return robot._replace(tcp=np.array([*TRAY, height, *robot.tcp[3:]]))


def filled_up(cell, monkeypatch):
    """Six parts in the tray, the gripper low over it, so that it stays."""
    cell.reset(seed=0)
    task = cell.task
    monkeypatch.setitem(cell.state.robots, "robot", over_the_tray(cell, CLEAR - 0.01))
    for part, slot in zip(task.in_tote[:6], task.slots, strict=True):
        held(cell, part, monkeypatch)
        laid(cell, part, slot)
    return task


def test_a_full_tray_goes_when_the_gripper_is_out_of_its_way_and_a_new_one_takes_its_time(
    cell, monkeypatch
):
    task = filled_up(cell, monkeypatch)
    full = list(task.filled)
    # the robot is in its way: where that lasts it is idle, and somebody is called
    assert all(full) and task.condition() == "producing" and task.tray_ready()
    near, clear = over_the_tray(cell, CLEAR - 0.01), over_the_tray(cell, CLEAR + 0.01)
    assert task.advance(cell.world, near, task.time + 0.05) == []
    (event,) = task.advance(cell.world, clear, task.time + 0.05)
    assert event.kind is EventKind.TRAY_EXCHANGED and event.data["parts"] == 6
    assert task.filled == [None] * 6 and set(full) <= cell.world.away
    left, wait = task.time, task.settings.tray_exchange
    assert event.data["seconds"] == wait and not task.tray_ready()
    task.advance(cell.world, near, left + wait - 0.01)
    assert not task.tray_ready() and task.condition() == "changeover"
    task.advance(cell.world, near, left + wait)
    assert task.tray_ready() and task.condition() == "producing"


def test_who_is_called_lays_a_part_into_a_free_slot_and_a_full_tray_s_part_back_into_the_tote(
    cell, monkeypatch
):
    cell.reset(seed=0)
    task = cell.task
    part = task.in_tote[0]
    held(cell, part, monkeypatch)
    laid(cell, part, (0.45, 0.0, 0.02))
    (done,) = task.help(cell.world, "misplaced_part", part, 9.0)
    assert done.data["rework"] and done.data["assisted"] and done.time == 9.0
    assert task.filled[0] == part
    assert np.allclose(cell.world.pose(part)[:3], task.slots[0])
    assert np.allclose(task.poses[part][:3], task.slots[0])
    task = filled_up(cell, monkeypatch)
    part = task.in_tote[0]
    held(cell, part, monkeypatch)
    laid(cell, part, (0.45, 0.0, 0.02))
    assert task.help(cell.world, "misplaced_part", part, 99.0) == []
    assert part in task.in_tote and part in task.hands.assisted


def test_fingers_that_close_on_the_wall_beside_a_part_hold_no_part(cell):
    cell.reset(seed=1)
    task, part = cell.task, cell.task.in_tote[0]
    edge = TOTE[1] + TOTE_INNER[1]
    cell.world.place(part, np.array([TOTE[0], edge - 0.022, 0.0195, 0.0, 0.0, 0.0, 1.0]))
    wall, felt = np.array([TOTE[0], edge + 0.003, 0.04]), 0
    for _ in range(200):
        tcp, action = cell.state.robots["robot"].tcp, np.zeros(7)
        gap = wall - tcp[:3]
        action[:3] = np.clip(2.0 * gap, -0.3, 0.3)
        if np.hypot(gap[0], gap[1]) > 0.01:
            action[2] = 0.2 if tcp[2] < 0.12 else 0.0
        action[6] = 1.0 if np.linalg.norm(gap) < 0.012 else -1.0
        cell.step(action)
        felt += cell.arm.holding
    assert felt > 20 and np.linalg.norm(cell.world.pose(part)[:3] - wall) < 0.035
    assert task.hands.held is None and part not in task.hands.started and part in task.in_tote


def test_after_an_overtime_the_part_that_could_not_be_picked_lies_elsewhere(cell):
    cell.reset(seed=0)
    task = cell.task
    part, before = task.target, cell.world.pose(task.target).copy()
    assert task.help(cell.world, "cycle_overtime", None, 5.0) == []
    assert part in task.in_tote and part in task.hands.assisted
    assert np.linalg.norm(cell.world.pose(part)[:2] - before[:2]) > 0.001


def test_a_cell_without_parts_is_starved(cell):
    cell.reset(seed=0)
    assert cell.task.condition() == "producing"
    cell.task.in_tote.clear()
    assert cell.task.condition() == "starved"


def test_the_truth_and_so_every_picture_shows_a_part_where_the_hand_is(cell):
    """It was a step late: at full speed 5 cm beside the fingers that held it."""
    agent = make_agent("scripted", cell)
    observation, info = cell.reset(seed=3)
    carried = 0
    for _ in range(100):
        observation, *_, info = cell.step(agent.act(observation))
        part, robot = cell.task.hands.held, cell.state.robots["robot"]
        if part is not None:
            carried += int(np.linalg.norm(robot.tcp_velocity[:3]) > 0.5)
            assert np.linalg.norm(cell.state.parts[part].pose[:3] - robot.tcp[:3]) < 0.012
    assert carried > 5


def test_a_part_is_judged_when_it_has_rested_and_at_last_though_it_does_not():
    class World:
        moving, told = 0.0, 0.0

        def speed(self, part, belt):
            self.told = belt
            return self.moving

    def judged_after(speeds):
        """The time (s) at which a part with a speed (m/s) each step of 0.05 s is judged."""
        hands = Handling()
        world: Any = World()
        hands.let_go("a", 0.0)
        for step in range(1, 80):
            world.moving = speeds(step)
            if hands.at_rest(world, 0.05 * step, {"a"}, 0.2):
                assert world.told == 0.2  # it rides on a belt
                return pytest.approx(0.05 * step)
        return None

    assert judged_after(lambda _: 0.0) == 0.25
    assert judged_after(lambda step: 0.021 if step < 10 else 0.019) == 0.70
    assert judged_after(lambda step: 0.021 if step % 4 == 0 else 0.0) == 3.0
    assert judged_after(lambda _: 1.0) == 3.0


def test_a_part_that_left_the_cell_is_a_new_one_when_its_name_comes_back():
    hands = Handling(held="a", started={"a", "b"}, assisted={"a"}, released={"a": (0.0, 0.0)})
    hands.forget("a")
    assert hands == Handling(held=None, started={"b"}, assisted=set(), released={})
    hands.held = "b"
    hands.forget("a")
    assert hands.held == "b"
