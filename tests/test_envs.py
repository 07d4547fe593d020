"""What every registered environment is held to: the checkers, the same bits, nothing shared."""

import gc
import pickle
import resource
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import partial

import gymnasium as gym
import numpy as np
import pybullet as p
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.env_checker import check_env as gymnasium_check
from stable_baselines3.common.env_checker import check_env as sb3_check
from stable_baselines3.common.vec_env import SubprocVecEnv

import genba.envs as envs
from genba.agents import make
from genba.agents.scripted import Scripted
from genba.scenarios import ScenarioError, names
from genba.sim.state import EventKind

IDS = [spec for spec in gym.registry if spec.startswith("genba/")]


@pytest.fixture(params=names())
def env(request):
    env = envs.make(request.param, overrides=["seconds=600"])
    yield env
    env.close()


def scripted(env):
    return Scripted(env.fields, env.scenario.tcp_speed, env.scenario.tcp_turn)


def play(env, seed, steps=160, agent=None):
    """Everything an observer can see of a rollout, as bytes and plain values."""
    agent = agent or scripted(env)
    observation, info = env.reset(seed=seed)
    seen = [observation.tobytes()]
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(agent.act(observation))
        seen.append((observation.tobytes(), reward, terminated, truncated, info["cost"]))
    events = [(e.time, e.kind, e.subject, dict(e.data)) for e in env.events]
    return seen, events, env.state.time


def test_every_scenario_is_registered():
    assert sorted(IDS) == sorted(
        f"genba/{''.join(w.capitalize() for w in name.split('_'))}-v0" for name in names()
    )


def test_gym_make_needs_no_import_first():
    env = gym.make("genba.envs:genba/KittingAlone-v0")
    observation, _ = env.reset(seed=1)
    assert env.observation_space.contains(observation)
    env.close()


def test_it_passes_both_environment_checkers(env):
    gymnasium_check(env, skip_render_check=True)
    sb3_check(env)


def test_a_copy_is_a_new_environment_of_the_same_scenario(env):
    env.reset(seed=5)
    env.step(env.action_space.sample())
    for copied in (deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert copied.scenario == env.scenario and copied.world.client != env.world.client
        with pytest.raises(ResetNeeded):
            copied.step(env.action_space.sample())
        first, _ = copied.reset(seed=5)
        assert np.array_equal(first, env.reset(seed=5)[0])
        copied.close()


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match="render_mode.*rgb_array"):
        envs.make("kitting_alone", render_mode="human")


def clients():
    return sum(p.getConnectionInfo(client)["isConnected"] for client in range(100))


def test_a_construction_that_fails_and_an_environment_that_is_dropped_keep_no_client():
    gc.collect()
    before, kept = clients(), []
    for _ in range(20):
        with pytest.raises(ScenarioError) as caught:
            envs.make("kitting_alone", overrides=["safety=nothing"])
        kept.append(caught)  # with the frames in which it was raised
    env = envs.make("kitting_shared", "rgb_array")
    env.reset(seed=1)
    env.render()
    assert clients() == before + 2
    del env
    gc.collect()
    assert clients() == before


def test_use_before_reset_and_after_close_is_refused_in_words():
    env = envs.make("kitting_alone", render_mode="rgb_array")
    action = np.zeros(7, np.float32)
    for use in (lambda: env.step(action), lambda: env.render()):
        with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
            use()
    assert env.events == [] and env.worst is None and env.worst_image() is None
    env.reset(seed=1)
    env.close()
    env.close()
    closed: list[Callable[[], object]] = [lambda: env.step(action), env.render, env.reset]
    for again in closed:
        with pytest.raises(ClosedEnvironmentError, match="the environment is closed"):
            again()
    assert env.events  # for whoever evaluates afterwards


def test_gym_make_adds_its_own_render_wrappers():
    env = gym.make("genba/KittingAlone-v0", render_mode="rgb_array_list")
    env.reset(seed=1)
    env.step(np.zeros(7, np.float32))
    assert np.array(env.render()).shape == (2, 480, 640, 3)
    env.close()


def test_a_picture_is_a_picture():
    env = envs.make("kitting_shared", render_mode="rgb_array")
    env.reset(seed=1)
    picture = env.render()
    assert picture is not None and picture.shape == (480, 640, 3) and picture.dtype == np.uint8
    assert picture.std() > 20
    env.close()


