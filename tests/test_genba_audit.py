"""`--audit` and `genba audit`: written by a run, checked, explained, and never a riddle."""

# pytest fills in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import importlib.util
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genba.audit import explain
from genba.bench.audit import Ledger, recorded
from genba.cli import BAD_INPUT, FAILED, main
from genba.envs import make
from genba.rule_names import LANGUAGES
from genba.safety import SafetyLayer
from genba.safety.audit import AuditError, AuditLog, Book, chain, verify
from genba.sim.kinematics import chain_of
from genba.sim.state import Person, RobotState, State

MANY = ["--set", "people.visits_per_hour=3600", "--seconds", "9", "--seed", "6"]


def sound_line(raw):
    """A line whose hash fits."""
    line = chain.read(raw)
    assert line is not None
    return line


def anew(members):
    """A whole log from the members of its lines, with hashes that fit."""
    out, previous = [], chain.NOTHING
    for n, rest in enumerate(members):
        line, previous = chain.write(n, previous, rest)
        out.append(line)
    return b"".join(out)


def answer(capfd, *argv):
    """Exit code and what was said on standard output and standard error."""
    code: object
    try:
        code = main([str(a) for a in argv])
    except SystemExit as stop:
        code = stop.code
    said = capfd.readouterr()
    return code, said.out, said.err


