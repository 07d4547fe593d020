"""Programs solved without the solver: the same answers, and whole limits.

Measures are those of random tools, rows those of random points; the solver is asked the same.
"""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from typing import Any

import daqp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.safety import active_set, keeper, projection, walls
from genba.safety.robot import guarded
from genba.sim.kinematics import chain_of
from genba.sim.robots import PANDA
from genba.sim.state import RobotState

N = 7
TICK = 1.0 / 120.0
CHAIN = chain_of("panda", "parallel")
HOME = np.array(PANDA.home)


def program(seed, rows, apart=1.0):
    """Measure, asked, bounds, rows and caps; standing is allowed, and bounds allow the asked."""
    rng = np.random.default_rng(seed)
    tool = rng.normal(size=(6, N)) * rng.uniform(0.05, 1.0)
    size = tool.T @ tool + 0.02 * np.eye(N)
    asked = rng.normal(size=N)
    high, low = rng.uniform(0.0, 1.5, N), -rng.uniform(0.0, 1.5, N)
    along = rng.normal(size=(rows, N)) * rng.uniform(0.0, 1.0, (rows, 1))
    along[:, int(rng.integers(1, N + 1)) :] = 0.0  # points of one link
    if apart < 1.0 and rows:
        along[rows // 2 :] = along[0] + apart * rng.normal(size=(rows - rows // 2, N))
    caps = rng.uniform(0.0, 0.3, rows) * (rng.random(rows) > 0.2) + keeper.NUDGE
    return size, asked, np.minimum(low, asked), np.maximum(high, asked), along, caps


def factor(size):
    out = np.empty((N, N))
    active_set.inverse_factor(size, np.empty((N, N)), out)
    return out


def nothing_held(columns):
    rows = [np.empty(N) for _ in range(5)]
    squares = [np.empty((N, N)) for _ in range(2)]
    return np.zeros(N), squares[0], *rows, squares[1], np.empty(columns)


def settled(given, parts=1):
    """Whether it is settled, and where; the rows come in so many parts."""
    size, asked, low, high, along, caps = given
    out, inverse, k = np.empty(N), factor(size), 0
    held = nothing_held(len(caps))
    columns = np.ascontiguousarray(along.T)
    for part in range(parts):
        m = len(caps) * (part + 1) // parts
        k = active_set.settle(asked, inverse, (low, high), columns, caps, m, held, k, out)
        if k < 0:
            return False, out
    return True, out


def solved(size, asked, low, high, along, caps):
    upper = np.concatenate((high, caps))
    lower = np.concatenate((low, np.full(len(caps), -np.inf)))
    sense = np.zeros(len(upper), dtype=np.int32)
    x, _, flag, _ = daqp.solve(
        size, -size @ asked, along, upper, lower, sense, primal_tol=1e-9, iter_limit=1000
    )
    return x if flag == projection.SOLVED else None


SEEDS, ROWS = st.integers(0, 2**32 - 1), st.integers(0, 40)
APART = st.sampled_from([1.0, 1e-2, 1e-4, 1e-6])  # how far the rows' directions differ


def test_nearly_all_programs_are_settled():
    for parts in (1, 3):
        assert sum(settled(program(k, k % 41), parts)[0] for k in range(1000)) >= 998


@given(seed=SEEDS, rows=ROWS, apart=APART)
@settings(max_examples=400, deadline=None)
def test_what_is_settled_is_what_the_solver_finds(seed, rows, apart):
    given = program(seed, rows, apart)
    good, x = settled(given)
    y = solved(*given)
    if good and y is not None:
        assert x == pytest.approx(y, abs=1e-6 if apart == 1.0 else 1e-3)


@given(seed=SEEDS, rows=ROWS, parts=st.integers(2, 5))
@settings(max_examples=200, deadline=None)
def test_rows_that_come_later_are_settled_as_if_all_had_come_at_once(seed, rows, parts):
    given = program(seed, rows)
    whole, x = settled(given)
    bit, y = settled(given, parts)
    if whole and bit:
        assert x == pytest.approx(y, abs=1e-6)


@given(seed=SEEDS, rows=ROWS, apart=APART)
@settings(max_examples=300, deadline=None)
def test_what_is_settled_keeps_all_limits_and_nothing_nearer_does(seed, rows, apart):
    size, asked, low, high, along, caps = program(seed, rows, apart)
    good, x = settled((size, asked, low, high, along, caps))
    if not good:
        return
    assert (x >= low).all() and (x <= high).all()
    assert (along @ x <= caps + 1e-8).all()
    normals = np.concatenate((along, np.eye(N), -np.eye(N)))
    binds = normals @ x > np.concatenate((caps, high, -low)) - 1e-6
    # whichever way those that bind let it go, that is not nearer to what was asked
    for way in np.random.default_rng(seed).normal(size=(50, N)):
        if not (normals[binds] @ way > 0.0).any():
            assert (x - asked) @ size @ way >= -1e-6


def test_a_motion_that_keeps_all_limits_stays_as_it_is():
    size, asked, low, high, along, _ = program(1, 5)
    good, x = settled((size, asked, low, high, along, along @ asked))
    assert good and (x == asked).all()


def test_limits_that_exclude_each_other_are_left_to_the_solver():
    rows = np.concatenate((np.eye(N)[:1], -np.eye(N)[:1]))
    far = np.full(N, 9.0)
    assert not settled((np.eye(N), np.zeros(N), -far, far, rows, np.array([-1.0, -1.0])))[0]


def test_a_measure_that_is_none_has_no_factor():
    assert np.isnan(factor(-np.eye(N))).any()


FRAMES = np.array(CHAIN.capsule_links, dtype=np.float64) + 1.0


def before_a_wall(q, model, planes=()):
    """Keeps the robot from a wall 0.03 m ahead of it, and planes; and its world."""
    where = CHAIN.state(q, np.zeros(N))[2][1:]
    ahead = (where[:, [0, 3]] + where[:, 6:]).max()
    planes = np.array([[1.0, 0.0, 0.0, 0.03 + ahead], *planes])
    world = planes, np.empty((0, 6)), np.array([0.01, 0.025, 5.0, np.inf])
    return keeper.Keeper(model, "space_limits", FRAMES, world), world


def kept(made, q, dq):
    """The arm (standing), and the motion that is kept of dq."""
    keeper, world = made
    tcp, twist, capsules, moves = CHAIN.state(q, np.zeros(N))
    arm = RobotState(q, np.zeros(N), tcp, twist, capsules, moves, 0.0, False)
    asked = CHAIN.command(q, dq, 1.0, np.zeros(N)).capsule_velocities
    look: Any = walls.space
    count = look(capsules, asked, moves, FRAMES, *world, keeper.rows)[0]
    assert count > 0
    return arm, keeper.keep(arm, dq, count, (capsules, moves))


@pytest.mark.parametrize("seed", range(12))
def test_a_keeper_finds_without_the_solver_what_it_finds_with_it(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    q = HOME + rng.uniform(-0.3, 0.3, N)
    on = CHAIN.resolve(q, np.array([1.5, *rng.uniform(-0.5, 0.5, 2), 0.0, 0.0, 0.0]))
    made = before_a_wall(q, guarded(CHAIN, TICK), [[0.0, 0.0, -1.0, -0.2]])
    one = kept(made, q, on)[1]
    monkeypatch.setattr(keeper, "_kept", lambda *_: keeper.OPEN)
    other = kept(made, q, on)[1]
    assert one is not None and one == pytest.approx(other, abs=1e-3)


def test_the_layer_is_told_what_a_changed_motion_does_and_of_no_other():
    model = guarded(CHAIN, TICK)
    on = CHAIN.resolve(HOME, np.array([1.5, 0.0, 0.0, 0.0, 0.0, 0.0]))
    arm, motion = kept(before_a_wall(HOME, model), HOME, on)
    like = CHAIN.command(HOME, on, 1.0, np.ones(3), 0.5)
    again = CHAIN.command(arm.q, motion, 1.0, np.ones(3), 0.5)
    for dq in (motion, motion.copy()):
        known = model.moved.command(CHAIN, arm.q, dq, like)
        assert all(np.array_equal(known[k], again[k]) for k in range(len(known)))
    known = model.moved.command(CHAIN, arm.q, on, like)
    assert np.array_equal(known.capsule_velocities, like.capsule_velocities)


@pytest.mark.parametrize("chain", [CHAIN, chain_of("iiwa", "vacuum")])
@pytest.mark.parametrize("less", [0, 1])
def test_the_room_of_a_changed_motion_is_exactly_what_is_worked_in(chain, less):
    n, links = len(chain.robot.home), len(chain.capsule_links)
    q, asked = np.array(chain.robot.home), np.full(n, 0.1)
    where, doing = chain.state(q, np.zeros(n))[2:]
    limits = np.array([getattr(chain.robot, k) for k in ("q_min", "q_max", "dq_max", "ddq_max")])
    world = np.empty((0, 4)), np.empty((0, 6)), np.array([0.01, 0.025, 5.0, np.inf])
    known, out = np.zeros((40, 8)), np.empty(n + 6 + 6 * links)
    room = keeper._room(n, len(known))
    frames = np.array(chain.capsule_links) + 1.0
    given = q, np.zeros(n), asked, limits, chain.table, where, doing, frames, False, *world
    rest = *keeper.NOBODY, known, 0, out, room[less:]
    if less:
        with pytest.raises(ValueError, match="room"):
            keeper._kept(*given, *rest)
    else:
        assert keeper._kept(*given, *rest) == keeper.KEPT
        assert np.allclose(out[:n], asked)
