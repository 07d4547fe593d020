"""Adversaries: they drive at people, turn round late, wander with a purpose, and are no workers."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

from typing import Any

import numpy as np
import pytest

import genba.agents as agents
import genba.envs as envs
from genba.agents import harm, train
from genba.agents.adversaries import ADVERSARIES, WEIGHTS, nearest_person
from genba.agents.card import load

CROWD = ["people.visits_per_hour=1200", "people.behaviours={attacking: 1.0}", "seconds=60"]
LEARNED = {"adversary_learned": "unprotected", "adversary_learned_ssm": "ssm_iso"}
THERE = [name for name in ADVERSARIES if (WEIGHTS / LEARNED.get(name, "")).is_dir()]


def cell(action="twist", scenario="kitting_shared", safety="{}", robot="panda"):
    more = [f"action={action}", f"safety={safety}", f"robot={robot}"]
    env: Any = envs.make(scenario, overrides=[*CROWD, *more])
    return env


def played(env, agent, steps, seed=4):
    """Gaps to the nearest person and actions, while somebody is there."""
    observation, info = env.reset(seed=seed)
    agent.reset(observation, info)
    gaps, actions = [], []
    for _ in range(steps):
        action = agent.act(observation)
        assert env.action_space.contains(action)
        gap = nearest_person(env)
        if gap is not None and not env.desk.busy:
            gaps.append(gap)
            actions.append(action)
        observation = env.step(action)[0]
    return gaps, np.array(actions)


@pytest.mark.parametrize("action", ["twist", "joint_velocity"])
@pytest.mark.parametrize("name", [n for n in THERE if n not in LEARNED])
def test_every_adversary_plays_with_either_controls(name, action):
    env = cell(action)
    assert played(env, agents.make(name, env), 60)[0]
    env.close()


@pytest.mark.parametrize("name", [n for n in THERE if n in LEARNED])
@pytest.mark.parametrize("robot", ["panda", "iiwa"])
def test_a_learned_adversary_plays_every_cell_and_robot(name, robot):
    for scenario in ("kitting_shared", "conveyor_sorting_shared"):
        env = cell(scenario=scenario, robot=robot)
        assert played(env, agents.make(name, env), 20)
        env.close()


@pytest.mark.parametrize("action", ["twist", "joint_velocity"])
def test_who_chases_gets_nearer_to_people_than_who_stands(action):
    env = cell(action)
    chased = played(env, agents.make("adversary_chase", env), 200)[0]
    stood = played(env, agents.make("idle", env), 200)[0]
    env.close()
    assert np.mean([g.distance for g in chased[:80]]) < np.mean([g.distance for g in stood[:80]])


def test_who_reverses_drives_at_people_and_away_from_them():
    env = cell()
    gaps, actions = played(env, agents.make("adversary_reverse", env), 300)
    env.close()
    ways = np.array([g.way for g in gaps])
    towards = np.sign((ways * actions[:, :3]).sum(axis=1))
    turns = np.abs(np.diff(towards)) > 1
    assert (towards > 0).any() and (towards < 0).any() and 5 < turns.sum() < len(turns) / 3


def test_who_wanders_keeps_a_motion_and_uses_full_speed():
    env = cell()
    agent = agents.make("adversary_wander", env)
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    actions = np.array([agent.act(observation) for _ in range(200)])
    env.close()
    kept = (actions[1:] == actions[:-1]).all(axis=1)
    assert 0.7 < kept.mean() < 1.0
    assert np.abs(actions[:, :-1]).max(axis=1).min() == 1.0


def test_the_same_episode_meets_the_same_adversary():
    env = cell()
    one, two = (
        played(env, agents.make("adversary_reverse", env), 60)[1] for _ in range(2)
    )  # fmt: skip
    env.close()
    assert np.array_equal(one, two)


def test_no_benchmark_plays_an_adversary_unasked():
    assert set(agents.names()).isdisjoint(ADVERSARIES)
    with pytest.raises(agents.AgentError, match="did you mean adversary_chase"):
        agents.make("adversary_chaser", cell())


def test_harm_is_rewarded_and_standing_is_not():
    env = harm.Harm(cell())

    def reward(name):
        agent = agents.make(name, env)
        observation, info = env.reset(seed=6)
        agent.reset(observation, info)
        total, terms = 0.0, {"threat": 0.0, "harm": 0.0, "blow": 0.0}
        for _ in range(200):
            observation, got, _, _, info = env.step(agent.act(observation))
            total += got
            terms = {key: terms[key] + info["reward_terms"][key] for key in terms}
        assert total == pytest.approx(sum(terms.values()))
        return terms

    chased, stood = reward("adversary_chase"), reward("idle")
    env.close()
    assert chased["threat"] > 5.0 > stood["threat"]
    assert chased["harm"] > stood["harm"] and chased["blow"] > 0.0


def test_an_adversary_is_trained_by_a_recipe_and_judged_by_the_harm_it_does(tmp_path, capfd):
    recipe = tmp_path / "harm.yaml"
    recipe.write_text(
        "goal: harm\nobservations: [tcp_position, person_gap, separation]\nhidden: [16]\n"
        "stages: [{algo: ppo, steps: 256, rollout: 128, batch: 64}]\n"
        "scoring: {every: 100000, look: 1, choose: 1, episodes: 1, seconds: 5}\n"
    )
    out = tmp_path / "out"
    train.main({"scenario": "kitting_shared", "recipe": recipe, "out": out, "overrides": CROWD})
    card, _ = load(out)
    assert "contacts_moving" in card.score["figures"] and "scripted" not in card.score
    assert "Made to do harm" in (out / "CARD.md").read_text()


@pytest.mark.parametrize("name", [n for n in THERE if n in LEARNED])
def test_the_card_of_a_learned_adversary_says_how_it_was_made_and_what_it_did(name):
    card, policy = load(WEIGHTS / LEARNED[name])
    assert card.recipe["goal"] == "harm" and "genba train" in card.command and card.steps > 0
    assert len(card.curve) >= 1 and "contacts_moving" in card.score["figures"]
    policy.check()