def test_drawing_does_not_disturb_the_physics():
    bare, drawn = envs.make("kitting_shared"), envs.make("kitting_shared", "rgb_array")
    agent = scripted(bare)
    a, _ = bare.reset(seed=5)
    b, _ = drawn.reset(seed=5)
    for step in range(60):
        a, b = bare.step(agent.act(a))[0], drawn.step(agent.act(b))[0]
        if step % 20 == 0:
            drawn.render()
        assert a.tobytes() == b.tobytes()
    bare.close()
    drawn.close()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(env):
    first = play(env, 3)
    assert play(env, 4) != first
    assert play(env, 3) == first


def test_what_was_played_before_leaves_no_trace(env):
    first = play(env, 3)
    env.reset(seed=11)
    env.action_space.seed(0)
    for _ in range(150):  # anything may have happened to the parts
        env.step(env.action_space.sample())
    for _ in range(3):
        env.reset()
    assert play(env, 3) == first


def test_a_second_environment_gives_the_same_bits(env):
    other = envs.make(env.scenario)
    assert play(other, 7) == play(env, 7)
    other.close()


def test_an_unseeded_reset_continues_the_stream(env):
    env.reset(seed=3)
    one = env.reset()[0]
    two = env.reset()[0]
    assert not np.array_equal(one, two)
    env.reset(seed=3)
    assert np.array_equal(env.reset()[0], one)


@pytest.mark.parametrize("name", ["KittingShared", "ConveyorSortingShared"])
def test_a_spawned_worker_gives_the_same_bits(name):
    make = partial(gym.make, f"genba.envs:genba/{name}-v0")
    here = make()
    workers = SubprocVecEnv([make], start_method="spawn")
    try:
        workers.seed(21)
        there = np.asarray(workers.reset())[0]
        np.testing.assert_array_equal(here.reset(seed=21)[0], there)
        agent = scripted(here.unwrapped)
        for _ in range(60):
            action = agent.act(there)
            all_there, reward, _, _ = workers.step(action[None])
            there = np.asarray(all_there)[0]
            observation, expected, *_ = here.step(action)
            np.testing.assert_array_equal(observation, there)
            assert expected == reward[0]
    finally:
        workers.close()
        here.close()


def test_start_states_vary(env):
    starts = np.array([env.reset(seed=seed)[0] for seed in range(6)])
    assert len({start.tobytes() for start in starts}) == 6


def test_no_element_of_the_observation_is_constant(env):
    agent, seen = scripted(env), []
    for seed in range(2):
        observation, _ = env.reset(seed=seed)
        for _ in range(900):
            seen.append(observation)
            observation = env.step(agent.act(observation))[0]
    still = np.ptp(np.array(seen), axis=0) == 0
    labels = [f"{name}[{i}]" for name, n in env.fields.items() for i in range(n)]
    # a person may not come in so short a time
    loose = {"person_gap[0]", "person_gap[1]", "person_gap[2]", "separation[0]", "safety_scale[0]"}
    assert {label for label, s in zip(labels, still, strict=True) if s} <= loose


def test_observations_share_no_memory_and_stay_as_they_were(env):
    first, _ = env.reset(seed=1)
    kept = first.copy()
    second = env.step(np.zeros(env.action_space.shape, np.float32))[0]
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)


def test_the_named_fields_make_up_the_observation(env):
    assert sum(env.fields.values()) == env.observation_space.shape[0]


def test_an_action_of_a_wrong_shape_is_told_once():
    env = envs.make("kitting_alone")
    with pytest.warns(UserWarning) as told:
        for seed in range(2):
            env.reset(seed=seed)
            env.step(np.zeros(3))
    texts = [str(one.message) for one in told]
    assert texts == ["action: expected shape (7,), got shape (3,); it counts as NaN"]
    env.close()


@pytest.mark.filterwarnings("ignore:action. expected shape")
@pytest.mark.parametrize(
    "nonsense",
    [
        np.full(7, np.nan),
        np.full(7, np.inf),
        np.full(7, 50.0),
        np.zeros(3),
        "go",
        None,
        np.zeros((2, 7)),
    ],
)
def test_a_nonsense_action_stops_the_robot_and_never_raises(nonsense):
    env = envs.make("kitting_alone")
    env.reset(seed=1)
    start, fastest = env.state.robots["robot"].tcp, 0.0
    for _ in range(50):
        observation, reward, *_ = env.step(nonsense)
        assert np.isfinite(observation).all() and np.isfinite(reward)
        velocity = env.state.robots["robot"].tcp_velocity[:3]
        fastest = max(fastest, float(np.linalg.norm(velocity)))
    robot = env.state.robots["robot"]
    # the watchdog's recovery controller has lifted the tool, and it stands again
    assert fastest < 0.05 and 0.04 < robot.tcp[2] - start[2] < 0.06
    assert np.abs(robot.dq).max() < 0.01
    assert any(e.kind is EventKind.STOP for e in env.events)
    env.close()


