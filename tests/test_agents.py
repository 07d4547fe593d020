"""Agents: what ships plays, what strangers send is only read, training can be resumed."""

import errno
import json
import os
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import genba.agents as agents
import genba.envs as envs
from genba import kpi, scenarios
from genba.agents import AgentError, checkpoint, exam, export, fingerprints, train
from genba.agents.card import load
from genba.agents.demonstrations import training_seed
from genba.agents.policy import features
from genba.agents.recipe import Recipe
from genba.agents.trained import HERE
from genba.scenarios import load_suite

RECIPE = """
hidden: [32]
stages:
  - {algo: bc, steps: 900, rounds: 3, updates: 20, final: 10, batch: 64}
scoring: {every: 100000, look: 1, choose: 1, episodes: 1, seconds: 5}
"""


SEEDS = (40_000, 40_001, 40_002)


@cache
def play(name, scenario="kitting_alone", seeds=SEEDS, seconds=60):
    """Figures of an agent over episodes on seeds no training has used."""
    env = envs.make(scenario, overrides=[f"seconds={seconds}"])
    agent = agents.make(name, env)
    tallies = []
    for seed in seeds:
        observation, info = env.reset(seed=seed)
        agent.reset(observation, info)
        done = False
        while not done:
            observation, _, _, done, info = env.step(agent.act(observation))
        tallies.append(kpi.tally(env.events, seconds))
    env.close()
    return kpi.figures(kpi.add(tallies))


@pytest.mark.parametrize("name", agents.names())
@pytest.mark.parametrize("scenario", ["kitting_shared", "conveyor_sorting_alone"])
def test_every_agent_plays_every_cell_within_the_action_space(name, scenario):
    env = envs.make(scenario)
    agent = agents.make(name, env)
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    for _ in range(40):
        action = agent.act(observation)
        assert env.action_space.contains(action)
        observation = env.step(action)[0]
    assert len(agent.fingerprint) == 16
    env.close()


@pytest.mark.parametrize("cell", ["kitting_alone", "conveyor_sorting_alone"])
def test_the_scripted_agent_gets_parts_right_the_first_time(cell):
    figures = play("scripted", cell)
    assert figures["good_parts"] >= 25
    assert figures["first_pass_yield"] >= 0.95


def test_the_scripted_agent_lets_no_part_run_off_that_can_be_held():
    """Ahead of the part by what a command takes, the cup lay over the edge of a narrow one."""
    env = envs.make(scenarios.load("conveyor_sorting_alone", ["seconds=75", "task.poor_seal=0"]))
    cell: Any = env.unwrapped
    agent = agents.make("scripted", env)
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    done = False
    while not done:
        observation, _, _, done, info = env.step(agent.act(observation))
    kinds = [event.kind.value for event in cell.events]
    assert kinds.count("part_finished") >= 12 and "part_lost" not in kinds
    env.close()


@pytest.mark.parametrize("cell", ["kitting_alone", "conveyor_sorting_alone"])
def test_the_trained_agent_makes_four_fifths_of_the_scripted_ones_parts(cell):
    trained, scripted = play("trained", cell), play("scripted", cell)
    assert trained["good_parts"] >= 0.8 * scripted["good_parts"]


@pytest.mark.parametrize("cell", sorted(p.name for p in HERE.iterdir() if p.is_dir()))
def test_the_card_of_a_shipped_policy_is_complete(cell):
    card = json.loads((HERE / cell / "card.json").read_text())
    assert card["score"]["episodes"] >= 20 and card["score"]["share_of_scripted"] >= 0.8
    assert card["steps"] > 0 and len(card["curve"]) >= 3 and "genba train" in card["command"]
    low, high = card["seeds"]["score"]
    assert all(high < a or b < low for k, (a, b) in card["seeds"].items() if k != "score")
    assert "Not a safety function" in (HERE / cell / "CARD.md").read_text()


