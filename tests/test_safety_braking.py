"""The braking ramp: who slows down as declared is let alone, who does not is stopped."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer
from genba.sim.kinematics import chain_of
from genba.sim.motion import Follower
from genba.sim.state import Array, EventKind, RobotState, State

TICK = 1.0 / 120.0
CHAINS = [chain_of("panda", "parallel"), chain_of("iiwa", "vacuum")]
NOISE = 1e-3  # rad/s, of the sensors' joint speeds


def state(chain, q, dq, time):
    tcp, twist, capsules, moves = chain.state(q, dq)
    robot = RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)
    return State(time, {"arm": robot})


class Run:
    """A layer with this rule alone, asked tick by tick about an arm at given joint speeds."""

    def __init__(self, chain, **parameters):
        self.chain, self.time = chain, 0.0
        self.q = np.array(chain.robot.home)
        self.layer = SafetyLayer({"braking_ramp": parameters}, {"arm": chain}, TICK)

    def tick(self, dq, asked):
        self.time += TICK
        command = self.chain.command(self.q, np.asarray(asked), 1.0, np.zeros(7))
        return self.layer.filter(state(self.chain, self.q, np.asarray(dq), self.time), command)


def braked(chain, speeds, share, asked, ticks=120, noise=0.0):
    """Decisions while the arm, first at `speeds`, is told `asked(k)`, at a share of declared."""
    run, rng = Run(chain), np.random.default_rng(0)
    dq, out = np.array(speeds), []
    for _ in range(10):
        out.append(run.tick(dq, speeds))
    for k in range(ticks):
        told = asked(k)
        out.append(run.tick(dq + noise * rng.normal(size=7), told))
        if k >= 1:  # a tick of lag
            change = told - dq
            most = (np.abs(change) / (share * chain.robot.ddq_max * TICK)).max()
            dq = dq + change / max(1.0, most)
    return out


def directions():
    return st.lists(st.floats(-1.0, 1.0), min_size=7, max_size=7).filter(
        lambda x: max(map(abs, x)) > 0.5
    )


@settings(deadline=None, max_examples=30)
@given(directions(), st.sampled_from(CHAINS), st.booleans())
def test_a_robot_that_brakes_as_its_maker_declares_is_let_alone(way, chain, gently):
    speeds = np.array(way) * chain.robot.dq_max * 0.9

    def asked(k):
        return speeds * max(0.0, 1.0 - k / 40.0) if gently else np.zeros(7)

    assert all(d.category is None for d in braked(chain, speeds, 1.0, asked, noise=NOISE))


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.robot.name)
def test_the_real_controller_keeps_the_ramp_whatever_it_is_told(chain):
    run, follower, rng = Run(chain), Follower(chain.robot, TICK), np.random.default_rng(1)
    told: Array = np.zeros(7)
    dq: Array = np.zeros(7)
    for k in range(2400):
        if k % 23 == 0:  # another motion, a stop, a slower one
            told = rng.uniform(-1.0, 1.0, 7) * chain.robot.dq_max * (rng.random() > 0.3)
        run.q = follower.follow(told)[0] if k else run.q
        decision = run.tick(dq + NOISE * rng.normal(size=7), told)
        dq = follower.follow(decision.command.dq)[1]
        assert decision.category is None


@pytest.mark.parametrize(("times", "within"), [(1.5, 0.25), (2.0, 0.2), (4.0, 0.15)])
def test_weak_brakes_are_found_while_the_robot_still_moves(times, within):
    chain = CHAINS[0]
    speeds = chain.robot.dq_max * 0.9
    out = braked(chain, speeds, 1.0 / times, lambda k: np.zeros(7))
    first = next(k for k, d in enumerate(out) if d.category is not None)
    name, verdict = out[first].verdicts[0]
    assert (name, verdict.category, verdict.latch) == ("braking_ramp", 0, True)
    assert verdict.trigger > verdict.limit > 0.0
    assert (first - 9) * TICK < within


def test_a_robot_that_should_be_slower_is_found_as_well():
    chain = CHAINS[0]
    speeds = chain.robot.dq_max * 0.9
    half = speeds * 0.2
    assert any(d.category == 0 for d in braked(chain, speeds, 0.25, lambda k: half))
    assert all(d.category is None for d in braked(chain, speeds, 1.0, lambda k: half))


def test_a_robot_that_is_told_to_stand_and_moves_all_the_same_is_stopped():
    run = Run(CHAINS[0])
    for _ in range(30):
        assert run.tick(np.zeros(7), np.zeros(7)).category is None
    astray = np.full(7, 0.5)
    assert [run.tick(astray, np.zeros(7)).category for _ in range(3)] == [None, None, 0]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.robot.name)
def test_who_leans_on_a_robot_that_has_stood_does_not_make_its_brakes_bad(chain):
    """People push a stopped arm at up to 0.25 rad/s (50 N): 0.024 s of braking."""
    push = 0.024 * chain.robot.ddq_max.min()
    for stood in (1, 2, 10):  # ticks until somebody leans on it
        run = Run(chain)
        for _ in range(10):
            run.tick(np.full(7, 0.06), np.full(7, 0.06))
        run.tick(np.full(7, 0.06), np.zeros(7))
        for k in range(60):
            dq = np.full(7, 0.0 if k < stood else push)
            assert run.tick(dq, np.zeros(7)).category is None


def test_a_robot_that_has_not_stood_yet_has_no_such_room():
    run = Run(CHAINS[0])
    for _ in range(10):
        run.tick(np.full(7, 0.3), np.full(7, 0.3))
    slow = np.full(7, 0.024 * CHAINS[0].robot.ddq_max.min())
    assert any(run.tick(slow, np.zeros(7)).category == 0 for _ in range(30))


def test_that_it_stood_once_leaves_no_room_to_a_robot_that_has_moved_since():
    run = Run(CHAINS[0])
    for speed in (0.0, 0.3):
        for _ in range(10):
            assert run.tick(np.full(7, speed), np.full(7, speed)).category is None
    slow = np.full(7, 0.024 * CHAINS[0].robot.ddq_max.min())
    assert any(run.tick(slow, np.zeros(7)).category == 0 for _ in range(30))


def test_a_single_tick_above_the_ramp_is_none():
    run = Run(CHAINS[0])
    for k in range(60):
        dq = np.full(7, 0.5 if k % 3 == 2 else 0.0)  # a blow, and it is over
        assert run.tick(dq, np.zeros(7)).category is None


def test_nothing_is_known_of_a_robot_that_was_not_looked_at_for_a_while():
    chain = CHAINS[0]
    rule = RULES["braking_ramp"](RULES["braking_ramp"].Parameters(), "arm", chain.robot)
    command = chain.command(np.array(chain.robot.home), np.zeros(7), 1.0, np.zeros(7))
    q, fast = np.array(chain.robot.home), np.array(chain.robot.dq_max)
    for time in np.arange(0.0, 5.0, 0.5):
        assert rule.check(state(chain, q, fast, time), command) is PASS


def test_a_speed_that_is_no_number_lies_above_every_ramp():
    chain = CHAINS[0]
    rule = RULES["braking_ramp"](RULES["braking_ramp"].Parameters(ticks=1), "arm", chain.robot)
    q, none = np.array(chain.robot.home), np.zeros(7)
    command = chain.command(q, none, 1.0, np.zeros(7))
    assert rule.check(state(chain, q, none, 0.0), command) is PASS
    bad = state(chain, q, none, TICK)
    dq = none.copy()
    dq[3] = math.nan
    robot = bad.robots["arm"]._replace(dq=dq)
    assert rule.check(bad._replace(robots={"arm": robot}), command).category == 0


def test_it_stays_stopped_until_the_robot_stands_and_a_person_resets_it():
    run = Run(CHAINS[0])
    for _ in range(30):
        run.tick(np.zeros(7), np.zeros(7))
    for _ in range(4):
        run.tick(np.full(7, 0.5), np.zeros(7))
    assert run.layer.latched and run.layer.reset(run.time) == ()  # it still moves
    run.tick(np.zeros(7), np.zeros(7))
    assert run.layer.latched
    assert [e.kind for e in run.layer.reset(run.time)] == [EventKind.RESET]
    assert run.tick(np.zeros(7), np.zeros(7)).category is None


def test_a_rule_that_fails_to_heed_stops_the_robot(monkeypatch):
    run = Run(CHAINS[0])
    assert run.tick(np.zeros(7), np.zeros(7)).category is None

    def broken(self, decision):
        raise RuntimeError("deaf")

    monkeypatch.setattr(RULES["braking_ramp"], "heed", broken)
    deaf = Run(CHAINS[0])
    decision = deaf.tick(np.zeros(7), np.zeros(7))
    assert (decision.category, bool(deaf.layer.latched)) == (1, True)
    assert "deaf" in decision.verdicts[0][1].reason
