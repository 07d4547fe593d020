"""Touches: with people, with equipment, and those that nobody can get away from."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math

import numpy as np
import pytest

from genba.safety import PASS, SafetyLayer
from genba.safety.contact import BODY, held, limits, touched
from genba.sim.body_limits import LIMITS, severity
from genba.sim.gait import CAPSULE_REGIONS
from genba.sim.kinematics import chain_of
from genba.sim.state import Person, RobotState, State

CHAIN = chain_of("panda", "parallel")
HOME = np.array(CHAIN.robot.home)
AHEAD = np.array([0.0, 0.3, 0.0, 0.0, 0.0, 0.0])  # m/s, along y
TICK = 1.0 / 120.0
FAR = 3.0  # m


def rule(name, **parameters):
    layer = SafetyLayer({name: parameters}, {"arm": CHAIN}, TICK)
    return layer.rules[name]


def robot(q=HOME, twist=None, wrench=0.0):
    dq = np.zeros(7) if twist is None else CHAIN.resolve(q, twist)
    return RobotState(q, dq, *CHAIN.state(q, dq), 0.04, False, wrench)


def person(gap, robot_state, region="hand"):
    """A body all of whose capsules are far away but one, `gap` m beyond the tool along y."""
    body = np.tile(np.array([9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.05]), (17, 1))
    j = CAPSULE_REGIONS.index(region)
    tool = robot_state.capsules[-1]
    x, y, z = 0.5 * (tool[:3] + tool[3:6])
    edge = max(tool[1], tool[4]) + tool[6]
    body[j, :3] = body[j, 3:6] = x, edge + 0.05 + gap, z
    return Person("visitor", "indifferent", body, np.zeros((17, 6)))


def state(time, arm, gap=None, region="hand"):
    people = {} if gap is None else {"ann": person(gap, arm, region)}
    return State(time, {"arm": arm}, people, people_age=0.1)


def command():
    return CHAIN.twist_command(HOME, AHEAD, 1.0, np.full(7, 0.3))


def play(layer, forces, gap, seconds, speed=AHEAD):
    """(time, decision, TCP) of a kinematic robot that does what the layer lets through."""
    q, twist = HOME.copy(), speed
    rows = []
    for tick in range(int(seconds / TICK)):
        time = tick * TICK
        arm = robot(q, twist, forces(time))
        decision = layer.filter(state(time, arm, gap), CHAIN.twist_command(q, speed, 1.0, AHEAD))
        rows.append((time, decision, arm.tcp[:3].copy()))
        twist = decision.command.tcp_velocity
        q = q + decision.command.dq * TICK
    return rows


# contact_force


def test_a_touch_stops_the_robot_draws_it_back_and_lets_it_go_on():
    layer = SafetyLayer({"contact_force": {}}, {"arm": CHAIN}, TICK)
    rows = play(layer, lambda t: 20.0 if 0.5 <= t < 0.8 else 0.0, 0.0, 4.0)
    stopped = [(t, d, x) for t, d, x in rows if d.category == 2]
    assert stopped[0][0] == pytest.approx(0.5, abs=0.01) and not layer.latched
    assert stopped[-1][0] == pytest.approx(0.8 + 2.0, abs=0.02)  # two seconds after the touch
    fastest = max(float(np.linalg.norm(d.command.tcp_velocity[:3])) for _, d, _ in stopped)
    assert 0.03 < fastest < 0.05
    way = stopped[0][2] - stopped[-1][2]
    assert way[1] == pytest.approx(0.020, abs=0.003)  # back along the way it came
    assert abs(way[0]) < 0.002 and abs(way[2]) < 0.002


def test_a_robot_that_stands_and_is_touched_does_not_begin_to_move():
    layer = SafetyLayer({"contact_force": {}}, {"arm": CHAIN}, TICK)
    rows = play(layer, lambda t: 20.0 if t > 0.1 else 0.0, 0.0, 1.0, speed=np.zeros(6))
    assert all(np.allclose(x, rows[0][2], atol=1e-6) for _, _, x in rows)
    assert rows[-1][1].category == 2


def test_while_another_rule_stops_the_robot_it_does_not_draw_back():
    config = {"contact_force": {}, "standstill_zone": {"distance": 1.0}}
    layer = SafetyLayer(config, {"arm": CHAIN}, TICK)
    rows = play(layer, lambda t: 20.0 if t > 0.1 else 0.0, 0.0, 0.9)
    assert all(not d.command.dq.any() for t, d, _ in rows if t > 0.11)


def test_a_force_with_nobody_near_is_no_contact_with_a_person():
    one = rule("contact_force")
    assert one.check(state(0.0, robot(wrench=40.0), FAR), command()) is PASS
    assert one.check(state(0.1, robot(wrench=40.0)), command()) is PASS
    assert one.check(state(0.2, robot(wrench=40.0), 0.2), command()).category == 2


def test_people_seen_late_may_be_nearer_than_they_look():
    one = rule("contact_force")
    now = state(0.0, robot(wrench=40.0), 0.5)
    assert one.check(now, command()) is PASS
    assert one.check(now._replace(people_age=0.3), command()).category == 2


@pytest.mark.parametrize(("region", "speed"), [("hand", 0.9), ("face", 0.15), ("chest", 0.45)])
def test_a_blow_above_the_regions_limit_is_for_a_person_to_reset(region, speed):
    """The model's force counts, also where the measured one is small."""
    mass, along = CHAIN.effective_mass(), speed * AHEAD / 0.3
    for v, over in ((0.5 * speed, False), (2.5 * speed, True)):
        arm = robot(twist=v / speed * along, wrench=12.0)
        verdict = rule("contact_force").check(state(0.0, arm, 0.0, region), command())
        assert verdict.latch == over == (severity(region, v, mass, False).force_ratio > 1.0)
        assert verdict.category == (1 if over else 2)
        limit = LIMITS[region]
        assert not over or verdict.limit == limit.force * limit.transient


