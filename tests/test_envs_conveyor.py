"""A part that falls back onto the belt rides on: nobody is called, and it may be picked again."""

# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import numpy as np
import pytest

from genba.envs import make
from genba.envs.conveyor_layout import BELT, BELT_TOP, BIN_HEIGHT, BINS, HALVES
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


@pytest.mark.parametrize("kind", ["a", "b"])
@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize("where", ["a", "b", "reject"])
def test_what_becomes_of_a_part_follows_from_its_kind_its_defect_and_its_bin(
    cell, kind, bad, where
):
    cell.reset(seed=4)
    task, part = cell.task, f"part-{kind}4"
    x, y = BINS[where]
    cell.world.place(part, upright(x, y, 0.004 + HALVES[kind][2], 0.0))
    task.defective = {part} if bad else set()
    (event,) = task._judge(cell.world, part, 1.0)
    assert event.subject == part and part in cell.world.away
    if bad and where == "reject":
        assert (event.kind, dict(event.data)) == (EventKind.PART_REJECTED, {"kind": kind})
        return
    assert event.kind is EventKind.PART_FINISHED
    assert event.data["good"] is (not bad and where == kind)
    wrong = "defective delivered" if bad else f"{kind} in bin {where}"
    assert event.data["reason"] == ("" if event.data["good"] else wrong)
    assert not event.data["assisted"]
    assert task.reward(cell.state.robots["robot"], [event])["wrong_bin"] == (
        0.0 if event.data["good"] else -10.0
    )


@pytest.mark.parametrize("place, where", [((0.1, 0.1, 0.02), "table"), ((1.5, 0.0, -0.7), "floor")])
def test_a_part_that_lies_about_is_dropped_and_helped_into_its_bin(cell, place, where):
    cell.reset(seed=4)
    task, part, (x, y, z) = cell.task, "part-b4", place
    cell.world.place(part, upright(x, y, z, 0.0))
    task.hands.let_go(part, 1.0)
    (event,) = task._judge(cell.world, part, 1.0)
    assert (event.kind, event.data["where"]) == (EventKind.PART_DROPPED, where)
    (helped,) = task.help(cell.world, "dropped_part", part, 2.0)
    assert helped.data["good"] and helped.data["assisted"] and part in cell.world.away


def test_a_part_above_a_bin_is_not_in_it_and_the_one_furthest_along_is_offered(cell):
    cell.reset(seed=4)
    task, part = cell.task, "part-a4"
    cell.world.place(part, upright(*BINS["a"], BIN_HEIGHT + 0.1, 0.0))
    task.hands.let_go(part, 1.0)
    assert task._judge(cell.world, part, 1.0)[0].kind is EventKind.PART_DROPPED
    task.target = None
    one, two = task.on_belt[:2]
    for name, y in ((one, -0.25), (two, 0.1)):
        cell.world.place(name, upright(BELT[0], y, BELT_TOP + 0.02, 0.0))
    task.poses = cell.world.poses()
    task._choose()
    assert task.target == two
