"""Documentation that can run is run."""

import importlib
import re
import runpy
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from stable_baselines3 import PPO

import genba.envs as envs
from genba import cli
from genba.agents import AGENTS, make
from genba.scenarios import names

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language):
    for page in PAGES:
        for number, code in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.S)
        ):
            yield pytest.param(code, id=f"{page.stem}-{number}")


RUN = [p for p in blocks("python") if "import" in p.values[0] and "class Rule" not in p.values[0]]


@pytest.mark.parametrize("code", RUN)
@pytest.mark.filterwarnings("ignore")
def test_a_python_block_runs(code, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for (text,) in (block.values for block in blocks("yaml") if "# my_cell" in block.values[0]):
        (tmp_path / "my_cell.yaml").write_text(text)
    with patch.dict(AGENTS):
        exec(compile(code, "block", "exec"), {})  # our own documents


def test_a_model_of_ones_own_plays_as_the_document_says(tmp_path, monkeypatch):
    page = (ROOT / "docs/environments.md").read_text()
    code = re.search(r"```python\n# my_agent.py\n(.*?)```", page, re.S)
    env = envs.make("kitting_alone")
    monkeypatch.chdir(tmp_path)
    PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu").save("my_model.zip")
    with patch.dict(AGENTS):
        exec(compile(code[1] if code else "", "block", "exec"), {})
        agent = make("mine", env)
    observation, info = env.reset(seed=1)
    agent.reset(observation, info)
    assert env.action_space.contains(agent.act(observation)) and len(agent.fingerprint) == 16
    env.close()


@pytest.mark.parametrize("name", names())
def test_every_field_reward_term_and_info_is_documented(name):
    page = (ROOT / "docs/environments.md").read_text()
    env = envs.make(name)
    env.reset(seed=1)
    info = env.step(env.action_space.sample())[4]
    for word in (*env.fields, *info, *info["reward_terms"]):
        assert f"`{word}`" in page, word
    env.close()


@pytest.mark.parametrize("code", list(blocks("yaml")))
def test_a_scenario_in_a_document_plays(code, tmp_path, capfd):
    file = tmp_path / "mine.yaml"
    file.write_text(code)
    assert (
        cli.main(["run", str(file), "--agent", "scripted", "--seed", "1", "--set", "seconds=3"])
        == 0
    )


@pytest.mark.parametrize("code", list(blocks("sh")))
def test_a_command_in_a_document_is_one_that_the_program_takes(code):
    for line in code.splitlines():
        words = line.split("#")[0].split()
        if words and words[0].endswith("genba"):
            options = cli._parser().parse_args(words[1:])
            assert options.command == words[1]


ROOMS = ("genba", "sim", "safety", "scenarios", "envs", "agents", "tests", "docs")
SOURCES = [
    file
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    if not any(folder.is_symlink() for folder in file.parents)
]
NAMED = re.compile(
    rf"(?<![\w./-])(?:{'|'.join(ROOMS)})/(?:[\w.-]+/)*(?:[\w.-]+\.(?:py|md|yaml|csv))?"
)
NOT_HERE = ("tests/envs/test_envs.py",)  # Gymnasium's


def known(name):
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", *SOURCES], ids=lambda p: p.name)
def test_files_and_modules_that_are_named_are_there(page):
    text = page.read_text()
    for name in set(NAMED.findall(text)) - set(NOT_HERE):
        assert "my_" in name or (ROOT / name).exists(), name
    for name in set(re.findall(r"(?<![\w./])genba(?:\.[a-zA-Z_]\w*)+", text)):
        assert known(name), name


def test_the_example_makes_decisions_of_a_recorded_log(capsys):
    example = runpy.run_path(str(ROOT / "docs/examples/joint_log.py"))
    decisions = example["main"](ROOT / "docs/examples/panda_simulated.csv")
    text = capsys.readouterr().out
    assert len((ROOT / "docs/examples/joint_log.py").read_text().splitlines()) < 100
    assert {d.category for d in decisions} == {None, 2}
    assert any(d.category is None and d.scale < 1.0 for d in decisions)
    assert decisions[0].scale == 1.0  # nobody near yet
    for line in ("stop   speed_separation", "reset  speed_separation", "reduced_speed"):
        assert line in text


def test_the_example_judges_the_recording_whose_velocities_fit_its_positions(capsys):
    example = runpy.run_path(str(ROOT / "docs/examples/joint_log.py"))
    recorded = ROOT / "docs/examples/fr3_recorded.csv"
    decisions = example["main"](recorded)
    assert "stop   speed_separation" in capsys.readouterr().out
    assert decisions[0].scale == 1.0 and decisions[-1].category == 2
    rows = np.loadtxt(recorded, delimiter=",", skiprows=1)
    time, q, dq = rows[:, 0], rows[:, 1:8], rows[:, 8:]
    assert len(rows) > 100 and 0.03 < np.diff(time).min() and np.diff(time).max() < 0.04
    moved = np.diff(q, axis=0) / np.diff(time)[:, None]
    assert abs(moved - 0.5 * (dq[1:] + dq[:-1])).max() < 0.04  # rad/s


def test_the_example_reads_a_log_without_velocities(tmp_path):
    example = runpy.run_path(str(ROOT / "docs/examples/joint_log.py"))
    file = tmp_path / "log.csv"
    rows = [f"{i / 50},{i / 100},0,0,-1.5,0,1.5,0" for i in range(60)]
    file.write_text("time," + ",".join(f"q{i}" for i in range(1, 8)) + "\n" + "\n".join(rows))
    time, q, dq = example["read"](file)
    assert len(time) == len(q) == len(dq) and q.shape[1] == 7
    assert dq[:, 0] == pytest.approx(0.5)


def test_the_example_reads_a_recording_of_positions_at_a_rate(tmp_path):
    """As a Panda's interface gives them: a row a millisecond, no times and no velocities."""
    example = runpy.run_path(str(ROOT / "docs/examples/joint_log.py"))
    file = tmp_path / "record.csv"
    rows = [f"{i / 4000},0,0,-1.5,0,1.5,0" for i in range(600)]
    file.write_text(",".join(f"j{i}" for i in range(7)) + "\n" + "\n".join(rows))
    time, q, dq = example["read"](file, 1000.0)
    assert time[-1] == pytest.approx(0.6, abs=0.02) and len(time) == len(q) == len(dq)
    assert dq[:, 0] == pytest.approx(0.25) and q[-1, 3] == -1.5
    assert abs(dq[:, 1:]).max() < 1e-9
