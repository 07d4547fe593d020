"""A training stage by stage: where each begins, on what seeds, and how it goes on after a break."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import json
import os

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO, SAC

import genba.envs as envs
from genba.agents import AgentError, bc, checkpoint, exam, rl, train
from genba.agents.card import load
from genba.agents.demonstrations import collect, training_seed
from genba.agents.ledger import open_ledger, write_ledger
from genba.agents.policy import features
from genba.agents.trained import HERE

CLONING = "algo: bc, steps: 160, rounds: 2, updates: 2, final: 3, batch: 16"
TUNING = "algo: ppo, steps: 128, rollout: 64, batch: 32"
ALONE = "algo: sac, steps: 100, starts: 40, every: 4"
QUIET = "{every: 100000, look: 1, choose: 1, episodes: 0, seconds: 2}"


def options(tmp_path, *stages, head="", scoring=QUIET, **more):
    """Options of a training of a second."""
    recipe = tmp_path / "tiny.yaml"
    listed = ", ".join(f"{{{stage}}}" for stage in stages)
    recipe.write_text(f"{head}\nscoring: {scoring}\nhidden: [8]\nstages: [{listed}]")
    told = {"scenario": "kitting_alone", "recipe": recipe, "overrides": ["seconds=2"]}
    return {**told, "out": tmp_path / "out", **more}


def weights(folder):
    return (folder / "policy.safetensors").read_bytes()


def broken(asked):
    """A training that is told to end."""
    with pytest.raises(KeyboardInterrupt, match="--resume$"):
        train.main(asked)


@pytest.mark.parametrize(("first", "same"), [(1, True), (0, False)])
def test_a_stage_begins_as_the_one_before_and_its_critic_may_learn_alone(tmp_path, first, same):
    once = f"algo: ppo, steps: 64, rollout: 64, batch: 32, critic_first: {first}"
    train.main(options(tmp_path, CLONING, once))
    one, two = (tmp_path / "out" / name for name in ("stage-1-bc", "stage-2-ppo"))
    assert (weights(one) == weights(two)) is same


@pytest.mark.parametrize(
    ("goal", "figures", "best"),
    [
        ("parts", (2.0, 1.0), "stage-1-ppo"),
        ("parts", (1.0, 2.0), "stage-2-ppo"),
        ("harm", (2.0, 1.0), "stage-2-ppo"),
    ],
)
def test_the_best_on_the_seeds_of_choice_is_scored_on_others(
    tmp_path, monkeypatch, goal, figures, best
):
    played, found = [], iter(figures)

    def examined(hall, agent, seeds, goal):
        played.append(seeds)
        return {}, None

    monkeypatch.setattr(exam.Exam, "play", lambda hall, agent, seeds: played.append(seeds))
    monkeypatch.setattr(exam, "shown", lambda tallies, names: {names[0]: next(found)})
    monkeypatch.setattr(train, "examined", examined)
    scoring = QUIET.replace("choose: 1", "choose: 3").replace("episodes: 0", "episodes: 2")
    train.main(options(tmp_path, TUNING, TUNING, head=f"goal: {goal}", scoring=scoring))
    assert played == [range(20_000, 20_003), range(20_000, 20_003), range(30_000, 30_002)]
    out = tmp_path / "out"
    assert load(out)[0].stage == best and weights(out) == weights(out / best)


def test_stages_that_were_interrupted_end_as_those_that_were_not(tmp_path, monkeypatch, capfd):
    """In a round, and between two stages: nothing is done twice, counted twice or forgotten."""
    more = {"scoring": QUIET.replace("100000", "32"), "from": HERE / "kitting", "seed": 3}
    train.main(options(tmp_path, CLONING, TUNING, **more, out=tmp_path / "whole"))
    fit, run, fits, runs = bc._Learner.fit, train.run_stage, [], []

    def fitted(learner):
        fits.append(learner)
        if len(fits) == 2:
            raise KeyboardInterrupt
        fit(learner)

    def stage(job):
        runs.append(job.stage.algo)
        if runs.count("ppo") == 1 and job.stage.algo == "ppo":
            raise KeyboardInterrupt
        return run(job)

    monkeypatch.setattr(bc._Learner, "fit", fitted)
    monkeypatch.setattr(train, "run_stage", stage)
    broken(options(tmp_path, CLONING, TUNING, **more))
    broken(options(tmp_path, CLONING, TUNING, **more, resume=True))
    assert train.main(options(tmp_path, CLONING, TUNING, **more, resume=True)) == 0
    assert runs == ["bc", "bc", "ppo", "ppo"]
    one, other = (tmp_path / name for name in ("whole", "out"))
    told = [json.loads((folder / "training.json").read_text()) for folder in (one, other)]
    assert [row["stage"] for row in told[0]["stages"]] == ["start", "stage-1-bc", "stage-2-ppo"]
    assert all(row["curve"] for row in told[0]["stages"][1:])
    assert told[0] == told[1] and weights(one) == weights(other)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"seed": 1}, "seed"),
        ({"overrides": ["seconds=3"]}, "scenario"),
        ({"algo": "sac"}, "recipe"),
    ],
)
def test_a_training_goes_on_as_the_one_it_was_and_as_no_other(tmp_path, more, word):
    def identity(**more):
        asked = {"scenario": "kitting_alone", "algo": "ppo", "out": tmp_path, **more}
        return train.order(asked).identity()

    with pytest.raises(AgentError, match="no training to resume"):
        open_ledger(tmp_path, identity(), resume=True)
    write_ledger(tmp_path, {"identity": identity(), "stages": []})
    assert open_ledger(tmp_path, identity(), resume=True)["stages"] == []
    with pytest.raises(AgentError, match=f"holds a training with another {word}$"):
        open_ledger(tmp_path, identity(**more), resume=True)


@pytest.mark.parametrize(
    ("stage", "episodes"), [(CLONING, (0, 1, 100, 101)), (TUNING, (0, 1, 2, 3)), (ALONE, (0, 1, 2))]
)
def test_every_episode_of_a_training_has_a_seed_of_its_own(tmp_path, monkeypatch, stage, episodes):
    seeds, reset = [], envs.CellEnv.reset

    def noted(cell, **told):
        seeds.append(told["seed"])
        return reset(cell, **told)

    monkeypatch.setattr(envs.CellEnv, "reset", noted)
    train.main(options(tmp_path, stage, seed=3))
    assert seeds == [training_seed(3, k) for k in episodes]


@pytest.mark.parametrize(("stage", "at", "starts"), [(TUNING, 64, None), (ALONE, 50, 90)])
def test_what_reinforcement_learning_goes_on_with_is_all_that_was_kept(
    tmp_path, monkeypatch, stage, at, starts
):
    keep, left = rl._Keeper.look_and_save, []

    def ended(keeper):
        keep(keeper)
        raise KeyboardInterrupt

    def nothing(model, steps, *_, **__):
        left.append((steps, getattr(model, "learning_starts", None)))

    monkeypatch.setattr(rl, "SAC_SAVES", 50)
    asked = {"scoring": QUIET.replace("100000", "32"), "seed": 3}
    with monkeypatch.context() as patch:
        patch.setattr(rl._Keeper, "look_and_save", ended)
        broken(options(tmp_path, stage, **asked))
    (file,) = (tmp_path / "out").glob("stage-1-*/checkpoint.safetensors")
    kept = file.read_bytes()
    tensors, state = checkpoint.fetch(file)
    assert (state["steps"], state["episode"], len(state["curve"])) == (at, 2, 1)
    assert any(name.endswith("exp_avg") for name in tensors)
    monkeypatch.setattr((PPO, SAC)[at == 50], "learn", nothing)
    monkeypatch.setattr(exam.Exam, "play", None)  # what was looked at is not looked at again
    train.main(options(tmp_path, stage, **asked, resume=True))
    total = 128 if stage == TUNING else 100
    assert left == [(total - at, starts)] and file.read_bytes() == kept


@pytest.mark.parametrize(
    ("algo", "settings"),
    [
        ("PPO", {"n_steps": 128, "batch_size": 64, "n_epochs": 3, "learning_rate": 0.001,
                 "clip_range": 0.3, "gamma": 0.9, "gae_lambda": 0.8, "ent_coef": 0.01,
                 "target_kl": 0.05, "seed": 3}),
        ("SAC", {"learning_rate": 0.001, "batch_size": 64, "buffer_size": 150, "train_freq": 7,
                 "learning_starts": 50, "gamma": 0.9, "tau": 0.01, "seed": 3}),
    ],
)  # fmt: skip
def test_what_a_recipe_sets_reaches_the_algorithm(tmp_path, monkeypatch, algo, settings):
    class Asked(Exception):
        """With what."""

    def asked(*_, **told):
        raise Asked(told)

    stages = {
        "PPO": "algo: ppo, steps: 300, rollout: 128, batch: 64, epochs: 3, rate: 0.001, clip: 0.3, "
        "gamma: 0.9, gae_lambda: 0.8, log_std: -1.5, entropy: 0.01, target_kl: 0.05",
        "SAC": "algo: sac, steps: 300, rate: 0.001, batch: 64, buffer: 150, starts: 50, every: 7, "
        "gamma: 0.9, tau: 0.01",
    }
    monkeypatch.setattr(rl, algo, asked)
    with pytest.raises(Asked) as caught:
        train.main(options(tmp_path, stages[algo], seed=3))
    (told,) = caught.value.args
    assert {name: told[name] for name in settings} == settings
    arch = {"pi": [8], "vf" if algo == "PPO" else "qf": [8]}
    assert told["policy_kwargs"]["net_arch"] == arch
    assert told["policy_kwargs"].get("log_std_init") == (-1.5 if algo == "PPO" else None)


@pytest.mark.parametrize("begun", [False, True])
def test_the_learner_drives_all_but_the_first_round_of_a_cloning_from_scratch(
    tmp_path, monkeypatch, begun
):
    driven = []

    def noted(env, drivers, reads, roll, *more):
        driven.append((drivers[1], roll.teacher, roll.noise, roll.grip_slips))
        return collect(env, drivers, reads, roll, *more)

    monkeypatch.setattr(bc, "collect", noted)
    stage = f"{CLONING}, teacher: 0.2, noise: 0.1, grip_slips: 0.05"
    train.main(options(tmp_path, stage, **({"from": HERE / "kitting"} if begun else {})))
    assert [row[1:] for row in driven] == [(0.2 if begun else 1.0, 0.1, 0.05), (0.2, 0.1, 0.05)]
    assert (driven[0][0] is not None) is begun and driven[1][0] is not None
    if begun:
        policy = load(HERE / "kitting")[1]
        assert np.array_equal(driven[0][0].flat, policy.brain(driven[0][0].reads).flat)


def test_cloning_learns_slower_and_slower_and_longest_in_the_last_round(tmp_path, monkeypatch):
    rates, turn_down = [], bc._Learner._turn_down

    def noted(learner, done):
        turn_down(learner, done)
        rates.append(learner.optimiser.param_groups[0]["lr"])

    monkeypatch.setattr(bc._Learner, "_turn_down", noted)
    train.main(options(tmp_path, f"{CLONING}, rate: 0.01"))
    assert len(rates) == 2 + 2 + 3 and rates[0] == pytest.approx(0.01)
    assert rates == sorted(rates, reverse=True) and 1e-4 < rates[-1] < 1e-3


def test_inputs_are_scaled_as_in_the_first_round_and_turns_of_the_grip_weigh_more(
    tmp_path, monkeypatch
):
    learners, save = [], bc._Learner.save

    def noted(learner):
        learners.append(learner)
        save(learner)

    monkeypatch.setattr(bc._Learner, "save", noted)
    head = "observations: [grip_asked, part_gap]"
    train.main(options(tmp_path, f"{CLONING}, decisions: 4, grip_slips: 0.3", head=head))
    learner, folder = learners[-1], tmp_path / "out" / "stage-1-bc"
    data = checkpoint.fetch(folder / "round-000.safetensors")[0]
    wide = features(data["seen"], [1.0, 0.1, 0.01])
    assert learner.policy().tensors["mean"] == pytest.approx(wide.mean(axis=0))
    turned = np.abs(data["seen"][:, 0] - data["answers"][:, -1]) > 0.2
    assert 0 < turned.sum() < len(turned)
    assert np.array_equal(learner.weights[0], np.where(turned, 4.0, 1.0))


@pytest.mark.parametrize(
    ("out", "wanted", "costs"),
    [(3.0, 1.0, False), (-3.0, -1.0, False), (0.5, 1.0, True), (3.0, 0.5, True), (-3.0, 1.0, True)],
)
def test_an_answer_that_is_cut_off_at_what_was_wanted_costs_nothing(out, wanted, costs):
    row = torch.ones(1)
    loss = bc._loss(torch.tensor([[out]]), torch.tensor([[wanted]]), row)
    assert (float(loss) > 0.0) is costs


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file, ones = tmp_path / "checkpoint.safetensors", {"x": np.ones(3, np.float32)}
    checkpoint.store(file, ones, {"round": 1})
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError):
        checkpoint.store(file, {"x": np.zeros(3, np.float32)}, {"round": 2})
    tensors, state = checkpoint.fetch(file)
    assert state == {"round": 1} and np.array_equal(tensors["x"], ones["x"])


def test_a_training_leaves_nothing_outside_its_folder(tmp_path, monkeypatch):
    """Stable-Baselines3 makes a folder for a log that nobody reads."""
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(aside))
    train.main(options(tmp_path, "algo: ppo, steps: 64, rollout: 64, batch: 32"))
    assert not [path for path in aside.iterdir() if path.name.startswith("SB3")]
