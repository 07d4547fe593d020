"""A verified stop: what is let through can be braked before anybody is there, else it is not let.

The robot of these tests is a Panda with its own controller and no physics engine: it does what the
controller asks a tick later. People are bodies of seventeen capsules moved as a whole.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer, human
from genba.safety.robot import guarded
from genba.safety.verified_stop import LEVELS, RISES, spread, verify
from genba.sim.choreography import Wait, Walk
from genba.sim.gait import PELVIS
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.people import CAPSULE_REGIONS, Crew, Visit
from genba.sim.separation import closest, least
from genba.sim.state import Array, Person, RobotState, State

TICK = 1.0 / 120.0
CHAIN = chain_of("panda", "parallel")
ROBOT = CHAIN.robot
LAWS = human.laws(human.everywhere(0.0))
MOVING = 0.05  # m/s


def rule(name="ssm_reach", **parameters):
    kind = RULES[name]
    return kind(kind.Parameters(**parameters), "arm", guarded(CHAIN, TICK))


def body():
    """Somebody who stands at the origin, facing along x."""
    walk = Walk(((-3.0, 0.0), (0.0, 0.0)), 1.3)
    crew = Crew((Visit(0.0, "ann", "visitor", "helpful", (walk, Wait(3.0)), 1.75, -0.75),))
    ends = crew.at(6.0)["ann"].capsules
    return ends - np.array([*ends[PELVIS, :2], 0.0] * 2 + [0.0])


STANDING = body()


def person(x, y, velocity=(0.0, 0.0)):
    capsules = STANDING + np.array([x, y, 0.0, x, y, 0.0, 0.0])
    moves = np.tile(np.array([*velocity, 0.0] * 2), (len(capsules), 1))
    return Person("visitor", "antagonistic", capsules, moves)


def robot(q, dq):
    tcp, twist, capsules, moves = CHAIN.state(q, dq)
    return RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)


def state(arm, who, time=0.0, age=0.1):
    return State(time, {"arm": arm}, {"ann": who} if who else {}, people_age=age)


def command(q, dq):
    return CHAIN.command(q, dq, 0.0, np.zeros(7))


def anywhere(rng):
    """A pose over the table, and joint speeds such as an arm has at work."""
    q = ROBOT.home + rng.uniform(-0.6, 0.6, 7)
    return np.clip(q, ROBOT.q_min + 0.2, ROBOT.q_max - 0.2), rng.uniform(
        -0.9, 0.9, 7
    ) * ROBOT.dq_max


# The way to standstill


@pytest.mark.parametrize("name", ["ssm_reach", "pfl"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_let_through_can_be_braked_before_anybody_could_be_there(name, seed):
    """Or, for power and force limiting, is slow enough by then for the region it could touch."""
    rng = np.random.default_rng(seed)
    mass = CHAIN.effective_mass()
    allowed = [0.04] * len(LAWS)  # slower than what counts as moving
    if name == "pfl":
        allowed = [human.contact_speed(region, mass, clamped=False) for region in CAPSULE_REGIONS]
    passed = held = 0
    while passed < 20:
        q, dq = anywhere(rng)
        asked = rng.uniform(-1.0, 1.0, 7) * ROBOT.dq_max
        follower = Follower(ROBOT)
        follower.reset(q, dq)
        way, angle = rng.uniform(0.3, 1.6), rng.uniform(-math.pi, math.pi)
        arm = robot(q, dq)
        who = person(arm.tcp[0] + way * math.cos(angle), arm.tcp[1] + way * math.sin(angle))
        verdict = rule(name).check(state(arm, who), command(q, asked))
        if verdict.scale == 0.0:
            held += 1
            continue
        passed += 1
        assert_clear_until_it_stands(follower, verdict.scale * asked, who.capsules, allowed)
    assert held > 0


def assert_clear_until_it_stands(follower, asked, capsules, allowed):
    """It carries out `asked` for a tick and then brakes; people are seen 0.1 s late."""
    q, dq = follower.follow(asked)
    for tick in range(1, 120):
        _, _, links, moves = CHAIN.state(q, dq)
        gone = [spread(0.1 + tick * TICK, 0.0, 0.0, law) for law in LAWS]
        for i, link in enumerate(links):
            speed = np.linalg.norm(moves[i].reshape(2, 3), axis=1).max()
            for j, part in enumerate(capsules):
                risen = part[[2, 5]].max() + part[6] + LAWS[j, RISES]
                if speed > allowed[j] and min(link[2], link[5]) - link[6] <= risen:
                    assert closest(link, part)[0] > gone[j], (tick, i, j)
        if np.abs(moves).max() < 0.02:
            return
        q, dq = follower.follow(np.zeros(7))
    raise AssertionError("it does not stand")


def test_what_lies_between_a_verified_command_and_braking_falls_short_by_less_than_z_r():
    """Another rule may scale further than this one did."""
    rng = np.random.default_rng(5)
    tried, worst = 0, 0.0
    settings = np.array([2 * TICK, TICK, 0.06, 0.1, TICK, 0.04])
    limits = np.array([ROBOT.ddq_max] * 2)
    while tried < 300:
        q, dq = anywhere(rng)
        asked = rng.uniform(-1.0, 1.0, 7) * ROBOT.dq_max
        tcp = robot(q, dq).tcp
        way, angle = rng.uniform(0.4, 1.4), rng.uniform(-math.pi, math.pi)
        who = person(tcp[0] + way * math.cos(angle), tcp[1] + way * math.sin(angle))

        def margin(share, q=q, dq=dq, asked=asked, who=who):
            pair = np.array([9.0, 0, 0, 0, 0])
            verify(
                q, dq, share * asked, CHAIN.table, limits, who.capsules, who.velocities, LAWS,
                settings, 0.1, pair,
            )  # fmt: skip
            return pair[0]

        if margin(0.0) > 0.0 and margin(1.0) > 0.0:
            tried += 1
            worst = min(worst, *(margin(share) for share in (0.2, 0.5, 0.8)))
    assert worst > -0.01  # z_r


def run(reach, seed, brakes=1.0, runner=2.0, starting=3.0, told=1.0, seconds=3.0):
    """Somebody runs at the hand of a robot that is driven at them; least gap while it moves.

    The person is seen 0.1 s late and runs at `runner` m/s, which they reach with `starting` m/s^2,
    and of which a share is `told`; the robot brakes with `brakes` of its maker's deceleration.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(-1.3, 1.3)
    at = np.array([0.4, 0.0]) + rng.uniform(2.0, 3.0) * np.array([math.cos(angle), math.sin(angle)])
    weak = ROBOT if brakes == 1.0 else _weaker(brakes)
    follower = Follower(weak)
    q: Array = ROBOT.home.copy()
    dq: Array = np.zeros(7)
    nearest, speed = 1e3, 0.0
    past = []
    for tick in range(int(seconds / TICK)):
        arm = robot(q, dq)
        goal = arm.tcp[:2] - at
        speed = min(runner, speed + starting * TICK) if np.linalg.norm(goal) > 0.05 else 0.0
        heading = goal / max(1e-9, np.linalg.norm(goal))
        at = at + speed * TICK * heading
        past.append(person(at[0], at[1], tuple(told * speed * heading)))
        who = past[max(0, tick - 12)]
        towards = np.array([*(0.9 * heading * (-1.0)), 0.0, 0.0, 0.0, 0.0])
        asked = CHAIN.resolve(q, towards)
        verdict = reach.check(state(arm, who, tick * TICK), command(q, asked))
        fast = np.abs(arm.capsule_velocities.reshape(-1, 3)).max()
        if fast > MOVING:
            nearest = min(nearest, least(arm.capsules, past[-1].capsules, nearest))
        q, dq = follower.follow(verdict.scale * asked)
    return nearest


