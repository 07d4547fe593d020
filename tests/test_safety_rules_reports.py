"""Rules that judge what the cell's controllers report: each acts, lets go, and fails closed."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, SafetyLayer, fingerprint
from genba.safety.conformal import conformal_threshold
from genba.sim.kinematics import chain_of
from genba.sim.state import Array, Command, Person, RobotState, State

CHAIN = chain_of("panda", "parallel")
HOME = np.array(CHAIN.robot.home)
TICK = 1.0 / 120.0


def rule(name, **parameters):
    kind = RULES[name]
    return kind(kind.Parameters(**parameters), "arm", CHAIN.robot)


def state(time=0.0, people=(), **machines):
    tcp, twist, capsules, moves = CHAIN.state(HOME, np.zeros(7))
    robot = RobotState(HOME, np.zeros(7), tcp, twist, capsules, moves, 0.0, False)
    return State(time, {"arm": robot}, dict(people), machines=machines, people_age=0.1)


def command(**more):
    dq = np.full(7, 0.1)
    return CHAIN.command(HOME, dq, 1.0, np.full(7, 0.1))._replace(**more)


def person(x, y=0.0):
    body = np.array([[x, y, -0.7, x, y, 0.9, 0.2]])
    return Person("visitor", "indifferent", body, np.zeros((1, 6)))


def check(one, **machines):
    return one.check(state(**machines), command())


FLAGS = [
    ("guard_interlock", "guard_open", 1),
    ("human_authority", "takeover", 2),
    ("process_guard", "part_dropped", 2),
    ("process_guard", "wrong_part", 2),
]


@pytest.mark.parametrize(("name", "flag", "category"), FLAGS)
@pytest.mark.parametrize("value", [True, 1, "yes", math.nan])
def test_a_flag_that_is_set_stops_until_a_person_resets(name, flag, category, value):
    verdict = check(rule(name), **{flag: value})
    assert (verdict.scale, verdict.category, verdict.latch) == (0.0, category, True)


@pytest.mark.parametrize(("name", "flag", "category"), FLAGS)
@pytest.mark.parametrize("value", [False, 0, ""])
def test_a_flag_that_is_not_set_passes(name, flag, category, value):
    assert check(rule(name)) is PASS
    assert check(rule(name), **{flag: value}) is PASS


@pytest.mark.parametrize(
    "place", [{"zones": [[1.0, -1.0, -1.0, 2.0, 1.0, 1.0]]}, {"distance": 0.9}]
)
def test_whoever_is_inside_the_fence_has_opened_the_guard(place):
    fence = rule("guard_interlock", **place)
    assert fence.check(state(people={"ann": person(1.5)}), command())[1:3] == (1, True)
    assert fence.check(state(people={"ann": person(2.5)}), command()) is PASS
    assert rule("guard_interlock").check(state(people={"ann": person(1.5)}), command()) is PASS


def test_a_takeover_that_ends_by_itself_does_not_give_the_robot_back():
    layer = SafetyLayer({"human_authority": {}}, {"arm": CHAIN})
    for tick in range(40):
        taken = 10 <= tick < 20
        decision = layer.filter(state(tick * TICK, takeover=taken), command())
        assert bool(decision.command.dq.any()) == (tick < 10)
    assert layer.reset(40 * TICK)
    assert layer.filter(state(41 * TICK), command()).command.dq.any()


# Configuration


def test_a_declared_hash_must_be_reported_from_the_first_tick():
    assert check(rule("configuration_integrity", declared="abc"), configuration="abc") is PASS
    for told in ({"configuration": "abd"}, {}):
        verdict = check(rule("configuration_integrity", declared="abc"), **told)
        assert verdict[1:3] == (1, True) and "declared abc" in verdict.reason


def test_without_a_declared_hash_that_of_the_start_counts():
    one = rule("configuration_integrity")
    assert check(one, configuration="abc") is PASS
    assert check(one, configuration="abc") is PASS
    assert check(one, configuration="abd").latch
    assert check(one).latch


def test_the_hash_changes_with_every_parameter_but_the_declared_one():
    def hashed(**config):
        return fingerprint({"configuration_integrity": {}, **config})

    assert hashed() == hashed(configuration_integrity={"declared": "x"})
    assert len({hashed(), hashed(tcp_speed={}), hashed(tcp_speed={"limit": 0.5})}) == 3


# Recorder


def test_without_a_record_the_cycle_is_finished_and_no_other_begun():
    one = rule("recorder_health", finish_within=5.0)
    assert one.check(state(0.0, cycle_done=True), command()) is PASS
    going_on = one.check(state(1.0, recorder_failed=True, cycle_done=False), command())
    assert (going_on.scale, going_on.category, going_on.latch) == (1.0, None, False)
    assert one.check(state(2.0, recorder_failed=True, cycle_done=True), command()).latch
    assert one.check(state(2.1, recorder_failed=True, cycle_done=False), command()).latch


def test_a_cycle_that_does_not_end_is_stopped_in_time():
    one = rule("recorder_health", finish_within=5.0)
    assert not one.check(state(1.0, recorder_failed=True), command()).latch
    assert one.check(state(6.0, recorder_failed=True), command()).latch


def test_a_record_that_is_kept_again_leaves_the_next_failure_its_whole_time():
    one = rule("recorder_health", finish_within=5.0)
    assert not one.check(state(0.0, recorder_failed=True), command()).latch
    assert one.check(state(4.0), command()) is PASS
    assert not one.check(state(8.0, recorder_failed=True), command()).latch
    assert one.check(state(9.0, recorder_failed=True, cycle_done=True), command()).latch
    assert one.check(state(10.0), command()) is PASS
    going_on = one.check(state(11.0, recorder_failed=True, cycle_done=False), command())
    assert (going_on.category, going_on.latch, going_on.trigger) == (None, False, 0.0)


# Process, uncertainty, operator


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ({"insertion_force": 29.0, "retries": 2}, False),
        ({"insertion_force": 31.0}, True),
        ({"insertion_force": math.nan}, True),
        ({"retries": 3}, True),
        ({"retries": math.nan}, True),
        ({"retries": -1}, True),
    ],
)
def test_what_goes_wrong_with_the_work_holds_the_robot(told, holds):
    verdict = check(rule("process_guard", force=30.0, retries=2), **told)
    assert (verdict is not PASS) == holds
    assert not holds or verdict[1:3] == (2, True)


def test_doubt_means_half_speed_until_a_person_has_looked():
    one = rule("uncertainty", threshold=1.0, stands=10.0)

    def at(time, score, served=0):
        return one.check(state(time, uncertainty=score, served=served), command())

    assert at(0.0, 1.0) is PASS
    assert at(0.1, 1.1)[:3] == (0.5, None, False)
    assert at(0.2, 0.4).scale == 0.5  # sure again, but nobody has looked
    assert at(0.3, 0.4, served=1) is PASS
    assert at(5.0, 2.0, served=1) is PASS  # the person's word stands
    assert at(10.4, 2.0, served=1).scale == 0.5


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1])
def test_a_score_that_is_none_is_doubt(score):
    assert check(rule("uncertainty"), uncertainty=score).scale == 0.5


def test_too_many_requests_slow_the_cell_once_they_last():
    one = rule("operator_load", requests=1.0, sustained=60.0)
    assert one.check(state(0.0, operator_requests=1), command()) is PASS
    assert one.check(state(10.0, operator_requests=2), command()) is PASS
    assert one.check(state(69.0, operator_requests=2), command()) is PASS
    assert one.check(state(70.0, operator_requests=2), command())[:3] == (0.5, None, False)
    assert one.check(state(71.0, operator_requests=1), command()) is PASS
    assert one.check(state(72.0, operator_requests=2), command()) is PASS


@pytest.mark.parametrize(("demand", "slow"), [(0.3, False), (0.31, True), (math.nan, True)])
def test_too_much_attention_slows_the_cell_at_once(demand, slow):
    assert (check(rule("operator_load"), attention_demand=demand).scale == 0.5) == slow


# Perception


def walk(one, ticks):
    """Verdicts of ticks of (x of a person or None)."""
    return [
        one.check(state(i * TICK, people={} if x is None else {"ann": person(x)}), command())
        for i, x in enumerate(ticks)
    ]


@pytest.fixture
def eyes():
    layer = SafetyLayer({"perception_integrity": {"area": 3.0}}, {"arm": CHAIN})
    return layer.rules["perception_integrity"]


def test_who_vanishes_inside_the_area_stops_the_robot_until_seen_again(eyes):
    verdicts = walk(eyes, [2.0, 2.0, None, None, 2.0])
    assert [v is PASS for v in verdicts] == [True, True, False, False, True]
    assert verdicts[2][1:3] == (2, False) and "ann" in verdicts[2].reason


def test_who_walks_out_of_the_area_has_not_vanished(eyes):
    assert all(v is PASS for v in walk(eyes, [2.7, 2.85, 3.1, None, None]))


def test_who_stays_lost_is_for_a_person_to_reset(eyes):
    latches = [v.latch for v in walk(eyes, [1.0] + [None] * 260)]
    assert latches.index(True) == 241  # two seconds


def test_a_lock_out_makes_nobody_vanish(eyes):
    eyes.check(state(0.0, people={"ann": person(1.0)}), command())
    assert eyes.check(state(30.0), command()) is PASS


@pytest.mark.parametrize(("apart", "stops"), [(0.1, False), (0.11, True), (math.nan, True)])
def test_two_trackers_that_disagree_stop_the_robot(eyes, apart, stops):
    seen = state(0.0, people={"ann": person(2.0)}, tracker_disagreement=apart)
    assert (eyes.check(seen, command()) is not PASS) == stops


# The watchdog's recovery controller


def test_a_hold_that_lasts_lifts_the_tool_and_no_more_than_it_says():
    layer = SafetyLayer({"policy_watchdog": {}, "finite_command": {}}, {"arm": CHAIN}, TICK)
    q, top = HOME.copy(), 0.0
    tcp = CHAIN.state(q, np.zeros(7))[0]
    start = tcp[2]
    dq: Array = np.zeros(7)
    for tick in range(400):
        tcp, twist, capsules, moves = CHAIN.state(q, dq)
        robot = RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)
        nan = np.full(7, math.nan)
        nothing = Command(nan, nan[:6], moves * math.nan, 1.0, nan)
        decision = layer.filter(State(tick * TICK, {"arm": robot}), nothing)
        assert decision.category == 2
        dq = decision.command.dq
        q = q + dq * TICK
        top = max(top, float(np.linalg.norm(decision.command.tcp_velocity[:3])))
        if tick < 60:
            assert not dq.any()
    assert top < 0.05
    assert 0.050 <= tcp[2] - start < 0.052


# Properties

VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**6), 10**6), st.text(max_size=3), st.just([1.0]), st.just({}),
)  # fmt: skip
KEYS = (
    "guard_open", "takeover", "configuration", "recorder_failed", "cycle_done", "insertion_force",
    "retries", "part_dropped", "wrong_part", "uncertainty", "served", "operator_requests",
    "attention_demand", "tracker_disagreement", "emergency_stop",
)  # fmt: skip
REPORTS = (
    "guard_interlock", "human_authority", "configuration_integrity", "recorder_health",
    "process_guard", "uncertainty", "operator_load", "perception_integrity", "emergency_stop",
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.floats(0.0, 1e6), st.booleans())
def test_nonsense_never_lets_the_robot_run_faster(told, wrench, present):
    names = *REPORTS, "contact_force", "clamping", "collision"
    layer = SafetyLayer({name: {} for name in names}, {"arm": CHAIN})
    asked = command()
    for tick in range(4):
        now = state(tick * TICK, people={"ann": person(0.6)} if present else {}, **told)
        arm = now.robots["arm"]._replace(wrench=wrench)
        out = layer.filter(now._replace(robots={"arm": arm}), asked)
        if out.category is None:
            assert (np.abs(out.command.dq) <= np.abs(asked.dq)).all()
        else:
            assert np.linalg.norm(out.command.tcp_velocity[:3]) < 0.05


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("retries", "process_guard"),
        ("insertion_force", "process_guard"),
        ("uncertainty", "uncertainty"),
        ("operator_requests", "operator_load"),
        ("attention_demand", "operator_load"),
        ("tracker_disagreement", "perception_integrity"),
    ],
)
@pytest.mark.parametrize("value", ["many", [1.0], {}, None])
def test_a_report_of_the_wrong_type_stops_and_latches(key, name, value):
    layer = SafetyLayer({name: {}}, {"arm": CHAIN})
    decision = layer.filter(state(0.0, people={"ann": person(2.0)}, **{key: value}), command())
    assert layer.latched and not decision.command.dq.any() and layer.stopped_by == name


# Split-conformal


def test_the_conformal_threshold_is_the_rank_that_it_says():
    assert conformal_threshold(range(1, 20), 0.05) == 19  # the 19th of 19
    assert conformal_threshold(range(1, 40), 0.05) == 38
    assert conformal_threshold(range(1, 19), 0.05) == math.inf  # 18 are too few for 5 %
    assert conformal_threshold([], 0.5) == math.inf


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.integers(20, 80), st.floats(0.05, 0.5))
def test_the_conformal_threshold_holds_its_promise_on_average(seed, n, alpha):
    rng = np.random.default_rng(seed)
    over = [
        rng.normal() > conformal_threshold(rng.normal(size=n).tolist(), alpha) for _ in range(200)
    ]
    assert np.mean(over) <= alpha + 4.0 * math.sqrt(alpha * (1 - alpha) / 200)


@pytest.mark.parametrize(("scores", "alpha"), [([1.0], 0.0), ([1.0], 1.0), ([math.nan], 0.1)])
def test_a_threshold_of_nonsense_is_refused(scores, alpha):
    with pytest.raises(ValueError):
        conformal_threshold(scores, alpha)


def test_the_hash_of_the_first_tick_holds_through_a_persons_reset():
    guard = SafetyLayer({"configuration_integrity": {}}, {"arm": CHAIN}, TICK)
    told = [
        (guard.filter(state(tick * TICK, configuration=one), command()).category, guard.latched)
        for tick, one in enumerate(["a", "b", "a"])
    ]
    assert [category for category, _ in told] == [None, 1, 1]
    assert guard.reset(3 * TICK)
    assert guard.filter(state(3 * TICK, configuration="a"), command()).category is None
    assert guard.filter(state(4 * TICK, configuration="b"), command()).category == 1
    guard.start()  # an episode of another cell
    assert guard.filter(state(0.0, configuration="b"), command()).category is None


@pytest.mark.parametrize("name", ["emergency_stop", "guard_open", "takeover"])
def test_what_machines_report_counts_though_the_rest_of_a_state_is_not_sound(name):
    rule_of = {"guard_open": "guard_interlock", "takeover": "human_authority"}.get(name, name)
    good = state(**{name: True})
    robot = good.robots["arm"]
    wrong = Person("visitor", "indifferent", np.zeros((3, 5)), np.zeros((3, 6)))
    flat = wrong._replace(capsules=np.zeros(7))
    for bad in (
        good._replace(robots={"arm": robot._replace(q=np.full(7, math.nan))}),
        good._replace(robots={}), good._replace(people={"ann": wrong}),
        good._replace(people={"ann": flat}), good._replace(time="noon"),
    ):  # fmt: skip
        guard = SafetyLayer("ssm_iso", {"arm": CHAIN}, TICK)
        decision = guard.filter(bad, command())
        assert rule_of in guard.latched and decision.category in (1, 2)
        assert rule_of in [event.subject for event in decision.events]


def test_an_emergency_stop_on_a_fault_takes_the_power_away_whatever_the_sensors_say():
    blind = state(emergency_stop="fault")._replace(robots={})
    guard = SafetyLayer("ssm_iso", {"arm": CHAIN}, TICK)
    assert guard.filter(blind, command()).category == 0
    nothing: Any = None
    assert guard.filter(state(TICK, emergency_stop="fault"), nothing).category == 0


def test_what_is_declared_is_the_first_configuration_also_where_that_is_none():
    one = SafetyLayer({"configuration_integrity": {}}, {"arm": CHAIN}, TICK).rules
    for told, stops in (({}, False), ({}, False), ({"configuration": "b"}, True)):
        verdict = one["configuration_integrity"].check(State(0.0, {}, machines=told), command())
        assert (verdict is not PASS) is stops