def refused(capfd, *argv, out=False):
    """The one line that bad input is answered with; `out`: after what could be said."""
    code, said, err = answer(capfd, *argv)
    assert code == BAD_INPUT and (out or said == "") and err.count("\n") == 1, err
    return err


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A signed log of an episode with many people, and its keys."""
    folder = tmp_path_factory.mktemp("audit")
    log, key = str(folder / "log"), str(folder / "key")
    assert main(["audit", "keygen", key]) == 0
    run = ["run", "kitting_shared", "--audit", log, "--audit-key", key, "--json", str(folder / "r")]
    assert main([*run, *MANY]) == 0
    return folder


def test_a_run_writes_a_log_that_verifies_and_gives_the_same_answers(played, capfd):
    key = ["--key", played / "key.pub"]
    code, out, _ = answer(capfd, "audit", "verify", played / "log", *key, "--replay")
    assert code == 0 and "the signature is good" in out and "to the bit" in out
    assert "nothing was changed" in out
    code, out, _ = answer(capfd, "audit", "verify", played / "log", "--json", "-")
    row = json.loads(out)
    assert code == 0 and row["sealed"] and row["findings"] == [] and row["entries"] > 3
    assert row["signature"] == "its own key"


def tampered(rows):
    """What may be done to the lines of a log, and what is said of it."""
    return [
        (rows[:2] + [rows[2].replace(b"separat", b"seperat", 1)] + rows[3:], "line 3 was changed"),
        (rows[:3] + rows[4:], "line 4 is missing"),
        (rows[:1] + [rows[2], rows[1]] + rows[3:], "line 2 was moved"),
    ]


def test_what_was_done_to_a_log_is_said_with_its_line(played, capfd, tmp_path):
    rows = (played / "log").read_bytes().splitlines(keepends=True)
    path = tmp_path / "log"
    for changed, said in [
        *tampered(rows),
        (rows[:-1], "ends without a seal"),
        (rows[:-2], "ends without a seal"),
    ]:
        path.write_bytes(b"".join(changed))
        code, out, _ = answer(capfd, "audit", "verify", path)
        assert code == FAILED and said in out, out


def test_a_key_that_is_another_or_a_log_without_signature_is_found(played, capfd, tmp_path):
    answer(capfd, "audit", "keygen", tmp_path / "other")
    code, out, _ = answer(capfd, "audit", "verify", played / "log", "--key", tmp_path / "other.pub")
    assert code == FAILED and "signed by another key" in out
    rows = [sound_line(line) for line in (played / "log").read_bytes().splitlines()]
    seal = re.sub(rb',"key":.*', b"", rows[-1].rest)
    bare, previous = [], chain.NOTHING
    for n, rest in enumerate([*(row.rest for row in rows[:-1]), seal]):
        line, previous = chain.write(n, previous, rest)
        bare.append(line)
    (tmp_path / "bare").write_bytes(b"".join(bare))
    code, out, _ = answer(capfd, "audit", "verify", tmp_path / "bare", "--key", played / "key.pub")
    assert code == FAILED and "not signed" in out


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_event_is_explained_and_drawn(played, capfd, lang, tmp_path):
    code, out, _ = answer(capfd, "audit", "explain", played / "log", "--lang", lang)
    numbers = re.findall(r"│ +(\d+) │", out)
    assert code == 0 and len(numbers) > 3
    said = map(json.loads, (played / "log").read_bytes().splitlines())
    ended = [str(one["n"]) for one in said if one["kind"] == "off"]
    for number in numbers:
        svg = tmp_path / f"{number}.svg"
        asked = ["--event", number, "--lang", lang, "--svg", svg]
        code, out, _ = answer(capfd, "audit", "explain", played / "log", *asked)
        if number in ended:  # nothing began: no inputs
            assert code == BAD_INPUT and not svg.exists()
            assert len(out.splitlines()) in (5, 6) and "#" not in out
            continue
        *rows, scale, _ = out.splitlines()
        assert code == 0 and any("#" in row for row in rows[-26:]) and scale.endswith(" m")
        ElementTree.parse(svg)


def test_a_stop_is_explained_in_plain_words(played, capfd):
    rows = map(json.loads, (played / "log").read_bytes().splitlines())
    n = next(r["n"] for r in rows if any(e["kind"] == "stop" for e in r.get("events", ())))
    _, out, _ = answer(capfd, "audit", "explain", played / "log", "--event", n)
    assert "The robot is stopped: speed and separation monitoring" in out
    assert "distance from the robot to the person" in out and "short of it" in out
    assert "stop category 2" in out and "by itself" in out and "ISO" in out
    assert re.search(r"visitor-\d+ \(visitor, \w+\): [\w ]+ at \d\.\d+ m from the robot's", out)
    drawing = out.split("\n\n")[-1]
    assert all(mark in drawing for mark in "#oRP+") and re.search(r"\|=+\| \d", drawing)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_reset_and_inputs_that_are_no_numbers_are_explained_too(tmp_path, capfd, lang):
    chained = chain_of("panda", "parallel")
    q = np.array(chained.robot.home)
    robot = RobotState(q, np.zeros(7), *chained.state(q, np.zeros(7)), 0.02, False)
    still = chained.command(q, np.zeros(7), 0.0, np.zeros(7))
    with AuditLog(Book(tmp_path / "log")) as log:
        guard = SafetyLayer({"emergency_stop": {}}, {"robot": chained})
        guard.recorder = log
        guard.start()
        guard.filter(State(0.1, {"robot": robot}, machines={"emergency_stop": True}), still)
        guard.filter(State(0.11, {"robot": robot}), still)
        guard.reset(0.12)
        guard.filter(State(0.13, {"robot": robot}), still._replace(dq=None))  # type: ignore[arg-type] # meant to be wrong
    asked = ["audit", "explain", tmp_path / "log", "--lang", lang, "--event"]
    said = [answer(capfd, *asked, n) for n in (1, 2, 3)]
    assert [code for code, _, _ in said] == [0, 0, 0]
    if lang == "en":
        assert "a person must reset it" in said[0][1] and "nobody is seen" in said[0][1]
        assert "A person resets the stop of 0.02 s: emergency stop" in said[1][1]
        assert "no plain values" in said[2][1] and "the layer failed" in said[2][1]
    no_picture = tmp_path / "x.svg"
    assert "nothing to draw" in refused(capfd, *asked, 2, "--svg", no_picture, out=True)


ARRAY = np.zeros((2, 6))
WRONG: list[tuple[str, dict[str, Any], bool]] = [  # where, what, whether it is drawn all the same
    ("person", {"velocities": np.zeros((0, 6))}, True),
    ("command", {"asked": np.full((2, 3), 9.0)}, True),
    ("person", {"capsules": np.zeros((3, 3))}, False),
    ("person", {"capsules": np.zeros(7)}, False),
    ("robot", {"capsules": np.zeros((10, 3))}, False),
    ("robot", {"tcp_velocity": ARRAY}, False),
    ("command", {"tcp_velocity": ARRAY}, False),
    ("command", {"tcp_velocity": np.array(3.0)}, False),
    ("command", {"dq": ARRAY}, False),
    ("command", {"dq": "fast"}, False),
    ("state", {"robots": {}}, False),
]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("where", "what", "drawn"), WRONG)
def test_inputs_of_a_wrong_shape_are_told_in_words(tmp_path, capfd, lang, where, what, drawn):
    chained = chain_of("panda", "parallel")
    q = np.array(chained.robot.home)
    body = np.array([[0.9, 0.0, -0.3, 0.9, 0.0, 0.6, 0.2]])
    given: dict[str, Any] = {
        "robot": RobotState(q, np.zeros(7), *chained.state(q, np.zeros(7)), 0.02, False),
        "person": Person("visitor", "indifferent", body, np.zeros((1, 6))),
        "command": chained.command(q, np.full(7, 0.1), 0.0, np.zeros(7)),
    }
    if where != "state":
        given[where] = given[where]._replace(**what)
    now = State(0.1, {"robot": given["robot"]}, {"visitor-1": given["person"]}, people_age=0.05)
    with AuditLog(Book(tmp_path / "log")) as log:
        guard = SafetyLayer({"speed_separation": {}, "finite_command": {}}, {"robot": chained})
        guard.recorder = log
        guard.start()
        guard.filter(now._replace(**what) if where == "state" else now, given["command"])
    asked = ["audit", "explain", tmp_path / "log", "--lang", lang, "--event", 1]
    code, out, err = answer(capfd, *asked)
    assert (code, err) == (0, "")
    said = json.loads((tmp_path / "log").read_bytes().splitlines()[1])
    assert len(said["acting"]) > 0 and ("#" in out) == drawn
    if lang == "en":
        assert all(acting["reason"] in out for acting in said["acting"])
        assert "is stopped" in out and ("no drawing" in out) != drawn
    svg = ["--svg", tmp_path / "x.svg"]
    if drawn:
        assert answer(capfd, *asked, *svg)[0] == 0
    else:
        assert "entry 1 holds nothing to draw" in refused(capfd, *asked, *svg, out=True)


def test_a_log_that_was_changed_is_not_explained_as_a_sound_one(played, capfd, tmp_path):
    rows = (played / "log").read_bytes().splitlines(keepends=True)
    path = tmp_path / "log"
    for changed, said in [
        *tampered(rows),
        ([*rows, rows[1]], "behind the seal"),
    ]:
        path.write_bytes(b"".join(changed))
        for asked in ([], ["--event", 1]):
            code, out, _ = answer(capfd, "audit", "explain", path, *asked)
            first = out.splitlines()[0]
            assert code == FAILED and first.startswith("this log was changed: line"), out
            assert said in first or "more" in first and len(out.splitlines()) > 5
            assert f"see genba audit verify {path}" in first
    path.write_bytes(b"".join(rows[:-1]))
    code, out, _ = answer(capfd, "audit", "explain", path)
    assert code == FAILED and out.startswith("this log is not whole: ends without a seal")
    path.write_bytes(b"".join([*rows[:2], rows[2].replace(b"separat", b"seperat", 1), *rows[3:]]))
    err = refused(capfd, "audit", "explain", path, "--event", 2, out=True)
    assert f"{path}: line 3 is damaged, and so is entry 2" in err


def test_a_seal_whose_signature_does_not_fit_is_said_before_anything_is_explained(
    played, capfd, tmp_path
):
    members = [sound_line(line).rest for line in (played / "log").read_bytes().splitlines()]
    members[1] = members[1].replace(b"visitor", b"visitir", 1)
    (tmp_path / "log").write_bytes(anew(members))
    code, out, _ = answer(capfd, "audit", "explain", tmp_path / "log")
    assert code == FAILED and "the signature does not fit" in out.splitlines()[0]


@pytest.mark.parametrize(
    "junk",
    [b"NaN", b"1e999", b"[" * 50_000 + b"]" * 50_000, b'"\xff"', b'"\\ud800"', b"1e308", b"-"],
)
def test_an_entry_with_a_hash_that_fits_and_no_json_is_one_line(played, capfd, tmp_path, junk):
    members = [sound_line(line).rest for line in (played / "log").read_bytes().splitlines()]
    kind = b'"kind":"tick","time":' + junk
    members[2:3] = [kind + b',"events":[],"memory":{"layer":{"stop":null}}']
    path = tmp_path / "log"
    path.write_bytes(anew(members))
    code, out, err = answer(capfd, "audit", "explain", path)
    assert code == FAILED and err == "" and out.startswith("this log was changed: ")
    assert f"{path}: " in refused(capfd, "audit", "explain", path, "--event", 2, out=True)
    assert answer(capfd, "audit", "explain", path, "--event", 3)[0] == FAILED
    members[0] = b'"kind":"start","episode":' + junk
    path.write_bytes(anew(members))
    code, out, err = answer(capfd, "audit", "explain", path, "--event", 3)
    assert code in (BAD_INPUT, FAILED) and err.count("\n") <= 1


def test_a_log_without_signature_is_not_said_to_be_proof(played, capfd, tmp_path):
    members = [sound_line(line).rest for line in (played / "log").read_bytes().splitlines()]
    members[-1] = re.sub(rb',"key":.*', b"", members[-1])
    (tmp_path / "log").write_bytes(anew(members))
    code, out, _ = answer(capfd, "audit", "verify", tmp_path / "log")
    assert code == 0 and "nothing was changed" not in out
    assert "unsigned, so it does not prove that nobody rewrote all of it" in out
    code, out, _ = answer(capfd, "audit", "verify", played / "log")
    assert code == 0 and "only --key FILE shows" in out and "nothing was changed" not in out


def test_an_interrupted_run_is_sealed_and_says_so(tmp_path):
    env = make("kitting_alone", overrides=["seconds=5"])
    with pytest.raises(KeyboardInterrupt), recorded(env, Book(tmp_path / "log"), {}):
        env.reset(seed=1)
        raise KeyboardInterrupt
    env.close()
    assert verify(tmp_path / "log").findings == []
    assert b"broken off: KeyboardInterrupt" in (tmp_path / "log").read_bytes()


def test_the_robots_own_words_do_not_move_the_terminal(played, capfd, tmp_path):
    out, previous = [], chain.NOTHING
    for n, line in enumerate((played / "log").read_bytes().splitlines()):
        rest = sound_line(line).rest.replace(b'"kitting_shared"', b'"\\u001b[2Jx"')
        rest = rest.replace(b'"visitor-', b'"\\u001b[2J')
        line, previous = chain.write(n, previous, rest)
        out.append(line)
    (tmp_path / "log").write_bytes(b"".join(out))
    asked = ["--event", 1, "--svg", tmp_path / "x.svg"]
    assert "\x1b" not in answer(capfd, "audit", "explain", tmp_path / "log", *asked)[1]
    ElementTree.parse(tmp_path / "x.svg")


def test_what_cannot_be_done_is_one_line(played, capfd, tmp_path, monkeypatch):
    log = played / "log"
    assert "exists already" in refused(capfd, "run", "kitting_alone", "--audit", log)
    assert "give that too" in refused(capfd, "run", "kitting_alone", "--audit-key", played / "key")
    new = ["run", "kitting_alone", "--audit", tmp_path / "new", "--audit-key"]
    assert "no private key" in refused(capfd, *new, log)
    assert "No such file" in refused(capfd, *new, tmp_path / "nothing")
    nowhere = tmp_path / "no" / "log"
    assert "cannot be written" in refused(capfd, "run", "kitting_alone", "--audit", nowhere)
    assert "No such file" in refused(capfd, "audit", "verify", nowhere)
    assert "not an audit log" in refused(capfd, "audit", "verify", played / "key")
    assert "not an audit log" in refused(capfd, "audit", "explain", played / "key")
    assert "no event" in refused(capfd, "audit", "explain", log, "--event", 0)
    assert "no event" in refused(capfd, "audit", "explain", log, "--event", 99999)
    assert "never overwritten" in refused(capfd, "audit", "keygen", played / "key")
    assert "no public key" in refused(capfd, "audit", "verify", log, "--key", log)
    monkeypatch.setattr(importlib.util, "find_spec", lambda *a: None)
    for asked in (["verify", log, "--key", played / "key.pub"], ["keygen", tmp_path / "k"]):
        assert 'pip install "genba[audit]"' in refused(capfd, "audit", *asked)


def test_no_output_replaces_a_log_or_a_key(played, capfd, tmp_path):
    log, key, new = tmp_path / "log", tmp_path / "key", tmp_path / "new.gif"
    shutil.copy(played / "log", log)
    shutil.copy(played / "key", key)
    (tmp_path / "link").symlink_to(log)
    os.link(log, tmp_path / "hard")
    was = log.read_bytes(), key.read_bytes()
    for name in (log, tmp_path / "." / "log", tmp_path / "link", tmp_path / "hard"):
        assert "named twice" in refused(capfd, "audit", "verify", log, "--json", name)
        shown = ["audit", "explain", log, "--event", 1, "--svg", name]
        assert "named twice" in refused(capfd, *shown)
    assert "named twice" in refused(capfd, "audit", "verify", log, "--key", key, "--json", key)
    run = ["run", "kitting_alone", "--seconds", 1, "--audit", new]
    for more in (["--record", new], ["--json", new], ["--video", new], ["--audit-key", new]):
        assert "named twice" in refused(capfd, *run, *more)
    assert "named twice" in refused(capfd, *run, "--audit-key", key, "--record", key)
    assert "named twice" in refused(capfd, *run[:4], "--record", new, "--json", new)
    bench = ["bench", "kitting_alone", "--out", tmp_path / "out", "--audit", new, "--json", new]
    assert "named twice" in refused(capfd, *bench)
    assert not new.exists() and (log.read_bytes(), key.read_bytes()) == was
    nothing = ["--record", "/dev/null", "--json", "/dev/null"]
    assert answer(capfd, "run", "kitting_alone", "--seconds", 1, *nothing)[0] == 0


def test_a_log_that_could_not_be_written_is_said_at_the_end(capfd):
    code, _, err = answer(capfd, "run", "kitting_alone", "--seconds", 1, "--audit", "/dev/full")
    assert code == FAILED and "the audit log is not complete" in err and "No space left" in err


def test_the_check_of_the_documents_finds_the_same(played, tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.S)[0]
    space: dict[str, Any] = {}
    exec(compile(code, "block", "exec"), space)  # our own document
    assert space["chain"](played / "log") == "whole"
    rows = (played / "log").read_bytes().splitlines(keepends=True)
    path = tmp_path / "log"
    path.write_bytes(b"".join(rows[:-1]))
    assert space["chain"](path) == "not sealed"
    for damaged in (rows[:2] + rows[3:], [*rows[:2], rows[2].replace(b"separat", b"seperat")]):
        path.write_bytes(b"".join(damaged))
        assert space["chain"](path) == "line 3 is not as it was written"


SUITE = "name: s\nscenarios: [kitting_shared]\nepisodes: 2\nseed: 1\nseconds: 8\n"


def test_a_benchmark_writes_one_log_of_all_its_episodes(tmp_path, capfd):
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE)
    log, out = tmp_path / "log", tmp_path / "out"
    bench = ["bench", suite, "--agent", "idle", "--workers", 1, "--out", out, "--audit", log]
    many = ["--set", "people.visits_per_hour=3600"]
    assert answer(capfd, *bench, *many)[0] == 0
    found = verify(log)
    assert found.findings == [] and found.episodes == 2 and found.entries > 0
    assert not list(out.glob("episodes/*.audit"))
    assert answer(capfd, *bench, *many, "--resume")[0] == 0  # nothing to add
    assert "is sealed" in refused(capfd, *bench, *many, "--resume", "--episodes", 3)
    first = next(line.n for _, line in explain._sound(log) if line.kind == "tick")
    assert answer(capfd, "audit", "explain", log, "--event", first)[0] == 0


def part(path, entries):
    """What a worker leaves of an episode."""
    out, previous = [], chain.NOTHING
    kinds = ["start", *["gap"] * entries, "end", "seal"]
    members = {
        "start": b',"config":{},"config_hash":"%s"',
        "gap": b',"lost":1',
        "end": b',"entries":0',
        "seal": b',"lines":9',
    }
    for n, kind in enumerate(kinds):
        rest = b'"kind":"%s"' % kind.encode() + members.get(kind, b"").replace(
            b"%s", b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        )
        line, previous = chain.write(n, previous, rest)
        out.append(line)
    path.write_bytes(b"".join(out))
    return path


def test_a_ledger_that_was_broken_off_is_gone_on_with(tmp_path):
    path = tmp_path / "log"
    ledger = Ledger(path)
    ledger.add(part(tmp_path / "a", 2))
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"n":4,"previous":"half a li')
    assert {f.what for f in verify(path).findings} == {"unsealed", "cut"}
    ledger = Ledger(path, resume=True)
    ledger.add(part(tmp_path / "b", 1))
    ledger.seal()
    ledger.close()
    found = verify(path)
    assert found.findings == [] and found.episodes == 2 and found.gaps == 3 and ledger.missing == 1
    assert b'"kind":"resumed","cut":28' in path.read_bytes()


def test_an_episode_whose_worker_died_is_ended_by_the_ledger(tmp_path):
    rows = part(tmp_path / "a", 0).read_bytes().splitlines(keepends=True)
    (tmp_path / "a").write_bytes(rows[0] + rows[1][:40])
    ledger = Ledger(tmp_path / "log")
    ledger.add(tmp_path / "a")
    ledger.add(part(tmp_path / "b", 0))
    ledger.seal()
    ledger.close()
    found = verify(tmp_path / "log")
    assert found.findings == [] and found.episodes == 2
    assert b"the worker died" in (tmp_path / "log").read_bytes()


def test_a_ledger_that_was_changed_is_not_gone_on_with(tmp_path):
    path = tmp_path / "log"
    ledger = Ledger(path)
    ledger.add(part(tmp_path / "a", 2))
    ledger.close()
    path.write_bytes(path.read_bytes().replace(b'"lost":1', b'"lost":2', 1))
    with pytest.raises(AuditError, match="line 2 was changed"):
        Ledger(path, resume=True)
    with pytest.raises(AuditError, match="never overwritten"):
        Ledger(path)