def _weaker(brakes):
    import dataclasses

    return dataclasses.replace(ROBOT, ddq_max=brakes * ROBOT.ddq_max)


@pytest.mark.parametrize("seed", range(8))
def test_whoever_runs_at_the_robot_is_never_met_by_one_that_moves(seed):
    assert run(rule(), seed) > 0.0


def test_the_runs_would_find_a_layer_that_does_nothing_or_promises_too_much():
    class Blind:
        def check(self, state, command):
            return PASS

    assert min(run(Blind(), seed) for seed in range(4)) < 0.0
    assert min(run(rule(), seed, brakes=0.1) for seed in range(6)) < 0.0
    fast = {"runner": 6.0, "starting": 40.0, "told": 0.0}
    assert min(run(rule(), seed, **fast) for seed in range(6)) < 0.0


@pytest.mark.parametrize("runner", [3.0, 4.0, 6.0])
def test_who_is_seen_to_be_faster_than_the_bound_is_reckoned_with_as_fast(runner):
    assert min(run(rule(), seed, runner=runner) for seed in range(8)) > 0.0
    for region in ("pelvis", "chest", "skull"):
        law = LAWS[list(CAPSULE_REGIONS).index(region)]
        assert spread(0.4, runner, runner, law) >= 0.4 * runner


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**16), st.floats(0.8, 2.0), st.floats(0.05, 1.0))
def test_who_declares_weaker_brakes_is_let_through_no_faster(seed, x, braking):
    q, asked = anywhere(np.random.default_rng(seed))
    pair = [
        rule(braking=share).check(state(robot(q, 0.2 * asked), person(x, 0.2)), command(q, asked))
        for share in (1.0, braking)
    ]
    # each is verified; but the looks at a longer stop lie elsewhere, and one may end sooner: of
    # 6,000 drawn at random 7 are let through one or two levels faster
    assert pair[1].scale <= pair[0].scale + 3.0 / LEVELS


