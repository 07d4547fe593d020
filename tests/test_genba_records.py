"""A benchmark's folder: what is damaged is named with its line and key, and figures follow."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import gzip
import json
import os
import shutil

import pytest

from genba import kpi
from genba.bench import build_hash, prepare, results
from genba.cli import main
from genba.console import Refused
from genba.report import render, write
from genba.sim.state import Event, EventKind

GONE = object()
SECONDS = 60.0
WORST = {"time": 5.0, "margin": 0.1, "separation": 1.0}
META = {
    "genba": "0", "build": "b", "date": "2026-01-01", "suite": "s", "seed": 1, "episodes": 2,
    "agents": {"a": "h", "b": "h"},
    "scenarios": {
        "tray": {
            "name": "tray", "config": "c", "rules": [], "regime": None, "seconds": SECONDS,
            "people": {"visits_per_hour": 0},
        }
    },
}  # fmt: skip


def events():
    """Six good parts, one every five seconds."""
    plan = {"planned_cycle_time": 5.0, "takt": None}
    yield Event(0.0, EventKind.EPISODE_START, "tray", plan)
    yield Event(0.0, EventKind.STATE, "cell", {"state": "producing"})
    done = {"good": True, "kind": "a", "rework": False, "assisted": False, "reason": ""}
    for i in range(6):
        yield Event(1.0 + 5 * i, EventKind.PART_STARTED, f"p{i}", {"kind": "a"})
        yield Event(4.0 + 5 * i, EventKind.PART_FINISHED, f"p{i}", done)
    yield Event(SECONDS, EventKind.EPISODE_END, "tray")


@pytest.fixture
def folder(tmp_path):
    """What genba bench leaves of two agents on two seeds."""
    (tmp_path / "episodes").mkdir()
    results.dump(tmp_path / results.META, META)
    tally = kpi.tally(list(events()), SECONDS)
    figures = {"figures": kpi.figures(tally), "tally": tally}
    kept = {"events": [results.event_row(e) for e in events()], "worst": {**WORST, "trace": []}}
    with (tmp_path / results.RESULTS).open("wb") as file:
        for agent, seed in (("a", 1), ("b", 1), ("a", 2), ("b", 2)):
            name = f"tray-{agent}-{seed}"
            of = {"scenario": "tray", "config": "c", "agent": agent, "agent_hash": "h"}
            told = {"seed": seed, "seconds": SECONDS, "file": name, "error": None, "worst": WORST}
            results.append(file, {**of, **told, **figures})
            results.write_episode(tmp_path / "episodes" / f"{name}.json.gz", kept)
    write(tmp_path)
    return tmp_path


def change(folder, key, value, line=2):
    """Puts a value into a row, at a path of keys."""
    path = folder / results.RESULTS
    rows = path.read_text().splitlines()
    row = at = json.loads(rows[line - 1])
    *way, last = key.split("/")
    for name in way:
        at = at[name]
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    rows[line - 1] = json.dumps(row)
    path.write_text("\n".join(rows) + "\n")


def checked(folder, capfd):
    code = main(["report", "--check", str(folder)])
    said = capfd.readouterr()
    return code, said.out.splitlines(), said.err


@pytest.mark.parametrize(
    "key, value",
    [
        ("error", GONE),
        ("tally", GONE),
        ("tally", None),
        ("tally/sums/good", "6"),
        ("tally/sums/good", float("nan")),
        ("tally/sums/good", float("inf")),
        ("tally/sums/good", -1),
        ("tally/sums/good", 10**400),
        ("tally/sums/good", True),
        ("tally/sums/good", 7),  # of 6 produced
        ("tally/sums/hazards", GONE),
        ("tally/highs/force_ratio", None),
        ("tally/cycle_times", GONE),
        ("tally/cycle_times", "text"),
        ("tally/cycle_times", [1, [2]]),
        ("worst", {"time": 1}),
        ("worst", GONE),
        ("figures", []),
        ("agent", 5),
        ("agent", "\ud800"),
        ("agent", "c"),
        ("scenario", "other"),
        ("config", "another"),
        ("agent_hash", "another"),
        ("seed", "x"),
        ("seed", 1.5),
        ("seconds", 0),
        ("file", "../../x"),
    ],
)
def test_a_damaged_row_is_named_with_its_line_and_key(folder, capfd, key, value):
    change(folder, key, value)
    before = (folder / results.SCORECARD).read_bytes()
    for asked in (["report"], ["report", "--check"]):
        assert main([*asked, str(folder)]) == 2
        said = capfd.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert f"{folder / results.RESULTS}: line 2" in said.err
        assert key.split("/")[-1] in said.err or key.split("/")[0] in said.err
    assert (folder / results.SCORECARD).read_bytes() == before


@pytest.mark.parametrize("line", ["[" * 100_000, "5", "null", "{}", "\0", '{"a": NaN', "[1, 2]"])
def test_a_line_that_is_no_row_is_named(folder, capfd, line):
    with (folder / results.RESULTS).open("a") as file:
        file.write(line + "\n")
    assert main(["report", str(folder)]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "line 5 is no result of an episode" in said


@pytest.mark.parametrize(
    "text", ["[1]", "{}", "null", "[" * 100_000, "\udcff", '{"genba": 1}', "5"]
)
def test_a_meta_file_of_another_hand_is_one_line(folder, capfd, text):
    (folder / results.META).write_bytes(text.encode(errors="surrogateescape"))
    assert main(["report", str(folder)]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and results.META in said


@pytest.mark.parametrize("key", ["agents", "scenarios", "seed", "episodes", "suite", "date"])
def test_a_key_of_meta_that_is_of_another_kind_is_named(folder, key):
    meta = results.read_json(folder / results.META)
    values: list[object] = [[], None, {"a": 5}, float("nan")]
    for value in values:
        (folder / results.META).write_text(json.dumps({**meta, key: value}))
        with pytest.raises(Refused, match=f"meta.json.*key {key}"):
            render(folder)


def test_no_episode_is_no_report(folder, capfd):
    (folder / results.RESULTS).write_bytes(b"")
    assert main(["report", str(folder)]) == 2
    assert "holds no episode" in capfd.readouterr().err


def test_another_agent_under_the_same_name_is_not_one_more_seed(folder, capfd):
    path = folder / results.RESULTS
    row = {**json.loads(path.read_text().splitlines()[0]), "agent_hash": "changed"}
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert main(["report", str(folder)]) == 2
    assert "line 5: agent_hash is 'changed', in meta.json it is 'h'" in capfd.readouterr().err
    meta = results.read_json(folder / results.META)
    before = (folder / results.META).read_bytes()
    with pytest.raises(Refused, match="line 5: agent_hash"):
        prepare(folder, {**meta, "date": "later"}, resume=True)
    assert (folder / results.META).read_bytes() == before


def test_details_of_another_form_do_not_take_the_report_away(folder):
    for i, kept in enumerate(({}, {"events": [5], "worst": None}, {"events": {}, "worst": 1})):
        results.write_episode(
            folder / "episodes" / f"tray-{'ab'[i % 2]}-{1 + i // 2}.json.gz", kept
        )
    assert "<html" in render(folder)


def test_a_picture_or_an_episode_that_leads_out_of_the_folder_is_not_followed(
    folder, capfd, tmp_path_factory
):
    secret = tmp_path_factory.mktemp("elsewhere") / "key"
    secret.write_text("TOP SECRET")
    for name in ("tray-a-1.png", "tray-a-1.json.gz"):
        kept = folder / "episodes" / name
        kept.unlink(missing_ok=True)
        kept.symlink_to(secret)
        with pytest.raises(Refused, match=f"{name}: leads out of"):
            render(folder)
        kept.unlink()
    shutil.move(folder / "episodes", secret.parent)
    (folder / "episodes").symlink_to(secret.parent / "episodes")
    code, out, _ = checked(folder, capfd)
    assert code == 1 and all("leads out of" in line for line in out[:4])


def test_a_pipe_in_place_of_an_episode_is_not_waited_for(folder):
    kept = folder / "episodes" / "tray-a-1.json.gz"
    kept.unlink()
    os.mkfifo(kept)
    with pytest.raises(Refused, match="not a file"):
        render(folder)


def test_an_episode_that_unpacks_to_more_than_any_writes_is_refused(folder, capfd, monkeypatch):
    monkeypatch.setattr(results, "MOST", 100_000)
    bomb = folder / "episodes" / "tray-a-1.json.gz"
    bomb.write_bytes(gzip.compress(b" " * 10_000_000))
    with pytest.raises(Refused, match="unpacks to more than 100000 bytes"):
        render(folder)
    assert main(["report", str(folder)]) == 2 and capfd.readouterr().err.count("\n") == 1
    code, out, _ = checked(folder, capfd)
    assert code == 1 and "tray-a-1.json.gz: unpacks to more" in out[0]
    assert not any("tray-b" in line for line in out)
    bomb.write_bytes(b"0" * 100_001)
    with pytest.raises(Refused, match="larger than 100000 bytes"):
        render(folder)


def test_a_name_that_a_terminal_would_obey_is_told_without_that(folder, capfd):
    name = "\x1b]0;PWNED\x07"
    for path in (folder / results.META, folder / results.RESULTS, folder / results.SCORECARD):
        path.write_text(path.read_text().replace('"b"', json.dumps(name)))
    change(folder, "figures/oee", 0.99)
    code, out, _ = checked(folder, capfd)
    assert code == 1 and any("tray ?]0;PWNED? seed 1: figures.oee" in line for line in out)
    assert all(line.isprintable() for line in out)


def test_figures_that_follow_from_their_events_are_said_to(folder, capfd):
    assert checked(folder, capfd) == (0, ["4 episodes, all figures follow from their events"], "")


def test_episodes_that_were_asked_for_and_are_not_there_are_counted(folder, capfd):
    meta = results.read_json(folder / results.META)
    (folder / results.META).write_text(json.dumps({**meta, "episodes": 5}))
    code, out, _ = checked(folder, capfd)
    assert code == 0 and out[1:] == ["6 episodes of those asked for are not there"]


@pytest.mark.parametrize(("build", "other"), [("b", True), (build_hash(), False)])
def test_figures_of_another_version_are_said_to_be_of_one(folder, capfd, build, other):
    meta = results.read_json(folder / results.META)
    (folder / results.META).write_text(json.dumps({**meta, "build": build}))
    change(folder, "figures/oee", 0.99)
    code, out, _ = checked(folder, capfd)
    assert code == 1 and ("another version" in out[-1]) is other


@pytest.mark.parametrize(
    "key, value",
    [
        ("tally/sums/apt", 59.0),
        ("tally/cycle_times", [5.0]),
        ("figures/oee", 0.99),
        ("figures/oee", GONE),
        ("figures/oeee", 1.0),
        ("worst/margin", 0.5),
        ("seconds", 61.0),
        ("file", "tray-a-1"),
    ],
)
def test_a_number_that_does_not_follow_is_named_with_its_row_and_key(folder, capfd, key, value):
    change(folder, key, value)
    code, out, _ = checked(folder, capfd)
    where = f"{folder / results.RESULTS}: tray b seed 1: {key.replace('/', '.')}"
    assert code == 1 and any(line.startswith(where) for line in out), out


def test_a_scorecard_that_was_touched_is_found_and_written_anew(folder, capfd):
    path = folder / results.SCORECARD
    sound = path.read_bytes()
    card = json.loads(sound)
    card[4]["value"] = 99.0
    for bad in (card, card[1:], card + card[:1], 5, [5]):
        path.write_text(json.dumps(bad))
        code, out, _ = checked(folder, capfd)
        assert code == 1 and str(path) in out[0]
    path.unlink()
    code, out, _ = checked(folder, capfd)
    assert code == 1 and out[0] == f"{path}: cannot be read (No such file or directory)"
    assert main(["report", str(folder)]) == 0
    assert path.read_bytes() == sound


def test_events_that_are_gone_or_cannot_be_are_found(folder, capfd):
    first, second = (folder / "episodes" / f"tray-a-{seed}.json.gz" for seed in (1, 2))
    first.unlink()
    kept = results.read_episode(second)
    assert kept is not None
    kept["events"].reverse()
    results.write_episode(second, kept)
    code, out, _ = checked(folder, capfd)
    assert code == 1 and f"{first}: missing" in out[0] and "out of order" in out[1]