def test_the_random_agent_plays_an_episode_the_same_way_twice_and_another_otherwise():
    env = envs.make("kitting_alone")
    agent = agents.make("random", env)

    def actions(seed):
        observation, info = env.reset(seed=seed)
        agent.reset(observation, info)
        return np.array([agent.act(observation) for _ in range(5)])

    one = actions(1)
    assert not np.array_equal(one, actions(2))
    assert np.array_equal(one, actions(1))
    env.close()


def test_a_policy_trained_alone_finds_its_observations_among_more():
    """kitting_shared observes people too; the policy picks what it knows by name."""
    assert play("trained", "kitting_shared", SEEDS[:1], seconds=30)["good_parts"] >= 3


def test_no_training_plays_a_seed_of_a_suite_or_of_an_exam():
    suites = [load_suite(name) for name in scenarios.suites()]
    played = {training_seed(seed, k) for seed in range(9) for k in range(0, 9_000, 7)}
    for suite in suites:
        assert played.isdisjoint(range(suite.seed, suite.seed + suite.episodes))
    assert max(played) < exam.LOOKS < exam.CHOICE < exam.SCORE


@pytest.mark.parametrize("name", ["ssm_reach.py", "panda_parallel.urdf", "cell.py"])
def test_the_hash_of_the_code_is_of_every_folder_and_of_the_robots(monkeypatch, name):
    of_code = fingerprints.of_code.__wrapped__
    before, read = of_code(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b"#" * (self.name == name))
    assert of_code() != before


def test_the_network_without_pytorch_is_the_one_that_was_trained():
    """The kernel against the same layers as matrix products."""
    env = envs.make("conveyor_sorting_alone")
    agent: Any = agents.make("trained", env)
    policy = load(HERE / "conveyor_sorting")[1]
    observation = env.reset(seed=2)[0]
    t = policy.tensors
    x = (features(observation[None, agent.brain.reads], policy.shape.scales)[0] - t["mean"]) / t[
        "std"
    ]
    for i in range(3):
        x = x @ t[f"layer{i}.weight"] + t[f"layer{i}.bias"]
        x = np.maximum(x, 0.0) if i < 2 else np.clip(x, -1.0, 1.0)
    assert agent.act(observation) == pytest.approx(x, abs=1e-5)
    env.close()


def test_a_policy_keeps_its_speed_where_an_action_means_another():
    """Where 1 means 0.5 m/s the same motion takes twice the action, as far as there is one."""
    env, half = envs.make("kitting_alone"), envs.make("kitting_alone", overrides=["tcp_speed=0.5"])
    agent, slower = agents.make("trained", env), agents.make("trained", half)
    observation, compared = env.reset(seed=1)[0], 0
    for _ in range(60):
        action, other = agent.act(observation), slower.act(observation)
        assert np.allclose(other[:3], np.clip(2.0 * action[:3], -1.0, 1.0), atol=1e-6)
        assert np.array_equal(other[3:], action[3:])
        compared += int(np.sum(np.abs(action[:3]) < 0.49))
        observation = env.step(action)[0]
    assert compared > 30
    env.close()
    half.close()


def test_an_agent_that_cannot_play_says_so_in_one_line():
    cases = [
        ("scripted", ["action=joint_velocity"], "joint_velocity"),
        ("trained", ["action=joint_velocity"], "twist"),
        ("scriptd", [], "did you mean scripted"),
        ("no/such/folder", [], "no such agent"),
        ("README.md", [], "README.md"),
        ("", [], "unknown agent ''"),
    ]
    for name, overrides, word in cases:
        env = envs.make("kitting_alone", overrides=overrides)
        with pytest.raises(AgentError, match=word) as caught:
            agents.make(name, env)
        assert "\n" not in str(caught.value)
        env.close()


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        (str(HERE / "conveyor_sorting"), [], "trained for 'conveyor_sorting', this cell is 'kit"),
        (str(HERE / "kitting"), ["action=joint_velocity"], "answers with 7 numbers (twist)"),
        ("trained", ["action=joint_velocity"], "answers with 7 numbers (twist)"),
    ],
)
def test_a_policy_that_does_not_fit_is_named_since_it_is_one_of_many(name, overrides, said):
    env = envs.make("kitting_alone", overrides=overrides)
    with pytest.raises(AgentError) as caught:
        agents.make(name, env)
    env.close()
    assert str(caught.value).startswith(f"{name}: the policy ") and said in str(caught.value)


