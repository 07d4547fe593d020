"""The screen: a rule that is not asked would have had nothing to say."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer
from genba.safety.robot import guarded
from genba.safety.screen import Screen
from genba.sim.kinematics import chain_of
from genba.sim.state import Array, RobotState, State

CHAINS = [chain_of("panda", "parallel"), chain_of("iiwa", "vacuum")]
TICK = 1.0 / 120.0
COVERED = (
    "joint_limits", "stopping_limits", "tcp_speed", "emergency_stop", "guard_interlock",
    "human_authority", "finite_command", "policy_watchdog", "recorder_health",
)  # fmt: skip
FLAGS = ("emergency_stop", "guard_open", "takeover", "recorder_failed", "cycle_done")


def rules_of(chain, names=COVERED, **parameters):
    robot = guarded(chain, TICK)
    return {
        name: kind(kind.Parameters(**parameters.get(name, {})), "arm", robot)
        for name, kind in RULES.items()
        if name in names
    }


def memory(rule):
    return [getattr(rule, name) for name in getattr(rule, "MEMORY", ())]


def moment(chain, share, dq, asked, machines, age, grip, time=0.0):
    """A state and a command: where the joints are in their range, how fast, what is asked."""
    q = chain.robot.q_min + np.asarray(share) * (chain.robot.q_max - chain.robot.q_min)
    dq = np.asarray(dq) * chain.robot.dq_max
    tcp, twist, capsules, moves = chain.state(q, dq)
    robot = RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)
    command = chain.command(q, np.asarray(asked) * chain.robot.dq_max, grip, np.asarray(asked), age)
    return State(time, {"arm": robot}, machines=machines), command


def seven(low, high):
    return st.lists(st.floats(low, high), min_size=7, max_size=7)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(CHAINS),
    seven(-0.02, 1.02),
    seven(-1.3, 1.3),
    seven(-1.3, 1.3),
    st.dictionaries(st.sampled_from(FLAGS), st.sampled_from([False, True, "fault", math.nan])),
    st.sampled_from([0.0, 1e-10, 0.01]),
    st.sampled_from([-1.0, 0.3, 1.1]),
    st.sampled_from([0.05, 0.3, 1.0]),
)
def test_whoever_is_not_asked_would_have_passed_the_tick_and_remembers_the_same(
    chain, share, dq, asked, machines, age, grip, calm
):
    dq, asked = [calm * x for x in dq], [calm * x for x in asked]
    state, command = moment(chain, share, dq, asked, machines, age, grip)
    rules = rules_of(chain)
    screen = Screen(rules, "arm", (7, 0))
    assert screen.covered == set(COVERED)
    first = screen.asked(state, command)
    assert first is None or first == screen.every
    for rule in rules.values():
        rule.check(state, command)
    again = screen.asked(state, command)
    if again is None or again == screen.every:
        return
    asked_still = {name for name, _ in again}
    for name, rule in rules.items():
        if name not in asked_still:
            before = memory(rule)
            assert rule.check(state, command) is PASS
            assert memory(rule) == before


def test_an_ordinary_tick_is_silent():
    for chain in CHAINS:
        home = (np.array(chain.robot.home) - chain.robot.q_min) / (
            chain.robot.q_max - chain.robot.q_min
        )
        state, command = moment(chain, home, [0.1] * 7, [0.1] * 7, {}, 0.0, 1.0)
        screen = Screen(rules_of(chain), "arm", (7, 0))
        assert screen.asked(state, command) == screen.every
        assert screen.asked(state, command) == ()


def test_all_are_asked_in_the_first_silent_tick_after_another():
    """A policy that fails now and then, but never twice in a row, is not held."""
    chain = CHAINS[0]
    layer = SafetyLayer({"policy_watchdog": {"ticks": 2}}, {"arm": chain}, TICK)
    decisions = []
    for k in range(12):
        late = 1.0 if k % 3 == 2 else 0.0
        share = [0.5] * 7
        state, command = moment(chain, share, [0.0] * 7, [0.0] * 7, {}, late, 1.0, k * TICK)
        decisions.append(layer.filter(state, command).category)
    assert decisions == [None] * 12


@pytest.mark.parametrize("before", ["space_limits", "barrier"])
def test_a_bound_of_the_motion_does_not_count_behind_a_rule_that_may_change_it(before):
    chain = CHAINS[0]
    places = {"space_limits": {"within": [-2.0, -2.0, -2.0, 2.0, 2.0, 2.0]}}
    rules = rules_of(chain, (*COVERED, before), **places)
    covered = Screen(rules, "arm", (7, 0)).covered
    behind = {"stopping_limits", "tcp_speed"}
    assert before not in covered and "finite_command" in covered and "joint_limits" in covered
    assert covered.isdisjoint(behind) == (before == "space_limits")


def test_a_rule_that_keeps_rates_is_asked_every_tick():
    rules = rules_of(CHAINS[0], joint_limits={"rates": "command"})
    assert "joint_limits" not in Screen(rules, "arm", (7, 0)).covered


def test_a_fence_is_looked_into_every_tick():
    fence = {"zones": [[-1.0, -1.0, -1.0, 1.0, 1.0, 1.0]]}
    assert (
        "guard_interlock"
        not in Screen(rules_of(CHAINS[0], guard_interlock=fence), "arm", (7, 0)).covered
    )


def test_what_is_not_sound_is_no_tick_for_rules():
    chain = CHAINS[0]
    screen = Screen(rules_of(chain), "arm", (7, 0))
    state, command = moment(chain, [0.5] * 7, [0.0] * 7, [0.0] * 7, {}, 0.0, 1.0)
    assert screen.asked(state, command._replace(dq=np.full(7, np.nan))) is None
    assert screen.asked(state._replace(robots={}), command) is None
    assert screen.asked(state, command._replace(grip=math.inf)) is None
    assert screen.asked(state, command) == screen.every


NEAR: dict[
    str, dict[str, Any]
] = {  # a space that a motion is often changed for, and limits that are often met behind it
    "space_limits": {"within": [-0.6, -0.6, -0.3, 0.6, 0.6, 1.0], "tolerance": 0.2},
    "stopping_limits": {"distance": 0.08},
    "tcp_speed": {"limit": 0.6},
}


@settings(deadline=None, max_examples=60)
@given(seven(-0.5, 0.5), seven(-0.5, 0.5), seven(0.4, 0.6))
def test_limits_of_the_motion_are_kept_whether_or_not_it_was_changed_before(one, two, share):
    quick, slow = (SafetyLayer(NEAR, {"arm": CHAINS[0]}, TICK) for _ in range(2))
    slow._screen.rest = slow._screen.every
    acted = set()
    for k in range(6):
        asked = one if k % 2 else two
        state, command = moment(CHAINS[0], share, [0.1] * 7, asked, {}, 0.0, 1.0, k * TICK)
        here, there = quick.filter(state, command), slow.filter(state, command)
        assert np.array_equal(here.command.dq, there.command.dq)
        assert here[1:3] == there[1:3] and here.events == there.events
        assert [name for name, _ in here.verdicts] == [name for name, _ in there.verdicts]
        acted |= {name for name, _ in here.verdicts}


def test_a_rule_behind_one_that_changed_the_motion_is_asked_of_what_it_became():
    chain = CHAINS[0]
    layer = SafetyLayer(NEAR, {"arm": chain}, TICK)
    heard: list[Array] = []
    screen = layer._screen
    assert [name for name, _ in screen.rest] == ["space_limits"]

    def hear(state, command):
        heard.append(command.dq)
        return PASS

    screen.after = {name: tuple((n, hear) for n, _ in rest) for name, rest in screen.after.items()}
    home = np.array(chain.robot.home)
    for k, forward in enumerate((0.01, 0.01, 0.5)):
        dq = chain.resolve(home, np.array([forward, 0.0, 0.0, 0.0, 0.0, 0.0]))
        share = (home - chain.robot.q_min) / (chain.robot.q_max - chain.robot.q_min)
        asked = dq / chain.robot.dq_max
        state, command = moment(chain, share, [0.0] * 7, asked, {}, 0.0, 1.0, k * TICK)
        decision = layer.filter(state, command)
    changed = dict(decision.verdicts)["space_limits"].motion
    assert changed is not None and len(heard) == 2 and all(dq is changed for dq in heard)
