"""The layer fails closed: what it cannot judge stops the robot, and garbage never comes through."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import LAYER, PROFILES, SafetyLayer
from genba.sim.kinematics import chain_of
from genba.sim.robots import ROBOTS
from genba.sim.state import Array, Command, EventKind, Person, RobotState, State

TICK = 1.0 / 120.0
PRESSED = {"emergency_stop": True}


@dataclass(frozen=True)
class Arm:
    q_min: Array = field(default_factory=lambda: np.full(3, -2.0))
    q_max: Array = field(default_factory=lambda: np.full(3, 2.0))
    dq_max: Array = field(default_factory=lambda: np.full(3, 2.0))
    ddq_max: Array = field(default_factory=lambda: np.full(3, 10.0))
    tcp_speed_max: float = 1.7
    deceleration: float = 5.0


def arm(**changes):
    capsules = np.array([[0.0, 0, 0, 0, 0, 0.5, 0.05], [0.0, 0, 0.5, 0.5, 0, 0.5, 0.05]])
    pose = np.array([0.5, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0])
    still = RobotState(
        np.zeros(3), np.zeros(3), pose, np.zeros(6), capsules, np.zeros((2, 6)), 0.0, False
    )
    return still._replace(**changes)


def state(tick=0, robot=None, **more):
    return State(tick * TICK, {"arm": arm() if robot is None else robot}, **more)


def command(**changes):
    rows = np.zeros((2, 6))
    rows[1, 3] = 0.4
    twist = np.array([0.4, 0.0, 0.0, 0.0, 0.0, 0.2])
    return Command(np.array([0.1, -0.2, 0.3]), twist, rows, 0.5, np.zeros(7))._replace(**changes)


def run(layer, ticks, start=0):
    for i in range(start, start + ticks):
        layer.filter(state(i), command())


def stands(decision):
    motion = decision.command
    return not (motion.dq.any() or motion.tcp_velocity.any() or motion.capsule_velocities.any())


@pytest.mark.parametrize(
    "broken",
    [
        {"dq": np.full(3, math.nan)},
        {"dq": np.array([0.0, math.inf, 0.0])},
        {"tcp_velocity": np.full(6, -math.inf)},
        {"capsule_velocities": np.full((2, 6), math.nan)},
        {"dq": np.zeros(2)},
        {"dq": np.zeros((1, 3))},
        {"tcp_velocity": np.zeros(3)},
        {"capsule_velocities": np.zeros((2, 3))},
        {"capsule_velocities": np.zeros((1, 6))},
        {"dq": None},
        {"dq": np.zeros(3, dtype=complex)},
    ],
)
def test_a_command_that_is_none_stops_and_latches(broken):
    layer = SafetyLayer(PROFILES["shared"], {"arm": Arm()})
    run(layer, 2)
    decision = layer.filter(state(2), command(**broken))
    assert stands(decision) and decision.category == 1 and layer.latched
    assert decision.command.dq.shape == (3,)


def test_no_numbers_from_the_policy_are_its_watchdogs_business():
    layer = SafetyLayer(PROFILES["shared"], {"arm": Arm()})
    run(layer, 1)
    nothing = command(asked=np.full(7, math.nan), dq=np.full(3, math.nan), grip=math.nan)
    decision = layer.filter(state(1), nothing)
    assert stands(decision) and decision.category == 2 and decision.command.grip == 0.5
    assert not layer.latched
    asked = command()
    decision = layer.filter(state(2), asked)
    assert decision.command is asked
    assert [event.kind for event in decision.events] == [EventKind.RESET]


def test_no_numbers_from_the_policy_latch_where_no_rule_judges_its_answers():
    config = {name: part for name, part in PROFILES["shared"].items() if name != "finite_command"}
    layer = SafetyLayer(config, {"arm": Arm()})
    run(layer, 1)
    nothing = command(asked=np.full(7, math.nan), dq=np.full(3, math.nan))
    decision = layer.filter(state(1), nothing)
    assert stands(decision) and decision.category == 1 and layer.latched
    assert stands(layer.filter(state(2), command()))


def test_a_policy_that_fails_again_and_again_is_handed_over():
    layer = SafetyLayer(PROFILES["shared"], {"arm": Arm()})
    nothing = command(asked=np.full(7, math.nan), dq=np.full(3, math.nan))
    for i in range(17):
        layer.filter(state(i), command() if i % 6 > 2 else nothing)
        assert bool(layer.latched) == (i >= 14)
    assert layer.stopped_by == "policy_watchdog"


@pytest.mark.parametrize(
    "broken",
    [
        {"q": np.full(3, math.nan)},
        {"q": np.full(3, 1e160)},
        {"dq": np.full(3, math.inf)},
        {"capsules": np.full((2, 7), 1e160)},  # finite, and its square is not
        {"capsules": np.full((2, 7), -1e300)},
        {"tcp": np.full(7, 1e200)},
        {"capsules": np.zeros((3, 7))},
        {"capsules": np.zeros((2, 6))},
        {"capsule_velocities": np.zeros((1, 6))},
        {"tcp": np.zeros(3)},
        {"tcp_velocity": np.full(6, math.nan)},
    ],
)
def test_a_measured_robot_that_is_none_stops_and_latches(broken):
    layer = SafetyLayer({"tcp_speed": {}}, {"arm": Arm()})
    decision = layer.filter(state(robot=arm(**broken)), command())
    assert stands(decision) and layer.latched and layer.stopped_by == LAYER


def test_a_robot_that_is_missing_stops_and_is_named():
    layer = SafetyLayer({"tcp_speed": {}}, {"arm": Arm()})
    decision = layer.filter(State(0.0, {}), command())
    assert stands(decision) and layer.latched
    assert "'arm'" in decision.verdicts[0][1].reason


@pytest.mark.parametrize(
    ("ticks", "stale"),
    [
        ([0, 1, 2, 3], False),
        ([0, 3, 6], False),  # two ticks missing
        ([0, 1, 5], True),  # three ticks missing
        ([0, 1, 1, 1], False),
        ([0, 1, 1, 1, 1], True),  # older than three ticks
        ([5, 4], True),
        ([0, math.nan], True),
    ],
)
def test_a_state_that_is_stale_stops_and_latches(ticks, stale):
    layer = SafetyLayer({"tcp_speed": {}}, {"arm": Arm()})
    for tick in ticks:
        decision = layer.filter(state(tick), command())
    assert bool(layer.latched) == stale == stands(decision)


def test_a_clock_that_ran_on_during_a_lock_out_is_not_stale():
    layer = SafetyLayer({"emergency_stop": {}}, {"arm": Arm()})
    run(layer, 2)
    layer.skip()
    run(layer, 1, start=5000)
    assert not layer.latched
    layer.filter(state(5001, machines=PRESSED), command())
    layer.filter(state(90000), command())  # latched: nobody asked meanwhile
    assert layer.reset(90001 * TICK)


# Unprotected


def test_unprotected_lets_everything_through_that_is_a_number():
    layer = SafetyLayer({}, {"arm": Arm()})
    wild = command(dq=np.full(3, 1e6), asked=np.full(7, math.nan))
    for now in (state(5), state(5), state(0, machines=PRESSED), State(1.0, {})):
        assert layer.filter(now, wild).command is wild


def test_unprotected_still_gives_no_robot_a_nan():
    layer = SafetyLayer({}, {"arm": Arm()})
    run(layer, 1)
    decisions = [
        layer.filter(state(i), command(dq=np.full(3, math.nan), grip=math.nan)) for i in (1, 2)
    ]
    assert stands(decisions[0]) and decisions[0].command.grip == 0.5
    (event,) = decisions[0].events
    assert (event.kind, event.subject, event.data["phase"]) == (EventKind.RULE, LAYER, "on")
    assert decisions[1].events == () and decisions[1].category is None
    assert not layer.latched
    assert not stands(layer.filter(state(3), command()))


# Properties

# the arm of these tests has limits and nothing else; tests/test_safety_reach.py tries the others
NO_KINEMATICS = sorted(p for p, rules in PROFILES.items() if not {"ssm_reach", "pfl"} & {*rules})

numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)
arrays = st.one_of(
    st.none(),
    st.text(max_size=2),
    st.lists(numbers, max_size=4).map(lambda x: np.array(x, dtype=np.float64)),
    st.tuples(st.integers(0, 3), st.integers(0, 8), numbers).map(lambda x: np.full(x[:2], x[2])),
)


@settings(deadline=None)  # compiles on its first call
@given(
    st.lists(st.floats(-5.0, 5.0), min_size=21, max_size=21),
    st.floats(-0.5, 1.5),
    st.floats(-2.0, 2.0),
    st.sampled_from(NO_KINEMATICS),
)
def test_what_comes_out_is_never_faster_than_what_was_asked(speeds, where, grip, profile):
    v = np.array(speeds)
    asked = command(
        dq=v[:3], tcp_velocity=v[3:9], capsule_velocities=v[9:].reshape(2, 6), grip=grip
    )
    body = np.array([[where, 0.3, -0.7, where, 0.3, 0.9, 0.2]])
    people = {"ann": Person("visitor", "indifferent", body, np.zeros((1, 6)))}
    layers = [SafetyLayer(PROFILES[profile], {"arm": Arm()}) for _ in range(2)]
    for tick in range(3):
        now = state(tick, people=people)
        out, again = (layer.filter(now, asked) for layer in layers)
        for x, y in (
            (out.command.dq, asked.dq),
            (out.command.tcp_velocity, asked.tcp_velocity),
            (out.command.capsule_velocities, asked.capsule_velocities),
        ):
            assert np.isfinite(x).all()
            assert (np.abs(x) <= np.abs(y)).all()
        assert np.array_equal(out.command.dq, again.command.dq)
        assert out.events == again.events and out.verdicts == again.verdicts


@settings(deadline=None, max_examples=25)
@given(arrays, arrays, arrays, arrays, numbers, numbers, st.booleans())
def test_no_garbage_comes_through_and_none_raises(a, b, c, d, x, y, protected):
    layer = SafetyLayer(PROFILES["shared"] if protected else {}, {"arm": Arm()})
    layer.filter(state(0), command())
    body = Person("visitor", "indifferent", d, c)
    places: tuple[tuple[Any, Any], ...] = (
        (state(1), Command(a, b, c, x, d, y)),
        (state(1), command(grip=x, age=y, asked=a)),
        (state(2, robot=arm(q=a, dq=b, capsules=c, tcp=d)), command()),
        (state(3, people={"ann": body}, people_age=x), command()),
        (State(y, {"arm": arm()}), command()),
        (None, command()),
        (state(4), None),
        (a, b),
    )
    for now, asked in places:
        decision = layer.filter(now, asked)
        assert np.isfinite(decision.command.dq).all()
        assert decision.command.dq.shape == (3,)
        assert np.isfinite(decision.command.capsule_velocities).all()
        assert math.isfinite(decision.command.grip)
        assert 0.0 <= decision.scale <= 1.0
        assert all(math.isfinite(event.time) for event in decision.events)
    assert layer.latched  # no state and no command are always faults


@pytest.mark.parametrize("name", ROBOTS)
def test_every_robot_there_is_can_be_guarded(name):
    chain = chain_of(name, "parallel")
    q, dq = np.array(ROBOTS[name].home), np.full(len(ROBOTS[name].home), 0.1)
    tcp, twist, capsules, moves = chain.state(q, dq)
    measured = RobotState(q, dq, tcp, twist, capsules, moves, 0.0, False)
    asked = chain.command(q, dq, 1.0, np.zeros(7))
    layer = SafetyLayer("shared", {"arm": ROBOTS[name]})
    assert layer.filter(state(robot=measured), asked).command is asked


def test_a_layer_guards_one_robot():
    with pytest.raises(ValueError, match="one robot"):
        SafetyLayer({}, {"a": Arm(), "b": Arm()})


class Broken:
    """A recorder that raises."""

    failed = False

    def begin(self, layer):
        pass

    def tick(self, *_):
        raise RuntimeError("disk\nin two lines")


def test_a_recorder_that_raises_stops_the_robot_and_the_layer_does_not():
    layer = SafetyLayer("shared", {"arm": Arm()})
    layer.recorder = cast(Any, Broken())
    decision = layer.filter(state(0), command())
    assert stands(decision) and layer.latched
    (name, verdict), *_ = decision.verdicts
    assert name == LAYER and "RuntimeError: disk" in verdict.reason and "\n" not in verdict.reason


def test_one_time_that_is_garbage_stops_the_robot_but_is_not_believed():
    layer = SafetyLayer("shared", {"arm": Arm()})
    run(layer, 2)
    assert layer.filter(state(0)._replace(time=1e9), command()).category == 1
    run(layer, 3, start=2)
    assert layer.reset(5 * TICK)
    assert layer.filter(state(5), command()).category is None


def test_an_answer_from_the_future_is_late():
    layer = SafetyLayer({"policy_watchdog": {}}, {"arm": Arm()})
    for tick in range(6):
        decision = layer.filter(state(tick), command(age=-5.0))
    assert decision.category == 2 and "late" in decision.verdicts[0][1].reason