def test_a_measured_force_above_the_limit_counts_as_well():
    verdict = rule("contact_force").check(state(0.0, robot(wrench=70.0), 0.0, "face"), command())
    assert verdict[1:3] == (1, True) and (verdict.trigger, verdict.limit) == (70.0, 65.0)


def test_a_blow_is_over_once_it_is_felt():
    """What closes in on somebody who is touched already is no second blow: the sensor feels it."""
    one, along = rule("contact_force"), np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    slow, fast = (robot(twist=v * along, wrench=12.0) for v in (0.1, 2.5))
    assert rule("contact_force").check(state(TICK, fast, 0.0), command()).latch
    assert not one.check(state(0.0, slow, 0.0), command()).latch
    later = one.check(state(TICK, fast, 0.0), command())
    assert (later.category, later.latch, later.trigger) == (2, False, 12.0)


@pytest.mark.parametrize("names", [("ann", "bob"), ("bob", "ann")])
def test_of_two_who_are_touched_the_one_nearer_to_the_limit_counts(names):
    """70 N are a quarter of what a hand may bear for a moment and above what a face may."""
    arm = robot(wrench=70.0)
    people = {"ann": person(0.0, arm, "hand"), "bob": person(0.0, arm, "face")}
    now = State(0.0, {"arm": arm}, {name: people[name] for name in names}, people_age=0.1)
    verdict = rule("contact_force").check(now, command())
    assert verdict[1:3] == (1, True) and (verdict.trigger, verdict.limit) == (70.0, 65.0)


def test_a_body_of_another_make_has_the_strictest_limits():
    assert np.array_equal(limits(np.zeros((17, 7))), BODY)
    other = limits(np.zeros((3, 7)))
    assert (other[:, 0] == BODY[:, 0].min()).all() and (other[:, 1] == BODY[:, 1].max()).all()


@pytest.mark.parametrize("name", ["contact_force", "collision"])
def test_a_force_that_is_no_number_stops_for_good(name):
    verdict = rule(name).check(state(0.0, robot(wrench=math.nan)), command())
    assert verdict.latch and verdict.scale == 0.0


# clamping


def test_a_touch_that_lasts_opens_the_gripper_and_stays():
    one = rule("clamping")
    moving, still = robot(twist=AHEAD, wrench=20.0), robot(wrench=20.0)
    verdicts = [one.check(state(0.0, moving, 0.2), command())]
    verdicts += [one.check(state(i * TICK, still, 0.2), command()) for i in range(1, 70)]
    first = next(i for i, v in enumerate(verdicts) if v is not PASS)
    assert first == 61  # half a second
    assert verdicts[first][1:3] == (1, True) and verdicts[first].grip == -1.0


def test_the_layer_opens_the_gripper_of_a_robot_that_clamps():
    layer = SafetyLayer({"contact_force": {}, "clamping": {}}, {"arm": CHAIN}, TICK)
    rows = play(layer, lambda t: 20.0 if t >= 0.1 else 0.0, 0.0, 1.0)
    assert rows[5][1].command.grip == 1.0 and rows[-1][1].command.grip == -1.0
    assert layer.stopped_by == "clamping" and layer.latched


