"""A trained policy says when it does not know what it sees, by a threshold that was calibrated."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import json
import shutil

import numpy as np
import pytest

import genba.envs as envs
from genba.agents import calibrate, exam, make, trained
from genba.agents.card import load
from genba.safety.conformal import conformal_threshold
from genba.sim.state import EventKind

CELLS = ("kitting", "conveyor_sorting")


def play(env, seed, seconds):
    """Uncertainty at every step, in units of the policy's own threshold."""
    agent = make("trained", env)
    observation, info = env.reset(seed=seed)
    agent.reset(observation, info)
    told = []
    while info["time"] < seconds:
        action = agent.act(observation)
        told.append(env.machines["uncertainty"])
        observation, _, _, _, info = env.step(action)
    return told


@pytest.mark.parametrize("cell", CELLS)
def test_in_ordinary_work_a_shipped_policy_asks_nobody(cell):
    env = envs.make(f"{cell}_alone", overrides=["safety={profile: shared, uncertainty: {}}"])
    told = [score for seed in range(3) for score in play(env, 770_000 + seed, 8.0)]
    env.close()
    assert 0.2 < np.median(told) < max(told) <= 1.0


@pytest.mark.parametrize("cell", CELLS)
def test_a_policy_that_sees_what_it_never_learnt_from_asks_for_a_person(cell):
    env = envs.make(
        f"{cell}_alone",
        overrides=[
            "safety={uncertainty: {}}", "faults=[{what: observation_noise, at: 1.0, value: 0.5}]"
        ],
    )  # fmt: skip
    told = play(env, 3, 3.0)
    (asked,) = [e for e in env.events if e.kind is EventKind.REQUEST]
    env.close()
    assert max(told[:20]) <= 1.0 < max(told[20:])
    assert asked.data["cause"] == "uncertainty" and 1.0 <= asked.time < 1.5


@pytest.mark.parametrize("cell", CELLS)
def test_the_card_says_how_the_threshold_came_about(cell):
    card, _ = load(trained.HERE / cell)
    assert card.doubt is not None
    assert (card.doubt.alpha, card.doubt.episodes) == (0.05, 40)
    text = (trained.HERE / cell / "CARD.md").read_text()
    assert f"strangeness of {card.doubt.strangeness:.4g}" in text


def test_calibration_writes_score_and_conformal_threshold_of_episodes_it_has_played(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(trained.HERE / "conveyor_sorting", folder)
    told = calibrate.calibrate(folder, episodes=4, seconds=4.0, alpha=0.25)
    card, policy = load(folder)
    found = told.doubt
    assert found is not None and card.doubt == found and found.episodes == 4
    assert card.score == told.score and card.score["episodes"] == 4
    assert set(card.score["scripted"]) == set(card.score["figures"])
    assert "4 episodes of 4 s" in (folder / "CARD.md").read_text()
    hall = exam.Exam(envs.make("conveyor_sorting_alone").scenario, 4.0)
    hall.play(trained.Trained(card, policy, hall.env), range(exam.SCORE, exam.SCORE + 4))
    hall.close()
    assert found.strangeness == pytest.approx(conformal_threshold(hall.strangest, 0.25), abs=1e-4)
    shipped = load(trained.HERE / "conveyor_sorting")[0].doubt
    assert shipped and found.strangeness == pytest.approx(shipped.strangeness, rel=0.2)


@pytest.mark.parametrize(
    "asked", [("nowhere",), ("mine", "--episodes", "0"), ("mine", "--seconds", "-3")]
)
def test_calibration_of_nothing_is_one_line_and_leaves_the_card_as_it_was(tmp_path, capsys, asked):
    shutil.copytree(trained.HERE / "kitting", tmp_path / "mine")
    before = (tmp_path / "mine" / "card.json").read_bytes()
    assert calibrate.main([str(tmp_path / asked[0]), *asked[1:]]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert (tmp_path / "mine" / "card.json").read_bytes() == before


def test_too_few_episodes_give_no_threshold():
    assert calibrate.calibrated([1.0] * 18) is None
    assert calibrate.calibrated([1.0] * 19) is not None
    assert calibrate.calibrated([0.0] * 19) is None  # an agent that tells nothing


def test_a_policy_that_was_not_calibrated_says_nothing(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(trained.HERE / "kitting", folder)
    card = json.loads((folder / "card.json").read_text())
    del card["doubt"]
    (folder / "card.json").write_text(json.dumps(card))
    env = envs.make("kitting_alone")
    agent = make(folder, env)
    observation, _ = env.reset(seed=1)
    agent.act(observation)
    assert "uncertainty" not in env.machines
    env.close()
