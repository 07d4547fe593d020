"""A training does what was asked or says in one line why not; its card says what was done."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import json
import shlex
import shutil

import numpy as np
import pytest
from tqdm import tqdm

import genba.envs as envs
from genba import cli, scenarios
from genba.agents import AgentError, calibrate, checkpoint, exam, export, progress, train
from genba.agents.card import load, save_card, save_policy
from genba.agents.policy import Policy
from genba.agents.trained import HERE
from genba.lock import locked
from genba.scenarios import ScenarioError


@pytest.fixture
def bent(tmp_path):
    """A policy such as sac leaves behind."""
    folder = shutil.copytree(HERE / "kitting", tmp_path / "bent")
    save_card(folder, load(folder)[0].model_copy(update={"output": "tanh"}))
    return folder


def refused(tmp_path, **more):
    """The one line with which an order is refused before anything is done."""
    with pytest.raises(AgentError) as caught:
        train.order({"scenario": "kitting_alone", "out": tmp_path / "out", **more})
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
    return str(caught.value)


@pytest.mark.parametrize("algo", ["bc", "ppo"])
def test_no_training_begins_from_a_policy_of_other_speeds(tmp_path, algo):
    """Played, such a policy is rescaled; its weights as they stand are another policy."""
    more = {"algo": algo, "from": HERE / "kitting", "overrides": ["tcp_speed=0.5", "tcp_turn=1.0"]}
    line = refused(tmp_path, **more)
    assert "units of 1 and 2" in line and "tcp_speed and tcp_turn" in line


@pytest.mark.parametrize("algo", ["bc", "ppo"])
def test_no_training_begins_from_a_policy_of_sac(tmp_path, bent, algo):
    """Its tanh would be left out: from the first step on it would be another policy."""
    assert "made by sac" in refused(tmp_path, **{"algo": algo, "from": bent})


def test_the_card_says_what_is_done_with_the_networks_output(bent):
    assert "output bent into -1 to 1\n  (`tanh`)" in export.text(load(bent)[0])
    assert "output cut off at -1 and 1\n  (`clip`)" in export.text(load(HERE / "kitting")[0])


def drafted(tmp_path, *overrides, **more):
    """The order of a training and the card that it would begin with."""
    told = {"scenario": "kitting_alone", "algo": "ppo", "overrides": overrides, **more}
    asked = train.order({"out": tmp_path / "out", **told})
    env = envs.make(asked.scenario)
    try:
        return asked, export.draft(asked.scenario, asked.recipe, env, asked.command)
    finally:
        env.close()


def test_a_policy_that_moves_the_joints_sees_them_unless_its_recipe_says_otherwise(tmp_path):
    joints = {"joint_position", "joint_velocity"}
    for scenario in ("kitting_alone", "conveyor_sorting_alone"):
        for action, reads in (("twist", set()), ("joint_velocity", joints)):
            card = drafted(tmp_path, f"action={action}", scenario=scenario)[1]
            assert joints & set(card.observations) == reads
    recipe = tmp_path / "own.yaml"
    for text, reads in (("observations: [part_gap]", set()), ("hidden: [32]", joints)):
        recipe.write_text(f"{text}\nstages: [{{algo: ppo}}]")
        card = drafted(tmp_path, "action=joint_velocity", algo=None, recipe=recipe)[1]
        assert joints & set(card.observations) == reads


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["tcp_speed=1e-7"], "no card can say speeds.0: "),
        (["action=joint_velocity", "joint_speed=1e-9"], "no card can say speeds.0: "),
    ],
)
def test_what_no_card_can_hold_is_refused_in_one_line(tmp_path, more, words):
    with pytest.raises(AgentError, match=words) as caught:
        drafted(tmp_path, *more)
    assert "\n" not in str(caught.value) and "kitting_alone.yaml" in str(caught.value)


def test_joints_that_no_action_moves_are_no_scenario():
    with pytest.raises(ScenarioError, match="joint_speed: "):
        scenarios.load("kitting_alone", ["joint_speed=0"])


def test_a_long_command_is_cut_on_the_card_and_whole_for_going_on(tmp_path):
    asked, card = drafted(tmp_path, *["seconds=20"] * 200)
    assert len(card.command) == 2000 < len(asked.command) and card.command.endswith(" ...")
    assert asked.command.endswith(f"--out {tmp_path / 'out'}")


def test_a_training_is_the_same_whatever_the_folder_begun_from_is_called(tmp_path, monkeypatch):
    monkeypatch.chdir(HERE)
    other = shutil.copytree(HERE / "kitting", tmp_path / "other")
    card, policy = load(other)
    changed = {**policy.tensors, "layer2.bias": policy.tensors["layer2.bias"] + 1}
    digest = save_policy(other, Policy(policy.shape, changed))
    save_card(other, card.model_copy(update={"sha256": digest}))

    def start(name):
        return drafted(tmp_path, **{"from": name})[0].identity()["start"]

    assert start("kitting") == start("../weights/kitting") == start(HERE / "kitting")
    assert start("kitting") != start(other)


@pytest.mark.parametrize("named", ["algo", "recipe"])
def test_the_command_on_a_card_orders_the_same_training_again(tmp_path, named):
    recipe = tmp_path / "own recipe.yaml"
    recipe.write_text("stages: [{algo: ppo, steps: 9000, rollout: 512}]")
    more = {"overrides": ["seconds=20", "people.behaviours={helpful: 0.5, attacking: 0.5}"]}
    told = {"algo": "ppo"} if named == "algo" else {"algo": None, "recipe": recipe}
    asked, card = drafted(tmp_path, **{"steps": 3000, "seed": 5, "from": HERE / "kitting"} | told)
    assert card.command == asked.command
    for order in (asked, train.order({"scenario": "kitting_shared", **told, **more})):
        words = shlex.split(order.command)
        again = train.order(vars(cli._parser().parse_args(words[1:])))
        assert words[0] == "genba" and again.identity() == order.identity()
        assert again.folder == order.folder and again.command == order.command


def test_whoever_goes_on_from_a_policy_reads_and_computes_as_it_does(tmp_path):
    folder, (card, policy) = tmp_path / "mine", load(HERE / "kitting")
    digest = save_policy(folder, policy)
    save_card(folder, card.model_copy(update={"sha256": digest, "scales": [0.5, 0.2, 0.05]}))
    recipe = drafted(tmp_path, **{"from": folder})[0].recipe
    assert (recipe.scales, recipe.hidden) == ([0.5, 0.2, 0.05], card.hidden)
    assert recipe.observations == list(card.observations)


TINY = "scoring: {every: 100000, look: 1, choose: 1, episodes: 0, seconds: 2}\nhidden: [8]\n"


@pytest.mark.parametrize(
    ("stage", "steps"),
    [
        ("algo: ppo, steps: 150, rollout: 64, batch: 32", 192),
        ("algo: ppo, steps: 100, rollout: 4096, batch: 64", 128),
        ("algo: sac, steps: 101, starts: 40, every: 4", 104),
    ],
)
def test_card_ledger_and_bar_count_the_steps_that_were_played(tmp_path, monkeypatch, stage, steps):
    from genba.agents import rl

    played, bars, step = [], [], rl.Lesson.step

    def counted(lesson, action):
        played.append(action)
        return step(lesson, action)

    def kept(**told):
        bars.append(tqdm(**told))
        return bars[-1]

    monkeypatch.setattr(rl.Lesson, "step", counted)
    monkeypatch.setattr(progress, "tqdm", kept)
    train.main(tiny(tmp_path, stage))
    out = tmp_path / "out"
    ledger = json.loads((out / "training.json").read_text())
    assert len(played) == load(out)[0].steps == ledger["stages"][0]["steps"] == steps
    assert bars[0].n == bars[0].total == steps
    assert f"{steps} control steps" in (out / "CARD.md").read_text()
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    curves = events.EventAccumulator(str(out / "tensorboard"))
    curves.Reload()
    (mean, length) = (curves.Scalars(f"rollout/ep_{name}_mean")[-1] for name in ("rew", "len"))
    assert length.value == 40.0 and mean.step <= steps and abs(mean.value) < 1e6


def tiny(tmp_path, stage, **more):
    """Options of a training of a second."""
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(f"{TINY}stages: [{{{stage}}}]")
    told = {"scenario": "kitting_alone", "recipe": recipe, "overrides": ["seconds=2"]}
    return {**told, "out": tmp_path / "out", **more}


def damages(tensors, state):
    """(name, tensors, state) of checkpoints that are not those of the training."""
    for name, value in tensors.items():
        if name.startswith("adam.") or ".adam." in name:
            if name.endswith(".exp_avg"):
                yield f"{name} short", {**tensors, name: np.ones(3, np.float32)}, state
                yield f"{name} unknown", {**tensors, f"{name}.x": value}, state
                yield f"{name} gone", {k: v for k, v in tensors.items() if k != name}, state
            continue
        yield f"{name} gone", {k: v for k, v in tensors.items() if k != name}, state
        yield f"{name} short", {**tensors, name: np.ones((7, 7), np.float32)}, state
        if value.ndim == 2:  # would be spread over all rows
            yield f"{name} one row", {**tensors, name: value[:, :1].copy()}, state
    for name in state:
        yield f"no {name}", tensors, {k: v for k, v in state.items() if k != name}
        for other in ("x", -1, None, 1e99, [1], [{"lap": 1}]):
            yield f"{name} {other}", tensors, {**state, name: other}


@pytest.mark.parametrize(
    "stage",
    [
        "algo: bc, steps: 100, rounds: 2, updates: 2, final: 0, batch: 16",
        "algo: ppo, steps: 128, rollout: 64, batch: 32",
        "algo: sac, steps: 100, starts: 40, every: 4",
    ],
)
def test_a_checkpoint_of_another_training_is_refused_in_one_line(tmp_path, stage):
    train.main(tiny(tmp_path, stage))
    folder = tmp_path / "out"
    ledger = json.loads((folder / "training.json").read_text())
    (folder / "training.json").write_text(json.dumps({**ledger, "stages": []}))
    (file,) = folder.glob("stage-1-*/checkpoint.safetensors")
    tensors, state = checkpoint.fetch(file)
    for name, changed, told in damages(tensors, state):
        checkpoint.store(file, changed, told)
        with pytest.raises(AgentError) as caught:
            train.main(tiny(tmp_path, stage, resume=True))
        assert str(caught.value) == f"{file}: not a training that can be resumed", name
    checkpoint.store(file, tensors, state)
    for data in folder.glob("stage-1-*/round-001.safetensors"):
        kept = checkpoint.fetch(data)[0]
        checkpoint.store(data, {**kept, "seen": kept["seen"][:, :2]}, {})
        with pytest.raises(AgentError, match="round-001.safetensors: not a training that can be"):
            train.main(tiny(tmp_path, stage, resume=True))
        checkpoint.store(data, kept, {})
    assert train.main(tiny(tmp_path, stage, resume=True)) == 0


def test_two_trainings_do_not_write_into_one_folder(tmp_path):
    stage = "algo: bc, steps: 100, rounds: 2, updates: 2, final: 0, batch: 16"
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out", AssertionError()):
        with pytest.raises(AgentError, match="out: another genba train is writing there"):
            train.main(tiny(tmp_path, stage))
    assert train.main(tiny(tmp_path, stage)) == 0
    with locked(tmp_path / "out", AssertionError()):
        with pytest.raises(AgentError, match="out: another genba train is writing there"):
            train.main(tiny(tmp_path, stage, resume=True))


def scored_in(folder, *more):
    """Calibrates on a second; the exit code and the hash of the scenario that was played."""
    halls = []

    class Hall(exam.Exam):
        def __init__(self, *told):
            halls.append(told[0].fingerprint())
            super().__init__(*told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exam, "Exam", Hall)
        code = calibrate.main([str(folder), "--episodes", "1", "--seconds", "1", *more])
    return code, *halls


def test_calibration_plays_the_scenario_of_the_training_again(tmp_path, capsys):
    """Also of a file that is no longer there, and with what was changed by --set."""
    own = tmp_path / "own_cell.yaml"
    told = (scenarios.scenario.HERE / "kitting_alone.yaml").read_text()
    own.write_text(told.replace("name: kitting_alone", "name: own_cell"))
    stage = "algo: ppo, steps: 64, rollout: 64, batch: 32"
    overrides = ["robot=iiwa", "action=joint_velocity", "people.visits_per_hour=60"]
    train.main(tiny(tmp_path, stage, scenario=own, overrides=overrides))
    trained = scenarios.load(own, overrides).fingerprint()
    own.unlink()
    assert scored_in(tmp_path / "out") == (0, trained)
    assert load(tmp_path / "out")[0].score["episodes"] == 1


def test_calibration_of_a_card_without_its_scenario_plays_no_other(tmp_path, capsys):
    folder = shutil.copytree(HERE / "kitting", tmp_path / "mine")
    card = load(folder)[0].model_copy(update={"played": {}})  # as before cards kept it
    save_card(folder, card)
    assert scored_in(folder) == (0, scenarios.load("kitting_alone").fingerprint())
    changed = card.model_copy(update={"command": f"{card.command} --set task.trays=2"})
    save_card(folder, changed)
    capsys.readouterr()
    for more, words in (
        ((), "its card does not keep the scenario; give"),
        (("--scenario", "kitting_shared"), "trained with kitting_alone, not kitting_shared; give"),
        (("--scenario", "kitting_alone", "--set", "robot=iiwa"), "with panda, not iiwa; give"),
        (("--scenario", "kitting_alone", "--set", "tcp_speed=0.5"), "(1.0, 2.0), not (0.5, 2.0)"),
        (("--set", "robot=iiwa"), "--set: changes the scenario that --scenario names"),
        (("--scenario", "nowhere"), "unknown scenario"),
    ):
        assert scored_in(folder, *more) == (2,)
        said = capsys.readouterr().err
        assert words in said and len(said.splitlines()) == 1
    changes = ("--scenario", "kitting_alone", "--set", "people.visits_per_hour=9")
    played = scenarios.load("kitting_alone", [changes[-1]]).fingerprint()
    assert scored_in(folder, *changes) == (0, played)
    assert scored_in(folder) == (0, played)  # now its card keeps it


def test_a_scenario_on_a_card_that_cannot_be_played_is_one_line(tmp_path, capsys):
    folder = shutil.copytree(HERE / "kitting", tmp_path / "mine")
    save_card(folder, load(folder)[0].model_copy(update={"played": {"name": "x", "cell": 3}}))
    assert scored_in(folder) == (2,)
    said = capsys.readouterr().err
    assert "card.json: played: cell: " in said and len(said.splitlines()) == 1
