"""The physics: grips hold by force and lose by it, belts carry, parts park, resets are exact."""

import numpy as np
import pybullet as p
import pytest

from genba.envs.task import table
from genba.sim.contacts import equipment_force, part_force
from genba.sim.kinematics import chain_of
from genba.sim.layout import Fixture, Layout, PartSpec
from genba.sim.robots import ROBOTS
from genba.sim.world import GRAVITY, World

RED = (0.8, 0.1, 0.1, 1.0)
DOWN = np.array([1.0, 0.0, 0.0, 0.0])


def world_with(*parts, gripper="parallel", extra=()):
    return World(Layout("panda", gripper, (*table(), *extra), parts))


def cube(name="cube", mass=0.1, half=0.0125, friction=0.5):
    return PartSpec(name, "block", (half, half, 0.015), mass, RED, friction)


def at(x, y, z):
    return np.array([x, y, z, 0.0, 0.0, 0.0, 1.0])


def in_hand(world, chain):
    """Where the cube is, seen from the TCP (3,) m."""
    q, dq = world.joints()
    return world.pose("cube")[:3] - chain.state(q, dq)[0][:3]


def play(world, ticks):
    """The physics, and the gripper's sensors once a control step."""
    for _ in range(ticks // 12):
        world.step(12)
        world.gripper_state()


def holding(mass, friction=0.5, grips=(1.0,) * 20):
    """A world in which fingers closed on a cube, 0.2 m over the table, and its arm."""
    world = world_with(cube(mass=mass, friction=friction))
    chain = chain_of("panda", "parallel")
    place = np.array([0.45, 0.0, 0.20])
    world.reset(chain.ik(place, DOWN), {"cube": at(*place)})
    p.setGravity(0, 0, 0, physicsClientId=world.client)  # it stays until it is held
    for grip in grips:
        world.set_grip(grip)
        play(world, 12)
    p.setGravity(0, 0, -GRAVITY, physicsClientId=world.client)
    return world, chain


def gripped(mass, friction=0.5):
    """Whether a cube in the fingers is felt two seconds later, and how far it has slipped (m)."""
    world, chain = holding(mass, friction)
    start = in_hand(world, chain)
    play(world, 480)
    felt = world.gripper_state()[1]
    slipped = float(np.linalg.norm(in_hand(world, chain) - start))
    world.close()
    return felt, slipped


def test_two_fingers_hold_what_their_friction_carries_and_drop_what_it_does_not():
    capacity = 2 * 30.0 * 0.5 * 1.0 / GRAVITY  # kg: two pads, 30 N, friction of part times pad
    assert gripped(0.3 * capacity)[1] < 1e-4
    assert gripped(0.85 * capacity)[0]
    assert gripped(1.05 * capacity)[1] > 0.1


def test_a_held_part_is_felt_and_a_dropped_one_is_not():
    assert gripped(0.1)[0]
    assert not gripped(8.0)[0]


def test_a_light_part_does_not_creep_out_of_the_fingers_while_they_shake():
    world, chain = holding(0.08)
    before = in_hand(world, chain)
    for tick in range(4 * 120):
        q, _ = world.joints()
        swing = 0.25 * np.sin(2 * np.pi * 2.0 * tick / 120)
        world.drive(chain.resolve(q, np.array([swing, 0.5 * swing, 0.0, 0.0, 0.0, 0.0])))
        world.step(2)
    assert np.linalg.norm(in_hand(world, chain) - before) < 0.002
    world.close()


def test_fingers_travel_at_the_gripper_s_speed_and_no_faster():
    world = world_with()
    gripper = world.gripper
    world.reset(ROBOTS["panda"].home, {})
    for grip, stands in ((1.0, 0.0), (-0.62, 0.62), (-1.0, 1.0)):
        world.set_grip(grip)
        before = world.gripper_state()[0] / 2
        way = abs(stands * gripper.stroke - before)
        ticks = 0
        while abs(world.gripper_state()[0] / 2 - stands * gripper.stroke) > 0.0015:
            world.step()
            ticks += 1
            fingers = p.getJointStates(world.body, world.fingers.joints, world.client)
            assert all(abs(finger[1]) < 1.02 * gripper.finger_speed for finger in fingers)
        assert ticks / 240 == pytest.approx(way / gripper.finger_speed, rel=0.1)
    world.close()


def test_what_is_held_is_pressed_from_both_sides_alike_however_firmly_the_policy_says_so():
    # a policy's grip is a number, and wanders
    world, chain = holding(0.08, grips=[1.0 - 0.02 * step for step in range(40)])
    play(world, 240)
    forces = [s[3] for s in p.getJointStates(world.body, world.fingers.joints, world.client)]
    assert forces == pytest.approx([-world.gripper.force] * 2, rel=0.01)
    assert np.linalg.norm(in_hand(world, chain)[:2]) < 0.001
    world.close()


def suck_at(mass, seal, gripper_height=0.0):
    world = world_with(cube(mass=mass, half=0.022), gripper="vacuum")
    chain = chain_of("panda", "vacuum")
    tcp = np.array([0.45, 0.0, 0.031 + gripper_height])
    world.reset(chain.ik(tcp, DOWN), {"cube": at(0.45, 0.0, 0.0155)})
    world.cup.seal["cube"] = seal
    world.set_grip(1.0)
    for _ in range(6):
        world.step(12)
        q, dq = world.joints()
        world.suck(chain.state(q, dq)[0], 0.05)
    took = world.sucked
    for _ in range(30):
        q, dq = world.joints()
        world.drive(chain.resolve(q, np.array([0.0, 0.0, 0.15, 0.0, 0.0, 0.0])))
        world.step(12)
        world.suck(chain.state(q, dq)[0], 0.05)
    held, height = world.sucked, world.pose("cube")[2]
    world.close()
    return took, held, height


def test_a_cup_lifts_what_its_vacuum_bears():
    took, held, height = suck_at(mass=0.3, seal=1.0)
    assert took == held == "cube"
    assert height > 0.1


def test_a_cup_loses_what_is_too_heavy_or_seals_badly():
    assert suck_at(mass=6.0, seal=1.0)[0] == "cube"  # it sealed, and let go when lifted
    for mass, seal in ((6.0, 1.0), (0.5, 0.1)):
        _, held, height = suck_at(mass, seal)
        assert held is None
        assert height < 0.05


def test_a_cup_that_does_not_touch_sucks_nothing():
    assert suck_at(0.1, 1.0, gripper_height=0.02)[0] is None


def seals(gap=0.0, aside=0.0, tilt=0.0, steps=3):
    """Whether a cup over a cube's upper face, off it by so much (m, rad), holds after `steps`."""
    world = world_with(cube(half=0.022), gripper="vacuum")
    world.reset(ROBOTS["panda"].home, {"cube": at(0.45, 0.0, 0.2)})
    world.set_grip(1.0)
    turn = [np.cos(tilt / 2), 0.0, np.sin(tilt / 2), 0.0]  # pointing down, then about y
    for _ in range(steps):
        world.suck(np.array([0.45 + aside, 0.0, 0.215 + gap, *turn]), 0.05)
    held = world.sucked == "cube"
    world.close()
    return held


def test_a_cup_seals_on_a_face_that_it_lies_on_close_and_square_once_the_pump_has_had_its_time():
    assert seals() and not seals(steps=2)  # 0.15 s
    assert seals(gap=0.005) and not seals(gap=0.007)
    assert seals(gap=-0.005) and not seals(gap=-0.007)
    assert seals(aside=0.009) and not seals(aside=0.011)  # its lip reaches 12 mm of the 22
    assert seals(aside=-0.009) and not seals(aside=-0.011)
    assert seals(tilt=0.16) and not seals(tilt=0.19)


def test_a_pump_that_lost_its_seal_begins_anew():
    world = world_with(cube(half=0.022), gripper="vacuum")
    world.reset(ROBOTS["panda"].home, {"cube": at(0.45, 0.0, 0.2)})
    world.set_grip(1.0)
    on, off = np.array([0.45, 0.0, 0.215, *DOWN]), np.array([0.45, 0.0, 0.25, *DOWN])
    for place in (on, on, off, on, on):
        world.suck(place, 0.05)
    assert world.sucked is None
    world.suck(on, 0.05)
    assert world.sucked == "cube"
    world.set_grip(-1.0)
    assert world.sucked is None
    world.close()


def pressing(gripper="vacuum"):
    """A gripper that is driven down onto a cube on the table, and its arm."""
    world = world_with(cube(mass=0.1, half=0.022), gripper=gripper)
    chain = chain_of("panda", gripper)
    world.reset(chain.ik(np.array([0.45, 0.0, 0.034]), DOWN), {"cube": at(0.45, 0.0, 0.0155)})
    return world, chain


def drive_down(world, chain, speed, ticks):
    for _ in range(ticks):
        q, _ = world.joints()
        world.drive(chain.resolve(q, np.array([0.0, 0.0, -speed, 0.0, 0.0, 0.0])))
        world.step(2)


def test_a_part_between_gripper_and_table_is_pressed_by_the_table_and_the_arm_is_not():
    world, chain = pressing()
    assert part_force(world) == 0.0 and np.linalg.norm(equipment_force(world)) == 0.0
    drive_down(world, chain, 0.05, 20)
    assert part_force(world) > 20.0
    assert np.linalg.norm(equipment_force(world)) == 0.0
    world.close()


def test_an_arm_that_is_driven_into_the_table_feels_it_from_below():
    world, chain = pressing()
    world.put_away("cube")
    drive_down(world, chain, 0.05, 140)
    force = equipment_force(world)
    assert force[2] > 20.0
    assert part_force(world) == 0.0
    world.close()


def test_what_a_cup_lifted_is_pressed_by_nothing():
    world, chain = pressing()
    world.set_grip(1.0)
    for _ in range(4):
        world.step(12)
        world.suck(chain.state(*world.joints())[0], 0.05)
    assert world.sucked == "cube"
    drive_down(world, chain, -0.1, 60)
    assert world.sucked == "cube" and part_force(world) == 0.0
    world.close()


def test_a_belt_carries_parts_at_its_speed_and_stays_where_it_is():
    belt = Fixture("belt", (0.07, 0.7, 0.02), (0.5, 0.0, 0.02), RED, 0.8, belt=0.2)
    world = world_with(cube("a"), cube("b"), extra=(belt,))
    world.reset(ROBOTS["panda"].home, {"a": at(0.5, -0.5, 0.056), "b": at(0.5, -0.4, 0.056)})
    track = []
    for _ in range(60):
        world.run_belts()
        world.step(12)
        track.append(world.pose("a")[1])
    speed = np.polyfit(np.arange(40) / 20, track[20:], 1)[0]
    assert speed == pytest.approx(0.2, rel=0.02)
    assert world.pose("b")[1] - world.pose("a")[1] == pytest.approx(0.1, abs=0.004)
    assert p.getBasePositionAndOrientation(world._belts[0][0], physicsClientId=world.client)[0][
        1
    ] == pytest.approx(0.0, abs=0.02)
    world.close()


def test_parts_at_rest_are_parked_and_wake_when_the_gripper_comes():
    world = world_with(cube("near"), cube("far"))
    world.reset(ROBOTS["panda"].home, {"near": at(0.45, 0.0, 0.016), "far": at(0.45, 0.4, 0.016)})
    high, low = at(0.45, 0.0, 0.4), at(0.45, 0.0, 0.05)
    for _ in range(20):
        world.step(12)
        world.settle(high, 0.0)
    assert world.parked == {"near", "far"} and world.awake() == []
    world.settle(low, 0.0)
    assert world.parked == {"far"} and world.awake() == ["near"]
    before = world.pose("near")[2]
    world.place("near", at(0.45, 0.0, 0.3))
    world.step(120)
    assert world.pose("near")[2] == pytest.approx(before, abs=0.001)  # it has mass again
    world.close()


def test_a_part_that_is_parked_while_it_creeps_stays_where_it_was_parked():
    """Bullet moves a body without mass on at the speed that it had: it lay tilted in the end."""
    world = world_with(cube("a"))
    world.reset(ROBOTS["panda"].home, {"a": at(0.45, 0.0, 0.0155)})
    p.resetBaseVelocity(world.parts["a"], [0.003, 0, 0], [0, 0.03, 0], physicsClientId=world.client)
    world.settle(at(0.45, 0.0, 0.4), 0.0)
    assert world.parked == {"a"}
    parked = world.pose("a")
    world.step(10 * 240)
    true = p.getBasePositionAndOrientation(world.parts["a"], physicsClientId=world.client)
    assert np.array_equal(np.concatenate(true), parked)
    world.close()


def test_the_poses_told_are_those_of_every_part_in_the_cell_whatever_was_done_with_it():
    names = ["a", "b", "c", "d"]
    world, rng = world_with(*map(cube, names)), np.random.default_rng(5)
    world.reset(ROBOTS["panda"].home, {"b": at(0.4, 0.1, 0.02), "a": at(0.4, -0.1, 0.02)})
    for k in range(200):
        name, (x, y) = names[rng.integers(4)], rng.uniform(-0.3, 0.3, 2)
        if rng.random() < 0.3:
            world.put_away(name)
        elif rng.random() < 0.5:
            world.place(name, at(0.4 + x, y, 0.02))
        world.step(int(rng.integers(3)))
        before = world.poses()
        assert list(before) == [n for n in world.parts if n not in world.away]
        assert all(pose is world.pose(n) for n, pose in before.items())
        world.settle(at(0.4, 0.0, 0.05), 0.0)
        kept = {n: pose.copy() for n, pose in before.items()}
        world.step(1)
        world.poses()  # what was told before stays as it is
        assert all(np.array_equal(pose, kept[n]) for n, pose in before.items()), k
    world.close()


def scramble(world, rng):
    """Whatever may happen between two resets."""
    world.drive(rng.uniform(-1, 1, 7))
    world.set_grip(float(rng.uniform(-1, 1)))
    for _ in range(10):
        world.step(12)
        world.run_belts()
        world.settle(at(*rng.uniform((0.3, -0.4, 0.0), (0.6, 0.4, 0.2))), 0.3)
    world.put_away("cube-1")
    world.step(24)


def run(world):
    poses = {f"cube-{i}": at(0.35 + 0.03 * i, -0.1, 0.02 + 0.012 * i) for i in range(6)}
    world.reset(ROBOTS["panda"].home, poses)
    trail = []
    for tick in range(40):
        world.drive(np.full(7, 0.2 * (-1) ** (tick // 10)))
        world.step(6)
        trail += [world.pose(name).tobytes() for name in world.parts]
        trail += [a.tobytes() for a in world.joints()]
    return b"".join(trail)


def test_a_reset_is_exact_whatever_went_before():
    """A pile of parts in contact, the hardest case: bit for bit as in a world freshly built."""
    parts = [cube(f"cube-{i}") for i in range(6)]
    fresh = world_with(*parts)
    expected = run(fresh)
    fresh.close()
    world = world_with(*parts)
    assert run(world) == expected
    rng = np.random.default_rng(0)
    for _ in range(5):
        scramble(world, rng)
        assert run(world) == expected
    world.close()


def test_closing_twice_is_no_error():
    world = world_with(cube())
    world.close()
    world.close()


def test_no_joint_turns_faster_than_gears_and_drives_can_whatever_spins_it():
    world = world_with()
    world.reset(world.robot.home, {})
    world.drive(np.zeros(7))
    p.resetJointState(world.body, 4, 0.0, 1e4, physicsClientId=world.client)  # too fast to brake
    world.step()
    assert np.abs(world.joints()[1]).max() <= 1.2 * world.robot.dq_max.max() + 1e-9
    world.close()
