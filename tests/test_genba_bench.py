"""The benchmark: nothing that was played is lost, and nothing is counted twice or mixed up."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from genba import bench
from genba.agents import AGENTS
from genba.bench import results
from genba.bench.cast import cast
from genba.bench.play import details
from genba.bench.workers import Done
from genba.console import Refused
from genba.scenarios import load

TINY = """
name: tiny
scenarios: [kitting_alone]
episodes: 3
seed: 7
seconds: 2
"""


def plan(agents=(("idle", "h"), ("random", "h")), episodes=3, build="b", **changes):
    scenario = load("kitting_alone", [f"{k}={v}" for k, v in changes.items()])
    return bench.Plan("tiny", (scenario,), tuple(agents), 7, episodes, build)


def played(job):
    """What an episode would leave, without playing it: four parts and nobody called."""
    from genba import kpi
    from genba.sim.state import Event, EventKind

    done = {"good": True, "kind": "a", "rework": False, "assisted": False, "reason": ""}
    events = [
        Event(float(i), EventKind.PART_FINISHED, f"p{i}", done)
        for i in range(job.seed % 3 + len(job.agent))
    ]
    tally = kpi.tally(events, job.scenario.seconds)
    figures = {"figures": kpi.figures(tally), "tally": tally}
    return {**job.row(), **figures, "worst": None, "file": job.file, "error": None}


def play(monkeypatch, folder, asked, resume=False, spoil=lambda job: None, order=1):
    """Runs a benchmark in this process; `spoil(job)` may give the error an episode ends with."""

    def spread(work, jobs, workers):
        for job in jobs[::order]:
            error = spoil(job)
            yield Done(job, error=error) if error else Done(job, played(job))

    monkeypatch.setattr(bench, "spread", spread)
    steps = list(bench.run(asked, folder, 2, resume))
    assert steps[0][2] is None and steps[-1][0] == steps[-1][1]
    return [row for _, _, row in steps[1:]]


def scores(folder):
    return (folder / results.SCORECARD).read_bytes()


def test_every_agent_plays_the_same_seeds(monkeypatch, tmp_path):
    rows = play(monkeypatch, tmp_path / "b", plan())
    seeds = {a: [r["seed"] for r in rows if r["agent"] == a] for a in ("idle", "random")}
    assert seeds["idle"] == seeds["random"] == [7, 8, 9]


def test_the_score_does_not_depend_on_the_order_in_which_episodes_end(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path / "a", plan())
    play(monkeypatch, tmp_path / "b", plan(), order=-1)
    assert scores(tmp_path / "a") == scores(tmp_path / "b")


def test_resume_plays_only_what_is_missing(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path / "b", plan(episodes=2))
    rows = play(monkeypatch, tmp_path / "b", plan(episodes=3), resume=True)
    assert [(r["agent"], r["seed"]) for r in rows] == [("idle", 9), ("random", 9)]
    play(monkeypatch, tmp_path / "whole", plan(episodes=3))
    assert scores(tmp_path / "b") == scores(tmp_path / "whole")
    assert play(monkeypatch, tmp_path / "b", plan(episodes=3), resume=True) == []


def test_an_agent_may_be_added_later(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path / "b", plan(agents=[("idle", "h")]))
    rows = play(monkeypatch, tmp_path / "b", plan(agents=[("random", "h")]), resume=True)
    assert {r["agent"] for r in rows} == {"random"}
    assert set(results.read_json(tmp_path / "b" / results.META)["agents"]) == {"idle", "random"}


def test_less_asked_of_a_folder_later_takes_nothing_from_what_it_says(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path / "b", plan())
    path = tmp_path / "b" / results.META
    before = {**results.read_json(path), "date": "2026-01-01"}
    results.dump(path, before)
    less = plan(agents=[("idle", "h")], episodes=1)
    assert play(monkeypatch, tmp_path / "b", less, resume=True) == []
    assert results.read_json(path) == before


def test_of_the_pictures_only_those_of_the_worst_moments_are_kept(monkeypatch, tmp_path):
    margins = {"idle": (0.3, -0.1, 0.2), "random": (0.5, 0.6, 0.5)}

    def harmed(job):
        margin = margins[job.agent][job.seed - 7]
        (tmp_path / "b" / results.EPISODES / f"{job.file}.png").write_bytes(b"picture")
        return {**played(job), "worst": {"time": 1.0, "margin": margin, "separation": None}}

    def spread(work, jobs, workers):
        yield from (Done(job, harmed(job)) for job in jobs)

    monkeypatch.setattr(bench, "spread", spread)
    rows = [row for _, _, row in bench.run(plan(), tmp_path / "b", 1, False) if row]
    files = {(row["agent"], row["seed"]): row["file"] for row in rows}
    kept = {picture.stem for picture in (tmp_path / "b" / results.EPISODES).glob("*.png")}
    assert kept == {files["idle", 8], files["random", 7]}


def test_of_the_trace_what_lies_about_the_worst_moment_is_kept():
    rows = np.arange(0.0, 30.0)[:, None] * np.ones(5)
    worst = {"time": 12.0, "margin": -0.1, "separation": 0.2}
    cell = SimpleNamespace(events=[], worst=worst, trace=rows)
    kept = details(SimpleNamespace(unwrapped=cell))["worst"]
    assert [row[0] for row in kept.pop("trace")] == list(range(7, 18)) and kept == worst
    cell.worst = {**worst, "margin": float("inf")}
    assert details(SimpleNamespace(unwrapped=cell))["worst"] is None


def test_who_decides_with_something_else_in_one_of_the_scenarios_is_another_agent(monkeypatch):
    class Mine:
        def __init__(self, env):
            self.fingerprint = env.unwrapped.scenario.fingerprint()
            self.reset = self.act = None

    monkeypatch.setitem(AGENTS, "mine", Mine)
    one, two, three = (load("kitting_alone", [f"seconds={n}"]) for n in (10, 20, 30))
    hashes = [cast(some, ["mine"])[0][0][1] for some in ([one], [one, two], [one, three])]
    assert hashes[0] == one.fingerprint() and len(set(hashes)) == 3


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_half_written_line_is_played_again(monkeypatch, tmp_path, cut):
    play(monkeypatch, tmp_path / "b", plan())
    before, file = scores(tmp_path / "b"), tmp_path / "b" / results.RESULTS
    file.write_bytes(file.read_bytes()[:-cut])
    rows = play(monkeypatch, tmp_path / "b", plan(), resume=True)
    assert [(r["agent"], r["seed"]) for r in rows] == [("random", 9)]
    assert scores(tmp_path / "b") == before
    assert len(file.read_text().splitlines()) == 6


def test_results_are_not_overwritten(monkeypatch, tmp_path):
    play(monkeypatch, tmp_path / "b", plan())
    before = (tmp_path / "b" / results.RESULTS).read_bytes()
    with pytest.raises(Refused, match="--resume"):
        play(monkeypatch, tmp_path / "b", plan())
    assert (tmp_path / "b" / results.RESULTS).read_bytes() == before


@pytest.mark.parametrize(
    "other, said",
    [
        (plan(planned_cycle_time=9), "scenario kitting_alone"),
        (plan(agents=[("idle", "changed")]), "agent idle"),
        (plan(build="other"), "build"),
        (dataclasses.replace(plan(), seed=8), "seed"),
        (dataclasses.replace(plan(), suite="other"), "suite"),
        (dataclasses.replace(plan(), scenarios=()), "scenarios"),
    ],
)
def test_results_of_two_configurations_are_not_mixed(monkeypatch, tmp_path, other, said):
    play(monkeypatch, tmp_path / "b", plan())
    with pytest.raises(Refused, match=f"another configuration.*{said}"):
        play(monkeypatch, tmp_path / "b", other, resume=True)


@pytest.mark.parametrize("name", ["panda_vacuum.urdf", "chain.py", "ssm_reach.py", "console.py"])
def test_a_change_of_the_code_or_of_a_robot_is_another_build(monkeypatch, name):
    before, read = bench.build_hash(), Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + b"#" * (self.name == name))
    assert bench.build_hash() != before


def test_a_folder_of_somebody_else_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / results.META).write_text('{"genba": 1}')
    with pytest.raises(Refused, match="not written by genba bench|another configuration"):
        play(monkeypatch, tmp_path, plan(), resume=True)
    assert not (tmp_path / results.RESULTS).exists()


def test_a_failed_episode_is_a_row_and_is_tried_again_on_resume(monkeypatch, tmp_path):
    def spoil(job):
        return "ValueError: no" if (job.agent, job.seed) == ("random", 8) else None

    rows = play(monkeypatch, tmp_path / "b", plan(), spoil=spoil)
    assert [r["error"] for r in rows if r["agent"] == "random"] == [None, "ValueError: no", None]
    card = json.loads(scores(tmp_path / "b"))
    assert {r["n"] for r in card if r["agent"] == "random"} == {2}
    assert {r["n"] for r in card if r["agent"] == "idle"} == {3}
    again = play(monkeypatch, tmp_path / "b", plan(), resume=True)
    assert [(r["agent"], r["seed"]) for r in again] == [("random", 8)]
    play(monkeypatch, tmp_path / "whole", plan())
    assert scores(tmp_path / "b") == scores(tmp_path / "whole")


def test_two_runs_do_not_write_into_one_folder(monkeypatch, tmp_path):
    pytest.importorskip("fcntl")
    first = bench.run(plan(), tmp_path / "b", 1, False)
    next(first)
    with pytest.raises(Refused, match="another genba bench"):
        play(monkeypatch, tmp_path / "b", plan(), resume=True)
    first.close()


def test_files_of_an_episode_stay_in_the_folder_whatever_the_agent_is_called():
    scenario = load("kitting_alone")
    names = ["../../etc/passwd", "a/b", "..", "日本", "a b", "a" * 500, "A/b"]
    files = [bench.Job(scenario, name, "h", 1, "x").file for name in names]
    assert len(set(files)) == len(names)
    assert all(set(f) <= set("-_.") | {c for c in f if c.isascii() and c.isalnum()} for f in files)
    assert all("/" not in f and ".." not in f and len(f) < 120 for f in files)


def test_an_interrupted_run_says_how_to_go_on(monkeypatch, tmp_path, capfd):
    from genba.cli import INTERRUPTED, main

    def spread(work, jobs, workers):
        yield Done(jobs[0], played(jobs[0]))
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "spread", spread)
    monkeypatch.setattr(bench, "plan", lambda *_: plan())
    folder = tmp_path / "b"
    assert main(["bench", "quick", "--out", str(folder)]) == INTERRUPTED
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == f"genba: interrupted; 1 of 6 episodes are in {folder}, go on with --resume"
    assert len(play(monkeypatch, folder, plan(), resume=True)) == 5


def test_a_json_that_cannot_be_written_takes_neither_the_report_nor_the_table_along(
    monkeypatch, tmp_path, capfd
):
    from genba.cli import BAD_INPUT, main

    monkeypatch.setattr(
        bench, "spread", lambda work, jobs, workers: [Done(j, played(j)) for j in jobs]
    )
    monkeypatch.setattr(bench, "plan", lambda *_: plan())
    folder = tmp_path / "b"
    argv = ["bench", "kitting_alone", "--out", str(folder), "--json", "/dev/full"]
    assert main(argv) == BAD_INPUT
    said = capfd.readouterr()
    assert said.err.splitlines()[-1].startswith("genba: /dev/full: cannot be written")
    assert "good_parts_per_hour" in said.out and str(folder / results.REPORT) in said.out
    assert "<html" in (folder / results.REPORT).read_text()


def command(suite, folder, *more):
    agents = ("--agent", "idle", "--agent", "random")
    return [
        sys.executable,
        "-m",
        "genba.cli",
        "bench",
        str(suite),
        "--out",
        str(folder),
        *agents,
        *more,
    ]


def test_a_killed_run_loses_at_most_what_was_being_played(tmp_path):
    suite, folder = tmp_path / "tiny.yaml", tmp_path / "killed"
    suite.write_text(TINY)
    file = folder / results.RESULTS
    process = subprocess.Popen(command(suite, folder, "--workers", "1"), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = file.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    with file.open("ab") as half:
        half.write(b'{"scenario": "kit')

    resumed = subprocess.run(
        command(suite, folder, "--workers", "2", "--resume", "--json", "-"), capture_output=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert file.read_bytes().startswith(kept)  # what was played is not played again
    rows = results.read_rows(folder)
    assert sorted((r["agent"], r["seed"]) for r in rows) == [
        (agent, seed) for agent in ("idle", "random") for seed in (7, 8, 9)
    ]
    assert len(file.read_bytes().splitlines()) == 6
    assert json.loads(resumed.stdout) == json.loads(scores(folder))
    assert "<html" in (folder / results.REPORT).read_text()

    whole = tmp_path / "whole"
    subprocess.run(command(suite, whole, "--workers", "1"), check=True, capture_output=True)
    assert scores(whole) == scores(folder)