def test_what_is_no_agent_is_named_rather_than_the_card_that_it_lacks(tmp_path):
    weights = tmp_path / "t.safetensors"
    weights.touch()
    assert refuse(weights) == f"{weights}: no trained agent (no card.json beside it)"
    assert refuse(tmp_path) == f"{tmp_path}: no trained agent (no card.json in it)"
    odd = tmp_path / "recipe.yaml"
    odd.touch()
    with pytest.raises(AgentError, match=r"recipe\.yaml: no trained agent \(no card"):
        train.order({"scenario": "kitting_alone", "from": odd, "out": tmp_path / "out"})


# -- strangers ----------------------------------------------------------------------------------


@pytest.fixture
def stranger(tmp_path):
    """A folder with a copy of a shipped policy, to be tampered with."""
    source = HERE / "kitting"
    for name in ("policy.safetensors", "card.json"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    return tmp_path


def refuse(folder):
    env = envs.make("kitting_alone")
    try:
        with pytest.raises(AgentError) as caught:
            agents.make(folder, env)
    finally:
        env.close()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    return str(caught.value)


def edit(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("bomb-went-off"),))


def test_an_untouched_copy_is_taken(stranger):
    env = envs.make("kitting_alone")
    assert agents.make(stranger, env).act(env.reset(seed=1)[0]).shape == (7,)
    env.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"speeds": [0.3, 0.6]},
        {"scales": [0.5, 0.2, 0.05]},
        {"output": "tanh"},
        {"doubt": {"strangeness": 1e6, "alpha": 0.1, "episodes": 9}},
        {"doubt": None},
    ],
)
def test_another_card_beside_the_same_weights_is_another_agent(stranger, changes):
    env = envs.make("kitting_alone")
    before = agents.make(stranger, env).fingerprint
    assert before == agents.make("trained", env).fingerprint
    edit(stranger, use="for another purpose", score={})
    assert agents.make(stranger, env).fingerprint == before  # words decide nothing
    edit(stranger, **changes)
    assert agents.make(stranger, env).fingerprint != before
    env.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 64,
        pickle.dumps(Bomb()),
        b"\xff\xff\xff\xff\xff\xff\xff\x7f{}",
        b'\x08\x00\x00\x00\x00\x00\x00\x00{"a":{}}',
    ],
)
def test_bytes_that_are_no_weights_are_refused_and_never_run(stranger, data, monkeypatch):
    monkeypatch.chdir(stranger)
    (stranger / "policy.safetensors").write_bytes(data)
    assert "policy.safetensors" in refuse(stranger)
    assert not (stranger / "bomb-went-off").exists()


