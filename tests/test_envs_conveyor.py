"""A part that falls back onto the belt rides on: nobody is called, and it may be picked again."""

# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
import pytest

from genba.envs import make
from genba.envs.conveyor_layout import BELT, BELT_TOP, HALVES
from genba.envs.task import upright
from genba.scenarios import load
from genba.sim.state import EventKind


@pytest.fixture(scope="module")
def cell():
    env = make(load("conveyor_sorting_alone", ["task.parts_per_minute=1"]))
    yield env.unwrapped
    env.close()


def let_go_over_the_belt(cell, y):
    """The part that leads, as if the gripper lost it 3 cm over the belt at y (m)."""
    cell.reset(seed=4)
    task, part = cell.task, cell.task.on_belt[0]
    cell.world.place(part, upright(BELT[0], y, BELT_TOP + HALVES[task.kind[part]][2] + 0.03, 0.0))
    task.on_belt.remove(part)
    task.hands.let_go(part, cell.time)
    return part


def test_a_part_that_falls_back_onto_the_belt_may_be_picked_again_within_a_second(cell):
    part = let_go_over_the_belt(cell, -0.25)
    for _ in range(20):
        cell.step(np.zeros(7))
    assert part in cell.task.on_belt
    assert cell.task.target == part


def test_a_part_that_falls_back_near_the_belt_s_end_is_lost_and_nobody_is_called(cell):
    part = let_go_over_the_belt(cell, 0.40)
    for _ in range(60):
        cell.step(np.zeros(7))
    lost = [e for e in cell.events if e.kind is EventKind.PART_LOST]
    assert [e.subject for e in lost] == [part]
    assert lost[0].data["reason"] == "ran_off"
    assert not [e for e in cell.events if e.kind is EventKind.PART_DROPPED]


@pytest.mark.parametrize("rate, share", [(60, 1.0), (60, 0.5), (30, 1.0)])
def test_as_many_parts_arrive_as_the_scenario_says_also_of_one_kind(rate, share):
    """But for the infeed, which takes a part each 0.1 m."""
    wanted = {"task.parts_per_minute": rate, "task.share_a": share, "cycle_timeout": 1e6}
    env: Any = make(load("conveyor_sorting_alone", wanted))
    env.reset(seed=1)
    hold, done = env.arm.hold(), False
    while not done:
        *_, done, _ = env.step(hold)
    came = len(env.task.on_belt) + sum(e.kind is EventKind.PART_LOST for e in env.events)
    env.close()
    assert 0.9 * rate <= came <= 1.1 * rate + 2  # in a minute; two are on their way at its start