def test_a_caller_may_fill_the_same_arrays_anew():
    reach, q = rule(), ROBOT.home.copy()
    arm, asked = robot(q, np.zeros(7)), command(q, 0.2 * ROBOT.dq_max)
    assert reach.check(state(arm, person(3.0, 0.0)), asked) is PASS
    other = robot(q + 0.4, np.zeros(7))
    arm.q[:], arm.tcp[:], arm.capsules[:] = other.q, other.tcp, other.capsules
    near = person(*(other.tcp[:2] + 0.3))
    fresh = rule().check(state(other, near, TICK), asked)
    assert reach.check(state(arm, near, TICK), asked) == fresh and fresh.category == 2


# What it answers


def test_nobody_there_or_far_away_nothing_held_back():
    q, dq = ROBOT.home, np.zeros(7)
    fast = command(q, 0.9 * ROBOT.dq_max)
    assert rule().check(state(robot(q, dq), None), fast) is PASS
    assert rule().check(state(robot(q, dq), person(4.0, 0.0)), fast) is PASS


def test_a_robot_that_stands_and_is_asked_to_stand_is_left_alone():
    q = ROBOT.home
    assert rule().check(state(robot(q, np.zeros(7)), person(0.6, 0.0)), command(q, 0 * q)) is PASS


def test_too_near_to_move_is_a_stop_that_waits_for_a_clear_way():
    reach, q = rule(), ROBOT.home
    turn = command(q, np.array([1.0, 0, 0, 0, 0, 0, 0]))
    stopped = reach.check(state(robot(q, 0 * q), person(0.5, 0.0)), turn)
    assert (stopped.scale, stopped.category, stopped.latch) == (0.0, 2, False)
    assert stopped.trigger < stopped.limit
    clear = robot(q, 0 * q)
    assert reach.check(state(clear, None, 0.1), turn).category == 2
    assert reach.check(state(clear, None, 0.39), turn).category == 2
    assert reach.check(state(clear, None, 0.41), turn) is PASS


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 99), st.floats(0.7, 2.0), st.integers(0, LEVELS), st.floats(0.01, 0.5))
def test_wherever_the_search_begins_its_scale_is_clear_and_the_next_is_not(seed, x, hint, least):
    q, asked = anywhere(np.random.default_rng(seed))
    dq = 0.3 * asked
    reach = rule(min_scale=least)
    reach.level = hint
    who = person(x, 0.2)
    verdict = reach.check(state(robot(q, dq), who), command(q, asked))
    if verdict is PASS:
        return

    def clear(level):
        late, share = 0.1, level / LEVELS
        rest = CHAIN.table, reach._limits, who.capsules, who.velocities, LAWS, reach._settings
        return verify(q, dq, share * asked, *rest, late, np.empty(5))

    floor = math.ceil(least * LEVELS)
    level = round(verdict.scale * LEVELS)
    assert level in (0, *range(floor, LEVELS))
    assert clear(level) if level else not clear(floor)
    assert not (level and clear(level + 1))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.6, 2.5), st.floats(0.1, 1.0), st.floats(0.1, 0.9), st.floats(0.1, 1.0))