def test_leaning_on_a_robot_that_stands_is_no_clamping():
    one = rule("clamping")
    still = robot(wrench=20.0)
    assert all(one.check(state(i * TICK, still, 0.0), command()) is PASS for i in range(120))


def test_touches_with_a_pause_between_are_two():
    one = rule("clamping")
    for i in range(200):
        pause = i % 50 >= 35
        arm = robot(twist=AHEAD, wrench=0.0 if pause else 20.0)
        assert one.check(state(i * TICK, arm, 0.2), command()) is PASS


def test_a_hand_between_tool_and_table_is_clamped_at_once():
    arm = robot(twist=AHEAD, wrench=20.0)
    someone = person(0.0, arm)
    tool = arm.capsules[-1]
    hand = CAPSULE_REGIONS.index("hand")
    top = min(tool[2], tool[5]) - tool[6]  # the lowest of the tool
    someone.capsules[hand] = [tool[0], tool[1], top - 0.05, tool[0], tool[1], top - 0.05, 0.05]
    now = State(0.0, {"arm": arm}, {"ann": someone}, people_age=0.1)
    x, y = tool[0], tool[1]
    below = [[x - 1, y - 1, top - 0.2, x + 1, y + 1, top - 0.11]]
    verdict = rule("clamping", obstacles=below).check(now, command())
    assert verdict[1:3] == (1, True) and "two sides" in verdict.reason
    assert rule("clamping").check(now, command()) is PASS  # the table is far below


def test_a_part_between_two_links_is_held_and_one_beside_them_is_not():
    links = np.array([[0, 0, 0, 0, 0, 1.0, 0.05], [0.2, 0, 0, 0.2, 0, 1.0, 0.05]])
    none = np.zeros((0, 6))
    for x, between in ((0.1, True), (0.3, False)):
        arm = np.array([[x, 0.0, 0.4, x, 0.0, 0.6, 0.04]])
        assert held(links, arm, none, 0.05) == between


# collision


def hits(layer, at):
    return play(
        layer, lambda t: max([f for a, f in at if a <= t < a + 0.2], default=0.0), None, 6.0
    )


def test_one_collision_backs_off_and_goes_on():
    layer = SafetyLayer({"collision": {}}, {"arm": CHAIN}, TICK)
    rows = hits(layer, [(0.5, 30.0)])
    stopped = [x for _, d, x in rows if d.category == 2]
    assert stopped[0][1] - stopped[-1][1] == pytest.approx(0.020, abs=0.003)
    assert len(stopped) * TICK == pytest.approx(2.0, abs=0.05)
    assert not layer.latched and rows[-1][1].category is None


@pytest.mark.parametrize("at", [[(0.5, 30.0), (4.0, 30.0)], [(0.5, 51.0)]])
def test_a_second_or_a_hard_collision_is_for_a_person_to_reset(at):
    layer = SafetyLayer({"collision": {}}, {"arm": CHAIN}, TICK)
    rows = hits(layer, at)
    assert layer.latched and layer.stopped_by == "collision"
    assert rows[-1][1].category == 2 and not rows[-1][1].command.dq.any()


def test_a_collision_long_after_the_last_is_the_first_again():
    one = rule("collision", again=10.0, hold=1.0)
    for time in (0.0, 20.0):
        assert not one.check(state(time, robot(wrench=30.0)), command()).latch
        assert one.check(state(time + 1.1, robot()), command()) is PASS


def test_what_backing_off_does_not_end_is_for_a_person():
    one = rule("collision", hold=1.0)
    assert not one.check(state(0.0, robot(wrench=30.0)), command()).latch
    assert one.check(state(1.1, robot(wrench=30.0)), command()).latch


def test_a_force_with_a_person_near_may_be_left_to_the_rule_of_touches():
    for force in (40.0, 60.0):
        near = state(0.0, robot(wrench=force), 0.1)
        assert rule("collision").check(near, command()).category == 2
        assert rule("collision", people=0.25).check(near, command()) is PASS
        assert rule("collision", people=0.05).check(near, command()).category == 2