def test_truncated_and_swapped_weights_are_refused(stranger):
    file = stranger / "policy.safetensors"
    whole = file.read_bytes()
    for data in (whole[:-100], whole[:50], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(data)
        refuse(stranger)


def test_weights_of_other_sizes_names_or_numbers_are_refused(stranger):
    from safetensors.numpy import load_file

    file = stranger / "policy.safetensors"
    tensors = load_file(file)
    bad = dict(tensors)
    bad["layer0.weight"] = np.full_like(bad["layer0.weight"], np.nan)
    fine = {**tensors, "std": np.full_like(tensors["std"], 1e-38)}
    for change in (bad, fine, {**tensors, "extra": np.zeros(3, np.float32)}, {"mean": np.zeros(2)}):
        file.write_bytes(save(change))
        refuse(stranger)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [10**9]},
        {"hidden": []},
        {"observations": {"part_gap": 10**9}},
        {"observations": {"secret": 3}},
        {"observations": {"../../x": 3}},
        {"action": "eval"},
        {"speeds": [float("nan"), 1]},
        {"speeds": [1e-320, 1]},
        {"scales": [1e-320, 0.1, 0.01]},
        {"scales": [1.0, 0.1, 0.0]},
        {"doubt": {"strangeness": 1e-320, "alpha": 0.1, "episodes": 9}},
        {"sha256": "0" * 64},
        {"colour": "red"},
        {"format": 2},
    ],
)
def test_a_card_that_lies_is_refused(stranger, changes):
    edit(stranger, **changes)
    refuse(stranger)


def test_a_link_out_of_the_folder_is_not_followed(stranger, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "policy.safetensors"
    (stranger / "policy.safetensors").rename(elsewhere)
    (stranger / "policy.safetensors").symlink_to(elsewhere)
    assert "leads out of its folder" in refuse(stranger)


# -- training -----------------------------------------------------------------------------------


def options(tmp_path, out, **more):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    return {"scenario": "kitting_alone", "recipe": recipe, "seed": 3, "out": out, **more}


def weights(folder):
    return (folder / "policy.safetensors").read_bytes()


def test_a_training_that_was_interrupted_ends_as_one_that_was_not(tmp_path, monkeypatch, capfd):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train.main(options(tmp_path, whole)) == 0
    from genba.agents import bc

    fit, calls = bc._Learner.fit, []

    def interrupted(learner):
        calls.append(1)
        if len(calls) in (2, 3):
            raise KeyboardInterrupt
        fit(learner)

    with monkeypatch.context() as patch:
        patch.setattr(bc._Learner, "fit", interrupted)
        for resume in (False, True):  # interrupted again, it is told how to go on again
            with pytest.raises(KeyboardInterrupt, match="--resume$"):
                train.main(options(tmp_path, broken, resume=resume))
    assert train.main(options(tmp_path, broken, resume=True)) == 0
    assert weights(broken) == weights(whole)
    env = envs.make("kitting_alone")
    agents.make(whole, env).act(env.reset(seed=1)[0])
    env.close()


def test_a_folder_that_holds_a_training_is_not_written_over(tmp_path, capfd):
    train.main(options(tmp_path, tmp_path / "one"))
    before = weights(tmp_path / "one")
    with pytest.raises(AgentError, match="one"):
        train.main(options(tmp_path, tmp_path / "one"))
    assert weights(tmp_path / "one") == before


@pytest.mark.parametrize(
    "more",
    [
        {"overrides": ["action=joint_velocity"]},
        {"from": HERE / "conveyor_sorting"},
        {"from": HERE / "kitting", "overrides": ["action=joint_velocity"]},
    ],
)
def test_a_training_that_is_refused_leaves_its_folder_free(tmp_path, more):
    out = tmp_path / "out"
    with pytest.raises(AgentError) as caught:
        train.main(options(tmp_path, out, **more))
    assert "\n" not in str(caught.value) and {p.name for p in out.iterdir()} <= {".lock"}


@pytest.mark.parametrize("there", [False, True])
def test_a_training_that_finds_the_disk_full_leaves_nothing_behind(tmp_path, monkeypatch, there):
    def full(path, data):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "runs" / "out"
    if there:
        out.mkdir(parents=True)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(AgentError, match="out: cannot be written .No space left"):
        train.main({"scenario": "kitting_alone", "out": out})
    assert list(tmp_path.rglob("*")) == ([out.parent, out] if there else [])
    with pytest.raises(OSError, match="No space left"):
        checkpoint.replace(tmp_path / "file", b"data")
    assert not list(tmp_path.glob("*file*"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"algo": "sac", "from": HERE / "kitting"}, "sac begins from scratch"),
        ({"algo": "bc", "from": Path("runs/nope")}, "runs/nope: no such agent folder"),
        ({"algo": "ppo", "recipe": Path("mine.yaml")}, "leave out --algo"),
        ({"algo": "ppo", "steps": 1}, "ppo needs 2"),
    ],
)
def test_an_order_that_cannot_be_met_is_refused_before_anything_is_done(tmp_path, more, words):
    out = tmp_path / "out"
    with pytest.raises(AgentError, match=words) as caught:
        train.main({"scenario": "kitting_alone", "out": out, **more})
    assert "\n" not in str(caught.value) and not out.exists()