def test_monotone_in_distance_delay_and_thickness(x, more, speed, thinner):
    """A body that is smaller, seen sooner or asked of a slower robot never gets a lower scale."""
    q, dq = ROBOT.home, np.zeros(7)
    arm, asked = robot(q, dq), speed * ROBOT.dq_max
    who = person(x, 0.1)
    scale = rule().check(state(arm, who), command(q, asked)).scale
    assert rule().check(state(arm, who, age=0.1 + more), command(q, asked)).scale <= scale
    slim = who._replace(capsules=who.capsules * np.array([1.0] * 6 + [thinner]))
    assert rule().check(state(arm, slim), command(q, asked)).scale >= scale
    slower = rule().check(state(arm, who), command(q, 0.5 * asked)).scale
    assert slower * 0.5 >= 0.5 * scale - 1e-12


@pytest.mark.parametrize("name", ["ssm_reach", "pfl"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_bad_numbers_stop(name, bad):
    q = ROBOT.home
    arm = robot(q, np.zeros(7))
    drive = command(q, 0.5 * ROBOT.dq_max)
    for place in range(7):
        capsules = person(1.5, 0.0).capsules.copy()
        capsules[3, place] = bad
        who = person(1.5, 0.0)._replace(capsules=capsules)
        assert rule(name).check(state(arm, who), drive).category == 2
    moves = person(1.5, 0.0).velocities.copy()
    moves[9, 2] = math.nan
    late = state(arm, person(1.5, 0.0)._replace(velocities=moves))
    assert rule(name).check(late, drive).category == 2
    assert rule(name).check(state(arm, person(1.5, 0.0), age=math.inf), drive).category == 2
    assert rule(name).check(state(arm, person(1.5, 0.0), age=math.nan), drive).category == 2


# Power and force limiting


def test_where_contact_is_possible_the_robot_is_slow_enough_for_the_region():
    """The table clamps, so hands over it are touched more slowly; nobody is touched under ssm."""
    q, dq = ROBOT.home, np.array([1.45, 0, 0, 0, 0, 0, 0])
    arm, asked = robot(q, dq), command(q, 1.4 * dq)
    hands = {"regions": ["hand"], "share": 1.0}
    rules = rule("ssm_reach"), rule("pfl", **hands), rule("pfl", obstacles=[], **hands)
    scales = []
    for x in np.arange(0.7, 1.2, 0.04):
        scales.append([one.check(state(arm, person(x, 0.0)), asked).scale for one in rules])
    assert all(ssm <= clamped <= once for ssm, clamped, once in scales)
    assert any(0.0 < clamped < once for ssm, clamped, once in scales)
    # who is that fast already will touch that fast, whatever is asked of it now
    fast, slow = robot(q, 1.2 * dq), command(q, 0.1 * dq)
    near = state(fast, person(0.7, 0.0))
    assert [one.check(near, slow).scale for one in rules] == [0.0, 0.0, 1.0]


def test_regions_that_are_not_looked_after_hold_nothing_back():
    q = ROBOT.home
    arm, asked = robot(q, np.zeros(7)), command(q, 0.9 * ROBOT.dq_max)
    assert rule("ssm_reach", regions=["skull"]).check(state(arm, person(1.0, 0.0)), asked) is PASS


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(-1.0, 1.0), min_size=7, max_size=7), st.floats(0.3, 2.5),
    st.sampled_from(["ssm_reach", "pfl", "ssm_pfl"]),
)  # fmt: skip
def test_what_comes_out_of_the_layer_is_what_was_asked_or_slower(shares, x, profile):
    layer, again = (SafetyLayer(profile, {"arm": CHAIN}, TICK) for _ in range(2))
    q = ROBOT.home
    asked = command(q, 0.3 * np.array(shares) * ROBOT.dq_max)
    for tick in range(3):
        now = state(robot(q, np.zeros(7)), person(x, 0.2), tick * TICK)
        out = layer.filter(now, asked)
        assert (np.abs(out.command.dq) <= np.abs(asked.dq) + 1e-12).all()
        assert np.array_equal(out.command.dq, again.filter(now, asked).command.dq)


def test_rules_that_need_kinematics_say_so():
    class Limits:
        q_min = q_max = dq_max = ddq_max = np.ones(7)
        tcp_speed_max = deceleration = 1.0

    kind = RULES["ssm_reach"]
    with pytest.raises(ValueError, match="safety.ssm_reach: needs the robot's kinematics"):
        kind(kind.Parameters(), "arm", Limits())