@pytest.mark.parametrize("grip, cut", [(3.0, 1.0), (-1e300, -1.0), (float("inf"), 1.0)])
def test_an_unprotected_cell_cuts_a_grip_beyond_its_space(grip, cut):
    env = envs.make("kitting_alone", overrides=["safety={}"])
    env.reset(seed=1)
    action = np.zeros(7)
    action[-1] = grip
    observation, *_ = env.step(action)
    assert env.observation_space.contains(observation)
    assert env.arm.grip == cut
    env.close()


@pytest.mark.filterwarnings("ignore:action. expected shape")
def test_an_unprotected_cell_survives_nonsense_too():
    env = envs.make("kitting_alone", overrides=["safety={}"])
    env.reset(seed=1)
    for action in (np.full(7, np.nan), np.full(7, -1e30), np.zeros(0)):
        for _ in range(10):
            assert np.isfinite(env.step(action)[0]).all()
    env.close()


def test_an_arm_that_presses_on_the_table_does_not_wind_up():
    """Let go, or told to turn round, it must not run after where it would have been by then."""
    env = envs.make("kitting_alone", overrides=["safety={}"])
    env.reset(seed=1)
    down = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0])
    for _ in range(60):
        env.step(down)
        assert np.abs(env.arm.follower._state[0] - env.arm.q).max() < 0.05  # rad
    low = env.state.robots["robot"].tcp[2]
    for _ in range(10):
        env.step(-down)
    assert env.state.robots["robot"].tcp[2] > low + 0.1
    env.close()


def peak_memory():
    """Bytes that this process has held at most; the system tells kB but on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def test_resets_do_not_grow_the_memory():
    """2,000 resets: a body created or a state saved in each would show as tens of megabytes."""
    env = envs.make("conveyor_sorting_shared")
    for seed in range(200):
        env.reset(seed=seed)
    before = peak_memory()
    for seed in range(2000):
        env.reset(seed=seed)
        if seed % 20 == 0:
            env.step(env.action_space.sample())
    grown = peak_memory() - before
    env.close()
    assert grown < 6e6


def test_both_robots_play_both_cells():
    for scenario in ("kitting_alone", "conveyor_sorting_alone"):
        for robot in ("panda", "iiwa"):
            env = envs.make(scenario, overrides=[f"robot={robot}", "seconds=25"])
            _, events, _ = play(env, 2, steps=500)
            done = [e for e in events if e[1] is EventKind.PART_FINISHED and e[3]["good"]]
            assert len(done) >= 2, (scenario, robot)
            env.close()


def test_joint_velocity_is_an_action_too():
    env = envs.make("kitting_alone", overrides=["action=joint_velocity"])
    assert env.action_space.shape == (8,)
    env.reset(seed=1)
    action = np.zeros(8, np.float32)
    action[0] = 1.0
    for _ in range(10):
        env.step(action)
    dq = env.state.robots["robot"].dq
    assert dq[0] == pytest.approx(0.5 * 2.175, rel=0.05)
    assert np.abs(dq[1:]).max() < 0.05
    env.close()


def test_a_cell_that_waits_for_people_takes_steps_of_a_second_and_no_physics():
    """Nobody ever gets the robot to work: ten minutes are as many steps as a minute of motion."""
    env = envs.make("kitting_alone", overrides=["seconds=600", "cycle_timeout=1"])
    agent, physics, count = make("idle", env), env.physics, 0

    def counted(ticks: int = 1) -> None:
        nonlocal count
        count += ticks
        physics(ticks)

    env.physics = counted
    observation, info = env.reset(seed=1)
    steps, truncated = 0, False
    while not truncated:
        observation, _, _, truncated, info = env.step(agent.act(observation))
        steps += 1
    assert info["time"] == pytest.approx(600.0)
    assert steps < 1200  # of 12,000 at 20 Hz
    assert 0.0 < count / 240.0 < 60.0  # s
    assert sum(e.kind is EventKind.SERVICE_DONE for e in env.events) >= 5
    env.close()


def test_the_last_step_still_says_that_somebody_is_being_harmed():
    """The diary closes what is open then, and the cost was read after it."""
    told = {"safety": {}, "seconds": 60, "people.visits_per_hour": 1200}
    env = envs.make("kitting_shared", overrides=told)
    agent = scripted(env)
    observation, info = env.reset(seed=2)
    agent.reset(observation, info)
    while not info["cost"]:
        observation, *_, info = env.step(agent.act(observation))
    env.scenario = env.scenario.model_copy(update={"seconds": env.time + 0.05})
    *_, done, info = env.step(agent.act(observation))
    assert done and info["cost"] == 1.0
    env.close()