@pytest.mark.parametrize(
    "text",
    [
        "stages: [{algo: magic}]",
        "stagez: []",
        "stages: [{algo: bc, steps: -1}]",
        "hidden: [0]",
        "scales: [1e-320]",
    ],
)
def test_a_recipe_with_a_mistake_is_one_line(tmp_path, text):
    recipe = tmp_path / "bad.yaml"
    recipe.write_text(text)
    with pytest.raises(AgentError, match=r"bad\.yaml") as caught:
        train.main({"scenario": "kitting_alone", "recipe": recipe, "out": tmp_path / "out"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("algo", ["ppo", "sac"])
def test_reinforcement_learning_runs_end_to_end(tmp_path, algo, capfd):
    recipe = tmp_path / "rl.yaml"
    extra = "rollout: 128, batch: 64" if algo == "ppo" else "starts: 50, buffer: 500"
    recipe.write_text(
        f"hidden: [32]\nstages: [{{algo: {algo}, steps: 256, {extra}}}]\n"
        "scoring: {every: 100000, look: 1, choose: 1, episodes: 1, seconds: 5}\n"
    )
    out = tmp_path / "out"
    train.main({"scenario": "conveyor_sorting_alone", "recipe": recipe, "out": out})
    env = envs.make("conveyor_sorting_alone")
    assert agents.make(out, env).act(env.reset(seed=1)[0]).shape == (7,)
    env.close()


@pytest.mark.parametrize(
    ("scenario", "reads", "words"),
    [
        ("kitting_alone", None, "nobody around: it reads nothing of people"),
        ("kitting_shared", None, "people around: it reads person_gap, separation, safety_scale"),
        ("kitting_shared", ["part_gap"], "people around: it reads nothing of people"),
    ],
)
def test_the_card_says_whom_the_policy_met_and_what_it_reads_of_them(scenario, reads, words):
    env, recipe = envs.make(scenario), Recipe(observations=reads)
    card = export.draft(scenarios.load(scenario), recipe, env, "genba train")
    env.close()
    assert f"Trained with {words}" in card.limits and "Not a safety function" in card.limits


def test_the_card_of_a_policy_that_nobody_examined_names_no_seeds_but_those_of_training(
    tmp_path, capfd
):
    out = tmp_path / "out"
    train.main({"scenario": "kitting_alone", "steps": 2, "out": out})
    text = (out / "CARD.md").read_text()
    assert "Not scored." in text and "- Seeds: training 2000-9999.\n" in text


@pytest.mark.parametrize("cell", sorted(p.name for p in HERE.iterdir() if p.is_dir()))
def test_the_card_of_a_shipped_policy_is_the_one_that_the_code_writes(cell):
    card = load(HERE / cell)[0]
    env, recipe = envs.make(card.scenario), Recipe.model_validate(card.recipe)
    fresh = export.draft(scenarios.load(card.scenario), recipe, env, card.command)
    env.close()
    chosen = len(recipe.stages) > 1
    assert (card.limits, card.seeds) == (fresh.limits, export.seeds(recipe, True, chosen))
    assert (HERE / cell / "CARD.md").read_text() == export.text(card)
