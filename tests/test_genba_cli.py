"""The command line: bad input is one line and exit code 2, `--json -` is JSON and no more."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genba import commands, scenarios
from genba.agents.trained import HERE
from genba.cli import BAD_INPUT, CATALOGUES, FAILED, INTERRUPTED, main
from genba.console import Refused, json_last, show_table, tidied, write_json
from genba.safety import read_config
from genba.speed import PARTS, Stopwatch, parted
from genba.speed_rules import every_rule

SHORT = ["--seconds", "1", "--agent", "idle"]


def answer(capfd, *argv):
    """Exit code and what was said on standard output and standard error."""
    code: object
    try:
        code = main([str(a) for a in argv])
    except SystemExit as stop:
        code = stop.code
    said = capfd.readouterr()
    return code, said.out, said.err


def refused(capfd, *argv):
    """The one line that bad input is answered with."""
    code, out, err = answer(capfd, *argv)
    assert code == BAD_INPUT, err
    assert out == "" and err.endswith("\n") and err.count("\n") == 1, err
    return err


def scenario_file(folder, **changes):
    import yaml

    data = scenarios.load("kitting_alone").model_dump(mode="json") | {"name": "mine"} | changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_every_command_has_help_with_an_example(capfd, command):
    code, out, _ = answer(capfd, command, "--help")
    assert code == 0 and f"example: genba {command}" in out


@pytest.mark.parametrize("command", ["run", "bench"])
def test_the_help_says_that_an_agent_may_be_a_folder(capfd, command):
    assert "a name, file or folder" in " ".join(answer(capfd, command, "--help")[1].split())


def test_the_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom genba.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pydantic', 'torch', 'pybullet', 'rich', 'numba', 'gymnasium'}\n"
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fly"],
        ["list"],
        ["list", "unicorns"],
        ["run"],
        ["run", "kitting_alone", "--seed", "-1"],
        ["run", "kitting_alone", "--seconds", "nan"],
        ["run", "kitting_alone", "--wings"],
        ["bench", "quick", "--workers", "0"],
        ["bench", "quick", "--episodes", "1e3"],
        ["speed", "--steps", "many"],
        ["report", ".", "--lang", "tlh"],
    ],
)
def test_an_impossible_command_is_answered_in_one_line(capfd, argv):
    refused(capfd, *argv)


LONG = "9" * 5000  # digits that Python does not even read


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["run", "kitting_alone", "--seed", LONG], "is no whole number from 0"),
        (["bench", "quick", "--episodes", LONG], "is no whole number of 1 or more"),
        (["run", "kitting_alone", "--seconds", LONG], "is no number of seconds from 1"),
        (["list", LONG], "choose from 'cells'"),
    ],
)
def test_a_mistake_is_not_repeated_at_length(capfd, argv, words):
    line = refused(capfd, *argv)
    assert len(line) < 300 and words in line and "9999999..." in line


@pytest.mark.parametrize("option", ["--record", "--video", "--audit"])
def test_standard_output_takes_the_json_alone(capfd, tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    line = refused(capfd, "run", "kitting_alone", *SHORT, "--json", "-", option, "-")
    assert f"{option} -: name a file" in line and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "argv",
    [
        ["bench", "quick", "--out", ""],
        ["trial", "--json", ""],
        ["run", "kitting_alone", "--record", ""],
        ["audit", "verify", ""],
        ["report", ""],
    ],
)
def test_an_empty_path_is_not_the_folder_we_are_in(capfd, argv):
    assert "an empty path; name a file or a folder" in refused(capfd, *argv)


@pytest.mark.parametrize("command", ["run", "speed", "train"])
def test_an_unknown_scenario_is_named(capfd, command):
    assert "kiting_alone" in refused(capfd, command, "kiting_alone")


def test_an_unknown_suite_is_named(capfd):
    assert "slow" in refused(capfd, "bench", "slow")


def test_an_unknown_key_of_a_scenario_file_is_named(capfd, tmp_path):
    line = refused(capfd, "run", scenario_file(tmp_path, speling=1))
    assert "mine.yaml" in line and "speling" in line


HOSTILE = "\x1b]0;PWNED\x07\u202e\x9b2J"  # what a terminal would obey


@pytest.mark.parametrize("of", ["", "task", "people", "safety"])
def test_what_a_terminal_would_obey_does_not_reach_it_from_a_scenario(capfd, tmp_path, of):
    changes: dict[str, object] = {of: {HOSTILE: {}}} if of else {HOSTILE: 1}
    line = refused(capfd, "run", scenario_file(tmp_path, **changes))
    assert "mine.yaml" in line and line[:-1].isprintable()


def test_what_a_terminal_would_obey_does_not_reach_it_from_a_card_or_a_name(capfd, tmp_path):
    card = json.loads((HERE / "kitting" / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps({**card, HOSTILE: 1}))
    (tmp_path / "policy.safetensors").write_bytes(b"")
    line = refused(capfd, "run", "kitting_alone", "--agent", tmp_path)
    assert line[:-1].isprintable() and "card.json: ?]0;PWNED???2J: unknown key" in line
    line = refused(capfd, "run", f"{HOSTILE}.yaml")
    assert line[:-1].isprintable() and "?]0;PWNED??" in line
    assert refused(capfd, "list", HOSTILE)[:-1].isprintable()


def test_what_a_terminal_would_obey_does_not_reach_it_in_a_table():
    out = io.StringIO()
    show_table(out, HOSTILE, [HOSTILE], [[f"one\ntwo{HOSTILE}"]])
    assert "two?]0;PWNED??" in out.getvalue()
    assert all(line.isprintable() for line in out.getvalue().splitlines())


def test_a_wrong_type_in_a_scenario_file_is_named(capfd, tmp_path):
    line = refused(capfd, "run", scenario_file(tmp_path, seconds="long"))
    assert "mine.yaml" in line and "seconds" in line


@pytest.mark.parametrize(
    "change",
    ["people.visits_per_hour=-1", "robot=terminator", "cell=bakery", "safety={nonsense: {}}"],
)
def test_an_impossible_change_of_a_scenario_is_named(capfd, change):
    line = refused(capfd, "run", "kitting_alone", "--set", change)
    assert change.split("=")[0].split(".")[-1] in line or change.split("=")[1].strip("{}:") in line


@pytest.mark.parametrize("command", [["run", "kitting_alone"], ["bench", "quick", "--out", "x"]])
def test_an_agent_that_is_none_is_named(capfd, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "novel.txt").write_text("It was a dark and stormy night.")
    assert "novel.txt" in refused(capfd, *command, "--agent", "./novel.txt")
    assert "nobody" in refused(capfd, *command, "--agent", "nobody")


def test_a_benchmark_says_who_cannot_play_it(capfd, tmp_path):
    argv = ["--set", "action=joint_velocity", "--seconds", 1, "--episodes", 1]
    argv += ["--workers", 1, "--out", tmp_path / "b", "--json", "-"]
    code, out, err = answer(capfd, "bench", "kitting_alone", *argv)
    assert code == 0 and {row["agent"] for row in json.loads(out)} == {"idle", "random"}
    assert "genba: scripted does not play kitting_alone: scripted: plays `action: twist`" in err


@pytest.mark.parametrize("option", ["--record", "--json", "--video"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(capfd, tmp_path, option):
    line = refused(capfd, "run", "kitting_alone", *SHORT, option, tmp_path / "no" / "folder.mp4")
    assert "folder.mp4" in line


def test_a_video_of_an_unknown_kind_is_refused(capfd, tmp_path):
    assert ".mp4" in refused(capfd, "run", "kitting_alone", "--video", tmp_path / "film.txt")


def test_an_output_folder_that_is_a_file_is_refused(capfd, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in refused(capfd, "bench", "quick", "--out", tmp_path / "file")
    assert "file" in refused(capfd, "report", tmp_path / "file")


def test_a_folder_with_other_things_in_it_is_refused_by_bench_and_by_report(capfd, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    line = refused(capfd, "bench", "quick", "--agent", "idle", "--out", tmp_path)
    assert "thesis.tex" in line
    assert "meta.json" in refused(capfd, "report", tmp_path)
    assert {p.name for p in tmp_path.iterdir() if p.name[0] != "."} == {"thesis.tex"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
@pytest.mark.parametrize(
    ("argv", "shown"),
    [(["list", "cells"], "kitting"), (["run", "kitting_alone", *SHORT], "good_parts_per_hour")],
)
def test_a_json_that_finds_the_disk_full_is_one_line_and_the_table_is_not_lost(capfd, argv, shown):
    code, out, err = answer(capfd, *argv, "--json", "/dev/full")
    assert code == BAD_INPUT and shown in out
    assert err == "genba: /dev/full: cannot be written (No space left on device)\n"


def test_nor_is_the_json_where_the_table_finds_no_reader(tmp_path):
    file = tmp_path / "f.json"
    with pytest.raises(BrokenPipeError), json_last([1], file, io.StringIO()):
        raise BrokenPipeError
    assert json.loads(file.read_text()) == [1]


def full(path, *_, **__):
    """What a full disk does: the file is made, and stays empty."""
    path.touch()
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_json_that_was_not_there_before_is_not_left_half_written(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "write_text", full)
    (tmp_path / "old.json").touch()
    for name in ("new.json", "old.json"):
        with pytest.raises(Refused, match=f"{name}: cannot be written .No space left"):
            write_json([1], tmp_path / name, io.StringIO())
    assert [p.name for p in tmp_path.iterdir()] == ["old.json"]


def test_work_that_fails_leaves_nothing_empty_behind_and_takes_nothing_along(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("old.jsonl", "old.gif"):
        (tmp_path / name).touch()
    names = ["old", "old.jsonl", "old.gif", "new/deep", "new.jsonl", "new.gif", "never.json"]
    with pytest.raises(ValueError), tidied(None, *(tmp_path / name for name in names)):
        (tmp_path / "new" / "deep").mkdir(parents=True)
        (tmp_path / "new.jsonl").touch()
        (tmp_path / "new.gif").write_bytes(b"GIF")
        raise ValueError
    assert {p.name for p in tmp_path.iterdir()} == {"old", "old.jsonl", "old.gif", "new.gif"}


def test_a_benchmark_that_is_refused_leaves_no_folder(capfd, tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    nobody = ["bench", "quick", "--agent", "nobody", "--out"]
    for folder in (tmp_path / "old", tmp_path / "runs" / "new"):
        assert "nobody" in refused(capfd, *nobody, folder)
        with monkeypatch.context() as less:
            less.setattr("genba.console.MIN_FREE", 2**80)
            assert "the disk is full" in refused(capfd, *nobody, folder)
            less.setattr(Path, "write_bytes", full)
            assert "No space left" in refused(capfd, *nobody, folder)
    assert [p.name for p in tmp_path.rglob("*")] == ["old"]


def test_a_run_whose_record_finds_no_room_leaves_no_empty_file(capfd, tmp_path, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("genba.bench.results.write_events", no_room)
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.touch()
    for record in (old, new):
        code, _, err = answer(capfd, "run", "kitting_alone", *SHORT, "--record", record)
        assert code == BAD_INPUT and f"{record}: cannot be written (No space left" in err
    assert list(tmp_path.iterdir()) == [old]


def test_a_missing_extra_says_what_to_install(capfd, tmp_path, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    for argv in (["bench", "quick"], ["report", str(tmp_path)]):
        assert 'pip install "genba[report]"' in refused(capfd, *argv)


@pytest.mark.parametrize("what", CATALOGUES)
def test_a_list_is_an_array_of_objects_with_a_name(capfd, what):
    code, out, _ = answer(capfd, "list", what, "--json", "-")
    rows = json.loads(out)
    assert code == 0 and rows and all(row["name"] for row in rows)
    assert len({row["name"] for row in rows}) == len(rows)


def test_the_profiles_are_listed_with_what_they_are_for_and_their_rules(capfd):
    code, out, _ = answer(capfd, "list", "profiles")
    told = " ".join(out.split())
    assert code == 0 and "stop_always" in told and "speed_separation" in told
    assert "the robot stands while anybody is within 1.6 m" in told


def test_a_list_is_a_table_for_people(capfd, tmp_path):
    code, out, _ = answer(capfd, "list", "figures", "--json", tmp_path / "f.json")
    assert code == 0 and "human_minutes_per_robot_hour" in out
    assert "oee" in {row["name"] for row in json.loads((tmp_path / "f.json").read_text())}


def test_run_prints_json_and_nothing_else_on_standard_output(capfd, tmp_path):
    record = tmp_path / "events.jsonl"
    code, out, _ = answer(
        capfd, "run", "kitting_alone", *SHORT, "--seed", "5", "--json", "-", "--record", record
    )
    row = json.loads(out)
    assert code == 0 and row["seed"] == 5 and row["seconds"] == 1.0
    assert {"good_parts", "oee", "mtbi", "max_force_ratio"} <= set(row["figures"])
    events = [json.loads(line) for line in record.read_text().splitlines()]
    assert events[0]["kind"] == "episode_start" and events[-1]["kind"] == "episode_end"


def test_run_prints_a_table_of_figures_with_units(capfd):
    code, out, _ = answer(capfd, "run", "kitting_alone", *SHORT)
    assert code == 0 and "good_parts_per_hour" in out and "parts/h" in out


def test_what_is_set_reaches_the_cell(capfd, tmp_path):
    record = tmp_path / "events.jsonl"
    argv = ["run", "kitting_shared", *SHORT, "--set", "safety={}", "--record", record]
    assert answer(capfd, *argv)[0] == 0
    start = json.loads(record.read_text().splitlines()[0])
    assert start["data"]["safety"] == [] and start["data"]["seconds"] == 1.0


def test_a_film_shows_the_episode(capfd, tmp_path):
    imageio = pytest.importorskip("imageio")
    film = tmp_path / "film.gif"
    assert answer(capfd, "run", "kitting_alone", "--seconds", "1", "--video", film)[0] == 0
    frames = imageio.mimread(film)
    assert len(frames) >= 5 and frames[0].std() > 0


class Broken:
    """An agent whose author made a mistake."""

    def reset(self, observation, info): ...

    def act(self, observation):
        raise ZeroDivisionError("division\nby zero")


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_a_film_that_finds_the_disk_full_is_one_line_and_no_fault_of_the_agent(tmp_path, kind):
    pytest.importorskip("imageio_ffmpeg")
    film = tmp_path / f"full.{kind}"
    film.symlink_to("/dev/full")
    told = ["run", "kitting_alone", "--seconds", "1", "--agent", "idle", "--video", str(film)]
    done = subprocess.run([sys.executable, "-m", "genba.cli", *told], capture_output=True)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == BAD_INPUT and film.is_symlink()
    assert line.startswith(f"genba: {film}: cannot be written")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_closed_is_no_error_and_no_file_takes_its_place(closed, tmp_path):
    file = tmp_path / "cells.json"
    line = f'exec "{sys.executable}" -m genba.cli list cells --json "{file}" {closed}'
    done = subprocess.run(["sh", "-c", line], capture_output=True)
    assert done.returncode == 0 and done.stderr == b""
    assert [row["name"] for row in json.loads(file.read_text())] == ["kitting", "conveyor_sorting"]
    refused = subprocess.run(["sh", "-c", line.replace("list cells", "list cellz")])
    assert refused.returncode == 2


def test_a_record_that_finds_the_disk_full_is_named(capfd):
    code, _, err = answer(capfd, "run", "kitting_alone", *SHORT, "--record", "/dev/full")
    assert code == BAD_INPUT and "/dev/full: cannot be written (No space left" in err


def test_an_agent_that_raises_is_one_line_and_its_events_are_kept(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("genba.agents.make", lambda name, env: Broken())
    record = tmp_path / "e.jsonl"
    code, out, err = answer(capfd, "run", "kitting_alone", "--record", record)
    assert code == FAILED and out == ""
    assert "ZeroDivisionError: division by zero" in err.splitlines()[-1]
    assert record.read_text().count("\n") >= 1


def test_an_interrupt_is_one_line_and_the_events_are_kept(capfd, tmp_path, monkeypatch):
    class Impatient(Broken):
        def act(self, observation):
            raise KeyboardInterrupt

    monkeypatch.setattr("genba.agents.make", lambda name, env: Impatient())
    record = tmp_path / "e.jsonl"
    code, _, err = answer(capfd, "run", "kitting_alone", "--record", record)
    assert code == INTERRUPTED and err.count("interrupted") == 1 and str(record) in err
    assert json.loads(record.read_text().splitlines()[0])["kind"] == "episode_start"


def test_a_run_that_is_told_to_end_keeps_its_events_too(capfd, tmp_path, monkeypatch):
    from genba.agents.idle import Idle

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Idle, "act", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    record = tmp_path / "events.jsonl"
    code, _, err = answer(capfd, "run", "kitting_alone", *SHORT, "--record", record)
    assert code == INTERRUPTED and str(record) in err
    assert "episode_start" in record.read_text()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_reader_that_leaves_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "genba.cli", "list", "figures"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout and process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0 and said == b""


def test_a_fault_of_ours_is_not_passed_off_as_bad_input(monkeypatch):
    def fault(options, out):
        raise ValueError("ours")

    monkeypatch.setitem(commands.COMMANDS, "list", fault)
    with pytest.raises(ValueError, match="ours"):
        main(["list", "cells"])


def test_speed_accounts_for_the_steps_that_were_measured(capfd):
    code, out, _ = answer(capfd, "speed", "kitting_alone", "--steps", "4", "--json", "-")
    (row,) = json.loads(out)
    assert code == 0 and row["name"] == "kitting_alone"
    assert row["step_over_physics"] > 1.0 and 0.0 < row["safety_share"] < 1.0
    assert row["physics_us"] + row["safety_us"] < row["step_us"] * 1.5  # parts of one whole
    assert row["parts_10_over_1"] > 0.0 and row["reset_in_steps"] > 0.0
    assert 0.0 < row["layer_us_median"] <= row["layer_us_p999"] <= row["layer_us_max"]
    assert row["parts"][0]["name"] == "physics" and row["parts"][0]["over_physics"] == 1.0
    assert [part["name"] for part in row["parts"]] == [*PARTS, "all else"]
    assert all(0.0 < part["over_physics"] < 10.0 for part in row["parts"] if part["us"])
    assert [rule["name"] for rule in row["rules"]] == [*read_config(every_rule())]
    assert all(0.0 < rule["median_us"] <= rule["p999_us"] for rule in row["rules"])


def test_a_part_of_a_step_does_not_count_what_another_within_it_takes(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 4.5, 6.0, 7.0])
    monkeypatch.setattr("genba.speed.time.perf_counter", lambda: next(now))
    inner = [0.0]
    within = Stopwatch(lambda: None, inner)
    around = Stopwatch(lambda: within() or within(), inner)
    around()
    assert (within.seconds, around.seconds) == (2.0 + 1.5, 7.0 - 3.5)


def test_the_parts_of_a_step_make_the_whole():
    block = {name: 1e-6 for name in PARTS} | {"physics": 4e-6, "total": 20e-6}
    parts = parted([block])
    assert sum(part["us"] for part in parts) == pytest.approx(20.0)
    left = parts[-1]
    assert left["name"] == "all else" and left["over_physics"] == pytest.approx(1.0)


def test_speed_asks_for_more_steps_where_nobody_came(capfd):
    sets = "people.visits_per_hour=0.001"
    code, out, err = answer(
        capfd, "speed", "conveyor_sorting_shared", "--steps", "1", "--set", sets
    )
    assert code == 2 and not out and "give more --steps" in err


def test_speed_shows_the_layer_rule_by_rule(capfd, monkeypatch):
    rules = [{"name": "tcp_speed", "median_us": 0.41, "p999_us": 1.93}]
    parts = [{"name": "referee", "us": 22.4, "over_physics": 0.083}]
    row = {"name": "kitting_shared", "layer_us_median": 17.3, "layer_us_p999": 61.2}
    row |= {"rules": rules, "parts": parts}
    monkeypatch.setattr("genba.speed.speed", lambda *_: row)
    code, out, _ = answer(capfd, "speed", "kitting_shared")
    assert code == 0 and "two people near" in out
    for shown in ("layer_us_median", "17.3", "layer_us_p999", "61.2", "tcp_speed", "0.41", "1.93"):
        assert shown in out
    assert "referee" in out and "22.4" in out and "0.083" in out
