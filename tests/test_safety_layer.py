"""The layer: the strictest wins, latches hold, what cannot be judged stops, events tell it."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from genba.safety import PASS, PROFILES, RULES, Parameters, SafetyLayer, Verdict
from genba.sim.state import Array, Command, EventKind, RobotState, State

TICK = 1.0 / 120.0
PRESSED = {"emergency_stop": True}
SLOW = Verdict(0.5, None, False, "slow", 2.0, 1.0)
HALT = Verdict(0.0, 2, False, "halt", 3.0, 1.0)
LATCH = Verdict(0.0, 2, True, "latch", 4.0, 1.0)
OFF = Verdict(0.0, 0, False, "off", 5.0, 1.0)


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


class Script:
    """A rule whose answers are played from a list; None is an answer too."""

    name, clause, reaction, reset, order = "script", "none", "as told", "automatic", "task"
    Parameters = Parameters
    answers: list[Any]

    def __init__(self, parameters, robot_name, robot):
        self.played = 0

    def check(self, state, command):
        answer = self.answers[min(self.played, len(self.answers) - 1)]
        self.played += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def play(monkeypatch):
    """A layer with one scripted rule for each list of answers given."""

    def build(*scripts, config=None, **more):
        names = []
        for i, answers in enumerate(scripts):
            names.append(f"script_{i}")
            kind = type("Scripted", (Script,), {"answers": answers, "name": names[-1]})
            monkeypatch.setitem(RULES, names[-1], kind)
        return SafetyLayer({**(config or {}), **{n: {} for n in names}}, {"arm": Arm()}, **more)

    return build


def run(layer, ticks, start=0):
    decisions = [layer.filter(state(i), command()) for i in range(start, start + ticks)]
    return decisions, [event for decision in decisions for event in decision.events]


def told(events):
    """Events in short: (tick, kind, subject, phase or category or by)."""
    keys = {EventKind.RULE: "phase", EventKind.STOP: "category", EventKind.RESET: "by"}
    return [(round(e.time / TICK), e.kind.value, e.subject, e.data[keys[e.kind]]) for e in events]


def stands(decision):
    motion = decision.command
    return not (motion.dq.any() or motion.tcp_velocity.any() or motion.capsule_velocities.any())


# What wins


def test_nothing_acts_the_command_itself_passes():
    layer = SafetyLayer(PROFILES["shared"], {"arm": Arm()})
    asked = command()
    decision = layer.filter(state(), asked)
    assert decision.command is asked
    assert decision[1:] == (1.0, None, (), ())
    assert (layer.scale, layer.stopped_by, layer.latched) == (1.0, None, ())


def test_the_least_scale_wins_and_scales_all_of_the_motion_but_not_the_grip(play):
    layer = play([SLOW], [SLOW._replace(scale=0.25)], [PASS])
    decision = layer.filter(state(), command())
    assert decision.scale == layer.scale == 0.25
    assert decision.command.dq == pytest.approx(0.25 * command().dq)
    assert decision.command.tcp_velocity == pytest.approx(0.25 * command().tcp_velocity)
    assert decision.command.capsule_velocities[1, 3] == pytest.approx(0.1)
    assert decision.command.grip == 0.5
    assert [name for name, _ in decision.verdicts] == ["script_0", "script_1"]


@pytest.mark.parametrize(
    ("answers", "category", "leader"),
    [
        ([SLOW, HALT], 2, "script_1"),
        ([HALT, LATCH], 2, "script_1"),
        ([LATCH, HALT], 2, "script_0"),
        ([HALT, HALT._replace(category=1)], 1, "script_1"),
        ([HALT._replace(category=1), OFF], 0, "script_1"),
        ([HALT._replace(scale=1.0), SLOW], 2, "script_0"),
    ],
)
def test_any_stop_stands_and_the_strictest_category_leads(play, answers, category, leader):
    layer = play(*([answer] for answer in answers))
    decision = layer.filter(state(), command())
    assert (decision.category, decision.scale, layer.stopped_by) == (category, 0.0, leader)
    assert stands(decision)


def test_any_latching_verdict_latches_not_only_the_strictest(play):
    layer = play([OFF, PASS], [LATCH, PASS])
    decisions, _ = run(layer, 30)
    assert layer.latched
    assert decisions[0].category == 0
    assert all(stands(decision) for decision in decisions)
    assert decisions[-1].category == 2 and layer.stopped_by == "script_0"


# Grip


def test_a_stop_holds_the_grip_that_was_last_let_through(play):
    layer = play([PASS, HALT, HALT, PASS])
    grips = [0.7, -1.0, 1.0, -0.3]
    out = [layer.filter(state(i), command(grip=g)).command.grip for i, g in enumerate(grips)]
    assert out == [0.7, 0.7, 0.7, -0.3]


@pytest.mark.parametrize(("holding", "grip"), [(True, 1.0), (False, -1.0)])
def test_a_stop_in_the_first_tick_leaves_the_hand_as_it_is(play, holding, grip):
    decision = play([HALT]).filter(state(robot=arm(holding=holding)), command(grip=0.1))
    assert decision.command.grip == grip


# Latch and reset


def test_a_latched_layer_stands_until_a_person_resets_it():
    layer = SafetyLayer({"emergency_stop": {}}, {"arm": Arm()})
    assert layer.filter(state(0, machines=PRESSED), command()).category == 1
    assert layer.reset(0.0) == ()  # refused: still pressed
    decisions, events = run(layer, 240, start=1)
    assert all(stands(d) and d.category == 1 for d in decisions)
    assert not any(event.kind is EventKind.RESET for event in events)
    (event,) = layer.reset(time=2.5, by="manual")
    assert event.kind is EventKind.RESET and event.subject == "emergency_stop"
    assert event.data == {"by": "manual", "duration": 2.5}
    assert not layer.latched and layer.stopped_by is None
    asked = command()
    assert layer.filter(state(241), asked).command is asked
    assert layer.reset(9.0) == ()  # nothing latched, nothing to reset


def test_a_rule_that_latched_starts_afresh_after_the_reset(play):
    layer = play([PASS, LATCH, PASS])
    run(layer, 3)
    before = layer.rules["script_0"]
    assert layer.reset(3 * TICK)
    assert layer.rules["script_0"] is not before
    assert layer.filter(state(3), command()).category is None


def test_a_reset_leaves_a_stop_that_resets_itself(play):
    layer = play([HALT], config={"emergency_stop": {}})
    layer.filter(state(0, machines=PRESSED), command())
    run(layer, 1, start=1)
    assert layer.stopped_by == "emergency_stop"
    assert layer.reset(2 * TICK)
    decision = layer.filter(state(2), command())
    assert not layer.latched and stands(decision)
    assert layer.stopped_by == "script_0"


def test_an_episode_begins_with_nothing_latched(play):
    layer = play([LATCH])
    run(layer, 2)
    layer.start()
    assert not layer.latched and layer.stopped_by is None


# Rules that fail


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (RuntimeError("no sensor"), "no sensor"),
        (None, "no verdict"),
        (1.0, "no verdict"),
        (SLOW._replace(scale=math.nan), "scale"),
        (SLOW._replace(scale=2.0), "scale"),
        (SLOW._replace(scale=-0.1), "scale"),
        # a rule that answers the wrong type is the very case
        (Verdict("0.5", None, False, "", 0.0, 0.0), "TypeError"),  # type: ignore[arg-type]
        (SLOW._replace(category=3), "category"),
        (SLOW._replace(latch=True), "latches"),
    ],
)
def test_a_rule_that_fails_stops_and_latches_under_its_name(play, answer, word):
    layer = play([PASS], [answer, PASS])
    decision = layer.filter(state(), command())
    assert stands(decision) and decision.category == 1
    assert layer.latched and layer.stopped_by == "script_1"
    ((name, verdict),) = decision.verdicts
    assert name == "script_1" and word in verdict.reason
    run(layer, 1, start=1)
    assert layer.reset(2 * TICK)  # it answers again


def test_the_other_rules_are_asked_though_one_fails(play):
    layer = play([RuntimeError()], [OFF])
    assert layer.filter(state(), command()).category == 0


# Events


def test_a_rule_writes_its_first_and_its_last_tick_and_no_other(play):
    layer = play([PASS] + [SLOW] * 5 + [PASS])
    _, events = run(layer, 60)
    on, off = events
    assert told(events) == [(1, "rule", "script_0", "on"), (17, "rule", "script_0", "off")]
    assert on.data == {
        "phase": "on", "scale": 0.5, "category": None, "latch": False,
        "reason": "slow", "trigger": 2.0, "limit": 1.0,
    }  # fmt: skip
    assert off.data["duration"] == pytest.approx(4 * TICK)


def test_a_flicker_is_one_activation(play):
    layer = play([SLOW, PASS] * 30 + [PASS])
    _, events = run(layer, 120)
    assert [e.data["phase"] for e in events] == ["on", "off"]
    _, events = run(play([SLOW, PASS] * 3 + [PASS], flicker=0.0), 10)
    assert [e.data["phase"] for e in events] == ["on", "off"] * 3


def test_a_stop_and_its_own_reset(play):
    layer = play([PASS, HALT, HALT, HALT, PASS])
    _, events = run(layer, 6)
    assert told(events) == [
        (1, "rule", "script_0", "on"),
        (1, "stop", "script_0", 2),
        (4, "reset", "script_0", "automatic"),
    ]
    assert events[1].data == {"category": 2, "latch": False}
    assert events[2].data["duration"] == pytest.approx(3 * TICK)


def test_a_stop_that_becomes_stricter_or_latches_is_told_again(play):
    layer = play([HALT], [PASS, HALT._replace(category=1), PASS], [PASS, PASS, LATCH, HALT])
    _, events = run(layer, 5)
    stops = [(e.subject, e.data["category"], e.data["latch"]) for e in events if e.kind == "stop"]
    assert stops == [("script_0", 2, False), ("script_1", 1, False), ("script_2", 1, True)]


def test_figures_that_are_no_numbers_are_none_in_events(play):
    _, events = run(play([SLOW._replace(trigger=math.nan, limit=math.inf)]), 1)
    assert events[0].data["trigger"] is None and events[0].data["limit"] is None


@pytest.mark.parametrize("tick", [0.0, 9e-5, -TICK, math.inf, math.nan])
def test_a_tick_or_a_flicker_that_is_no_time_is_refused(tick):
    with pytest.raises(ValueError, match="tick must be"):
        SafetyLayer({}, {"arm": Arm()}, tick)
    if not 0.0 <= tick < math.inf:
        with pytest.raises(ValueError, match="flicker must be"):
            SafetyLayer({}, {"arm": Arm()}, TICK, tick)


def test_a_rules_grip_that_is_no_number_stops_and_latches(play):
    layer = play([HALT._replace(grip=math.nan)])
    decision = layer.filter(state(), command())
    assert decision.category == 1 and layer.latched and math.isfinite(decision.command.grip)


def test_what_began_in_a_tick_is_told_though_something_fails_after_it(play, monkeypatch):
    def fail(self, decision):
        raise ZeroDivisionError("heed")

    monkeypatch.setattr(Script, "heed", fail, raising=False)
    layer = play([OFF._replace(latch=True)])
    decision = layer.filter(state(), command())
    told = [(e.kind, e.subject) for e in decision.events]
    assert told[:2] == [(EventKind.RULE, "script_0"), (EventKind.STOP, "script_0")]
    assert (EventKind.RULE, "safety_layer") in told and decision.category == 0
    assert set(layer.latched) == {"script_0", "safety_layer"}