def test_the_worst_of_the_parts_about_the_nearest_counts():
    arm = robot(twist=AHEAD)
    someone = person(0.0, arm, "hand")
    face = CAPSULE_REGIONS.index("face")
    someone.capsules[face] = someone.capsules[CAPSULE_REGIONS.index("hand")]
    someone.capsules[face, [1, 4]] += 0.02  # beyond it
    mass = CHAIN.effective_mass()
    args = arm.capsules, arm.capsule_velocities, someone.capsules, someone.velocities, BODY, mass
    assert touched(*args, 0.05)[1] == face
    assert touched(*args, 0.0)[1] == CAPSULE_REGIONS.index("hand")


@pytest.mark.parametrize("name", ["contact_force", "clamping", "collision"])
@pytest.mark.parametrize("force", [math.nan, -math.inf, -50.0])
def test_a_force_that_is_none_is_not_believed(name, force):
    verdict = rule(name).check(state(0.0, robot(wrench=force), 0.0), command())
    assert verdict.category is not None and verdict.latch
    assert verdict.reason == "the measured force is none"


@pytest.mark.parametrize(("place", "radius"), [(math.nan, 0.05), (0.5, -1.0), (1e200, 0.05)])
def test_a_force_is_laid_to_a_body_that_is_none(place, radius):
    body = np.array([[place, 0.0, 0.3, place, 0.0, 0.4, radius]])
    people = {"ann": Person("visitor", "indifferent", body, np.zeros((1, 6)))}
    now = State(0.0, {"arm": robot(wrench=20.0)}, people, people_age=0.1)
    for other in ({}, {"collision": {"people": 0.5}}):
        guard = SafetyLayer({**other, "contact_force": {}}, {"arm": CHAIN}, TICK)
        assert guard.filter(now, command()).category is not None


def test_somebody_who_is_pressed_by_a_link_while_the_tool_stands_is_clamped():
    jacobian = np.array([CHAIN.state(HOME, one)[1] for one in np.eye(7)]).T
    still = np.linalg.svd(jacobian)[2][-1]
    dq = still * (0.12 / np.abs(CHAIN.state(HOME, still)[3]).max())
    arm = RobotState(HOME, dq, *CHAIN.state(HOME, dq), 0.04, False, 60.0)
    assert np.linalg.norm(arm.tcp_velocity) < 1e-6
    guard = SafetyLayer({"clamping": {}}, {"arm": CHAIN}, TICK)
    decisions = [guard.filter(state(t * TICK, arm, 0.0), command()) for t in range(90)]
    assert decisions[-1].category == 1 and guard.latched == ("clamping",)


def test_velocities_with_too_few_columns_are_those_of_somebody_who_stands():
    arm = robot(twist=AHEAD)
    body = person(0.0, arm, "hand").capsules
    beyond = np.full((len(body), 6), 50.0)  # what lies behind a short row is not read
    hits = [
        touched(
            arm.capsules, arm.capsule_velocities, body, moves, BODY, CHAIN.effective_mass(), 0.0
        )
        for moves in (np.zeros((len(body), 6)), beyond[:, :5], beyond[:, :0])
    ]
    assert hits[0] == hits[1] == hits[2]


def test_what_presses_on_is_held_against_the_quasi_static_limit():
    """A hand bears twice the force for a moment, 140 N for longer; the robot came slowly."""
    limit = LIMITS["hand"]
    between = 0.5 * (1.0 + limit.transient) * limit.force
    for force, latches in ((between, True), (0.9 * limit.force, False)):
        contact = rule("contact_force")
        found = []
        for tick in range(120):
            arm = robot(wrench=force)
            found.append(contact.check(state(tick * TICK, arm, 0.0), command()))
        assert all(v.category == 2 for v in found[:60])  # half a second
        assert found[-1].latch is latches
    # two touches with a pause between are two
    contact = rule("contact_force")
    for tick in range(240):
        pause = tick % 60 >= 45
        arm = robot(wrench=0.0 if pause else between)
        assert not contact.check(state(tick * TICK, arm, 0.0), command()).latch


def test_who_is_clamped_is_released_also_while_the_emergency_stop_is_pressed():
    guard = SafetyLayer({"clamping": {}, "emergency_stop": {}}, {"arm": CHAIN}, TICK)
    moving = robot(twist=AHEAD, wrench=60.0)
    for tick in range(120):
        told = state(tick * TICK, moving if tick < 30 else robot(wrench=60.0), 0.0)
        pressed = told._replace(machines={"emergency_stop": tick > 5})
        decision = guard.filter(pressed, command())
    assert [*guard.latched][:2] == ["emergency_stop", "clamping"]
    assert decision.command.grip == -1.0
