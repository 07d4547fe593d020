"""Drawing back and lifting the tool: slower than what counts as moving, all of the robot."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import PASS, RULES, Parameters, SafetyLayer, Verdict
from genba.safety.retreat import draw_back, standing
from genba.safety.standards import RETREAT_SPEED
from genba.safety.verdicts import drawing_back
from genba.sim.kinematics import chain_of
from genba.sim.robots import ROBOTS
from genba.sim.state import Person, RobotState, State

CHAINS = {name: chain_of(name, next(iter(robot.urdfs))) for name, robot in ROBOTS.items()}
PANDA = CHAINS["panda"]
TICK = 1.0 / 120.0
NO_ANSWER = np.full(7, np.nan)
# the tool goes up at 0.04 m/s only while a link swings out at three times that
ELBOW = np.array([-0.805, 0.131, 1.366, -2.529, -0.753, 1.976, 0.476])


def arm(chain, q, dq=None, **more):
    dq = np.zeros(7) if dq is None else dq
    tcp, twist, capsules, moves = chain.state(q, dq)
    return RobotState(q, dq, tcp, twist, capsules, moves, 0.04, False, **more)


def fastest(rows):
    return float(np.linalg.norm(rows.reshape(-1, 3), axis=1).max())


HALT = Verdict(0.0, 2, False, "halt", 1.0, 0.0)
BACK = HALT._replace(motion=np.full(7, 0.01))


@pytest.mark.parametrize(
    ("found", "draws"),
    [
        ([("a", BACK)], True),
        ([("a", BACK), ("b", HALT)], False),
        ([("b", HALT), ("a", BACK)], False),
        ([("b", HALT._replace(category=0)), ("a", BACK)], False),
        ([("a", BACK), ("b", BACK)], False),
        ([("b", HALT._replace(category=None, scale=0.5)), ("a", BACK)], True),
        ([("layer", HALT), ("finite_command", HALT), ("a", BACK)], True),
        ([("a", HALT)], False),
    ],
)
def test_only_the_one_rule_that_stops_the_robot_draws_it_back(found, draws):
    motion = drawing_back(found, "layer")
    assert (motion is BACK.motion) if draws else (motion is None)


@pytest.mark.parametrize(
    ("scripts", "category", "draws"),
    [
        ([[PASS, BACK]], 2, True),
        ([[PASS, BACK._replace(category=1)]], 1, False),
        ([[PASS, BACK._replace(category=0)]], 0, False),
        ([[PASS, BACK._replace(latch=True)]], 2, False),
        ([[HALT._replace(latch=True), PASS], [PASS, BACK]], 2, False),  # latched a tick ago
        ([[PASS, HALT], [PASS, BACK]], 2, False),
    ],
)
def test_a_robot_draws_back_from_a_category_2_stop_with_nothing_latched(
    monkeypatch, scripts, category, draws
):
    for i, answers in enumerate(scripts):

        class Scripted:
            name, clause, reaction, reset, order = f"script_{i}", "", "", "", "people"
            Parameters = Parameters
            left = list(answers)

            def __init__(self, *_):
                pass

            def check(self, state, command):
                return self.left.pop(0)

        monkeypatch.setitem(RULES, Scripted.name, Scripted)
    layer = SafetyLayer({f"script_{i}": {} for i in range(len(scripts))}, {"arm": PANDA}, TICK)
    q = np.array(PANDA.robot.home)
    asked = PANDA.command(q, np.full(7, 0.1), 1.0, np.zeros(7))
    for tick in range(2):
        decision = layer.filter(State(tick * TICK, {"arm": arm(PANDA, q)}), asked)
    assert decision.category == category
    np.testing.assert_array_equal(decision.command.dq, 0.01 if draws else 0.0)
    assert bool(decision.command.capsule_velocities.any()) is draws


@pytest.mark.parametrize("name", CHAINS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_no_link_of_a_robot_that_draws_back_is_faster_than_the_tool_may_be(name, seed):
    chain, rng = CHAINS[name], np.random.default_rng(seed)
    q = rng.uniform(chain.robot.q_min, chain.robot.q_max)
    back = rng.normal(size=3)
    robot = arm(chain, q)
    dq = draw_back(chain, robot, robot.tcp[:3], back / np.linalg.norm(back), 0.02)
    if dq is not None:
        does = chain.command(q, dq, 0.0, dq)
        assert fastest(does.capsule_velocities) <= RETREAT_SPEED * (1.0 + 1e-9)
        assert standing(arm(chain, q, dq))
        assert (
            (np.where(dq > 0.0, chain.robot.q_max - q, q - chain.robot.q_min)[dq != 0.0]).min()
            > 0.0
        )


def test_a_joint_at_its_limit_is_not_drawn_beyond_it():
    q = np.array(PANDA.robot.home)
    up = np.array([0.0, 0.0, 1.0])
    dq = PANDA.resolve(q, np.array([0.0, 0.0, RETREAT_SPEED, 0.0, 0.0, 0.0]))
    joint = int(np.abs(dq).argmax())
    limits = PANDA.robot.q_max if dq[joint] > 0.0 else PANDA.robot.q_min
    free = arm(PANDA, q)
    assert draw_back(PANDA, free, free.tcp[:3], up, 0.1) is not None
    q[joint] = limits[joint]
    held = arm(PANDA, q)
    moved = draw_back(PANDA, held, held.tcp[:3], up, 0.1)
    assert moved is None or moved[joint] * dq[joint] <= 0.0


def test_a_robot_whose_elbow_swings_does_not_stand_though_its_tool_does():
    q = np.array(PANDA.robot.home)
    jacobian = np.array([PANDA.state(q, one)[1] for one in np.eye(7)]).T
    still = np.linalg.svd(jacobian)[2][-1]
    swings = arm(PANDA, q, 1.5 * still / np.abs(still).max())
    assert np.linalg.norm(swings.tcp_velocity) < 1e-6 and not standing(swings)
    assert standing(arm(PANDA, q))


@pytest.mark.parametrize("gap", [0.003, 1.0])
def test_the_tool_is_lifted_only_where_nobody_is_near(gap):
    q, guard, lifted = ELBOW.copy(), SafetyLayer("ssm_reach", {"arm": PANDA}, TICK), 0.0
    link = arm(PANDA, q).capsules[3]
    place = link[:3] + [0.0, 0.0, link[6] + 0.05 + gap]
    body = np.array([[*place, *(place + [0.0, 0.0, 0.1]), 0.05]])
    people = {"ann": Person("visitor", "indifferent", body, np.zeros((1, 6)))}
    for tick in range(150):
        now = State(tick * TICK, {"arm": arm(PANDA, q)}, people, people_age=0.1)
        asked = PANDA.command(q, NO_ANSWER, -1.0, NO_ANSWER)
        decision = guard.filter(now, asked)
        q = q + decision.command.dq * TICK
        lifted = max(lifted, fastest(decision.command.capsule_velocities))
    assert (lifted == 0.0) if gap < 0.3 else (0.0 < lifted <= RETREAT_SPEED * (1.0 + 1e-9))
